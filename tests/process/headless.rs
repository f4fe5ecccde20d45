//! Commands without a screen: one document, no escape bytes, the exit code that was promised, nothing touched that
//! was not asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use codex_multi_auth::domain::places::POOL_FILE;
use codex_multi_auth::domain::scope::{self, Naming};
use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::{Home, Login};
use crate::support::play::Play;
use crate::support::process::{Ran, run};

/// Commands that only look.
const READING: [&[&str]; 5] = [&["status"], &["list"], &["why-selected"], &["monitor"], &[]];

/// The one document of a `--json` run.
#[track_caller]
fn document(ran: &Ran) -> Value {
    let mut documents = serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>();
    let first = documents.next().and_then(Result::ok);
    let first = first.unwrap_or_else(|| panic!("no document\n{}\n{}", ran.stdout, ran.stderr));
    assert!(documents.next().is_none(), "more than one document\n{}", ran.stdout);
    first
}

#[track_caller]
fn assert_untouched(home: &Home, before: &BTreeMap<PathBuf, Vec<u8>>, words: &[&str]) {
    let after = home.files();
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(before), "{words:?}");
    assert!(after == *before, "{words:?} changed what is in a file");
}

#[track_caller]
fn assert_plain(ran: &Ran) {
    let escapes = [&ran.stdout, &ran.stderr].iter().any(|text| text.contains('\u{1b}'));
    assert!(!escapes, "{:?}\n{:?}", ran.stdout, ran.stderr);
}

#[test]
fn reading_commands_print_one_document_and_change_nothing() {
    for words in READING {
        let home = Home::with_samples(3);
        let before = home.files();
        let words = [words, &["--json"]].concat();

        let ran = run(&mut home.manager(&words)).expect(0);

        assert_plain(&ran);
        let document = document(&ran);
        assert_eq!(document["ok"], true, "{words:?}");
        assert!(document["schemaVersion"].is_u64(), "{words:?}: {document:#}");
        assert_eq!(ran.stderr, "", "{words:?}");
        assert_untouched(&home, &before, words.as_slice());
    }
}

#[test]
fn reading_commands_print_text_without_a_terminal() {
    for words in READING {
        let home = Home::with_samples(3);

        let ran = run(&mut home.manager(words)).expect(0);

        assert_plain(&ran);
        assert!(!ran.stdout.trim().is_empty(), "{words:?}");
        assert!(serde_json::from_str::<Value>(&ran.stdout).is_err(), "{words:?}");
    }
}

#[test]
fn exit_codes_are_the_promised_ones() {
    // Words, accounts in the pool, exit code, error code.
    let rows: [(&[&str], usize, i32, &str); 9] = [
        (&["status"], 0, 5, "no-accounts"),
        (&["why-selected"], 0, 5, "no-accounts"),
        (&["switch", "1"], 0, 5, "no-accounts"),
        (&["switch", "9"], 3, 2, "out-of-range"),
        (&["switch", "nobody@example.com"], 3, 2, "unknown-account"),
        (&["switch"], 3, 2, "bad-argument"),
        (&["status", "--no-such-flag"], 3, 2, "bad-argument"),
        (&["no-such-command"], 3, 2, "unknown-command"),
        (&["codex", "--account", "9", "exec", "hi"], 3, 2, ""),
    ];
    for (words, accounts, code, error) in rows {
        let mut home = if accounts == 0 { Home::new() } else { Home::with_samples(accounts) };
        home.put_program("codex", "#!/bin/sh\nexit 0\n");

        let plain = run(&mut home.manager(words)).expect(code);
        assert_plain(&plain);
        if error.is_empty() {
            continue;
        }
        let ran = run(&mut home.manager(&[words, &["--json"]].concat())).expect(code);

        assert_plain(&ran);
        let document = document(&ran);
        assert_eq!(document["ok"], false, "{words:?}");
        assert_eq!(document["error"]["code"], error, "{words:?}: {document:#}");
    }
}

