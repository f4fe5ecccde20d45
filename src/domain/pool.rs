//! The hot state of one proxy: which accounts there are, how healthy they are, who serves next.
//!
//! One `Mutex<Pool>` per proxy, never held across an await. Every fact learnt is applied here at once; what must
//! survive the process is handed out by [`Pool::take_changes`] for the store. The roster itself is shared and never
//! copied as a whole: an account gets a copy of its own only once something about it was learnt here.

mod govern;
mod learn;
mod merge;
mod order;
mod pick;
mod ready;
mod recall;
mod shortage;
mod slot;
mod stay;
mod steer;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::base::{Moment, Span};
use crate::domain::account::{Account, AccountKey, CooldownReason};
use crate::domain::attempts;
use crate::domain::capability::Capabilities;
use crate::domain::change::Change;
use crate::domain::facts::{AccountPulse, ProxyPulse};
use crate::domain::gates::Gates;
use crate::domain::health::{bucket, score};
use crate::domain::model::Family;
use crate::domain::policy::account::{AccountPolicy, Policies, Rein};
use crate::domain::policy::compose::Meters;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::roster::Roster;
use crate::domain::selection::affinity::Bonds;
use crate::domain::selection::explain::Rule;
use crate::domain::selection::ramp::Ramps;
use crate::domain::selection::{Ask, SessionKey};
use crate::domain::settings::Settings;

pub use govern::Known;
pub use learn::Observation;
pub use ready::{Pass, Readiness, Recovery, Unroutable};
pub use shortage::{Exhaustion, PinTrouble, Shortage};

use slot::Slot;

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

/// Something that is only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// A routed request or a socket turn began.
    Request,
    /// It ended well.
    Ok,
    /// It ended badly.
    Failed,
    /// It moved to another account.
    Rotation,
    /// Something was sent upstream.
    Upstream,
    /// The same account was tried again.
    Retry,
    /// The token endpoint was called.
    Refresh,
    /// Reasoning was taken out of a body.
    Strip,
    /// The pool was exhausted a moment ago.
    PoolFastFail,
    /// A burst of server errors is a moment old.
    BurstFastFail,
}

/// How often a session was told to reconnect for its current turn.
#[derive(Debug, Clone, Default)]
struct Detours {
    count: u32,
    at: Moment,
    tried: BTreeSet<AccountKey>,
}

/// A detour this old no longer counts.
const DETOUR_MEMORY: Span = Span::seconds(60);

/// Sessions whose detours are remembered; far more than anyone runs at once.
const MOST_DETOURS: usize = 1_024;

/// See the module.
#[derive(Debug)]
pub struct Pool {
    roster: Arc<Roster>,
    settings: Arc<Settings>,
    policies: Arc<Policies>,
    index: Positions,
    slots: Vec<Slot>,
    own: Vec<Option<Box<Account>>>,
    lanes: Vec<(Family, Option<String>)>,
    bonds: Bonds,
    gates: Gates,
    cursor: BTreeMap<Family, AccountKey>,
    last: Option<(AccountKey, Moment)>,
    company: Company,
    detours: BTreeMap<SessionKey, Detours>,
    wishes: steer::Wishes,
    ramps: Ramps,
    meters: Meters,
    unread_policies: Option<String>,
    capabilities: Capabilities,
    boosts: BTreeMap<String, Vec<f64>>,
    in_turn: HashMap<SessionKey, u32>,
    due: Vec<Change>,
    used: Vec<usize>,
    moved: BTreeSet<Family>,
    pulse: ProxyPulse,
}

impl Pool {
    /// A pool with fresh trackers.
    pub fn new(roster: Arc<Roster>, settings: Arc<Settings>, now: Moment) -> Self {
        let slots: Vec<Slot> = roster.accounts.iter().map(Slot::of).collect();
        let own = vec![None; slots.len()];
        Self {
            index: index_of(&roster),
            roster,
            settings,
            policies: Arc::default(),
            slots,
            own,
            lanes: Vec::new(),
            bonds: Bonds::default(),
            gates: Gates::default(),
            cursor: BTreeMap::new(),
            last: None,
            company: Company::Alone,
            detours: BTreeMap::new(),
            wishes: steer::Wishes::default(),
            ramps: Ramps::default(),
            meters: Meters::default(),
            unread_policies: None,
            capabilities: Capabilities::default(),
            boosts: BTreeMap::new(),
            in_turn: HashMap::new(),
            due: Vec::new(),
            used: Vec::new(),
            moved: BTreeSet::new(),
            pulse: ProxyPulse { started_at: now, ..ProxyPulse::default() },
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Obeys the user's policies from now on; running turns are not cut.
    pub fn set_policies(&mut self, policies: Arc<Policies>) {
        self.policies = policies;
        self.follow_policies();
    }

    /// The policies in force.
    pub fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.policies)
    }

    fn follow_policies(&mut self) {
        for (account, slot) in self.roster.accounts.iter().zip(&mut self.slots) {
            let policy = self.policies.of(account);
            slot.rein = policy.map_or(Rein::Free, AccountPolicy::rein);
            slot.boost = policy.map_or(0.0, AccountPolicy::boost);
        }
        self.follow_profiles();
    }

