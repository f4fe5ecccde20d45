//! Reads the pool again and again while others write it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::support::dirs::Home;

/// What a reader saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) readings: u64,
    /// Readings that differed from the one before.
    pub(super) versions: u64,
    /// Whatever must never be.
    pub(super) faults: Vec<String>,
}

/// A reader on a thread of its own.
pub(super) struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Reader {
    pub(super) fn start(home: &Home) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let pool = home.root().join("openai-codex-accounts.json");
        let flag = Arc::clone(&stop);
        Self { stop, thread: std::thread::spawn(move || look(&pool, &flag)) }
    }

    pub(super) fn finish(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the reader goes on")
    }
}

fn look(pool: &PathBuf, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut last = Vec::new();
    let mut before: Option<Value> = None;
    let mut spent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) && seen.faults.len() < 10 {
        seen.readings += 1;
        let text = match std::fs::read(pool) {
            Ok(text) => text,
            Err(error) => {
                seen.faults.push(format!("the pool cannot be read: {error}"));
                continue;
            }
        };
        if text == last {
            super::pause(std::time::Duration::from_micros(500));
            continue;
        }
        seen.versions += 1;
        match serde_json::from_slice::<Value>(&text) {
            Ok(now) => {
                if let Some(before) = &before {
                    seen.faults.extend(compare(before, &now));
                }
                seen.faults.extend(returned(&now, &mut spent));
                before = Some(now);
            }
            Err(error) => seen.faults.push(format!("{error} in {}", String::from_utf8_lossy(&text))),
        }
        last = text;
    }
    seen
}

/// The generation never falls, and it is higher when somebody else is selected or pinned, or an account went or was
/// switched on or off. An import keeps it: nothing that was chosen changes.
fn compare(before: &Value, now: &Value) -> Option<String> {
    let generation = |pool: &Value| pool["affinityGeneration"].as_u64().unwrap_or(0);
    let chosen = |pool: &Value| {
        let row = |index: &Value| {
            let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
            index.map(|index| pool["accounts"][index]["email"].clone())
        };
        (row(&pool["activeIndex"]), row(&pool["pinnedAccountIndex"]))
    };
    let on = |pool: &Value| -> BTreeMap<String, bool> {
        let rows = pool["accounts"].as_array().into_iter().flatten();
        rows.map(|row| (row["email"].to_string(), row["enabled"] != false)).collect()
    };
    let all = on(now);
    let switched = on(before).into_iter().find(|(email, is_on)| all.get(email) != Some(is_on));
    let (then, later) = (generation(before), generation(now));
    if later < then {
        return Some(format!("generation {later} after {then}"));
    }
    (later == then && (chosen(before) != chosen(now) || switched.is_some())).then(|| {
        let (now, before) = (chosen(now), chosen(before));
        format!("another choice in generation {later}: {now:?} after {before:?}, {switched:?}")
    })
}

/// A token that was replaced never comes back.
fn returned(now: &Value, spent: &mut BTreeMap<String, Vec<String>>) -> Option<String> {
    let mut fault = None;
    for row in now["accounts"].as_array()? {
        let (email, token) = (row["email"].as_str()?, row["refreshToken"].as_str()?);
        let tokens = spent.entry(email.to_owned()).or_default();
        if tokens.last().is_some_and(|last| last == token) {
            continue;
        }
        if tokens.iter().any(|old| old == token) {
            fault = Some(format!("an old token of {email} came back"));
        }
        tokens.push(token.to_owned());
    }
    fault
}
