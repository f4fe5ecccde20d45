//! The switch, the resets and the start-up services.

use std::fs;

use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use super::{BEFORE, Stage};
use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Running, run};

#[test]
fn the_switch_binds_nothing_where_no_app_is_and_unbinds_what_is_bound() {
    let stage = Stage::new();

    let on = stage.json(&["rotation", "enable"]);
    let untouched = stage.config();
    let bound = stage.json(&["rotation", "enable", "--bind-app"]);
    let off = stage.json(&["rotation", "disable"]);
    let reset = stage.json(&["rotation", "reset-runtime"]);

    assert_eq!((&on["enabled"], &on["bind"]["state"]), (&true.into(), &"unbound".into()), "{on:#}");
    assert_eq!(untouched, BEFORE);
    assert_eq!((&bound["bind"]["state"], &bound["changed"]), (&"bound".into(), &true.into()), "{bound:#}");
    assert_eq!((&off["enabled"], &off["stored"]), (&false.into(), &false.into()), "{off:#}");
    assert_eq!(reset["acknowledged"].as_array().map(Vec::len), Some(0), "{reset:#}");
    stage.assert_unbound(Some(BEFORE), "disable, then a reset");
}

#[test]
fn without_accounts_nothing_is_bound() {
    let mut home = Home::new();
    home.put_program("codex", "#!/bin/sh\nexit 0\n");

    run(&mut home.manager(&["rotation", "bind-app"])).expect(5);

    assert!(!home.codex().join("config.toml").exists());
    assert!(!home.root().join("app-bind").exists());
}

#[test]
fn limits_and_rests_are_lifted_on_disk_and_in_a_live_proxy() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();
    let pool_path = home.root().join("openai-codex-accounts.json");
    let mut pool = home.pool();
    let far = 4_000_000_000_000_i64;
    pool["accounts"][0]["rateLimitResetTimes"] = serde_json::json!({ "codex": far, "codex:old": 1 });
    pool["accounts"][1]["coolingDownUntil"] = far.into();
    fs::write(&pool_path, pool.to_string()).expect("writable");
    let mut serve = Running::start(&mut home.manager(&["serve"]));
    serve.line();
    let next = || -> Value {
        let ran = run(&mut home.manager(&["status", "--json"]));
        serde_json::from_str::<Value>(&ran.stdout).expect("a document")["next"].take()
    };
    let nobody = next();

    let planned = run(&mut home.manager(&["rotation", "reset-rate-limits", "--dry-run", "--json"])).expect(0);
    let before = home.pool();
    let wrong = run(&mut home.manager(&["rotation", "reset-rate-limits", "--account", "3"]));
    let both = run(&mut home.manager(&["rotation", "reset-rate-limits", "--account", "1", "--all"]));
    let one =
        run(&mut home.manager(&["rotation", "reset-rate-limits", "--account", "1", "--json"])).expect(0);
    let rest = run(&mut home.manager(&["rotation", "reset-rate-limits", "--json"])).expect(0);
    let after = home.pool();
    super::wait_until("the proxy to use an account again", || !next().is_null());
    let reset = run(&mut home.manager(&["rotation", "reset-runtime", "--json"])).expect(0);

    let planned: Value = serde_json::from_str(&planned.stdout).expect("a document");
    assert!(nobody.is_null(), "{nobody:#}");
    assert_eq!(planned["accountsChanged"], 2, "{planned:#}");
    assert_eq!(planned["changes"][0]["clearedRateLimitKeys"], serde_json::json!(["codex"]));
    assert_eq!(planned["changes"][1]["clearedCoolingDown"], true);
    assert_eq!(before["accounts"][0]["rateLimitResetTimes"]["codex"], far);
    assert_eq!((wrong.code(), both.code()), (2, 2));
    let (one, rest): (Value, Value) = (
        serde_json::from_str(&one.stdout).expect("a document"),
        serde_json::from_str(&rest.stdout).expect("one"),
    );
    assert_eq!((&one["scope"], &one["accountsChanged"]), (&"account".into(), &1.into()), "{one:#}");
    assert_eq!((&rest["scope"], &rest["accountsChanged"]), (&"all".into(), &1.into()), "{rest:#}");
    assert!(after["accounts"][0]["rateLimitResetTimes"]["codex"].is_null(), "{after:#}");
    assert!(after["accounts"][1]["coolingDownUntil"].is_null(), "{after:#}");
    let reset: Value = serde_json::from_str(&reset.stdout).expect("a document");
    assert_eq!(reset["acknowledged"], serde_json::json!([serve.id()]), "{reset:#}");
}

#[test]
fn a_service_is_installed_after_a_yes_started_stopped_and_removed() {
    let play = Play::start(Scenario::pool(["one"]));
    let home = play.home();
    let entry = home.path().join(".config/autostart/codex-multi-auth-serve.desktop");
    let json = |words: &[&str]| -> Value {
        let words: Vec<&str> =
            ["rotation", "service"].iter().chain(words).copied().chain(["--json"]).collect();
        let ran = run(&mut home.manager(&words)).expect(0);
        serde_json::from_str(&ran.stdout).expect("a document")
    };

    run(&mut home.manager(&["rotation", "service", "install"])).expect(3);
    let asked = entry.exists();
    let installed = json(&["install", "--yes"]);
    let text = fs::read_to_string(&entry).expect("an entry");
    let started = json(&["start"]);
    let again = json(&["start"]);
    let stopped = json(&["stop"]);
    let removed = json(&["remove", "--yes"]);

    assert!(!asked);
    assert_eq!(installed["service"]["installed"], true, "{installed:#}");
    assert!(text.contains("\"serve\"\n"), "{text}");
    assert_eq!(
        (&started["service"]["running"], &started["changed"]),
        (&true.into(), &true.into()),
        "{started:#}"
    );
    assert_eq!((&again["service"]["running"], &again["changed"]), (&true.into(), &false.into()), "{again:#}");
    assert_eq!(stopped["service"]["running"], false, "{stopped:#}");
    assert_eq!(removed["service"]["installed"], false, "{removed:#}");
    assert!(!home.path().join(".config").exists());
}

#[test]
fn a_manager_of_user_services_is_used_where_one_runs() {
    let mut stage = Stage::new();
    let runtime = stage.home.path().join("runtime");
    fs::create_dir_all(runtime.join("systemd")).expect("writable");
    fs::write(runtime.join("systemd/private"), "").expect("writable");
    stage.home.set("XDG_RUNTIME_DIR", runtime.display().to_string());
    let calls = stage.home.path().join("calls");
    stage.home.put_program("systemctl", &format!("#!/bin/sh\necho \"$*\" >> {}\n", calls.display()));

    stage.bind();
    let unit = stage.home.path().join(".config/systemd/user/codex-multi-auth-router.service");
    let text = fs::read_to_string(&unit).expect("a unit");
    stage.unbind();

    assert!(text.contains("\"__router\" \"--state\""), "{text}");
    assert!(!text.contains(stage.home.work().to_str().expect("text")), "{text}");
    let said = fs::read_to_string(calls).expect("calls");
    assert!(said.contains("--user enable codex-multi-auth-router.service"), "{said}");
    assert!(said.contains("--user disable codex-multi-auth-router.service"), "{said}");
    stage.assert_unbound(Some(BEFORE), "with a manager");
}
