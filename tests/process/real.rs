//! The genuine Codex CLI through the forwarder, against the rehearsal back end: what the product is for.
//!
//! `.ci/run` installs the client; where it is absent each test passes with one printed notice. Every test ends with
//! the same invariants: no refresh token sent twice, no bearer with another account's id, no model or account request
//! without credentials, `config.toml` untouched, no process and no temporary file left.

use std::collections::BTreeSet;
use std::path::PathBuf;

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use serde_json::Value;

use crate::support::client::{Genuine, Way};
use crate::support::process::{Ran, run};

mod compaction;
mod forwarded;
mod front_ends;
mod login;
mod namespace;
mod screen;

/// A prompt that takes four tool calls.
const LOOP: &str = "count to four REHEARSE{steps=4 words=5}";

/// Over which transport the client talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Socket,
    Http,
}

const BOTH: [Over; 2] = [Over::Socket, Over::Http];

/// What the client reported.
struct Turn {
    ran: Ran,
    events: Vec<Value>,
    story: String,
}

impl Turn {
    fn of(stage: &Genuine, ran: Ran) -> Self {
        let events = ran.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Self { ran, events, story: stage.play.story() }
    }

    /// Everything that is known, for a failure.
    fn all(&self) -> String {
        format!("{}\n{}\n{}", self.ran.stdout, self.ran.stderr, self.story)
    }

    fn count(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event["type"] == kind).count()
    }

    fn items(&self, kind: &str) -> usize {
        let done = self.events.iter().filter(|event| event["type"] == "item.completed");
        done.filter(|event| event["item"]["type"] == kind).count()
    }

    /// Fails unless the loop went to its end and nothing of a failover was seen.
    #[track_caller]
    fn assert_whole(&self) {
        assert_eq!(self.ran.code(), 0, "{}", self.all());
        let seen = (
            self.items("command_execution"),
            self.count("turn.completed"),
            self.count("error"),
            self.items("error"),
        );
        assert_eq!(seen, (4, 1, 0, 0), "calls, turns, errors\n{}", self.all());
    }
}

fn two() -> Scenario {
    Scenario::pool(["one", "two"])
}

/// What must hold after every run.
#[track_caller]
fn assert_clean(stage: &Genuine) {
    stage.play.assert_no_violation();
    let config = std::fs::read_to_string(stage.home.codex().join("config.toml")).expect("still there");
    assert_eq!(config, stage.config);
    assert_eq!(left_in(&stage.home.temporary()), BTreeSet::new());
    // The log of decisions outlives its proxies; nothing else does.
    let run = stage.home.root().join("run");
    let mut left = left_in(&run);
    left.remove(&run.join("decisions.jsonl"));
    assert_eq!(left, BTreeSet::new());
    assert_eq!(processes(stage), Vec::<String>::new());
}

fn left_in(folder: &std::path::Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path()).collect()
}

/// The command lines of processes that live in this home.
fn processes(stage: &Genuine) -> Vec<String> {
    let mark = format!("HOME={}", stage.home.path().display());
    let all = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let ours = all.filter(|entry| {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    });
    let words = ours.map(|entry| std::fs::read(entry.path().join("cmdline")).unwrap_or_default());
    words.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

/// Account and status of every turn, transports aside.
fn order(stage: &Genuine) -> Vec<(String, u16)> {
    stage.play.backend().record().order()
}

fn served_by(stage: &Genuine) -> Vec<String> {
    let mut names: Vec<_> =
        order(stage).into_iter().filter(|(_, status)| *status == 200).map(|(name, _)| name).collect();
    names.dedup();
    names
}

/// Whether the turns came the way they were meant to.
#[track_caller]
fn assert_came(stage: &Genuine, over: Over) {
    let turns = stage.play.backend().record().turns();
    let expected = if over == Over::Socket { "socket" } else { "http" };
    let strays: Vec<_> = turns.iter().filter(|turn| turn.transport != expected).collect();
    assert!(!turns.is_empty() && strays.is_empty(), "{over:?}\n{}", stage.play.story());
    // A body that had to be rewritten goes on without its encoding.
    let packed = turns.iter().filter(|turn| turn.encoding.as_deref() == Some("zstd")).count();
    assert!(over == Over::Socket || packed > 1, "{turns:#?}");
}

/// Prompts and tool outputs in the context of the last turn.
fn last_context(stage: &Genuine) -> Option<(u32, u32)> {
    stage.play.backend().record().turns().last().and_then(|turn| turn.context)
}

#[test]
fn the_client_works_with_the_rehearsal_alone() {
    let Some(stage) = Genuine::with(two()) else { return };

    let turn = Turn::of(&stage, run(&mut stage.exec(Way::Straight, LOOP)));

    turn.assert_whole();
    assert_came(&stage, Over::Socket);
    assert_clean(&stage);
}

#[test]
fn the_client_works_with_the_rehearsal_alone_over_http() {
    let refuse = Rule::everywhere(Endpoint::Upgrade, Action::UpgradeRequired);
    let Some(stage) = Genuine::with(two().rule(refuse)) else { return };

    let turn = Turn::of(&stage, run(&mut stage.exec(Way::Straight, LOOP)));

    turn.assert_whole();
    assert_came(&stage, Over::Http);
    assert_clean(&stage);
}
