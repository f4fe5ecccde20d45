//! What the documents and the variables say, made into one report.
//!
//! Per key: variable (valid), else stored value (valid), else default. What is invalid is passed over and named,
//! what is out of bounds is clamped or passed over as its section says; a neighbour never notices.

use std::collections::BTreeMap;

use crate::domain::settings::report::{Entry, Fault, Report, Source, Storage, Trouble};
use crate::domain::settings::schema::{Kind, Row, Section, Value, rows};

/// What was found on disk.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Path of the document the runtime settings come from.
    pub path: Option<String>,
    /// Where a change is written.
    pub target: String,
    /// What kind of document that is.
    pub storage: Storage,
    /// The members of the table that are there.
    pub members: BTreeMap<&'static str, Given>,
    /// What is wrong with the documents as a whole.
    pub problems: Vec<Trouble>,
}

/// A member as it stands in a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The raw text, for messages.
    pub raw: String,
    /// What its JSON type makes of it: a list keeps its words only, a map of word lists only when all are such.
    pub value: Option<Value>,
}

/// The reference's panel writes its defaults; its old stall timeout is far too short for long thinking.
const OLD_STALL: f64 = 45_000.0;

/// Returns every setting with its value and where it comes from.
pub fn resolve(found: Found, env: &BTreeMap<&'static str, String>) -> Report {
    let from_file = match found.storage {
        Storage::Unified | Storage::Missing | Storage::Unreadable => Source::Unified,
        Storage::File => Source::File,
    };
    let entries = rows()
        .map(|row| {
            let source = if row.section == Section::Display { Source::Unified } else { from_file };
            entry(row, found.members.get(row.key), source, env)
        })
        .collect();
    let mut report = Report {
        path: found.path,
        target: found.target,
        storage: found.storage,
        entries,
        problems: found.problems,
    };
    settle_layout(&mut report);
    settle_policy(&mut report, env);
    tell_of_alias(&mut report);
    report
}

fn entry(
    row: &'static Row,
    given: Option<&Given>,
    source: Source,
    env: &BTreeMap<&'static str, String>,
) -> Entry {
    let mut entry = Entry::unset(row);
    entry.present = given.is_some();
    entry.stored = given.and_then(|given| stored(row, given, &mut entry.faults));
    if let Some(value) = &entry.stored {
        entry.value = value.clone();
        entry.source = source;
    }
    if let Some((name, value)) = variable(row, env, &mut entry.faults) {
        entry.locked = Some(name);
        if entry.value != value {
            entry.value = value;
            entry.source = Source::Variable(name);
        }
    }
    entry
}

/// A stored member, as far as it is valid.
fn stored(row: &Row, given: &Given, faults: &mut Vec<Fault>) -> Option<Value> {
    let mut fault = |taken: Option<Value>| {
        faults.push(Fault {
            variable: None,
            given: given.raw.clone(),
            why: row.expectation(),
            taken: taken.clone(),
        });
        taken
    };
    match (row.kind, given.value.as_ref()) {
        (Kind::Number { .. }, Some(Value::Number(number))) => {
            if row.key == "streamStallTimeoutMs" && number.total_cmp(&OLD_STALL).is_eq() {
                return None;
            }
            let rounded = if row.section == Section::Display { number.round() } else { *number };
            let bounded = row.bounded(rounded);
            if bounded.total_cmp(&rounded).is_eq() {
                return Some(Value::Number(rounded));
            }
            fault((row.section != Section::Shared).then_some(Value::Number(bounded)))
        }
        (Kind::List(words), Some(Value::List(list))) => {
            let mut kept: Vec<String> = Vec::new();
            for word in list {
                if words.contains(&word.as_str()) && !kept.contains(word) {
                    kept.push(word.clone());
                }
            }
            if kept == *list && !kept.is_empty() {
                return Some(Value::List(kept));
            }
            fault(Some(kept).filter(|kept| !kept.is_empty()).map(Value::List))
        }
        (Kind::Map, Some(Value::Map(map)))
            if map.iter().all(|(_, list)| list.iter().all(|v| !v.is_empty())) =>
        {
            Some(Value::Map(normalised(map)))
        }
        (Kind::Word(_), Some(Value::Text(word))) if row.key == POLICY[0] => {
            let value = Value::Text(word.trim().to_ascii_lowercase());
            if row.accepts(&value) { Some(value) } else { fault(None) }
        }
        (_, Some(value)) if row.accepts(value) => Some(value.clone()),
        _ => fault(None),
    }
}

