//! The frame that every JSON document shares, and the shapes they have in common.

use serde_json::{Map, Value, json};

use crate::app::outcome::{Facts, Named, Outcome};
use crate::base::{Moment, Percent};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::quota::window::Window;

/// Version of the documents' shape.
const SCHEMA: u32 = 1;

/// The members every document begins with.
pub(super) fn frame(command: &str, exit: Exit) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("command".to_owned(), json!(command));
    members.insert("schemaVersion".to_owned(), json!(SCHEMA));
    members.insert("ok".to_owned(), json!(matches!(exit, Exit::Ok | Exit::Attention)));
    members
}

/// The frame of a report on facts: an error where the exit asks for one, the rehearsal's mark.
pub(super) fn frame_of(outcome: &Outcome, facts: &Facts, error: Option<&Problem>) -> Map<String, Value> {
    let mut members = frame(outcome.command, outcome.exit);
    if let Some(problem) = error {
        members.insert("error".to_owned(), error_value(problem));
    }
    if facts.demo.is_some() {
        members.insert("demo".to_owned(), json!(true));
    }
    members
}

/// Appends the members of an object.
pub(super) fn extend(members: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        members.extend(more);
    }
}

/// The document of a failure.
pub(super) fn problem(command: &str, problem: &Problem) -> Value {
    let mut members = frame(command, problem.exit);
    members.insert("error".to_owned(), error_value(problem));
    Value::Object(members)
}

/// `error{code, message, hint?}`, with the causes and all hints beside them.
pub(super) fn error_value(problem: &Problem) -> Value {
    let mut error = Map::new();
    error.insert("code".to_owned(), json!(problem.code));
    error.insert("message".to_owned(), json!(problem.what));
    if !problem.because.is_empty() {
        error.insert("because".to_owned(), json!(problem.because));
    }
    let hints: Vec<String> = problem.hints.iter().filter_map(hint).collect();
    if let Some(first) = hints.first() {
        error.insert("hint".to_owned(), json!(first));
    }
    if hints.len() > 1 {
        error.insert("hints".to_owned(), json!(hints));
    }
    Value::Object(error)
}

/// A hint for somebody at a shell; keys of the dashboard help nobody there.
pub(super) fn hint(hint: &Hint) -> Option<String> {
    match hint {
        Hint::Run(command) => Some(format!("run `codex-multi-auth {command}`")),
        Hint::Say(text) => Some(text.clone()),
        Hint::Press(_) => None,
    }
}

/// Two-space pretty print with a line end.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// One line with a line end.
pub(super) fn compact(value: &Value) -> String {
    format!("{value}\n")
}

/// The frame of a document with these members; `a.b` goes inside, and through every element of a list.
pub(super) fn chosen(document: &Value, fields: &[String]) -> Value {
    let mut kept = Map::new();
    for name in ["command", "schemaVersion", "ok", "error", "demo"] {
        if let Some(value) = document.get(name) {
            kept.insert(name.to_owned(), value.clone());
        }
    }
    for field in fields.iter().map(|field| field.trim()).filter(|field| !field.is_empty()) {
        let (name, inner) = field.split_once('.').map_or((field, None), |(name, rest)| (name, Some(rest)));
        let found = document.get(name).unwrap_or(&Value::Null);
        let value = inner.map_or_else(|| found.clone(), |inner| within(found, inner));
        match kept.get_mut(name) {
            Some(there) => merge(there, value),
            None => {
                kept.insert(name.to_owned(), value);
            }
        }
    }
    Value::Object(kept)
}

fn within(value: &Value, path: &str) -> Value {
    if let Some(list) = value.as_array() {
        return Value::Array(list.iter().map(|one| within(one, path)).collect());
    }
    let (name, inner) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let found = value.get(name).unwrap_or(&Value::Null);
    let found = inner.map_or_else(|| found.clone(), |inner| within(found, inner));
    Value::Object(std::iter::once((name.to_owned(), found)).collect())
}

/// Members of the same thing that were asked for one by one.
fn merge(there: &mut Value, more: Value) {
    if let (Some(there), Some(more)) = (there.as_object_mut(), more.as_object()) {
        for (name, value) in more {
            match there.get_mut(name) {
                Some(known) => merge(known, value.clone()),
                None => {
                    there.insert(name.clone(), value.clone());
                }
            }
        }
        return;
    }
    if let (Some(there), Value::Array(more)) = (there.as_array_mut(), more) {
        for (there, more) in there.iter_mut().zip(more) {
            merge(there, more);
        }
    }
}

/// Epoch milliseconds, or `null`.
pub(super) fn moment(at: Option<Moment>) -> Value {
    json!(at.map(Moment::millis))
}

/// The members by which a document names an account.
pub(super) fn named(named: &Named) -> Value {
    json!({ "number": named.number, "accountRef": named.key.as_str(), "label": named.label })
}

/// `quota{…}` of an account.
pub(super) fn quota(snapshot: &Snapshot, at: Moment, summary: &str) -> Value {
    let value = |window: Option<&Window>, observed| window.map(|window| window_value(window, observed, at));
    let extra: Vec<Value> = snapshot
        .extra
        .iter()
        .map(|extra| {
            json!({
                "id": extra.id,
                "name": extra.name,
                "primary": value(extra.primary.as_ref(), extra.at),
                "secondary": value(extra.secondary.as_ref(), extra.at),
                "checkedAt": extra.at.millis(),
            })
        })
        .collect();
    json!({
        "primary": value(snapshot.primary.as_ref(), snapshot.at),
        "secondary": value(snapshot.secondary.as_ref(), snapshot.at),
        "planType": snapshot.plan,
        "credits": snapshot.credits.as_ref().map(|credits| json!({
            "hasCredits": credits.has,
            "unlimited": credits.unlimited,
            "balance": credits.balance,
        })),
        "extraLimits": extra,
        "resetCredits": snapshot.banked.map(|banked| json!({
            "available": banked.available,
            "expiresAt": moment(banked.expires_at),
            "checkedAt": banked.at.millis(),
        })),
        "status": snapshot.status,
        "checkedAt": snapshot.at.millis(),
        "source": snapshot.source.word(),
        "summary": summary,
    })
}

fn window_value(window: &Window, observed: Moment, at: Moment) -> Value {
    json!({
        "usedPercent": window.used.map(Percent::value),
        "leftPercent": window.left(at).map(Percent::rounded),
        "windowMinutes": window.minutes,
        "resetAt": moment(window.resets_at),
        "wasResetAt": moment(window.was_reset(observed, at)),
        "checkedAt": window.seen.unwrap_or(observed).millis(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_chosen_by_path_and_the_frame_stays() {
        let whole = json!({
            "command": "status", "schemaVersion": 1, "ok": true,
            "accounts": [{ "label": "a", "state": "ready", "quota": { "x": 1, "y": 2 } }, { "label": "b" }],
            "next": { "number": 1, "rule": "pin" },
        });
        let fields = ["accounts.label", "accounts.quota.x", "next", "nothing"].map(str::to_owned);

        assert_eq!(
            chosen(&whole, &fields),
            json!({
                "command": "status", "schemaVersion": 1, "ok": true,
                "accounts": [{ "label": "a", "quota": { "x": 1 } }, { "label": "b", "quota": { "x": null } }],
                "next": { "number": 1, "rule": "pin" },
                "nothing": null,
            })
        );
    }
}
