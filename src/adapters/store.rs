//! `ports::Store` over the files of a root.
//!
//! Reading is cached by the stamps of the files it comes from, so asking again costs a few `stat` calls. A
//! commit takes the machine-wide lock, reads the pool afresh, applies its changes to that, and writes; no other
//! process's change is ever written over, and nothing is written from memory. All file work runs on the
//! runtime's blocking pool; once begun it ends, even when nobody waits for it any more.

mod load;
mod recover;
mod save;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use crate::adapters::disk::lock::{FileLock, LockError};
use crate::adapters::disk::watch::Watch;
use crate::adapters::disk::{atomic, perms};
use crate::adapters::env::Env;
use crate::adapters::ledger;
use crate::adapters::store::load::{Backups, Opened, Primary, unreadable};
use crate::adapters::store::save::{Save, Saved};
use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::places::{POOL_FILE, Places};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::recovery::{Health, Recovery};
use crate::domain::refresh::Held;
use crate::domain::roster::Roster;
use crate::domain::settings::Settings;
use crate::domain::token;
use crate::domain::usage::entry::Entry;
use crate::formats::accounts::{Document, Extent};
use crate::formats::extension::Extension;
use crate::formats::quota_cache;
use crate::formats::settings::{Sources, resolve};
use crate::ports::Clock;
use crate::ports::store::{Loaded, Store, StoreError};

/// How long a commit waits for other processes.
const LOCK_WAIT: Span = Span::seconds(10);
/// How often a commit starts over when the reference writes in between.
const ATTEMPTS: usize = 5;

/// The files of one root; clones share cache and watch.
#[derive(Debug)]
pub struct DiskStore<C> {
    shared: Arc<Shared>,
    clock: C,
}

impl<C: Clone> Clone for DiskStore<C> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), clock: self.clock.clone() }
    }
}

#[derive(Debug)]
struct Shared {
    places: Arc<Places>,
    env: BTreeMap<&'static str, String>,
    state: Mutex<State>,
    watch: OnceLock<Watch>,
}

#[derive(Debug, Default)]
struct State {
    pool: Option<(Vec<Stamp>, Loaded)>,
    settings: Option<(Vec<Stamp>, Settings)>,
    revision: u64,
    swept: bool,
    /// The last failure a watcher was told, so that it is not told again and again.
    told: Option<StoreError>,
}

/// What tells one state of a file from another without reading it; `None` = missing.
type Stamp = Option<(u64, SystemTime, u64)>;

impl<C: Clock> DiskStore<C> {
    /// The store of a root; `env` gives the variables of the settings table.
    pub fn new(places: Arc<Places>, env: &Env, clock: C) -> Self {
        let shared =
            Shared { places, env: env.settings.clone(), state: Mutex::default(), watch: OnceLock::new() };
        Self { shared: Arc::new(shared), clock }
    }

    /// Where its files are.
    pub fn places(&self) -> &Arc<Places> {
        &self.shared.places
    }

    /// Reads what the dashboard remembers; empty when there is nothing.
    pub async fn ui_state(&self) -> String {
        let path = self.shared.places.ui_state();
        let text: Result<String, StoreError> =
            blocking(move || Ok(atomic::read_text(&path).ok().flatten().unwrap_or_default())).await;
        text.unwrap_or_default()
    }

    /// Keeps what the dashboard remembers.
    ///
    /// # Errors
    /// When the file cannot be written; nothing depends on it.
    pub async fn remember(&self, text: String) -> Result<(), StoreError> {
        let path = self.shared.places.ui_state();
        blocking(move || atomic::write(&path, text.as_bytes()).map_err(|error| unreadable(&path, &error)))
            .await
    }

    async fn lock(&self, path: &Path) -> Result<FileLock, StoreError> {
        FileLock::acquire(path, LOCK_WAIT).await.map_err(|error| match error {
            LockError::Timeout { path } => StoreError::Locked { path: path.display().to_string() },
            LockError::Io { path, source } => unreadable(&path, &source),
        })
    }

