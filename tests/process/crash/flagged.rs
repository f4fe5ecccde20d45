//! An account on its way between the pool and the flagged pool: two files that cannot change in one step.
//!
//! Whatever is cut, the account is in one of them or in both, and doing it again brings it to its place.

use std::sync::Arc;

use codex_multi_auth::adapters::env::Env;
use codex_multi_auth::adapters::places;
use codex_multi_auth::adapters::store::DiskStore;
use codex_multi_auth::base::Moment;
use codex_multi_auth::domain::token;
use codex_multi_auth::domain::vault::{Act, Answer, Flagging, Reclaim};
use codex_multi_auth::ports::store::Store as _;
use codex_multi_auth::ports::vault::Vault as _;
use fastrand::Rng;

use super::pools;
use super::trial::ABORTED;
use crate::support::dirs::Home;
use crate::support::process::{Ran, run};
use crate::support::staged::Still;

const FAULT: &str = "CODEX_MULTI_AUTH_FAULT";
/// Set for children only.
const CHILD: &str = "CODEX_MULTI_AUTH_SESSION";

/// Moves the first account out of the pool, or the first flagged one back.
#[tokio::test]
async fn child() {
    let env = Env::read();
    let Some(word) = env.session.clone().filter(|word| word == "flag" || word == "reclaim") else { return };
    let store =
        DiskStore::new(Arc::new(places::resolve(&env)), &env, Still(Moment::from_secs(1_790_000_000)));
    let Answer::Flagged(flagged) = store.carry_out(Act::Flagged).await.expect("readable") else {
        panic!("another answer");
    };
    let act = if word == "flag" {
        let pool = store.load().await.expect("readable").roster;
        let Some(first) =
            pool.accounts.iter().find(|one| one.email.as_deref() == Some("person1@example.com"))
        else {
            return;
        };
        Act::Flag(vec![Flagging { key: first.key.clone(), reason: "token-invalid".to_owned(), error: None }])
    } else {
        let Some(first) = flagged.into_iter().next() else { return };
        let spent = token::hash(&first.account.credentials.refresh);
        Act::Reclaim(Box::new(Reclaim { account: first.account, spent }))
    };
    store.carry_out(act).await.expect("carried out");
}

fn moved(home: &Home, word: &str, fault: Option<&str>) -> Ran {
    let program = std::env::current_exe().expect("a test binary");
    let mut command = home.command(program, &["process::crash::flagged::child", "--exact", "--nocapture"]);
    command.env(CHILD, word);
    if let Some(fault) = fault {
        command.env(FAULT, fault);
    }
    run(&mut command)
}

/// How many rows of an account each of the two files has.
fn places_of(home: &Home) -> (usize, usize) {
    let count = |name: &str| {
        let text = std::fs::read(home.root().join(name)).unwrap_or_default();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let rows = document["accounts"].as_array().cloned().unwrap_or_default();
        rows.iter()
            .filter(|row| row["email"] == "person1@example.com" && row["refreshToken"] == "rt_person1")
            .count()
    };
    (count("openai-codex-accounts.json"), count("openai-codex-flagged-accounts.json"))
}

#[test]
fn an_account_that_is_moved_is_never_nowhere() {
    for word in ["flag", "reclaim"] {
        for point in ["flag.written", "reclaim.saved", "disk.staged", "disk.renamed"] {
            for passage in 1..=12 {
                let home = pools::home(&mut Rng::with_seed(passage));
                if word == "reclaim" {
                    moved(&home, "flag", None).expect(0);
                    assert_eq!(places_of(&home), (0, 1));
                }

                let ran = moved(&home, word, Some(&format!("{point}:{passage}")));
                if ran.code() != ABORTED {
                    break;
                }
                // The next start takes in what a cut save had left.
                run(&mut home.manager(&["status", "--json"]));
                let (there, aside) = places_of(&home);
                assert!(there + aside >= 1, "{word} at {point}:{passage}: the account is nowhere");
                moved(&home, word, None).expect(0);

                let wanted = if word == "flag" { (0, 1) } else { (1, 0) };
                assert_eq!(places_of(&home), wanted, "{word} at {point}:{passage}: done again");
            }
        }
    }
}
