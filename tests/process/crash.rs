//! Ends our processes at every named point of every operation, starts again and compares.
//!
//! The points are those of `adapters::fault`: one that no run passes fails here, so none can be added untested. Each
//! operation is also cut at every passage of the `disk.` points, which is every write it makes. The tests that are
//! ignored do the same with fifty random pools per point: `cargo test --test suite process::crash -- --ignored`.

#![cfg(debug_assertions)]

mod flagged;
mod kinds;
mod operations;
mod pools;
mod trial;

use std::sync::Arc;

use codex_multi_auth::adapters::env::Env;
use codex_multi_auth::adapters::fault::POINTS;
use codex_multi_auth::adapters::store::DiskStore;
use codex_multi_auth::base::{Moment, Span};
use codex_multi_auth::domain::account::Account;
use codex_multi_auth::domain::change::Change;
use codex_multi_auth::domain::places::Places;
use codex_multi_auth::domain::recovery::Health;
use codex_multi_auth::domain::vault::Copies;
use codex_multi_auth::formats::scenario::Scenario;
use codex_multi_auth::ports::store::Store;
use serde_json::Value;

use self::operations::OPERATIONS;
use self::trial::{ABORTED, Operation, Stage};
use super::refresh::matrix::{self, End};
use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{bare, run};
use crate::support::staged::Still;

const FAULT: &str = "CODEX_MULTI_AUTH_FAULT";

/// How often the long form repeats each point.
const OFTEN: u64 = 50;

/// Which passages of a point are cut.
#[derive(Debug, Clone, Copy)]
enum Extent {
    All,
    /// A sixth of them, beginning anywhere.
    Some,
}

/// Kills the operation at the passages of the points that begin so, each time on another random home; says how many
/// cuts that were.
fn kill_everywhere(operation: &Operation, begins: &[&str], seed: u64, extent: Extent) -> usize {
    let mut rng = fastrand::Rng::with_seed(seed);
    let stage = Stage::new(operation, seed);
    let mut cuts = 0;
    for point in begins.iter().flat_map(|begin| points(begin)) {
        let (first, step) = match extent {
            Extent::All => (1, 1),
            Extent::Some => (rng.usize(1..=6), 6),
        };
        for passage in (first..).step_by(step) {
            let trial = stage.trial(&mut rng);
            let fault = format!("{point}:{passage}");
            if trial.hit(&fault).code() != ABORTED {
                break;
            }
            trial.survives(&fault);
            cuts += 1;
        }
    }
    cuts
}

/// Lets the disk fail at each passage, with another error each time, until the operation does not come that far.
fn fail_everywhere(operation: &Operation, seed: u64, extent: Extent) {
    let errors = ["ENOSPC", "EACCES", "EROFS", "EIO"];
    let mut rng = fastrand::Rng::with_seed(seed);
    let stage = Stage::new(operation, seed);
    for (index, point) in points("disk.").enumerate() {
        let step = if matches!(extent, Extent::All) { 1 } else { 6 };
        for passage in (rng.usize(1..=step)..=12).step_by(step) {
            let trial = stage.trial(&mut rng);
            let fault =
                format!("{point}:{passage}={}", errors[(index + passage + rng.usize(0..4)) % errors.len()]);
            let ran = trial.hit(&fault);
            trial.told_the_truth(&fault, &ran);
        }
    }
}

/// What operations pass; a refresh has its own matrix.
const NAMED: [&str; 8] =
    ["disk.", "save.", "backup.", "snapshot.", "settings.", "reset.", "restore.", "import."];

#[test]
fn whatever_is_killed_at_any_write_leaves_the_old_state_or_the_new_one() {
    let mut cuts = 0;
    for (seed, operation) in (1..).zip(OPERATIONS) {
        cuts += kill_everywhere(operation, &["disk."], seed, Extent::Some);
    }
    assert!(cuts >= OPERATIONS.len(), "{cuts} cuts");
}

#[test]
fn a_disk_that_fails_at_any_write_is_named_and_nothing_is_lost() {
    for (seed, operation) in (100..).zip(OPERATIONS) {
        fail_everywhere(operation, seed, Extent::Some);
    }
}

#[test]
#[ignore = "long: fifty random pools for each point of each operation"]
fn the_kills_fifty_times_over() {
    let mut cuts = 0;
    for round in 1..=OFTEN {
        for (seed, operation) in (round * 1_000..).zip(OPERATIONS) {
            cuts += kill_everywhere(operation, &NAMED, seed, Extent::All);
        }
        println!("round {round}: {cuts} kills so far");
    }
}

#[test]
#[ignore = "long: every error at each write of each operation"]
fn the_failures_of_the_disk_over_and_over() {
    for round in 1..=8 {
        for (seed, operation) in (round * 1_000_000..).zip(OPERATIONS) {
            fail_everywhere(operation, seed, Extent::All);
        }
        println!("round {round} of errors done");
    }
}

