//! Profiles and budgets as the engine obeys them (runtime.md §16).

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_multi_auth::base::{Moment, Span};
use codex_multi_auth::domain::account::{Account, AccountKey};
use codex_multi_auth::domain::chance;
use codex_multi_auth::domain::facts::TurnTokens;
use codex_multi_auth::domain::policy::account::{AccountPolicy, Policies, keys};
use codex_multi_auth::domain::policy::budget::{self, Limit, Window};
use codex_multi_auth::domain::policy::compose::{Cause, Rules};
use codex_multi_auth::domain::policy::profile::Profile;
use codex_multi_auth::domain::pool::Pool;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::Ask;
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::domain::usage::entry::{Ending, Entry, Operation};
use codex_multi_auth::domain::usage::pricing::Prices;
use codex_multi_auth::domain::usage::tally::Growth;
use codex_multi_auth::domain::usage::window::Whose;
use codex_multi_auth::proxy::refusal::Refusal;
use pretty_assertions::assert_eq;

/// Ten past noon on a Sunday, UTC.
const NOW: Moment = Moment::from_secs(1_795_954_200);

fn limit(key: &str, tokens: u64) -> Limit {
    Limit {
        key: budget::key(key).unwrap(),
        window: Window::Hour,
        requests: None,
        tokens: Some(tokens),
        cost: None,
        updated_at: Moment::EPOCH,
    }
}

fn profile(project: &str) -> Profile {
    Profile {
        project_key: project.to_owned(),
        project_name: project.to_owned(),
        identity_root: String::new(),
        preferred_tags: Vec::new(),
        avoid_tags: Vec::new(),
        models_allowed: Vec::new(),
        models_denied: Vec::new(),
        weights: BTreeMap::new(),
        budget_key: None,
        updated_at: Moment::EPOCH,
    }
}

fn rules(limits: Vec<Limit>, profiles: Vec<Profile>) -> Rules {
    Rules {
        budgets: limits.into_iter().map(|limit| (limit.key.clone(), limit)).collect(),
        profiles: profiles.into_iter().map(|profile| (profile.project_key.clone(), profile)).collect(),
        prices: Prices::default(),
    }
}

/// Accounts `a` and `b`; `b` carries the tag `work`.
fn pool(rules: Rules) -> Pool {
    let accounts: Vec<Account> = ["a", "b"].map(Account::sample).to_vec();
    let tagged = AccountPolicy { tags: vec!["work".to_owned()], ..AccountPolicy::default() };
    let policies = Policies([(keys(&accounts[1]).remove(0), tagged)].into());
    let roster = Roster { accounts, ..Roster::default() };
    let mut pool = Pool::new(Arc::new(roster), Arc::new(Settings::default()), NOW);
    pool.set_policies(Arc::new(policies));
    pool.set_rules(Ok(rules));
    pool
}

