//! The six strategies on tables of pools, and when a session stays, moves or is passed on (runtime.md §7.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_multi_auth::base::{Moment, Percent, Span};
use codex_multi_auth::domain::account::{Account, AccountKey};
use codex_multi_auth::domain::chance;
use codex_multi_auth::domain::facts::TurnTokens;
use codex_multi_auth::domain::failure::{Class, Verdict};
use codex_multi_auth::domain::policy::account::{AccountPolicy, Policies, keys};
use codex_multi_auth::domain::pool::{Observation, Pool};
use codex_multi_auth::domain::quota::snapshot::{Snapshot, Source};
use codex_multi_auth::domain::quota::window::Window;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::explain::Rule;
use codex_multi_auth::domain::selection::{Ask, SessionKey, Strategy};
use codex_multi_auth::domain::settings::Settings;
use pretty_assertions::assert_eq;

const NOW: Moment = Moment::from_secs(1_795_360_095);

/// One account of a table: its name, what is used of its short and long window, when the long one begins anew, its
/// weight and how long ago it was used.
#[derive(Debug, Clone, Copy)]
struct Row {
    name: &'static str,
    used: Option<(f64, f64)>,
    resets_in: Option<Span>,
    weight: f64,
    idle: Span,
}

const fn row(name: &'static str) -> Row {
    Row { name, used: None, resets_in: None, weight: 1.0, idle: Span::hours(1) }
}

fn key(name: &str) -> AccountKey {
    Account::sample(name).key
}

fn name(key: &AccountKey) -> String {
    key.as_str().trim_start_matches("record:").to_owned()
}

fn window(used: f64, minutes: u32, resets_at: Option<Moment>) -> Window {
    Window { used: Some(Percent::new(used)), minutes: Some(minutes), resets_at, seen: None }
}

fn pool(strategy: Strategy, rows: &[Row]) -> Pool {
    let accounts: Vec<Account> = rows
        .iter()
        .map(|row| {
            let mut account = Account::sample(row.name);
            account.last_used = NOW - row.idle;
            account
        })
        .collect();
    let policies: BTreeMap<String, AccountPolicy> = accounts
        .iter()
        .zip(rows)
        .filter_map(|(account, row)| {
            let policy = AccountPolicy { weight: row.weight, ..AccountPolicy::default() };
            Some((keys(account).into_iter().next()?, policy))
        })
        .collect();
    let settings = Settings { strategy, ..Settings::default() };
    let mut pool = Pool::new(Arc::new(Roster { accounts, ..Roster::default() }), Arc::new(settings), NOW);
    pool.set_policies(Arc::new(Policies(policies)));
    for row in rows {
        if let Some((short, long)) = row.used {
            let snapshot = Snapshot {
                primary: Some(window(short, 300, Some(NOW + Span::hours(4)))),
                secondary: Some(window(long, 10_080, row.resets_in.map(|wait| NOW + wait))),
                plan: None,
                limit_id: None,
                credits: None,
                status: 200,
                model: None,
                at: NOW,
                source: Source::Usage,
                ..Snapshot::default()
            };
            pool.note_quota(&key(row.name), snapshot);
        }
    }
    pool
}

fn of(session: &str) -> Ask {
    Ask::of(Some(SessionKey::of(session)), Some("gpt-5.5".to_owned()))
}

/// Who serves, with the request over at once.
fn serve(pool: &mut Pool, ask: &Ask, at: Moment) -> Option<String> {
    let choice = pool.choose(ask, at, &mut chance::seeded(1));
    let key = choice.chosen?;
    pool.release(&key, ask);
    Some(name(&key))
}

/// The whole order of a pool: each is asked for with the earlier ones out of the way.
fn order(strategy: Strategy, rows: &[Row]) -> Vec<String> {
    let pool = pool(strategy, rows);
    let mut ask = Ask::plain();
    let mut names = Vec::new();
    while let Some(key) = pool.peek(&ask, NOW, &mut chance::seeded(1)).chosen {
        names.push(name(&key));
        ask.tried.insert(key);
    }
    names
}

