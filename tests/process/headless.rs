//! Commands without a screen: one document, no escape bytes, the exit code that was promised, nothing touched that
//! was not asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::Home;
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
