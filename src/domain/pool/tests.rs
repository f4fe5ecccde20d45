use super::*;
use crate::base::{Percent, Secret};
use crate::domain::account::{Cooldown, Credentials, Invalidation, Switch};
use crate::domain::change::Pin;
use crate::domain::failure::{Class, Reach, Verdict};
use crate::domain::quota::snapshot::Source;
use crate::domain::quota::window::Window;
use crate::domain::refresh::Outcome;
use crate::domain::selection::Strategy;
use crate::domain::selection::eligible::Bar;
use crate::domain::selection::explain::Decision;
use crate::domain::workspace::Routing;

pub(super) const NOW: Moment = Moment::from_secs(1_795_360_000);

pub(super) fn key(name: &str) -> AccountKey {
    Account::sample(name).key
}

fn roster(names: &[&str]) -> Roster {
    Roster { accounts: names.iter().map(|name| Account::sample(name)).collect(), ..Roster::default() }
}

pub(super) fn pool(names: &[&str]) -> Pool {
    Pool::new(Arc::new(roster(names)), Arc::new(Settings::default()), NOW)
}

fn pool_with(names: &[&str], settings: Settings) -> Pool {
    Pool::new(Arc::new(roster(names)), Arc::new(settings), NOW)
}

pub(super) fn rng() -> fastrand::Rng {
    fastrand::Rng::with_seed(1)
}

pub(super) fn ask() -> Ask {
    Ask::plain()
}

fn session(name: &str) -> Ask {
    Ask::of(Some(SessionKey::of(name)), Some("gpt-5.5".to_owned()))
}

fn name_of(choice: &Choice) -> Option<&str> {
    choice.chosen.as_ref().map(|key| key.as_str().trim_start_matches("record:"))
}

fn chosen(pool: &mut Pool, ask: &Ask, now: Moment) -> Option<String> {
    let choice = pool.choose(ask, now, &mut rng());
    if let Some(key) = &choice.chosen {
        pool.release(key, ask);
    }
    name_of(&choice).map(str::to_owned)
}

fn snapshot(used: f64, reset: i64, at: Moment) -> Snapshot {
    Snapshot {
        primary: Some(Window {
            used: Some(Percent::new(used)),
            minutes: Some(300),
            resets_at: Some(NOW + Span::seconds(reset)),
            ..Window::default()
        }),
        secondary: None,
        plan: Some("plus".to_owned()),
        limit_id: None,
        credits: None,
        status: 200,
        model: None,
        at,
        source: Source::Headers,
        ..Snapshot::default()
    }
}

pub(super) fn limit(wait: Span) -> Verdict {
    Verdict { wait: Some(wait), ..Verdict::bare(Class::UsageLimit) }
}

fn skips(decision: &Decision) -> Vec<Option<&str>> {
    decision
        .candidates
        .iter()
        .map(|candidate| candidate.skip.as_ref().map(|skip| skip.reason.as_str()))
        .collect()
}

type Spoil<'a> = Box<dyn Fn(&mut Account) + 'a>;