#[test]
fn every_strategy_has_its_order() {
    let days = |days| Some(Span::days(days));
    let mixed = [
        Row { used: Some((10.0, 80.0)), resets_in: days(6), ..row("a") },
        Row { used: Some((70.0, 10.0)), resets_in: days(1), weight: 3.0, ..row("b") },
        Row { used: Some((20.0, 30.0)), resets_in: days(3), idle: Span::hours(9), ..row("c") },
        Row { idle: Span::minutes(5), ..row("d") },
    ];
    let low = [
        Row { used: Some((10.0, 96.0)), resets_in: Some(Span::hours(2)), ..row("a") },
        Row { used: Some((10.0, 10.0)), resets_in: days(5), ..row("b") },
        Row { used: Some((10.0, 20.0)), resets_in: None, ..row("c") },
    ];
    let equal = [row("a"), row("b"), row("c")];
    let table: [(&str, Strategy, &[Row], &[&str]); 12] = [
        ("weight and rest decide between healthy ones", Strategy::Hybrid, &mixed, &["c", "b", "a", "d"]),
        ("in the order of the pool", Strategy::Sequential, &mixed, &["a", "b", "c", "d"]),
        ("what expires first", Strategy::SoonestResetFirst, &mixed, &["b", "c", "a", "d"]),
        (
            "the tighter window counts, unknown is half",
            Strategy::MostRemaining,
            &mixed,
            &["c", "d", "b", "a"],
        ),
        ("who waited longest", Strategy::RoundRobin, &mixed, &["c", "b", "a", "d"]),
        ("the heaviest, then in order", Strategy::FillFirst, &mixed, &["b", "a", "c", "d"]),
        ("who is nearly empty comes last of all", Strategy::SoonestResetFirst, &low, &["b", "c", "a"]),
        ("also by what is left", Strategy::MostRemaining, &low, &["b", "c", "a"]),
        ("also in a row", Strategy::Sequential, &low, &["b", "c", "a"]),
        ("equals by their place", Strategy::Hybrid, &equal, &["a", "b", "c"]),
        ("also here", Strategy::SoonestResetFirst, &equal, &["a", "b", "c"]),
        ("and here", Strategy::RoundRobin, &equal, &["a", "b", "c"]),
    ];
    for (why, strategy, rows, expected) in table {
        assert_eq!(order(strategy, rows), expected, "{}: {why}", strategy.word());
    }
}

#[test]
fn round_robin_gives_new_sessions_out_in_turn_and_old_ones_keep_their_place() {
    let mut pool = pool(Strategy::RoundRobin, &[row("a"), row("b"), row("c")]);
    let mut given = Vec::new();
    for number in 0..6 {
        let ask = of(&number.to_string());
        let at = NOW + Span::seconds(number);
        let served = serve(&mut pool, &ask, at).unwrap();
        pool.remember(&SessionKey::of(&number.to_string()), &key(&served), at);
        given.push(served);
        assert_eq!(serve(&mut pool, &of("0"), at).as_deref(), Some("a"), "the first session stays");
    }

    assert_eq!(given, ["a", "b", "c", "a", "b", "c"]);
}

#[test]
fn fill_first_returns_to_the_top_and_sequential_does_not() {
    for (strategy, back_to) in [(Strategy::FillFirst, "a"), (Strategy::Sequential, "b")] {
        let mut pool = pool(strategy, &[row("a"), row("b")]);
        assert_eq!(serve(&mut pool, &Ask::plain(), NOW).as_deref(), Some("a"));
        let limit = Verdict { wait: Some(Span::hours(1)), ..Verdict::bare(Class::UsageLimit) };
        pool.observe(&key("a"), &Ask::plain(), Observation::Failed(&limit), NOW);
        assert_eq!(serve(&mut pool, &Ask::plain(), NOW).as_deref(), Some("b"));

        let later = NOW + Span::hours(2);
        assert_eq!(serve(&mut pool, &Ask::plain(), later).as_deref(), Some(back_to), "{}", strategy.word());
    }
}

