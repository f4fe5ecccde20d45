//! What is remembered of accounts beyond their present state: how much of a short window was used when, what was done
//! to them, and whose login the official CLI has. It is read when somebody opens an account; nothing is decided by it.

use std::collections::BTreeMap;

use crate::base::{Moment, Percent, Span};
use crate::domain::account::AccountKey;
use crate::domain::audit::{Action, Ending};
use crate::domain::quota::snapshot::Snapshot;

/// How far back figures are kept: as long as the longest window that has a chart.
pub const BACK: Span = Span::hours(5);
/// The same in minutes.
const LONGEST: u32 = 300;
/// Figures that follow each other sooner say the same, unless the window began anew.
const APART: Span = Span::minutes(3);

/// Everything that is remembered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chronicle {
    /// Figures by account, oldest first.
    pub figures: BTreeMap<AccountKey, Vec<Point>>,
    /// What was done, oldest first, as far as the log goes back.
    pub acts: Vec<Act>,
    /// Whose login the official CLI has.
    pub official: Option<Official>,
}

/// How much of a window was used at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When it was seen.
    pub at: Moment,
    /// The window's declared length.
    pub minutes: u32,
    /// How much of it was used.
    pub used: Percent,
}

/// Something that was done to an account, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at: Moment,
    /// Short name of the account.
    pub whose: String,
    /// What.
    pub action: Action,
    /// How it ended.
    pub ending: Ending,
    /// More, by name.
    pub more: BTreeMap<String, String>,
}

/// The official CLI's login, where it is one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Official {
    /// Whose it is.
    pub key: AccountKey,
    /// Whether both hold the same session.
    pub session: Session,
}

/// How two copies of a session stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// The same.
    Same,
    /// Another: one of the two is newer.
    Differs,
}

/// The figures of a snapshot that a chart can show.
pub fn points(snapshot: &Snapshot) -> impl Iterator<Item = Point> {
    let short = |minutes: &u32| *minutes <= LONGEST;
    snapshot.windows().filter_map(move |window| {
        let minutes = window.minutes.filter(short)?;
        Some(Point { at: snapshot.seen(window), minutes, used: window.used? })
    })
}

/// The figures of an account with one more; `None` when it says nothing new.
pub fn grown(known: &[Point], new: Point) -> Option<Vec<Point>> {
    let last = known.iter().rev().find(|point| point.minutes == new.minutes);
    let is_old = last.is_some_and(|last| new.at <= last.at);
    let soon =
        last.is_some_and(|last| new.at.since(last.at) < APART && new.used.value() >= last.used.value());
    if is_old || soon {
        return None;
    }
    let mut all: Vec<Point> = known.iter().copied().filter(|point| new.at.since(point.at) <= BACK).collect();
    all.push(new);
    Some(all)
}

/// Used percents in `count` equal parts of the time before `at`, oldest first; 0 where nothing is known yet.
pub fn columns(points: &[Point], minutes: u32, count: usize, at: Moment) -> Vec<u32> {
    let parts = i64::try_from(count.max(1)).unwrap_or(1);
    let span = BACK.as_millis() / parts;
    (1..=parts)
        .map(|part| {
            let end = at - Span::millis((parts - part) * span);
            let seen = points.iter().rev().find(|point| point.minutes == minutes && point.at <= end);
            seen.map_or(0, |point| u32::from(point.used.rounded()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(minute: i64, used: f64) -> Point {
        Point { at: Moment::from_secs(minute * 60), minutes: 300, used: Percent::new(used) }
    }

    #[test]
    fn figures_are_kept_a_few_minutes_apart_and_for_five_hours() {
        let mut known = Vec::new();
        for (minute, used) in [(0, 1.0), (1, 2.0), (4, 3.0), (4, 9.0), (3, 9.0), (310, 20.0)] {
            if let Some(more) = grown(&known, point(minute, used)) {
                known = more;
            }
        }

        assert_eq!(known, [point(310, 20.0)]);
    }

    #[test]
    fn a_window_that_began_anew_is_kept_at_once() {
        let known = grown(&[point(0, 90.0)], point(1, 2.0)).unwrap();

        assert_eq!(known, [point(0, 90.0), point(1, 2.0)]);
    }

    #[test]
    fn a_column_shows_what_was_seen_last_and_nothing_before_anything_was_seen() {
        let at = Moment::from_secs(300 * 60);

        let shown = columns(&[point(120, 10.0), point(290, 40.0)], 300, 5, at);

        assert_eq!(shown, [0, 10, 10, 10, 40]);
        assert_eq!(columns(&[point(120, 10.0)], 60, 2, at), [0, 0]);
    }
}
