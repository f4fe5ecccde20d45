//! Signing in over the network: authorize links, the callback listener, device codes, the exchange of a code.
//!
//! Our own OAuth only: the official CLI's `login` is never run, nothing is revoked, and no redirect is followed.
//! Codes, verifiers and tokens stay in [`Secret`]s; an answer is read before any of it is told, and told masked.

mod authorize;
mod call;
mod device;
mod holder;
mod keep;
pub mod line;
mod listen;
pub mod opener;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;

use crate::adapters::upstream::client::Clients;
use crate::base::{Moment, Secret};
use crate::domain::account::{Credentials, Door, Tokens};
use crate::domain::login::admission::{Place, SignIn};
use crate::domain::login::attempt::{Attempt, Wish};
use crate::domain::login::failure::Failure;
use crate::domain::login::limit::{Act, Attempts};
use crate::domain::places::Places;
use crate::formats::{jwt, oauth_wire, seats};
use crate::ports::Clock;
use crate::ports::upstream::UpstreamError;

pub use listen::{Handover, Listener};

/// Everything a sign-in needs from the outside; cheap to clone.
#[derive(Debug)]
pub struct SignInDesk<C>(Arc<Inner<C>>);

#[derive(Debug)]
struct Inner<C> {
    clients: Clients,
    /// `https://auth.openai.com`, or what stands for it (decisions.md D25); no slash at the end.
    base: String,
    clock: C,
    attempts: Mutex<Attempts>,
    ext: PathBuf,
    quarantine: PathBuf,
}

impl<C> Clone for SignInDesk<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Clock> SignInDesk<C> {
    /// A desk of the root that `places` names.
    pub fn new(clients: Clients, base: &str, clock: C, places: &Places) -> Self {
        Self(Arc::new(Inner {
            clients,
            base: base.trim_end_matches('/').to_owned(),
            clock,
            attempts: Mutex::default(),
            ext: places.ext(""),
            quarantine: places.quarantine(),
        }))
    }

    /// Mints an attempt whose callback goes to `port`.
    ///
    /// # Errors
    /// When the base is no address.
    pub fn mint(&self, port: u16, wish: &Wish) -> Result<Attempt, Failure> {
        authorize::mint(&self.0.base, port, wish, self.0.clock.now())
    }

    /// Gives the code of an attempt, which came `by` a browser or by hand, up for a session.
    ///
    /// # Errors
    /// Whatever ends a sign-in; the code is spent either way.
    pub async fn exchange(&self, attempt: &Attempt, code: &Secret, by: Door) -> Result<SignIn, Failure> {
        let act = Act::failure(attempt.workspace.as_deref().unwrap_or_default());
        self.allowed(&act)?;
        let answer = self.0.exchange(&attempt.redirect_uri, code, &attempt.verifier).await;
        let session = answer.and_then(|answer| granted(&answer, by, self.0.clock.now()));
        if session.is_err() {
            self.note(&act);
        }
        session
    }

    /// Ends a sign-in at the service: its refresh token and what came of it are worth nothing afterwards.
    ///
    /// # Errors
    /// Why it may still be good, in words.
    pub async fn revoke(&self, refresh: &Secret) -> Result<(), String> {
        let url = self
            .0
            .url("/oauth/revoke")
            .map_err(|_| "the address of the sign-in service cannot be read".to_owned())?;
        let answer = self.0.post(url, oauth_wire::revoke_body(refresh)).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.is_success() {
            Ok(())
        } else {
            Err(format!("the sign-in service answered {}", answer.status))
        }
    }

    fn allowed(&self, act: &Act) -> Result<(), Failure> {
        let mut attempts = self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.check(act, self.0.clock.now()).map_err(Failure::TooMany)
    }

    fn note(&self, act: &Act) {
        let mut attempts = self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.note(act, self.0.clock.now());
    }
}

impl<C> Inner<C> {
    fn url(&self, path: &str) -> Result<Url, Failure> {
        Url::parse(&format!("{}{path}", self.base)).map_err(|error| Failure::Network(error.to_string()))
    }
}

/// Reads the answer to an exchange.
fn granted(answer: &call::Answer, by: Door, now: Moment) -> Result<SignIn, Failure> {
    if !answer.is_success() {
        return Err(Failure::Refused(answer.refusal()));
    }
    let granted =
        oauth_wire::parse_granted(&answer.body).ok_or(Failure::Unreadable("it holds no access token"))?;
    let refresh = granted.refresh.ok_or(Failure::Unreadable("it holds no refresh token"))?;
    let id_token = granted.id_token.ok_or(Failure::Unreadable("it holds no id token"))?;
    let claims = jwt::claims(Some(granted.access.expose()), Some(id_token.expose()));
    let declared = granted.expires_in.map(|seconds| now + crate::base::Span::seconds(seconds));
    let expires_at = match (claims.expires_at, declared) {
        (Some(own), Some(declared)) => Some(own.min(declared)),
        (own, declared) => own.or(declared),
    };
    Ok(SignIn {
        seats: seats::of(granted.access.expose(), Some(id_token.expose())),
        credentials: Credentials {
            refresh,
            access: Some(granted.access),
            id_token: Some(id_token),
            expires_at,
            claims: claims.into(),
            tokens: Tokens::Here,
        },
        at: now,
        place: Place::Behind,
        by,
    })
}

/// A failed call as the end of a sign-in.
fn lost(error: &UpstreamError) -> Failure {
    Failure::Network(error.to_string())
}
