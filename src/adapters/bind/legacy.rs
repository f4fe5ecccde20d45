//! A bind of the reference: seen, and taken back by what its own copy of the file says (forwarder.md §13).
//!
//! Its router is ended only when it is surely that one. A bind whose state is gone and whose proxy does not answer
//! would keep every turn from succeeding, so the start of any of our programs takes it out, after a copy.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{BACKUP, Binder, Stopped, disk, unchanged};
use crate::adapters::codex::config::{Applied, Becomes, Keep};
use crate::adapters::disk::atomic;
use crate::adapters::startup::{legacy_entries, run_out};
use crate::base::Moment;
use crate::domain::leftover::Bound;
use crate::domain::problem::Problem;
use crate::formats::app_bind::{self, Legacy, State};
use crate::formats::codex_config::legacy::{self as theirs, Found};

/// A proxy on this machine takes a connection at once or is not there.
const KNOCK: Duration = Duration::from_millis(20);

/// What became of a bind of the reference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retired {
    /// Files that were changed or removed, or would be.
    pub files: Vec<PathBuf>,
    /// What else there is to say, a line each.
    pub notes: Vec<String>,
}

impl Binder {
    fn legacy_state(&self) -> Option<Legacy> {
        match self.state()? {
            State::Legacy(legacy) => Some(legacy),
            State::Ours(_) | State::Unreadable => None,
        }
    }

    fn found(&self, config: &Path) -> Found {
        let text = self.config(config).text().ok().flatten();
        text.and_then(|text| theirs::find(&text).ok()).unwrap_or_default()
    }

    /// The file the reference bound, or would have.
    fn legacy_config(&self) -> PathBuf {
        self.legacy_state().and_then(|state| state.config).unwrap_or_else(|| self.config_path())
    }

    /// The reference's bind, as far as it is there.
    pub fn legacy(&self) -> Option<Bound> {
        let config = self.legacy_config();
        let found = self.found(&config);
        let state = self.legacy_state().is_some();
        (found.is_bound() || state).then_some(Bound { config, active: found.active, state })
    }

    /// What the reference kept of a file before it changed it.
    fn copy_of(&self, config: &Path) -> Option<String> {
        let text = atomic::read_text(&self.places.app_bind(BACKUP)).ok().flatten()?;
        let is_its = app_bind::backed_up_path(&text).is_none_or(|path| path == config);
        app_bind::backed_up(&text).filter(|_| is_its)
    }

    /// A text as it would be without the reference's bind.
    pub(super) fn without_legacy(
        &self,
        config: &Path,
        text: Option<String>,
    ) -> Result<Option<String>, Problem> {
        let Some(text) = text else { return Ok(None) };
        let copy = self.copy_of(config);
        theirs::without_bind(&text, copy.as_deref()).map(Some).map_err(|source| {
            unchanged(&crate::adapters::codex::config::ConfigEditError::Refused {
                path: config.to_owned(),
                source,
            })
        })
    }

    /// Takes the reference's bind back; nothing happens where there is none.
    ///
    /// # Errors
    /// What could not be undone.
    pub async fn retire(&self, dry_run: bool, at: Moment) -> Result<Retired, Problem> {
        let _lock = self.lock().await?;
        self.retire_locked(dry_run, at).await
    }

    pub(super) async fn retire_locked(&self, dry_run: bool, at: Moment) -> Result<Retired, Problem> {
        let Some(bound) = self.legacy() else { return Ok(Retired::default()) };
        let state = self.legacy_state();
        let mut told = Retired::default();
        if self.found(&bound.config).is_bound() {
            told.files.push(bound.config.clone());
        }
        let folder = self.places.root().join("app-bind");
        if state.is_some() {
            told.files.push(folder);
        }
        let entries = legacy_entries(self.places.user_home(), self.app_data.as_deref());
        told.files.extend(entries.iter().cloned());
        if dry_run {
            return Ok(told);
        }
        let identity = state.as_ref().and_then(|state| state.identity.clone()).unwrap_or_default();
        match self.stop(&identity).await {
            Stopped::NotOurs(pid) => told
                .notes
                .push(format!("Process {pid} could not be told from another program's and was left alone")),
            Stopped::Stays(pid) => {
                told.notes.push(format!("The original package's router (process {pid}) does not end"));
            }
            Stopped::NotRunning | Stopped::Stopped(_) => {}
        }
        if let Some(copy) = self.take_out(&bound.config, Keep::Always, at).await? {
            told.notes.push(format!("A copy of config.toml is kept: {}", copy.display()));
        }
        for entry in entries {
            if let Err(error) = run_out(&entry) {
                told.notes.push(format!("{}: {error}", entry.display()));
            }
        }
        if state.is_some() {
            self.forget().map_err(|error| disk(&self.state_path(), &error))?;
        }
        Ok(told)
    }

    async fn take_out(&self, config: &Path, keep: Keep, at: Moment) -> Result<Option<PathBuf>, Problem> {
        let copy = self.copy_of(config);
        let altered = self
            .config(config)
            .alter(keep, at, |text| {
                let Some(text) = text else { return Ok((Becomes::Same, ())) };
                let fresh = theirs::without_bind(text, copy.as_deref())?;
                let is_gone = copy.as_deref() == Some("") && fresh.trim().is_empty() && fresh != text;
                Ok((if is_gone { Becomes::Gone } else { Becomes::Text(fresh) }, ()))
            })
            .await;
        match altered.map_err(|error| unchanged(&error))? {
            (Applied::Changed { copy }, ()) => Ok(copy),
            (Applied::Unchanged | Applied::NotOurs, ()) => Ok(None),
        }
    }

    /// Takes out a bind of the reference that nobody looks after any more; a line for stderr.
    pub(super) async fn heal_legacy(&self, config: &Path, at: Moment) -> Option<String> {
        if self.state_path().exists() {
            return None;
        }
        let found = self.found(config);
        let is_dead = found.base_url.as_deref().is_none_or(|url| !listens(url));
        if !found.active || !is_dead {
            return None;
        }
        match self.take_out(config, Keep::Always, at).await {
            Ok(copy) => Some(format!(
                "A proxy of the original package that is gone was removed from {}{}",
                config.display(),
                copy.map(|copy| format!(" (copy: {})", copy.display())).unwrap_or_default()
            )),
            Err(problem) => Some(format!("{}: {}", problem.what, problem.because.join(": "))),
        }
    }
}

/// Whether somebody listens at a loopback address; any other address counts as listening.
fn listens(url: &str) -> bool {
    let host = url.split("://").nth(1).and_then(|rest| rest.split('/').next());
    let port =
        host.and_then(|host| host.strip_prefix("127.0.0.1:").or_else(|| host.strip_prefix("localhost:")));
    let Some(port) = port.and_then(|port| port.parse::<u16>().ok()) else { return true };
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), KNOCK).is_ok()
}
