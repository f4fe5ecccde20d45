use std::collections::BTreeMap;
use std::sync::Arc;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::*;
use crate::app::outcome::{BackgroundCalls, Checked, Facts, Mirrored, Moments, Named, Origin, Switched};
use crate::base::{Moment, Percent, Seldom, Span};
use crate::domain::account::{
    Account, AccountKey, Cooldown, CooldownReason, Credentials, IdSource, Invalidation, Switch, Tokens,
};
use crate::domain::facts::{Peer, PeerStatus, ProxyPulse, TurnRow, TurnStatus, Via};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::quota::snapshot::{Snapshot, Source};
use crate::domain::quota::window::Window;
use crate::domain::recovery::{Beside, Health};
use crate::domain::roster::Roster;
use crate::domain::selection::Strategy;
use crate::domain::selection::explain::{Candidate, Decision, Parts, Rule, Skip};
use crate::domain::settings::{Display, Settings};
use crate::domain::survey::{Calls, Standing};

const NOW: Moment = Moment::from_secs(1_790_000_000);

fn key(name: &str) -> AccountKey {
    AccountKey::new(format!("record:{name}"))
}

fn account(name: &str) -> Account {
    Account {
        key: key(name),
        account_id: Some(format!("acc-{name}")),
        id_source: IdSource::Token,
        label: None,
        email: Some(format!("{name}@example.com")),
        credentials: Credentials {
            refresh: "rt-MARKED".into(),
            access: Some("at-MARKED".into()),
            id_token: None,
            expires_at: Some(NOW + Span::hours(1)),
            claims: Seldom::default(),
            tokens: Tokens::Here,
        },
        switch: Switch::On,
        added_at: Moment::EPOCH,
        last_used: Moment::EPOCH,
        switch_reason: None,
        limits: BTreeMap::new(),
        cooldown: None,
        invalidation: None,
        uncertain_since: None,
        workspaces: Vec::new(),
        current_workspace: 0,
        routing: None,
        arrival: None,
    }
}

fn window(used: f64, minutes: u32, reset: Span) -> Window {
    Window {
        used: Some(Percent::new(used)),
        minutes: Some(minutes),
        resets_at: Some(NOW + reset),
        ..Window::default()
    }
}

fn quota() -> Snapshot {
    Snapshot {
        primary: Some(window(38.0, 300, Span::minutes(79))),
        secondary: Some(window(51.0, 10_080, Span::hours(51))),
        plan: Some("plus".into()),
        limit_id: None,
        credits: None,
        status: 200,
        model: None,
        at: NOW - Span::minutes(3),
        source: Source::Usage,
        ..Snapshot::default()
    }
}

fn candidate(name: &str, index: usize, skip: Option<Skip>) -> Candidate {
    let parts = Parts { health: 200.0, tokens: 250.0, fresh: 48.0, ..Parts::default() };
    Candidate { key: key(name), index, skip, parts, left: None }
}

/// Alpha serves, bravo rests, charlie is dead.
fn facts() -> Facts {
    let alpha = Account { last_used: NOW - Span::minutes(2), ..account("alpha") };
    let rest = Cooldown { until: NOW + Span::minutes(22), reason: Some(CooldownReason::NetworkError) };
    let bravo = Account { cooldown: Some(rest), ..account("bravo") };
    let charlie = Account { invalidation: Some(Invalidation { at: NOW, code: None }), ..account("charlie") };
    let cooling = Skip { reason: "cooling-down:network-error".into(), until: Some(rest.until) };
    let dead = Skip { reason: "auth-invalidated".into(), until: None };
    Facts {
        at: NOW,
        roster: Arc::new(Roster {
            accounts: vec![alpha, bravo, charlie],
            active: Some(key("alpha")),
            ..Roster::default()
        }),
        health: Health::Healthy,
        beside: Beside { pool: true, ..Beside::default() },
        trouble: None,
        project: None,
        recovery: None,
        storage_path: "/home/u/.codex/multi-auth/openai-codex-accounts.json".into(),
        quota: BTreeMap::from([(key("alpha"), quota())]),
        peers: Vec::new(),
        next: Some(Decision {
            at: NOW,
            chosen: Some(key("alpha")),
            rule: Rule::Strategy,
            strategy: Strategy::Hybrid,
            candidates: vec![
                candidate("alpha", 0, None),
                candidate("bravo", 1, Some(cooling)),
                candidate("charlie", 2, Some(dead)),
            ],
        }),
        replay: None,
        usage: Vec::new(),
        overrides: (None, None),
        background: BackgroundCalls::default(),
        demo: None,
        policies: Arc::default(),
        here: (None, None),
        governance: Arc::default(),
        capabilities: Arc::default(),
        notes: Vec::new(),
        settings: Arc::default(),
    }
}