/// The first variable of a row that says something valid.
fn variable(
    row: &'static Row,
    env: &BTreeMap<&'static str, String>,
    faults: &mut Vec<Fault>,
) -> Option<(&'static str, Value)> {
    // The two spellings of the policy have an order of their own.
    if POLICY.contains(&row.key) {
        return None;
    }
    for &name in row.env {
        let Some(text) = env.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()) else {
            continue;
        };
        let lower = text.to_ascii_lowercase();
        let value = match row.kind {
            Kind::Flag(_) => switch(&lower).map(Value::Flag),
            Kind::Number { .. } => {
                let number: Option<f64> = text.parse().ok().filter(|number: &f64| number.is_finite());
                number.map(|number| {
                    let bounded = row.bounded(number);
                    if !bounded.total_cmp(&number).is_eq() {
                        faults.push(Fault {
                            variable: Some(name),
                            given: text.to_owned(),
                            why: row.expectation(),
                            taken: Some(Value::Number(bounded)),
                        });
                    }
                    Value::Number(bounded)
                })
            }
            Kind::Word(_) => Some(Value::Text(lower)).filter(|value| row.accepts(value)),
            Kind::Text(_) => Some(Value::Text(text.to_owned())).filter(|value| row.accepts(value)),
            Kind::List(_) | Kind::Map => None,
        };
        if let Some(value) = value {
            return Some((name, value));
        }
        faults.push(passed_over(name, text, row.expectation()));
    }
    None
}

fn passed_over(name: &'static str, text: &str, why: String) -> Fault {
    Fault { variable: Some(name), given: text.to_owned(), why, taken: None }
}

fn switch(lower: &str) -> Option<bool> {
    match lower {
        "1" | "true" | "yes" => Some(true),
        "0" | "false" | "no" => Some(false),
        _ => None,
    }
}

fn find<'a>(report: &'a mut Report, key: &str) -> Option<&'a mut Entry> {
    report.entries.iter_mut().find(|entry| entry.row.key == key)
}

/// The two names of the layout always agree: the expanded one wins under either name.
fn settle_layout(report: &mut Report) {
    const NAMES: [&str; 2] = ["menuLayoutMode", "menuShowDetailsForUnselectedRows"];
    let says = |key: &str, value: &Value| {
        report.entry(key).is_some_and(|entry| entry.stored.as_ref() == Some(value))
    };
    let expanded =
        says(NAMES[0], &Value::Text("expanded-rows".to_owned())) || says(NAMES[1], &Value::Flag(true));
    if !expanded {
        return;
    }
    for (key, value) in [(NAMES[0], Value::Text("expanded-rows".to_owned())), (NAMES[1], Value::Flag(true))] {
        if let Some(entry) = find(report, key) {
            entry.value = value;
            entry.source = Source::Unified;
        }
    }
}

const POLICY: [&str; 2] = ["unsupportedCodexPolicy", "fallbackOnUnsupportedCodexModel"];

