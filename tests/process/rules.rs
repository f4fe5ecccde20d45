//! Budgets and routing profiles over the real programs: the commands that show and set them, everybody who has to agree on
//! whom they leave, and one count for the proxy, `usage` and `budget check`.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use codex_multi_auth::adapters::clock::SystemClock;
use codex_multi_auth::base::{Moment, Percent, Span};
use codex_multi_auth::domain::account::Account;
use codex_multi_auth::domain::chance::{self, Rng};
use codex_multi_auth::domain::facts::TurnTokens;
use codex_multi_auth::domain::policy::account::{self, AccountPolicy};
use codex_multi_auth::domain::policy::budget::{Limit, Window as Calendar};
use codex_multi_auth::domain::quota::snapshot::{Snapshot, Source};
use codex_multi_auth::domain::quota::window::Window;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::Strategy;
use codex_multi_auth::domain::usage::entry::{Ending, Entry, Operation};
use codex_multi_auth::domain::usage::window::Whose;
use codex_multi_auth::formats::scenario::Scenario;
use codex_multi_auth::formats::{budgets, ledger, policies, quota_cache};
use codex_multi_auth::ports::Clock as _;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::dirs::{Home, Login};
use crate::support::play::Play;
use crate::support::process::{Ran, Running, run};

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

/// One request with this body; the whole answer as text.
fn post(base: &str, body: &str) -> String {
    let rest = base.strip_prefix("http://").expect("loopback");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = std::net::TcpStream::connect(host).expect("the proxy listens");
    let head = format!(
        "POST /{path}/responses HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         authorization: Bearer nobody\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

/// A request of no session for no model: the plain question.
fn plain() -> String {
    json!({
        "stream": true,
        "store": false,
        "input": [{ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "hello" }] }],
    })
    .to_string()
}

