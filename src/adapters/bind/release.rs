//! Taking a bind back: the router, the start-up entry, the key, the files (forwarder.md §15.4).

use std::path::{Path, PathBuf};

use super::{Binder, disk, unchanged};
use crate::adapters::codex::config::{Applied, Becomes, Keep};
use crate::adapters::fault;
use crate::adapters::startup::Service;
use crate::base::Moment;
use crate::domain::bind::{Bind, LEASE, Original, Phase};
use crate::domain::problem::Problem;
use crate::formats::codex_config::bind::{self as key, Released};

/// What became of the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// None ran.
    NotRunning,
    /// It has ended.
    Stopped(u32),
    /// It is ours and does not end.
    Stays(u32),
    /// The process it may be cannot be told from somebody else's: it was left alone.
    NotOurs(u32),
}

/// What an unbind came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// Whether there was anything.
    pub changed: bool,
    /// What became of the router.
    pub router: Stopped,
    /// Files that were changed or removed, or would be.
    pub files: Vec<PathBuf>,
    /// What else there is to say, a line each.
    pub notes: Vec<String>,
}

/// What became of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// The original stands there again.
    Restored,
    /// The file is gone: it was ours.
    Removed,
    /// It is the user's by now.
    Theirs,
    /// There was none.
    Absent,
}

impl Binder {
    /// Takes the bind back; with nothing to take back, nothing happens.
    ///
    /// # Errors
    /// What could not be undone; the rest is.
    pub async fn unbind(&self, dry_run: bool, at: Moment) -> Result<Freed, Problem> {
        let _lock = self.lock().await?;
        let retired = self.retire_locked(dry_run, at).await?;
        let sight = self.look().await;
        let startup = self.startup().installed(Service::Router);
        let mut files: Vec<PathBuf> = startup.clone();
        let is_theirs = !retired.files.is_empty();
        if sight.address.is_some() {
            files.push(sight.config.clone());
        }
        let folder = self.places.root().join("app-bind");
        if folder.is_dir() {
            files.push(folder);
        }
        if dry_run || files.is_empty() {
            files.extend(retired.files);
            files.sort();
            files.dedup();
            let changed = is_theirs && !dry_run;
            return Ok(Freed { changed, router: Stopped::NotRunning, files, notes: retired.notes });
        }
        if let Some(bind) = &sight.bind {
            // From here on a crash is finished by the next start of any of our programs.
            let under_way = Bind {
                phase: Phase::Binding,
                owner: Self::me(),
                lease_until: Some(at + LEASE),
                ..bind.clone()
            };
            self.save(&under_way).map_err(|error| disk(&self.state_path(), &error))?;
        }
        let mut notes = retired.notes;
        files.extend(retired.files);
        let identity = sight.bind.as_ref().map(|bind| bind.identity.clone()).unwrap_or_default();
        let router = self.stop(&identity).await;
        match router {
            Stopped::NotOurs(pid) => notes
                .push(format!("Process {pid} could not be told from another program's and was left alone")),
            Stopped::Stays(pid) => notes.push(format!("The router (process {pid}) does not end")),
            Stopped::NotRunning | Stopped::Stopped(_) => {}
        }
        fault::pass("unbind.stopped").map_err(|error| disk(&self.state_path(), &error))?;
        let entries = self.startup().clone();
        let removed = tokio::task::spawn_blocking(move || entries.remove(Service::Router)).await;
        if let Ok(Err(error)) = removed {
            notes.push(format!("The start-up entry could not be removed: {error}"));
        }
        match self.free(&sight.config, sight.bind.as_ref(), at).await? {
            (Key::Theirs, _) => {
                notes.push(format!("{} was changed meanwhile and is left as it is", sight.config.display()));
                files.retain(|file| *file != sight.config);
            }
            (Key::Restored | Key::Removed | Key::Absent, copy) => {
                notes.extend(copy.map(|copy| format!("A copy of config.toml is kept: {}", copy.display())));
            }
        }
        fault::pass("unbind.key").map_err(|error| disk(&self.state_path(), &error))?;
        self.forget().map_err(|error| disk(&self.state_path(), &error))?;
        Ok(Freed { changed: true, router, files, notes })
    }

    /// Puts the key back: by what the state noted, else it just goes, after a copy.
    pub(super) async fn free(
        &self,
        config: &Path,
        bind: Option<&Bind>,
        at: Moment,
    ) -> Result<(Key, Option<PathBuf>), Problem> {
        let keep = if bind.is_some() { Keep::First } else { Keep::Always };
        let original = bind.map_or(Original { raw: None, existed: true }, |bind| bind.original.clone());
        let freed = self
            .config(config)
            .alter(keep, at, |text| {
                let Some(text) = text else { return Ok((Becomes::Same, Key::Absent)) };
                Ok(match key::released(text, &original)? {
                    Released::Text(text) => (Becomes::Text(text), Key::Restored),
                    Released::Gone => (Becomes::Gone, Key::Removed),
                    Released::Left if key::current(text)?.raw.is_some() => (Becomes::Same, Key::Theirs),
                    Released::Left => (Becomes::Same, Key::Absent),
                })
            })
            .await;
        let (applied, key) = freed.map_err(|error| unchanged(&error))?;
        let copy = match applied {
            Applied::Changed { copy } => copy.filter(|_| bind.is_none()),
            Applied::Unchanged | Applied::NotOurs => None,
        };
        Ok((key, copy))
    }

    /// What a router does before it ends for good: puts the key back and forgets the bind, unless it is another's by
    /// now. `false` when it is, or somebody is at it.
    pub async fn give_up(&self, identity: &str, at: Moment) -> bool {
        let Ok(_lock) = self.lock().await else { return false };
        let Some(bind) = self.known().filter(|bind| bind.identity == identity) else { return false };
        let freed = self.free(&bind.config, Some(&bind), at).await.is_ok();
        freed && self.forget().is_ok()
    }
}
