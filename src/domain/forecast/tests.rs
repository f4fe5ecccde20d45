use super::*;
use crate::domain::account::{Cooldown, CooldownReason, Invalidation, Switch};
use crate::domain::chance::seeded;
use crate::domain::pool::Pool;
use crate::domain::quota::snapshot::Source;
use crate::domain::quota::window::Window;
use crate::domain::selection::Ask;
use std::sync::Arc;

const NOW: Moment = Moment::from_secs(1_700_000_000);

fn snapshot(primary: f64, secondary: f64) -> Snapshot {
    let window = |used, minutes, ahead| {
        Some(Window {
            used: Some(Percent::new(used)),
            minutes: Some(minutes),
            resets_at: Some(NOW + ahead),
            ..Window::default()
        })
    };
    Snapshot {
        primary: window(primary, 300, Span::minutes(30)),
        secondary: window(secondary, 10_080, Span::days(4)),
        plan: None,
        limit_id: None,
        credits: None,
        status: 200,
        model: None,
        at: NOW,
        source: Source::Usage,
        ..Snapshot::default()
    }
}

fn roster(names: &[&str]) -> Roster {
    Roster { accounts: names.iter().map(|name| Account::sample(name)).collect(), ..Roster::default() }
}

fn key(name: &str) -> AccountKey {
    AccountKey::new(format!("record:{name}"))
}

fn forecast(
    roster: &Roster,
    quota: &[(&str, Snapshot)],
    findings: &[(&str, Finding)],
    current: Option<&str>,
) -> Forecast {
    let quota: BTreeMap<_, _> = quota.iter().map(|(name, snapshot)| (key(name), snapshot.clone())).collect();
    let findings = findings.iter().map(|(name, finding)| (key(name), finding.clone())).collect();
    let mut pool = Pool::new(Arc::new(roster.clone()), Arc::default(), NOW);
    for (key, snapshot) in &quota {
        pool.note_quota(key, snapshot.clone());
    }
    let decision = pool.explain(&Ask::plain(), NOW, &mut seeded(0));
    let current = current.map(key);
    Forecast::of(&Evidence {
        roster,
        quota: &quota,
        decision: &decision,
        current: current.as_ref(),
        findings: &findings,
        at: NOW,
    })
}

fn one<'a>(forecast: &'a Forecast, name: &str) -> &'a Prospect {
    forecast.prospects.iter().find(|prospect| prospect.key == key(name)).unwrap()
}

#[test]
fn what_is_recommended_is_what_the_engine_chooses() {
    let mut pool = roster(&["alpha", "bravo", "charlie"]);
    for pinned in ["alpha", "bravo", "charlie"] {
        pool.pin = Some(key(pinned));
        let forecast = forecast(&pool, &[("alpha", snapshot(10.0, 10.0))], &[], Some("alpha"));

        assert_eq!(forecast.recommended, Some(key(pinned)));
        assert!(forecast.reason.starts_with("Pinned by you"), "{}", forecast.reason);
        assert!(forecast.ranked().first().unwrap().is_selected);
    }
}

#[test]
fn states_add_their_points_and_their_wait() {
    use Availability::{Delayed, Ready, Unavailable};
    let mut pool = roster(&["fresh", "off", "dead", "cooling", "limited", "empty", "busy"]);
    let row = |pool: &mut Roster, name: &str, change: &dyn Fn(&mut Account)| {
        change(pool.get_mut(&key(name)).unwrap());
    };
    row(&mut pool, "off", &|account| account.switch = Switch::Off);
    row(&mut pool, "dead", &|account| {
        account.invalidation = Some(Invalidation { at: NOW, code: None });
    });
    row(&mut pool, "cooling", &|account| {
        let until = NOW + Span::minutes(5);
        account.cooldown = Some(Cooldown { until, reason: Some(CooldownReason::NetworkError) });
    });
    row(&mut pool, "limited", &|account| {
        account.limits.insert("codex".to_owned(), NOW + Span::hours(2));
    });
    let quota = [("empty", snapshot(100.0, 91.0)), ("busy", snapshot(92.0, 10.0))];

    let forecast = forecast(&pool, &quota, &[], None);

    for (name, availability, risk, wait) in [
        ("fresh", Ready, 0, Span::ZERO),
        ("off", Unavailable, 95, Span::ZERO),
        ("dead", Unavailable, 95, Span::ZERO),
        ("cooling", Delayed, 45, Span::minutes(5)),
        ("limited", Delayed, 35, Span::hours(2)),
        ("empty", Delayed, 60, Span::minutes(30)),
        ("busy", Ready, 35, Span::ZERO),
    ] {
        let got = one(&forecast, name);
        assert_eq!((got.availability, got.risk, got.wait), (availability, risk, wait), "{name}: {got:?}");
    }
    assert_eq!(forecast.summary(), Summary { total: 7, ready: 2, delayed: 3, unavailable: 2, high_risk: 2 });
}

#[test]
fn a_429_waits_for_the_exhausted_window_only() {
    let mut refused = snapshot(100.0, 91.0);
    refused.status = 429;

    let forecast = forecast(&roster(&["alpha"]), &[("alpha", refused)], &[], None);

    assert_eq!(one(&forecast, "alpha").wait, Span::minutes(30));
    assert_eq!(forecast.recommended, Some(key("alpha")));
    assert!(forecast.reason.contains("pick shortest wait (30m"), "{}", forecast.reason);
}

#[test]
fn a_failed_question_is_a_doubt_and_a_missing_entitlement_a_refusal() {
    let findings = [
        ("alpha", Finding::Unanswered("server error".to_owned())),
        ("bravo", Finding::NotEntitled),
        ("charlie", Finding::Dead("refresh_token_reused".to_owned())),
        ("delta", Finding::Warned("network".to_owned())),
    ];

    let forecast = forecast(&roster(&["alpha", "bravo", "charlie", "delta"]), &[], &findings, None);

    assert_eq!((one(&forecast, "alpha").risk, one(&forecast, "delta").risk), (40, 25));
    assert_eq!(one(&forecast, "bravo").availability, Availability::Unavailable);
    assert!(one(&forecast, "charlie").is_dead);
    assert_eq!(forecast.recommended, Some(key("delta")));
}

#[test]
fn nobody_left_says_whether_signing_in_or_waiting_helps() {
    let mut pool = roster(&["alpha", "bravo"]);
    for account in &mut pool.accounts {
        account.invalidation = Some(Invalidation { at: NOW, code: None });
    }
    let dead = forecast(&pool, &[], &[], None);
    for account in &mut pool.accounts {
        account.invalidation = None;
        account.switch = Switch::Off;
    }
    let off = forecast(&pool, &[], &[], None);

    assert_eq!((dead.recommended, off.recommended), (None, None));
    assert!(dead.reason.starts_with("No healthy accounts"), "{}", dead.reason);
    assert!(off.reason.starts_with("All accounts are blocked"), "{}", off.reason);
}

#[test]
fn the_current_account_and_long_unused_ones_carry_their_points() {
    let mut pool = roster(&["alpha", "bravo"]);
    pool.accounts[1].last_used = NOW - Span::days(9);

    let forecast = forecast(&pool, &[("alpha", snapshot(85.0, 10.0))], &[], Some("alpha"));

    assert_eq!(one(&forecast, "alpha").risk, 15);
    assert_eq!(one(&forecast, "bravo").risk, 10);
    assert!(one(&forecast, "alpha").reasons.iter().any(|reason| reason.text == "5h 85% used, 7d 10% used"));
}
