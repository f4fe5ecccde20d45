//! Loading and committing the pool of a root: the cache of what was read, and the attempts of a commit.

use std::sync::Arc;

use crate::adapters::disk::{atomic, perms};
use crate::adapters::store::load::{Opened, Primary, unreadable};
use crate::adapters::store::save::{Save, Saved};
use crate::adapters::store::stamp::{Stamp, stamp};
use crate::adapters::store::{Ruin, Shared, legacy, load, recover};
use crate::base::Moment;
use crate::domain::places::Places;
use crate::domain::recovery::{Beside, Health, Recovery};
use crate::domain::roster::Roster;
use crate::formats::accounts::{Document, Extent};
use crate::formats::extension::Extension;
use crate::ports::store::{Loaded, StoreError};

/// How often a commit starts over when the reference writes in between.
const ATTEMPTS: usize = 5;

/// Whether a load has to be followed by a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    None,
    Save,
    /// An older pool of this project waits elsewhere.
    Merge,
}

/// The file beside the pool, which is written before it: what the pool refers to has to be there first.
struct Beforehand<'a> {
    places: &'a Places,
    written: Written,
}

enum Written {
    Nothing,
    /// There was no such file.
    Anew,
    /// Its bytes as they were.
    Over(Vec<u8>),
}

impl<'a> Beforehand<'a> {
    /// Writes the file where it has changed.
    fn write(places: &'a Places, extension: &Extension<'_>, extent: Extent) -> Result<Self, StoreError> {
        if !extension.is_changed() {
            return Ok(Self { places, written: Written::Nothing });
        }
        let path = places.extension();
        let before = atomic::read(&path).map_err(|error| unreadable(&path, &error))?;
        let beforehand = Self { places, written: before.map_or(Written::Anew, Written::Over) };
        if let Err(error) = atomic::write(&path, extension.to_text().as_bytes()) {
            // Where nothing else is to be saved, a file that got its name is the change.
            if extent > Extent::Nothing {
                beforehand.put_back();
            }
            return Err(unreadable(&path, &error));
        }
        Ok(beforehand)
    }

    /// The pool was not saved, and its caller is told so: nothing of the change may wait beside it. A pool that has
    /// the new text all the same keeps what belongs to it.
    fn take_back(&self, content: &str) {
        let saved = atomic::read(&self.places.pool()).ok().flatten();
        if saved.as_deref() != Some(content.as_bytes()) {
            self.put_back();
        }
    }

    fn put_back(&self) {
        let path = self.places.extension();
        let _ = match &self.written {
            Written::Nothing => Ok(()),
            Written::Anew => atomic::remove(&path),
            Written::Over(bytes) => atomic::write(&path, bytes),
        };
    }
}

impl Shared {
    /// Reads the pool, from memory while its files look the same, and says whether what was found has to be
    /// written down.
    pub(super) fn load(&self, at: Moment) -> Result<(Loaded, Work), StoreError> {
        let stamps = self.pool_stamps();
        let first = {
            let mut state = self.state();
            if let Some((known, loaded)) = &state.pool
                && *known == stamps
            {
                return Ok((loaded.clone(), Work::None));
            }
            !std::mem::replace(&mut state.swept, true)
        };
        if first && self.forbidden.get().is_none() {
            recover::sweep(&self.places, at);
            for path in [self.places.pool(), self.places.extension()] {
                perms::tighten(&path);
            }
            // The oldest layout puts the pool into the official CLI's own home, whose mode is not ours.
            if self.places.pool_dir() != self.places.codex_home() {
                perms::tighten(self.places.pool_dir());
            }
        }
        let listed = self.listing.get().and_then(|()| load::list(&self.places, at));
        let (roster, health, recovery, work) = match listed {
            Some(roster) => (roster, Health::Healthy, None, Work::None),
            None => load::open(&self.places, self.backups(), at, |opened, document, _| {
                let finished = opened.recovery.is_none()
                    && opened.results.is_empty()
                    && document.migrated_from().is_none();
                let work = if finished { Work::None } else { Work::Save };
                (document.into_roster(), opened.health, opened.recovery, work)
            })?,
        };
        // What still has to be saved is not remembered, so the next load tries again.
        let merges = first && self.forbidden.get().is_none() && legacy::waits(&self.places);
        let work = if merges { Work::Merge } else { work };
        let loaded = self.remember(stamps, roster, health, recovery);
        if work != Work::None
            && let Some((known, _)) = &mut self.state().pool
        {
            known.clear();
        }
        Ok((loaded, work))
    }

    /// Edits the pool as it stands now and saves it. Only under the pool lock.
    pub(super) fn commit<E: From<StoreError>>(
        &self,
        ruin: Ruin,
        edit: impl Fn(&mut Document<'_>, &mut Extension<'_>, Moment) -> Result<Extent, E>,
        now: impl Fn() -> Moment,
    ) -> Result<Loaded, E> {
        for _ in 0..ATTEMPTS {
            let at = now();
            let attempt = load::open(&self.places, self.backups(), at, |opened, document, extension| {
                self.write(&edit, opened, document, extension, at)
            });
            let attempt = match attempt {
                Err(StoreError::Corrupt { .. }) if ruin == Ruin::Replaced => self.start_over(&edit, at)?,
                other => other??,
            };
            if let Some(loaded) = attempt {
                return Ok(loaded);
            }
        }
        Err(StoreError::Contended { path: self.places.pool().display().to_string() }.into())
    }

