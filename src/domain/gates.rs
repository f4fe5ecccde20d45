//! Two short memories that stop a hopeless request early (runtime.md §20.2): the pool was found exhausted a moment
//! ago, or several accounts met server errors at once.

use std::collections::BTreeMap;

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::model::Family;

const POOL_LEAST: Span = Span::seconds(15);
const POOL_MOST: Span = Span::seconds(60);
const BURST_ACCOUNTS: usize = 3;
const BURST_WITHIN: Span = Span::seconds(10);
const BURST_REST: Span = Span::seconds(10);

/// Invalidations this close together look like a cascade.
const CASCADE_WITHIN: Span = Span::seconds(60);
/// How long the guard then stands, and how recent an answer has to be to pass it.
const CASCADE_REST: Span = Span::minutes(10);

/// The gates of one proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gates {
    exhausted: BTreeMap<Family, Moment>,
    errors: Vec<(AccountKey, Moment)>,
    burst_until: Option<Moment>,
    invalidated: Option<(AccountKey, Moment)>,
    guard_until: Option<Moment>,
}

impl Gates {
    /// The pool was finally exhausted for `family`, for `wait` at least.
    pub fn exhaust(&mut self, family: Family, wait: Span, now: Moment) {
        if !wait.is_over() {
            self.exhausted.insert(family, now + wait.max(POOL_LEAST).min(POOL_MOST));
        }
    }

    /// Until when `family` counts as exhausted.
    pub fn exhausted_until(&self, family: Family, now: Moment) -> Option<Moment> {
        self.exhausted.get(&family).copied().filter(|until| *until > now)
    }

    /// The latest moment any family counts as exhausted until.
    pub fn exhausted_last(&self, now: Moment) -> Option<Moment> {
        self.exhausted.values().copied().max().filter(|until| *until > now)
    }

    /// Somebody can serve again.
    pub fn reopen(&mut self) {
        self.exhausted.clear();
    }

    /// An account met a server error.
    pub fn error(&mut self, key: &AccountKey, now: Moment) {
        self.errors.retain(|(other, at)| other != key && now.since(*at) <= BURST_WITHIN);
        self.errors.push((key.clone(), now));
        if self.errors.len() >= BURST_ACCOUNTS {
            self.burst_until = Some(now + BURST_REST);
        }
    }

    /// Until when nothing is sent because of a burst of server errors.
    pub fn burst_until(&self, now: Moment) -> Option<Moment> {
        self.burst_until.filter(|until| *until > now)
    }

    /// An account turned out to be invalidated. One account found out twice, by parallel requests, is no cascade.
    pub fn invalidate(&mut self, key: &AccountKey, now: Moment) {
        let is_cascade = self
            .invalidated
            .as_ref()
            .is_some_and(|(other, at)| other != key && now.since(*at) <= CASCADE_WITHIN);
        if is_cascade {
            self.guard_until = Some(now + CASCADE_REST);
        }
        self.invalidated = Some((key.clone(), now));
    }

    /// While the cascade guard stands: until when, for an account that last answered at `answered`.
    pub fn guarded_until(&self, answered: Option<Moment>, now: Moment) -> Option<Moment> {
        let until = self.guard_until.filter(|until| *until > now)?;
        answered.is_none_or(|at| now.since(at) > CASCADE_REST).then_some(until)
    }

    /// Whether the cascade guard stands at all.
    pub fn is_guarding(&self, now: Moment) -> bool {
        self.guard_until.is_some_and(|until| until > now)
    }

    /// An account answered.
    pub fn succeed(&mut self) {
        self.exhausted.clear();
        self.errors.clear();
        self.burst_until = None;
    }

    /// Everything is forgotten.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_000_000);

    #[test]
    fn an_exhausted_pool_is_remembered_per_family_within_bounds() {
        for (wait, until) in [(Span::seconds(1), 15), (Span::seconds(40), 40), (Span::hours(4), 60)] {
            let mut gates = Gates::default();
            gates.exhaust(Family::Codex, wait, NOW);
            assert_eq!(
                gates.exhausted_until(Family::Codex, NOW),
                Some(NOW + Span::seconds(until)),
                "{wait:?}"
            );
            assert_eq!(gates.exhausted_until(Family::Gpt52, NOW), None);
        }
        let mut gates = Gates::default();
        gates.exhaust(Family::Codex, Span::ZERO, NOW);
        assert_eq!(gates, Gates::default());
    }

    #[test]
    fn three_distinct_accounts_in_trouble_make_a_burst() {
        let key = |name: &str| AccountKey::new(name);
        let mut gates = Gates::default();
        gates.error(&key("a"), NOW);
        gates.error(&key("a"), NOW);
        gates.error(&key("b"), NOW);
        assert_eq!(gates.burst_until(NOW), None);

        gates.error(&key("c"), NOW + Span::seconds(9));
        assert_eq!(gates.burst_until(NOW + Span::seconds(9)), Some(NOW + Span::seconds(19)));

        gates.succeed();
        assert_eq!(gates.burst_until(NOW + Span::seconds(9)), None);
    }

    #[test]
    fn two_invalidations_within_a_minute_let_only_proven_accounts_through() {
        let mut gates = Gates::default();
        gates.invalidate(&AccountKey::new("a"), NOW);
        gates.invalidate(&AccountKey::new("a"), NOW);
        assert!(!gates.is_guarding(NOW));

        gates.invalidate(&AccountKey::new("b"), NOW + Span::seconds(60));
        let later = NOW + Span::seconds(61);
        assert!(gates.guarded_until(None, later).is_some());
        assert!(gates.guarded_until(Some(NOW - Span::hours(1)), later).is_some());
        assert_eq!(gates.guarded_until(Some(NOW), later), None);
        assert_eq!(gates.guarded_until(None, NOW + Span::minutes(12)), None);
    }
}