#[test]
fn an_unsafe_override_ends_the_program_before_anything_is_read() {
    for value in [
        "https://127.0.0.1:9/backend-api",
        "http://example.com:80/backend-api",
        "http://127.0.0.1/x",
        "nonsense",
    ] {
        for name in ["CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", "CODEX_MULTI_AUTH_AUTH_BASE_URL"] {
            let mut home = Home::with_samples(2);
            home.set(name, value);

            let ran = run(&mut home.manager(&["status", "--json"])).expect(2);

            assert_eq!(document(&ran)["error"]["code"], "unsafe-override", "{name}={value}");
        }
    }
}

#[test]
fn help_and_version_have_no_side_effect() {
    let rows: [&[&str]; 8] = [
        &["--version"],
        &["-v"],
        &["--help"],
        &["-h"],
        &["status", "--help"],
        &["switch", "--help"],
        &["unpin", "--help"],
        &["serve", "--help"],
    ];
    for words in rows {
        let home = Home::new();
        let before = home.files();

        let ran = run(&mut home.manager(words)).expect(0);

        assert_plain(&ran);
        assert!(!ran.stdout.trim().is_empty(), "{words:?}");
        assert_eq!(home.files(), before, "{words:?}");
        assert!(!home.root().exists(), "{words:?}");
    }
}

#[test]
fn a_switch_is_pinned_shown_and_undone() {
    let play = Play::start(Scenario::pool(["one", "two", "three"]));
    let home = play.home();
    home.write_auth(&play.login("one"));

    let said = run(&mut home.manager(&["switch", "2"])).expect(0);
    let pinned = document(&run(&mut home.manager(&["status", "--json"])));
    run(&mut home.manager(&["unpin"])).expect(0);
    let free = document(&run(&mut home.manager(&["status", "--json"])));

    assert_eq!(pinned["activeIndex"], 1);
    assert_eq!(pinned["pinnedAccountIndex"], 1);
    assert_eq!(free["pinnedAccountIndex"], Value::Null);
    let official = home.auth();
    assert_eq!(
        official["tokens"]["account_id"],
        play.login("two").account_id.as_str(),
        "{said:?}\n{official:#}"
    );
    play.assert_no_violation();
}

#[test]
fn every_reader_names_the_same_next_account() {
    let home = Home::with_samples(4);
    run(&mut home.manager(&["switch", "3"])).expect(0);

    let status = document(&run(&mut home.manager(&["status", "--json"])));
    let why = document(&run(&mut home.manager(&["why-selected", "--json"])));

    assert_eq!(status["next"]["number"], 3, "{status:#}");
    assert_eq!(why["selected"]["oneBasedIndex"], status["next"]["number"], "{why:#}");
}

/// A home with two pools: one account of the user's own, two of a project.
fn two_pools() -> Home {
    let home = Home::with_samples(1);
    let project = home.work();
    std::fs::create_dir(project.join(".git")).expect("writable");
    let key = scope::key(&project.to_string_lossy(), Naming::here());
    let folder = home.root().join("projects").join(key);
    std::fs::create_dir_all(&folder).expect("writable");
    let own = std::fs::read(home.root().join(POOL_FILE)).expect("a pool");
    home.write_pool(&[Login::sample(7), Login::sample(8)]);
    std::fs::rename(home.root().join(POOL_FILE), folder.join(POOL_FILE)).expect("moved");
    std::fs::write(home.root().join(POOL_FILE), own).expect("writable");
    home
}

#[test]
fn the_pool_of_a_project_is_used_where_projects_have_their_own_and_where_it_is_asked_for() {
    let mut home = two_pools();
    let status = |home: &Home, words: &[&str]| {
        let ran = run(&mut home.manager(&[&["status", "--json"], words].concat())).expect(0);
        let document = document(&ran);
        (document["accountCount"].as_u64(), document["scope"].clone())
    };
    let global = serde_json::json!({ "kind": "global", "projectKey": null });

    assert_eq!(status(&home, &[]), (Some(1), global.clone()));
    let (count, scope) = status(&home, &["--project"]);
    assert_eq!((count, &scope["kind"]), (Some(2), &Value::from("project")));
    home.set("CODEX_MULTI_AUTH_SYNC_CODEX_CLI", "0");
    assert_eq!(status(&home, &[]), (Some(2), scope));
    assert_eq!(status(&home, &["--global"]), (Some(1), global));
    let text = run(&mut home.manager(&["status"])).expect(0);
    assert!(text.stdout.contains("Scope: project work-"), "{}", text.stdout);
}

