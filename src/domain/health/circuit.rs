//! A circuit breaker per account: three failures within a minute close it to traffic for half a minute.
//!
//! [`Circuit::is_available`] is a pure prediction, [`Circuit::admit`] takes the one probe of a half-open breaker. The
//! rest is varied by ±10 % so that accounts that failed together do not come back together; the variation is taken
//! from the moment of the failure, which keeps the rule free of randomness.

use crate::base::{Moment, Span};

const THRESHOLD: usize = 3;
const WITHIN: Span = Span::seconds(60);
const REST: Span = Span::seconds(30);

/// The breaker of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circuit {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// With the newest failures, oldest first.
    Closed([Option<Moment>; THRESHOLD]),
    Open {
        until: Moment,
    },
    /// `busy_until`: a probe runs, and is given up at that moment.
    HalfOpen {
        busy_until: Option<Moment>,
    },
}

impl Default for Circuit {
    fn default() -> Self {
        Self { state: State::Closed([None; THRESHOLD]) }
    }
}

impl Circuit {
    /// When the next attempt is admitted; `None` = now.
    pub fn closed_until(&self, now: Moment) -> Option<Moment> {
        match self.state {
            State::Closed(_) => None,
            State::Open { until } => Some(until).filter(|until| *until > now),
            State::HalfOpen { busy_until } => busy_until.filter(|until| *until > now),
        }
    }

    /// Whether an attempt would be admitted.
    pub fn is_available(&self, now: Moment) -> bool {
        self.closed_until(now).is_none()
    }

    /// Begins an attempt; a breaker whose rest is over lets exactly one through.
    pub fn admit(&mut self, now: Moment) {
        match self.state {
            State::Closed(_) => {}
            State::Open { until } if until > now => {}
            // Its probe still runs, and a second attempt does not lengthen its time.
            State::HalfOpen { busy_until: Some(until) } if until > now => {}
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen { busy_until: Some(now + REST) };
            }
        }
    }

    /// The attempt succeeded.
    pub fn succeed(&mut self) {
        match self.state {
            State::Closed(_) => {}
            State::Open { .. } | State::HalfOpen { .. } => *self = Self::default(),
        }
    }

    /// The attempt failed.
    pub fn fail(&mut self, now: Moment) {
        match &mut self.state {
            State::Closed(failures) => {
                failures.rotate_left(1);
                if let Some(newest) = failures.last_mut() {
                    *newest = Some(now);
                }
                if failures.iter().all(|at| at.is_some_and(|at| now.since(at) <= WITHIN)) {
                    self.open(now);
                }
            }
            State::HalfOpen { .. } => self.open(now),
            State::Open { .. } => {}
        }
    }

    /// The attempt ended without telling anything: its slot is free again.
    pub fn forget_attempt(&mut self) {
        if let State::HalfOpen { busy_until } = &mut self.state {
            *busy_until = None;
        }
    }

    /// The word in the pulse.
    pub const fn word(&self) -> &'static str {
        match self.state {
            State::Closed(_) => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half-open",
        }
    }

    fn open(&mut self, now: Moment) {
        // −10 % … +10 % in steps of one per mille.
        let tilt = Span::millis(REST.as_millis() / 1_000 * (now.millis().rem_euclid(201) - 100));
        self.state = State::Open { until: now + REST + tilt };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 201 × 10⁶: no tilt but the lower bound.
    const START: Moment = Moment::from_millis(201_000_000 + 100);

    fn opened() -> (Circuit, Moment) {
        let mut circuit = Circuit::default();
        for _ in 0..3 {
            circuit.fail(START);
        }
        (circuit, circuit.closed_until(START).expect("open"))
    }

    #[test]
    fn three_failures_within_a_minute_open_it_for_half_a_minute() {
        let mut circuit = Circuit::default();
        circuit.fail(START);
        circuit.fail(START + Span::seconds(30));
        assert!(circuit.is_available(START + Span::seconds(30)));

        circuit.fail(START + Span::seconds(61));
        assert!(circuit.is_available(START + Span::seconds(61)), "the first one is too old");

        circuit.fail(START + Span::seconds(62));
        assert!(!circuit.is_available(START + Span::seconds(62)));
    }

    #[test]
    fn the_rest_varies_by_a_tenth() {
        for offset in 0..250 {
            let at = Moment::from_millis(1_000_000 + offset);
            let mut circuit = Circuit::default();
            (0..3).for_each(|_| circuit.fail(at));
            let rest = at.until(circuit.closed_until(at).expect("open"));
            assert!((Span::seconds(27)..=Span::seconds(33)).contains(&rest), "{rest:?}");
        }
    }

    #[test]
    fn one_probe_is_let_through_and_decides() {
        let (mut circuit, until) = opened();
        circuit.admit(until);
        assert!(!circuit.is_available(until), "a second attempt is refused while the probe runs");
        assert!(circuit.is_available(until + REST), "a probe that never ends is given up");

        let mut failed = circuit;
        failed.fail(until);
        assert_eq!(failed.word(), "open");

        circuit.succeed();
        assert_eq!(circuit, Circuit::default());
    }

    #[test]
    fn a_cancelled_probe_releases_its_slot() {
        let (mut circuit, until) = opened();
        circuit.admit(until);

        circuit.forget_attempt();

        assert!(circuit.is_available(until));
        assert_eq!(circuit.word(), "half-open");
    }
}
