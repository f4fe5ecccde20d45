//! A pool and an official home that live in memory, for tests of what stands between them and the network.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use codex_multi_auth::base::Moment;
use codex_multi_auth::domain::account::{Account, AccountKey};
use codex_multi_auth::domain::change::Change;
use codex_multi_auth::domain::launch::config::ConfigFacts;
use codex_multi_auth::domain::official::{Aside, Login, Stamp, Written};
use codex_multi_auth::domain::policy::account::{Changed, Policies, PolicyEdit};
use codex_multi_auth::domain::quota::snapshot::Snapshot;
use codex_multi_auth::domain::recovery::{Beside, Health};
use codex_multi_auth::domain::refresh::Held;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::domain::shelf::Found;
use codex_multi_auth::domain::usage::entry::Entry;
use codex_multi_auth::domain::usage::reading::{Query, Reading};
use codex_multi_auth::ports::home::Home;
use codex_multi_auth::ports::store::{Loaded, Store, StoreError};

/// A pool in memory; clones share it, as processes share a file.
#[derive(Clone, Default)]
pub(crate) struct MemoryStore {
    roster: Arc<Mutex<Roster>>,
    refusals: Arc<AtomicUsize>,
}

impl MemoryStore {
    /// A pool of these accounts.
    pub(crate) fn of(accounts: Vec<Account>) -> Self {
        let roster = Roster { accounts, ..Roster::default() };
        Self { roster: Arc::new(Mutex::new(roster)), refusals: Arc::default() }
    }

    /// The account as stored now.
    pub(crate) fn account(&self, key: &AccountKey) -> Account {
        self.roster.lock().unwrap().get(key).cloned().unwrap()
    }

    /// Lets the next `count` commits fail as on a full disk.
    pub(crate) fn refuse(&self, count: usize) {
        self.refusals.store(count, Ordering::SeqCst);
    }

    /// Changes the pool as another process would.
    pub(crate) fn apply(&self, change: &Change) {
        self.roster.lock().unwrap().apply(change);
    }

    fn loaded(&self) -> Loaded {
        let roster = Arc::new(self.roster.lock().unwrap().clone());
        Loaded { roster, health: Health::Healthy, beside: Beside::default(), recovery: None, revision: 1 }
    }
}

impl Store for MemoryStore {
    async fn load(&self) -> Result<Loaded, StoreError> {
        Ok(self.loaded())
    }

    async fn policies(&self) -> Result<Found<Policies>, StoreError> {
        Ok(Found::Absent)
    }

    async fn change_policy(
        &self,
        _key: &AccountKey,
        _edit: PolicyEdit,
    ) -> Result<(Policies, Changed), StoreError> {
        Ok((Policies::default(), Changed::No))
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Loaded, StoreError> {
        let refused =
            self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if refused.is_ok() {
            let code = Some("ENOSPC".to_owned());
            return Err(StoreError::Io { path: "pool".to_owned(), code, detail: "no space".to_owned() });
        }
        for change in &changes {
            self.apply(change);
        }
        Ok(self.loaded())
    }

    async fn changed(&self, _revision: u64) -> Result<Loaded, StoreError> {
        std::future::pending().await
    }

    async fn settings(&self) -> Result<Settings, StoreError> {
        Ok(Settings::default())
    }

    async fn quota(&self, _roster: &Roster) -> Result<BTreeMap<AccountKey, Snapshot>, StoreError> {
        Ok(BTreeMap::new())
    }

    async fn keep_quota(
        &self,
        _roster: &Roster,
        _observations: Vec<(AccountKey, Snapshot)>,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    async fn append(&self, _rows: Vec<Entry>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn owner_of_refresh(&self, _sha256_hex: &str) -> Option<(AccountKey, Held)> {
        None
    }

    async fn sum(&self, _: Query) -> Result<(Reading, Option<String>), StoreError> {
        Ok((Reading::default(), None))
    }
    async fn usage(&self, _since: Moment) -> Result<Vec<Entry>, StoreError> {
        Ok(Vec::new())
    }
}

/// An `auth.json` in memory: what it would let the pool adopt, and what was written back.
#[derive(Clone, Default)]
pub(crate) struct MemoryHome {
    newer: Arc<Mutex<Vec<Change>>>,
    patience: Arc<AtomicUsize>,
    written: Arc<Mutex<Vec<AccountKey>>>,
}

impl MemoryHome {
    /// The official client gets newer tokens, seen from the `after`-th look on.
    pub(crate) fn renews(&self, change: Change, after: usize) {
        self.newer.lock().unwrap().push(change);
        self.patience.store(after, Ordering::SeqCst);
    }

    /// Whose tokens were written back.
    pub(crate) fn written(&self) -> Vec<AccountKey> {
        self.written.lock().unwrap().clone()
    }
}

impl Home for MemoryHome {
    async fn login(&self) -> Login {
        Login::Absent
    }

    async fn repair(&self, _seen: &Stamp, _at: Moment) -> Result<Written, String> {
        Ok(Written::Unchanged)
    }

    async fn replace(
        &self,
        _seen: Option<&Stamp>,
        _account: &Account,
        _at: Moment,
    ) -> Result<Written, String> {
        Ok(Written::Unchanged)
    }

    async fn set_aside(&self, _at: Moment) -> Result<Option<Aside>, String> {
        Ok(None)
    }

    async fn put_back(&self, _aside: &Aside) -> Result<Written, String> {
        Ok(Written::Unchanged)
    }

    async fn is_signed_out(&self) -> bool {
        false
    }

    async fn newer(&self, _roster: &Roster) -> Vec<Change> {
        let waits =
            self.patience.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if waits.is_ok() { Vec::new() } else { self.newer.lock().unwrap().clone() }
    }

    async fn write_back(&self, account: &Account, _at: Moment) -> Result<Written, String> {
        self.written.lock().unwrap().push(account.key.clone());
        Ok(Written::Done)
    }

    async fn config(&self, _profile: Option<&str>) -> Result<ConfigFacts, String> {
        Ok(ConfigFacts::default())
    }

    fn path(&self) -> String {
        "memory".to_owned()
    }
}