#[test]
#[ignore = "long: every point of a refresh, fifty times killed and fifty times out of disk"]
fn refreshes_fifty_times_over() {
    for round in 0..OFTEN {
        for point in matrix::points() {
            matrix::survives(point, End::Killed);
            let error = matrix::ERRORS[usize::try_from(round).expect("small") % matrix::ERRORS.len()];
            matrix::survives(point, End::Failed(error));
        }
        println!("round {round} of refreshes done");
    }
}

#[test]
fn no_point_is_without_a_matrix() {
    let refreshing: Vec<&str> = matrix::points().collect();
    let left: Vec<&str> = POINTS
        .iter()
        .copied()
        .filter(|point| !refreshing.contains(point) && !NAMED.iter().any(|begin| point.starts_with(begin)))
        // A frame is cut by the tests of the terminal, a move by `flagged`.
        .filter(|point| !["frame.drawn", "flag.written", "reclaim.saved"].contains(point))
        // A bind has its own tests.
        .filter(|point| !super::bind::points().any(|own| own == *point))
        .collect();
    assert_eq!(left, Vec::<&str>::new());
}

fn points(kind: &str) -> impl Iterator<Item = &'static str> {
    POINTS.iter().copied().filter(move |point| point.starts_with(kind))
}

/// The refresh tokens of the pool, sorted.
fn refresh_tokens(home: &Home) -> Vec<String> {
    let pool = home.pool();
    let rows = pool["accounts"].as_array().expect("rows");
    let mut all: Vec<_> =
        rows.iter().filter_map(|row| row["refreshToken"].as_str().map(str::to_owned)).collect();
    all.sort();
    all
}

#[test]
fn a_save_that_is_killed_loses_nothing_and_the_next_one_works() {
    for point in points("save.").chain(points("snapshot.")) {
        let home = Home::with_samples(3);
        let before = refresh_tokens(&home);

        let killed = run(home.manager(&["switch", "2"]).env(FAULT, point));
        assert_eq!(killed.code(), ABORTED, "{point} was not passed\n{}", killed.stderr);
        let status = run(&mut home.manager(&["status", "--json"])).expect(0);
        let status: Value = serde_json::from_str(&status.stdout).expect("a document");
        run(&mut home.manager(&["switch", "3"])).expect(0);

        assert_eq!(status["accountCount"], 3, "{point}");
        assert!([0, 1].map(Value::from).contains(&status["activeIndex"]), "{point}: {status:#}");
        assert_eq!(refresh_tokens(&home), before, "{point}");
        assert_eq!(home.pool()["activeIndex"], 2, "{point}");
        assert_eq!(strays(&home), Vec::<String>::new(), "{point}");
    }
}

#[test]
fn a_save_that_fails_says_so_and_loses_nothing() {
    for error in ["ENOSPC", "EACCES", "EROFS", "EIO"] {
        for point in ["save.", "backup.", "snapshot."].into_iter().flat_map(points) {
            let home = Home::with_samples(3);
            let before = refresh_tokens(&home);

            let failed = run(home.manager(&["switch", "2", "--json"]).env(FAULT, format!("{point}={error}")));
            let beside = home.root().join("ext/accounts.json").exists();
            let pinned = home.pool().get("pinnedAccountIndex").is_some();
            run(&mut home.manager(&["switch", "3"])).expect(0);

            assert!([0, 1].contains(&failed.code()), "{point} {error}: {}\n{}", failed.code(), failed.stderr);
            assert_eq!(refresh_tokens(&home), before, "{point} {error}");
            // What stands beside the pool goes with it: a pin that was refused must not wait there.
            assert_eq!(beside, pinned, "{point} {error}");
            assert_eq!(home.pool()["activeIndex"], 2, "{point} {error}");
        }
    }
}

#[test]
fn a_rotation_that_is_killed_leaves_the_newest_good_backup_and_the_next_one_works() {
    for (point, passage) in
        [("backup.staged", 1), ("backup.shifted", 1), ("backup.shifted", 2), ("backup.shifted", 3)]
    {
        let home = Home::with_samples(3);
        let pool = home.root().join("openai-codex-accounts.json");
        let backup = |suffix: &str| home.root().join(format!("openai-codex-accounts.json{suffix}"));
        for words in [["switch", "2"], ["switch", "3"], ["switch", "1"]] {
            run(&mut home.manager(&words)).expect(0);
        }
        let good = [".bak", ".bak.1", ".bak.2"].map(|suffix| std::fs::read(backup(suffix)).expect("there"));
        let newest = std::fs::read(&pool).expect("a pool");

        let killed = run(home.manager(&["switch", "2"]).env(FAULT, format!("{point}:{passage}")));
        assert_eq!(killed.code(), ABORTED, "{point}:{passage}\n{}", killed.stderr);
        let left = [".bak", ".bak.1", ".bak.2"].map(|suffix| std::fs::read(backup(suffix)).expect("there"));
        // The pool itself is untouched; what it replaced last is in one of the first two places.
        assert_eq!(std::fs::read(&pool).expect("a pool"), newest, "{point}:{passage}");
        assert!(left[..2].contains(&good[0]), "{point}:{passage}: the newest backup is gone");
        assert!(left.iter().all(|text| good.contains(text) || *text == newest), "{point}:{passage}: torn");
        run(&mut home.manager(&["switch", "3"])).expect(0);

        assert_eq!(std::fs::read(backup(".bak")).expect("there"), newest, "{point}:{passage}");
        assert_eq!(strays(&home), Vec::<String>::new(), "{point}:{passage}");
    }
}

