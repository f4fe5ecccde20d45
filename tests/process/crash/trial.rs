//! One command that is cut at one place, and everything that must hold afterwards.
//!
//! A twin of the home runs the same command in peace; what the twin holds afterwards is what the cut command was
//! about to do. After the cut the pool is what it was or what the twin has, and nothing else.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use fastrand::Rng;
use serde_json::{Value, json};

use super::pools::{self, POOL};
use crate::support::dirs::Home;
use crate::support::process::{Ran, Running, run};

const FAULT: &str = "CODEX_MULTI_AUTH_FAULT";
/// How a process ends that aborts.
pub(super) const ABORTED: i32 = 134;

/// Paths with what is in them.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A command of the matrix.
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// What has to be there first.
    pub(super) prepare: fn(&Home, &mut Rng),
    /// Its words.
    pub(super) words: fn(&Home, &mut Rng) -> Vec<String>,
    /// What the same command may say when its change is already made.
    pub(super) again: &'static [i32],
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A random home for an operation, and what the operation makes of it in peace.
pub(super) struct Stage {
    name: String,
    home: Home,
    words: Vec<String>,
    again: &'static [i32],
    before: Value,
    /// What stands beside the pool before.
    beside: Option<Vec<u8>>,
    after: Value,
    /// How often it passes each point in peace.
    trace: BTreeMap<String, u32>,
}

impl Stage {
    /// Furnishes a home and runs the operation on its twin.
    pub(super) fn new(operation: &Operation, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let home = pools::home(&mut rng);
        (operation.prepare)(&home, &mut rng);
        let words = (operation.words)(&home, &mut rng);
        let (before, beside) = (state(&home), beside(&home));
        let twin = home.twin();
        let trace = twin.path().join("trace");
        let peaceful = run(command(&twin, &words).env(FAULT, format!("TRACE={}", trace.display())));
        assert!(is_done(&peaceful), "{words:?}: {}\n{}{}", peaceful.code(), peaceful.stdout, peaceful.stderr);
        let after = state(&twin);
        let name = format!("{} (seed {seed})", operation.name);
        assert!(before != after, "{name} changes nothing");
        let mut passed = BTreeMap::new();
        for point in std::fs::read_to_string(&trace).expect("it passes points").lines() {
            *passed.entry(point.to_owned()).or_default() += 1;
        }
        Self { name, home, words, again: operation.again, before, beside, after, trace: passed }
    }

    /// The points it passes in peace, each with the number of passages.
    pub(super) fn passages(&self) -> impl Iterator<Item = (&str, u32)> {
        self.trace.iter().map(|(point, passages)| (point.as_str(), *passages))
    }

    /// A twin about to be hit, half of the time beside a neighbour.
    pub(super) fn trial(&self, rng: &mut Rng) -> Trial<'_> {
        Trial { stage: self, home: self.home.twin(), reader: rng.bool(), sweeps: rng.u8(0..4) == 0 }
    }
}

/// One twin and its fate.
pub(super) struct Trial<'a> {
    stage: &'a Stage,
    home: Home,
    reader: bool,
    sweeps: bool,
}