    async fn commit_locked(&self, changes: Vec<Change>) -> Result<Loaded, StoreError> {
        self.locked(move |pool| {
            let ruin = if adds(&changes) { Ruin::Replaced } else { Ruin::Refused };
            pool.commit(ruin, |document, extension, at| {
                let extent = document.apply(&changes, extension, at);
                // An empty commit only writes down what was recovered.
                let idle = changes.is_empty() && extent < Extent::Durable;
                Ok(if idle { Extent::Nothing } else { extent })
            })
        })
        .await
    }

    /// Does file work while no other process of ours changes the pool.
    ///
    /// # Errors
    /// When the lock is not obtained in time, and whatever the work says.
    pub(in crate::adapters) async fn locked<R, E>(
        &self,
        work: impl FnOnce(&Locked<'_>) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let lock = self.lock(&self.shared.places.pool_lock()).await?;
        let (shared, clock) = (Arc::clone(&self.shared), self.clock.clone());
        blocking(move || {
            let _lock = lock;
            work(&Locked { shared: &shared, now: &|| clock.now() })
        })
        .await
    }
}

/// The pool while its lock is held.
pub(in crate::adapters) struct Locked<'a> {
    shared: &'a Shared,
    now: &'a dyn Fn() -> Moment,
}

impl Locked<'_> {
    /// Where its files are.
    pub(in crate::adapters) fn places(&self) -> &Places {
        &self.shared.places
    }

    /// Effective settings.
    pub(in crate::adapters) fn settings(&self) -> Settings {
        self.shared.settings()
    }

    /// The time.
    pub(in crate::adapters) fn now(&self) -> Moment {
        (self.now)()
    }

    /// Shows the pool as it stands, recovered if need be; nothing is written.
    pub(in crate::adapters) fn open<R>(
        &self,
        then: impl FnOnce(&mut Document<'_>, &Extension<'_>) -> R,
    ) -> Result<R, StoreError> {
        let places = &self.shared.places;
        load::open(places, self.shared.backups(), self.now(), |_, mut document, extension| {
            then(&mut document, &extension)
        })
    }

    /// Edits the pool as it stands and saves it. The edit runs again when the reference wrote in between.
    pub(in crate::adapters) fn commit<E: From<StoreError>>(
        &self,
        ruin: Ruin,
        edit: impl Fn(&mut Document<'_>, &mut Extension<'_>, Moment) -> Result<Extent, E>,
    ) -> Result<Loaded, E> {
        self.shared.commit(ruin, edit, self.now)
    }

    /// The pool as a load finds it.
    pub(in crate::adapters) fn load(&self) -> Result<Loaded, StoreError> {
        self.shared.load(self.now()).map(|(loaded, _)| loaded)
    }
}

/// What an edit may do to a pool that nothing can repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::adapters) enum Ruin {
    /// Nothing.
    Refused,
    /// Quarantine it and begin anew.
    Replaced,
}

