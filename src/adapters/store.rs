//! `ports::Store` over the files of a root.
//!
//! Reading is cached by the stamps of the files it comes from, so asking again costs a few `stat` calls. A
//! commit takes the machine-wide lock, reads the pool afresh, applies its changes to that, and writes; no other
//! process's change is ever written over, and nothing is written from memory. All file work runs on the
//! runtime's blocking pool; once begun it ends, even when nobody waits for it any more.

mod clients;
mod inventory;
mod legacy;
mod load;
mod locked;
mod owner;
mod policies;
mod pool;
mod recover;
mod reset;
mod retention;
mod save;
mod settings;
mod snapshots;
mod stamp;

pub(in crate::adapters) use self::load::{shown, unreadable};
pub(in crate::adapters) use self::locked::{Locked, Ruin};
pub(in crate::adapters) use self::recover::quarantine;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::adapters::disk::atomic;
use crate::adapters::disk::lock::{FileLock, LockError};
use crate::adapters::disk::watch::Watch;
use crate::adapters::env::Env;
use crate::adapters::ledger;
use crate::adapters::store::load::Backups;
use crate::adapters::store::pool::Work;
use crate::adapters::store::stamp::{Stamp, stamp};
use crate::base::{Moment, Secret, Span};
use crate::domain::account::AccountKey;
use crate::domain::capability::Capabilities;
use crate::domain::change::Change;
use crate::domain::client_token::ClientToken;
use crate::domain::inventory::Inventory;
use crate::domain::places::{POOL_FILE, Places};
use crate::domain::policy::account::{Changed, Policies, PolicyEdit};
use crate::domain::policy::compose::Rules;
use crate::domain::policy::edit::RuleEdit;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::refresh::Held;
use crate::domain::roster::Roster;
use crate::domain::settings::Settings;
use crate::domain::shelf::Found;
use crate::domain::usage::entry::Entry;
use crate::domain::usage::pricing::Prices;
use crate::domain::usage::reading::{Query, Reading};
use crate::domain::usage::tally::{Growth, Tail};
use crate::formats::capabilities;
use crate::formats::quota_cache;
use crate::ports::Clock;
use crate::ports::store::{Loaded, Store, StoreError};

/// How long a commit waits for other processes.
const LOCK_WAIT: Span = Span::seconds(10);

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
    settings_watch: OnceLock<Watch>,
    /// Hears when a change waits for another process.
    waits: OnceLock<Teller>,
    /// Home and owner, when nothing may be written.
    forbidden: OnceLock<(String, String)>,
    /// Set when file work is done where it is asked for.
    alone: OnceLock<()>,
    /// Set when accounts are only listed.
    listing: OnceLock<()>,
}

/// Tells a person that another process is waited for.
struct Teller(Box<dyn Fn(Option<u32>) + Send + Sync>);

impl std::fmt::Debug for Teller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Teller")
    }
}

#[derive(Debug, Default)]
struct State {
    pool: Option<(Vec<Stamp>, Loaded)>,
    settings: Option<settings::Known>,
    revision: u64,
    swept: bool,
    /// The last failure a watcher was told, so that it is not told again and again.
    told: Option<StoreError>,
}

impl<C: Clock> DiskStore<C> {
    /// The store of a root; `env` gives the variables of the settings table.
    pub fn new(places: Arc<Places>, env: &Env, clock: C) -> Self {
        let shared = Shared {
            places,
            env: env.settings.clone(),
            state: Mutex::default(),
            watch: OnceLock::new(),
            settings_watch: OnceLock::new(),
            waits: OnceLock::new(),
            forbidden: OnceLock::new(),
            alone: OnceLock::new(),
            listing: OnceLock::new(),
        };
        Self { shared: Arc::new(shared), clock }
    }

    /// Where its files are.
    pub fn places(&self) -> &Arc<Places> {
        &self.shared.places
    }

    /// Lets `tell` hear when a change has waited for a second for another process; only the first teller counts.
    pub fn tell_waits(&self, tell: impl Fn(Option<u32>) + Send + Sync + 'static) {
        let _ = self.shared.waits.set(Teller(Box::new(tell)));
    }

    /// Does file work where it is asked for from now on, not on threads of its own: for a process that does one
    /// thing and waits for it.
    pub fn work_alone(&self) {
        let _ = self.shared.alone.set(());
    }

    /// Leaves tokens in the file from now on, where nothing but them is left to read: for a process that lists
    /// accounts. Changes still read and write everything.
    pub fn only_list(&self) {
        let _ = self.shared.listing.set(());
    }

    async fn blocking<T, E>(&self, work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        if self.shared.alone.get().is_some() {
            return work();
        }
        blocking(work).await
    }

