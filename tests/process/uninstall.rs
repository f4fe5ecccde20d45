//! `uninstall`: after it the home is as it was, and a dry run changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Ran, run};
use crate::support::reference;

const CONFIG: &str = "# mine\nmodel = 'gpt-5.5'\n\n[features]\n";

/// What is on the computer before us: the official CLI's files, and those of others.
fn before(play: &Play) -> (Home, BTreeMap<PathBuf, Vec<u8>>) {
    let mut home = Home::new();
    home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", play.backend().upstream_url());
    home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", play.backend().auth_url());
    home.write_auth(&play.login("one"));
    home.put_program("codex", "#!/bin/sh\nexit 0\n");
    fs::write(home.codex().join("config.toml"), CONFIG).expect("writable");
    home.write(&home.path().join(".config/Codex/Codex.json"), "{\n  \"plugins\": [\n    \"other\"\n  ]\n}\n");
    home.write(&home.path().join(".cache/Codex/node_modules/other/index.js"), "1");
    let files = home.files();
    (home, files)
}

/// Uses everything that writes outside the root.
fn used(home: &Home, play: &Play) {
    home.write_pool(&["one", "two"].map(|name| play.login(name)));
    run(&mut home.manager(&["doctor", "--fix", "--yes"]));
    run(&mut home.manager(&["rotation", "bind-app"])).expect(0);
    run(&mut home.manager(&["rotation", "service", "install", "--yes"])).expect(0);
    run(&mut home.manager(&["switch", "2"])).expect(0);
    run(&mut home.manager(&["switch", "1"])).expect(0);
    run(&mut home.manager(&["backup", "create", "before"])).expect(0);
}

/// What the reference leaves.
fn left_by_the_reference(home: &Home) {
    let plugins = "{\n  \"plugins\": [\n    \"other\",\n    \"codex-multi-auth@2.8.7\"\n  ]\n}\n";
    home.write(&home.path().join(".config/Codex/Codex.json"), plugins);
    home.write(&home.path().join(".cache/Codex/node_modules/codex-multi-auth/index.js"), "1");
    home.write(&home.path().join(".cache/Codex/node_modules/@ndycode/codex-multi-auth/index.js"), "1");
    home.write(
        &home.path().join(".local/share/applications/codex-multi-auth.desktop"),
        "[Desktop Entry]\nExec=codex-multi-auth-codex app\n",
    );
    home.write(&home.root().join("first-run-setup.json"), "{}");
    home.write(&home.root().join("runtime-shadow-homes/codex-multi-auth-runtime-home-abc/config.toml"), "");
}

fn steps(ran: &Ran) -> (Value, BTreeMap<String, String>) {
    assert_eq!(ran.stdout.lines().count(), 1, "one line: {}", ran.stdout);
    let told: Value = serde_json::from_str(&ran.stdout).expect("a document");
    let rows = told["steps"].as_array().expect("steps").iter();
    let states = rows.map(|row| {
        let text = |name: &str| row[name].as_str().expect("text").to_owned();
        (text("step"), text("state"))
    });
    let states = states.collect();
    (told, states)
}

/// The files that are not as they were. `auth.json` belongs to the official CLI: a switch writes it on purpose.
fn differences(home: &Home, before: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<PathBuf> {
    let now = home.files();
    let changed =
        now.iter().filter(|(path, text)| before.get(*path) != Some(*text)).map(|(path, _)| path.clone());
    let gone = before.keys().filter(|path| !now.contains_key(*path)).cloned();
    changed.chain(gone).filter(|path| !path.ends_with("auth.json")).collect()
}

#[test]
fn a_purge_leaves_the_home_as_it_was_before_installation() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let (home, before) = before(&play);
    used(&home, &play);
    left_by_the_reference(&home);

    let ran = run(&mut home.manager(&["uninstall", "--purge", "--yes", "--json"]));

    let (told, states) = steps(&ran);
    assert_eq!(ran.code(), 0, "{told:#}");
    for (step, state) in [
        ("app-bind", "restored"),
        ("service", "removed"),
        ("launcher", "removed"),
        ("config-entry", "removed"),
        ("purge", "removed"),
    ] {
        assert_eq!(states.get(step).map(String::as_str), Some(state), "{step}: {told:#}");
    }
    assert_eq!(differences(&home, &before), Vec::<PathBuf>::new(), "{told:#}");
    assert!(!home.root().exists());
    assert!(home.codex().join("auth.json").exists());
}

