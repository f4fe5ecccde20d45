//! The hybrid score: health and the local bucket decide, freshness breaks ties (runtime.md §7.3, DB-16, DB-17).
//!
//! Freshness is capped at a day: an account nobody used yet must not outvote every health number. Requests in flight
//! cost points, so parallel requests spread by themselves.

use sha2::{Digest as _, Sha256};

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::selection::explain::Parts;

const HEALTH: f64 = 2.0;
const TOKENS: f64 = 5.0;
const FRESH: f64 = 2.0;
const FRESH_CAP: Span = Span::hours(24);
const IN_FLIGHT: f64 = -15.0;
const SPREAD: f64 = 25.0;

/// Points for the account that served a moment ago.
pub const STICKY: f64 = 1_000.0;

/// What the score is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// 0 … 100.
    pub health: f64,
    /// 0 … 50.
    pub tokens: f64,
    /// Last dispatch.
    pub last_used: Moment,
    /// Requests in flight.
    pub in_flight: u32,
    /// [`STICKY`] or nothing.
    pub sticky: f64,
    /// From [`spread`] or nothing.
    pub spread: f64,
    /// Points of the user's policy.
    pub boost: f64,
}

impl Facts {
    /// The score in its parts.
    #[inline]
    pub fn parts(&self, now: Moment) -> Parts {
        Parts {
            health: HEALTH * self.health,
            tokens: TOKENS * self.tokens,
            fresh: FRESH * now.since(self.last_used).min(FRESH_CAP).as_hours(),
            boost: self.boost,
            sticky: self.sticky,
            in_flight: IN_FLIGHT * f64::from(self.in_flight),
            spread: self.spread,
        }
    }
}

/// A stable number between −25 and 25 for one process and one account: different processes prefer different accounts.
pub fn spread(seed: u64, key: &AccountKey) -> f64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(key.as_str().as_bytes());
    let digest = hash.finalize();
    let mut word = 0_u32;
    for byte in digest.iter().take(4) {
        word = (word << 8) | u32::from(*byte);
    }
    (f64::from(word) / f64::from(u32::MAX) * 2.0 - 1.0) * SPREAD
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(10_000_000);

    fn facts() -> Facts {
        Facts {
            health: 100.0,
            tokens: 50.0,
            last_used: NOW,
            in_flight: 0,
            sticky: 0.0,
            spread: 0.0,
            boost: 0.0,
        }
    }

    #[test]
    fn every_part_has_its_weight() {
        for (name, facts, total) in [
            ("just used, healthy", facts(), 450.0),
            ("freshness counts two an hour", Facts { last_used: NOW - Span::hours(5), ..facts() }, 460.0),
            ("and is capped at a day", Facts { last_used: Moment::EPOCH, ..facts() }, 498.0),
            ("in flight costs fifteen", Facts { in_flight: 2, ..facts() }, 420.0),
            ("poor health costs double", Facts { health: 80.0, ..facts() }, 410.0),
            ("tokens cost fivefold", Facts { tokens: 40.0, ..facts() }, 400.0),
            ("sticky adds", Facts { sticky: STICKY, in_flight: 1, ..facts() }, 1_435.0),
        ] {
            assert!((facts.parts(NOW).total() - total).abs() < 1e-9, "{name}: {}", facts.parts(NOW).total());
        }
    }

    #[test]
    fn spread_is_stable_bounded_and_differs_between_processes() {
        let key = AccountKey::new("record:abc");
        assert!((spread(1, &key) - spread(1, &key)).abs() < f64::EPSILON);
        assert!((spread(1, &key) - spread(2, &key)).abs() > f64::EPSILON);
        for seed in 0..200 {
            assert!(spread(seed, &key).abs() <= SPREAD);
        }
    }
}
