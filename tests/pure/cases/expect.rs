//! Holds what an area found, and what stands on the disk afterwards, against every member of `expected`.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use codex_multi_auth::domain::account::{CooldownReason, SwitchReason};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{Area, Ask, Found, perform};
use crate::support::staged::Staged;

/// Folders of ours that the reference knows nothing of.
const OURS: [&str; 4] = ["/ext/", "/quarantine/", "/snapshots/", "/backups-official/"];
const POOL: &str = "openai-codex-accounts.json";
const FLAGGED: &str = "openai-codex-flagged-accounts.json";

type Files = BTreeMap<String, Vec<u8>>;

/// A case before and after.
struct Trial<'a> {
    id: &'a str,
    area: Area,
    staged: Staged,
    before: Files,
    after: Files,
    found: Found,
    millis: u128,
}

/// Runs a case twice and checks everything it says.
pub(super) async fn check(id: &str, area: Area) {
    let trial = Trial::new(id, area, Ask::Run).await;
    let expected = trial.staged.case["expected"].as_object().expect("expectations").clone();
    trial.answers(&expected).await;
    trial.is_settled().await;
    trial.is_private();
    trial.survives(&expected).await;
}

impl<'a> Trial<'a> {
    async fn new(id: &'a str, area: Area, ask: Ask<'_>) -> Self {
        let staged = Staged::new(id);
        let before = files(&staged);
        let begun = Instant::now();
        let found = perform(area, &staged, ask).await;
        let millis = begun.elapsed().as_millis();
        let after = files(&staged);
        Self { id, area, staged, before, after, found, millis }
    }

    /// Every member of the expectations.
    async fn answers(&self, expected: &Map<String, Value>) {
        let ignored: Vec<&str> = words(expected.get("ignoreMembers")).collect();
        for (member, value) in expected {
            match member.as_str() {
                // For people, or used by another member.
                "rationale" | "note" | "ignoreMembers" | "mustPreserveOnWrite" => {}
                "outcome" => assert_eq!(self.found.outcome, *value, "{}: {:#?}", self.id, self.found),
                "sameAsReference" => self.compares(value),
                "quarantine" => self.keeps_the_unusable(value).await,
                "mustRemove" => self.has_removed(value),
                "mustNotWrite" => self.writes(value),
                "mustNotCreate" => self.has_not_created(value),
                "migratedFrom" => self.migrates(value),
                "json" => self.leaves_documents(value, &ignored),
                "text" => self.leaves_text(value),
                "copyOfOldFile" => self.keeps_a_copy(value),
                "maxLoadMillis" => self.is_quick(value),
                "unchangedBy" => self.is_left_alone(value).await,
                "withYes" => self.other(value, Ask::Yes).await,
                "withSetting" => {
                    let mut settings = value.as_object().expect("settings").clone();
                    let outcome = settings.remove("outcome");
                    let expected =
                        Value::Object(outcome.map(|word| ("outcome".to_owned(), word)).into_iter().collect());
                    self.other(&expected, Ask::With(&settings)).await;
                }
                _ => self.knows(member, value),
            }
        }
    }

    /// A value only the area can know.
    fn knows(&self, member: &str, value: &Value) {
        let wanted = match value.as_str() {
            Some(text) => Value::from(text.replace("$HOME", &self.staged.home().to_string_lossy())),
            None => value.clone(),
        };
        let told = self.found.facts.get(member);
        assert_eq!(told, Some(&wanted), "{}: {member}", self.id);
    }

    /// The recorded run of the reference, as far as the case takes it for right.
    fn compares(&self, extent: &Value) {
        let reference = &self.staged.case["reference_2_8_7"];
        let strict = *extent == true;
        if strict || extent == "result-only" || extent == "except-pin" {
            self.compares_rows(&reference["loadAccounts"]);
        }
        if strict {
            self.compares_files(reference);
        }
        if *extent != false
            && let Some(result) = reference["steps"].as_array().and_then(|steps| steps.first())
            && result["op"] == "config"
        {
            self.compares_settings(&result["result"]);
        }
    }