#[test]
fn a_project_is_refused_where_there_is_none() {
    let home = Home::with_samples(1);
    let mut command = home.manager(&["status", "--project", "--json"]);

    let ran = run(command.current_dir("/")).expect(2);

    assert_eq!(document(&ran)["error"]["code"], "bad-argument");
}

#[test]
fn a_pool_that_cannot_be_read_is_named_and_never_taken_for_an_empty_one() {
    let home = Home::with_samples(1);
    std::fs::write(home.root().join(POOL_FILE), "{\"version\":3,\"acc").expect("writable");

    let json = run(&mut home.manager(&["list", "--json"])).expect(1);
    let text = run(&mut home.manager(&["list"])).expect(1);

    let document = document(&json);
    assert_eq!(document["error"]["code"], "storage-corrupt");
    assert_eq!(document["storageHealth"], "corrupt");
    assert_eq!(document["storage"]["path"], document["storagePath"]);
    assert!(document["storage"]["details"].as_str().is_some_and(|text| text.contains("cannot be read")));
    assert!(text.stdout.contains("appears corrupted") && text.stdout.contains(POOL_FILE), "{}", text.stdout);
    assert!(!text.stdout.contains("No accounts"), "{}", text.stdout);
    assert!(text.stderr.contains("line 1"), "{}", text.stderr);
}

#[test]
fn a_file_in_place_of_the_folder_is_called_what_it_is() {
    let home = Home::new();
    std::fs::write(home.root(), "not a folder").expect("writable");

    let text = run(&mut home.manager(&["status"])).expect(1);
    let json = run(&mut home.manager(&["status", "--json"])).expect(1);
    let act = run(&mut home.manager(&["switch", "1"])).expect(1);

    let is_a_file = format!("{} is a file, and a folder has to be there", home.root().display());
    for ran in [&text, &act] {
        assert!(ran.stderr.contains(&is_a_file), "{}", ran.stderr);
        assert!(!ran.stdout.contains("orrupt") && !ran.stderr.contains("orrupt"), "{ran:?}");
    }
    assert_eq!(document(&json)["error"]["code"], "storage-unreadable");
}

#[test]
fn a_recovered_pool_says_where_it_came_from() {
    let home = Home::with_samples(2);
    let pool = home.root().join(POOL_FILE);
    std::fs::rename(&pool, home.root().join(format!("{POOL_FILE}.bak"))).expect("moved");
    std::fs::write(&pool, "").expect("writable");

    let ran = run(&mut home.manager(&["status", "--json"])).expect(0);

    let document = document(&ran);
    assert_eq!(document["storage"]["recoverySource"], "backup", "{document:#}");
    assert_eq!((&document["recovery"]["accounts"], &document["accountCount"]), (&2.into(), &2.into()));
}

#[test]
fn root_changes_nothing_in_the_home_of_another_user_unless_told_to() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be a stranger in somebody's home");
        return;
    }
    let home = Home::with_samples(2);
    std::os::unix::fs::chown(home.path(), Some(12_345), None).expect("we are root");
    let before = home.files();

    let refused = run(&mut home.manager(&["switch", "2", "--json"])).expect(1);
    let shown = run(&mut home.manager(&["status", "--json"])).expect(0);
    assert_untouched(&home, &before, &["switch", "2"]);
    run(&mut home.manager(&["switch", "2", "--allow-root"])).expect(0);

    let error = document(&refused)["error"].clone();
    assert!(error["message"].as_str().is_some_and(|text| text.contains("user 12345")), "{error:#}");
    assert!(error["hint"].as_str().is_some_and(|text| text.contains("--allow-root")), "{error:#}");
    assert_eq!(document(&shown)["accountCount"], 2);
    assert_eq!(home.pool()["activeIndex"], 1);
}
