//! Backups, transfers and deletions by command: the documents and exit codes that were promised, and no token lost.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::dirs::{Home, Login};
use crate::support::process::{Ran, run};

#[track_caller]
fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

#[track_caller]
fn told(home: &Home, words: &[&str], code: i32) -> Value {
    let ran = run(&mut home.manager(&[words, &["--json"]].concat())).expect(code);
    // A pool from before the acknowledgement existed is told once, on stderr.
    assert!(ran.stderr.is_empty() || words.contains(&"import"), "{words:?}: {}", ran.stderr);
    assert!(!ran.stdout.contains("rt_person"), "{words:?} shows a token");
    let document = document(&ran);
    assert_eq!(document["ok"], code == 0 || code == 4, "{words:?}: {document:#}");
    document
}

fn tokens(home: &Home) -> Vec<String> {
    let pool = home.pool();
    let rows = pool["accounts"].as_array().expect("rows").iter();
    rows.map(|row| row["refreshToken"].as_str().expect("a token").to_owned()).collect()
}

fn holding(home: &Home, folder: &Path, text: &str) -> Vec<PathBuf> {
    let files = home.files().into_iter();
    files
        .filter(|(path, bytes)| {
            home.path().join(path).starts_with(folder)
                && bytes.windows(text.len()).any(|part| part == text.as_bytes())
        })
        .map(|(path, _)| path)
        .collect()
}

