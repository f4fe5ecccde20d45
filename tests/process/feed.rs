//! `monitor --watch --json`: what happens in the proxies, one event per line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use serde_json::Value;

use crate::support::play::Play;
use crate::support::process::Running;
use crate::support::wire;

fn event(feed: &mut Running) -> Value {
    serde_json::from_str(&feed.line()).expect("an object per line")
}

/// Events up to the next end of a turn, limits aside: they come whenever they are observed.
fn until_completed(feed: &mut Running) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let event = event(feed);
        let is_last = event["type"] == "completed";
        if event["type"] != "limit_updated" {
            events.push(event);
        }
        if is_last {
            return events;
        }
    }
}

fn words(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a word")).collect()
}

#[test]
fn a_proxy_that_starts_later_is_joined_and_each_turn_is_told_as_it_happens() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();
    let mut feed = Running::start(&mut home.manager(&["monitor", "--watch", "--json"]));
    let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
    let told: Value = serde_json::from_str(&proxy.line()).expect("a document");
    let base = told["baseUrl"].as_str().expect("an address").to_owned();
    // Turns before the feed has found the proxy are nobody's, so they go on until all was seen.
    let enough = Arc::new(AtomicBool::new(false));
    let turns = std::thread::spawn({
        let enough = Arc::clone(&enough);
        move || {
            while !enough.load(Ordering::Relaxed) {
                wire::turn(&base, "thread-a");
            }
        }
    });
    let first = event(&mut feed);
    assert_eq!((&first["version"], &first["pid"]), (&1.into(), &told["pid"]));
    until_completed(&mut feed);
    let plain = loop {
        let events = until_completed(&mut feed);
        if events[0]["type"] == "account_selected" {
            break events;
        }
    };
    play.backend().script(Rule::everywhere(Endpoint::Http, Action::usage_limit()).once());
    let moved = loop {
        let events = until_completed(&mut feed);
        if events.iter().any(|event| event["type"] == "rotated") {
            break events;
        }
    };

    enough.store(true, Ordering::Relaxed);
    turns.join().expect("turns end");

    assert_eq!(words(&plain), ["account_selected", "request_started", "first_byte", "completed"]);
    let (selected, completed) = (&plain[0], &plain[3]);
    assert_eq!(selected["scores"].as_array().map(Vec::len), Some(2), "{selected:#}");
    assert_eq!(selected["requestId"], completed["requestId"]);
    assert_eq!(selected["account"], completed["account"]);
    assert_eq!(completed["status"], "ok");
    assert!(completed["usage"]["totalTokens"].as_u64() > Some(0), "{completed:#}");
    let rotated = moved.iter().find(|event| event["type"] == "rotated").expect("a move");
    assert_eq!(rotated["class"], "usage-limit");
    assert_ne!(rotated["account"]["number"], rotated["from"]["number"]);
    let text = serde_json::to_string(&moved).expect("text");
    assert!(!text.contains('@') && !text.contains("thread-a"), "{text}");
    feed.signal(rustix::process::Signal::INT);
    assert_eq!(feed.finish().code(), 130);
}
