//! What one proxy counted since it began, for the metrics page (runtime.md DB-67).
//!
//! Names are contract words only: no account, model or session ever becomes part of a name, so the number of series
//! stays small whatever is served.

use std::collections::BTreeMap;

use crate::base::{Moment, Span};
use crate::domain::facts::{TurnRow, TurnStatus, TurnTokens, Via};
use crate::domain::refresh::Outcome;
use crate::domain::usage::entry::{Ending, Entry, Operation};

/// Upper ends of the first-byte buckets in milliseconds: from a warm cache to the longest thought a client waits for.
pub const BUCKETS: [i64; 12] =
    [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000];

/// Series of one kind that are kept; words are few, so only a defect gets here.
const MOST: usize = 64;

/// The counters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meter {
    /// Ended requests by what was done and how it ended.
    pub requests: BTreeMap<(Operation, Ending), u64>,
    /// Attempts by verdict.
    pub attempts: BTreeMap<String, u64>,
    /// Moves to another account by cause.
    pub rotations: BTreeMap<String, u64>,
    /// Refreshes by result.
    pub refreshes: BTreeMap<&'static str, u64>,
    /// Tokens as upstream declared them.
    pub tokens: TurnTokens,
    /// Times to the first byte.
    pub first_byte: Histogram,
    /// Clients that were told to reconnect.
    pub reconnects: u64,
    /// Turns over sockets that ended.
    pub socket_turns: u64,
    /// Requests that moved at least once, and those of them that then succeeded.
    pub moved: (u64, u64),
    /// Requests whose attempts were used up while accounts were left.
    pub spent: u64,
    /// All requests together, from start to end.
    pub latency: Span,
    /// When the newest one ended.
    pub last_at: Option<Moment>,
}

/// Times in buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// How many fell into each bucket, and behind the last one those above it.
    pub counts: [u64; BUCKETS.len() + 1],
    /// All times together.
    pub sum: Span,
}

impl Histogram {
    fn note(&mut self, span: Span) {
        let place = BUCKETS.iter().position(|most| span.as_millis() <= *most).unwrap_or(BUCKETS.len());
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        self.sum = self.sum + span;
    }
}

impl Meter {
    /// A request ended.
    pub fn ended(&mut self, entry: &Entry) {
        *self.requests.entry((entry.operation, entry.ending)).or_default() += 1;
        self.tokens.input += entry.tokens.input;
        self.tokens.output += entry.tokens.output;
        self.tokens.cached += entry.tokens.cached;
        self.tokens.reasoning += entry.tokens.reasoning;
        self.tokens.total += entry.tokens.total;
        if let Some(span) = entry.first_byte {
            self.first_byte.note(span);
        }
        if !entry.rotated_from.is_empty() {
            self.moved.0 += 1;
            self.moved.1 += u64::from(entry.ending == Ending::Success);
        }
        self.spent += u64::from(entry.error.as_deref() == Some("budget"));
        self.latency = self.latency + entry.took.unwrap_or_default();
        self.last_at = self.last_at.max(Some(entry.at));
    }

    /// A turn is over: its attempts are what they are.
    pub fn tried(&mut self, row: &TurnRow) {
        if row.status == TurnStatus::Running {
            return;
        }
        self.socket_turns += u64::from(row.via == Via::Ws && row.status != TurnStatus::Warm);
        for attempt in &row.attempts {
            count(&mut self.attempts, &attempt.verdict);
        }
    }

    /// A turn moved to another account.
    pub fn rotated(&mut self, why: &str) {
        count(&mut self.rotations, why);
    }

    /// A refresh ended.
    pub fn refreshed(&mut self, outcome: &Outcome) {
        let word = match outcome {
            Outcome::Renewed(_) => "renewed",
            Outcome::Adopted(_) => "adopted",
            Outcome::Dead { .. } => "dead",
            Outcome::Transient { .. } => "transient",
            Outcome::Refused { .. } => "refused",
            Outcome::Uncertain { .. } => "uncertain",
            Outcome::Missing => "missing",
        };
        *self.refreshes.entry(word).or_default() += 1;
    }
}

fn count(series: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = series.get_mut(name) {
        *count += 1;
    } else if series.len() < MOST {
        series.insert(name.to_owned(), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_the_first_bucket_that_holds_them() {
        let mut times = Histogram::default();

        for ms in [50, 51, 300_000, 300_001] {
            times.note(Span::millis(ms));
        }

        assert_eq!((times.counts[0], times.counts[1], times.counts[11], times.counts[12]), (1, 1, 1, 1));
        assert_eq!(times.sum, Span::millis(600_102));
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let mut meter = Meter::default();

        for number in 0..1_000 {
            meter.rotated(&format!("odd {number}"));
        }

        assert_eq!(meter.rotations.len(), MOST);
    }
}