#[test]
fn every_reason_has_its_word_and_its_place_in_the_order() {
    let until = NOW + Span::hours(1);
    let limited = |account: &mut Account| {
        account.limits.insert("codex".to_owned(), until);
    };
    let cooling = |account: &mut Account| {
        account.cooldown = Some(Cooldown { until, reason: Some(CooldownReason::NetworkError) });
    };
    let table: [(&str, Spoil<'_>); 8] = [
        (
            "disabled",
            Box::new(|account| {
                account.switch = Switch::Off;
                limited(account);
            }),
        ),
        (
            "auth-invalidated",
            Box::new(|account| {
                account.invalidation = Some(Invalidation { at: NOW, code: None });
                limited(account);
            }),
        ),
        (
            "uncertain",
            Box::new(|account| {
                account.uncertain_since = Some(NOW);
                cooling(account);
            }),
        ),
        (
            "rate-limited",
            Box::new(|account| {
                limited(account);
                cooling(account);
            }),
        ),
        ("cooling-down:network-error", Box::new(cooling)),
        ("cooling-down", Box::new(|account| account.cooldown = Some(Cooldown { until, reason: None }))),
        (
            "workspace-disabled",
            Box::new(|account| {
                account.apply(&Change::WorkspaceSwitched {
                    key: key("one"),
                    id: "ws-one".to_owned(),
                    switch: Switch::Off,
                    at: NOW,
                });
            }),
        ),
        (
            "",
            Box::new(|account| {
                account.limits.insert("codex".to_owned(), NOW);
                account.limits.insert("gpt-5.2".to_owned(), until);
                account.cooldown = Some(Cooldown { until: NOW, reason: None });
            }),
        ),
    ];
    for (word, spoil) in table {
        let mut roster = roster(&["one"]);
        spoil(&mut roster.accounts[0]);
        let pool = Pool::new(Arc::new(roster), Arc::new(Settings::default()), NOW);

        let decision = pool.explain(&ask(), NOW, &mut rng());

        let expected = Some(word).filter(|word| !word.is_empty());
        assert_eq!(skips(&decision), [expected], "{word}");
        assert_eq!(decision.chosen.is_none(), expected.is_some(), "{word}");
    }
}

#[test]
fn a_cooling_account_is_passed_over_until_its_time() {
    let mut pool = pool(&["home", "work"]);
    pool.observe(&key("home"), &ask(), Observation::Failed(&Verdict::bare(Class::Network)), NOW);

    assert_eq!(chosen(&mut pool, &ask(), NOW).as_deref(), Some("work"));
    let later = NOW + Span::days(1);
    assert_eq!(skips(&pool.explain(&ask(), later, &mut rng())), [None, None]);
}

#[test]
fn an_empty_window_bars_an_account_and_a_nearly_empty_one_moves_it_back() {
    let mut pool = pool(&["empty", "near", "far"]);
    pool.note_quota(&key("empty"), snapshot(100.0, 3_600, NOW));
    pool.note_quota(&key("near"), snapshot(97.0, 3_600, NOW));

    let decision = pool.explain(&ask(), NOW, &mut rng());
    assert_eq!(skips(&decision), [Some("rate-limited"), Some("quota-near-exhaustion"), None]);
    assert_eq!(decision.chosen, Some(key("far")));

    pool.note_quota(&key("far"), snapshot(98.0, 3_600, NOW));
    let decision = pool.explain(&ask(), NOW, &mut rng());
    assert_eq!(decision.chosen, Some(key("near")), "deferral never empties the pool: most left wins");
    assert_eq!(skips(&decision), [Some("rate-limited"), None, Some("quota-near-exhaustion")]);

    let after = NOW + Span::seconds(3_601);
    assert_eq!(skips(&pool.explain(&ask(), after, &mut rng())), [None, None, None]);
}

#[test]
fn older_quota_never_replaces_newer() {
    let mut pool = pool(&["one"]);
    assert!(pool.note_quota(&key("one"), snapshot(100.0, 3_600, NOW)));
    assert!(!pool.note_quota(&key("one"), snapshot(5.0, 3_600, NOW - Span::seconds(1))));
    assert!(pool.quota(&key("one")).unwrap().is_exhausted(NOW));
}

#[test]
fn a_strong_bond_holds_through_near_exhaustion_and_breaks_at_a_limit() {
    let mut pool = pool(&["one", "two"]);
    let thread = session("thread");
    pool.remember(thread.session.as_ref().unwrap(), &key("one"), NOW);
    pool.note_quota(&key("one"), snapshot(99.0, 3_600, NOW));

    let choice = pool.choose(&thread, NOW, &mut rng());
    assert_eq!((name_of(&choice), choice.rule), (Some("one"), Rule::Affinity));

    pool.observe(&key("one"), &thread, Observation::Failed(&limit(Span::hours(1))), NOW);
    let choice = pool.choose(&thread, NOW, &mut rng());
    assert_eq!((name_of(&choice), choice.rule), (Some("two"), Rule::Strategy));
}

#[test]
fn a_weak_bond_yields_to_near_exhaustion_and_every_bond_to_time() {
    let mut pool = pool(&["one", "two"]);
    let thread = session("thread");
    pool.touch_bond(thread.session.as_ref().unwrap(), &key("two"), NOW);
    assert_eq!(chosen(&mut pool, &thread, NOW).as_deref(), Some("two"));

    pool.note_quota(&key("two"), snapshot(99.0, 3_600, NOW));
    assert_eq!(chosen(&mut pool, &thread, NOW).as_deref(), Some("one"));
    assert_eq!(pool.owner(thread.session.as_ref().unwrap(), NOW + Span::hours(1)), None);
}

#[test]
fn sequential_stays_until_unusable_and_keeps_its_place() {
    let settings = Settings { strategy: Strategy::Sequential, ..Settings::default() };
    let mut pool = pool_with(&["a", "b", "c"], settings);
    assert_eq!(chosen(&mut pool, &ask(), NOW).as_deref(), Some("a"));
    pool.observe(&key("a"), &ask(), Observation::Failed(&limit(Span::minutes(5))), NOW);

    assert_eq!(chosen(&mut pool, &ask(), NOW).as_deref(), Some("b"));
    let moved = pool.take_changes().soon;
    assert!(moved.contains(&Change::CursorMoved { family: Family::Codex, key: key("b") }), "{moved:?}");
    let later = NOW + Span::hours(1);
    assert_eq!(chosen(&mut pool, &ask(), later).as_deref(), Some("b"), "the pointer persists");

    let tried = Ask { tried: BTreeSet::from([key("b")]), ..ask() };
    assert_eq!(chosen(&mut pool, &tried, later).as_deref(), Some("c"));
    assert_eq!(chosen(&mut pool, &ask(), later).as_deref(), Some("b"), "a retry does not move it");
}

#[test]
fn key_less_requests_stick_for_a_minute_and_sessions_do_not() {
    let mut pool = pool(&["a", "b"]);
    pool.observe(&key("b"), &ask(), Observation::Succeeded, NOW);

    assert_eq!(chosen(&mut pool, &ask(), NOW + Span::seconds(59)).as_deref(), Some("b"));
    assert_eq!(chosen(&mut pool, &session("new"), NOW + Span::seconds(59)).as_deref(), Some("a"));
    assert_eq!(chosen(&mut pool, &ask(), NOW + Span::seconds(60)).as_deref(), Some("a"));
}

#[test]
fn requests_in_flight_spread_over_the_accounts() {
    let mut pool = pool(&["a", "b", "c"]);
    let mut served = Vec::new();
    for number in 0..6 {
        let choice = pool.choose(&session(&number.to_string()), NOW, &mut rng());
        served.push(name_of(&choice).unwrap().to_owned());
    }

    assert_eq!(served.iter().filter(|name| *name == "a").count(), 2, "{served:?}");
    assert_eq!(served.iter().filter(|name| *name == "b").count(), 2, "{served:?}");
}

#[test]
fn load_is_spread_by_process_only_in_company() {
    let mut pool = pool(&["a", "b"]);
    let spread = |pool: &Pool| pool.explain(&ask(), NOW, &mut rng()).candidates[0].parts.spread;
    assert!(spread(&pool).abs() < f64::EPSILON);

    pool.set_company(Company::Others { seed: 42 });
    assert!(spread(&pool).abs() > 0.0);

    pool.set_company(Company::Alone);
    assert!(spread(&pool).abs() < f64::EPSILON);
}

#[test]
fn a_pin_and_a_forced_account_allow_nobody_else() {
    let mut pinned = roster(&["a", "b"]);
    pinned.pin = Some(key("b"));
    let mut pool = Pool::new(Arc::new(pinned), Arc::new(Settings::default()), NOW);
    let choice = pool.choose(&ask(), NOW, &mut rng());
    assert_eq!((name_of(&choice), choice.rule), (Some("b"), Rule::Pin));

    let forced = Ask { forced: Some(key("a")), ..ask() };
    let choice = pool.choose(&forced, NOW, &mut rng());
    assert_eq!((name_of(&choice), choice.rule), (Some("a"), Rule::Forced));

    pool.observe(&key("b"), &ask(), Observation::Failed(&limit(Span::hours(1))), NOW);
    assert_eq!(pool.choose(&ask(), NOW, &mut rng()).chosen, None);
    let trouble = pool.pin_trouble(&ask(), NOW).unwrap();
    assert_eq!(
        (trouble.index, trouble.class, trouble.returns_at),
        (Some(1), Shortage::Final, Some(NOW + Span::hours(1)))
    );
}

#[test]
fn failures_cost_what_the_table_says() {
    for (class, health, rest, limits, circuit_fails) in [
        (Class::UsageLimit, 90.0, None, 5, 0),
        (Class::Throttle, 90.0, None, 1, 0),
        (Class::PlanGap, 100.0, None, 0, 0),
        (Class::Overload, 80.0, Some(4), 0, 0),
        (Class::ServerError, 80.0, Some(4), 0, 1),
        (Class::Contention, 80.0, None, 0, 1),
        (Class::Network, 80.0, Some(6), 0, 1),
        (Class::AuthExpired, 80.0, Some(30), 0, 1),
        (Class::AuthInvalidated, 80.0, Some(300), 0, 1),
        (Class::Forbidden, 100.0, None, 0, 0),
        (Class::EdgeBlock, 100.0, None, 0, 0),
        (Class::ClientError, 100.0, None, 0, 0),
        (Class::ForeignContent, 100.0, None, 0, 0),
    ] {
        let reach = if class == Class::Throttle { Reach::Model } else { Reach::Account };
        let verdict = Verdict { reach, ..Verdict::bare(class) };
        let mut pool = pool(&["one"]);
        for _ in 0..3 {
            pool.observe(&key("one"), &session("s"), Observation::Failed(&verdict), NOW);
        }
        let mut once = super::tests::pool(&["one"]);
        once.observe(&key("one"), &session("s"), Observation::Failed(&verdict), NOW);

        let pulse = once.pulse(NOW);
        assert!((pulse.accounts[&key("one")].health - health).abs() < 1e-9, "{class:?}");
        let account = once.account(&key("one")).unwrap();
        assert_eq!(account.cooling_until(NOW).map(|rest| NOW.until(rest.until).as_secs()), rest, "{class:?}");
        assert_eq!(account.limits.len(), limits, "{class:?}");
        let circuit = pool.pulse(NOW).accounts[&key("one")].circuit;
        assert_eq!(circuit == "open", circuit_fails > 0, "{class:?}");
    }
}

#[test]
fn a_lost_workspace_is_marked_once_and_never_switches_the_account_off() {
    let mut pool = pool(&["one"]);
    pool.observe(&key("one"), &ask(), Observation::Failed(&Verdict::bare(Class::WorkspaceDisabled)), NOW);
    pool.observe(&key("one"), &ask(), Observation::Failed(&Verdict::bare(Class::WorkspaceDisabled)), NOW);

    let account = pool.account(&key("one")).unwrap();
    assert!(account.is_on() && !account.has_usable_workspace());
    assert_eq!(pool.take_changes().now.len(), 1);
    assert!((pool.pulse(NOW).accounts[&key("one")].health - 80.0).abs() < 1e-9);
}

#[test]
fn a_second_plain_403_within_ten_minutes_rests_the_account() {
    let mut pool = pool(&["one"]);
    let forbidden = Verdict::bare(Class::Forbidden);
    pool.observe(&key("one"), &ask(), Observation::Failed(&forbidden), NOW);
    assert_eq!(pool.account(&key("one")).unwrap().cooling_until(NOW), None);

    let later = NOW + Span::minutes(9);
    pool.observe(&key("one"), &ask(), Observation::Failed(&forbidden), later);
    let rest = pool.account(&key("one")).unwrap().cooling_until(later).unwrap();
    assert_eq!(later.until(rest.until), Span::seconds(60));
}

#[test]
fn two_revoked_sessions_in_a_minute_leave_only_proven_accounts() {
    let mut pool = pool(&["a", "b", "c", "d"]);
    pool.observe(&key("d"), &ask(), Observation::Succeeded, NOW);
    for name in ["a", "b"] {
        pool.observe(&key(name), &ask(), Observation::Failed(&Verdict::bare(Class::AuthInvalidated)), NOW);
    }

    let decision = pool.explain(&session("new"), NOW, &mut rng());

    assert_eq!(
        skips(&decision),
        [Some("auth-invalidated"), Some("auth-invalidated"), Some("cascade-guard"), None]
    );
    assert_eq!(decision.chosen, Some(key("d")));
}

#[test]
fn the_cascade_guard_can_be_switched_off() {
    let mut pool = pool_with(&["a", "b", "c"], Settings { cascade_guard: false, ..Settings::default() });
    for name in ["a", "b"] {
        pool.observe(&key(name), &ask(), Observation::Failed(&Verdict::bare(Class::AuthInvalidated)), NOW);
    }

    assert_eq!(chosen(&mut pool, &ask(), NOW).as_deref(), Some("c"));
}

#[test]
fn a_model_an_account_was_refused_for_is_asked_of_others_only() {
    let mut pool = pool(&["a", "b"]);
    pool.observe(&key("a"), &session("s"), Observation::Failed(&Verdict::bare(Class::UnsupportedModel)), NOW);

    assert_eq!(chosen(&mut pool, &session("s"), NOW).as_deref(), Some("b"));
    assert_eq!(pool.bar_of(&key("a"), &ask(), NOW), None, "other models are not concerned");
    assert_eq!(pool.bar_of(&key("a"), &session("s"), NOW + Span::minutes(31)), None);
}

#[test]
fn learnt_facts_survive_a_newer_roster_until_the_disk_says_otherwise() {
    let mut pool = pool(&["a", "b"]);
    pool.observe(&key("a"), &session("s"), Observation::Failed(&limit(Span::hours(1))), NOW);
    let learnt = pool.take_changes().now;

    // A change of somebody else comes back before ours was committed.
    let mut disk = roster(&["b", "a"]);
    disk.accounts[0].label = Some("renamed".to_owned());
    pool.replace(Arc::new(disk.clone()), Arc::new(Settings::default()), NOW);
    assert_eq!(pool.bar_of(&key("a"), &session("s"), NOW).map(Bar::word), Some("rate-limited"));
    assert_eq!(pool.account(&key("b")).unwrap().label.as_deref(), Some("renamed"));
    assert!(pool.pulse(NOW).accounts[&key("a")].health < 100.0, "trackers stay");

    // Ours is on disk now.
    for change in &learnt {
        disk.apply(change);
    }
    pool.replace(Arc::new(disk.clone()), Arc::new(Settings::default()), NOW);
    assert!(pool.bar_of(&key("a"), &session("s"), NOW).is_some());

    // And somebody lifted it.
    disk.apply(&Change::Recovered { key: key("a") });
    pool.replace(Arc::new(disk), Arc::new(Settings::default()), NOW);
    assert_eq!(pool.bar_of(&key("a"), &session("s"), NOW), None);
}

#[test]
fn a_choice_of_the_user_frees_every_session() {
    let mut pool = pool(&["a", "b"]);
    let thread = session("thread");
    pool.remember(thread.session.as_ref().unwrap(), &key("a"), NOW);
    let mut disk = roster(&["a", "b"]);
    disk.apply(&Change::Selected {
        key: key("b"),
        reason: crate::domain::account::SwitchReason::Manual,
        pin: Pin::Set,
        at: NOW,
    });

    pool.replace(Arc::new(disk), Arc::new(Settings::default()), NOW);

    assert_eq!(pool.owner(thread.session.as_ref().unwrap(), NOW), None);
    assert_eq!(chosen(&mut pool, &thread, NOW).as_deref(), Some("b"));
}

#[test]
fn accounts_may_come_and_go_while_requests_run() {
    let mut pool = pool(&["a", "b"]);
    pool.choose(&ask(), NOW, &mut rng());
    pool.replace(Arc::new(roster(&["b", "c"])), Arc::new(Settings::default()), NOW);

    pool.release(&key("a"), &session("s"));
    pool.observe(&key("a"), &ask(), Observation::Succeeded, NOW);
    assert_eq!(pool.len(), 2);
    assert_eq!(pool.bar_of(&key("a"), &ask(), NOW).map(Bar::word), Some("missing"));
    assert!(chosen(&mut pool, &ask(), NOW).is_some());
}

#[test]
fn only_what_changed_waits_for_the_store() {
    let mut pool = pool(&["a", "b"]);
    assert_eq!(pool.take_changes(), Due::default());
    pool.choose(&ask(), NOW, &mut rng());
    pool.choose(&ask(), NOW, &mut rng());

    let due = pool.take_changes();
    assert_eq!(due.now, []);
    assert_eq!(due.soon.len(), 2, "{due:?}");
    assert_eq!(pool.take_changes(), Due::default());
}

#[test]
fn an_account_gets_ready_step_by_step() {
    let mut bare = roster(&["one"]);
    bare.accounts[0].credentials.access = None;
    let mut pool = Pool::new(Arc::new(bare), Arc::new(Settings::default()), NOW);
    assert!(matches!(pool.readiness(&key("one"), NOW), Readiness::Refresh(_)));

    let renewed = |token: &str| {
        let access = Some(Secret::new(token));
        Outcome::Renewed(Box::new(Credentials { access, ..Account::sample("one").credentials }))
    };
    pool.renewed(&key("one"), &renewed("at_1"), NOW);
    assert_eq!(pool.readiness(&key("one"), NOW), Readiness::Discover);

    pool.routed(&key("one"), Routing { origin: None, over: Some("us".to_owned()), checked_at: NOW }, NOW);
    let Readiness::Ready(pass) = pool.readiness(&key("one"), NOW) else { panic!("not ready") };
    assert_eq!(
        (pass.token, pass.workspace.as_str(), pass.over.as_deref()),
        (Secret::new("at_1"), "ws-one", Some("us"))
    );
    assert_eq!(pool.readiness(&key("one"), NOW + Span::minutes(61)), Readiness::Discover);

    assert_eq!(pool.refused(&key("one"), &Secret::new("at_0"), NOW), Recovery::Resend);
    assert_eq!(pool.refused(&key("one"), &Secret::new("at_1"), NOW), Recovery::Refresh);
    assert!(matches!(pool.readiness(&key("one"), NOW), Readiness::Refresh(_)));
    pool.renewed(&key("one"), &renewed("at_2"), NOW);
    assert_eq!(pool.refused(&key("one"), &Secret::new("at_2"), NOW), Recovery::GiveUp);
}

#[test]
fn a_discovery_without_an_answer_keeps_a_known_constraint() {
    let mut constrained = roster(&["one"]);
    let old = NOW - Span::hours(5);
    constrained.accounts[0].routing =
        Some(Routing { origin: Some("https://eu".to_owned()), over: None, checked_at: old });
    let mut pool = Pool::new(Arc::new(constrained), Arc::new(Settings::default()), NOW);
    assert_eq!(pool.readiness(&key("one"), NOW), Readiness::Discover);

    pool.not_routed(&key("one"), &ask(), Unroutable::Unknown, NOW);

    let Readiness::Ready(pass) = pool.readiness(&key("one"), NOW) else { panic!("not ready") };
    assert_eq!(pass.origin.as_deref(), Some("https://eu"));
    assert_eq!(pool.readiness(&key("one"), NOW + Span::seconds(61)), Readiness::Discover);
}

#[test]
fn an_exhausted_pool_tells_the_first_return_and_its_class() {
    let mut pool = pool(&["a", "b", "c"]);
    pool.observe(&key("a"), &ask(), Observation::Failed(&limit(Span::hours(2))), NOW);
    pool.observe(&key("b"), &ask(), Observation::Failed(&limit(Span::hours(1))), NOW);
    pool.note_quota(&key("b"), snapshot(100.0, 3_600, NOW));
    pool.observe(&key("c"), &ask(), Observation::Failed(&Verdict::bare(Class::AuthInvalidated)), NOW);

    let shortage = pool.exhaustion(&ask(), NOW);
    assert_eq!((shortage.class, shortage.reason), (Shortage::Final, "rate-limit"));
    assert_eq!(shortage.returns_at, Some(NOW + Span::hours(1)));
    assert_eq!(shortage.skips, [(0, "rate-limited"), (1, "rate-limited"), (2, "auth-invalidated")]);
    assert_eq!(shortage.plan.as_deref(), Some("plus"));
    assert!(shortage.quota.is_some());

    let mut brief = super::tests::pool(&["a"]);
    brief.observe(&key("a"), &ask(), Observation::Failed(&Verdict::bare(Class::ServerError)), NOW);
    let shortage = brief.exhaustion(&ask(), NOW);
    assert_eq!((shortage.class, shortage.returns_at), (Shortage::Transient, Some(NOW + Span::seconds(4))));
}

#[test]
fn a_limited_pool_still_lists_its_models() {
    let mut pool = pool(&["a", "b"]);
    for name in ["a", "b"] {
        pool.observe(&key(name), &ask(), Observation::Failed(&limit(Span::hours(1))), NOW);
    }

    assert_eq!(pool.peek(&ask(), NOW, &mut rng()).chosen, None);
    assert_eq!(pool.peek_for_listing(&ask(), NOW, &mut rng()).chosen, Some(key("a")));
    let tried = Ask { tried: BTreeSet::from([key("a"), key("b")]), ..ask() };
    assert_eq!(pool.peek_for_listing(&tried, NOW, &mut rng()).chosen, None);
}

#[test]
fn trouble_at_the_token_endpoint_is_waited_out() {
    let mut pool = pool(&["a"]);
    let outcome = Outcome::Transient { wait: Span::seconds(30), why: "503".to_owned() };
    pool.observe(&key("a"), &ask(), Observation::NotRefreshed(&outcome), NOW);

    assert_eq!(pool.exhaustion(&ask(), NOW).class, Shortage::Transient);
}

#[test]
fn detours_of_a_session_are_counted_and_run_out() {
    let mut pool = pool(&["a", "b"]);
    let thread = SessionKey::of("thread");
    for _ in 0..4 {
        assert!(pool.may_detour(&thread, NOW));
        pool.detour(&thread, Some(&key("a")), NOW);
    }
    assert!(!pool.may_detour(&thread, NOW));
    assert_eq!(pool.detoured(&thread, NOW), BTreeSet::from([key("a")]));

    assert!(pool.may_detour(&thread, NOW + Span::seconds(61)));
    assert_eq!(pool.detoured(&thread, NOW + Span::seconds(61)), BTreeSet::new());
    pool.arrived(&thread);
    assert!(pool.may_detour(&thread, NOW));
}

#[test]
fn a_reset_forgets_troubles_and_keeps_limits() {
    let mut pool = pool(&["a", "b"]);
    pool.observe(&key("a"), &ask(), Observation::Failed(&Verdict::bare(Class::Network)), NOW);
    pool.observe(&key("b"), &ask(), Observation::Failed(&limit(Span::hours(1))), NOW);

    pool.reset(NOW);

    assert_eq!(skips(&pool.explain(&ask(), NOW, &mut rng())), [None, Some("rate-limited")]);
    assert!((pool.pulse(NOW).accounts[&key("a")].health - 100.0).abs() < 1e-9);
}

fn ruled(pool: &mut Pool, policies: &[(&str, AccountPolicy)]) {
    let of = |name: &str| crate::domain::policy::account::key(Some(&format!("ws-{name}")), None);
    let policies = policies.iter().map(|(name, policy)| (of(name), policy.clone())).collect();
    pool.set_policies(Arc::new(Policies(policies)));
}

fn paused() -> AccountPolicy {
    AccountPolicy { paused: true, ..AccountPolicy::default() }
}

fn drained() -> AccountPolicy {
    AccountPolicy { drained: true, ..AccountPolicy::default() }
}

#[test]
fn a_paused_account_serves_nothing_and_a_drained_one_only_what_is_on_it() {
    let mut pool = pool(&["one", "two"]);
    let (old, new) = (session("old"), session("new"));
    pool.touch_bond(old.session.as_ref().unwrap(), &key("one"), NOW);

    ruled(&mut pool, &[("one", drained())]);
    assert_eq!(chosen(&mut pool, &old, NOW).as_deref(), Some("one"));
    assert_eq!(chosen(&mut pool, &new, NOW).as_deref(), Some("two"));
    assert_eq!(chosen(&mut pool, &ask(), NOW).as_deref(), Some("two"));

    ruled(&mut pool, &[("one", paused())]);
    assert_eq!(chosen(&mut pool, &old, NOW).as_deref(), Some("two"));
    assert_eq!(skips(&pool.explain(&ask(), NOW, &mut rng())), [Some("policy: paused"), None]);

    let both = AccountPolicy { drained: true, ..paused() };
    ruled(&mut pool, &[("one", both), ("two", drained())]);
    let decision = pool.explain(&ask(), NOW, &mut rng());
    assert_eq!(skips(&decision), [Some("policy: paused, drained"), Some("policy: drained")]);
    assert!(pool.is_held_back(&ask(), NOW));
    assert_eq!(pool.exhaustion(&ask(), NOW).returns_at, None, "no waiting helps");

    ruled(&mut pool, &[]);
    assert!(chosen(&mut pool, &ask(), NOW).is_some() && !pool.is_held_back(&ask(), NOW));
}

#[test]
fn a_pool_that_is_also_short_of_quota_is_not_blamed_on_the_policy() {
    let mut pool = pool(&["one", "two"]);
    pool.note_quota(&key("two"), snapshot(100.0, 3_600, NOW));
    ruled(&mut pool, &[("one", paused())]);

    assert!(!pool.is_held_back(&ask(), NOW));
    assert_eq!(pool.exhaustion(&ask(), NOW).returns_at, Some(NOW + Span::hours(1)));
}

#[test]
fn a_pin_on_a_paused_account_is_trouble_and_never_another_account() {
    let mut pool = pool(&["one", "two"]);
    ruled(&mut pool, &[("two", paused())]);
    let mut pinned = roster(&["one", "two"]);
    pinned.pin = Some(key("two"));
    pool.replace(Arc::new(pinned), Arc::default(), NOW);

    assert_eq!(chosen(&mut pool, &ask(), NOW), None, "policies hold through a new roster");
    assert_eq!(pool.pin_trouble(&ask(), NOW).unwrap().skips, [(1, "policy: paused")]);
}

#[test]
fn weight_tips_the_balance_between_equals() {
    for (weights, expected) in [((1.0, 10.0), "two"), ((10.0, 1.0), "one"), ((1.0, 0.0), "one")] {
        let mut pool = pool(&["one", "two"]);
        let weighing = |weight| AccountPolicy { weight, ..AccountPolicy::default() };
        ruled(&mut pool, &[("one", weighing(weights.0)), ("two", weighing(weights.1))]);

        assert_eq!(chosen(&mut pool, &ask(), NOW).as_deref(), Some(expected), "{weights:?}");
    }
}

#[test]
fn a_kept_decision_run_again_gives_the_same_account_under_every_strategy() {
    for strategy in Strategy::ALL {
        let settings = Settings { strategy, ..Settings::default() };
        let mut pool = pool_with(&["one", "two", "three"], settings);
        let mut asks = vec![ask(), session("a"), session("b"), session("a"), ask()];
        asks.push(Ask { tried: [key("one")].into(), ..ask() });
        for (number, ask) in asks.into_iter().enumerate() {
            let now = NOW + Span::seconds(i64::try_from(number).unwrap());
            let kept = pool.recall(7, &ask, None, now, &mut rng()).unwrap();

            let choice = pool.choose(&ask, now, &mut rng());
            if let (Some(session), Some(key)) = (&ask.session, &choice.chosen) {
                pool.remember(session, key, now);
            }

            let again = kept.again(&crate::domain::selection::replay::WhatIf::default());
            assert_eq!(again, choice.chosen.as_ref(), "{} {number}", strategy.word());
        }
    }
}