fn peer() -> PeerStatus {
    let turn = TurnRow {
        id: 7,
        at: NOW - Span::seconds(20),
        account: Some(key("alpha")),
        model: Some("gpt-5.5".into()),
        via: Via::Ws,
        status: TurnStatus::Ok,
        took: Some(Span::seconds(6)),
        first_byte: Some(Span::millis(400)),
        tokens: None,
        session: Some("ab12".into()),
        turn: 1,
        note: "moved from bravo".into(),
        attempts: Vec::new(),
        bytes_out: 1,
    };
    PeerStatus {
        peer: Peer {
            pid: 4_242,
            kind: "inline".into(),
            port: 41_000,
            codex_home: "/home/u/.codex".into(),
            socket: "/run/x.sock".into(),
            started_at: NOW,
        },
        pulse: ProxyPulse {
            total: 3,
            last_account: Some(key("bravo")),
            last_account_at: Some(NOW - Span::seconds(5)),
            ..ProxyPulse::default()
        },
        turns: vec![turn],
        sessions: Vec::new(),
    }
}

fn outcome(command: &'static str, exit: Exit, body: Body) -> Outcome {
    Outcome { command, exit, body }
}

fn status(facts: Facts, exit: Exit) -> Outcome {
    outcome("status", exit, Body::Status(Listing::Status, Box::new(facts)))
}

fn document(outcome: &Outcome) -> Value {
    let printed = print(outcome, Form::Json);
    assert_eq!(printed.err, "");
    assert!(!printed.out.contains("MARKED"), "a token was printed");
    serde_json::from_str(&printed.out).unwrap()
}

#[test]
fn status_text_keeps_the_order_of_the_reference() {
    let printed = print(&status(facts(), Exit::Attention), Form::Text);

    assert_eq!(
        printed.out,
        "\
Accounts (3)
Storage: /home/u/.codex/multi-auth/openai-codex-accounts.json
Selection reason: account 1 (best health, quota and freshness)
Storage health: healthy

1. Account 1 (alpha@example.com, id:-alpha) [current] used 2m ago | 5h 62% | 7d 49%
2. Account 2 (bravo@example.com, id:-bravo) [cooldown:22m (network-error)] used never
   reason: cooling-down:network-error
3. Account 3 (charlie@example.com, id:harlie) [token-invalid — re-login needed] used never
   reason: auth-invalidated
"
    );
}

