//! `check`, `forecast` and `best`: what they say about accounts in every state, what they spend, and that they name
//! whom the engine chooses.

use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Ran, run};

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

fn outcomes(document: &Value) -> Vec<String> {
    let accounts = document["accounts"].as_array().unwrap();
    accounts.iter().map(|account| account["outcome"].as_str().unwrap().to_owned()).collect()
}

/// Switches the last account of the pool off, as the person would have.
fn switch_last_off(home: &Home) {
    let mut pool = home.pool();
    let last = pool["accounts"].as_array_mut().unwrap().last_mut().unwrap();
    last["enabled"] = Value::Bool(false);
    std::fs::write(home.root().join("openai-codex-accounts.json"), pool.to_string()).unwrap();
}

/// One healthy account, one whose session is over, one without a workspace, one that meets a broken server.
const MIXED: &str = r#"
title = "mixed"
[[account]]
name = "well"
[[account]]
name = "gone"
token_left = "-1h"
signed_out = true
[[account]]
name = "closed"
deactivated = true
[[account]]
name = "broken"
[[account]]
name = "off"
[[rule]]
account = "broken"
endpoint = "usage"
action = "server-error"
"#;

#[test]
fn a_check_tells_dead_closed_and_unverified_accounts_apart() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    switch_last_off(&home);

    let ran = run(&mut home.manager(&["check", "--json"])).expect(4);

    let document = document(&ran);
    assert_eq!(
        outcomes(&document),
        ["available", "needs-login", "signed-in-only", "unknown"],
        "{document:#}"
    );
    assert_eq!(document["accounts"][1]["code"], "token-revoked", "{document:#}");
    assert_eq!(document["calls"]["refresh"], 1, "{document:#}");
    assert_eq!(document["calls"]["usage"], 3, "{document:#}");
    play.assert_no_violation();
}

#[test]
fn a_check_of_one_account_asks_about_that_one_only() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    switch_last_off(&home);

    let ran = run(&mut home.manager(&["check", "well@example.com", "--json"])).expect(0);
    let off = run(&mut home.manager(&["check", "off@example.com", "--json"])).expect(0);

    assert_eq!(outcomes(&document(&ran)), ["available"]);
    assert_eq!(outcomes(&document(&off)), ["available"]);
    assert_eq!(home.pool()["accounts"][4]["enabled"], false, "a check never switches an account on");
}

#[test]
fn without_a_network_nobody_is_called_dead() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let mut home = play.home();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", format!("http://{closed}/backend-api"));

    for words in [&["check", "--json"][..], &["forecast", "--live", "--json"]] {
        let ran = run(&mut home.manager(words)).expect(6);

        let document = document(&ran);
        assert_eq!(document["error"]["code"], "network", "{document:#}");
        assert!(!ran.stdout.contains("needs-login"), "{document:#}");
    }
}

#[test]
fn every_reader_agrees_with_best_pinned_or_not() {
    let home = Home::with_samples(4);

    for pinned in [None, Some("3"), Some("2")] {
        if let Some(number) = pinned {
            run(&mut home.manager(&["switch", number])).expect(0);
        }
        let said = |words: &[&str]| document(&run(&mut home.manager(words)));

        let next = said(&["status", "--json"])["next"]["number"].clone();
        assert_eq!(said(&["forecast", "--json"])["recommendation"]["number"], next, "{pinned:?}");
        assert_eq!(said(&["best", "--dry-run", "--json"])["accountIndex"], next, "{pinned:?}");
        assert_eq!(said(&["why-selected", "--json"])["selected"]["number"], next, "{pinned:?}");
        if let Some(number) = pinned {
            assert_eq!(next.to_string(), number);
        }
    }
}

