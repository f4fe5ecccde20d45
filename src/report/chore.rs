//! `setup`, `features` and the launcher.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::Outcome;
use crate::domain::chore::{Chore, Done, FEATURES};
use crate::domain::uninstall::{State, Step};
use crate::report::{Printed, json};

/// The document.
pub(super) fn value(outcome: &Outcome, chore: Chore, done: &Done) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    let more = match chore {
        Chore::Features => json!({
            "features": FEATURES.iter().map(|one| json!({
                "id": one.id,
                "title": one.title,
                "since": one.since,
            })).collect::<Vec<_>>(),
        }),
        Chore::Launcher { .. } | Chore::SetUp { .. } => json!({
            "dryRun": chore.is_dry(),
            "steps": done.steps.iter().map(row).collect::<Vec<_>>(),
        }),
    };
    json::extend(&mut members, more);
    Value::Object(members)
}

/// A step as every command tells it.
pub(super) fn row(step: &Step) -> Value {
    let mut row = json!({
        "step": step.step,
        "target": step.target,
        "state": step.state.word(),
        "undo": step.undo,
    });
    if let (Some(message), Some(row)) = (&step.message, row.as_object_mut()) {
        row.insert("message".to_owned(), json!(message));
    }
    row
}

/// The text.
pub(super) fn printed(chore: Chore, done: &Done) -> Printed {
    let mut printed = Printed::default();
    if chore == Chore::Features {
        let _ = writeln!(printed.out, "Implemented features ({})", FEATURES.len());
        for (number, one) in FEATURES.iter().enumerate() {
            let _ = writeln!(printed.out, "{:>2}. {}", number + 1, one.title);
        }
        return printed;
    }
    for step in &done.steps {
        let verb = match (step.state, chore.is_dry()) {
            (State::Done, false) => "Done",
            (State::Done, true) => "Would do",
            (State::Removed, false) => "Removed",
            (State::Removed, true) => "Would remove",
            (State::Restored, false) => "Restored",
            (State::Restored, true) => "Would restore",
            (State::Absent, _) => "Nothing there",
            (State::Skipped, _) => "Left",
            (State::Failed, _) => {
                let _ = writeln!(printed.err, "Not done: {}", line(step));
                continue;
            }
        };
        let _ = writeln!(printed.out, "{verb}: {}", line(step));
        if let (Some(undo), State::Done) = (step.undo, step.state) {
            let _ = writeln!(printed.out, "  Undo: {undo}");
        }
    }
    printed
}

fn line(step: &Step) -> String {
    let message = step.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{} {}{message}", step.step, step.target)
}