impl<C: Clock> Store for DiskStore<C> {
    async fn load(&self) -> Result<Loaded, StoreError> {
        let (shared, at) = (Arc::clone(&self.shared), self.clock.now());
        let (loaded, work) = blocking(move || shared.load(at)).await?;
        if work == Work::None {
            return Ok(loaded);
        }
        // What was found has to be written down. Where that is not possible, reading still is.
        match self.commit_locked(Vec::new()).await {
            Ok(saved) => Ok(Loaded { recovery: saved.recovery.clone().or(loaded.recovery), ..saved }),
            Err(error) => {
                tracing::warn!(%error, "the recovered pool could not be saved");
                Ok(loaded)
            }
        }
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Loaded, StoreError> {
        self.commit_locked(changes).await
    }

    async fn changed(&self, revision: u64) -> Result<Loaded, StoreError> {
        let settings = self.settings().await.unwrap_or_default();
        loop {
            let mut waiter = self.shared.watch().waiter();
            match self.load().await {
                Ok(loaded) if loaded.revision > revision => {
                    self.shared.state().told = None;
                    return Ok(loaded);
                }
                Ok(_) => self.shared.state().told = None,
                Err(error) => {
                    let news = self.shared.state().told.replace(error.clone());
                    if news.as_ref() != Some(&error) {
                        return Err(error);
                    }
                }
            }
            waiter.hint(settings.sync_debounce, settings.sync_poll).await;
        }
    }

    async fn settings(&self) -> Result<Settings, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || Ok(shared.settings())).await
    }

    async fn quota(&self, roster: &Roster) -> Result<BTreeMap<AccountKey, Snapshot>, StoreError> {
        let path = self.shared.places.quota_cache();
        let text = blocking(move || Ok(atomic::read_text(&path).ok().flatten())).await?;
        let Some(text) = text else { return Ok(BTreeMap::new()) };
        match quota_cache::read(&text, roster) {
            Ok(known) => Ok(known.into_iter().collect()),
            Err(error) => {
                tracing::warn!(%error, "the quota cache is passed over");
                Ok(BTreeMap::new())
            }
        }
    }

    async fn keep_quota(
        &self,
        roster: &Roster,
        observations: Vec<(AccountKey, Snapshot)>,
    ) -> Result<(), StoreError> {
        let path = self.shared.places.quota_cache();
        let roster = roster.clone();
        let (places, at) = (Arc::clone(&self.shared.places), self.clock.now());
        let lock = self.lock(&self.shared.places.lock("quota-cache")).await?;
        blocking(move || {
            let _lock = lock;
            keep_quota(&places, &roster, &observations, at).map_err(|error| unreadable(&path, &error))
        })
        .await
    }

    async fn append(&self, rows: Vec<Entry>) -> Result<(), StoreError> {
        let places = Arc::clone(&self.shared.places);
        blocking(move || ledger::append(&places, &rows).map_err(|error| unreadable(&places.ledger(), &error)))
            .await
    }

    async fn owner_of_refresh(&self, sha256_hex: &str) -> Option<(AccountKey, Held)> {
        let loaded = self.load().await.ok()?;
        let (places, wanted) = (Arc::clone(&self.shared.places), sha256_hex.to_owned());
        let owner: Result<_, StoreError> =
            blocking(move || Ok(owner(&places, &loaded.roster, &wanted))).await;
        owner.ok().flatten()
    }

    async fn usage(&self, since: Moment) -> Result<Vec<Entry>, StoreError> {
        let places = Arc::clone(&self.shared.places);
        blocking(move || ledger::read(&places, since).map_err(|error| unreadable(&places.ledger(), &error)))
            .await
    }
}

