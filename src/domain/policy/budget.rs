//! Limits on what may be used in an hour, a day, a week or a month (storage.md §9.5).
//!
//! Windows are the calendar's, in UTC, as in the reference, so that both programs count from the same moment.

use crate::base::{Moment, Span, calendar};
use crate::domain::policy::account::slug;

/// Longest key.
const KEY: usize = 100;

/// How long a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// From the top of the hour.
    Hour,
    /// From midnight.
    Day,
    /// From midnight before Monday.
    Week,
    /// From the first of the month.
    Month,
}

impl Window {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The word in files and commands.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The window of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.word() == word)
    }

    /// When the window that holds `at` began.
    pub fn start(self, at: Moment) -> Moment {
        /// The first Monday of the epoch was its fifth day.
        const MONDAY: Span = Span::days(4);
        match self {
            Self::Hour => floor(at, Span::hours(1)),
            Self::Day => floor(at, Span::days(1)),
            Self::Week => floor(at - MONDAY, Span::days(7)) + MONDAY,
            Self::Month => calendar::month_start(at),
        }
    }

    /// The earliest start of any window that holds `at`: the week may reach further back than the month.
    pub fn earliest(at: Moment) -> Moment {
        Self::Week.start(at).min(Self::Month.start(at))
    }

    /// When it ends.
    pub fn end(self, at: Moment) -> Moment {
        match self {
            Self::Hour => self.start(at) + Span::hours(1),
            Self::Day => self.start(at) + Span::days(1),
            Self::Week => self.start(at) + Span::days(7),
            Self::Month => calendar::next_month(at),
        }
    }
}

fn floor(at: Moment, unit: Span) -> Moment {
    Moment::from_millis(at.millis().div_euclid(unit.as_millis()) * unit.as_millis())
}

/// One budget; a missing limit does not limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// `global`, `project:…`, `account:…`, `model:…`, `tag:…`, or the user's own word.
    pub key: String,
    /// How long it counts.
    pub window: Window,
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens, all kinds.
    pub tokens: Option<u64>,
    /// API-equivalent cost, USD.
    pub cost: Option<f64>,
    /// When it was set.
    pub updated_at: Moment,
}

/// What was used within a window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Used {
    /// Requests.
    pub requests: u64,
    /// Tokens, all kinds.
    pub tokens: u64,
    /// API-equivalent cost, USD.
    pub cost: f64,
}

impl Used {
    /// Both together.
    pub fn join(&mut self, other: &Self) {
        self.requests += other.requests;
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.cost += other.cost;
    }

    /// Costs have eight decimals; the noise of their sums in the sixteenth is no news.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self { cost: (self.cost * 1e8).round() / 1e8, ..self }
    }
}

/// Which part of a budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// Requests.
    Requests,
    /// Tokens.
    Tokens,
    /// Cost.
    Cost,
}

impl Limit {
    /// What is used up; meeting a limit counts as reaching it.
    pub fn reached(&self, used: &Used) -> Vec<Reached> {
        let parts = [
            (self.requests.is_some_and(|limit| used.requests >= limit), Reached::Requests),
            (self.tokens.is_some_and(|limit| used.tokens >= limit), Reached::Tokens),
            (self.cost.is_some_and(|limit| used.cost >= limit), Reached::Cost),
        ];
        parts.into_iter().filter(|(is_reached, _)| *is_reached).map(|(_, part)| part).collect()
    }

    /// Whether it limits anything.
    pub fn is_binding(&self) -> bool {
        self.requests.is_some() || self.tokens.is_some() || self.cost.is_some()
    }
}

/// A key as it is kept; `None` when nothing is left of it.
pub fn key(text: &str) -> Option<String> {
    let key = slug(text, "._:-", KEY);
    (!key.is_empty()).then_some(key)
}

/// Whether a key says by itself what it is about; any other is a word that profiles name.
pub fn is_of_itself(key: &str) -> bool {
    match key.split_once(':') {
        None => key == "global",
        Some((kind, rest)) => {
            matches!(kind, "project" | "account" | "model" | "tag" | "token") && !rest.is_empty()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meeting_a_limit_reaches_it() {
        let limit = Limit {
            key: "global".into(),
            window: Window::Day,
            requests: Some(2),
            tokens: None,
            cost: Some(1.5),
            updated_at: Moment::EPOCH,
        };

        assert_eq!(limit.reached(&Used { requests: 1, tokens: 9, cost: 1.4 }), []);
        assert_eq!(
            limit.reached(&Used { requests: 2, tokens: 9, cost: 1.5 }),
            [Reached::Requests, Reached::Cost]
        );
    }

    #[test]
    fn a_window_ends_where_the_next_begins() {
        let at = Moment::from_millis(1_790_000_000_123);
        for window in Window::ALL {
            let end = window.end(at);
            assert_eq!(window.start(end), end, "{window:?}");
            assert_eq!(window.start(end - Span::millis(1)), window.start(at), "{window:?}");
        }
    }
}
