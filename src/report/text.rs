//! Words that several text reports share.

use std::fmt::Write as _;

use crate::base::{Moment, calendar};
use crate::domain::problem::Problem;
use crate::domain::quota::snapshot::Snapshot;
use crate::report::json;

/// A failure: what happened, why, what to do now.
pub(super) fn problem(problem: &Problem) -> String {
    let mut text = problem.what.clone();
    text.push('\n');
    for cause in &problem.because {
        let _ = writeln!(text, "  {cause}");
    }
    for hint in problem.hints.iter().filter_map(json::hint) {
        let mut letters = hint.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        let _ = writeln!(text, "{first}{}", letters.as_str());
    }
    text
}

/// `used 3m ago`, `used never`.
pub(super) fn last_used(used: Moment, at: Moment) -> String {
    if used == Moment::EPOCH {
        return "used never".to_owned();
    }
    format!("used {} ago", calendar::long(at.since(used)))
}

/// The compact quota of commands.md §1.4: `5h 62% | 7d 49%`.
pub(super) fn quota(snapshot: &Snapshot, at: Moment) -> String {
    let mut parts: Vec<String> = snapshot
        .windows()
        .filter_map(|window| {
            let left = window.left(at)?;
            let name = window.name();
            if name.is_none() && window.resets_at.is_none() && left.rounded() == 100 {
                return None;
            }
            Some(format!("{} {}%", name.unwrap_or_else(|| "quota".to_owned()), left.rounded()))
        })
        .collect();
    if snapshot.status == 429 {
        parts.push("rate-limited".to_owned());
    }
    if snapshot.is_exhausted(at) {
        parts.push("quota-exhausted".to_owned());
    }
    parts.join(" | ")
}

/// `3 accounts`, `1 account`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