    /// A login on a pool that nothing can repair: the damaged file goes into quarantine, the login is kept.
    fn start_over<E: From<StoreError>>(
        &self,
        edit: &impl Fn(&mut Document<'_>, &mut Extension<'_>, Moment) -> Result<Extent, E>,
        at: Moment,
    ) -> Result<Option<Loaded>, E> {
        let pool = self.places.pool();
        let bytes = atomic::read(&pool).map_err(|error| unreadable(&pool, &error))?;
        let primary = bytes.as_deref().map_or(Primary::Missing, Primary::Unusable);
        let recovery = Recovery {
            source: Recovery::NOTHING,
            path: self.places.quarantine().display().to_string(),
            accounts: 0,
            quarantined: 1,
        };
        let opened =
            Opened { primary, health: Health::Corrupt, recovery: Some(recovery), results: Vec::new() };
        self.write(edit, opened, Document::empty(), Extension::default(), at)
    }

    /// One attempt; `None` when somebody else wrote in between.
    fn write<E: From<StoreError>>(
        &self,
        edit: &impl Fn(&mut Document<'_>, &mut Extension<'_>, Moment) -> Result<Extent, E>,
        opened: Opened<'_>,
        mut document: Document<'_>,
        mut extension: Extension<'_>,
        at: Moment,
    ) -> Result<Option<Loaded>, E> {
        let real = !document.roster().accounts.is_empty() && !document.is_synthetic();
        let replaced = opened.recovery.as_ref().is_some_and(Recovery::replaces);
        let recovered = replaced || document.migrated_from().is_some();
        let mut extent = if recovered { Extent::Durable } else { Extent::Nothing };
        for (key, credentials) in opened.results {
            extent = extent.max(document.succeed(&key, credentials, &mut extension, at));
        }
        extent = extent.max(edit(&mut document, &mut extension, at)?);
        if real && document.is_synthetic() {
            return Err(StoreError::Fixtures { path: self.places.pool().display().to_string() }.into());
        }

        if extent > Extent::Nothing {
            document.settle_pin(&mut extension);
        }
        let beside = Beforehand::write(&self.places, &extension, extent)?;
        if extent > Extent::Nothing {
            let unusable: Vec<String> = document.unusable().map(str::to_owned).collect();
            let content = document.to_text();
            let is_there = opened.primary == Primary::Usable(content.as_bytes());
            let save = Save {
                places: &self.places,
                backups: self.backups(),
                primary: opened.primary,
                text: &content,
                extent,
                keep: self.keep(),
                unusable: &unusable,
                at,
            };
            if is_there {
                save.forget_journal();
            } else {
                let saved = save.carry_out();
                if !matches!(saved, Ok(Saved::Done)) {
                    beside.take_back(&content);
                }
                if saved? == Saved::Overtaken {
                    return Ok(None);
                }
            }
        }
        // Stamps are taken under the lock: only the reference can have written since, and it is seen next time
        // by the poll when its file differs in size, time or inode.
        let stamps = self.pool_stamps();
        let roster = document.into_roster();
        let health = match opened.health {
            _ if !roster.accounts.is_empty() => Health::Healthy,
            Health::IntentionalReset if extent == Extent::Nothing => Health::IntentionalReset,
            Health::Healthy
            | Health::Empty
            | Health::IntentionalReset
            | Health::Recoverable
            | Health::Corrupt => Health::Empty,
        };
        Ok(Some(self.remember(stamps, roster, health, opened.recovery)))
    }

    /// Keeps a state for the next load; a recovery stays known.
    pub(super) fn remember(
        &self,
        stamps: Vec<Stamp>,
        roster: Roster,
        health: Health,
        recovery: Option<Recovery>,
    ) -> Loaded {
        let mut state = self.state();
        let same = state
            .pool
            .as_ref()
            .map(|(_, known)| known)
            .filter(|known| known.health == health && *known.roster == roster);
        let (roster, revision) = match same {
            Some(known) => (Arc::clone(&known.roster), known.revision),
            None => (Arc::new(roster), state.revision + 1),
        };
        state.revision = revision;
        let beside = match stamps.as_slice() {
            [pool, journal, marker, ..] => {
                Beside { pool: pool.is_some(), journal: journal.is_some(), reset_marker: marker.is_some() }
            }
            _ => Beside::default(),
        };
        // Whoever loads first is not always the one who can tell a person: it stays for this process.
        let recovery = recovery.or_else(|| state.pool.as_ref()?.1.recovery.clone());
        let loaded = Loaded { roster, health, beside, recovery, revision };
        state.pool = Some((stamps, loaded.clone()));
        loaded
    }

    pub(super) fn pool_stamps(&self) -> Vec<Stamp> {
        let places = &self.places;
        let files =
            [places.pool(), places.pool_with(".wal"), places.pool_with(".reset-intent"), places.extension()];
        files.iter().chain(&places.result_folders()).map(|path| stamp(path)).collect()
    }
}