fn status_of(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn serve(home: &Home) -> (Running, String) {
    let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
    let told: Value = serde_json::from_str(&proxy.line()).unwrap();
    (proxy, told["baseUrl"].as_str().unwrap().to_owned())
}

#[test]
fn budgets_are_set_shown_checked_and_removed() {
    let home = Home::with_samples(2);
    let said = |words: &[&str], code| document(&run(&mut home.manager(words)).expect(code));

    let set = said(&["budget", "limit", "global", "--window", "day", "--requests", "400", "--json"], 0);
    assert_eq!((&set["command"], &set["changed"]), (&json!("budget limit"), &json!(true)), "{set:#}");
    assert_eq!(set["limit"]["maxRequests"], 400);
    assert_eq!(set["limit"]["maxTokens"], Value::Null);
    let again = said(&["budget", "limit", "global", "--window", "day", "--requests", "400", "--json"], 0);
    assert_eq!(again["changed"], false, "{again:#}");
    said(
        &["budget", "limit", "account:person2@example.com", "--window", "week", "--tokens", "9", "--json"],
        0,
    );
    said(&["budget", "limit", "model:GPT-5.5", "--window", "month", "--cost", "12.5", "--json"], 0);

    let all = said(&["budget", "list", "--json"], 0);
    let keys: Vec<&str> =
        all["limits"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert!(keys[0].starts_with("account:") && keys[1..] == ["global", "model:gpt-5.5"], "{keys:?}");
    assert_eq!(all["limits"][1].get("maxTokens"), None, "what does not limit is left out");

    let fine = said(&["budget", "check", "global", "--json"], 0);
    assert_eq!(fine["evaluation"]["allowed"], true);
    assert_eq!(fine["evaluation"]["usage"], json!({ "requests": 0, "totalTokens": 0, "costUsd": 0.0 }));
    assert_eq!(said(&["budget", "check", "tag:work", "--json"], 1)["error"]["code"], "unknown-budget");
    assert_eq!(said(&["budget", "remove", "global", "--json"], 0)["limit"], Value::Null);
    assert_eq!(said(&["budget", "remove", "global", "--json"], 1)["error"]["code"], "unknown-budget");

    for (words, code) in [
        (&["budget", "limit", "personal", "--window", "day", "--requests", "1"][..], 2),
        (&["budget", "limit", "global", "--window", "day"], 2),
        (&["budget", "limit", "global", "--window", "day", "--requests", "5abc"], 2),
        (&["budget", "limit", "global", "--window", "day", "--requests", "0"], 2),
        (&["budget", "limit", "global", "--window", "day", "--cost", "-1"], 2),
        (&["budget", "limit", "global", "--requests", "1"], 2),
        (&["budget", "limit", "account:nobody", "--window", "day", "--requests", "1"], 2),
        (&["budget", "check"], 2),
        (&["budget", "limit", "--help"], 0),
    ] {
        run(&mut home.manager(words)).expect(code);
    }
    let text = run(&mut home.manager(&["budget"])).expect(0).stdout;
    assert!(text.contains("model:gpt-5.5  month") && text.contains("0.00 of 12.50 USD  0%"), "{text}");
}

#[test]
fn profiles_are_set_member_by_member_and_give_a_word_to_budgets() {
    let home = Home::with_samples(2);
    std::fs::create_dir_all(home.work().join(".git")).unwrap();
    let said = |words: &[&str], code| document(&run(&mut home.manager(words)).expect(code));

    let set = said(
        &[
            "profile",
            "set",
            "--project",
            ".",
            "--prefer",
            "Work,home",
            "--deny",
            "o3",
            "--weight",
            "2=2.5",
            "--budget",
            "team",
            "--json",
        ],
        0,
    );
    let profile = &set["profiles"][0];
    let key = profile["projectKey"].as_str().unwrap().to_owned();
    assert_eq!((&set["changed"], &profile["projectName"]), (&json!(true), &json!("work")), "{set:#}");
    assert_eq!(profile["preferredTags"], json!(["home", "work"]));
    assert_eq!(
        (&profile["weights"][0]["number"], &profile["weights"][0]["weight"]),
        (&json!(2), &json!(2.5))
    );
    assert_eq!(profile["budgetKey"], "team");

    said(&["budget", "limit", "team", "--window", "day", "--requests", "5", "--json"], 0);
    said(&["budget", "limit", "project:.", "--window", "day", "--requests", "5", "--json"], 0);
    assert_eq!(
        said(&["budget", "show", &format!("project:{key}"), "--json"], 0)["evaluation"]["allowed"],
        true
    );

    let cleared = said(&["profile", "set", &key, "--prefer", "", "--weight", "2=", "--json"], 0);
    assert_eq!(cleared["profiles"][0]["preferredTags"], json!([]));
    assert_eq!(cleared["profiles"][0]["accountWeightByKey"], json!({}));
    assert_eq!(cleared["profiles"][0]["modelDenylist"], json!(["o3"]), "what is not named stays");
    assert_eq!(said(&["profile", "show", "--json"], 0)["profiles"][0]["projectKey"], key);
    assert_eq!(said(&["profile", "list", "--json"], 0)["profiles"].as_array().unwrap().len(), 1);
    let text = run(&mut home.manager(&["profile"])).expect(0).stdout;
    assert!(text.contains(&key) && text.contains("deny     o3") && text.contains("budget   team"), "{text}");

    said(&["profile", "unset", "--json"], 0);
    assert_eq!(said(&["profile", "unset", "--json"], 1)["error"]["code"], "unknown-profile");
    let idle = said(&["budget", "list", "--json"], 0);
    assert!(idle["notes"][0].as_str().unwrap().contains("team: it stops nobody"), "{idle:#}");
    for (words, code) in [
        (&["profile", "set"][..], 2),
        (&["profile", "set", "--weight", "2=11"], 2),
        (&["profile", "set", "--weight", "nobody=1"], 2),
        (&["profile", "set", "--help"], 0),
    ] {
        run(&mut home.manager(words)).expect(code);
    }
}

#[test]
fn rules_that_cannot_be_read_stop_a_proxy_that_starts_and_everybody_says_so() {
    for file in ["account-policies.json", "budget-guards.json", "routing-profiles.json"] {
        let play = Play::start(Scenario::pool(["one", "two"]));
        let home = play.home();
        home.write(&home.root().join(file), "{ \"version\": 1, ");
        let status = document(&run(&mut home.manager(&["status", "--json"])).expect(4));
        assert_eq!(status["next"], Value::Null, "{file} {status:#}");
        let why = document(&run(&mut home.manager(&["why-selected", "--json"])).expect(4));
        assert_eq!(why["candidates"][0]["reason"], "runtime_policy_unavailable", "{file} {why:#}");
        let (_proxy, base) = serve(&home);

        let answer = post(&base, &plain());

        assert_eq!(status_of(&answer), "400", "{file} {answer}");
        assert!(answer.contains("runtime_policy_unavailable") && answer.contains(file), "{file} {answer}");
        assert_eq!(play.backend().record().turns().len(), 0, "{file}");
    }
}

/// Requests until the budget stops them, a rotation of the ledger in between; then three who count must agree.
#[test]
fn a_budget_stops_at_its_limit_and_everybody_counts_the_same_across_a_rotation() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();
    run(&mut home.manager(&["budget", "limit", "global", "--window", "month", "--requests", "6"])).expect(0);
    run(&mut home.manager(&[
        "budget",
        "limit",
        "model:gpt-5.5",
        "--window",
        "month",
        "--tokens",
        "100000000",
    ]))
    .expect(0);
    let (proxy, base) = serve(&home);
    let named = json!({
        "model": "gpt-5.5",
        "stream": true,
        "store": false,
        "input": [{ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "hello" }] }],
    })
    .to_string();

    let mut statuses: Vec<String> = (0..3).map(|_| status_of(&post(&base, &named)).to_owned()).collect();
    // The rows are written half a second later; the rotation lays them by.
    wait_for(|| document(&run(&mut home.manager(&["usage", "--json"])))["rowCount"] == 3);
    let rotated = document(&run(&mut home.manager(&["usage", "rotate", "--json"])).expect(0));
    assert_eq!(rotated["rotated"], true, "{rotated:#}");
    statuses.extend((0..5).map(|_| status_of(&post(&base, &named)).to_owned()));
    let refused = post(&base, &named);

    assert_eq!(statuses, ["200", "200", "200", "200", "200", "200", "429", "429"]);
    assert!(refused.contains("budget_blocked") && refused.contains("6 requests"), "{refused}");
    assert_eq!(play.backend().record().turns().len(), 6);
    wait_for(|| document(&run(&mut home.manager(&["usage", "--json"])))["rowCount"] == 9);
    let usage = document(&run(&mut home.manager(&["usage", "--json"])).expect(0));
    let check = document(&run(&mut home.manager(&["budget", "check", "model:gpt-5.5", "--json"])).expect(0));
    let stopped = document(&run(&mut home.manager(&["budget", "check", "global", "--json"])).expect(4));
    let totals = &usage["summary"]["totals"];
    assert!(totals["totalTokens"].as_u64().unwrap() > 0, "tokens are really counted: {usage:#}");
    assert_eq!((&totals["requests"], &totals["blocked"]), (&json!(6), &json!(3)));
    let expected = json!({
        "requests": totals["requests"],
        "totalTokens": totals["totalTokens"],
        "costUsd": totals["costUsd"],
    });
    assert_eq!(check["evaluation"]["usage"], expected);
    assert_eq!(stopped["evaluation"]["usage"], expected);

    // A proxy that starts anew counts the same: one request more is let through, and not two. And a limit of tokens
    // that is met to the token stops, one above it does not.
    drop(proxy);
    run(&mut home.manager(&["budget", "limit", "global", "--window", "month", "--requests", "7"])).expect(0);
    let tokens = totals["totalTokens"].as_u64().unwrap();
    let set = |most: u64| {
        let most = most.to_string();
        run(&mut home.manager(&["budget", "limit", "model:gpt-5.5", "--window", "month", "--tokens", &most]))
            .expect(0);
    };
    set(tokens);
    let (proxy, base) = serve(&home);
    let refused = post(&base, &named);
    assert!(refused.contains("budget_blocked") && refused.contains(&format!("{tokens} tokens")), "{refused}");
    drop(proxy);
    set(tokens + 1);
    let (_proxy, base) = serve(&home);
    assert_eq!(status_of(&post(&base, &named)), "200");
    assert_eq!(status_of(&post(&base, &named)), "429");
}

