//! Several of our processes on one root: they meet through files only.

use codex_multi_auth::base::Span;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Running, run};

/// A client that only waits, so that its forwarder stays alive until its input ends.
const WAITING: &str = "#!/bin/sh\necho started\nexec cat >/dev/null\n";

#[test]
fn two_forwarders_at_once_refresh_an_account_once() {
    let scenario = Scenario::pool(["one", "two"])
        .with("one", |one| one.token_left = Some(Span::minutes(-5)))
        .rule(Rule::on("one", Endpoint::Token, Action::Slow { delay: Span::millis(300) }));
    let play = Play::start(scenario);
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    home.put_program("codex", "#!/bin/sh\nexit 0\n");

    let runs: Vec<_> = (0..2).map(|_| Running::start(&mut home.forwarder(&["exec", "hi"]))).collect();
    for running in runs {
        running.finish().expect(0);
    }

    assert_eq!(play.backend().record().at("token").len(), 1);
    assert_eq!(home.pool()["accounts"][0]["refreshToken"], home.auth()["tokens"]["refresh_token"]);
    play.assert_no_violation();
}

#[test]
fn a_killed_forwarder_leaves_one_entry_that_the_next_start_sweeps() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    home.put_program("codex", WAITING);
    let mut command = home.forwarder(&["exec", "hi"]);
    command.stdin(std::process::Stdio::piped());
    let mut forwarder = Running::start(&mut command);
    assert_eq!(forwarder.line(), "started");

    forwarder.signal(rustix::process::Signal::KILL);
    assert_eq!(forwarder.finish().code(), 137);
    let left = entries(&home);
    home.put_program("codex", "#!/bin/sh\nexit 0\n");
    run(&mut home.forwarder(&["exec", "hi"])).expect(0);

    assert!(!left.is_empty(), "a proxy registers itself");
    assert_eq!(entries(&home), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(home.temporary()).expect("readable").count(), 0);
}

fn entries(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.root().join("run")).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn readers_ask_the_living_proxy_and_name_the_same_account() {
    let play = Play::start(Scenario::pool(["one", "two", "three"]));
    let home = play.home();
    let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
    proxy.line();

    let read = |words: &[&str]| -> Value {
        let ran = run(&mut home.manager(words)).expect(0);
        serde_json::from_str(&ran.stdout).expect("a document")
    };
    let status = read(&["status", "--json"]);
    let why = read(&["why-selected", "--json"]);
    run(&mut home.manager(&["switch", "2"])).expect(0);
    let after = read(&["status", "--json"]);

    assert_eq!(status["proxies"].as_array().map(Vec::len), Some(1), "{status:#}");
    assert_eq!(why["source"], "proxy", "{why:#}");
    assert_eq!(status["next"]["number"], why["selected"]["oneBasedIndex"]);
    assert_eq!(after["next"]["number"], 2, "{after:#}");
    proxy.signal(rustix::process::Signal::TERM);
    proxy.finish().expect(143);
}
