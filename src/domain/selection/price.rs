//! What leaving an account costs a session, and what it gains (runtime.md §7.5).
//!
//! The new account has to read uncached what the old one had in its prompt cache. That price and the difference of two
//! hybrid scores are both points, so that they can be compared; a move for preference is made only when it gains more
//! than it costs.

use crate::domain::selection::explain::Parts;

/// One point per so many cached tokens.
const TOKENS_PER_POINT: f64 = 1_000.0;
/// What a move costs at least: below this, two accounts are as good as each other.
const LEAST: f64 = 10.0;
/// What a move gains at most, however bad the old account looks.
const MOST_GAIN: f64 = 100.0;

/// The price of a move for a session whose last turn had so many cached input tokens.
pub fn price(cached: u64) -> f64 {
    let cached = f64::from(u32::try_from(cached).unwrap_or(u32::MAX));
    (cached / TOKENS_PER_POINT).max(LEAST)
}

/// What a move from `from` to `to` gains. Who served last and who rested longest say nothing about either.
pub fn gain(from: &Parts, to: &Parts) -> f64 {
    let worth = |parts: &Parts| parts.total() - parts.sticky - parts.fresh;
    (worth(to) - worth(from)).min(MOST_GAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_conversation_costs_more_than_any_gain() {
        for (cached, points) in [(0, 10.0), (9_999, 10.0), (25_000, 25.0), (200_000, 200.0)] {
            assert!((price(cached) - points).abs() < 1e-9, "{cached}");
        }
        assert!(price(100_001) > MOST_GAIN);
    }

    #[test]
    fn the_gain_is_capped_and_blind_to_stickiness_and_freshness() {
        let bad = Parts { health: 100.0, sticky: 1_000.0, fresh: 48.0, ..Parts::default() };
        let good = Parts { health: 140.0, ..Parts::default() };

        assert!((gain(&bad, &good) - 40.0).abs() < 1e-9);
        assert!((gain(&bad, &Parts { health: 900.0, ..Parts::default() }) - MOST_GAIN).abs() < 1e-9);
        assert!(gain(&good, &bad) < 0.0);
    }
}
