//! Pace and run-out time of a window (dashboard.md §11.5).
//!
//! Pace compares the used share with the elapsed share of the window. A projection is made only once both
//! have reached a few percent: before that one request would swing it by days.

use crate::base::{Moment, Percent, Span};
use crate::domain::quota::window::Window;

/// Differences up to this many points are noise.
const EVEN: f64 = 5.0;
/// Less than this used or elapsed tells nothing about the rest.
const ENOUGH: f64 = 3.0;

/// Use against the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Within five points.
    Even,
    /// So many points ahead of the clock.
    Over(u8),
    /// So many points behind the clock.
    Under(u8),
}

/// What becomes of a window at this pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// Still something left when it starts anew.
    Lasts,
    /// Used up at that moment, before it starts anew.
    EmptyAt(Moment),
}

impl Pace {
    /// As people read it: `on pace`, `36% under pace`.
    pub fn words(self) -> String {
        match self {
            Self::Even => "on pace".to_owned(),
            Self::Over(points) => format!("{points}% over pace"),
            Self::Under(points) => format!("{points}% under pace"),
        }
    }
}

/// The share of the window's time that has passed at `at`.
pub fn elapsed(window: &Window, at: Moment) -> Option<Percent> {
    let length = Span::minutes(i64::from(window.minutes?));
    let reset = window.resets_at.filter(|reset| *reset > at)?;
    if length.is_over() {
        return None;
    }
    let ahead = at.until(reset).as_secs_f64() / length.as_secs_f64();
    Some(Percent::new((100.0 * (1.0 - ahead)).clamp(0.0, 100.0)))
}

/// Use against the clock at `at`; `None` when the window does not tell enough.
pub fn pace(window: &Window, at: Moment) -> Option<Pace> {
    let lead = window.used?.value() - elapsed(window, at)?.value();
    Some(if lead.abs() <= EVEN {
        Pace::Even
    } else if lead > 0.0 {
        Pace::Over(Percent::new(lead).rounded())
    } else {
        Pace::Under(Percent::new(-lead).rounded())
    })
}

/// Whether the window lasts at the present pace; `None` when the window does not tell enough.
pub fn outlook(window: &Window, at: Moment) -> Option<Outlook> {
    let (used, elapsed) = (window.used?.value(), elapsed(window, at)?.value());
    let reset = window.resets_at?;
    if used < ENOUGH || elapsed < ENOUGH {
        return Some(Outlook::Lasts);
    }
    let length = Span::minutes(i64::from(window.minutes?));
    // left / (used / elapsed time), all in shares of the window.
    let ahead = length.scaled((100.0 - used).max(0.0) / used * elapsed / 100.0);
    let end = at + ahead;
    Some(if end < reset { Outlook::EmptyAt(end) } else { Outlook::Lasts })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_000_000);

    fn window(used: f64, ahead: Span) -> Window {
        Window {
            used: Some(Percent::new(used)),
            minutes: Some(300),
            resets_at: Some(NOW + ahead),
            ..Window::default()
        }
    }

    #[test]
    fn pace_compares_use_with_the_clock() {
        for (used, ahead, expected) in [
            (38.0, Span::minutes(78), Pace::Under(36)),
            (50.0, Span::minutes(150), Pace::Even),
            (90.0, Span::minutes(150), Pace::Over(40)),
        ] {
            assert_eq!(pace(&window(used, ahead), NOW), Some(expected), "{used}");
        }
        assert_eq!(pace(&window(50.0, Span::ZERO), NOW), None);
    }

    #[test]
    fn a_projection_needs_some_use_and_some_time() {
        let fast = window(80.0, Span::minutes(150));
        let fresh = window(2.0, Span::minutes(299));

        assert_eq!(outlook(&fast, NOW), Some(Outlook::EmptyAt(NOW + Span::millis(2_250_000))));
        assert_eq!(outlook(&fresh, NOW), Some(Outlook::Lasts));
        assert_eq!(outlook(&window(38.0, Span::minutes(78)), NOW), Some(Outlook::Lasts));
    }
}