    /// Tells whether other proxies live.
    pub fn set_company(&mut self, company: Company) {
        if self.company != company {
            self.company = company;
            self.spread();
        }
    }

    /// The account as this proxy knows it, live facts included.
    pub fn account(&self, key: &AccountKey) -> Option<&Account> {
        self.account_at(self.position(key)?)
    }

    /// 0-based stored position.
    pub fn position(&self, key: &AccountKey) -> Option<usize> {
        self.index.get(key).copied()
    }

    /// Takes a quota observation; the newest of a limit id wins. Returns whether it was news.
    pub fn note_quota(&mut self, key: &AccountKey, snapshot: Snapshot) -> bool {
        let Some(position) = self.position(key) else { return false };
        let Some(slot) = self.slots.get_mut(position) else { return false };
        slot.note(snapshot, &self.settings)
    }

    /// The newest observation of the account-wide windows.
    pub fn quota(&self, key: &AccountKey) -> Option<&Snapshot> {
        self.slots.get(self.position(key)?)?.quota.as_deref()
    }

    /// Begins a request in flight on an account chosen earlier (a turn on an open socket).
    pub fn begin(&mut self, key: &AccountKey, ask: &Ask, now: Moment) {
        if let Some(position) = self.position(key) {
            self.dispatch(position, ask, now);
        }
    }

    /// Ends a request in flight that [`Pool::choose`] or [`Pool::begin`] began.
    pub fn release(&mut self, key: &AccountKey, ask: &Ask) {
        self.arrive(key, ask);
        self.leave_turn(ask);
        if let Some(slot) = self.position(key).and_then(|position| self.slots.get_mut(position)) {
            slot.in_flight = slot.in_flight.saturating_sub(1);
        }
    }

    /// Changes to commit since the last call.
    pub fn take_changes(&mut self) -> Due {
        if self.due.is_empty() && self.used.is_empty() && self.moved.is_empty() {
            return Due::default();
        }
        let mut soon = Vec::new();
        for position in std::mem::take(&mut self.used) {
            let Some(slot) = self.slots.get_mut(position) else { continue };
            slot.is_used = slot::Mark::Clean;
            let at = slot.last_used;
            if let Some(account) = self.account_at(position) {
                soon.push(Change::Used { key: account.key.clone(), at });
            }
        }
        for family in std::mem::take(&mut self.moved) {
            if let Some(key) = self.cursor.get(&family) {
                soon.push(Change::CursorMoved { family, key: key.clone() });
            }
        }
        Due { now: std::mem::take(&mut self.due), soon }
    }

    /// The gates (burst, exhaustion, cascade).
    pub const fn gates(&self) -> &Gates {
        &self.gates
    }

    /// The pool was finally exhausted for this question.
    pub fn exhaust(&mut self, family: Family, wait: Span, now: Moment) {
        self.gates.exhaust(family, wait, now);
    }

    /// Accounts already tried for the session's current turn over sockets.
    pub fn detoured(&self, session: &SessionKey, now: Moment) -> BTreeSet<AccountKey> {
        self.detours
            .get(session)
            .filter(|detours| now.since(detours.at) <= DETOUR_MEMORY)
            .map(|detours| detours.tried.clone())
            .unwrap_or_default()
    }

    /// Whether the session may be told to reconnect once more.
    pub fn may_detour(&self, session: &SessionKey, now: Moment) -> bool {
        self.detours.get(session).is_none_or(|detours| {
            now.since(detours.at) > DETOUR_MEMORY || detours.count < attempts::ROTATIONS
        })
    }

    /// The session is told to reconnect, or cut; `tried` failed it.
    pub fn detour(&mut self, session: &SessionKey, tried: Option<&AccountKey>, now: Moment) {
        if self.detours.len() >= MOST_DETOURS {
            self.detours.retain(|_, detours| now.since(detours.at) <= DETOUR_MEMORY);
        }
        let detours = self.detours.entry(session.clone()).or_default();
        if now.since(detours.at) > DETOUR_MEMORY {
            *detours = Detours::default();
        }
        detours.count += 1;
        detours.at = now;
        detours.tried.extend(tried.cloned());
    }

    /// Accounts that failed the session's current turn may be asked again.
    pub fn forgive(&mut self, session: &SessionKey) {
        if let Some(detours) = self.detours.get_mut(session) {
            detours.tried.clear();
        }
    }

    /// The roster's generation: it grows with every choice the user makes.
    pub fn generation(&self) -> u64 {
        self.roster.generation
    }

    /// The one account this question is bound to, if any.
    pub fn bound_account<'a>(&'a self, ask: &'a Ask) -> Option<&'a AccountKey> {
        self.bound(ask).map(|(key, _)| key)
    }

    /// Upstream has no socket for this account; it is not asked for one until then.
    pub fn without_socket(&mut self, key: &AccountKey, until: Moment) {
        if let Some(slot) = self.position(key).and_then(|position| self.slots.get_mut(position)) {
            slot.seldom.no_socket = Some(until);
        }
    }

