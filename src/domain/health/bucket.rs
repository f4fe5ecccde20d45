//! A local token bucket per account and lane: a memory of how hard an account was used lately.
//!
//! It ranks and never refuses (D26): a bucket that is empty stays at zero, because a limit nobody upstream spoke of
//! must not stop a person from working.

use std::collections::VecDeque;

use crate::base::{Moment, Span};

/// A full bucket.
pub const FULL: f64 = 50.0;

/// Tokens per minute.
const REFILL: f64 = 6.0;
/// What a limit drains.
const DRAIN: f64 = 10.0;
/// Older consumptions are not given back: the request behind them was long enough to count.
const REFUND_WITHIN: Span = Span::seconds(90);

/// The bucket of one account for one lane.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    tokens: f64,
    at: Moment,
    consumed: VecDeque<Moment>,
}

impl Bucket {
    /// Full.
    pub const fn new(now: Moment) -> Self {
        Self { tokens: FULL, at: now, consumed: VecDeque::new() }
    }

    /// The level at `now`.
    pub fn read(&self, now: Moment) -> f64 {
        (self.tokens + REFILL * now.since(self.at).as_secs_f64() / 60.0).clamp(0.0, FULL)
    }

    /// Takes one token, or what is left of it.
    pub fn consume(&mut self, now: Moment) {
        self.set(self.read(now) - 1.0, now);
        while self.consumed.front().is_some_and(|at| now.since(*at) > REFUND_WITHIN) {
            self.consumed.pop_front();
        }
        self.consumed.push_back(now);
    }

    /// Gives one token back when one was taken within the last 90 s.
    pub fn refund(&mut self, now: Moment) {
        while let Some(at) = self.consumed.pop_front() {
            if now.since(at) <= REFUND_WITHIN {
                self.set(self.read(now) + 1.0, now);
                return;
            }
        }
    }

    /// A limit was met.
    pub fn drain(&mut self, now: Moment) {
        self.set(self.read(now) - DRAIN, now);
    }

    fn set(&mut self, tokens: f64, now: Moment) {
        self.tokens = tokens.clamp(0.0, FULL);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_secs(1_000_000);

    #[test]
    fn it_empties_refills_and_never_goes_below_zero() {
        let mut bucket = Bucket::new(START);
        for _ in 0..60 {
            bucket.consume(START);
        }

        assert!(bucket.read(START).abs() < 1e-9);
        assert!((bucket.read(START + Span::minutes(1)) - 6.0).abs() < 1e-9);
        assert!((bucket.read(START + Span::hours(1)) - FULL).abs() < 1e-9);
    }

    #[test]
    fn only_a_recent_consumption_is_given_back_and_only_once() {
        let mut bucket = Bucket::new(START);
        bucket.drain(START);
        bucket.consume(START);

        bucket.refund(START);
        bucket.refund(START);
        assert!((bucket.read(START) - 40.0).abs() < 1e-9);

        bucket.consume(START);
        let late = START + Span::millis(90_001);
        let before = bucket.read(late);
        bucket.refund(late);
        assert!((bucket.read(late) - before).abs() < 1e-9);
    }
}