/// Asks again and again; every question starts a program, which takes its time.
fn wait_for(is_so: impl Fn() -> bool) {
    assert!((0..300).any(|_| is_so()), "it never came to be so");
}

/// What a launch prints is the setting it got; it lives as long as a file stands.
const WAITING: &str = "#!/bin/sh\nprintf '%s\\n' \"$2\"\nwhile [ -e \"$HOME/stay\" ]; do sleep 0.05; done\n";

/// Whom everybody calls next, and who got the request.
#[test]
fn every_command_and_the_proxy_name_the_same_account_in_states_of_every_kind() {
    let play = Play::start(Scenario::pool(["one", "two", "three", "four"]));
    let logins: Vec<Login> = ["one", "two", "three", "four"].map(|name| play.login(name)).into();
    let mut rng = chance::seeded(7);
    let mut served_somebody = 0;
    for number in 0..25 {
        let is_launch = number % 3 == 0;
        let mut home = play.home();
        std::fs::create_dir_all(home.work().join(".git")).unwrap();
        furnish(&mut home, &logins, &mut rng);
        if is_launch {
            // The rules of this folder's project hold for a launch from here.
            let budget = if rng.bool() { "project:." } else { "global" };
            let most = (1 + rng.u8(..20)).to_string();
            run(&mut home.manager(&["budget", "limit", budget, "--window", "week", "--requests", &most]))
                .expect(0);
            let tag = if rng.bool() { "--prefer" } else { "--avoid" };
            run(&mut home.manager(&["profile", "set", tag, "work", "--weight", "3=4"])).expect(0);
        }
        let said = |words: &[&str]| document(&run(&mut home.manager(words)));
        let status = said(&["status", "--json"])["next"]["number"].clone();
        let why = said(&["why-selected", "--json"])["selected"]["number"].clone();
        let forecast = said(&["forecast", "--json"])["recommendation"]["number"].clone();
        let best = said(&["best", "--dry-run", "--json"])["accountIndex"].clone();
        let report = said(&["report", "--json"])["forecast"]["recommendation"]["number"].clone();
        assert_eq!(why, status, "state {number}");
        if status != Value::Null {
            assert_eq!(
                [forecast, best, report],
                [status.clone(), status.clone(), status.clone()],
                "state {number}"
            );
            served_somebody += 1;
        }

        play.backend().record().clear();
        let answer = if is_launch {
            home.write_auth(&logins[0]);
            home.put_program("codex", WAITING);
            home.write(&home.path().join("stay"), "");
            let mut launch = Running::start(&mut home.forwarder(&["exec", "hi"]));
            let line = launch.line();
            let base = line.split('"').nth(1).unwrap_or_else(|| panic!("no base URL: {line}")).to_owned();
            let answer = post(&base, &plain());
            std::fs::remove_file(home.path().join("stay")).unwrap();
            launch.finish();
            answer
        } else {
            let (_proxy, base) = serve(&home);
            post(&base, &plain())
        };

        let names = ["one", "two", "three", "four"];
        let turns = play.backend().record().turns();
        let place = |name: &str| names.iter().position(|known| *known == name).map(|place| place + 1);
        let got = turns.first().and_then(|turn| place(turn.account.as_deref()?));
        assert_eq!(json!(got), status, "state {number}: {answer}\n{}", home.pool());
    }
    assert!((8..25).contains(&served_somebody), "{served_somebody} of 25 states have somebody who serves");
}

