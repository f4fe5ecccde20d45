//! What one observation says about an account's windows; the newest observation of a window wins.

use crate::base::{Moment, Percent};
use crate::domain::quota::window::Window;

/// Where a number came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `GET …/wham/usage`.
    Usage,
    /// Response headers.
    Headers,
    /// A `codex.rate_limits` event or frame.
    Frame,
    /// The model probe.
    Probe,
    /// The cache file.
    Cache,
}

/// Credits as declared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credits {
    /// Whether the account has any.
    pub has: bool,
    /// Whether they never run out.
    pub unlimited: bool,
    /// Balance as upstream writes it.
    pub balance: Option<String>,
}

/// One observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The tighter-paced window (usually five hours).
    pub primary: Option<Window>,
    /// The longer window (usually seven days).
    pub secondary: Option<Window>,
    /// Plan type.
    pub plan: Option<String>,
    /// Limit id these windows belong to; `None` or `codex` means the whole account.
    pub limit_id: Option<String>,
    /// Credits, when declared.
    pub credits: Option<Credits>,
    /// HTTP status that carried it (200, 429).
    pub status: u16,
    /// Model of the request, for the cache file.
    pub model: Option<String>,
    /// When it was observed.
    pub at: Moment,
    /// Where it came from.
    pub source: Source,
}

impl Snapshot {
    /// Both windows that are declared.
    pub fn windows(&self) -> impl Iterator<Item = &Window> {
        self.primary.iter().chain(self.secondary.iter())
    }

    /// What is left in the tighter window.
    pub fn tightest(&self, at: Moment) -> Option<Percent> {
        self.windows()
            .filter_map(|window| window.left(at))
            .reduce(|a, b| if b.value() < a.value() { b } else { a })
    }

    /// When the last exhausted window starts anew; `None` when none is exhausted.
    pub fn exhausted_until(&self, at: Moment) -> Option<Moment> {
        self.windows()
            .filter(|window| window.is_exhausted(self.at, at))
            .filter_map(|window| window.resets_at)
            .max()
    }

    /// Whether any window is exhausted at `at`.
    pub fn is_exhausted(&self, at: Moment) -> bool {
        self.windows().any(|window| window.is_exhausted(self.at, at))
    }
}
