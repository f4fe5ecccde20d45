//! `uninstall`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::Outcome;
use crate::domain::uninstall::{State, Step, Uninstalled, Wish};
use crate::report::{Printed, chore, json};

/// The document.
pub(super) fn value(outcome: &Outcome, wish: Wish, told: &Uninstalled) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    json::extend(
        &mut members,
        json!({
            "dryRun": wish.dry_run,
            "removed": if wish.dry_run { Vec::new() } else { told.removed() },
            "warnings": warnings(told),
            "steps": told.steps.iter().map(chore::row).collect::<Vec<_>>(),
        }),
    );
    Value::Object(members)
}

fn warnings(told: &Uninstalled) -> Vec<String> {
    let failed = told.steps.iter().filter(|step| step.state == State::Failed);
    told.warnings.iter().cloned().chain(failed.map(line)).collect()
}

fn line(step: &Step) -> String {
    let message = step.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{} {}{message}", step.step, step.target)
}

/// The text.
pub(super) fn printed(wish: Wish, told: &Uninstalled) -> Printed {
    let mut printed = Printed::default();
    for step in told.steps.iter().filter(|step| step.state != State::Absent) {
        let verb = match (step.state, wish.dry_run) {
            (State::Done, _) => "Done",
            (State::Removed, false) => "Removed",
            (State::Removed, true) => "Would remove",
            (State::Restored, false) => "Restored",
            (State::Restored, true) => "Would restore",
            (State::Skipped, _) => "Left",
            (State::Failed, _) => {
                let _ = writeln!(printed.err, "Not done: {}", line(step));
                continue;
            }
            (State::Absent, _) => continue,
        };
        let _ = writeln!(printed.out, "{verb}: {}", line(step));
    }
    if printed.out.is_empty() && printed.err.is_empty() {
        printed.out.push_str("Nothing of codex-multi-auth was found outside its own folder.\n");
    }
    for warning in &told.warnings {
        let _ = writeln!(printed.err, "{warning}");
    }
    printed
}