/// Whether a load has to be followed by a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    None,
    Save,
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) -> &Watch {
        self.watch.get_or_init(|| {
            let directories = [self.places.pool_dir().to_path_buf(), self.places.root().join("ext")];
            Watch::new(&directories, vec![POOL_FILE.to_owned(), "accounts.json".to_owned()])
        })
    }

    fn load(&self, at: Moment) -> Result<(Loaded, Work), StoreError> {
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
        if first {
            recover::sweep(&self.places, at);
            for path in [self.places.pool(), self.places.extension()] {
                perms::tighten(&path);
            }
        }
        let (roster, health, recovery, work) =
            load::open(&self.places, self.backups(), at, |opened, document, _| {
                let finished = opened.recovery.is_none()
                    && opened.results.is_empty()
                    && document.migrated_from().is_none();
                let work = if finished { Work::None } else { Work::Save };
                (document.into_roster(), opened.health, opened.recovery, work)
            })?;
        // What still has to be saved is not remembered, so the next load tries again.
        let stamps = if work == Work::None { stamps } else { Vec::new() };
        Ok((self.remember(stamps, roster, health, recovery), work))
    }

    fn commit<E: From<StoreError>>(
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
        let opened = Opened { primary, health: Health::Corrupt, recovery: None, results: Vec::new() };
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
        let recovered = opened.recovery.is_some() || document.migrated_from().is_some();
        let mut extent = if recovered { Extent::Durable } else { Extent::Nothing };
        for (key, credentials) in opened.results {
            extent = extent.max(document.succeed(&key, credentials, &mut extension, at));
        }
        extent = extent.max(edit(&mut document, &mut extension, at)?);

        if extension.is_changed() {
            let path = self.places.extension();
            atomic::write(&path, extension.to_text().as_bytes())
                .map_err(|error| unreadable(&path, &error))?;
        }
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
                unusable: &unusable,
                at,
            };
            if !is_there && save.carry_out()? == Saved::Overtaken {
                return Ok(None);
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

    /// Keeps a state for the next load; the recovery is told once.
    fn remember(
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
        let loaded = Loaded { roster, health, recovery: None, revision };
        state.pool = Some((stamps, loaded.clone()));
        Loaded { recovery, ..loaded }
    }

    fn pool_stamps(&self) -> Vec<Stamp> {
        let places = &self.places;
        let files = [
            places.pool(),
            places.pool_with(".wal"),
            places.pool_with(".reset-intent"),
            places.extension(),
            places.leases().to_path_buf(),
        ];
        files.iter().map(|path| stamp(path)).collect()
    }

    fn backups(&self) -> Backups {
        if self.settings().storage_backup { Backups::On } else { Backups::Off }
    }

    fn settings(&self) -> Settings {
        let places = &self.places;
        let config = places.config_path().map(Path::to_path_buf);
        let unified = places.settings();
        let backup = places.root().join("settings.json.bak");
        let legacy = places.legacy_configs();
        let files = config.iter().chain([&unified, &backup]).chain(&legacy);
        let stamps: Vec<Stamp> = files.map(|path| stamp(path)).collect();
        if let Some((known, settings)) = &self.state().settings
            && *known == stamps
        {
            return settings.clone();
        }
        let read = |path: &Path| atomic::read_text(path).ok().flatten();
        let settings = resolve(&Sources {
            config_path: config.as_deref().and_then(read).as_deref(),
            unified: read(&unified).as_deref(),
            backup: read(&backup).as_deref(),
            legacy: legacy.iter().find_map(|path| read(path)).as_deref(),
            env: Some(&self.env),
        });
        self.state().settings = Some((stamps, settings.clone()));
        settings
    }
}

/// A damaged cache is kept aside before it is written anew.
fn keep_quota(
    places: &Places,
    roster: &Roster,
    observations: &[(AccountKey, Snapshot)],
    at: Moment,
) -> std::io::Result<()> {
    let path = places.quota_cache();
    let text = atomic::read_text(&path)?;
    let merged = if let Ok(merged) = quota_cache::merge(text.as_deref(), roster, observations) {
        merged
    } else {
        let damaged = text.unwrap_or_default();
        recover::quarantine(places, "quota-cache.json", damaged.as_bytes(), at)?;
        quota_cache::merge(None, roster, observations).map_err(std::io::Error::other)?
    };
    merged.map_or(Ok(()), |text| atomic::write(&path, text.as_bytes()))
}

fn adds(changes: &[Change]) -> bool {
    changes.iter().any(|change| matches!(change, Change::Added(_)))
}

fn owner(places: &Places, roster: &Roster, wanted: &str) -> Option<(AccountKey, Held)> {
    let current = roster.accounts.iter().find(|account| token::hash(&account.credentials.refresh) == wanted);
    if let Some(account) = current {
        return Some((account.key.clone(), Held::Current));
    }
    let text = atomic::read_text(&places.extension()).ok().flatten()?;
    let extension = Extension::parse(&text);
    let spent = |account: &&crate::domain::account::Account| {
        extension.history_of(&account.key).iter().any(|(hash, _)| hash == wanted)
    };
    roster.accounts.iter().find(spent).map(|account| (account.key.clone(), Held::Earlier))
}

fn stamp(path: &Path) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.len(), meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), inode(&meta)))
}

#[cfg(unix)]
fn inode(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

/// Files have no cheap number here; size and time have to do.
#[cfg(not(unix))]
fn inode(_meta: &fs::Metadata) -> u64 {
    0
}

async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| {
        Err(StoreError::Io { path: "store".to_owned(), code: None, detail: error.to_string() }.into())
    })
}