#[test]
fn an_uninstall_leaves_the_root_alone_and_clears_accounts_only_when_told_to() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let (home, before) = before(&play);
    used(&home, &play);
    left_by_the_reference(&home);

    run(&mut home.manager(&["uninstall"])).expect(3);
    let asked = differences(&home, &before).iter().any(|path| path.starts_with(".config/Codex"));
    let plain = run(&mut home.manager(&["uninstall", "--yes", "--json"])).expect(0);
    let outside: Vec<_> = differences(&home, &before)
        .into_iter()
        .filter(|path| !path.starts_with(".codex/multi-auth"))
        .collect();
    let pool = home.pool()["accounts"].as_array().map(Vec::len);
    let again = run(&mut home.manager(&["uninstall", "--yes", "--json"])).expect(0);
    let cleared = run(&mut home.manager(&["uninstall", "--clear-accounts", "--yes", "--json"])).expect(0);

    assert!(asked, "nothing is done before the answer");
    assert_eq!(outside, Vec::<PathBuf>::new());
    assert_eq!(pool, Some(2));
    let (told, _) = steps(&plain);
    let removed: Vec<&str> =
        told["removed"].as_array().expect("words").iter().filter_map(Value::as_str).collect();
    assert!(removed.contains(&"app-bind") && removed.contains(&"cache"), "{told:#}");
    let (told, states) = steps(&again);
    assert_eq!(states.get("app-bind").map(String::as_str), Some("absent"), "{told:#}");
    assert!(!told["removed"].as_array().expect("words").iter().any(|word| word == "cache"), "{told:#}");
    let (told, _) = steps(&cleared);
    assert!(told["removed"].as_array().expect("words").iter().any(|word| word == "accounts"), "{told:#}");
    for name in ["one", "two"] {
        let token = play.login(name).refresh;
        let holders: Vec<PathBuf> = home
            .files()
            .into_iter()
            .filter(|(path, text)| {
                !path.ends_with("auth.json") && String::from_utf8_lossy(text).contains(&token)
            })
            .map(|(path, _)| path)
            .collect();
        assert_eq!(holders, Vec::<PathBuf>::new(), "{name}");
    }
}

#[test]
fn a_dry_run_tells_everything_and_changes_nothing() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let (home, _) = before(&play);
    used(&home, &play);
    left_by_the_reference(&home);
    run(&mut home.manager(&["status"]));
    // The router writes its own status whenever it likes.
    let still = |home: &Home| -> BTreeMap<PathBuf, Vec<u8>> {
        let noisy = |path: &PathBuf| {
            ["app-bind/runtime-rotation-app-bind-status.json", "/locks/", "observability", "quota-cache"]
                .iter()
                .any(|part| path.display().to_string().contains(part))
        };
        home.files().into_iter().filter(|(path, _)| !noisy(path)).collect()
    };
    let before = still(&home);

    let ran = run(&mut home.manager(&["uninstall", "--dry-run", "--purge", "--json"])).expect(0);

    let (told, states) = steps(&ran);
    let after = still(&home);
    let changed: Vec<_> = after.iter().filter(|(path, text)| before.get(*path) != Some(*text)).collect();
    assert!(changed.is_empty(), "{changed:?}");
    assert_eq!(after.len(), before.len());
    assert_eq!(told["removed"].as_array().map(Vec::len), Some(0));
    assert_eq!(states.get("purge").map(String::as_str), Some("removed"), "{told:#}");
    run(&mut home.manager(&["uninstall", "--purge", "--yes"])).expect(0);
}

#[test]
fn a_session_that_lies_in_an_old_shadow_home_only_comes_to_where_it_belongs() {
    for purge in [false, true] {
        let play = Play::start(Scenario::pool(["one", "two"]));
        let (home, _) = before(&play);
        used(&home, &play);
        left_by_the_reference(&home);
        let shadow = home.root().join("runtime-shadow-homes/codex-multi-auth-runtime-home-def");
        let id = "0199b000-81c0-7800-8aa1-bbab2a035a01";
        let session = reference::temporary_home(&home, &shadow, Some(id)).expect("a session");
        let text = fs::read(&session).expect("there");

        let words: &[&str] = if purge {
            &["uninstall", "--purge", "--yes", "--json"]
        } else {
            &["uninstall", "--yes", "--json"]
        };
        let ran = run(&mut home.manager(words)).expect(0);

        let kept = home.codex().join(session.strip_prefix(&shadow).expect("inside"));
        assert_eq!(fs::read(&kept).expect("moved"), text, "{}", ran.stdout);
        assert!(!shadow.exists(), "{}", ran.stdout);
        assert_eq!(home.root().exists(), !purge);
    }
}

#[test]
fn empty_folders_that_were_there_before_stay_and_those_we_made_go() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let (home, _) = before(&play);
    fs::create_dir_all(home.path().join(".config/autostart")).expect("writable");
    fs::create_dir_all(home.path().join(".cache/Codex/node_modules/@ndycode")).expect("writable");
    let before = home.folders();
    used(&home, &play);

    run(&mut home.manager(&["uninstall", "--purge", "--yes", "--json"])).expect(0);

    assert_eq!(home.folders(), before);
}

#[test]
fn sign_ins_are_ended_only_when_told_to_and_stay_when_that_fails() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let (home, _) = before(&play);
    used(&home, &play);

    let unreachable = run(home
        .manager(&["uninstall", "--revoke", "--yes", "--json"])
        .env("CODEX_MULTI_AUTH_AUTH_BASE_URL", "http://127.0.0.1:9"));
    let kept = home.pool()["accounts"].as_array().map(Vec::len);
    let ended = run(&mut home.manager(&["uninstall", "--revoke", "--yes", "--json"])).expect(0);

    assert_eq!(unreachable.code(), 1, "{}", unreachable.stdout);
    assert_eq!(kept, Some(2));
    let (_, states) = steps(&ended);
    assert_eq!(states.get("revoke").map(String::as_str), Some("removed"), "{}", ended.stdout);
    let revoked = play.backend().record().at("revoke").len();
    assert_eq!(revoked, 2);
    assert!(!home.root().join("openai-codex-accounts.json").exists());
}