impl Trial<'_> {
    /// Runs the command with a fault.
    pub(super) fn hit(&self, fault: &str) -> Ran {
        // A neighbour that reads, and repairs what it finds, at the same time.
        let reader = self.reader.then(|| Running::start(&mut self.home.manager(&["status", "--json"])));
        let ran = run(command(&self.home, &self.stage.words).env(FAULT, fault));
        if let Some(reader) = reader {
            reader.finish();
        }
        ran
    }

    /// After a kill: the old state or the new one, settled by one start, and usable.
    pub(super) fn survives(&self, point: &str) {
        let name = format!("{}, killed at {point}", self.stage.name);
        let left = quiet_files(&self.home);
        self.is_one_of_both(&name);
        self.goes_on(&name, &left);
    }

    /// After an error: what the exit code said is what is there.
    pub(super) fn told_the_truth(&self, point: &str, failed: &Ran) {
        let name = format!("{}, {point}", self.stage.name);
        let files = quiet_files(&self.home);
        if is_done(failed) {
            let left = settled(&self.home, &name);
            assert!(
                left == self.stage.after,
                "{name}: success was claimed: {}",
                differences(&left, &self.stage.after)
            );
        } else {
            explains(&name, failed);
            let left = settled(&self.home, &name);
            // Behind the rename the change is there; only its durability is unknown.
            let behind = ["renamed", "cleaned", "removed", "reset.marked", "backup.written"];
            let done = behind.iter().any(|word| point.contains(word));
            assert!(
                left == self.stage.before || (done && left == self.stage.after),
                "{name}: {}",
                differences(&left, &self.stage.before)
            );
            // Nothing that was refused waits beside the pool for the next save.
            let waits = !done && beside(&self.home) != self.stage.beside;
            assert!(!waits, "{name}: {:?}", beside(&self.home).map(String::from_utf8));
        }
        self.goes_on(&name, &files);
    }

    fn is_one_of_both(&self, name: &str) {
        let left = settled(&self.home, name);
        assert!(
            left == self.stage.before || left == self.stage.after,
            "{name}: neither old nor new\nfrom the old: {}\nfrom the new: {}",
            differences(&left, &self.stage.before),
            differences(&left, &self.stage.after)
        );
    }

    /// A second start changes nothing, and the command works now.
    fn goes_on(&self, name: &str, left: &Files) {
        let first = quiet_files(&self.home);
        // Where the first start had nothing to do, the second one has not either.
        if changed(left, &first) != Vec::<PathBuf>::new() {
            status(&self.home, name);
            assert_eq!(
                changed(&first, &quiet_files(&self.home)),
                Vec::<PathBuf>::new(),
                "{name}: the second start"
            );
        }

        let again = run(&mut command(&self.home, &self.stage.words));
        let code = again.code();
        assert!(
            is_done(&again) || self.stage.again.contains(&code),
            "{name}: again {code}\n{}{}",
            again.stdout,
            again.stderr
        );
        let (left, wanted) =
            (without_generation(state(&self.home)), without_generation(self.stage.after.clone()));
        assert!(left == wanted, "{name}: done again: {}", differences(&left, &wanted));
        // Without accounts there is nothing to save, and what is left goes at a start a minute later.
        if self.sweeps && !self.stage.after["pool"].is_null() {
            // Doing nothing a second time sweeps nothing; a save does.
            for number in ["1", "2"] {
                run(&mut self.home.manager(&["switch", number]));
            }
            let strays: Vec<_> = self.home.files().into_keys().filter(|path| is_stray(path)).collect();
            assert_eq!(strays, Vec::<PathBuf>::new(), "{name}");
        }
        private(&self.home, name);
    }
}

/// Done; 4 says that the change is made and something needs attention.
pub(super) fn is_done(ran: &Ran) -> bool {
    [0, 4].contains(&ran.code())
}

fn command(home: &Home, words: &[String]) -> std::process::Command {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    home.manager(&words)
}

/// Starts once, which repairs what is to be repaired, and says what is there.
fn settled(home: &Home, name: &str) -> Value {
    status(home, name);
    state(home)
}

fn status(home: &Home, name: &str) {
    let ran = run(&mut home.manager(&["status", "--json"]));
    let text = ran.stdout.clone();
    assert!([0, 4, 5].contains(&ran.code()), "{name}: {}{}", ran.stdout, ran.stderr);
    let status: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
    let rows = pool(home)["accounts"].as_array().map_or(0, Vec::len);
    assert_eq!(status["accountCount"], rows, "{name}");
}

/// A failure on the disk says what, why and what to do.
fn explains(name: &str, failed: &Ran) {
    let document: Value = serde_json::from_str(&failed.stdout)
        .unwrap_or_else(|error| panic!("{name}: {error}\n{}{}", failed.stdout, failed.stderr));
    let error = &document["error"];
    for part in ["code", "message", "hint"] {
        assert!(
            error[part].as_str().is_some_and(|text| !text.is_empty()),
            "{name}: no {part} in {document:#}"
        );
    }
}