    /// Changes a budget or a routing profile on what stands on disk now; returns whether anything changed.
    ///
    /// # Errors
    /// The file is as it was then.
    pub async fn change_rule(&self, edit: RuleEdit) -> Result<Changed, StoreError> {
        policies::change_rule(&self.shared.places, &edit, self.clock.now()).await
    }

    /// Lets nothing be written from now on: this is root, and the home is somebody else's.
    pub fn forbid(&self, home: String, owner: String) {
        let _ = self.shared.forbidden.set((home, owner));
    }

    /// Effective settings, for a process that has no runtime yet.
    pub fn settings_now(&self) -> Arc<Settings> {
        self.shared.settings()
    }

    /// Looks at every file that holds or could replace the pool; nothing is changed.
    pub async fn inventory(&self) -> Inventory {
        let (places, at) = (Arc::clone(&self.shared.places), self.clock.now());
        let storage_path = places.pool();
        let looked: Result<Inventory, StoreError> =
            self.blocking(move || Ok(inventory::take(&places, at))).await;
        looked.unwrap_or(Inventory { storage_path, files: Vec::new() })
    }

    /// Reads what the dashboard remembers; empty when there is nothing.
    pub async fn ui_state(&self) -> String {
        let path = self.shared.places.ui_state();
        let text: Result<String, StoreError> =
            self.blocking(move || Ok(atomic::read_text(&path).ok().flatten().unwrap_or_default())).await;
        text.unwrap_or_default()
    }

    /// Keeps what the dashboard remembers.
    ///
    /// # Errors
    /// When the file cannot be written; nothing depends on it.
    pub async fn remember(&self, text: String) -> Result<(), StoreError> {
        let path = self.shared.places.ui_state();
        self.blocking(move || {
            atomic::write(&path, text.as_bytes()).map_err(|error| unreadable(&path, &error))
        })
        .await
    }

    pub(in crate::adapters) async fn lock(&self, path: &Path) -> Result<FileLock, StoreError> {
        if let Some((home, owner)) = self.shared.forbidden.get() {
            return Err(StoreError::Foreign { home: home.clone(), owner: owner.clone() });
        }
        let tell = |holder| {
            if let Some(Teller(tell)) = self.shared.waits.get() {
                tell(holder);
            }
        };
        FileLock::acquire_telling(path, LOCK_WAIT, tell).await.map_err(|error| match error {
            LockError::Timeout { path, holder } => {
                StoreError::Locked { path: path.display().to_string(), holder }
            }
            LockError::Io { path, source } => unreadable(&path, &source),
        })
    }

    async fn commit_locked(&self, changes: Vec<Change>) -> Result<Loaded, StoreError> {
        self.locked(move |pool| pool.apply(&changes)).await
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
        self.blocking(move || {
            let _lock = lock;
            work(&Locked { shared: &shared, now: &|| clock.now() })
        })
        .await
    }
}

impl<C: Clock> DiskStore<C> {
    /// Looks at files without any lock: every file is replaced whole, so what is seen is what was saved.
    ///
    /// # Errors
    /// Whatever the work says.
    pub(in crate::adapters) async fn looking<R, E>(
        &self,
        work: impl FnOnce(&Locked<'_>) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (shared, clock) = (Arc::clone(&self.shared), self.clock.clone());
        self.blocking(move || work(&Locked { shared: &shared, now: &|| clock.now() })).await
    }
}

impl<C: Clock> Store for DiskStore<C> {
    async fn load(&self) -> Result<Loaded, StoreError> {
        let (shared, at) = (Arc::clone(&self.shared), self.clock.now());
        let (loaded, work) = self.blocking(move || shared.load(at)).await?;
        if work == Work::Merge {
            return match self.locked(|pool| Ok::<_, StoreError>(pool.take_legacy())).await {
                Ok(merged) => Ok(merged.unwrap_or(loaded)),
                Err(error) => {
                    tracing::warn!(%error, "the older pool of the project could not be merged");
                    Ok(loaded)
                }
            };
        }
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
        let report = self.config().await?;
        Ok(report.settings())
    }

    async fn policies(&self) -> Result<Found<Policies>, StoreError> {
        let places = Arc::clone(&self.shared.places);
        self.blocking(move || policies::read(places)).await
    }

    async fn client_key(&self, shown: Secret, at: Moment) -> Option<ClientToken> {
        clients::known(&self.shared.places, &shown, at).await
    }

    async fn rules(&self) -> Result<Rules, String> {
        let places = Arc::clone(&self.shared.places);
        let read: Result<_, StoreError> = self.blocking(move || Ok(policies::rules(&places))).await;
        read.unwrap_or_else(|error| Err(error.to_string()))
    }

