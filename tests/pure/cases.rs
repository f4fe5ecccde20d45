//! Every storage case: staged, run, held against all of its `case.json`, and run once more without effect.
//!
//! Each case belongs to one area, see [`area`]; the area's file turns what the product did into a [`Found`]. What
//! can be seen on the disk is checked here for all areas alike, in `expect`; a member of `expected` that neither
//! the disk nor the area answers fails the case, so no expectation can be passed over.

mod auxiliary;
mod config;
mod expect;
mod official;
mod pool;
mod settings;
mod vault;

use serde_json::{Map, Value};

use crate::support::staged::{Staged, ids};

/// What a case asks of its area.
#[derive(Debug, Clone, Copy)]
enum Ask<'a> {
    /// What the case is about: a load, a save, an import, …
    Run,
    /// The same with the user's explicit yes (`withYes`).
    Yes,
    /// The same with other settings (`withSetting`).
    With(&'a Map<String, Value>),
    /// Any later save; what `mustPreserveOnWrite` names has to survive it.
    Save,
    /// Something that must leave the file alone (`unchangedBy`): `launch`, `login`, `switch`.
    Act(&'a str),
}

/// What came of it, in the words of `case.json`.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    /// `loaded`, `refuse`, `written`, ….
    outcome: String,
    /// Every member of `expected` that files do not show: `accounts`, `activeIndex`, `source`, `rows`, …; under
    /// `loadAccounts`, `plugin`, `dashboard` and `result` what the recorded result of the reference is held against.
    facts: Map<String, Value>,
}

/// Who runs a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    Auxiliary,
    Official,
    Config,
    Pool,
    Settings,
    Vault,
}

/// The area of a case.
fn area(id: &str) -> Area {
    match id.get(..3).unwrap_or_default() {
        "a04" | "b29" | "b30" | "b31" => Area::Vault,
        number if number.starts_with('n') => Area::Vault,
        number if number.starts_with(['a', 'b']) => Area::Pool,
        number if number.starts_with('k') => Area::Official,
        number if number.starts_with('s') => Area::Settings,
        number if number.starts_with('t') => Area::Config,
        number if number.starts_with('x') => Area::Auxiliary,
        _ => panic!("{id} belongs to no area"),
    }
}

async fn perform(area: Area, staged: &Staged, ask: Ask<'_>) -> Found {
    match area {
        Area::Auxiliary => auxiliary::perform(staged, ask).await,
        Area::Official => official::perform(staged, ask).await,
        Area::Config => config::perform(staged, ask).await,
        Area::Pool => pool::perform(staged, ask).await,
        Area::Settings => settings::perform(staged, ask).await,
        Area::Vault => vault::perform(staged, ask).await,
    }
}

/// Runs all cases whose id begins so.
async fn run_all(begin: &str) {
    let all = ids(begin);
    assert!(!all.is_empty(), "no case {begin}…");
    let mut failed = Vec::new();
    for id in all {
        let name = id.clone();
        // A task of its own, so that one failure does not hide the others.
        if tokio::spawn(async move { expect::check(&name, area(&name)).await }).await.is_err() {
            failed.push(id);
        }
    }
    assert_eq!(failed, Vec::<String>::new());
}

#[tokio::test]
async fn formats_and_roots() {
    run_all("a").await;
}

#[tokio::test]
async fn damage() {
    run_all("b").await;
}

#[tokio::test]
async fn settings() {
    run_all("s").await;
}

#[tokio::test]
async fn official_files() {
    run_all("k").await;
}

#[tokio::test]
async fn the_official_configuration() {
    run_all("t").await;
}

#[tokio::test]
async fn named_backups_and_import() {
    run_all("n").await;
}

#[tokio::test]
async fn auxiliary_stores() {
    run_all("x").await;
}

#[test]
fn no_case_is_left_out() {
    let all = ids("");
    assert_eq!(all.len(), 83);
    let begins = ["a", "b", "s", "k", "t", "n", "x"];
    let lost: Vec<_> = all.iter().filter(|id| !begins.iter().any(|begin| id.starts_with(begin))).collect();
    assert_eq!(lost, Vec::<&String>::new());
}
