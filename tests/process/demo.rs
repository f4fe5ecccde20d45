//! The rehearsal as a newcomer meets it: nothing installed, no account, nothing touched.

#![expect(clippy::disallowed_methods, reason = "a test of real processes lives in real time")]

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::browser::Ports;
use crate::support::dirs::{Home, Login};
use crate::support::process::{MANAGER, run};
use crate::support::pty::Terminal;

const ACCOUNTS: usize = 6;

#[test]
fn the_tour_opens_with_six_accounts_and_live_traffic_and_leaves_nothing() {
    let home = Home::for_demo();
    home.write_pool(&[1, 2].map(Login::sample));
    let before = home.files();
    let mut terminal = Terminal::start(MANAGER, &["--demo"], &home.environment(), (140, 40));

    terminal.wait_for("6 accounts");
    terminal.wait_for("DEMO");
    // A frame arrives in pieces.
    terminal.wait_until("six accounts", |screen| screen.contents().matches('@').count() >= ACCOUNTS);
    terminal.send(":");
    terminal.wait_for("esc close");
    terminal.send("\u{1b}");
    terminal.settled();
    terminal.send("q");

    assert!(terminal.finish().success(), "{}", terminal.text());
    assert_eq!(home.files(), before);
}

#[test]
fn the_monitor_of_the_tour_shows_turns() {
    let home = Home::for_demo();
    let mut terminal = Terminal::start(MANAGER, &["--demo", "monitor"], &home.environment(), (140, 40));

    terminal.wait_for("DEMO");
    terminal.wait_until("a finished turn", |screen| screen.contents().contains(" ok "));
    terminal.send("q");

    terminal.finish();
    assert_eq!(home.left_in_temporary(), Vec::<String>::new());
}

#[test]
fn a_rehearsed_command_prints_what_the_real_one_would() {
    let home = Home::for_demo();
    home.write_pool(&[1, 2].map(Login::sample));
    let before = home.files();

    let ran = run(&mut home.manager(&["--demo", "status", "--json"]));
    let text = run(&mut home.manager(&["--demo", "status"]));

    let status: Value = serde_json::from_str(&ran.stdout).expect("a document");
    assert_eq!(status["demo"], true, "{status:#}");
    assert_eq!(status["accountCount"], ACCOUNTS);
    assert!(text.stdout.contains("demo") || text.stdout.contains("DEMO"), "{}", text.stdout);
    assert_eq!(home.files(), before);
}

#[test]
fn what_a_rehearsal_cannot_do_is_a_usage_error() {
    let rows: [(&[&str], &str); 2] =
        [(&["--demo=no-such-one", "status"], "unknown-scenario"), (&["--demo", "codex", "exec", "hi"], "")];
    for (words, code) in rows {
        let home = Home::for_demo();

        let ran = run(&mut home.manager(&[&["--json"], words].concat())).expect(2);

        if !code.is_empty() {
            let document: Value = serde_json::from_str(&ran.stdout).expect("a document");
            assert_eq!(document["error"]["code"], code, "{words:?}");
        }
    }
}

#[test]
fn a_rehearsal_refuses_to_start_over_an_override() {
    let mut home = Home::for_demo();
    home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", "http://127.0.0.1:9/backend-api");

    run(&mut home.manager(&["--demo", "status"])).expect(2);
}

#[test]
fn a_killed_rehearsal_is_swept_by_the_next() {
    let home = Home::for_demo();
    let mut terminal = Terminal::start(MANAGER, &["--demo"], &home.environment(), (80, 24));
    terminal.wait_for("DEMO");
    terminal.signal(rustix::process::Signal::KILL);
    terminal.finish();

    run(&mut home.manager(&["--demo", "status", "--json"]));

    assert_eq!(home.left_in_temporary(), Vec::<String>::new());
}

/// From nothing to a dashboard with an account: what every prompt on the way says, and how many keys it takes.
#[test]
fn a_newcomer_is_on_the_dashboard_with_an_account_after_a_few_keys() {
    let _ports = Ports::take();
    let mut home = Home::for_demo();
    home.set("DISPLAY", ":0");
    let began = Instant::now();
    let mut terminal = Terminal::start(MANAGER, &["--demo=first-run"], &home.environment(), (80, 24));
    let mut keys = 0;
    let mut press = |terminal: &mut Terminal, key: &str| {
        keys += 1;
        terminal.send(key);
    };

    terminal.wait_for("Welcome. Add the first");
    for words in ["(new, 0600)", "Undo: d", "copied away"] {
        terminal.wait_for(words);
    }
    press(&mut terminal, "1");
    terminal.wait_for("waiting for the browser");
    for words in ["Nothing is written before", "Undo"] {
        terminal.wait_for(words);
    }
    terminal.wait_for("New account 1");
    for words in ["Written to", "Undo"] {
        terminal.wait_for(words);
    }
    press(&mut terminal, "\r");
    terminal.wait_for("alpha@example.com");
    press(&mut terminal, "q");

    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
    assert!(keys <= 15, "{keys} keys");
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
    assert_eq!(home.left_in_temporary(), Vec::<String>::new());
}