#[test]
fn a_new_strategy_holds_from_the_next_decision() {
    let rows = [
        Row { used: Some((90.0, 10.0)), resets_in: Some(Span::days(1)), ..row("a") },
        Row { used: Some((10.0, 10.0)), resets_in: Some(Span::days(5)), ..row("b") },
    ];
    let mut pool = pool(Strategy::SoonestResetFirst, &rows);
    assert_eq!(serve(&mut pool, &of("one"), NOW).as_deref(), Some("a"));

    let settings = Settings { strategy: Strategy::MostRemaining, ..Settings::default() };
    let accounts = rows.iter().map(|row| Account::sample(row.name)).collect();
    pool.replace(Arc::new(Roster { accounts, ..Roster::default() }), Arc::new(settings), NOW);

    let told = pool.explain(&of("two"), NOW, &mut chance::seeded(1));
    assert_eq!((told.strategy, told.rule), (Strategy::MostRemaining, Rule::Strategy));
    assert_eq!(serve(&mut pool, &of("two"), NOW).as_deref(), Some("b"));
}

#[test]
fn parallel_requests_without_a_session_spread_and_follow_ups_stick() {
    let mut pool = pool(Strategy::Hybrid, &[row("a"), row("b"), row("c")]);
    pool.observe(&key("b"), &Ask::plain(), Observation::Succeeded, NOW);
    let at = NOW + Span::seconds(1);
    assert_eq!(serve(&mut pool, &Ask::plain(), at).as_deref(), Some("b"), "a follow-up");

    let mut served: Vec<String> = (0..6)
        .filter_map(|_| pool.choose(&Ask::plain(), at, &mut chance::seeded(1)).chosen)
        .map(|key| name(&key))
        .collect();
    served.sort();

    assert_eq!(served, ["a", "a", "b", "b", "c", "c"]);
}

/// A pool in which session `s` sits on `a` since [`NOW`] and `b` looks better by 40 points.
fn tempted(strategy: Strategy, cached: u64, reasoning: u64) -> Pool {
    let mut pool = pool(strategy, &[row("a"), Row { idle: Span::hours(2), ..row("b") }]);
    pool.remember(&SessionKey::of("s"), &key("a"), NOW);
    let tokens = TurnTokens { cached, reasoning, ..TurnTokens::default() };
    pool.note_tokens(&SessionKey::of("s"), Some(tokens));
    pool.observe(&key("a"), &of("s"), Observation::Failed(&Verdict::bare(Class::Contention)), NOW);
    pool
}

#[test]
fn a_session_moves_for_preference_only_when_it_pays_and_not_before_its_dwell() {
    // A failure cost the old account 2 × 20 points; five minutes later a third of a point has come back.
    let dwelt = NOW + Span::seconds(300);
    let just_before = dwelt - Span::millis(1);
    for (why, strategy, cached, reasoning, at, expected) in [
        ("it pays", Strategy::Hybrid, 20_000, 0, dwelt, "b"),
        ("the cache is worth more", Strategy::Hybrid, 45_000, 0, dwelt, "a"),
        ("it has not been there long enough", Strategy::Hybrid, 20_000, 0, just_before, "a"),
        ("its history is readable there only", Strategy::Hybrid, 20_000, 64, dwelt, "a"),
        ("this strategy never moves", Strategy::FillFirst, 0, 0, dwelt, "a"),
        ("round-robin compares scores, too", Strategy::RoundRobin, 20_000, 0, dwelt, "b"),
    ] {
        let mut pool = tempted(strategy, cached, reasoning);
        assert_eq!(serve(&mut pool, &of("s"), at).as_deref(), Some(expected), "{why}");
    }
}

