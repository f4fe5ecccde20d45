//! The hot state of one proxy: which accounts there are, how healthy they are, who serves next.
//!
//! One `Mutex<Pool>` per proxy, never held across an await. Every fact learnt is applied here at once; what must
//! survive the process is handed out by [`Pool::take_changes`] for the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey};
use crate::domain::change::Change;
use crate::domain::facts::ProxyPulse;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::roster::Roster;
use crate::domain::selection::affinity::Bond;
use crate::domain::selection::explain::{Decision, Rule};
use crate::domain::selection::{Ask, SessionKey};
use crate::domain::settings::Settings;

/// A choice on the hot path; [`Pool::explain`] gives the whole explanation of the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Who serves; `None` = nobody can.
    pub chosen: Option<AccountKey>,
    /// The rule that decided.
    pub rule: Rule,
}

/// Whether another proxy of this root is registered: only then is load spread by process (DB-17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Company {
    /// This proxy is the only one.
    #[default]
    Alone,
    /// Others live; the seed is a hash of this process's start id.
    Others {
        /// Stable for the life of the process.
        seed: u64,
    },
}

/// Durable changes that wait to be committed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Due {
    /// To be committed at once (limits, rests, invalidations, routing).
    pub now: Vec<Change>,
    /// May be gathered for half a second (last use, cursor).
    pub soon: Vec<Change>,
}

/// See the module.
#[derive(Debug)]
pub struct Pool {
    roster: Arc<Roster>,
    settings: Arc<Settings>,
}

impl Pool {
    /// A pool with fresh trackers.
    pub fn new(roster: Arc<Roster>, settings: Arc<Settings>, now: Moment) -> Self {
        let _ = now;
        Self { roster, settings }
    }

    /// Takes a newer roster and newer settings; trackers stay, what was learnt here and is not on disk yet stays,
    /// session bonds go when the generation grew.
    pub fn replace(&mut self, roster: Arc<Roster>, settings: Arc<Settings>, now: Moment) {
        let _ = now;
        self.roster = roster;
        self.settings = settings;
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Tells whether other proxies live.
    pub fn set_company(&mut self, company: Company) {
        let _ = company;
    }

    /// Chooses and commits: cursor, last use, one local token, one request in flight (see [`Pool::release`]).
    pub fn choose(&mut self, ask: &Ask, now: Moment, rng: &mut fastrand::Rng) -> Choice {
        let _ = (ask, now, rng);
        Choice { chosen: None, rule: Rule::Strategy }
    }

    /// What [`Pool::choose`] would answer, with every account and its reasons; changes nothing.
    pub fn explain(&self, ask: &Ask, now: Moment, rng: &mut fastrand::Rng) -> Decision {
        let _ = (ask, rng);
        Decision {
            at: now,
            chosen: None,
            rule: Rule::Strategy,
            strategy: self.settings.strategy,
            candidates: Vec::new(),
        }
    }

    /// The account as this proxy knows it, live facts included.
    pub fn account(&self, key: &AccountKey) -> Option<&Account> {
        self.roster.get(key)
    }

    /// Takes a quota observation; the newest of a limit id wins. Returns whether it was news.
    pub fn note_quota(&mut self, key: &AccountKey, snapshot: Snapshot) -> bool {
        let _ = (key, snapshot);
        false
    }

    /// The newest observation of the account-wide windows.
    pub fn quota(&self, key: &AccountKey) -> Option<&Snapshot> {
        let _ = key;
        None
    }

    /// Ends a request in flight that [`Pool::choose`] began.
    pub fn release(&mut self, key: &AccountKey) {
        let _ = key;
    }

    /// Changes to commit since the last call.
    pub fn take_changes(&mut self) -> Due {
        Due::default()
    }

    /// All session bonds, for `runtime-affinity.json`.
    pub fn bonds(&self) -> impl Iterator<Item = (&SessionKey, &Bond)> {
        std::iter::empty()
    }

    /// Whether bonds changed since [`Pool::bonds`] was last saved; clears the mark.
    pub fn take_bonds_changed(&mut self) -> bool {
        false
    }

    /// Takes bonds of an earlier process; newer ones here win, those older than the time to live are dropped.
    pub fn restore_bonds(&mut self, bonds: BTreeMap<SessionKey, Bond>, now: Moment) {
        let _ = (bonds, now);
    }

    /// The account a session belongs to now.
    pub fn owner(&self, session: &SessionKey, now: Moment) -> Option<&AccountKey> {
        let _ = (session, now);
        None
    }

    /// Forgets what is only learnt here: trackers, breakers, network and server rests; genuine limits stay.
    pub fn reset(&mut self, now: Moment) {
        let _ = now;
    }

    /// Counters and health of all accounts; the listener fills port, sockets and times.
    pub fn pulse(&self, now: Moment) -> ProxyPulse {
        let _ = now;
        ProxyPulse::default()
    }
}