#[test]
fn a_backup_is_made_listed_verified_and_deleted() {
    let home = Home::with_samples(3);

    let made = told(&home, &["backup", "create", "weekly"], 0);
    assert_eq!((&made["command"], &made["changed"]), (&json!("backup create"), &json!(true)));
    assert_eq!((&made["backup"]["name"], &made["backup"]["accounts"]), (&json!("weekly"), &json!(3)));
    assert_eq!((&made["backup"]["kind"], &made["backup"]["valid"]), (&json!("named"), &json!(true)));
    assert_eq!(told(&home, &["backup", "create", "weekly"], 1)["error"]["code"], "already-exists");
    assert_eq!(told(&home, &["backup", "create", "../x"], 2)["error"]["code"], "bad-argument");
    let all = told(&home, &["backup", "list"], 0);
    assert_eq!(all["backups"][0]["name"], "weekly");
    assert_eq!(told(&home, &["backup", "verify", "weekly"], 0)["backup"]["valid"], true);

    home.write(&home.root().join("backups/broken.json"), "{");
    assert_eq!(told(&home, &["backup", "verify", "broken"], 1)["error"]["code"], "backup-invalid");
    assert_eq!(told(&home, &["backup", "verify"], 4)["error"]["code"], "checks-failed");
    assert_eq!(told(&home, &["backup", "delete", "weekly"], 3)["error"]["code"], "needs-yes");
    assert_eq!(told(&home, &["backup", "delete", "weekly", "--yes"], 0)["changed"], true);
    assert_eq!(told(&home, &["backup", "delete", "weekly", "--yes"], 2)["error"]["code"], "bad-argument");
    for (path, mode) in home.modes(&home.root()) {
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
}

#[test]
fn a_restore_brings_back_who_went_and_never_puts_an_old_token_over_a_newer_one() {
    let home = Home::with_samples(3);
    told(&home, &["switch", "1"], 0);
    told(&home, &["backup", "create", "before"], 0);
    told(&home, &["account", "remove", "3", "--yes"], 0);
    let mut pool = home.pool();
    pool["accounts"][0]["refreshToken"] = json!("rt_person1_newer");
    pool["accounts"][0]["future"] = json!({ "n": 1.5 });
    home.write(&home.root().join("openai-codex-accounts.json"), &pool.to_string());
    let generation = home.pool()["affinityGeneration"].as_u64().expect("a number");

    assert_eq!(told(&home, &["backup", "restore", "before"], 3)["error"]["code"], "needs-yes");
    let restored = told(&home, &["backup", "restore", "before", "--yes"], 0);

    assert_eq!((&restored["replaced"], &restored["newerTokensKept"]), (&json!(2), &json!(1)));
    assert_eq!(tokens(&home), ["rt_person1_newer", "rt_person2", "rt_person3"]);
    let pool = home.pool();
    assert_eq!(pool["accounts"][0]["future"]["n"], 1.5);
    assert_eq!((&pool["pinnedAccountIndex"], &pool["activeIndex"]), (&json!(0), &json!(0)));
    assert_eq!(pool["accounts"][0]["lastSwitchReason"], "restore");
    assert!(pool["affinityGeneration"].as_u64().expect("a number") > generation);
    let before = restored["before"]["path"].as_str().expect("a copy of the pool from before");
    let before: Value = serde_json::from_slice(&std::fs::read(before).expect("there")).expect("a pool");
    assert_eq!(before["accounts"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_export_comes_in_elsewhere_and_a_dry_run_writes_nothing() {
    let (home, other) = (Home::with_samples(3), Home::with_samples(2));
    let file = other.path().join("out.json");
    let path = file.to_str().expect("plain");

    let out = told(&home, &["export", path], 0);
    assert_eq!((&out["path"], &out["accounts"]), (&json!(path), &json!(3)));
    assert_eq!(told(&home, &["export", path], 1)["error"]["code"], "already-exists");
    told(&home, &["export", path, "--force"], 0);
    let before = other.files();
    let dry = told(&other, &["import", path, "--dry-run"], 0);
    assert!(other.files() == before, "a dry run wrote something");
    let real = told(&other, &["import", path], 0);

    for seen in [&dry, &real] {
        assert_eq!(
            (&seen["imported"], &seen["skipped"], &seen["total"]),
            (&json!(1), &json!(2), &json!(3)),
            "{seen:#}"
        );
        assert_eq!(seen["accounts"][2]["action"], "added");
    }
    assert_eq!((&dry["changed"], &real["changed"]), (&json!(false), &json!(true)));
    assert_eq!(tokens(&other), ["rt_person1", "rt_person2", "rt_person3"]);
    assert_eq!(told(&other, &["import", path], 0)["changed"], false);
}

#[test]
fn a_file_that_is_no_pool_is_refused_with_its_own_words_and_nothing_is_written() {
    let home = Home::with_samples(1);
    let file = home.path().join("in.json");
    let path = file.to_str().expect("plain");
    // The notice about the terms is recorded by the first import, whatever becomes of it.
    run(&mut home.manager(&["import", "/nowhere.json"]));
    let large = format!("{{\"version\":3,\"x\":\"{}\"}}", "y".repeat(4 * 1024 * 1024));
    for (text, code, words) in [
        ("{\"version\":3,", "backup-invalid", "valid JSON|too early"),
        ("{\"version\":3,\"accounts\":{}}", "backup-invalid", "no account pool"),
        ("[]", "backup-invalid", "no account pool"),
        ("{\"version\":3,\"accounts\":[],\"activeIndex\":0}", "backup-invalid", "any accounts"),
        ("{\"version\":4,\"accounts\":[]}", "storage-newer", "newer version"),
        (large.as_str(), "backup-invalid", "4 MiB"),
    ] {
        home.write(&file, text);
        let before = home.files();

        let refused = told(&home, &["import", path], 1);

        let message = refused["error"]["message"].as_str().expect("words");
        assert_eq!(refused["error"]["code"], code, "{message}");
        assert!(words.split('|').any(|word| message.contains(word)), "{message}");
        assert!(home.files() == before, "{message}: something was written");
    }
    let missing = told(&home, &["import", "/nowhere/at/all.json"], 1);
    let folder = told(&home, &["import", home.path().to_str().expect("plain")], 2);

    let hint = |document: &Value| document["error"]["hint"].as_str().map(str::to_owned).unwrap_or_default();
    assert!(hint(&missing).contains("Check the path"), "{missing:#}");
    assert!(hint(&folder).contains("Name a file"), "{folder:#}");
}

#[test]
fn an_import_in_the_place_of_a_ruin_says_where_the_ruin_is() {
    let (home, other) = (Home::with_samples(1), Home::with_samples(2));
    let pool = home.root().join("openai-codex-accounts.json");
    home.write(&pool, "{\"version\":3,");
    let file = other.root().join("openai-codex-accounts.json");

    let ran = run(&mut home.manager(&["import", file.to_str().expect("plain"), "--accept-terms"])).expect(0);

    let folder = home.root().join("quarantine");
    assert!(ran.stderr.contains("nothing replaced it"), "{}", ran.stderr);
    assert!(ran.stderr.contains(folder.to_str().expect("plain")), "{}", ran.stderr);
    let kept: Vec<_> = home
        .files()
        .into_iter()
        .filter(|(path, _)| path.to_string_lossy().contains("/quarantine/"))
        .collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].1, b"{\"version\":3,");
}

#[test]
fn a_limit_on_accounts_stops_an_import() {
    let home = Home::with_samples(2);
    let other = Home::with_samples(3);
    let file = home.path().join("in.json");
    told(&other, &["export", file.to_str().expect("plain")], 0);
    told(&home, &["config", "set", "maxAccounts", "2"], 0);

    let refused = told(&home, &["import", file.to_str().expect("plain")], 2);

    assert_eq!(refused["error"]["code"], "out-of-range");
    assert_eq!(tokens(&home).len(), 2);
}

#[test]
fn an_import_into_an_empty_pool_needs_the_terms_once() {
    let (home, empty) = (Home::with_samples(2), Home::new());
    let file = empty.path().join("in.json");
    let path = file.to_str().expect("plain");
    told(&home, &["export", path], 0);

    assert_eq!(told(&empty, &["import", path, "--yes"], 3)["error"]["code"], "needs-terms");
    assert_eq!(told(&empty, &["import", path, "--accept-terms"], 0)["imported"], 2);
}

#[test]
fn an_account_is_removed_with_a_copy_and_does_not_come_back_by_itself() {
    let home = Home::with_samples(3);
    home.write_auth(&Login::sample(2));

    assert_eq!(told(&home, &["account", "remove", "2"], 3)["error"]["code"], "needs-yes");
    assert_eq!(told(&home, &["account", "remove", "9", "--yes"], 2)["error"]["code"], "out-of-range");
    let removed = told(&home, &["account", "remove", "person2@example.com", "--yes"], 0);

    assert_eq!(removed["account"]["number"], 2);
    assert!(Path::new(removed["backup"].as_str().expect("a path")).exists());
    for words in [["status"].as_slice(), &["check"], &["switch", "1"]] {
        run(&mut home.manager(words));
    }
    assert_eq!(tokens(&home), ["rt_person1", "rt_person3"]);
}

#[test]
fn all_accounts_go_and_a_restore_brings_them_back() {
    let home = Home::with_samples(3);
    told(&home, &["switch", "2"], 0);
    assert_eq!(told(&home, &["account", "remove", "--all"], 3)["error"]["code"], "needs-yes");

    let cleared = told(&home, &["account", "remove", "--all", "--yes"], 0);

    assert_eq!(cleared["removed"], 3);
    assert_eq!(told(&home, &["status"], 5)["error"]["code"], "no-accounts");
    assert_eq!(told(&home, &["account", "remove", "--all", "--yes"], 5)["error"]["code"], "no-accounts");
    assert_eq!(told(&home, &["export", "x.json"], 5)["error"]["code"], "no-accounts");
    let backup = Path::new(cleared["backup"].as_str().expect("a path")).file_stem().expect("a name");
    told(&home, &["backup", "restore", backup.to_str().expect("plain"), "--yes"], 0);
    assert_eq!(tokens(&home).len(), 3);
    told(&home, &["status"], 0);
}

#[test]
fn a_purge_leaves_no_token_of_ours_behind() {
    let home = Home::with_samples(2);
    for number in ["1", "2", "1", "2"] {
        told(&home, &["switch", number], 0);
    }

    let cleared = told(&home, &["account", "remove", "--all", "--purge", "--yes"], 0);

    assert_eq!(cleared["backup"], Value::Null);
    for token in ["rt_person1", "rt_person2"] {
        assert_eq!(holding(&home, &home.root(), token), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_pool_of_a_newer_version_is_not_deleted_and_neither_are_its_copies() {
    let home = Home::with_samples(2);
    let mut pool = home.pool();
    home.write(&home.root().join("openai-codex-accounts.json.bak"), &pool.to_string());
    pool["version"] = json!(4);
    home.write(&home.root().join("openai-codex-accounts.json"), &pool.to_string());
    let before = home.files();

    for more in [["--yes"].as_slice(), &["--purge", "--yes"]] {
        let refused = told(&home, &[["account", "remove", "--all"].as_slice(), more].concat(), 1);

        assert_eq!(refused["error"]["code"], "storage-newer");
        assert!(home.files() == before, "{more:?}: something was changed");
    }
}

#[test]
fn deleting_a_pool_nobody_can_read_says_so_and_keeps_it() {
    let home = Home::with_samples(2);
    home.write(
        &home.root().join("openai-codex-accounts.json"),
        "{\"version\":3,\"accounts\":[{\"refreshToken\":\"rt_x",
    );

    let ran = run(&mut home.manager(&["account", "remove", "--all", "--yes"])).expect(0);

    assert!(ran.stdout.starts_with("Deleted the pool file: it could not be read"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 file in "), "{}", ran.stdout);
    assert_eq!(holding(&home, &home.root().join("quarantine"), "rt_x").len(), 1);
}

#[test]
fn a_purge_of_one_account_is_refused_because_only_all_can_be_purged() {
    let home = Home::with_samples(2);

    let refused = told(&home, &["account", "remove", "1", "--purge", "--yes"], 2);

    assert_eq!(refused["error"]["code"], "bad-argument");
    assert_eq!(tokens(&home).len(), 2);
}

#[test]
fn what_an_import_updates_is_counted_apart_from_what_was_known() {
    let (home, newer) = (Home::with_samples(2), Home::with_samples(2));
    let mut pool = home.pool();
    pool["accounts"][0]["refreshToken"] = json!("rt_person1_older");
    pool["accounts"][0]["expiresAt"] = json!(1_760_000_000_000_i64);
    home.write(&home.root().join("openai-codex-accounts.json"), &pool.to_string());
    let file = newer.root().join("openai-codex-accounts.json");
    let path = file.to_str().expect("plain");

    let dry = told(&home, &["import", "-n", path], 0);
    let text = run(&mut home.manager(&["import", "-n", path])).expect(0).stdout;

    assert_eq!((&dry["imported"], &dry["updated"]), (&json!(0), &json!(1)), "{dry:#}");
    assert!(
        text.starts_with("Would import 0 accounts and update 1; 1 known already; 2 in the pool"),
        "{text}"
    );
}

#[test]
fn an_export_needs_no_lock_where_none_can_be_made() {
    let home = Home::with_samples(2);
    let _ = std::fs::remove_dir_all(home.root().join("locks"));
    home.write(&home.root().join("locks"), "");
    let file = home.work().join("out.json");

    run(&mut home.manager(&["export", file.to_str().expect("plain")])).expect(0);

    assert_eq!(holding(&home, &file, "rt_person2").len(), 1);
}

#[test]
fn an_export_to_a_dash_is_refused() {
    let home = Home::with_samples(1);

    assert_eq!(told(&home, &["export", "-"], 2)["error"]["code"], "bad-argument");
    assert!(!home.work().join("-").exists());
}

#[test]
fn a_copy_of_a_newer_version_is_not_called_damaged() {
    let home = Home::with_samples(1);
    home.write(&home.root().join("backups/future.json"), "{\"version\":9,\"accounts\":[]}");

    let list = run(&mut home.manager(&["backup", "list"])).expect(0).stdout;

    assert!(list.contains("of a newer version (format 9)") && !list.contains("damaged"), "{list}");
    assert_eq!(told(&home, &["backup", "verify", "future"], 1)["error"]["code"], "backup-invalid");
}

#[test]
fn an_account_is_switched_and_named() {
    let home = Home::with_samples(2);

    let off = told(&home, &["account", "disable", "2"], 0);
    assert_eq!((&off["enabled"], &off["changed"]), (&json!(false), &json!(true)));
    assert_eq!(told(&home, &["account", "disable", "2"], 0)["changed"], false);
    assert_eq!(told(&home, &["account", "enable", "2"], 0)["changed"], true);
    assert_eq!(told(&home, &["account", "label", "2", "my", "work"], 0)["account"]["label"], "my work");
    assert_eq!(home.pool()["accounts"][1]["accountLabel"], "my work");
    let cleared = told(&home, &["account", "label", "my work", "--clear"], 0);
    assert_eq!(cleared["account"]["label"], "person2@example.com");
    assert_eq!(home.pool()["accounts"][1].get("accountLabel"), None);
    let mut pool = home.pool();
    pool["accounts"][1]["accountLabel"] = json!("Team (business) [id:abc123]");
    home.write(&home.root().join("openai-codex-accounts.json"), &pool.to_string());
    assert_eq!(told(&home, &["account", "label", "2", "--clear"], 0)["changed"], false);
    assert_eq!(home.pool()["accounts"][1]["accountLabel"], "Team (business) [id:abc123]");
    assert_eq!(told(&home, &["account", "label", "2"], 2)["error"]["code"], "bad-argument");
}

#[cfg(unix)]
#[test]
fn a_linked_backup_folder_is_refused() {
    let home = Home::with_samples(1);
    let elsewhere = home.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("writable");
    std::os::unix::fs::symlink(&elsewhere, home.root().join("backups")).expect("writable");

    let refused = told(&home, &["backup", "create", "x"], 1);

    assert_eq!(refused["error"]["code"], "backup-invalid");
    assert_eq!(std::fs::read_dir(&elsewhere).expect("readable").count(), 0);
    assert_eq!(told(&home, &["account", "remove", "1", "--yes"], 1)["error"]["code"], "backup-invalid");
    assert_eq!(tokens(&home).len(), 1);
}

#[test]
fn flagged_accounts_are_listed_and_removed() {
    let home = Home::with_samples(1);
    let flagged = json!({ "version": 1, "accounts": [
        { "refreshToken": "rt_person8", "email": "eight@example.com", "flaggedAt": 1_790_000_000_000_u64,
          "flaggedReason": "token-invalid", "addedAt": 1, "lastUsed": 1 },
        { "refreshToken": "rt_person9", "email": "nine@example.com", "flaggedAt": 1_790_000_000_000_u64 },
    ] });
    home.write(&home.root().join("openai-codex-flagged-accounts.json"), &flagged.to_string());

    let all = told(&home, &["flagged", "list"], 0);
    assert_eq!(
        (&all["accounts"][0]["label"], &all["accounts"][0]["reason"]),
        (&json!("eight@example.com"), &json!("token-invalid"))
    );
    assert_eq!(told(&home, &["flagged", "remove", "eight"], 3)["error"]["code"], "needs-yes");
    let gone = told(&home, &["flagged", "remove", "eight", "--yes"], 0);

    assert_eq!(gone["removed"][0]["label"], "eight@example.com");
    assert_eq!(told(&home, &["flagged", "list"], 0)["accounts"].as_array().map(Vec::len), Some(1));
    assert_eq!(told(&home, &["flagged", "remove", "eight", "--yes"], 2)["error"]["code"], "unknown-account");
}

#[cfg(debug_assertions)]
#[test]
fn a_cut_at_any_step_loses_no_account_and_the_next_try_works() {
    for (point, words) in [
        ("backup.written", ["backup", "create", "one"].as_slice()),
        ("restore.kept", &["backup", "restore", "early", "--yes"]),
        ("import.merged", &["import", "in.json"]),
        ("reset.marked", &["account", "remove", "--all", "--yes"]),
        ("reset.removed", &["account", "remove", "--all", "--yes"]),
    ] {
        for (fault, codes) in [(point.to_owned(), [134, 134]), (format!("{point}=ENOSPC"), [1, 0])] {
            let (home, other) = (Home::with_samples(3), Home::with_samples(4));
            let file = home.path().join("in.json");
            told(&other, &["export", file.to_str().expect("plain")], 0);
            told(&home, &["backup", "create", "early"], 0);
            let mut full: Vec<&str> = words.to_vec();
            if let Some(path) = full.iter_mut().find(|word| **word == "in.json") {
                *path = file.to_str().expect("plain");
            }

            let cut = run(home.manager(&full).env("CODEX_MULTI_AUTH_FAULT", &fault));
            assert!(codes.contains(&cut.code()), "{fault}: {}\n{}", cut.code(), cut.stderr);

            if point.starts_with("reset.") {
                // What the user wanted gone may be gone, but its copy is there.
                let copies = std::fs::read_dir(home.root().join("backups")).expect("copies").flatten();
                let kept = copies.filter(|copy| copy.file_name().to_string_lossy().starts_with("pre-reset-"));
                assert!(kept.count() >= 1, "{fault}");
                told(&home, &["backup", "restore", "early", "--yes"], 0);
                assert_eq!(tokens(&home).len(), 3, "{fault}");
                continue;
            }
            assert_eq!(tokens(&home), ["rt_person1", "rt_person2", "rt_person3"], "{fault}");
            run(&mut home.manager(&full)).expect(0);
        }
    }
}
