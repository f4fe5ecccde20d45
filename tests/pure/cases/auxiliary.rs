//! The stores beside the pool: what a reader makes of them, whole and damaged, and that a write keeps a damaged one.

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_multi_auth::adapters::shelf::{Changed, Shelf};
use codex_multi_auth::base::{Moment, Seldom};
use codex_multi_auth::domain::account::{Account, AccountKey};
use codex_multi_auth::domain::client_token::{self, ClientToken};
use codex_multi_auth::domain::policy::account::{AccountPolicy, Policies};
use codex_multi_auth::domain::policy::budget::Limit;
use codex_multi_auth::domain::policy::profile::Profile;
use codex_multi_auth::domain::quota::snapshot::Snapshot;
use codex_multi_auth::domain::quota::window::Window;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::shelf::{Found as Kept, State, Store as Shelved};
use codex_multi_auth::domain::usage::rollup::Figures;
use codex_multi_auth::formats::{client_tokens, policies};
use codex_multi_auth::ports::store::Store as _;
use serde_json::{Map, Value, json};

use super::{Ask, Found};
use crate::support::staged::Staged;

pub(super) async fn perform(staged: &Staged, ask: Ask<'_>) -> Found {
    let places = Arc::new(staged.places());
    let shelf = Shelf::new(Arc::clone(&places));
    if matches!(ask, Ask::Save) {
        let pause = AccountPolicy { paused: true, ..AccountPolicy::default() };
        let set = |text: Option<&str>| policies::set(text, "sha256:new", Some(&pause));
        let changed = shelf.change(Shelved::Policies, staged.now(), set).await.expect("a change");
        assert_eq!(changed, Changed::Written);
    }
    let recorded = staged.case["reference_2_8_7"]["steps"][0]["result"].clone();
    let told = json!({
        "quota": quota(staged, &recorded["quota"]).await,
        "policies": {"version": 1, "accounts": policies_of(&shelf.policies().unwrap())},
        "profiles": {"version": 1, "profiles": map(&shelf.profiles().unwrap(), |_, profile| of_profile(profile))},
        "budgets": {"version": 1, "limits": map(&shelf.budgets().unwrap(), |_, limit| of_limit(limit))},
        "tokens": {"version": 1, "tokens": tokens(&shelf)},
    });
    for (store, wanted) in recorded.as_object().expect("a result") {
        if store != "obs" {
            assert_eq!(told[store], *wanted, "{store}");
        }
    }
    let damaged = matches!(shelf.state(Shelved::Observability).unwrap(), State::Damaged { .. });
    assert_eq!(damaged, recorded["obs"].is_null(), "a torn file is damaged");
    let rows = staged.store().usage(Moment::EPOCH).await.expect("the ledger");
    compare_usage(&rows, &staged.case["reference_2_8_7"]["steps"][1]["result"]);
    let mut facts = Map::new();
    facts.insert("rows".to_owned(), rows.len().into());
    Found { outcome: "loaded".to_owned(), facts }
}

fn policies_of(found: &Kept<Policies>) -> Value {
    let all = found.whole().into_iter().flat_map(|policies| &policies.0);
    Value::Object(all.map(|(key, one)| (key.clone(), policy(key, one))).collect())
}

fn map<T>(found: &Kept<BTreeMap<String, T>>, show: impl Fn(&str, &T) -> Value) -> Value {
    let all = found.whole().into_iter().flatten();
    Value::Object(all.map(|(key, value)| (key.clone(), show(key, value))).collect())
}

fn policy(key: &str, policy: &AccountPolicy) -> Value {
    json!({
        "accountKey": key,
        "tags": policy.tags,
        "weight": whole(policy.weight),
        "paused": policy.paused,
        "drained": policy.drained,
        "note": policy.note,
        "updatedAt": policy.updated_at.millis(),
    })
}

fn of_profile(profile: &Profile) -> Value {
    json!({
        "projectKey": profile.project_key,
        "projectName": profile.project_name,
        "identityRoot": profile.identity_root,
        "preferredTags": profile.preferred_tags,
        "avoidTags": profile.avoid_tags,
        "modelAllowlist": profile.models_allowed,
        "modelDenylist": profile.models_denied,
        "accountWeightByKey": profile.weights,
        "budgetKey": profile.budget_key,
        "updatedAt": profile.updated_at.millis(),
    })
}

fn of_limit(limit: &Limit) -> Value {
    let mut shown = json!({
        "key": limit.key,
        "window": limit.window.word(),
        "maxRequests": limit.requests,
        "maxTokens": limit.tokens,
        "maxCostUsd": limit.cost,
        "updatedAt": limit.updated_at.millis(),
    });
    shown.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    shown
}

fn tokens(shelf: &Shelf) -> Vec<Value> {
    let found = shelf.client_tokens().unwrap();
    let all = found.whole().expect("a readable store");
    for (letter, works) in [("A", true), ("B", false)] {
        let shown = format!("{}{}", client_token::BEGINS, letter.repeat(43));
        let is_known = all.iter().any(|token| shown.starts_with(&token.prefix) && !token.prefix.is_empty());
        assert_eq!(client_token::find(all, &shown, Moment::EPOCH).is_some(), works && is_known, "{letter}");
    }
    all.iter().map(of_token).collect()
}

fn of_token(token: &ClientToken) -> Value {
    json!({
        "id": token.id,
        "label": token.label,
        "prefix": token.prefix,
        "tokenHash": token.hash,
        "createdAt": token.created_at.millis(),
        "lastUsedAt": token.last_used.map(Moment::millis),
        "revokedAt": token.revoked_at.map(Moment::millis),
    })
}

