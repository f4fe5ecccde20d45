//! 13: a pin is never evaded, and the answer says what stands against its account.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use codex_multi_auth::base::{Moment, Span};
use codex_multi_auth::domain::account::{
    Account, AccountKey, Cooldown, CooldownReason, Invalidation, Switch,
};
use codex_multi_auth::domain::policy::account::{AccountPolicy, Policies, key_for};
use codex_multi_auth::domain::workspace::Workspace;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};

use crate::support::stand::Stand;

fn now() -> Moment {
    use codex_multi_auth::ports::Clock as _;
    codex_multi_auth::adapters::clock::SystemClock::new().now()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Manual,
    Forced,
}

/// The answer to a turn while `alpha` is the one account that may serve it, in a state of the test's making.
async fn refused(way: Way, change: impl FnOnce(&mut Account)) -> (u16, Value, Option<String>, Stand) {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    let key = AccountKey::new("record:alpha");
    stand.brief(|briefing| {
        briefing.revision += 1;
        let mut roster = (*briefing.roster).clone();
        change(roster.get_mut(&key).unwrap());
        match way {
            Way::Manual => roster.pin = Some(key.clone()),
            Way::Forced => briefing.forced = Some(key.clone()),
        }
        roster.generation += 1;
        briefing.roster = std::sync::Arc::new(roster);
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let (status, headers, text) = stand.turn("thread", "hello").await;
    let wait = headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let body: Value = serde_json::from_str(&text).unwrap();
    (status.as_u16(), body, wait, stand)
}

/// Name, change, type, reason, return, whether there is a reset for the client.
type Case = (&'static str, Box<dyn FnOnce(&mut Account)>, &'static str, &'static str, Option<Moment>, bool);

#[tokio::test]
async fn each_blocker_has_its_own_body_and_nobody_else_serves() {
    let at = now();
    let soon = at + Span::seconds(20);
    let late = at + Span::hours(2);
    let set =
        |change: fn(&mut Account, Moment), until: Moment| move |account: &mut Account| change(account, until);
    let cases: Vec<Case> = vec![
        (
            "disabled",
            Box::new(|account| account.switch = Switch::Off),
            "usage_limit_reached",
            "disabled",
            None,
            false,
        ),
        (
            "signed out",
            Box::new(move |account| account.invalidation = Some(Invalidation { at, code: None })),
            "usage_limit_reached",
            "auth-invalidated",
            None,
            false,
        ),
        (
            "limited",
            Box::new(set(
                |account, until| {
                    account.limits.insert("codex".to_owned(), until);
                    account.limits.insert("gpt-5.2".to_owned(), until);
                },
                late,
            )),
            "usage_limit_reached",
            "rate-limited",
            Some(late),
            true,
        ),
        (
            "resting for long",
            Box::new(set(
                |account, until| {
                    account.cooldown = Some(Cooldown { until, reason: Some(CooldownReason::AuthFailure) });
                },
                late,
            )),
            "usage_limit_reached",
            "cooling-down:auth-failure",
            Some(late),
            false,
        ),
        (
            "resting for a moment",
            Box::new(set(
                |account, until| {
                    account.cooldown = Some(Cooldown { until, reason: Some(CooldownReason::ServerError) });
                },
                soon,
            )),
            "server_error",
            "cooling-down:server-error",
            Some(soon),
            false,
        ),
    ];
    for (case, change, kind, reason, returns, has_reset) in cases {
        let (status, body, wait, stand) = refused(Way::Manual, change).await;

        let error = &body["error"];
        assert_eq!(status, 429, "{case}: {body:#}");
        assert_eq!(
            (&error["type"], &error["code"], &error["pin_source"], &error["reason"]),
            (&json!(kind), &json!("codex_pinned_account_unavailable"), &json!("manual"), &json!(reason)),
            "{case}: {body:#}"
        );
        assert_eq!(
            (&error["pinnedAccountIndex"], &error["pinned_account"]),
            (&json!(0), &json!(1)),
            "{case}"
        );
        assert_eq!(error["account_skip_reasons"]["0"], reason, "{case}: {body:#}");
        let left = error["retry_after_ms"].as_i64();
        assert_eq!(left.is_some(), returns.is_some(), "{case}: {body:#}");
        assert_eq!(error["reset_at"].is_string(), returns.is_some(), "{case}: {body:#}");
        if let (Some(left), Some(returns)) = (left, returns) {
            assert!((left - at.until(returns).as_millis()).abs() < 5_000, "{case}: {left}");
        }
        assert_eq!(error["resets_at"].is_number(), has_reset, "{case}: {body:#}");
        assert_eq!(wait.is_some(), kind == "server_error", "{case}: {wait:?}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("Pinned account 1 is unavailable (") && message.contains("unpin"),
            "{message}"
        );
        assert!(stand.backend.record().turns().is_empty(), "{case}: another account served");
        let row = stand.until(|kept| kept.entries.first().cloned()).await;
        assert_eq!(row.error.as_deref(), Some("codex_pinned_account_unavailable"), "{case}");
    }
}

#[tokio::test]
async fn an_account_forced_for_one_launch_says_how_to_start_again() {
    let (status, body, _, stand) = refused(Way::Forced, |account| account.switch = Switch::Off).await;

    assert_eq!(status, 429);
    assert_eq!(body["error"]["pin_source"], "forced", "{body:#}");
    assert!(
        body["error"]["message"].as_str().unwrap().contains("Start again without `--account`"),
        "{body:#}"
    );
    assert!(stand.backend.record().turns().is_empty());
}

#[tokio::test]
async fn a_pinned_account_that_is_gone_is_not_replaced() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    stand.brief(|briefing| {
        briefing.revision += 1;
        briefing.forced = Some(AccountKey::new("record:gone"));
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;

    let (status, _, text) = stand.turn("thread", "hello").await;

    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 429, "{text}");
    assert_eq!(
        (&body["error"]["reason"], &body["error"]["pinnedAccountIndex"], &body["error"]["pinned_account"]),
        (&json!("missing"), &Value::Null, &Value::Null),
        "{body:#}"
    );
    assert!(stand.backend.record().turns().is_empty());
}

#[tokio::test]
async fn a_pin_on_a_paused_drained_or_gone_account_has_no_end_to_wait_for() {
    let held = |paused: bool, drained: bool| AccountPolicy { paused, drained, ..AccountPolicy::default() };
    for (case, policy, gone, reason) in [
        ("paused", Some(held(true, false)), false, "policy: paused"),
        ("drained", Some(held(false, true)), false, "policy: drained"),
        ("both", Some(held(true, true)), false, "policy: paused, drained"),
        ("workspace", None, true, "workspace-disabled"),
    ] {
        let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
        let pinned = AccountKey::new("record:alpha");
        stand.brief(|briefing| {
            briefing.revision += 1;
            let mut roster = (*briefing.roster).clone();
            roster.pin = Some(pinned.clone());
            roster.generation += 1;
            if gone {
                let account = roster.get_mut(&pinned).unwrap();
                let id = account.workspace_id().unwrap().to_owned();
                let disabled =
                    Workspace { id, name: None, enabled: false, disabled_at: None, is_default: true };
                account.workspaces = vec![disabled];
            }
            if let Some(policy) = policy {
                let key = key_for(roster.get(&pinned).unwrap(), &roster).unwrap();
                briefing.policies = std::sync::Arc::new(Policies([(key, policy)].into()));
            }
            briefing.roster = std::sync::Arc::new(roster);
        });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;

        let (status, headers, text) = stand.turn("thread", "hello").await;

        let body: Value = serde_json::from_str(&text).unwrap();
        let error = &body["error"];
        assert_eq!((status.as_u16(), headers.get("retry-after")), (429, None), "{case}: {text}");
        assert_eq!(
            (&error["type"], &error["code"], &error["reason"]),
            (&json!("usage_limit_reached"), &json!("codex_pinned_account_unavailable"), &json!(reason)),
            "{case}: {body:#}"
        );
        assert_eq!(
            (&error["reset_at"], &error["retry_after_ms"], error["resets_at"].is_number()),
            (&Value::Null, &Value::Null, false),
            "{case}: {body:#}"
        );
        assert!(stand.backend.record().turns().is_empty(), "{case}: another account served");
    }
}

#[tokio::test]
async fn a_pin_behind_an_open_breaker_says_when_the_next_attempt_is_allowed() {
    let scenario = Scenario::pool(["alpha", "bravo"]);
    let stand = Stand::with(scenario, |settings| settings.server_error_cooldown = Span::ZERO).await;
    stand.brief(|briefing| {
        briefing.revision += 1;
        let mut roster = (*briefing.roster).clone();
        roster.pin = Some(AccountKey::new("record:alpha"));
        roster.generation += 1;
        briefing.roster = std::sync::Arc::new(roster);
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    stand.backend.script(Rule::on("alpha", Endpoint::Http, Action::server_error()).times(3));
    for _ in 0..6 {
        if stand.backend.record().turns().len() < 3 {
            stand.turn("thread", "hello").await;
        }
    }
    let sent = stand.backend.record().turns().len();

    let (status, headers, text) = stand.turn("thread", "hello").await;

    let body: Value = serde_json::from_str(&text).unwrap();
    let error = &body["error"];
    assert_eq!(sent, 3, "three failures open it");
    assert_eq!(
        (status.as_u16(), &error["code"]),
        (429, &json!("codex_pinned_account_unavailable")),
        "{text}"
    );
    let left = error["retry_after_ms"].as_i64().unwrap();
    assert!((1..=33_000).contains(&left) && error["reset_at"].is_string(), "{body:#}");
    // The breaker opens for half a minute give or take a tenth, and half a minute is what a client is asked to wait out.
    let is_brief = left <= 30_000;
    let kind = if is_brief { "server_error" } else { "usage_limit_reached" };
    assert_eq!((&error["type"], &error["reason"]), (&json!(kind), &json!("circuit-open")), "{body:#}");
    assert_eq!(headers.contains_key("retry-after"), is_brief, "{body:#}");
    assert!(stand.backend.record().turns().iter().all(|turn| turn.account.as_deref() == Some("alpha")));
}
