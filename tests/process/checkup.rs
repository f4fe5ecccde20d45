//! `doctor`, `fix`, `verify` and `usage rotate` as a script sees them.

#![expect(clippy::disallowed_methods, reason = "a test of real processes lives in real time")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use codex_multi_auth::domain::places::POOL_FILE;
use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::{Home, Login};
use crate::support::play::Play;
use crate::support::process::{Ran, run};

const CONFIG: &str = "# mine\r\ncli_auth_credentials_store = \"keyring\" # why\r\n[tui]\r\n";

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

fn words(list: &Value, member: &str) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter().map(|one| one[member].as_str().unwrap().to_owned()).collect()
}

fn check<'d>(document: &'d Value, key: &str) -> &'d Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["key"] == key).unwrap_or_else(|| panic!("no {key}: {document:#}"))
}

#[track_caller]
fn assert_same(home: &Home, before: &BTreeMap<PathBuf, Vec<u8>>) {
    let after = home.files();
    // Lock files hold the number of the process that had them last.
    let changed: Vec<_> = after
        .keys()
        .chain(before.keys())
        .filter(|path| after.get(*path) != before.get(*path) && !path.to_string_lossy().contains("/locks/"))
        .collect();
    assert_eq!(changed, Vec::<&PathBuf>::new());
}

fn write_config(home: &Home) {
    home.write(&home.codex().join("config.toml"), CONFIG);
}

/// A temporary file of a process that cannot exist, an hour old.
fn write_leftover(home: &Home) {
    let path = home.root().join("quota-cache.json.1073741823.7.cafebabe.tmp");
    home.write(&path, "{}");
    let old = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
}

fn config(home: &Home) -> String {
    std::fs::read_to_string(home.codex().join("config.toml")).unwrap()
}

#[test]
fn a_doctor_that_only_looks_changes_nothing() {
    let home = Home::with_samples(2);
    write_config(&home);
    home.write_auth(&Login::sample(1));
    let before = home.files();

    for words in [&["doctor", "--json"][..], &["doctor"], &["doctor", "--fix", "--dry-run", "--json"]] {
        let ran = run(&mut home.manager(words)).expect(0);
        assert!(!ran.stdout.contains('\u{1b}'), "{words:?}");
        assert!(!ran.stdout.contains("rt_person"), "{words:?}");
    }

    assert_same(&home, &before);
}

#[test]
fn a_doctor_mends_what_is_needed_and_then_finds_nothing_more() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    write_config(&home);
    write_leftover(&home);

    let first = document(&run(&mut home.manager(&["doctor", "--fix", "--json"])).expect(0));
    let after = home.files();
    let second = document(&run(&mut home.manager(&["doctor", "--fix", "--json"])).expect(0));

    let mended = words(&first["fix"]["actions"], "key");
    assert!(mended.contains(&"codex-auth-store".to_owned()), "{first:#}");
    assert!(mended.contains(&"codex-active-sync".to_owned()), "{first:#}");
    assert_eq!(first["fix"]["changed"], true);
    let said = words(&first["fix"]["actions"], "message").join("\n");
    assert!(said.contains("instead of keyring"), "true before and after: {said}");
    assert_eq!(check(&first, "codex-auth-store")["severity"], "ok", "mended things are fine");
    assert_eq!(config(&home), CONFIG.replace("\"keyring\"", "\"file\""));
    assert_eq!(home.auth()["tokens"]["account_id"], play.login("well").account_id);
    assert_eq!(second["fix"]["actions"], serde_json::json!([]), "{second:#}");
    assert_same(&home, &after);
}

#[test]
fn a_damaged_pool_is_an_error_with_a_way_out() {
    let home = Home::with_samples(3);
    home.write_auth(&Login::sample(1));
    let pool = home.root().join(POOL_FILE);
    let whole = std::fs::read_to_string(&pool).unwrap();
    home.write(&home.root().join("backups/yesterday.json"), &whole);
    home.write(&pool, &whole[..40]);

    let sick = document(&run(&mut home.manager(&["doctor", "--json"])).expect(4));
    let dry = document(&run(&mut home.manager(&["doctor", "--fix", "--dry-run", "--json"])).expect(4));
    let mended = document(&run(&mut home.manager(&["doctor", "--fix", "--json"])).expect(0));
    let status = document(&run(&mut home.manager(&["status", "--json"])).expect(0));

    assert_eq!(sick["error"]["code"], "checks-failed");
    assert_eq!(check(&sick, "storage-health")["severity"], "error");
    assert!(words(&dry["fix"]["actions"], "key").contains(&"restore".to_owned()), "{dry:#}");
    assert!(words(&mended["fix"]["actions"], "key").contains(&"restore".to_owned()), "{mended:#}");
    assert_eq!(status["accounts"].as_array().unwrap().len(), 3);
    let kept = std::fs::read_dir(home.root().join("quarantine")).unwrap().next().unwrap().unwrap();
    assert_eq!(std::fs::read_to_string(kept.path()).unwrap(), whole[..40]);
}