    fn compares_rows(&self, recorded: &Value) {
        let Some(rows) = recorded["accounts"].as_array() else { return };
        let told =
            self.found.facts.get("loadAccounts").unwrap_or_else(|| panic!("{}: no loadAccounts", self.id));
        let ours = told["accounts"].as_array().expect("rows");
        assert_eq!(ours.len(), rows.len(), "{}", self.id);
        for (index, (own, row)) in ours.iter().zip(rows).enumerate() {
            let row = row.as_object().expect("a row");
            for (member, value) in own.as_object().expect("a row") {
                let same = row.get(member).unwrap_or(&Value::Null);
                assert!(
                    same_value(member, value, same),
                    "{} row {index}: {member} {value} is not {same}",
                    self.id
                );
            }
        }
        assert_eq!(told["activeIndex"], recorded["activeIndex"], "{}", self.id);
        if !rows.is_empty() {
            assert_eq!(told["activeIndexByFamily"], recorded["activeIndexByFamily"], "{}", self.id);
        }
    }

    fn compares_files(&self, reference: &Value) {
        let shown = |path: &str| path.replace("$HOME/", "");
        for path in words(reference.get("filesAdded")).filter(|path| !path.contains("/projects/")) {
            assert!(self.after.contains_key(&shown(path)), "{}: {path} was not made", self.id);
        }
        for path in words(reference.get("filesRemoved")) {
            assert!(!self.after.contains_key(&shown(path)), "{}: {path} is still there", self.id);
        }
        for (path, text) in reference["filesWritten"].as_object().into_iter().flatten() {
            let ours = self.after.get(path).unwrap_or_else(|| panic!("{}: {path} was not written", self.id));
            let text = text.as_str().expect("a text");
            if path.ends_with(".toml") {
                assert_eq!(String::from_utf8_lossy(ours), text, "{}: {path}", self.id);
                continue;
            }
            let theirs: Value = serde_json::from_str(text).expect("a document");
            let ours: Value = serde_json::from_slice(ours).expect("a document");
            assert!(holds(&ours, &theirs), "{}: {path}\n{ours:#}\nlacks something of\n{theirs:#}", self.id);
        }
        if reference["filesWritten"].is_null() {
            let all = ["filesAdded", "filesRemoved", "filesChanged"];
            let known: Vec<&str> = all.iter().flat_map(|list| words(reference.get(*list))).collect();
            let changed = self.changed().filter(|path| !OURS.iter().any(|folder| path.contains(folder)));
            let more: Vec<&str> =
                changed.filter(|path| !path.contains("/projects/") && !known.contains(path)).collect();
            assert_eq!(more, Vec::<&str>::new(), "{}: the reference leaves these alone", self.id);
        }
    }

    fn compares_settings(&self, recorded: &Value) {
        for section in ["plugin", "dashboard"] {
            let told = self.found.facts.get(section);
            let told = told.unwrap_or_else(|| panic!("{}: no {section} settings were told", self.id));
            for (key, value) in recorded[section].as_object().into_iter().flatten() {
                // Two defaults are ours.
                let default = match key.as_str() {
                    "streamStallTimeoutMs" if *value == 45_000 => Value::from(300_000),
                    "codexTuiGlyphMode" if *value == "ascii" => Value::from("auto"),
                    _ => value.clone(),
                };
                assert!(
                    told[key] == *value || told[key] == default,
                    "{}: {key}: {} is not {value}",
                    self.id,
                    told[key]
                );
            }
        }
    }

    fn changed(&self) -> impl Iterator<Item = &str> {
        let paths =
            self.before.keys().chain(self.after.keys().filter(|path| !self.before.contains_key(*path)));
        paths.filter(|path| self.before.get(*path) != self.after.get(*path)).map(String::as_str)
    }

    /// The bytes of an unusable file are in quarantine before the first write, be it this one or the next.
    async fn keeps_the_unusable(&self, value: &Value) {
        assert_eq!(*value, true, "{}", self.id);
        let later = if self.staged.case["expected"]["mustNotWrite"] == true {
            Some(Trial::new(self.id, self.area, Ask::Save).await.after)
        } else {
            None
        };
        let after = later.as_ref().unwrap_or(&self.after);
        let bad =
            self.before.iter().filter(|(path, _)| path.ends_with(POOL) || path.ends_with("settings.json"));
        for (path, bytes) in bad {
            let kept = after.iter().any(|(path, copy)| path.contains("/quarantine/") && copy == bytes);
            assert!(kept, "{}: {path} is not in quarantine: {:?}", self.id, after.keys());
        }
    }

