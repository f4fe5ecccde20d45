//! Everything that changes files of ours, by its words.

use fastrand::Rng;
use serde_json::json;

use super::pools;
use super::trial::{Operation, is_done};
use crate::support::dirs::Home;
use crate::support::process::run;

/// Each is cut at each of its writes.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "switch",
        prepare: |_, _| {},
        words: |home, rng| words(&["switch", &other(home, rng), "--json"]),
        again: &[],
    },
    Operation {
        name: "unpin",
        prepare: |home, rng| done(home, &["switch", &other(home, rng)]),
        words: |_, _| words(&["unpin", "--json"]),
        again: &[],
    },
    Operation {
        name: "account disable",
        prepare: |home, _| done(home, &["account", "enable", "person2@example.com"]),
        words: |_, _| words(&["account", "disable", "person2@example.com", "--json"]),
        again: &[],
    },
    Operation {
        name: "account enable",
        prepare: |home, _| done(home, &["account", "disable", "person3@example.com"]),
        words: |_, _| words(&["account", "enable", "person3@example.com", "--json"]),
        again: &[],
    },
    Operation {
        name: "account label",
        prepare: |_, _| {},
        words: |_, rng| words(&["account", "label", "1", &format!("name {}", rng.u32(..)), "--json"]),
        again: &[],
    },
    Operation {
        name: "account remove",
        prepare: |_, _| {},
        words: |_, _| words(&["account", "remove", "person2@example.com", "--yes", "--json"]),
        again: &[2],
    },
    Operation {
        name: "account remove --all",
        prepare: |_, _| {},
        words: |_, _| words(&["account", "remove", "--all", "--yes", "--json"]),
        again: &[5],
    },
    Operation {
        name: "import",
        prepare: |home, rng| {
            let mut document = pools::document(rng, 3);
            document["accounts"][2]["email"] = "newcomer@example.com".into();
            document["accounts"][2]["accountId"] = "newcomer-workspace".into();
            document["accounts"][2]["refreshToken"] = "rt_newcomer".into();
            home.write(&home.work().join("in.json"), &document.to_string());
        },
        words: |home, _| {
            words(&["import", &home.work().join("in.json").display().to_string(), "--yes", "--json"])
        },
        again: &[],
    },
    Operation {
        name: "backup create",
        prepare: |_, _| {},
        words: |_, _| words(&["backup", "create", "mine", "--json"]),
        again: &[1, 2],
    },
    Operation {
        name: "backup restore",
        prepare: |home, _| {
            done(home, &["backup", "create", "mine"]);
            done(home, &["account", "label", "1", "renamed since"]);
            done(home, &["account", "remove", "person3@example.com", "--yes"]);
        },
        words: |_, _| words(&["backup", "restore", "mine", "--yes", "--json"]),
        again: &[],
    },
    Operation {
        name: "config set",
        prepare: |home, _| {
            let text = json!({
                "version": 1,
                "pluginConfig": { "fetchTimeoutMs": 70_000, "future": { "a": [1] } },
                "other": { "deep": true },
            });
            home.write(&home.root().join("settings.json"), &text.to_string());
        },
        words: |_, rng| {
            words(&["config", "set", "fetchTimeoutMs", &rng.u32(1_000..60_000).to_string(), "--json"])
        },
        again: &[],
    },
    Operation {
        name: "config unset",
        prepare: |home, _| {
            let text = json!({
                "version": 1,
                "pluginConfig": { "fetchTimeoutMs": 70_000 },
                "dashboardDisplaySettings": { "x": 1 },
            });
            home.write(&home.root().join("settings.json"), &text.to_string());
        },
        words: |_, _| words(&["config", "unset", "fetchTimeoutMs", "--json"]),
        again: &[],
    },
];

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

#[track_caller]
fn done(home: &Home, words: &[&str]) {
    let ran = run(&mut home.manager(words));
    assert!(is_done(&ran), "{words:?}: {}\n{}{}", ran.code(), ran.stdout, ran.stderr);
}

/// The position of some account that is not the selected one.
fn other(home: &Home, rng: &mut Rng) -> String {
    let pool = home.pool();
    let count = pool["accounts"].as_array().expect("rows").len();
    let active = usize::try_from(pool["activeIndex"].as_u64().expect("a position")).expect("small");
    let step = rng.usize(1..count);
    ((active + step) % count + 1).to_string()
}
