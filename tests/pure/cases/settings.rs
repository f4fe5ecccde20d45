//! The settings files: both sections as they are read, then the recorded saves.

use codex_multi_auth::domain::settings::edit::Edit;
use codex_multi_auth::domain::settings::report::{Report, Storage};
use codex_multi_auth::domain::settings::schema::{Section, row};
use codex_multi_auth::formats::settings::value;
use serde_json::{Map, Value, json};

use super::{Ask, Found};
use crate::support::staged::Staged;

pub(super) async fn perform(staged: &Staged, ask: Ask<'_>) -> Found {
    let store = staged.store();
    let report = store.config().await.expect("a report");
    let mut facts = Map::new();
    for (name, display) in [("plugin", false), ("dashboard", true)] {
        let members: Map<String, Value> = report
            .entries
            .iter()
            .filter(|entry| (entry.row.section == Section::Display) == display)
            .map(|entry| (entry.row.key.to_owned(), value::json(&entry.value)))
            .collect();
        facts.insert(name.to_owned(), members.into());
    }
    for key in ["fetchTimeoutMs", "uiThemePreset"] {
        facts.insert(key.to_owned(), value::json(&report.entry(key).expect("a row").value));
    }
    let outcome = outcome(&report);
    if matches!(ask, Ask::Save) {
        store.configure(vec![edit("toastDurationMs", &json!(7_000))]).await.expect("a save");
    }
    for step in staged.case["reference_2_8_7"]["steps"].as_array().expect("steps") {
        if step["op"] == "save-config" || step["op"] == "save-dash" {
            let patch = step["arg"]["patch"].as_object().expect("a patch");
            let edits = patch.iter().map(|(key, to)| edit(key, to)).collect();
            store.configure(edits).await.expect("a save");
        }
    }
    Found { outcome: outcome.to_owned(), facts }
}

fn outcome(report: &Report) -> &'static str {
    if report.problems.iter().any(|trouble| trouble.message.contains("settings.json.bak is used")) {
        return "recovered-backup";
    }
    if report.storage == Storage::Unreadable { "defaults" } else { "loaded" }
}

fn edit(key: &str, to: &Value) -> Edit {
    let row = row(key).unwrap_or_else(|| panic!("{key} is no setting"));
    Edit::set(row, value::given(&to.to_string()).value.expect("a value"))
}