    fn has_removed(&self, value: &Value) {
        for pattern in words(Some(value)) {
            let (begin, end) = pattern.split_once('*').unwrap_or((pattern, ""));
            let left = self.after.keys().find(|path| {
                let name = path.rsplit('/').next().unwrap_or_default();
                name.starts_with(begin) && name.ends_with(end) && name.len() >= begin.len() + end.len()
            });
            assert_eq!(left, None, "{}: {pattern}", self.id);
        }
    }

    fn writes(&self, forbidden: &Value) {
        if *forbidden == true {
            assert_eq!(
                self.changed().collect::<Vec<_>>(),
                Vec::<&str>::new(),
                "{}: nothing may be written",
                self.id
            );
        } else {
            assert!(self.changed().any(|path| path.ends_with(POOL)), "{}: the pool was saved anew", self.id);
        }
    }

    fn has_not_created(&self, value: &Value) {
        for path in words(Some(value)) {
            assert!(!self.after.contains_key(path), "{}: {path}", self.id);
        }
    }

    fn migrates(&self, version: &Value) {
        let (path, old) = self.before.iter().find(|(path, _)| path.ends_with(POOL)).expect("a pool");
        let was: Value = serde_json::from_slice(old).expect("a document");
        assert_eq!(was["version"], *version, "{}", self.id);
        assert_eq!(self.document(path)["version"], 3, "{}", self.id);
        assert_eq!(
            self.after.get(&format!("{path}.bak")),
            Some(old),
            "{}: the old text is the backup",
            self.id
        );
    }

    fn leaves_documents(&self, value: &Value, ignored: &[&str]) {
        for (path, wanted) in value.as_object().expect("documents") {
            let mut left = self.document(path);
            let mut wanted = wanted.clone();
            for document in [&mut left, &mut wanted] {
                drop_members(document, ignored);
            }
            assert_eq!(left, wanted, "{}: {path}", self.id);
        }
    }

    fn leaves_text(&self, value: &Value) {
        let bytes = self.after.get(".codex/config.toml").expect("the official configuration");
        assert_eq!(Value::from(String::from_utf8_lossy(bytes)), *value, "{}", self.id);
    }

    fn keeps_a_copy(&self, value: &Value) {
        let (begin, end) = value.as_str().and_then(|path| path.split_once("<UTC>")).expect("a dated name");
        let old = &self.before[".codex/auth.json"];
        let copy = self.after.iter().find(|(path, _)| {
            path.split_once("multi-auth/")
                .is_some_and(|(_, rest)| rest.starts_with(begin) && rest.ends_with(end))
        });
        assert_eq!(copy.map(|(_, bytes)| bytes), Some(old), "{}: {value}", self.id);
    }

    /// Times mean something in optimised builds only; linearity is measured by the benches.
    fn is_quick(&self, value: &Value) {
        let limit = u128::from(value.as_u64().expect("milliseconds"));
        assert!(cfg!(debug_assertions) || self.millis < limit, "{}: {} ms", self.id, self.millis);
    }

    async fn is_left_alone(&self, value: &Value) {
        for word in words(Some(value)) {
            let trial = Trial::new(self.id, self.area, Ask::Act(word)).await;
            let file = |files: &Files| files.get(".codex/config.toml").cloned();
            assert_eq!(file(&trial.after), file(&trial.before), "{}: {word}", self.id);
        }
    }

    /// The other answer of the same case.
    async fn other(&self, expected: &Value, ask: Ask<'_>) {
        let trial = Trial::new(self.id, self.area, ask).await;
        Box::pin(trial.answers(expected.as_object().expect("expectations"))).await;
    }

    /// A second run finds the same and changes nothing.
    async fn is_settled(&self) {
        let again = perform(self.area, &self.staged, Ask::Run).await;

        let after = files(&self.staged);
        let changed: Vec<_> = self
            .after
            .keys()
            .chain(after.keys())
            .filter(|path| after.get(*path) != self.after.get(*path))
            .collect();
        assert_eq!(changed, Vec::<&String>::new(), "{}: the second run", self.id);
        for member in
            ["accounts", "activeIndex", "pinnedAccountIndex", "affinityGeneration", "loadAccounts", "flagged"]
        {
            let (now, then) = (again.facts.get(member), self.found.facts.get(member));
            assert_eq!(now, then, "{}: {member} after the second run", self.id);
        }
    }

