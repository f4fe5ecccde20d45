//! `config …`: values with their source, bounds and words.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::app::outcome::{Changed, Outcome, Told};
use crate::domain::settings::edit::veiled;
use crate::domain::settings::report::{Entry, Fault, Report, Storage};
use crate::domain::settings::schema::{Kind, Row, Section, Unit, Value as Setting, Verdict, Zero};
use crate::domain::vault::Run;
use crate::formats::settings::{template, value as values};
use crate::report::{Printed, json};

/// The document of a `config` command.
pub(super) fn value(outcome: &Outcome, told: &Told) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    let more = match told {
        Told::List(report) => {
            let entries: Vec<Value> = report.entries.iter().map(|entry| short(entry, entry, false)).collect();
            json!({ "path": report.target, "entries": entries })
        }
        Told::Explained(report, None) => explained(report, ordered(report)),
        Told::Explained(report, Some(key)) => explained(report, report.entry(key).into_iter()),
        Told::Got(entry) => short(entry, entry, false),
        Told::Changed(changed) => changed_value(changed),
        Told::Validated(report) => {
            if !report.notes().is_empty() {
                members.insert("error".to_owned(), json::error_value(&invalid(report)));
            }
            json!({ "problems": problems(report) })
        }
        Told::Path(report) => json!({ "path": report.target, "kind": kind_of_target(report) }),
        Told::Edited(saved) => {
            json!({ "changed": saved.is_some(), "notes": saved.as_ref().map(|saved| saved.notes.clone()).unwrap_or_default() })
        }
        Told::Template(which) => {
            json!({ "template": template::word(*which), "config": template::value(*which) })
        }
        Told::Written { path, replaced } => json!({ "path": path, "replaced": replaced }),
    };
    json::extend(&mut members, more);
    Value::Object(members)
}

/// The text of a `config` command.
pub(super) fn printed(told: &Told) -> Printed {
    let out = match told {
        Told::List(report) => list(report),
        Told::Explained(report, None) => explanation(report),
        Told::Explained(report, Some(key)) => report.entry(key).map(details).unwrap_or_default(),
        Told::Got(entry) => format!("{}\n", plain(&shown(&entry.value))),
        Told::Changed(changed) => return changed_printed(changed),
        Told::Validated(report) => return validated(report),
        Told::Path(report) => format!("{}\n", report.target),
        Told::Edited(None) => "Nothing was changed\n".to_owned(),
        Told::Edited(Some(saved)) => {
            let out = format!("Saved {}\n", saved.report.target);
            return Printed { out, err: lines(saved.notes.iter().cloned().chain(saved.report.notes())) };
        }
        Told::Template(which) => template::text(*which),
        Told::Written { path, replaced } => {
            format!("{} {path}\n", if *replaced { "Replaced" } else { "Wrote" })
        }
    };
    Printed { out, err: String::new() }
}

/// The problem of a `validate` that found something.
fn invalid(report: &Report) -> crate::domain::problem::Problem {
    use crate::domain::problem::{Exit, Problem};
    let count = report.notes().len();
    let what = if count == 1 {
        "1 setting needs attention".to_owned()
    } else {
        format!("{count} settings need attention")
    };
    Problem::new("checks-failed", Exit::Attention, what)
}

fn explained<'a>(report: &Report, entries: impl Iterator<Item = &'a Entry>) -> Value {
    let entries: Vec<Value> = entries.map(full).collect();
    json!({
        "configPath": report.path,
        "storageKind": report.storage.word(),
        "target": report.target,
        "problems": problems(report),
        "entries": entries,
    })
}

/// The reference's five members first, then ours.
fn full(entry: &Entry) -> Value {
    let row = entry.row;
    let faults: Vec<Value> = entry.faults.iter().map(fault_value).collect();
    json!({
        "key": row.key,
        "value": shown(&entry.value),
        "defaultValue": shown(&entry.default),
        "source": entry.source.word(),
        "envNames": row.env,
        "stored": entry.stored.as_ref().map(shown),
        "locked": entry.locked.is_some(),
        "lockedBy": entry.locked,
        "invalid": faults,
        "section": row.object(),
        "panel": row.panel.title(),
        "title": row.title,
        "range": range(row),
        "help": row.help,
        "effect": effect(row.verdict),
    })
}