/// What the files mean to a person: the pool, what stands beside it, the settings.
pub(super) fn state(home: &Home) -> Value {
    let read = |name: &str| {
        let text = std::fs::read(home.root().join(name)).ok()?;
        serde_json::from_slice::<Value>(&text).ok()
    };
    json!({
        "pool": pool(home),
        "settings": read("settings.json"),
        "flagged": read("openai-codex-flagged-accounts.json"),
        "copy": read("backups/mine.json").map(|copy| copy["accounts"].as_array().map(Vec::len)),
    })
}

/// The file that is written before the pool.
fn beside(home: &Home) -> Option<Vec<u8>> {
    std::fs::read(home.root().join("ext/accounts.json")).ok()
}

/// What a pool means: everything but the time of last use and ids that are derived from the rest.
fn pool(home: &Home) -> Value {
    if home.root().join(format!("{POOL}.reset-intent")).exists() {
        return Value::Null;
    }
    let Some(mut pool) = home.pool_if_any() else { return Value::Null };
    let active = pool["activeIndex"].clone();
    let Some(document) = pool.as_object_mut() else { return pool };
    let families = document.entry("activeIndexByFamily").or_insert_with(|| json!({}));
    for family in ["gpt-5-codex", "codex-max", "codex", "gpt-5.2", "gpt-5.1"] {
        let families = families.as_object_mut().expect("families");
        families.entry(family).or_insert_with(|| active.clone());
    }
    document.entry("affinityGeneration").or_insert_with(|| 0.into());
    for row in document.get_mut("accounts").and_then(Value::as_array_mut).into_iter().flatten() {
        let row = row.as_object_mut().expect("a row");
        row.remove("lastUsed");
        row.remove("recordId");
        row.entry("enabled").or_insert_with(|| true.into());
    }
    pool
}

fn without_generation(mut state: Value) -> Value {
    if let Some(document) = state["pool"].as_object_mut() {
        document.remove("affinityGeneration");
    }
    state
}

/// Where two documents differ, for a failure that can be read.
fn differences(left: &Value, right: &Value) -> String {
    let mut found = String::new();
    differ("", left, right, &mut found);
    found
}

fn differ(path: &str, left: &Value, right: &Value, found: &mut String) {
    match (left, right) {
        (Value::Object(one), Value::Object(other)) => {
            for name in one.keys().chain(other.keys().filter(|name| !one.contains_key(*name))) {
                differ(&format!("{path}/{name}"), &left[name], &right[name], found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differ(&format!("{path}/{index}"), one, other, found);
            }
        }
        _ if left == right => {}
        _ => {
            let _ = write!(found, "\n  {path}: {} is not {}", brief(left), brief(right));
        }
    }
}

fn brief(value: &Value) -> String {
    value.to_string().chars().take(120).collect()
}

/// Files whose content matters from one start to the next.
fn quiet_files(home: &Home) -> Files {
    let mut files = home.files();
    files.retain(|path, _| {
        let path = path.display().to_string();
        !["/locks/", "/run/", "/logs/", "/cache/"].iter().any(|folder| path.contains(folder))
    });
    files
}

fn changed(then: &Files, now: &Files) -> Vec<PathBuf> {
    let all = then.keys().chain(now.keys().filter(|path| !then.contains_key(*path)));
    all.filter(|path| then.get(*path) != now.get(*path)).cloned().collect()
}

/// Temporary files of a save that nobody cleaned up; the reference's own may be younger than the sweep.
fn is_stray(path: &std::path::Path) -> bool {
    let name = path.display().to_string();
    name.contains(POOL) && (name.ends_with(".tmp") || name.contains(".rotate."))
}

/// Everything under the root is for this user alone.
pub(super) fn private(home: &Home, name: &str) {
    for (path, mode) in home.modes(&home.root()) {
        assert_eq!(mode & 0o077, 0, "{name}: {} has mode {mode:o}", path.display());
    }
}
