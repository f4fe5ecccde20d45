//! `login`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::{Ending, Mirrored, Outcome, SignedIn};
use crate::base::calendar;
use crate::domain::login::admission::{Admitted, Place};
use crate::report::{Printed, json, text};

/// The document.
pub(super) fn value(outcome: &Outcome, ending: &Ending) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    members.insert("outcome".to_owned(), json!(ending.word()));
    match ending {
        Ending::Done(done) => json::extend(
            &mut members,
            json!({
                "accountRef": done.account.key.as_str(),
                "number": done.account.number,
                "label": done.account.label,
                "workspace": done.workspace,
                "total": done.total,
                "active": done.place == Place::Active,
                "synced": matches!(done.mirrored, Some(Mirrored::Written | Mirrored::Unchanged)),
                "syncDeferred": done.mirrored == Some(Mirrored::Deferred),
                "warnings": warnings(done),
            }),
        ),
        Ending::Printed { url, until } => {
            json::extend(
                &mut members,
                json!({ "url": url.expose(), "expiresAt": calendar::rfc3339(*until) }),
            );
        }
        Ending::Failed(problem) => {
            members.insert("error".to_owned(), json::error_value(problem));
        }
    }
    Value::Object(members)
}

/// The text.
pub(super) fn printed(ending: &Ending) -> Printed {
    match ending {
        Ending::Done(done) => Printed { out: done_text(done), err: warnings_text(done) },
        Ending::Printed { url, .. } => Printed {
            out: format!("{}\n", url.expose()),
            err:
                "Finish within 10 minutes with `codex-multi-auth login --complete <url>`, where <url> is the \
                  address the browser ended on\n"
                    .to_owned(),
        },
        Ending::Failed(problem) => Printed { out: String::new(), err: text::problem(problem) },
    }
}

fn done_text(done: &SignedIn) -> String {
    let what = match done.how {
        Admitted::Inserted => "Added account",
        Admitted::Updated => "Updated existing account",
        Admitted::Rebound => "Rebound workspace for existing account",
    };
    let mut out = format!("{what} {}: {}\nTotal: {}\n", done.account.number, done.account.label, done.total);
    match (done.place, &done.mirrored) {
        (Place::Active, Some(Mirrored::Deferred)) => {
            out.push_str("The official CLI's own login follows when the last forwarded session has ended\n");
        }
        (Place::Active, _) => out.push_str("It is the account in use\n"),
        (Place::Behind, _) => out.push_str("The account in use stays the same\n"),
    }
    if done.how == Admitted::Inserted {
        let number = done.account.number;
        let _ = writeln!(out, "Undo: `codex-multi-auth account remove {number}` (a backup is written first)");
    }
    for (command, what) in
        [("status", "see the pool"), ("check", "test every account"), ("list", "list them")]
    {
        let _ = writeln!(out, "  codex-multi-auth {command:<7} {what}");
    }
    out
}

fn warnings(done: &SignedIn) -> Vec<String> {
    let mut all = done.warnings.clone();
    match &done.mirrored {
        Some(Mirrored::Skipped(why)) => all.push(format!("the official CLI's login stays as it is: {why}")),
        Some(Mirrored::Failed(why)) => {
            all.push(format!("the official CLI's login could not be written: {why}"));
        }
        Some(Mirrored::WrittenBeside(store)) => all.push(crate::report::switch::other_store(store)),
        Some(Mirrored::Written | Mirrored::Unchanged | Mirrored::Deferred) | None => {}
    }
    all
}

fn warnings_text(done: &SignedIn) -> String {
    warnings(done).iter().fold(String::new(), |all, warning| all + "Warning: " + warning + "\n")
}