    async fn grown(&self, since: Moment, tail: Tail, prices: Prices) -> Result<(Growth, Tail), String> {
        let (places, now) = (Arc::clone(&self.shared.places), self.clock.now());
        let read: Result<_, StoreError> = self
            .blocking(move || {
                ledger::grown(&places, since, tail, &prices, now)
                    .map_err(|error| unreadable(&places.ledger(), &error))
            })
            .await;
        read.map_err(|error| format!("the usage ledger cannot be read ({error})"))
    }

    async fn change_policy(
        &self,
        key: &AccountKey,
        edit: PolicyEdit,
    ) -> Result<(Policies, Changed), StoreError> {
        let roster = self.load().await?.roster;
        policies::change(&self.shared.places, &roster, key, &edit, self.clock.now()).await
    }

    async fn quota(&self, roster: &Roster) -> Result<BTreeMap<AccountKey, Snapshot>, StoreError> {
        let path = self.shared.places.quota_cache();
        let text: Result<_, StoreError> =
            self.blocking(move || Ok(atomic::read_text(&path).ok().flatten())).await;
        let text = text?;
        let Some(text) = text else { return Ok(BTreeMap::new()) };
        match quota_cache::read(&text, roster) {
            Ok(known) => Ok(known.into_iter().collect()),
            Err(error) => {
                tracing::warn!(%error, "the quota cache is passed over");
                Ok(BTreeMap::new())
            }
        }
    }

    async fn capabilities(&self, roster: &Roster) -> Capabilities {
        let path = self.shared.places.capabilities();
        let text: Result<_, StoreError> =
            self.blocking(move || Ok(atomic::read_text(&path).ok().flatten())).await;
        text.ok().flatten().map(|text| capabilities::parse(&text, roster)).unwrap_or_default()
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
        self.blocking(move || {
            let _lock = lock;
            keep_quota(&places, &roster, &observations, at).map_err(|error| unreadable(&path, &error))
        })
        .await
    }

    async fn append(&self, rows: Vec<Entry>) -> Result<(), StoreError> {
        let (shared, at) = (Arc::clone(&self.shared), self.clock.now());
        self.blocking(move || {
            let (places, settings) = (&shared.places, shared.settings());
            let rotation =
                ledger::Rotation { if_larger_than: settings.ledger_max_bytes, keep: settings.ledger_keep };
            ledger::append(places, &rows).map_err(|error| unreadable(&places.ledger(), &error))?;
            // The rows are safe; a ledger that could not be rotated is rotated after the next ones.
            if let Err(error) = ledger::rotate(places, rotation, at) {
                tracing::warn!(%error, "the usage ledger could not be rotated");
            }
            Ok(())
        })
        .await
    }

    async fn owner_of_refresh(&self, sha256_hex: &str) -> Option<(AccountKey, Held)> {
        let loaded = self.load().await.ok()?;
        let (places, wanted) = (Arc::clone(&self.shared.places), sha256_hex.to_owned());
        let owner: Result<_, StoreError> =
            self.blocking(move || Ok(owner::of(&places, &loaded.roster, &wanted))).await;
        owner.ok().flatten()
    }

    async fn sum(&self, query: Query) -> Result<(Reading, Option<String>), StoreError> {
        let places = Arc::clone(&self.shared.places);
        self.blocking(move || {
            let (prices, trouble) = ledger::prices(&places);
            let reading = ledger::sum(&places, &query, &prices)
                .map_err(|error| unreadable(&places.ledger(), &error))?;
            Ok((reading, trouble))
        })
        .await
    }

    async fn usage(&self, since: Moment) -> Result<Vec<Entry>, StoreError> {
        let places = Arc::clone(&self.shared.places);
        self.blocking(move || {
            ledger::read(&places, since).map_err(|error| unreadable(&places.ledger(), &error))
        })
        .await
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) -> &Watch {
        self.watch.get_or_init(|| {
            let directories = [self.places.pool_dir().to_path_buf(), self.places.pool_dir().join("ext")];
            Watch::new(&directories, vec![POOL_FILE.to_owned(), "accounts.json".to_owned()])
        })
    }

    fn backups(&self) -> Backups {
        if self.settings().storage_backup { Backups::On } else { Backups::Off }
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
    let merged = if let Ok(merged) = quota_cache::merge(text.as_deref(), roster, observations, at) {
        merged
    } else {
        let damaged = text.unwrap_or_default();
        recover::quarantine(places, "quota-cache.json", damaged.as_bytes(), at)?;
        quota_cache::merge(None, roster, observations, at).map_err(std::io::Error::other)?
    };
    if let Some(text) = merged {
        atomic::write(&path, text.as_bytes())?;
        crate::adapters::chronicle::keep(places, observations, at);
    }
    Ok(())
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