/// Not a test of its own: what the next one runs in a process that dies.
#[tokio::test]
#[ignore = "started by the test of the reset"]
#[expect(clippy::disallowed_methods, reason = "the test says where in a variable")]
async fn the_reset_of_another_process() {
    let root = std::env::var("POOL_TO_CLEAR").expect("given by the test");
    let root = std::path::Path::new(&root);
    let store = store_of(root);
    store.commit(vec![Change::Cleared { copy: Copies::Kept }]).await.expect("cleared");
}

fn store_of(root: &std::path::Path) -> DiskStore<Still> {
    let places = Places::under(root, root.parent().expect("a home"));
    DiskStore::new(Arc::new(places), &Env::from(|_| None), Still(Moment::from_secs(1_790_000_000)))
}

#[tokio::test]
async fn a_reset_that_is_killed_is_a_reset_and_keeps_its_copy() {
    for point in points("reset.") {
        let home = Home::with_samples(3);
        run(&mut home.manager(&["switch", "2"])).expect(0);
        let mut child = bare(std::env::current_exe().expect("this program"));
        child.args(["--ignored", "--exact", "process::crash::the_reset_of_another_process"]);

        let killed = run(child.env("POOL_TO_CLEAR", home.root()).env(FAULT, point));
        assert_eq!(killed.code(), ABORTED, "{point} was not passed\n{}", killed.stderr);
        let store = store_of(&home.root());
        let after = store.load().await.expect("readable");

        assert_eq!(after.health, Health::IntentionalReset, "{point}");
        assert!(after.roster.accounts.is_empty(), "{point}");
        let copies = std::fs::read_dir(home.root().join("backups")).expect("copies").count();
        assert_eq!(copies, 1, "{point}");
        let again = store.commit(vec![Change::Cleared { copy: Copies::Kept }]).await.expect("cleared");
        assert_eq!(again.health, Health::IntentionalReset, "{point}");
        let left = home.files().into_keys().filter(|path| {
            let name = path.display().to_string();
            name.contains("openai-codex-accounts.json") && !name.ends_with(".reset-intent")
        });
        assert_eq!(left.count(), 0, "{point}");
        let login = Change::Added(Box::new(Account::sample("new")));
        let saved = store.commit(vec![login]).await.expect("saved");
        assert_eq!((saved.health, saved.roster.accounts.len()), (Health::Healthy, 1), "{point}");
    }
}

/// Temporary files of a save that nobody cleaned up.
fn strays(home: &Home) -> Vec<String> {
    let names = home.files().into_keys().map(|path| path.display().to_string());
    names.filter(|name| name.contains(".tmp") || name.contains(".rotate.")).collect()
}

#[test]
fn a_refresh_that_is_killed_never_sends_a_token_twice() {
    for point in points("refresh.") {
        let expired = |player: &mut codex_multi_auth::formats::scenario::Player| {
            player.token_left = Some(Span::hours(-1));
        };
        let play = Play::start(Scenario::pool(["one", "two"]).with("one", expired));
        let mut home = play.home();
        home.write_auth(&play.login("one"));
        home.put_program("codex", "#!/bin/sh\nexit 0\n");

        let killed = run(home.forwarder(&["exec", "hi"]).env(FAULT, point));
        assert_eq!(killed.code(), ABORTED, "{point} was not passed\n{}", killed.stderr);
        run(&mut home.forwarder(&["exec", "hi"])).expect(0);
        run(&mut home.forwarder(&["exec", "hi"])).expect(0);

        play.assert_no_violation();
        let held = refresh_tokens(&home);
        assert_eq!(held.len(), 2, "{point}: an account is gone");
        // Whose answer was never made durable: the token is lost to everybody, and only then.
        let lost = ["refresh.sent", "refresh.answered"].contains(&point);
        let newest = play.login("one").refresh;
        assert_eq!(held.contains(&newest), !lost, "{point}: the pool holds the newest token");
        // The preflight may refresh the other account, too: a pool written by the reference has no id tokens.
        let calls = play.backend().record().at("token");
        let asked = calls.iter().filter(|call| call.account.as_deref() == Some("one")).count();
        assert!(asked <= if lost { 1 } else { 2 }, "{point}: {asked} refreshes");
    }
}