#[test]
fn best_switches_clears_a_useless_pin_and_keeps_a_useful_one() {
    let scenario = Scenario::parse(
        r#"
title = "best"
[[account]]
name = "empty"
primary = { used = 100, resets_in = "2h" }
[[account]]
name = "full"
"#,
    );
    let play = Play::start(scenario.unwrap());
    let home = play.home();

    run(&mut home.manager(&["switch", "1"])).expect(0);

    let before = play.backend().record().at("token").len();
    let shown = document(&run(&mut home.manager(&["best", "--live", "--dry-run", "--json"])).expect(0));
    let spent = play.backend().record().at("token").len();
    let pool = home.pool();
    let done = document(&run(&mut home.manager(&["best", "--live", "--json"])).expect(0));
    run(&mut home.manager(&["switch", "2"])).expect(0);
    let again = document(&run(&mut home.manager(&["best", "--json"])).expect(0));

    assert_eq!((&shown["changed"], &shown["dryRun"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!(pool["pinnedAccountIndex"], 0, "a dry run changes nothing");
    assert_eq!(done["accountIndex"], 2, "{done:#}");
    assert_eq!(done["pinCleared"], true, "{done:#}");
    assert_eq!(again["pinKept"], true, "{again:#}");
    assert_eq!(home.pool()["pinnedAccountIndex"], 1);
    assert_eq!(spent, before, "a dry run never touches the token endpoint");
}

#[test]
fn a_paused_account_is_passed_over_by_every_reader_and_comes_back() {
    let home = Home::with_samples(3);
    let said = |words: &[&str]| document(&run(&mut home.manager(words)));
    let next = || said(&["status", "--json"])["next"]["number"].as_u64().unwrap();
    let before = next();

    let paused = said(&["account", "pause", &before.to_string(), "--json"]);
    let again = said(&["account", "pause", &before.to_string(), "--json"]);
    let after = next();

    assert_eq!((&paused["changed"], &paused["policy"]["paused"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(again["changed"], false);
    assert_ne!(after, before);
    assert_eq!(said(&["forecast", "--json"])["recommendation"]["number"], after);
    assert_eq!(said(&["best", "--dry-run", "--json"])["accountIndex"], after);
    assert_eq!(said(&["why-selected", "--json"])["selected"]["number"], after);

    run(&mut home.manager(&["account", "unpause", &before.to_string()])).expect(0);
    assert_eq!(next(), before);
}

#[test]
fn policies_are_normalised_listed_and_refused_when_they_are_none() {
    let home = Home::with_samples(2);
    let said = |words: &[&str], code: i32| document(&run(&mut home.manager(words)).expect(code));

    said(&["account", "tag", "1", "Team A", "--json"], 0);
    said(&["account", "weight", "1", "2.5", "--json"], 0);
    said(&["account", "drain", "2", "--json"], 0);
    said(&["account", "note", "2", "only", "at", "night", "--json"], 0);
    let list = said(&["account", "policy", "list", "--json"], 0);

    let rows = list["accounts"].as_array().unwrap();
    assert_eq!((&rows[0]["tags"][0], &rows[0]["weight"]), (&Value::from("team-a"), &Value::from(2.5)));
    assert_eq!((&rows[1]["drained"], &rows[1]["note"]), (&Value::Bool(true), &Value::from("only at night")));
    assert_eq!(said(&["account", "weight", "1", "11", "--json"], 2)["error"]["code"], "out-of-range");
    assert_eq!(said(&["account", "pause", "9", "--json"], 2)["error"]["code"], "out-of-range");
}

#[test]
fn a_damaged_policy_file_is_named_and_never_written_over_without_a_copy() {
    let home = Home::with_samples(2);
    let path = home.root().join("account-policies.json");
    std::fs::write(&path, "{\"version\":1,\"accounts\":{\"sha2").unwrap();

    let status = document(&run(&mut home.manager(&["status", "--json"])));
    run(&mut home.manager(&["account", "pause", "1"])).expect(0);

    assert!(status["notes"][0].as_str().unwrap().contains("account-policies.json"), "{status:#}");
    let kept = std::fs::read_dir(home.root().join("quarantine")).unwrap().count();
    assert_eq!(kept, 1);
}

/// A five-hour window that is empty for half an hour beside a week at 91 %, and pools of every other kind.
const KINDS: &str = r#"
title = "kinds"
[[account]]
name = "short"
primary = { used = 100, resets_in = "30m", minutes = 300 }
secondary = { used = 91, resets_in = "4d", minutes = 10080 }
[[account]]
name = "weekly"
primary = { used = 40, resets_in = "3d", minutes = 10080 }
secondary = false
[[account]]
name = "swapped"
primary = { used = 20, resets_in = "3d", minutes = 10080 }
secondary = { used = 60, resets_in = "2h", minutes = 300 }
"#;

#[test]
fn limits_are_those_of_the_back_end_and_an_empty_hour_never_waits_for_the_week() {
    let play = Play::start(Scenario::parse(KINDS).unwrap());
    let home = play.home();

    let ran = run(&mut home.manager(&["forecast", "--live", "--json"])).expect(0);

    let document = document(&ran);
    let short = &document["accounts"][0];
    assert_eq!(short["availability"], "delayed");
    let wait = short["waitMs"].as_i64().unwrap();
    assert!((1_680_000..=1_800_000).contains(&wait), "{wait}");
    let used =
        |index: usize, window: &str| document["accounts"][index]["quota"][window]["usedPercent"].as_f64();
    let length =
        |index: usize, window: &str| document["accounts"][index]["quota"][window]["windowMinutes"].as_i64();
    assert_eq!((used(1, "primary"), length(1, "primary")), (Some(40.0), Some(10_080)));
    assert_eq!((used(2, "primary"), length(2, "primary")), (Some(20.0), Some(10_080)));
    assert_eq!((used(2, "secondary"), length(2, "secondary")), (Some(60.0), Some(300)));
    assert!(
        document["accounts"][2]["quota"]["summary"].as_str().unwrap().starts_with("5h 40%"),
        "{document}"
    );
}

#[test]
fn a_model_probe_needs_a_yes_and_only_then_spends() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    let turns = || {
        play.backend()
            .record()
            .entries()
            .iter()
            .filter(|entry| entry.path.ends_with("/codex/responses"))
            .count()
    };

    let refused = run(&mut home.manager(&["forecast", "--live", "--probe", "model", "--json"])).expect(3);
    assert_eq!(document(&refused)["error"]["code"], "needs-yes");
    assert_eq!(turns(), 0);

    let ran =
        run(&mut home
            .manager(&["forecast", "--live", "--probe", "model", "-m", "gpt-5.4", "--yes", "--json"]));

    assert_eq!(document(&ran)["model"], "gpt-5.4");
    assert!(turns() > 0);
    run(&mut home.manager(&["forecast", "--probe", "model", "--json"])).expect(2);
    let unknown = run(&mut home.manager(&["forecast", "--model", "o3", "--json"])).expect(2);
    assert_eq!(document(&unknown)["error"]["code"], "unknown-model");
}

#[test]
fn a_report_tells_everything_and_goes_to_a_file() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    let path = home.root().join("deep/report.json");
    let out = path.to_str().unwrap();

    let ran = run(&mut home.manager(&["report", "--live", "--max-accounts", "2", "--out", out, "--json"]))
        .expect(0);

    let printed = document(&ran);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(kept, printed);
    for name in [
        "generatedAt",
        "storagePath",
        "storageHealth",
        "model",
        "modelSelection",
        "liveProbe",
        "liveProbeBudget",
        "accounts",
        "activeIndex",
        "forecast",
        "runtimeOverlay",
        "runtime",
        "runtimeSnapshotLoadError",
    ] {
        assert!(printed.get(name).is_some(), "{name}");
    }
    assert_eq!(printed["liveProbeBudget"]["consideredAccounts"], 2);
    assert_eq!(printed["accounts"]["total"], 5);
    let text = run(&mut home.manager(&["report", "--headless"])).expect(0).stdout;
    assert!(text.contains("Best next account:"), "{text}");
}

#[test]
fn a_report_names_nobody_unless_it_is_told_to() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    run(&mut home.manager(&["account", "label", "1", "Jane Doe"])).expect(0);
    let ids: Vec<String> = home.pool()["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["accountId"].as_str().unwrap().to_owned())
        .collect();
    let all = |words: &[&str]| {
        let path = home.path().join("report.json");
        let mut args = vec!["report", "--live", "--explain", "--out", path.to_str().unwrap()];
        args.extend(words);
        let document = run(&mut home.manager(&[&args[..], &["--json"]].concat())).expect(0).stdout;
        let text = run(&mut home.manager(&args)).expect(0);
        // The path of the file itself was typed by the person.
        let kept = std::fs::read_to_string(&path).unwrap();
        format!("{document}{}{}{kept}", text.stdout, text.stderr).replace(path.to_str().unwrap(), "")
    };

    let masked = all(&[]);
    for told in ["@example.com", "Jane Doe", home.path().to_str().unwrap()]
        .into_iter()
        .chain(ids.iter().map(String::as_str))
    {
        assert!(!masked.contains(told), "{told}: {masked}");
    }
    assert!(masked.contains("***@***.com"), "{masked}");
    let shown = all(&["--show-identities"]);
    assert!(shown.contains("Jane Doe") && shown.contains("@example.com"), "{shown}");
}

#[test]
fn reading_commands_give_a_pool_of_old_the_notice_once() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    home.forget_terms();

    run(&mut home.manager(&["--help"])).expect(0);
    run(&mut home.manager(&["--version"])).expect(0);
    assert!(!home.root().join("ext/acknowledged.json").exists(), "help neither asks nor records");
    let first = run(&mut home.manager(&["list", "--json"])).expect(0);
    let second = run(&mut home.manager(&["forecast", "--json"])).expect(0);

    assert!(first.stderr.contains("independent open-source project"), "{}", first.stderr);
    assert!(document(&first)["accounts"].is_array(), "stdout is the document alone");
    assert_eq!(second.stderr, "");
    let record: Value =
        serde_json::from_slice(&std::fs::read(home.root().join("ext/acknowledged.json")).unwrap()).unwrap();
    assert_eq!((&record["by"], &record["revision"]), (&"notice".into(), &1.into()));
}

#[test]
fn workspaces_are_listed_and_a_foreign_one_needs_its_own_sign_in() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    let mut pool = home.pool();
    let own = pool["accounts"][0]["accountId"].as_str().unwrap().to_owned();
    pool["accounts"][0]["workspaces"] = serde_json::json!([
        {"id": own, "name": "Personal", "enabled": true, "isDefault": true},
        {"id": "ws-far-away", "name": "Acme", "enabled": true},
        {"id": "org-abcdefgh", "name": "platform", "enabled": true},
    ]);
    std::fs::write(home.root().join("openai-codex-accounts.json"), pool.to_string()).unwrap();

    let listed = document(&run(&mut home.manager(&["workspace", "1", "--json"])).expect(0));
    assert_eq!(listed["workspaces"][0]["current"], true);
    assert_eq!(listed["workspaces"][2]["informational"], true);
    assert_eq!(listed["changed"], false);

    let refused = document(&run(&mut home.manager(&["workspace", "1", "2", "--json"])).expect(4));
    assert_eq!(refused["error"]["code"], "needs-login");
    run(&mut home.manager(&["workspace", "1", "3", "--json"])).expect(2);
    run(&mut home.manager(&["workspace", "1", "9", "--json"])).expect(2);
    run(&mut home.manager(&["workspace", "1", "1", "--json"])).expect(0);
}

/// Moves accounts of the pool to the flagged pool, as the reference does.
fn flag(home: &Home, places: &[usize]) {
    let mut pool = home.pool();
    let rows = pool["accounts"].as_array_mut().unwrap();
    let mut flagged = Vec::new();
    for place in places.iter().rev() {
        let mut row = rows.remove(*place);
        row["flaggedAt"] = 1.into();
        row["flaggedReason"] = "token-invalid".into();
        row["lastError"] = "refused".into();
        flagged.insert(0, row);
    }
    let flagged = serde_json::json!({"version": 1, "accounts": flagged});
    std::fs::write(home.root().join("openai-codex-accounts.json"), pool.to_string()).unwrap();
    std::fs::write(home.root().join("openai-codex-flagged-accounts.json"), flagged.to_string()).unwrap();
}

#[test]
fn flagged_accounts_that_work_again_come_back_and_the_others_stay() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    flag(&home, &[0, 1]);
    let refreshes = || {
        play.backend().record().entries().iter().filter(|entry| entry.path.ends_with("/oauth/token")).count()
    };

    let dry = document(&run(&mut home.manager(&["verify-flagged", "--dry-run", "--json"])).expect(0));
    assert_eq!((dry["total"].as_i64(), dry["changed"].as_bool(), refreshes()), (Some(2), Some(false), 0));

    let ran = document(&run(&mut home.manager(&["verify-flagged", "--json"])).expect(4));

    assert_eq!(
        [&ran["restored"], &ran["stillFlagged"], &ran["remainingFlagged"]].map(Value::as_i64),
        [Some(1), Some(1), Some(1)],
        "{ran}"
    );
    let names: Vec<_> = ran["reports"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(names, ["restored", "still-flagged"]);
    assert_eq!(refreshes(), 2);
    let flagged = document(&run(&mut home.manager(&["flagged", "list", "--json"])));
    assert_eq!(flagged["accounts"].as_array().unwrap().len(), 1);

    let again = document(&run(&mut home.manager(&["verify-flagged", "--json"])).expect(4));
    assert_eq!((again["stillFlagged"].as_i64(), refreshes()), (Some(1), 2), "a dead token is not sent again");
}

#[test]
fn verify_tries_flagged_accounts_alone_or_with_the_paths_in_one_document() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    flag(&home, &[0, 1]);

    let dry = document(&run(&mut home.manager(&["verify", "--flagged", "--dry-run", "--json"])).expect(0));
    assert_eq!((&dry["command"], &dry["mode"]), (&"verify".into(), &"flagged".into()));
    assert_eq!((&dry["flagged"]["total"], dry.get("paths")), (&2.into(), None), "{dry:#}");

    let all = document(&run(&mut home.manager(&["verify", "--all", "--json"])).expect(4));
    assert_eq!((&all["mode"], &all["flaggedExitCode"]), (&"all".into(), &4.into()));
    assert_eq!(
        [&all["flagged"]["restored"], &all["flagged"]["stillFlagged"]].map(Value::as_i64),
        [Some(1), Some(1)]
    );
    assert_eq!(all["paths"]["sandboxTests"].as_array().map(Vec::len), Some(3), "{all:#}");
    let text = run(&mut home.manager(&["verify", "--flagged"])).expect(4).stdout;
    assert!(text.contains("still"), "{text}");
    run(&mut home.manager(&["verify", "--paths", "--flagged"])).expect(2);
}

#[test]
fn without_restore_an_account_that_works_keeps_its_new_tokens_aside() {
    let play = Play::start(Scenario::parse(MIXED).unwrap());
    let home = play.home();
    flag(&home, &[0]);
    let file = home.root().join("openai-codex-flagged-accounts.json");
    let token = || {
        let flagged: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        (flagged["accounts"][0]["refreshToken"].clone(), flagged["accounts"][0].get("lastError").cloned())
    };
    let before = token();

    let ran = document(&run(&mut home.manager(&["verify-flagged", "--no-restore", "--json"])).expect(0));

    assert_eq!(
        (ran["healthyFlagged"].as_i64(), ran["remainingFlagged"].as_i64()),
        (Some(1), Some(1)),
        "{ran}"
    );
    assert_ne!(token().0, before.0);
    assert_eq!(token().1, None);
}