/// Variable, stored policy in any case, older variable, older member, `strict`.
fn settle_policy(report: &mut Report, env: &BTreeMap<&'static str, String>) {
    const NEW: &str = "CODEX_AUTH_UNSUPPORTED_MODEL_POLICY";
    const OLD: &str = "CODEX_AUTH_FALLBACK_UNSUPPORTED_MODEL";
    const WORDS: [&str; 2] = ["strict", "fallback"];
    let set = |name: &str| {
        env.get(name).map(|text| text.trim().to_ascii_lowercase()).filter(|text| !text.is_empty())
    };
    let from_file = match report.storage {
        Storage::Unified | Storage::Missing | Storage::Unreadable => Source::Unified,
        Storage::File => Source::File,
    };
    let stored_policy = report.entry(POLICY[0]).and_then(|entry| entry.stored.clone());
    let stored_switch = report.entry(POLICY[1]).and_then(|entry| entry.stored.clone());
    let older_stored = stored_switch.as_ref().map(|value| *value == Value::Flag(true));

    let in_file = stored_policy.as_ref().map(|value| *value == Value::Text("fallback".to_owned()));
    let mut faults = Vec::new();
    let newer = set(NEW).and_then(|word| {
        if !WORDS.contains(&word.as_str()) {
            faults.push(passed_over(NEW, &word, "expected strict, fallback".to_owned()));
            return None;
        }
        Some(word == "fallback")
    });
    let older = set(OLD).and_then(|word| {
        let switched = switch(&word);
        if switched.is_none() {
            faults.push(passed_over(OLD, &word, "expected true or false".to_owned()));
        }
        switched
    });
    let without = in_file.or(older_stored).unwrap_or(false);
    let (falls_back, variable) = match (newer, in_file, older) {
        (Some(word), _, _) => (word, Some(NEW)),
        (None, Some(word), _) => (word, None),
        (None, None, Some(word)) => (word, Some(OLD)),
        (None, None, None) => (without, None),
    };
    let legacy = older.is_some() || report.entry(POLICY[1]).is_some_and(|entry| entry.present);
    if legacy && newer.is_none() && !report.entry(POLICY[0]).is_some_and(|entry| entry.present) {
        let message = "fallbackOnUnsupportedCodexModel is an older name; set unsupportedCodexPolicy instead";
        report.problems.push(Trouble { key: Some(POLICY[1].to_owned()), ..Trouble::new(message) });
    }
    let word = if falls_back { "fallback" } else { "strict" };
    for (key, value) in [(POLICY[0], Value::Text(word.to_owned())), (POLICY[1], Value::Flag(falls_back))] {
        let Some(entry) = find(report, key) else { continue };
        entry.faults.extend(faults.iter().cloned());
        entry.locked = variable;
        entry.source = match variable {
            Some(name) if falls_back != without => Source::Variable(name),
            Some(_) | None if entry.present && entry.stored.is_some() => from_file,
            Some(_) | None => Source::Default,
        };
        // A value that the other name brought about is the file's, too.
        if entry.source == Source::Default && value != entry.default && variable.is_none() {
            entry.source = from_file;
        }
        entry.value = value;
    }
}

/// A variable that has a newer name still counts, and says so.
fn tell_of_alias(report: &mut Report) {
    const OLD: &str = "CODEX_AUTH_SYNC_CODEX_CLI";
    let entry = report.entry("codexCliSync");
    if entry.is_some_and(|entry| entry.locked == Some(OLD)) {
        let message = format!("{OLD} is an older name; set CODEX_MULTI_AUTH_SYNC_CODEX_CLI instead");
        report.problems.push(Trouble { key: Some("codexCliSync".to_owned()), ..Trouble::new(message) });
    }
}

/// Model names as the plugin host compares them: trimmed, lower case, without provider and effort.
pub fn normalised(chains: &[(String, Vec<String>)]) -> Vec<(String, Vec<String>)> {
    let mut clean: Vec<(String, Vec<String>)> = Vec::new();
    for (name, list) in chains {
        let name = model(name);
        let list: Vec<String> = list.iter().map(|word| model(word)).filter(|word| !word.is_empty()).collect();
        if name.is_empty() || list.is_empty() {
            continue;
        }
        match clean.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = list,
            None => clean.push((name, list)),
        }
    }
    clean
}

fn model(name: &str) -> String {
    const EFFORTS: [&str; 6] = ["-none", "-minimal", "-low", "-medium", "-high", "-xhigh"];
    let lower = name.trim().to_lowercase();
    let last = lower.rsplit('/').next().unwrap_or_default().trim();
    let bare = EFFORTS.iter().find_map(|effort| last.strip_suffix(effort)).unwrap_or(last);
    bare.to_owned()
}
