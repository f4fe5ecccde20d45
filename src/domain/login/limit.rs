//! How often a sign-in may be tried (login.md §11): a sliding minute, so that a broken script does not hammer the
//! provider.

use std::collections::{HashMap, VecDeque};

use crate::base::{Moment, Span};

/// The window.
const WINDOW: Span = Span::seconds(60);
/// Failed exchanges in a window.
const FAILURES: usize = 5;
/// Device codes asked for in a window.
const DEVICE_CODES: usize = 3;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Act {
    /// An exchange that failed, by whom it was meant for (trimmed, lower-cased; empty for anybody).
    Failure(String),
    /// A device code was asked for.
    DeviceCode,
}

impl Act {
    /// A failed exchange of an account.
    pub fn failure(of: &str) -> Self {
        Self::Failure(of.trim().to_lowercase())
    }

    const fn limit(&self) -> usize {
        match self {
            Self::Failure(_) => FAILURES,
            Self::DeviceCode => DEVICE_CODES,
        }
    }
}

/// Too many attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// When the oldest one leaves the window.
    pub wait: Span,
}

/// The attempts of one process.
#[derive(Debug, Clone, Default)]
pub struct Attempts(HashMap<Act, VecDeque<Moment>>);

impl Attempts {
    /// How many more are allowed at `at`.
    pub fn left(&mut self, act: &Act, at: Moment) -> usize {
        act.limit().saturating_sub(self.recent(act, at).len())
    }

    /// Whether another one is allowed at `at`.
    ///
    /// # Errors
    /// With the wait, when the window is full.
    pub fn check(&mut self, act: &Act, at: Moment) -> Result<(), TooMany> {
        if self.left(act, at) > 0 {
            return Ok(());
        }
        let oldest = self.recent(act, at).front().copied().unwrap_or(at);
        Err(TooMany { wait: at.until(oldest + WINDOW) })
    }

    /// Counts one.
    pub fn note(&mut self, act: &Act, at: Moment) {
        self.recent(act, at).push_back(at);
    }

    fn recent(&mut self, act: &Act, at: Moment) -> &mut VecDeque<Moment> {
        let times = self.0.entry(act.clone()).or_default();
        while times.front().is_some_and(|first| at.since(*first) >= WINDOW) {
            times.pop_front();
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_failure_in_a_minute_waits_for_the_first_to_leave() {
        let mut attempts = Attempts::default();
        let act = Act::failure(" Me@x.test ");
        for second in 0..5 {
            assert_eq!(attempts.check(&act, Moment::from_secs(second)), Ok(()));
            attempts.note(&act, Moment::from_secs(second));
        }

        let refused = attempts.check(&Act::failure("me@x.test"), Moment::from_secs(10));

        assert_eq!(refused, Err(TooMany { wait: Span::seconds(50) }));
        assert_eq!(attempts.check(&Act::failure("you@x.test"), Moment::from_secs(10)), Ok(()));
        assert_eq!(attempts.left(&act, Moment::from_secs(60)), 1);
    }

    #[test]
    fn three_device_codes_a_minute() {
        let mut attempts = Attempts::default();
        for _ in 0..3 {
            attempts.note(&Act::DeviceCode, Moment::from_secs(0));
        }

        assert!(attempts.check(&Act::DeviceCode, Moment::from_secs(59)).is_err());
        assert!(attempts.check(&Act::DeviceCode, Moment::from_secs(60)).is_ok());
    }
}