    /// Whatever was made is for this user alone.
    fn is_private(&self) {
        let codex = self.staged.home().join(".codex");
        for folder in [codex, self.staged.places().root().to_path_buf()] {
            for (path, mode) in modes(&folder) {
                assert_eq!(mode & 0o077, 0, "{}: {path} has mode {mode:o}", self.id);
            }
        }
    }

    /// What others wrote survives a later save.
    async fn survives(&self, expected: &Map<String, Value>) {
        let pointers: Vec<&str> = words(expected.get("mustPreserveOnWrite")).collect();
        if pointers.is_empty() {
            return;
        }
        perform(self.area, &self.staged, Ask::Save).await;
        let after = files(&self.staged);
        for pointer in pointers {
            let (name, pointer) = match pointer.split_once(' ') {
                Some((_, pointer)) => (FLAGGED, pointer),
                None if self.id.starts_with('k') => ("auth.json", pointer),
                None if self.id.starts_with('s') => ("settings.json", pointer),
                None => (POOL, pointer),
            };
            let read = |files: &Files| {
                let bytes = files
                    .iter()
                    .find(|(path, _)| path.rsplit('/').next() == Some(name))
                    .map(|(_, bytes)| bytes);
                bytes.and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok())
            };
            let now = read(&after).unwrap_or_else(|| panic!("{}: no {name}", self.id));
            let value = now.pointer(pointer);
            assert!(value.is_some(), "{}: {pointer} is gone", self.id);
            if let Some(then) = read(&self.before) {
                assert_eq!(value, then.pointer(pointer), "{}: {pointer}", self.id);
            }
        }
    }

    fn document(&self, path: &str) -> Value {
        let bytes = self.after.get(path).unwrap_or_else(|| panic!("{}: {path} is missing", self.id));
        serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{}: {path}: {error}", self.id))
    }
}

fn files(staged: &Staged) -> Files {
    staged.files().into_iter().collect()
}

fn words(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a member of a row means the same to both programs.
fn same_value(member: &str, own: &Value, theirs: &Value) -> bool {
    let is_mistyped = match member {
        "addedAt" | "lastUsed" | "coolingDownUntil" | "authInvalidatedAt" => !theirs.is_number(),
        "enabled" => false,
        "rateLimitResetTimes" => !theirs.is_object(),
        _ => !theirs.is_string(),
    };
    own == theirs
        || (is_mistyped && (!theirs.is_null() || *own == 0))
        || match member {
            // Ours shows an address as it is compared; theirs as it was stored.
            "email" => theirs.as_str().map(|text| text.trim().to_lowercase()).as_deref() == own.as_str(),
            // Only a stored `false` means off.
            "enabled" => *own == (*theirs != false),
            // A word of no list means nothing.
            "cooldownReason" => {
                own.is_null() && theirs.as_str().and_then(CooldownReason::from_word).is_none()
            }
            "lastSwitchReason" => {
                own.is_null() && theirs.as_str().and_then(SwitchReason::from_word).is_none()
            }
            _ => false,
        }
}

/// Whether a document has everything of another one, and perhaps more.
fn holds(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            theirs.iter().all(|(name, value)| ours.get(name).is_some_and(|own| holds(own, value)))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(own, value)| holds(own, value))
        }
        (ours, theirs) => ours == theirs,
    }
}

fn drop_members(value: &mut Value, names: &[&str]) {
    if let Some(object) = value.as_object_mut() {
        object.retain(|name, _| !names.contains(&name.as_str()));
        for inner in object.values_mut() {
            drop_members(inner, names);
        }
    }
    if let Some(list) = value.as_array_mut() {
        for inner in list {
            drop_members(inner, names);
        }
    }
}

fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let meta = entry.metadata().expect("readable");
            all.push((entry.path().display().to_string(), meta.permissions().mode()));
            if meta.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    all
}