#[test]
fn status_keeps_every_key_of_the_reference_with_its_type() {
    let document = document(&status(facts(), Exit::Attention));

    for (name, value) in [
        ("command", json!("status")),
        ("schemaVersion", json!(1)),
        ("ok", json!(true)),
        ("storageHealth", json!("healthy")),
        ("accountCount", json!(3)),
        ("activeIndex", json!(0)),
        ("pinnedAccountIndex", json!(null)),
        ("recommendedIndex", json!(0)),
        ("recommendationReason", json!("best health, quota and freshness")),
        ("runtimeInUseIndex", json!(null)),
        ("scope", json!({"kind": "global", "projectKey": null})),
        ("recovery", json!(null)),
        ("overrides", json!({"upstream": null, "auth": null})),
        ("proxies", json!([])),
        ("next", json!({"number": 1, "accountRef": "record:alpha", "rule": "strategy"})),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
    assert_eq!(document["error"]["code"], "needs-login");
    assert_eq!(
        document["accounts"][0],
        json!({
            "index": 0,
            "number": 1,
            "accountRef": "record:alpha",
            "label": "Account 1 (alpha@example.com, id:-alpha)",
            "enabled": true,
            "current": true,
            "markers": ["current"],
            "lastUsed": 1_789_999_880_000_i64,
            "reason": null,
            "state": "in use",
            "quota": {
                "primary": {"usedPercent": 38.0, "leftPercent": 62, "windowMinutes": 300, "resetAt": 1_790_004_740_000_i64, "wasResetAt": null, "checkedAt": 1_789_999_820_000_i64},
                "secondary": {"usedPercent": 51.0, "leftPercent": 49, "windowMinutes": 10_080, "resetAt": 1_790_183_600_000_i64, "wasResetAt": null, "checkedAt": 1_789_999_820_000_i64},
                "planType": "plus",
                "credits": null,
                "extraLimits": [],
                "resetCredits": null,
                "status": 200,
                "checkedAt": 1_789_999_820_000_i64,
                "source": "usage",
                "summary": "5h 62% | 7d 49%",
            },
            "pinned": false,
            "policy": null,
            "nextUsableAt": null,
        })
    );
    assert_eq!(document["accounts"][1]["nextUsableAt"], json!(1_790_001_320_000_i64));
    assert_eq!(document["accounts"][2]["lastUsed"], json!(null));
}

#[test]
fn a_live_proxy_moves_the_current_marker() {
    let facts = Facts { peers: vec![peer()], ..facts() };

    let document = document(&status(facts, Exit::Ok));

    assert_eq!(document["runtimeInUseIndex"], json!(1));
    assert_eq!(document["accounts"][0]["markers"], json!(["selected"]));
    assert_eq!(document["accounts"][1]["markers"][0], json!("in-use"));
    assert_eq!(
        document["proxies"],
        json!([{"pid": 4242, "kind": "inline", "port": 41000, "sessions": 0, "peerCheck": true}])
    );
}

#[test]
fn an_empty_pool_says_so_and_what_to_do() {
    let facts = Facts {
        roster: Arc::default(),
        health: Health::Empty,
        next: None,
        quota: BTreeMap::new(),
        ..facts()
    };

    let text = print(&status(facts.clone(), Exit::NoAccounts), Form::Text).out;
    let document = document(&status(facts.clone(), Exit::NoAccounts));
    let reset = Facts { health: Health::IntentionalReset, ..facts.clone() };
    let reset = print(&status(reset, Exit::NoAccounts), Form::Text).out;
    let newer = Facts {
        health: Health::Corrupt,
        trouble: Some(Problem::new("storage-newer", Exit::Failed, "too new")),
        ..facts
    };
    let newer = print(&status(newer, Exit::Failed), Form::Text).out;

    assert!(text.starts_with("No accounts configured.\nStorage: "), "{text}");
    assert!(text.contains("`codex-multi-auth login`"), "{text}");
    assert!(reset.contains("`codex-multi-auth backup list`"), "{reset}");
    assert!(newer.starts_with("The account pool was written by a newer version."), "{newer}");
    assert_eq!(
        (document["ok"].clone(), document["error"]["code"].clone()),
        (json!(false), json!("no-accounts"))
    );
    assert_eq!((document["activeIndex"].clone(), document["accounts"].clone()), (json!(null), json!([])));
}

#[test]
fn the_line_fits_a_status_bar() {
    let facts = Facts { peers: vec![peer()], next: facts().next, ..facts() };
    let facts =
        Facts { peers: vec![PeerStatus { pulse: ProxyPulse::default(), ..facts.peers[0].clone() }], ..facts };
    let line = outcome("status", Exit::Ok, Body::Status(Listing::Line, Box::new(facts)));

    assert_eq!(print(&line, Form::Text).out, "alpha 62%·1h19m 49%·2d03h │ 1/3 ready │ ● proxy 1/min\n");
    assert_eq!(document(&line)["ready"], json!(1));
}

fn named(name: &str, number: usize) -> Named {
    Named { key: key(name), number, label: format!("{name}@example.com") }
}

fn switched() -> Switched {
    Switched {
        to: named("bravo", 2),
        from: Some(named("alpha", 1)),
        re_enabled: true,
        mirrored: Mirrored::Deferred,
        refresh_warning: None,
        unusable: None,
        sessions: 1,
        at: NOW,
    }
}

#[test]
fn a_switch_is_reported_with_what_follows() {
    let done = outcome("switch", Exit::Ok, Body::Switched(Box::new(switched())));

    assert_eq!(
        print(&done, Form::Text).out,
        "Switched to account 2: bravo@example.com (re-enabled) (pinned for runtime routing)\n\
         1 live session moves to it with the next turn\n\
         The official CLI's own login follows when the last forwarded session has ended\n"
    );
    assert_eq!(
        document(&done),
        json!({
            "command": "switch",
            "schemaVersion": 1,
            "ok": true,
            "account": {"number": 2, "accountRef": "record:bravo", "label": "bravo@example.com"},
            "previous": {"number": 1, "accountRef": "record:alpha", "label": "alpha@example.com"},
            "changed": true,
            "pinned": true,
            "wasDisabled": true,
            "synced": false,
            "syncDeferred": true,
            "sessionsMoving": 1,
            "warnings": [],
        })
    );
}

#[test]
fn a_switch_to_an_unusable_account_warns_on_stderr() {
    let switched = Switched {
        mirrored: Mirrored::Failed("disk full".into()),
        unusable: Some("it needs a new sign-in".into()),
        ..switched()
    };
    let done = outcome("switch", Exit::Attention, Body::Switched(Box::new(switched)));

    let err = print(&done, Form::Text).err;

    assert!(err.contains("Warning: the official CLI's login could not be written: disk full"), "{err}");
    assert!(err.contains("cannot serve now: it needs a new sign-in"), "{err}");
    assert_eq!(document(&done)["error"]["code"], json!("pin-unusable"));
}

#[test]
fn an_unpin_names_the_former_pin() {
    let done = outcome("unpin", Exit::Ok, Body::Unpinned(Some(named("bravo", 2)), Box::new(facts())));
    let nothing = outcome("unpin", Exit::Ok, Body::Unpinned(None, Box::new(facts())));

    assert_eq!(
        print(&done, Form::Text).out,
        "Unpinned account 2 (bravo@example.com): the accounts rotate again\n"
    );
    assert_eq!(print(&nothing, Form::Text).out, "No account is pinned\n");
    assert_eq!(
        (document(&done)["changed"].clone(), document(&nothing)["changed"].clone()),
        (json!(true), json!(false))
    );
}

#[test]
fn an_explanation_starts_with_the_rule() {
    let why = outcome("why-selected", Exit::Ok, Body::Why(Moments::Now, Origin::Files, Box::new(facts())));

    assert_eq!(
        print(&why, Form::Text).out,
        "\
Rule: strategy (best health, quota and freshness), strategy hybrid, answered by the files
Mode: now
Available: 1 of 3 accounts
Selected: Account 1 (alpha@example.com, id:-alpha)

* Account 1 (alpha@example.com, id:-alpha) score 498.0 (health 100, tokens 50, fresh 24.0 h)
x Account 2 (bravo@example.com, id:-bravo) score 498.0 (health 100, tokens 50, fresh 24.0 h) cooling-down:network-error, usable in 22m
x Account 3 (charlie@example.com, id:harlie) score 498.0 (health 100, tokens 50, fresh 24.0 h) auth-invalidated
"
    );
}

#[test]
fn an_explanation_keeps_every_key_of_the_reference() {
    let facts = Facts { peers: vec![peer()], ..facts() };
    let why = outcome("why-selected", Exit::Ok, Body::Why(Moments::Last, Origin::Proxy, Box::new(facts)));

    let document = document(&why);

    for (name, value) in [
        ("mode", json!("last")),
        ("source", json!("proxy")),
        ("rule", json!("strategy")),
        ("availableCount", json!(1)),
        ("totalCount", json!(3)),
        ("config", json!({"healthWeight": 2, "tokenWeight": 5, "freshnessWeight": 2})),
        ("replay", json!(null)),
        ("runtimeSnapshot", json!({"generatedAt": 1_789_999_995_000_i64})),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
    let selected = &document["selected"];
    for name in [
        "index",
        "oneBasedIndex",
        "email",
        "accountId",
        "enabled",
        "available",
        "health",
        "tokens",
        "hoursSinceUsed",
        "capabilityBoost",
        "pidBonus",
        "score",
        "selectionReason",
    ] {
        assert!(selected.get(name).is_some(), "{name} is missing");
    }
    assert_eq!(document["candidates"].as_array().unwrap().len(), 3);
    assert_eq!(document["request"]["id"], json!(7));
}

#[test]
fn the_monitor_counts_what_runs() {
    let facts = Facts { peers: vec![peer()], ..facts() };
    let monitor = outcome("monitor", Exit::Ok, Body::Monitor(Box::new(facts)));

    let document = document(&monitor);
    let text = print(&monitor, Form::Text).out;

    assert_eq!(document["accounts"], json!({"count": 3, "policyCount": 0}));
    assert_eq!(document["runtime"]["responsesRequests"], json!(3));
    assert_eq!(document["usage"]["totals"]["requests"], json!(0));
    assert_eq!(document["proxies"][0]["turns"][0]["status"], json!("ok"));
    assert!(text.contains("Runtime: inline on port 41000 (pid 4242), responses=3"), "{text}");
    assert!(text.contains("  turn 20s ago ok alpha gpt-5.5 6.0s moved from bravo"), "{text}");
}

#[test]
fn a_problem_is_three_parts_for_people_and_one_document_for_scripts() {
    let problem = Problem::new("unknown-account", Exit::Usage, "no account is called x")
        .because("the pool holds 3 accounts")
        .hint(Hint::Press("r"))
        .hint(Hint::Run("status".into()));

    let text = refusal(&problem, "switch", Form::Text);
    let document: Value = serde_json::from_str(&refusal(&problem, "switch", Form::Json).out).unwrap();

    assert_eq!(text.out, "");
    assert_eq!(
        text.err,
        "no account is called x\n  the pool holds 3 accounts\nRun `codex-multi-auth status`\n"
    );
    assert_eq!(
        document,
        json!({
            "command": "switch",
            "schemaVersion": 1,
            "ok": false,
            "error": {
                "code": "unknown-account",
                "message": "no account is called x",
                "because": ["the pool holds 3 accounts"],
                "hint": "run `codex-multi-auth status`",
            },
        })
    );
}

#[test]
fn a_stream_has_one_document_per_line() {
    let line = print_line(&status(facts(), Exit::Ok));

    assert_eq!(line.matches('\n').count(), 1);
    assert!(line.ends_with('\n'));
}

#[test]
fn a_rehearsal_says_so_on_both_faces() {
    let facts = Facts { demo: Some("tour".into()), ..facts() };

    assert!(print(&status(facts.clone(), Exit::Ok), Form::Text).out.starts_with("Rehearsal: tour"));
    assert_eq!(document(&status(facts, Exit::Ok))["demo"], json!(true));
}

#[test]
fn the_results_of_a_check_leave_out_what_the_settings_hide() {
    let checked = |display: Display| {
        let settings = Settings { display, ..Settings::default() };
        let facts = Facts { settings: Arc::new(settings), ..facts() };
        let standings = BTreeMap::from([(key("alpha"), Standing::Available)]);
        let body = Body::Checked(Box::new(Checked { standings, calls: Calls::default(), facts }));
        print(&Outcome { command: "check", exit: Exit::Ok, body }, Form::Text).out
    };
    let all = checked(Display::default());
    let bare = checked(Display { quota_details: false, ..Display::default() });
    let short = checked(Display { account_rows: false, ..Display::default() });

    assert!(all.contains("left") && all.contains("alpha@example.com"), "{all}");
    assert!(!bare.contains("left") && bare.contains("alpha@example.com"), "{bare}");
    assert!(!short.contains("alpha@example.com") && short.starts_with("Result:"), "{short}");
}
