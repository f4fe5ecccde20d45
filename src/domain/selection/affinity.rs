//! Which account a session belongs to (runtime.md §15.1, §12.3).
//!
//! Keyed by record id, so that nothing re-targets when a row is removed. A session that completed a turn is bound
//! *strongly*: its history may hold reasoning only its owner can read, so it stays through near-exhaustion.

use std::collections::BTreeMap;

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::selection::SessionKey;

/// What is remembered of one session; persisted in `runtime-affinity.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bond {
    /// The account that serves it (`recordId`).
    pub owner: AccountKey,
    /// Last committed turn (`updatedAt`).
    pub at: Moment,
    /// Turns completed on any account; more than none makes the bond strong.
    pub turns: u32,
    /// Who issued the newest `x-codex-turn-state` (`turnStateOwner`).
    pub turn_state: Option<AccountKey>,
    /// Who produced the newest compaction item (`compactionOwner`).
    pub compaction: Option<AccountKey>,
    /// Per account, the newest reasoning item it could not read (`strippedUpTo`).
    pub stripped: BTreeMap<AccountKey, String>,
    /// Whether the session ever changed its account.
    pub moved: Moved,
    /// When it came to its account.
    pub since: Moment,
    /// Input tokens of its last turn that the account had in its prompt cache.
    pub cached: u64,
    /// Whether its history holds reasoning that only its account can read.
    pub reasoned: bool,
}

/// Whether a session ever changed its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moved {
    /// One owner from the beginning.
    #[default]
    Never,
    /// More than one owner.
    Once,
}

impl Bond {
    /// A session that just came to `owner`.
    pub fn new(owner: AccountKey, at: Moment) -> Self {
        Self {
            owner,
            at,
            turns: 0,
            turn_state: None,
            compaction: None,
            stripped: BTreeMap::new(),
            moved: Moved::Never,
            since: at,
            cached: 0,
            reasoned: false,
        }
    }

    /// Whether only the owner can read what the session carries along (runtime.md §12.3).
    pub fn is_account_bound(&self) -> bool {
        self.reasoned || self.compaction.as_ref() == Some(&self.owner)
    }

    /// Whether the session completed a turn.
    pub const fn is_strong(&self) -> bool {
        self.turns > 0
    }
}

