//! One proxy for many launches: `serve` is used where it lives and belongs to the same home, and nowhere else.

use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Ran, Running, run};

/// Prints the setting it was given, and what the registry holds meanwhile.
fn telling(home: &Home) -> String {
    format!("#!/bin/sh\nprintf 'arg %s\\n' \"$2\"\ncat '{}'/run/*.json\n", home.root().display())
}

fn stage() -> (Play, Home) {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    home.put_program("codex", &telling(&home));
    (play, home)
}

fn serve(home: &Home) -> (Running, Value) {
    let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
    let told = serde_json::from_str(&proxy.line()).unwrap();
    (proxy, told)
}

/// Port and prefix of the base URL a launch was given.
fn base(ran: &Ran) -> (String, String) {
    let line =
        ran.stdout.lines().find_map(|line| line.strip_prefix("arg openai_base_url=\"http://127.0.0.1:"));
    let (port, rest) = line.and_then(|rest| rest.split_once('/')).unwrap_or_else(|| panic!("{}", ran.stdout));
    (port.to_owned(), rest.split('/').next().unwrap_or_default().to_owned())
}

#[test]
fn a_launch_uses_the_living_serve_under_a_prefix_of_its_own() {
    let (_play, home) = stage();
    let (_proxy, told) = serve(&home);
    let shared = told["baseUrl"].as_str().unwrap().to_owned();

    let first = run(&mut home.forwarder(&["exec", "hi"])).expect(0);
    let second = run(&mut home.forwarder(&["exec", "hi"])).expect(0);

    let (port, prefix) = base(&first);
    assert!(shared.starts_with(&format!("http://127.0.0.1:{port}/")), "{shared} {port}");
    assert!(!shared.contains(&prefix), "a launch has a prefix of its own");
    assert_ne!(base(&second).1, prefix);
    assert!(first.stdout.contains("\"kind\":\"attached\""), "{}", first.stdout);
    assert!(!first.stdout.contains("\"kind\":\"inline\""), "{}", first.stdout);
    let left: Vec<_> = std::fs::read_dir(home.root().join("run")).unwrap().flatten().collect();
    assert!(
        left.iter()
            .all(|entry| !std::fs::read_to_string(entry.path()).unwrap_or_default().contains("attached")),
        "the entry goes with its launch"
    );
}

#[test]
fn a_launch_hosts_its_own_proxy_where_it_may_not_or_cannot_attach() {
    let (_play, mut home) = stage();
    let (proxy, told) = serve(&home);
    let port = |told: &Value| {
        let url = told["baseUrl"].as_str().unwrap();
        url.trim_start_matches("http://127.0.0.1:").split('/').next().unwrap().to_owned()
    };

    home.set("CODEX_MULTI_AUTH_ATTACH", "0");
    let alone = run(&mut home.forwarder(&["exec", "hi"])).expect(0);
    home.set("CODEX_MULTI_AUTH_ATTACH", "1");
    drop(proxy);
    let after = run(&mut home.forwarder(&["exec", "hi"])).expect(0);

    for ran in [&alone, &after] {
        assert_ne!(base(ran).0, port(&told));
        assert!(ran.stdout.contains("\"kind\":\"inline\""), "{}", ran.stdout);
    }
}