    /// Whether upstream had no socket for this account a moment ago.
    pub fn is_without_socket(&self, key: &AccountKey, now: Moment) -> bool {
        let slot = self.position(key).and_then(|position| self.slots.get(position));
        slot.and_then(|slot| slot.seldom.no_socket).is_some_and(|until| until > now)
    }

    /// A turn of the session was committed: its detours are over.
    pub fn arrived(&mut self, session: &SessionKey) {
        self.detours.remove(session);
    }

    /// Forgets what is only learnt here: trackers, breakers, network and server rests; genuine limits stay.
    pub fn reset(&mut self, now: Moment) {
        self.pulse.reset_at = Some(now);
        self.pulse.exhaustion = None;
        self.gates.clear();
        self.detours.clear();
        self.ramps.clear();
        self.capabilities.lift();
        for position in 0..self.slots.len() {
            if let Some(slot) = self.slots.get_mut(position) {
                slot.forget();
            }
            let Some(account) = self.account_at(position) else { continue };
            let rests = account.cooling_until(now).and_then(|rest| rest.reason);
            if matches!(rests, Some(CooldownReason::NetworkError | CooldownReason::ServerError)) {
                let mut account = account.clone();
                account.cooldown = None;
                self.keep(position, account);
            }
        }
    }

    /// Counts something.
    pub fn count(&mut self, count: Count) {
        let pulse = &mut self.pulse;
        let counter = match count {
            Count::Request => &mut pulse.total,
            Count::Ok => &mut pulse.ok,
            Count::Failed => &mut pulse.failed,
            Count::Rotation => &mut pulse.rotated,
            Count::Upstream => &mut pulse.upstream,
            Count::Retry => &mut pulse.retries,
            Count::Refresh => &mut pulse.refreshes,
            Count::Strip => &mut pulse.reasoning_strips,
            Count::PoolFastFail => &mut pulse.pool_fast_fails,
            Count::BurstFastFail => &mut pulse.burst_fast_fails,
        };
        *counter += 1;
    }

    /// Remembers the last error, masked by the caller.
    pub fn note_error(&mut self, text: String) {
        self.pulse.last_error = Some(text);
    }

    /// Counters and health of all accounts; the listener fills port, sockets and times.
    pub fn pulse(&self, now: Moment) -> ProxyPulse {
        let lane = self.lane_of(&Ask::plain());
        let accounts = self.roster.accounts.iter().zip(&self.slots).map(|(account, slot)| {
            let newest = slot.trackers.last().map(|tracker| tracker.lane);
            let tracker = slot.tracker(lane).or_else(|| slot.tracker(newest));
            let pulse = AccountPulse {
                health: tracker.map_or(score::FULL, |tracker| tracker.health.read(now)),
                bucket: tracker.map_or(bucket::FULL, |tracker| tracker.bucket.read(now)),
                circuit: slot.circuit.word(),
                in_flight: slot.in_flight,
            };
            (account.key.clone(), pulse)
        });
        ProxyPulse {
            accounts: accounts.collect(),
            sessions: u32::try_from(self.bonds.len()).unwrap_or(u32::MAX),
            in_flight: self.slots.iter().map(|slot| slot.in_flight).sum(),
            closed_until: (self.gates.exhausted_last(now), self.gates.burst_until(now)),
            ..self.pulse.clone()
        }
    }

    fn account_at(&self, position: usize) -> Option<&Account> {
        match self.own.get(position) {
            Some(Some(own)) => Some(own),
            Some(None) => self.roster.accounts.get(position),
            None => None,
        }
    }

    /// Puts a changed copy of an account in place.
    fn keep(&mut self, position: usize, account: Account) {
        if let Some(slot) = self.slots.get_mut(position) {
            slot.follow(&account);
        }
        if let Some(own) = self.own.get_mut(position) {
            *own = Some(Box::new(account));
        }
    }

    /// Applies a change here and lays it out for the store.
    fn commit(&mut self, position: usize, change: Change) {
        self.apply(position, &change);
        self.due.push(change);
    }

    /// Applies a change here only.
    fn apply(&mut self, position: usize, change: &Change) {
        let Some(account) = self.account_at(position) else { return };
        let mut account = account.clone();
        account.apply(change);
        self.keep(position, account);
    }

    fn spread(&mut self) {
        let Company::Others { seed } = self.company else {
            self.slots.iter_mut().for_each(|slot| slot.spread = 0.0);
            return;
        };
        for (slot, account) in self.slots.iter_mut().zip(&self.roster.accounts) {
            slot.spread = crate::domain::selection::score::spread(seed, &account.key);
        }
    }
}

/// Where each account stands.
type Positions = HashMap<AccountKey, usize, FixedState>;

fn index_of(roster: &Roster) -> Positions {
    roster.accounts.iter().enumerate().map(|(position, account)| (account.key.clone(), position)).collect()
}

#[cfg(test)]
mod tests;
