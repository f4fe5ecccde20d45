//! Points in time and lengths of time, in whole milliseconds, saturating.
//!
//! Every persisted time of the pool is Unix epoch milliseconds, so that is the one unit inside, too. Nothing
//! here reads a clock.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(i64);

/// A length of time in milliseconds; negative when it points to the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Moment {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// From epoch milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// From epoch seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// Epoch milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole epoch seconds, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0).max(0))
    }

    /// How long it takes until `later`; zero when it has passed.
    pub fn until(self, later: Self) -> Span {
        later.since(self)
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds.
    pub const fn millis(ms: i64) -> Self {
        Self(ms)
    }

    /// From seconds.
    pub const fn seconds(s: i64) -> Self {
        Self(s.saturating_mul(1_000))
    }

    /// From minutes.
    pub const fn minutes(m: i64) -> Self {
        Self(m.saturating_mul(60_000))
    }

    /// From hours.
    pub const fn hours(h: i64) -> Self {
        Self(h.saturating_mul(3_600_000))
    }

    /// From days.
    pub const fn days(d: i64) -> Self {
        Self(d.saturating_mul(86_400_000))
    }

    /// Whole milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds, rounded up: what `Retry-After` wants.
    pub const fn as_secs_ceil(self) -> i64 {
        self.0.saturating_add(999).div_euclid(1_000)
    }

    /// Hours with fraction, for scores.
    #[expect(clippy::cast_precision_loss, reason = "scores need no more than the 53 bits of a float")]
    pub fn as_hours(self) -> f64 {
        self.0 as f64 / 3_600_000.0
    }

    /// Seconds with fraction, for rates.
    #[expect(clippy::cast_precision_loss, reason = "rates need no more than the 53 bits of a float")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// The span scaled by a finite factor, saturating.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "float to integer casts saturate, and jitter needs no exactness"
    )]
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor) as i64)
    }

    /// For timers of the runtime; negative spans become zero.
    pub fn to_duration(self) -> Duration {
        Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }

    /// Whether the span is zero or points to the past.
    pub const fn is_over(self) -> bool {
        self.0 <= 0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Add<Span> for Moment {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Moment {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let end = Moment::from_millis(i64::MAX);

        assert_eq!(end + Span::days(1), end);
        assert_eq!(Moment::EPOCH.since(end), Span::ZERO);
    }

    #[test]
    fn retry_after_rounds_up_to_a_whole_second() {
        assert_eq!(Span::millis(1).as_secs_ceil(), 1);
        assert_eq!(Span::millis(1_000).as_secs_ceil(), 1);
        assert_eq!(Span::millis(1_001).as_secs_ceil(), 2);
    }
}
