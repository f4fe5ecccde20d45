//! What a sign-in leaves on disk besides the account: the attempt of `--print-url`, the acknowledgement, and
//! sessions nobody wanted.

use std::io;

use crate::adapters::disk::atomic;
use crate::adapters::login::SignInDesk;
use crate::base::Secret;
use crate::base::calendar::stamp;
use crate::domain::change::Change;
use crate::domain::login::admission::SignIn;
use crate::domain::login::attempt::Attempt;
use crate::domain::login::failure::Failure;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::terms::{Acknowledged, By, REVISION};
use crate::formats::accounts::Document;
use crate::formats::extension::Extension;
use crate::formats::{acknowledged, login_attempt};
use crate::ports::Clock;

const ATTEMPT: &str = "login-attempt.json";
const ACKNOWLEDGED: &str = "acknowledged.json";

impl<C: Clock> SignInDesk<C> {
    /// Keeps an attempt for a later run, in place of an earlier one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self, attempt: &Attempt) -> Result<(), Failure> {
        let text = login_attempt::print(attempt);
        self.write(ATTEMPT, text.expose())
    }

    /// The kept attempt. A stale or unreadable one is removed.
    ///
    /// # Errors
    /// `NoAttempt` or `StaleAttempt`.
    pub fn recall(&self) -> Result<Attempt, Failure> {
        let text = atomic::read_text(&self.0.ext.join(ATTEMPT)).ok().flatten().ok_or(Failure::NoAttempt)?;
        let Some(attempt) = login_attempt::parse(&text) else {
            self.forget();
            return Err(Failure::NoAttempt);
        };
        if attempt.is_stale(self.0.clock.now()) {
            self.forget();
            return Err(Failure::StaleAttempt);
        }
        Ok(attempt)
    }

    /// Removes the kept attempt: it is good once.
    pub fn forget(&self) {
        // What cannot be removed goes stale by itself.
        let _ = atomic::remove(&self.0.ext.join(ATTEMPT));
    }

    /// What is on record of the acknowledgement.
    pub fn acknowledged(&self) -> Option<Acknowledged> {
        let text = atomic::read_text(&self.0.ext.join(ACKNOWLEDGED)).ok().flatten()?;
        acknowledged::parse(&text)
    }

    /// Records the acknowledgement.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn acknowledge(&self, by: By) -> Result<(), Failure> {
        let old = atomic::read_text(&self.0.ext.join(ACKNOWLEDGED)).ok().flatten().unwrap_or_default();
        let record = Acknowledged { at: self.0.clock.now(), revision: REVISION, by };
        self.write(ACKNOWLEDGED, &acknowledged::print(&old, record, env!("CARGO_PKG_VERSION")))
    }

    /// Puts a session aside that nobody asked for, as a pool of its own; returns the path.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_aside(&self, sign_in: &SignIn) -> Result<String, Failure> {
        let path = self.0.quarantine.join(format!("{}-login.json", stamp(self.0.clock.now())));
        let now = self.0.clock.now();
        let mut pool = Document::empty();
        pool.apply(&[Change::SignedIn(Box::new(sign_in.clone()))], &mut Extension::default(), now);
        let text = Secret::new(pool.to_text());
        match atomic::write(&path, text.expose().as_bytes()) {
            Ok(()) => Ok(path.display().to_string()),
            Err(error) => Err(unwritable(&path.display().to_string(), &error)),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.0.ext.join(name);
        atomic::write(&path, text.as_bytes()).map_err(|error| unwritable(&path.display().to_string(), &error))
    }
}

fn unwritable(path: &str, error: &io::Error) -> Failure {
    let problem = Problem::new("storage-unreadable", Exit::Failed, format!("{path} could not be written"))
        .because(error.to_string())
        .hint(Hint::Say("Check the permissions of the folder; nothing was stored".to_owned()));
    Failure::Ours(Box::new(problem))
}