/// A root in some state.
fn furnish(home: &mut Home, logins: &[Login], rng: &mut Rng) {
    let now = SystemClock::new().now();
    let strategy = Strategy::ALL[rng.usize(..Strategy::ALL.len())];
    home.set("CODEX_AUTH_SELECTION_STRATEGY", strategy.word());
    let often = |rng: &mut Rng, percent: u8| rng.u8(..100) < percent;
    let later = |span: Span| (now + span).millis();
    let mut pool = home.pool();
    for row in pool["accounts"].as_array_mut().unwrap() {
        row["lastUsed"] = json!((now - Span::minutes(rng.i64(1..3_000))).millis());
        if often(rng, 10) {
            row["enabled"] = json!(false);
        }
        if often(rng, 15) {
            let until = later(Span::minutes(rng.i64(10..100)));
            row["rateLimitResetTimes"] = json!({ "codex": until, "gpt-5-codex": until });
        }
        if often(rng, 10) {
            row["coolingDownUntil"] = json!(later(Span::minutes(rng.i64(10..100))));
            row["cooldownReason"] = json!("auth-failure");
        }
    }
    pool["activeIndex"] = json!(rng.usize(..logins.len()));
    if often(rng, 15) {
        pool["pinnedAccountIndex"] = json!(rng.usize(..logins.len()));
    }
    home.write(&home.root().join("openai-codex-accounts.json"), &pool.to_string());

    let accounts: Vec<Account> = logins
        .iter()
        .enumerate()
        .map(|(index, login)| {
            let mut account = Account::sample(&index.to_string());
            account.account_id = Some(login.account_id.clone());
            account.credentials.claims.workspace_id = Some(login.account_id.clone());
            account.email = Some(login.email.clone());
            account
        })
        .collect();
    let roster = Roster { accounts, ..Roster::default() };
    write_policies(&home.root(), &roster, rng);
    write_budgets(&home.root(), &roster, rng, now);
    let observed: Vec<_> = roster
        .accounts
        .iter()
        .filter_map(|account| {
            let used = rng.f64() * 104.0;
            often(rng, 60).then(|| (account.key.clone(), seen(used, now)))
        })
        .collect();
    if let Some(text) = quota_cache::merge(None, &roster, &observed, now).unwrap() {
        home.write(&home.root().join("quota-cache.json"), &text);
    }
}