#[test]
fn a_session_with_a_turn_in_flight_or_a_compaction_of_its_own_stays() {
    let at = NOW + Span::minutes(6);
    let mut busy = tempted(Strategy::Hybrid, 0, 0);
    busy.begin(&key("a"), &of("s"), at);
    assert_eq!(serve(&mut busy, &of("s"), at).as_deref(), Some("a"));
    busy.release(&key("a"), &of("s"));
    assert_eq!(serve(&mut busy, &of("s"), at).as_deref(), Some("b"));

    let mut compacted = tempted(Strategy::Hybrid, 0, 0);
    compacted.touch_bond(&SessionKey::of("s"), &key("a"), NOW).compaction = Some(key("a"));
    assert_eq!(serve(&mut compacted, &of("s"), at).as_deref(), Some("a"));
}

#[test]
fn a_moved_session_never_bounces_back_within_its_dwell() {
    let mut pool = tempted(Strategy::Hybrid, 0, 0);
    let moved_at = NOW + Span::minutes(5);
    assert_eq!(serve(&mut pool, &of("s"), moved_at).as_deref(), Some("b"));
    pool.remember(&SessionKey::of("s"), &key("b"), moved_at);
    // Now the other one looks worse, over and over.
    for seconds in 0..299 {
        let at = moved_at + Span::seconds(seconds);
        if seconds % 100 == 0 {
            pool.observe(&key("b"), &of("s"), Observation::Failed(&Verdict::bare(Class::Contention)), at);
        }
        assert_eq!(serve(&mut pool, &of("s"), at).as_deref(), Some("b"), "after {seconds} s");
    }
}

#[test]
fn the_sessions_of_a_lost_account_are_passed_on_one_by_one() {
    let rows = ["a", "b", "c", "d"].map(row);
    let mut pool = pool(Strategy::MostRemaining, &rows);
    let sessions: Vec<String> = (0..40).map(|number| format!("s{number}")).collect();
    for session in &sessions {
        pool.remember(&SessionKey::of(session), &key("a"), NOW);
    }
    let limit = Verdict { wait: Some(Span::hours(1)), ..Verdict::bare(Class::UsageLimit) };
    pool.observe(&key("a"), &of("s0"), Observation::Failed(&limit), NOW);

    let at_once: Vec<String> =
        sessions.iter().take(3).filter_map(|session| serve(&mut pool, &of(session), NOW)).collect();
    let again = serve(&mut pool, &of("s1"), NOW);
    let half_a_second_later = NOW + Span::millis(500);
    let then: Vec<String> = sessions
        .iter()
        .skip(3)
        .take(6)
        .filter_map(|session| serve(&mut pool, &of(session), half_a_second_later))
        .collect();
    let crowd: Vec<String> = sessions
        .iter()
        .skip(9)
        .filter_map(|session| serve(&mut pool, &of(session), half_a_second_later))
        .collect();
    let after_the_ramp = serve(&mut pool, &of("s39"), NOW + Span::seconds(31));

    assert_eq!(at_once, ["b", "c", "d"], "the second and third go past the first successor");
    assert_eq!(again.as_deref(), Some("c"), "who was passed on stays there");
    assert_eq!(then, ["b", "b", "c", "c", "d", "d"], "two more each");
    assert_eq!(crowd.len(), 31, "nobody is turned away");
    let most = ["b", "c", "d"].map(|name| crowd.iter().filter(|one| *one == name).count());
    assert_eq!(most, [11, 10, 10], "beyond their shares they are filled evenly");
    assert!(after_the_ramp.is_some());
}

#[test]
fn a_forced_leave_ignores_dwell_and_price() {
    let mut pool = tempted(Strategy::Hybrid, 200_000, 900);
    let limit = Verdict { wait: Some(Span::hours(1)), ..Verdict::bare(Class::UsageLimit) };
    pool.observe(&key("a"), &of("s"), Observation::Failed(&limit), NOW);

    assert_eq!(serve(&mut pool, &of("s"), NOW).as_deref(), Some("b"));
}
