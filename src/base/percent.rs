//! Shares of a hundred. Exhaustion is tested on the raw value, rounding is for people only.

/// A percentage as declared upstream; may be fractional and above 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Percent(f64);

impl Percent {
    /// Full.
    pub const FULL: Self = Self(100.0);

    /// From a finite number; anything else becomes zero.
    pub fn new(value: f64) -> Self {
        Self(if value.is_finite() { value } else { 0.0 })
    }

    /// The raw value.
    pub fn value(self) -> f64 {
        self.0
    }

    /// What is left of a hundred, raw, never below zero.
    #[must_use]
    pub fn left(self) -> Self {
        Self((100.0 - self.0).max(0.0))
    }

    /// Rounded and clamped to 0…100, for display.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0…100 before the cast"
    )]
    pub fn rounded(self) -> u8 {
        self.0.round().clamp(0.0, 100.0) as u8
    }

    /// Rounded to a whole number that may lie above a hundred, for figures that are kept in hundredths.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what a u16 holds before the cast"
    )]
    pub fn whole(self) -> u16 {
        self.0.round().clamp(0.0, f64::from(u16::MAX)) as u16
    }

    /// Cells of a bar `width` wide; at least one when anything is there.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the width, which is a u16, before the cast"
    )]
    pub fn cells(self, width: u16) -> u16 {
        let share = self.0.clamp(0.0, 100.0);
        let cells = (share * f64::from(width) / 100.0).round() as u16;
        if share > 0.0 { cells.max(1).min(width) } else { 0 }
    }

    /// A count as the divisor of a mean; at least one.
    #[expect(clippy::cast_precision_loss, reason = "means need no more than the 53 bits of a float")]
    pub fn count(number: usize) -> f64 {
        number.max(1) as f64
    }

    /// The share `part` of `whole`; zero when there is no whole.
    #[expect(clippy::cast_precision_loss, reason = "shares need no more than the 53 bits of a float")]
    pub fn of(part: u64, whole: u64) -> Self {
        if whole == 0 { Self(0.0) } else { Self(part as f64 * 100.0 / whole as f64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_at_least_one_cell_while_anything_is_left() {
        assert_eq!(Percent::new(0.4).cells(10), 1);
        assert_eq!(Percent::new(0.0).cells(10), 0);
        assert_eq!(Percent::new(250.0).cells(10), 10);
    }
}