fn seen(used: f64, now: Moment) -> Snapshot {
    Snapshot {
        primary: Some(Window {
            used: Some(Percent::new(used)),
            minutes: Some(300),
            resets_at: Some(now + Span::hours(2)),
            ..Window::default()
        }),
        status: 200,
        at: now - Span::seconds(20),
        source: Source::Usage,
        ..Snapshot::default()
    }
}

fn write_policies(root: &Path, roster: &Roster, rng: &mut Rng) {
    let mut text = None;
    for account in &roster.accounts {
        if rng.bool() {
            continue;
        }
        let policy = AccountPolicy {
            tags: if rng.bool() { vec!["work".to_owned()] } else { Vec::new() },
            weight: f64::from(rng.u8(..=10)),
            paused: rng.u8(..100) < 20,
            drained: rng.u8(..100) < 20,
            ..AccountPolicy::default()
        };
        let key = account::key_for(account, roster).unwrap();
        text = Some(policies::set(text.as_deref(), &key, Some(&policy)).unwrap());
    }
    if let Some(text) = text {
        std::fs::write(root.join("account-policies.json"), text).unwrap();
    }
}

fn write_budgets(root: &Path, roster: &Roster, rng: &mut Rng, now: Moment) {
    let rows: Vec<Entry> = (0..rng.usize(..20))
        .map(|number| {
            let whose = Whose::of(&roster.accounts[rng.usize(..roster.accounts.len())]);
            Entry {
                id: format!("old-{number}"),
                at: now - Span::minutes(rng.i64(1..90)),
                source: "runtime-proxy".to_owned(),
                operation: Operation::Responses,
                ending: if rng.bool() { Ending::Success } else { Ending::Blocked },
                model: Some("gpt-5.5".to_owned()),
                project: None,
                account_hash: whose.account,
                email_hash: whose.email,
                index: None,
                request: None,
                status: Some(200),
                error: None,
                took: None,
                tokens: TurnTokens { input: 100, total: 100, ..TurnTokens::default() },
                cost: None,
                attempts: None,
                first_byte: None,
                bytes_out: None,
                session_hash: None,
                failover: None,
                rotated_from: Vec::new(),
                service_tier: None,
                token: None,
            }
        })
        .collect();
    let lines: String = rows.iter().map(ledger::line).collect();
    std::fs::create_dir_all(root.join("usage")).unwrap();
    std::fs::write(root.join("usage/usage-ledger.jsonl"), lines).unwrap();
    let mut text: Option<Arc<str>> = None;
    for key in ["global", "tag:work"] {
        if rng.u8(..100) < 60 {
            continue;
        }
        let limit = Limit {
            key: key.to_owned(),
            window: Calendar::ALL[1 + rng.usize(..3)],
            requests: Some(1 + rng.u64(..12)),
            tokens: rng.bool().then(|| 1 + rng.u64(..1_500)),
            cost: None,
            updated_at: now,
        };
        text = Some(budgets::set(text.as_deref(), key, Some(&limit)).unwrap().into());
    }
    if let Some(text) = text {
        std::fs::write(root.join("budget-guards.json"), &*text).unwrap();
    }
}
