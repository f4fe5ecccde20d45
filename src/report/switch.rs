//! `switch`, `unpin` and the small acts of the screen.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::app::outcome::{Facts, Mirrored, Named, Outcome, Switched};
use crate::domain::account::Switch;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::report::{Printed, json, text};

/// The document of `switch`.
pub(super) fn switched_value(outcome: &Outcome, switched: &Switched) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    if let Some(why) = &switched.unusable {
        members.insert("error".to_owned(), json::error_value(&unusable(switched, why)));
    }
    json::extend(
        &mut members,
        json!({
            "account": json::named(&switched.to),
            "previous": switched.from.as_ref().map(json::named),
            "changed": true,
            "pinned": true,
            "wasDisabled": switched.re_enabled,
            "synced": matches!(switched.mirrored, Mirrored::Written | Mirrored::WrittenBeside(_) | Mirrored::Unchanged),
            "syncDeferred": switched.mirrored == Mirrored::Deferred,
            "sessionsMoving": switched.sessions,
            "warnings": warnings(switched),
        }),
    );
    Value::Object(members)
}

/// The text of `switch`.
pub(super) fn switched_text(switched: &Switched) -> Printed {
    let enabled = if switched.re_enabled { " (re-enabled)" } else { "" };
    let mut out = format!(
        "Switched to account {}: {}{enabled} (pinned for runtime routing)\n",
        switched.to.number, switched.to.label
    );
    if switched.sessions > 0 {
        let sessions = text::count(switched.sessions, "live session moves", "live sessions move");
        let _ = writeln!(out, "{sessions} to it with the next turn");
    }
    if switched.mirrored == Mirrored::Deferred {
        out.push_str("The official CLI's own login follows when the last forwarded session has ended\n");
    }
    let mut err = String::new();
    for warning in warnings(switched) {
        let _ = writeln!(err, "Warning: {warning}");
    }
    if let Some(why) = &switched.unusable {
        err.push_str(&text::problem(&unusable(switched, why)));
    }
    Printed { out, err }
}

fn unusable(switched: &Switched, why: &str) -> Problem {
    let what = format!("account {} ({}) cannot serve now: {why}", switched.to.number, switched.to.label);
    Problem::new("pin-unusable", Exit::Attention, what).hint(Hint::Run("unpin".to_owned()))
}

/// Plain launches read another store than the file that was written.
pub(super) fn other_store(store: &str) -> String {
    format!(
        "plain `codex` reads its login from `{store}` (cli_auth_credentials_store), which is never touched; only \
         forwarded sessions use auth.json"
    )
}

fn warnings(switched: &Switched) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(why) = &switched.refresh_warning {
        warnings.push(format!("the tokens could not be refreshed: {why}"));
    }
    match &switched.mirrored {
        Mirrored::Skipped(why) => warnings.push(format!("the official CLI's login stays as it is: {why}")),
        Mirrored::Failed(why) => {
            warnings.push(format!("the official CLI's login could not be written: {why}"));
        }
        Mirrored::WrittenBeside(store) => warnings.push(other_store(store)),
        Mirrored::Written | Mirrored::Unchanged | Mirrored::Deferred => {}
    }
    warnings
}

/// The document of `unpin`.
pub(super) fn unpinned_value(outcome: &Outcome, former: Option<&Named>, facts: &Facts) -> Value {
    let mut members = json::frame_of(outcome, facts, None);
    let sessions: usize = facts.peers.iter().map(|peer| peer.sessions.len()).sum();
    json::extend(
        &mut members,
        json!({
            "account": null,
            "previous": former.map(json::named),
            "changed": former.is_some(),
            "pinned": false,
            "wasDisabled": false,
            "synced": false,
            "syncDeferred": false,
            "sessionsMoving": if former.is_some() { sessions } else { 0 },
            "warnings": [],
        }),
    );
    Value::Object(members)
}

/// The text of `unpin`.
pub(super) fn unpinned_text(former: Option<&Named>) -> String {
    match former {
        Some(former) => {
            format!("Unpinned account {} ({}): the accounts rotate again\n", former.number, former.label)
        }
        None => "No account is pinned\n".to_owned(),
    }
}

/// The document of an account switched on or off.
pub(super) fn toggled_value(outcome: &Outcome, of: &Named, now: Switch) -> Value {
    let members = json!({ "account": json::named(of), "enabled": now == Switch::On, "changed": true });
    framed(outcome, members)
}

/// The text of an account switched on or off.
pub(super) fn toggled_text(of: &Named, now: Switch) -> String {
    let word = match now {
        Switch::On => "on",
        Switch::Off => "off",
    };
    format!("Account {} ({}) is {word}\n", of.number, of.label)
}

/// The document of an undone act.
pub(super) fn undone_value(outcome: &Outcome, what: &str) -> Value {
    framed(outcome, json!({ "undone": what, "changed": true }))
}

fn framed(outcome: &Outcome, more: Value) -> Value {
    let mut members: Map<String, Value> = json::frame(outcome.command, outcome.exit);
    json::extend(&mut members, more);
    Value::Object(members)
}