/// Runtime settings first, as the original lists only those.
fn ordered(report: &Report) -> impl Iterator<Item = &Entry> {
    let of = |display: bool| {
        report.entries.iter().filter(move |entry| (entry.row.section == Section::Display) == display)
    };
    of(false).chain(of(true))
}

fn fault_value(fault: &Fault) -> Value {
    json!({
        "variable": fault.variable,
        "given": veiled(&fault.given),
        "reason": fault.why,
        "taken": fault.taken.as_ref().map(shown),
    })
}

const fn effect(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Acts => "acts",
        Verdict::Kept => "kept",
        Verdict::Idle => "idle",
    }
}

/// `key, value, previous, defaultValue, source, env|null, locked, range|null, changed`.
fn short(before: &Entry, after: &Entry, changed: bool) -> Value {
    let row = after.row;
    json!({
        "key": row.key,
        "value": shown(&after.value),
        "previous": shown(&before.value),
        "defaultValue": shown(&after.default),
        "source": after.source.word(),
        "env": after.locked.or_else(|| row.env.first().copied()),
        "locked": after.locked.is_some(),
        "range": range(row),
        "changed": changed,
    })
}

fn changed_value(changed: &Changed) -> Value {
    let mut members = Map::new();
    json::extend(&mut members, short(&changed.before, &changed.after, changed.is_change()));
    members.insert("stored".to_owned(), json!(changed.after.stored.as_ref().map(shown)));
    members.insert("dryRun".to_owned(), json!(changed.run == Run::Dry));
    members.insert("notes".to_owned(), json!(remarks(changed)));
    Value::Object(members)
}

/// Bounds of a number, or the words of a list of words.
fn range(row: &Row) -> Value {
    match row.kind {
        Kind::Number { least, most, zero, unit, .. } => json!({
            "min": number(least),
            "max": if most >= 1e9 { Value::Null } else { number(most) },
            "zero": zero == Zero::TurnsOff,
            "unit": match unit {
                Unit::Millis => "ms",
                Unit::Count => "count",
                Unit::Percent => "percent",
                Unit::Bytes => "bytes",
            },
        }),
        Kind::Word(words) | Kind::List(words) => {
            let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
            json!({ "values": words })
        }
        Kind::Flag(_) | Kind::Text(_) | Kind::Map => Value::Null,
    }
}

fn number(value: f64) -> Value {
    values::json(&Setting::Number(value))
}

fn problems(report: &Report) -> Vec<Value> {
    let troubles = report.problems.iter().map(|trouble| {
        json!({
            "file": trouble.file,
            "line": trouble.line,
            "key": trouble.key,
            "message": trouble.message,
        })
    });
    let faults = report.entries.iter().flat_map(|entry| {
        entry.faults.iter().map(|fault| {
            json!({
                "file": if fault.variable.is_some() { None } else { file_of(report, entry.row) },
                "line": null,
                "key": entry.row.key,
                "message": fault.line(entry.row),
            })
        })
    });
    troubles.chain(faults).collect()
}

fn file_of<'a>(report: &'a Report, row: &Row) -> Option<&'a str> {
    if row.section == Section::Display { None } else { report.path.as_deref() }
}

fn kind_of_target(report: &Report) -> &'static str {
    match report.storage {
        Storage::File if report.path.as_deref() == Some(report.target.as_str()) => "file",
        Storage::Unreadable => "unreadable",
        Storage::Unified | Storage::File => "unified",
        Storage::Missing => "none",
    }
}

