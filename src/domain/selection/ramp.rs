//! Where the sessions of a lost account go: to its successor one by one, the rest past it (runtime.md §7.5).
//!
//! Without this, fifty sessions of an account that met its limit land on the next one in the same second, empty it,
//! and go on to the third: a pool is lost account by account.

use std::collections::BTreeMap;

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::selection::SessionKey;

/// One more session is admitted to a successor after each of these.
const STEP: Span = Span::millis(250);
/// After this long, whoever still comes may go where he likes.
const LENGTH: Span = Span::seconds(30);

/// The leave-taking from one account.
#[derive(Debug, Clone)]
struct Ramp {
    began: Moment,
    placed: BTreeMap<SessionKey, AccountKey>,
}

impl Ramp {
    fn is_over(&self, now: Moment) -> bool {
        now.since(self.began) >= LENGTH
    }

    /// How many sessions one successor may have by now.
    fn allowance(&self, now: Moment) -> i64 {
        1 + now.since(self.began).as_millis() / STEP.as_millis()
    }

    fn has_room(&self, successor: &AccountKey, now: Moment) -> bool {
        let placed = self.placed.values().filter(|at| *at == successor).count();
        i64::try_from(placed).unwrap_or(i64::MAX) < self.allowance(now)
    }
}

/// All accounts that sessions are leaving.
#[derive(Debug, Clone, Default)]
pub struct Ramps(BTreeMap<AccountKey, Ramp>);

impl Ramps {
    /// Whether one more session of `lost` may go to `successor` now.
    pub fn admits(&self, lost: &AccountKey, successor: &AccountKey, now: Moment) -> bool {
        let ramp = self.0.get(lost).filter(|ramp| !ramp.is_over(now));
        ramp.is_none_or(|ramp| ramp.has_room(successor, now))
    }

    /// Where the session was sent to a moment ago.
    pub fn placed(&self, lost: &AccountKey, session: &SessionKey, now: Moment) -> Option<&AccountKey> {
        self.0.get(lost).filter(|ramp| !ramp.is_over(now))?.placed.get(session)
    }

    /// How many sessions of `lost` were sent to `successor`.
    pub fn load(&self, lost: &AccountKey, successor: &AccountKey) -> usize {
        self.0.get(lost).map_or(0, |ramp| ramp.placed.values().filter(|at| *at == successor).count())
    }

    /// `session` leaves `lost` for `successor`; the first one begins the ramp.
    pub fn place(&mut self, lost: &AccountKey, successor: &AccountKey, session: &SessionKey, now: Moment) {
        self.0.retain(|_, ramp| !ramp.is_over(now));
        let ramp = self.0.entry(lost.clone()).or_insert_with(|| Ramp { began: now, placed: BTreeMap::new() });
        ramp.placed.insert(session.clone(), successor.clone());
    }

    /// Nobody is leaving any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_000_000);

    #[test]
    fn a_successor_takes_one_at_once_and_one_more_each_quarter_second_for_half_a_minute() {
        let (lost, next) = (AccountKey::new("lost"), AccountKey::new("next"));
        let session = |number: usize| SessionKey::of(&number.to_string());
        let mut ramps = Ramps::default();
        let mut admitted = Vec::new();
        for number in 0..200 {
            let at = NOW + Span::millis(100 * i64::try_from(number).unwrap());
            if ramps.admits(&lost, &next, at) {
                ramps.place(&lost, &next, &session(number), at);
                admitted.push(number);
            }
        }

        assert_eq!(admitted.get(..5), Some(&[0, 3, 5, 8, 10][..]));
        assert_eq!(ramps.placed(&lost, &session(0), NOW), Some(&next), "who was placed there may stay");
        assert!(!ramps.admits(&lost, &next, NOW + Span::seconds(1)));
        assert!(ramps.admits(&lost, &next, NOW + Span::seconds(30)));
        assert!(ramps.admits(&next, &lost, NOW), "nobody leaves the other one");
    }
}