fn row(id: &str, account: &str, project: Option<&str>, tokens: u64) -> Entry {
    let whose = Whose::of(&Account::sample(account));
    Entry {
        id: id.to_owned(),
        at: NOW,
        source: "runtime-proxy".to_owned(),
        operation: Operation::Responses,
        ending: Ending::Success,
        model: Some("gpt-5.5".to_owned()),
        project: project.map(str::to_owned),
        account_hash: whose.account,
        email_hash: whose.email,
        index: None,
        request: None,
        status: Some(200),
        error: None,
        took: None,
        tokens: TurnTokens { total: tokens, input: tokens, ..TurnTokens::default() },
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
}

fn ask(project: Option<&str>, model: &str) -> Ask {
    Ask { project: project.map(str::to_owned), ..Ask::of(None, Some(model.to_owned())) }
}

fn served(pool: &Pool, ask: &Ask, at: Moment) -> Option<AccountKey> {
    pool.peek(ask, at, &mut chance::seeded(1)).chosen
}

fn key(name: &str) -> AccountKey {
    Account::sample(name).key
}

#[test]
fn a_budget_stops_what_it_is_about_at_its_limit_and_opens_again_with_the_next_window() {
    let shop = || ask(Some("shop-1"), "gpt-5.5");
    let other = || ask(Some("other-2"), "gpt-5.5");
    let mini = || ask(Some("shop-1"), "gpt-5-mini");
    for (budget, stopped, free) in [
        ("global", vec![shop(), other(), mini()], vec![]),
        ("project:shop-1", vec![shop(), mini()], vec![other()]),
        ("model:gpt-5.5", vec![shop(), other()], vec![mini()]),
    ] {
        let mut pool = pool(rules(vec![limit(budget, 100)], Vec::new()));
        pool.spend(Some(&row("1", "a", Some("shop-1"), 99)), NOW);
        for ask in stopped.iter().chain(&free) {
            assert!(served(&pool, ask, NOW).is_some(), "{budget}: not reached yet");
        }

        pool.spend(Some(&row("2", "b", Some("shop-1"), 1)), NOW);

        for ask in &stopped {
            assert_eq!(served(&pool, ask, NOW), None, "{budget} {ask:?}");
            let refusal = Refusal::ruled(&pool.ruled_out(ask, NOW).unwrap(), NOW);
            assert_eq!((refusal.status, refusal.code), (429, "budget_blocked"));
            assert!(refusal.is_final());
            assert!(served(&pool, ask, NOW + Span::hours(1)).is_some(), "{budget}: a new window");
        }
        for ask in &free {
            assert!(
                served(&pool, ask, NOW).is_some() && pool.ruled_out(ask, NOW).is_none(),
                "{budget} {ask:?}"
            );
        }
    }
}

#[test]
fn a_budget_of_an_account_or_a_tag_keeps_only_those_out() {
    let account = format!("account:{}", Account::sample("b").key.as_str());
    for budget in [account.as_str(), "tag:work"] {
        let mut pool = pool(rules(vec![limit(budget, 100)], Vec::new()));
        pool.spend(Some(&row("1", "a", None, 500)), NOW);
        assert!(pool.bar_of(&key("b"), &Ask::plain(), NOW).is_none(), "{budget}");

        pool.spend(Some(&row("2", "b", None, 100)), NOW);

        let told = pool.explain(&Ask::plain(), NOW, &mut chance::seeded(1));
        let skip = told.candidates[1].skip.as_ref().unwrap();
        assert_eq!((skip.reason.as_str(), skip.until), ("policy: budget", Some(Window::Hour.end(NOW))));
        assert_eq!(told.chosen, Some(key("a")), "{budget}");
        let only = Ask { tried: [Account::sample("a").key].into(), ..Ask::plain() };
        assert_eq!(served(&pool, &only, NOW), None);
    }
}

#[test]
fn when_every_account_is_over_its_budget_the_request_is() {
    let budgets = ["a", "b"].map(|name| limit(&format!("account:{}", Account::sample(name).key.as_str()), 1));
    let mut pool = pool(rules(budgets.to_vec(), Vec::new()));
    pool.spend(Some(&row("1", "a", None, 1)), NOW);
    assert_eq!(pool.ruled_out(&Ask::plain(), NOW), None);
    pool.spend(Some(&row("2", "b", None, 1)), NOW);

    let ruling = pool.ruled_out(&Ask::plain(), NOW).unwrap();

    assert_eq!(ruling.cause, Cause::Budget(Window::Hour.end(NOW)));
}

#[test]
fn a_profile_names_a_budget_that_counts_its_projects_only() {
    let named = |project: &str| Profile { budget_key: Some("Team Daily".to_owned()), ..profile(project) };
    let mut pool =
        pool(rules(vec![limit("team daily", 100)], vec![named("one-1"), named("two-2"), profile("free-3")]));
    pool.spend(Some(&row("1", "a", Some("free-3"), 900)), NOW);
    assert!(served(&pool, &ask(Some("one-1"), "gpt-5.5"), NOW).is_some());

    pool.spend(Some(&row("2", "a", Some("two-2"), 100)), NOW);

    assert_eq!(served(&pool, &ask(Some("one-1"), "gpt-5.5"), NOW), None);
    assert!(served(&pool, &ask(Some("free-3"), "gpt-5.5"), NOW).is_some());
    assert!(served(&pool, &ask(None, "gpt-5.5"), NOW).is_some());
}

#[test]
fn a_profile_allows_and_denies_models_and_weighs_accounts() {
    let strict = Profile {
        models_allowed: vec!["gpt-5".to_owned()],
        models_denied: vec!["mini".to_owned()],
        preferred_tags: vec!["work".to_owned()],
        ..profile("one-1")
    };
    let pool = pool(rules(Vec::new(), vec![strict]));

    for (project, model, expected) in [
        (Some("one-1"), "GPT-5.5", Some(key("b"))),
        (Some("one-1"), "gpt-5-mini", None),
        (Some("one-1"), "o3", None),
        (Some("two-2"), "o3", Some(key("a"))),
        (None, "gpt-5.5", Some(key("a"))),
    ] {
        assert_eq!(served(&pool, &ask(project, model), NOW), expected, "{project:?} {model}");
    }
    let unnamed = Ask { project: Some("one-1".to_owned()), ..Ask::plain() };
    assert_eq!(served(&pool, &unnamed, NOW), None, "a list of models lets no request without one pass");
    let refusal = Refusal::ruled(&pool.ruled_out(&unnamed, NOW).unwrap(), NOW);
    assert_eq!((refusal.status, refusal.code), (400, "policy_blocked"));
}

#[test]
fn rows_count_once_whether_this_process_or_the_ledger_tells_of_them() {
    let mut pool = pool(rules(vec![limit("global", 1_000)], Vec::new()));
    let (own, late, others) = (row("1", "a", None, 10), row("2", "a", None, 20), row("3", "b", None, 40));
    let blocked = Entry { ending: Ending::Blocked, ..row("4", "a", None, 999) };
    pool.spend(Some(&own), NOW);
    pool.spend(Some(&late), NOW);
    pool.spend(Some(&blocked), NOW);

    let anew = |rows: &[Entry]| {
        let growth = Growth::Rows(rows.to_vec());
        let recent = rows.iter().map(|row| row.id.clone()).collect();
        Growth::Anew { tally: growth.into_tally(&Prices::default()), recent }
    };
    let used = |pool: &Pool| (pool.budgets(NOW)[0].used.requests, pool.budgets(NOW)[0].used.tokens);

    pool.grow(anew(&[own.clone(), others.clone()]), NOW);
    assert_eq!(used(&pool), (3, 70), "one row is not written yet");

    pool.grow(Growth::Rows(vec![late.clone(), blocked.clone(), row("5", "b", None, 80)]), NOW);
    assert_eq!(used(&pool), (4, 150), "what is read on is ours, blocked, and somebody else's");

    pool.grow(anew(&[own, late, others, blocked, row("5", "b", None, 80)]), NOW);
    assert_eq!(used(&pool), (4, 150));
}

#[test]
fn a_budget_counts_what_was_used_before_it_was_set_and_follows_its_tag() {
    let mut pool = pool(rules(vec![limit("global", 1_000)], Vec::new()));
    pool.spend(Some(&row("1", "a", Some("shop-1"), 300)), NOW);
    pool.spend(Some(&row("2", "b", None, 40)), NOW);
    let used = |pool: &Pool| pool.budgets(NOW).iter().map(|one| one.used.tokens).collect::<Vec<_>>();

    pool.set_rules(Ok(rules(vec![limit("project:shop-1", 100), limit("tag:work", 100)], Vec::new())));
    assert_eq!(used(&pool), [300, 40], "{:?}", pool.budgets(NOW));

    let tagged = AccountPolicy { tags: vec!["work".to_owned()], ..AccountPolicy::default() };
    let both = ["a", "b"].map(|name| (keys(&Account::sample(name)).remove(0), tagged.clone()));
    pool.set_policies(Arc::new(Policies(both.into())));

    assert_eq!(used(&pool), [300, 340]);
}

#[test]
fn requests_under_way_count_as_if_they_had_ended() {
    let few = Limit { requests: Some(3), tokens: None, ..limit("global", 1) };
    let own = Limit { key: "tag:work".to_owned(), requests: Some(1), ..few.clone() };
    let mut pool = pool(rules(vec![few, own], Vec::new()));
    let mut went = Vec::new();
    while let Some(key) = pool.choose(&Ask::plain(), NOW, &mut chance::seeded(1)).chosen {
        went.push(key);
    }
    assert_eq!(went.len(), 3, "never more than the budget lets through: {went:?}");
    assert_eq!(went.iter().filter(|went| **went == key("b")).count(), 1, "one of them on the tagged account");
    assert_eq!(pool.budgets(NOW)[0].running, 3);

    let back = went.pop().unwrap();
    pool.release(&back, &Ask::plain());
    assert!(
        served(&pool, &Ask::plain(), NOW).is_some(),
        "one that never ended in a row lets another one through"
    );

    for (number, key) in went.iter().enumerate() {
        pool.release(key, &Ask::plain());
        pool.spend(Some(&row(&number.to_string(), "a", None, 1)), NOW);
    }
    assert_eq!((pool.budgets(NOW)[0].used.requests, pool.budgets(NOW)[0].running), (2, 0));
}

#[test]
fn a_key_of_a_local_client_has_a_budget_of_its_own() {
    let mut pool = pool(rules(vec![limit("token:key-1", 10)], Vec::new()));
    let of = |token: &str| Ask { token: Some(token.to_owned()), ..Ask::plain() };
    let mine = Entry { token: Some("key-1".to_owned()), ..row("1", "a", None, 10) };

    pool.spend(Some(&row("0", "a", None, 99)), NOW);
    assert!(served(&pool, &of("key-1"), NOW).is_some());
    pool.spend(Some(&mine), NOW);

    assert_eq!(served(&pool, &of("key-1"), NOW), None);
    assert!(served(&pool, &of("key-2"), NOW).is_some() && served(&pool, &Ask::plain(), NOW).is_some());
}

#[test]
fn rules_that_cannot_be_read_let_nothing_through_unless_older_ones_hold() {
    let why = || Err("budget-guards.json cannot be read (line 1)".to_owned());
    let mut fresh = Pool::new(Arc::new(Roster::default()), Arc::new(Settings::default()), NOW);
    let mut lasting = pool(rules(vec![limit("global", 10)], Vec::new()));
    fresh.replace(
        Arc::new(Roster { accounts: vec![Account::sample("a")], ..Roster::default() }),
        Arc::default(),
        NOW,
    );

    fresh.set_rules(why());
    lasting.set_rules(why());

    assert!(served(&lasting, &Ask::plain(), NOW).is_some(), "what was known before holds");
    assert_eq!(served(&fresh, &Ask::plain(), NOW), None);
    let refusal = Refusal::ruled(&fresh.ruled_out(&Ask::plain(), NOW).unwrap(), NOW);
    assert_eq!((refusal.status, refusal.code), (400, "runtime_policy_unavailable"));
    let body = String::from_utf8_lossy(&refusal.body).into_owned();
    assert!(body.contains("budget-guards.json") && body.contains("doctor"), "{body}");

    fresh.set_rules(Ok(Rules::default()));
    assert!(served(&fresh, &Ask::plain(), NOW).is_some(), "readable again");
}
