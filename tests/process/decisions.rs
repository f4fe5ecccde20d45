//! Every choice of a proxy is kept, and answers again: `why-selected --request`.

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Running, run};
use crate::support::wire;

fn why(home: &Home, words: &[&str], code: i32) -> Value {
    let words: Vec<&str> = ["why-selected", "--json"].iter().chain(words).copied().collect();
    let ran = run(&mut home.manager(&words)).expect(code);
    serde_json::from_str(&ran.stdout).expect("a document")
}

#[test]
fn a_request_is_decided_again_after_its_proxy_is_gone() {
    let play = Play::start(Scenario::pool(["one", "two", "three"]));
    let home = play.home();
    let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
    let told: Value = serde_json::from_str(&proxy.line()).expect("a document");
    let base = told["baseUrl"].as_str().expect("an address").to_owned();
    let said = wire::turn(&base, "thread-a");
    assert!(said.status == 200 && said.body.contains("response.completed"), "{} {}", said.head, said.body);
    play.backend().script(Rule::everywhere(Endpoint::Http, Action::usage_limit()).once());
    assert_eq!(wire::turn(&base, "thread-a").status, 200);
    proxy.signal(rustix::process::Signal::TERM);
    proxy.finish().expect(143);

    let (first, second) = (why(&home, &["--request", "1"], 0), why(&home, &["--request", "2"], 0));
    let chosen = first["selected"]["label"].as_str().expect("somebody").to_owned();
    let without = why(&home, &["--request", "1", "--without", "one@example.com"], 0);
    let filled = why(&home, &["--request", "1", "--strategy", "fill-first"], 0);
    let text =
        run(&mut home.manager(&["why-selected", "--headless", "--request", "2", "--strategy", "sequential"]))
            .expect(0)
            .stdout;

    assert_eq!(first["replay"], serde_json::json!({ "identical": true, "difference": null }));
    assert_eq!((&first["rule"], &first["request"]["from"]), (&Value::from("strategy"), &Value::Null));
    // The second turn was kept by its account until that had no more to give.
    assert_eq!(second["replay"]["identical"], true, "{second:#}");
    assert_eq!(second["request"]["from"]["label"].as_str(), Some(chosen.as_str()), "{second:#}");
    assert_ne!(second["selected"]["label"].as_str(), Some(chosen.as_str()));
    assert_eq!(without["whatIf"]["without"]["number"], 1, "{without:#}");
    assert_ne!(without["whatIf"]["selected"]["number"], 1);
    assert_eq!(
        (&filled["whatIf"]["strategy"], &filled["whatIf"]["selected"]["number"]),
        (&"fill-first".into(), &1.into())
    );
    assert!(text.contains("Run again: the same answer\nwith strategy sequential: "), "{text}");
    for (words, exit, code) in [
        (&["--request", "77"][..], 1, "unknown-request"),
        (&["--request", "1", "--without", "nobody@example.com"], 2, "unknown-account"),
    ] {
        let refused = why(&home, words, exit);
        assert_eq!(refused["error"]["code"], code, "{refused:#}");
    }
    let lines = std::fs::read_to_string(home.root().join("run/decisions.jsonl")).expect("kept");
    assert_eq!(lines.lines().count(), 3, "a choice each, and one more for the account that was limited");
    assert!(!lines.contains('@') && !lines.contains("thread-a"), "hashes and record ids only");
}

#[test]
fn nothing_is_kept_where_it_is_not_wanted() {
    let play = Play::start(Scenario::pool(["one"]));
    let mut home = play.home();
    home.set("CODEX_MULTI_AUTH_DECISION_LOG", "0");
    let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
    let told: Value = serde_json::from_str(&proxy.line()).expect("a document");
    assert_eq!(wire::turn(told["baseUrl"].as_str().expect("an address"), "thread-a").status, 200);
    proxy.signal(rustix::process::Signal::TERM);
    proxy.finish().expect(143);

    assert!(!home.root().join("run/decisions.jsonl").exists());
}
