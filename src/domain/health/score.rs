//! How well an account has been doing, 0 … 100.
//!
//! A counter with slow passive recovery rather than a success rate: a rate needs traffic to recover, and an account
//! that is avoided gets none. One failure costs twenty successes; ten hours heal it.

use crate::base::Moment;

/// An account nothing is known of.
pub const FULL: f64 = 100.0;

const SUCCESS: f64 = 1.0;
const RATE_LIMIT: f64 = -10.0;
const FAILURE: f64 = -20.0;
/// Points per hour without events.
const RECOVERY: f64 = 2.0;

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// It answered.
    Success,
    /// It was limited.
    RateLimit,
    /// It failed.
    Failure,
}

/// The score of one account for one lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Health {
    value: f64,
    at: Moment,
    failures: u32,
}

impl Health {
    /// Unknown: full.
    pub const fn new(now: Moment) -> Self {
        Self { value: FULL, at: now, failures: 0 }
    }

    /// The score at `now`, recovery included.
    pub fn read(&self, now: Moment) -> f64 {
        (self.value + RECOVERY * now.since(self.at).as_hours()).clamp(0.0, FULL)
    }

    /// Failures and limits since the last success.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Takes a blow.
    pub fn take(&mut self, blow: Blow, now: Moment) {
        let (delta, failures) = match blow {
            Blow::Success => (SUCCESS, 0),
            Blow::RateLimit => (RATE_LIMIT, self.failures.saturating_add(1)),
            Blow::Failure => (FAILURE, self.failures.saturating_add(1)),
        };
        self.value = (self.read(now) + delta).clamp(0.0, FULL);
        self.at = self.at.max(now);
        self.failures = failures;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    #[test]
    fn blows_and_recovery_follow_the_table() {
        let start = Moment::from_secs(1_000_000);
        for (name, blows, hours, expected, failures) in [
            ("unknown is full", vec![], 0, 100.0, 0),
            ("success cannot exceed full", vec![Blow::Success], 0, 100.0, 0),
            ("a limit costs ten", vec![Blow::RateLimit], 0, 90.0, 1),
            ("a failure costs twenty", vec![Blow::Failure], 0, 80.0, 1),
            ("failures add up", vec![Blow::Failure, Blow::RateLimit], 0, 70.0, 2),
            ("success clears the count", vec![Blow::Failure, Blow::Success], 0, 81.0, 0),
            ("never below zero", vec![Blow::Failure; 9], 0, 0.0, 9),
            ("two points an hour come back", vec![Blow::Failure], 5, 90.0, 1),
            ("one failure heals in ten hours", vec![Blow::Failure], 10, 100.0, 1),
        ] {
            let mut health = Health::new(start);
            for blow in blows {
                health.take(blow, start);
            }
            assert!((health.read(start + Span::hours(hours)) - expected).abs() < 1e-9, "{name}");
            assert_eq!(health.failures(), failures, "{name}");
        }
    }
}