fn list(report: &Report) -> String {
    let wide = report.entries.iter().map(|entry| entry.row.key.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in &report.entries {
        let value = shown(&entry.value).to_string();
        let _ = writeln!(text, "{:wide$}  {value}{}", entry.row.key, origin(entry));
    }
    text
}

/// Where a value comes from, when it is not the default.
fn origin(entry: &Entry) -> String {
    if entry.is_set() { format!("  ({})", entry.source.name()) } else { String::new() }
}

fn explanation(report: &Report) -> String {
    let path = report.path.as_deref().unwrap_or("(none)");
    let mut text = format!("Storage: {}\nPath: {path}\n", report.storage.word());
    if report.path.as_deref() != Some(report.target.as_str()) {
        let _ = writeln!(text, "Changes go to: {}", report.target);
    }
    text.push('\n');
    for entry in ordered(report) {
        let _ = writeln!(text, "{}", line(entry));
    }
    let notes = report.notes();
    if !notes.is_empty() {
        text.push('\n');
        text.push_str(&lines(notes.into_iter()));
    }
    text
}

/// `key = <json> (source) [ENV, …]`, and what is to be known about its effect.
fn line(entry: &Entry) -> String {
    let row = entry.row;
    let mut text = format!("{} = {} ({})", row.key, shown(&entry.value), entry.source.word());
    if !row.env.is_empty() {
        let _ = write!(text, " [{}]", row.env.join(", "));
    }
    if let Some(note) = row.verdict.note() {
        let _ = write!(text, " - {note}");
    }
    text
}

fn details(entry: &Entry) -> String {
    let row = entry.row;
    let mut text = format!("{} = {} ({})\n", row.key, shown(&entry.value), entry.source.word());
    let _ = writeln!(text, "  {}", row.help);
    if let Some(note) = row.verdict.note() {
        let _ = writeln!(text, "  {note}");
    }
    let _ = writeln!(text, "  takes     {}", row.expectation().trim_start_matches("expected "));
    let _ = writeln!(text, "  default   {}", shown(&entry.default));
    if let Some(stored) = &entry.stored {
        let _ = writeln!(text, "  stored    {}", shown(stored));
    }
    if !row.env.is_empty() {
        let _ = writeln!(text, "  variable  {}", row.env.join(", "));
    }
    if let Some(name) = entry.locked {
        let _ = writeln!(text, "  {name} is set and wins over the file");
    }
    let _ = writeln!(text, "  stands in {}, panel {}", row.object(), row.panel.title());
    for fault in &entry.faults {
        let _ = writeln!(text, "  {}", fault.line(row));
    }
    text
}

fn changed_printed(changed: &Changed) -> Printed {
    let row = changed.after.row;
    let said = match &changed.after.stored {
        Some(stored) => shown(stored).to_string(),
        None => format!("{} (default)", shown(&changed.after.default)),
    };
    let was = shown(changed.before.stored.as_ref().unwrap_or(&changed.before.default));
    let out = match (changed.run, changed.is_change()) {
        (Run::Dry, true) => {
            format!("{} would be {said} (now {was})\n", row.key)
        }
        (Run::Real, true) => format!("{} = {said} (was {was})\n", row.key),
        (_, false) => format!("{} = {said} already\n", row.key),
    };
    Printed { out, err: lines(remarks(changed).into_iter()) }
}

/// What a person should know beside the change itself.
fn remarks(changed: &Changed) -> Vec<String> {
    let mut notes = changed.notes.clone();
    let after = &changed.after;
    if let Some(name) = after.locked {
        notes.push(format!("{name} is set and wins: {} stays in effect", shown(&after.value)));
    }
    if let Some(note) = after.row.verdict.note() {
        notes.push(format!("{}: {note}", after.row.key));
    }
    notes
}

fn validated(report: &Report) -> Printed {
    let notes = report.notes();
    if notes.is_empty() {
        let path = report.path.as_deref().unwrap_or("no file yet");
        return Printed { out: format!("All settings are valid ({path})\n"), err: String::new() };
    }
    Printed { out: lines(notes.into_iter()), err: String::new() }
}

fn lines(all: impl Iterator<Item = String>) -> String {
    all.fold(String::new(), |mut text, line| {
        text.push_str(&line);
        text.push('\n');
        text
    })
}

/// A value as JSON, the password of an address masked: a terminal and its log are no place for it.
fn shown(value: &Setting) -> Value {
    match value {
        Setting::Text(text) => json!(veiled(text)),
        Setting::Flag(_) | Setting::Number(_) | Setting::List(_) | Setting::Map(_) => values::json(value),
    }
}

/// A value for a shell: words without quotes.
fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.is_null() => String::new(),
        None => value.to_string(),
    }
}