/// All sessions a proxy remembers.
#[derive(Debug, Clone, Default)]
pub struct Bonds {
    rows: BTreeMap<SessionKey, Bond>,
    changed: Freshness,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Freshness {
    #[default]
    Saved,
    Changed,
}

impl Bonds {
    /// The bond of a session that has not run out.
    pub fn get(&self, session: &SessionKey, ttl: Span, now: Moment) -> Option<&Bond> {
        self.rows.get(session).filter(|bond| now.since(bond.at) <= ttl)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = (&SessionKey, &Bond)> {
        self.rows.iter()
    }

    /// A turn of the session was committed on `owner`.
    pub fn remember(&mut self, session: &SessionKey, owner: &AccountKey, most: usize, now: Moment) {
        let bond = self.touch(session, owner, most, now);
        bond.turns = bond.turns.saturating_add(1);
    }

    /// The session's bond, moved to `owner`, created when there is none; the oldest row makes room.
    pub fn touch(&mut self, session: &SessionKey, owner: &AccountKey, most: usize, now: Moment) -> &mut Bond {
        self.changed = Freshness::Changed;
        if !self.rows.contains_key(session)
            && self.rows.len() >= most.max(1)
            && let Some(oldest) = self.rows.iter().min_by_key(|(_, bond)| bond.at).map(|(key, _)| key.clone())
        {
            self.rows.remove(&oldest);
        }
        let bond = self.rows.entry(session.clone()).or_insert_with(|| Bond::new(owner.clone(), now));
        if &bond.owner != owner {
            bond.owner = owner.clone();
            bond.moved = Moved::Once;
            bond.since = now;
            bond.cached = 0;
            bond.reasoned = false;
        }
        bond.at = bond.at.max(now);
        bond
    }

    /// The bond for changing what is remembered beside the owner; none is created.
    pub fn get_mut(&mut self, session: &SessionKey) -> Option<&mut Bond> {
        self.changed = Freshness::Changed;
        self.rows.get_mut(session)
    }

    /// The session forgets its owner; what is bound to accounts stays known.
    pub fn forget_owner(&mut self, owner: &AccountKey) {
        let before = self.rows.len();
        self.rows
            .retain(|_, bond| &bond.owner != owner || bond.compaction.is_some() || !bond.stripped.is_empty());
        if self.rows.len() != before {
            self.changed = Freshness::Changed;
        }
    }

    /// Everything is forgotten.
    pub fn clear(&mut self) {
        if !self.rows.is_empty() {
            self.changed = Freshness::Changed;
        }
        self.rows.clear();
    }

    /// Takes rows of an earlier process; newer ones here win.
    pub fn restore(&mut self, rows: BTreeMap<SessionKey, Bond>, ttl: Span, most: usize, now: Moment) {
        for (session, bond) in rows {
            let is_live = now.since(bond.at) <= ttl;
            if is_live && self.rows.get(&session).is_none_or(|own| own.at < bond.at) {
                self.rows.insert(session, bond);
            }
        }
        while self.rows.len() > most.max(1) {
            let Some(oldest) = self.rows.iter().min_by_key(|(_, bond)| bond.at).map(|(key, _)| key.clone())
            else {
                return;
            };
            self.rows.remove(&oldest);
        }
    }

    /// Whether anything changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed) == Freshness::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_000_000);
    const TTL: Span = Span::minutes(20);

    fn key(name: &str) -> AccountKey {
        AccountKey::new(name)
    }

    #[test]
    fn a_bond_slides_and_runs_out() {
        let session = SessionKey::of("s");
        let mut bonds = Bonds::default();
        bonds.remember(&session, &key("a"), 512, NOW);
        bonds.remember(&session, &key("a"), 512, NOW + Span::minutes(19));

        assert!(bonds.get(&session, TTL, NOW + Span::minutes(39)).is_some_and(Bond::is_strong));
        assert!(bonds.get(&session, TTL, NOW + Span::minutes(40)).is_none());
        assert!(bonds.take_changed());
        assert!(!bonds.take_changed());
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let mut bonds = Bonds::default();
        for (minute, name) in ["a", "b", "c"].into_iter().enumerate() {
            let at = NOW + Span::minutes(i64::try_from(minute).unwrap());
            bonds.remember(&SessionKey::of(name), &key("x"), 2, at);
        }

        assert_eq!(bonds.len(), 2);
        assert!(bonds.get(&SessionKey::of("a"), TTL, NOW).is_none());
    }

    #[test]
    fn changing_the_owner_is_remembered_as_a_move() {
        let session = SessionKey::of("s");
        let mut bonds = Bonds::default();
        bonds.remember(&session, &key("a"), 512, NOW);
        assert_eq!(bonds.get(&session, TTL, NOW).unwrap().moved, Moved::Never);

        bonds.remember(&session, &key("b"), 512, NOW);

        let bond = bonds.get(&session, TTL, NOW).unwrap();
        assert_eq!((bond.moved, &bond.owner, bond.turns), (Moved::Once, &key("b"), 2));
    }

    #[test]
    fn rows_of_an_earlier_process_never_replace_newer_ones() {
        let session = SessionKey::of("s");
        let mut bonds = Bonds::default();
        bonds.remember(&session, &key("a"), 512, NOW);
        let old = BTreeMap::from([
            (session.clone(), Bond::new(key("b"), NOW - Span::minutes(1))),
            (SessionKey::of("t"), Bond::new(key("b"), NOW - Span::minutes(1))),
            (SessionKey::of("u"), Bond::new(key("b"), NOW - Span::hours(1))),
        ]);

        bonds.restore(old, TTL, 512, NOW);

        assert_eq!(bonds.get(&session, TTL, NOW).unwrap().owner, key("a"));
        assert!(bonds.get(&SessionKey::of("t"), TTL, NOW).is_some());
        assert_eq!(bonds.len(), 2);
    }
}
