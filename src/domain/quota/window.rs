//! One quota window, named by its declared length, never by its position.

use crate::base::{Moment, Percent, Span};

/// A window as upstream declares it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Window {
    /// Used share, raw; `None` when undeclared.
    pub used: Option<Percent>,
    /// Declared length.
    pub minutes: Option<u32>,
    /// When it starts anew.
    pub resets_at: Option<Moment>,
    /// When it was observed, where that was earlier than the rest of its snapshot.
    pub seen: Option<Moment>,
}

impl Window {
    /// With the length of the one known in its place, where it declares none.
    #[must_use]
    pub fn named_as(self, known: Option<Self>) -> Self {
        Self { minutes: self.minutes.or(known.and_then(|known| known.minutes)), ..self }
    }

    /// When it began anew after it was observed at `observed`; the figures are from before that.
    pub fn was_reset(&self, observed: Moment, at: Moment) -> Option<Moment> {
        self.resets_at.filter(|reset| self.seen.unwrap_or(observed) < *reset && *reset <= at)
    }

    /// What is left, at `at`: a window whose reset has passed is full again.
    pub fn left(&self, at: Moment) -> Option<Percent> {
        let used = self.used?;
        if self.resets_at.is_some_and(|reset| reset <= at) { Some(Percent::FULL) } else { Some(used.left()) }
    }

    /// Whether nothing is left at `at`, on the raw percentage (DB-26). `observed` bounds windows without a
    /// declared reset (commands.md §2.4).
    pub fn is_exhausted(&self, observed: Moment, at: Moment) -> bool {
        if self.used.is_none_or(|used| used.value() < 100.0) {
            return false;
        }
        match (self.resets_at, self.minutes) {
            (Some(reset), _) => reset > at,
            (None, Some(minutes)) => at < self.seen.unwrap_or(observed) + Span::minutes(i64::from(minutes)),
            (None, None) => true,
        }
    }

    /// Short name from the length: `5h`, `7d`, `30d`, `90m`; `None` when undeclared.
    pub fn name(&self) -> Option<String> {
        let minutes = self.minutes?;
        Some(if minutes % 1_440 == 0 && minutes > 0 {
            format!("{}d", minutes / 1_440)
        } else if minutes % 60 == 0 && minutes > 0 {
            format!("{}h", minutes / 60)
        } else {
            format!("{minutes}m")
        })
    }
}