#[test]
fn damaged_limits_are_an_error_and_stay_as_they_are() {
    let home = Home::with_samples(1);
    home.write_auth(&Login::sample(1));
    home.write(&home.root().join("budget-guards.json"), "{\"version\":1,");

    let ran = document(&run(&mut home.manager(&["doctor", "--fix", "--json"])).expect(4));

    assert_eq!(check(&ran, "budget-guards")["severity"], "error");
    let left = std::fs::read_to_string(home.root().join("budget-guards.json")).unwrap();
    assert_eq!(left, "{\"version\":1,");
}

/// One account that works, one whose tokens are due, one whose session is over.
const MIXED: &str = r#"
title = "mixed"
[[account]]
name = "well"
[[account]]
name = "due"
token_left = "-1h"
[[account]]
name = "gone"
token_left = "-1h"
signed_out = true
"#;

fn token_calls(play: &Play) -> usize {
    play.backend().record().at("token").len()
}

#[test]
fn a_dry_fix_never_asks_the_token_endpoint() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    let before = home.files();

    let ran = document(&run(&mut home.manager(&["fix", "--dry-run", "--json"])).expect(4));

    assert_eq!(
        words(&ran["reports"], "outcome"),
        ["healthy", "warning-soft-failure", "warning-soft-failure"]
    );
    assert_eq!(token_calls(&play), 0);
    assert_same(&home, &before);
}

#[test]
fn a_fix_renews_what_is_due_and_switches_dead_accounts_off_after_a_yes() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();

    let asked = document(&run(&mut home.manager(&["fix", "--json"])).expect(4));
    let pool = home.pool();
    let told = document(&run(&mut home.manager(&["fix", "--json", "--yes"])).expect(4));

    assert_eq!(words(&asked["reports"], "outcome"), ["healthy", "healthy", "warning-soft-failure"]);
    assert_eq!(asked["reports"][2]["code"].as_str().map(|code| code.starts_with("token-")), Some(true));
    assert!(pool["accounts"][2]["enabled"].as_bool().unwrap_or(true), "nobody said yes");
    assert_eq!(words(&told["reports"], "outcome"), ["healthy", "healthy", "disabled-hard-failure"]);
    assert_eq!(home.pool()["accounts"][2]["enabled"], false);
    assert_eq!(home.pool()["accounts"].as_array().unwrap().len(), 3, "nothing is deleted");
    assert_eq!(token_calls(&play), 2, "one call per expired token");
}

#[test]
fn a_check_that_is_to_fix_does_what_fix_does() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();

    let told = document(&run(&mut home.manager(&["check", "--fix", "--json", "--yes"])).expect(4));

    assert_eq!(words(&told["reports"], "outcome"), ["healthy", "healthy", "disabled-hard-failure"]);
    assert_eq!(home.pool()["accounts"][2]["enabled"], false);
    run(&mut home.manager(&["check", "1", "--fix"])).expect(2);
}

#[test]
fn a_fix_without_accounts_says_so() {
    let home = Home::new();

    let ran = document(&run(&mut home.manager(&["fix", "--json"])).expect(5));

    assert_eq!(ran["error"]["code"], "no-accounts");
}

#[test]
fn paths_are_verified_inside_and_outside_of_a_project() {
    let home = Home::new();
    let verify = &["verify", "--paths", "--json"];
    let outside = document(&run(home.manager(verify).current_dir("/")).expect(0));
    std::fs::create_dir(home.work().join(".git")).unwrap();
    let inside = document(&run(&mut home.manager(verify)).expect(0));

    assert_eq!((&outside["ok"], &outside["mode"]), (&Value::from(true), &Value::from("paths")));
    assert_eq!(outside["paths"]["steps"][1]["output"], Value::Null, "{outside:#}");
    let root = inside["paths"]["steps"][1]["output"].as_str().unwrap();
    assert!(home.work().ends_with(std::path::Path::new(root).file_name().unwrap()), "{inside:#}");
    assert!(inside["paths"]["steps"][5]["output"].as_str().unwrap().contains("/projects/"), "{inside:#}");
    let tests = words(&inside["paths"]["sandboxTests"], "name");
    assert_eq!(tests, ["sandbox-accept-home", "sandbox-accept-tmp", "sandbox-reject-escape"]);
    run(&mut home.manager(&["verify"])).expect(2);
}

#[test]
fn a_ledger_is_laid_by_once_and_only_when_it_is_long_enough() {
    let home = Home::with_samples(1);
    let none = document(&run(&mut home.manager(&["usage", "rotate", "--json"])).expect(0));
    home.write(&home.root().join("usage/usage-ledger.jsonl"), "{}\n");

    let short =
        run(&mut home.manager(&["usage", "rotate", "--if-larger-than-bytes", "100", "--json"])).expect(0);
    let done = document(&run(&mut home.manager(&["usage", "rotate", "--json"])).expect(0));

    assert_eq!((&none["rotated"], &none["path"]), (&Value::from(false), &Value::Null));
    assert_eq!(document(&short)["rotated"], false);
    assert_eq!((&done["command"], &done["rotated"]), (&Value::from("usage rotate"), &Value::from(true)));
    assert!(std::path::Path::new(done["path"].as_str().unwrap()).is_file());
    assert!(!home.root().join("usage/usage-ledger.jsonl").exists());
}
