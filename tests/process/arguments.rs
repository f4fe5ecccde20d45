//! The command line of the real binary: what ends before anything is opened, and what goes on until it is ended.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::process::{Running, run};

#[test]
fn help_and_version_open_nothing() {
    let home = Home::new();
    let before = home.files();
    let commands = ["status", "list", "switch", "unpin", "why-selected", "monitor", "serve", "completions"];

    for command in commands {
        let ran = run(&mut home.manager(&[command, "--help"])).expect(0);
        assert!(ran.stdout.contains(&format!("Usage: codex-multi-auth {command}")), "{}", ran.stdout);
        assert_eq!(ran.stderr, "", "{command}");
        let ran = run(&mut home.manager(&[command, "--version"])).expect(0);
        assert_eq!(ran.stdout, concat!(env!("CARGO_PKG_VERSION"), "\n"), "{command}");
    }

    assert_eq!(home.files(), before);
    assert_eq!(std::fs::read_dir(home.codex()).unwrap().count(), 0, "a folder was made");
}

#[test]
fn an_unknown_command_names_the_near_one() {
    let home = Home::new();

    let text = run(&mut home.manager(&["staus"])).expect(2);
    let json = run(&mut home.manager(&["staus", "--json"])).expect(2);
    let old = run(&mut home.manager(&["staus", "--exit-zero"])).expect(1);

    assert_eq!(text.stdout, "");
    assert!(text.stderr.starts_with("Unknown command: staus\n"), "{}", text.stderr);
    assert!(text.stderr.contains("codex-multi-auth status"), "{}", text.stderr);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&document["ok"], &document["error"]["code"]), (&false.into(), &"unknown-command".into()));
    assert_eq!(old.stdout, "");
}

#[test]
fn a_watched_report_is_a_stream_of_documents() {
    let home = Home::with_samples(2);
    let mut running = Running::start(&mut home.manager(&["status", "--json", "--watch=1"]));

    for _ in 0..2 {
        let document: Value = serde_json::from_str(&running.line()).unwrap();
        assert_eq!(document["accountCount"], 2);
    }
    running.signal(Signal::INT);

    assert_eq!(running.finish().code(), 130);
}

#[test]
fn a_quiet_act_says_nothing() {
    let home = Home::with_samples(2);

    let quiet = run(&mut home.manager(&["switch", "2", "-q"])).expect(0);
    let loud = run(&mut home.manager(&["unpin"])).expect(0);

    assert_eq!(quiet.stdout, "");
    assert_eq!(loud.stdout, "Unpinned account 2 (person2@example.com): the accounts rotate again\n");
}