/// The cache knows entries only by the accounts of a pool, so one is made of what the reference found.
async fn quota(staged: &Staged, recorded: &Value) -> Value {
    let ids = recorded["byAccountId"].as_object().expect("a map").keys();
    let emails = recorded["byEmail"].as_object().expect("a map").keys();
    let accounts: Vec<Account> =
        ids.map(|id| known(id, None)).chain(emails.map(|email| known(email, Some(email)))).collect();
    let roster = Roster { accounts, ..Roster::default() };
    let found = staged.store().quota(&roster).await.expect("the cache");
    let entries = |place: &str| -> Value {
        let names = recorded[place].as_object().expect("a map").keys();
        let shown =
            names.filter_map(|name| Some((name.clone(), entry(found.get(&AccountKey::new(name.clone()))?))));
        Value::Object(shown.collect())
    };
    json!({ "byAccountId": entries("byAccountId"), "byEmail": entries("byEmail") })
}

fn known(name: &str, email: Option<&str>) -> Account {
    let mut account = Account { key: AccountKey::new(name), ..Account::sample(name) };
    account.email = email.map(str::to_owned);
    account.account_id = email.is_none().then(|| name.to_owned());
    account.credentials.claims = Seldom::default();
    account
}

fn entry(snapshot: &Snapshot) -> Value {
    let window = |window: Option<&Window>| {
        let mut shown = json!({
            "usedPercent": window.and_then(|window| window.used).map(|used| whole(used.value())),
            "windowMinutes": window.and_then(|window| window.minutes),
            "resetAtMs": window.and_then(|window| window.resets_at).map(Moment::millis),
        });
        shown.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        shown
    };
    let mut shown = json!({
        "updatedAt": snapshot.at.millis(),
        "status": snapshot.status,
        "model": snapshot.model,
        "planType": snapshot.plan,
        "primary": window(snapshot.primary.as_ref()),
        "secondary": window(snapshot.secondary.as_ref()),
    });
    shown.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    shown
}

/// A number as JavaScript writes it.
fn whole(value: f64) -> Value {
    serde_json::from_str(&value.to_string()).expect("a number")
}

fn compare_usage(rows: &[codex_multi_auth::domain::usage::entry::Entry], recorded: &Value) {
    if recorded.is_null() {
        return;
    }
    let totals = &recorded["summary"]["totals"];
    let figures = Figures::of(rows);
    assert_eq!(Value::from(rows.len()), recorded["rows"]);
    assert_eq!(Value::from(figures.all.requests), totals["requests"]);
    assert_eq!(Value::from(figures.all.failures), totals["failures"]);
    assert_eq!(Value::from(figures.all.tokens), totals["totalTokens"]);
    let cost: f64 = rows.iter().filter_map(|row| row.cost).sum();
    assert_eq!(Value::from(cost), totals["costUsd"]);
    let input: u64 = rows.iter().map(|row| row.tokens.input).sum();
    assert_eq!(Value::from(input), totals["inputTokens"]);
}

#[tokio::test]
async fn every_damaged_store_is_kept_before_the_first_write() {
    let staged = Staged::new("x02-auxiliary-corrupt");
    let shelf = Shelf::new(Arc::new(staged.places()));
    let profiles = std::fs::read(shelf.path(Shelved::Profiles)).unwrap();

    let set = |text: Option<&str>| codex_multi_auth::formats::profiles::set(text, "p", None);
    let changed = shelf.change(Shelved::Profiles, staged.now(), set).await.unwrap();

    assert_eq!(changed, Changed::Anew);
    let kept = staged.files().into_iter().find(|(path, _)| path.ends_with("-routing-profiles.json"));
    assert_eq!(kept.map(|(_, bytes)| bytes), Some(profiles));
}

#[test]
fn what_a_damaged_store_limited_is_named_not_lifted_in_silence() {
    let staged = Staged::new("x02-auxiliary-corrupt");
    let shelf = Shelf::new(Arc::new(staged.places()));
    let odd = |store| match shelf.state(store).unwrap() {
        State::Whole { odd } => odd.len(),
        State::Absent | State::Damaged { .. } => 0,
    };

    assert_eq!(odd(Shelved::Policies), 1, "the pause under a name that is no key");
    assert_eq!(odd(Shelved::Budgets), 2, "the negative limit and the unknown window");
    assert_eq!(odd(Shelved::ClientTokens), 1);
    assert!(matches!(shelf.profiles().unwrap(), Kept::Damaged { .. }));
    assert!(matches!(shelf.state(Shelved::Quota).unwrap(), State::Damaged { .. }));
}

#[test]
fn keys_windows_and_tags_are_those_of_the_reference() {
    use codex_multi_auth::domain::policy::{account, budget};
    let vectors = crate::support::staged::vectors("hashes.json");
    let rows = |name: &str| vectors[name].as_array().unwrap().clone();

    for row in rows("policyKey") {
        let member = |name: &str| row["account"][name].as_str();
        assert_eq!(Value::from(account::key(member("accountId"), member("email"))), row["key"]);
    }
    for row in rows("budgetKey") {
        assert_eq!(json!(budget::key(row["in"].as_str().unwrap())), row["out"]);
    }
    for row in rows("policyTag") {
        assert_eq!(json!(account::tag(row["in"].as_str().unwrap())), row["out"]);
    }
    for row in rows("budgetWindowStart") {
        let window = budget::Window::from_word(row["window"].as_str().unwrap()).unwrap();
        let start = window.start(Moment::from_millis(row["now"].as_i64().unwrap()));
        assert_eq!(Value::from(start.millis()), row["start"], "{row}");
    }
    assert_eq!(client_tokens::mint(&[0; 32]).len(), 53);
}
