//! The log file: one object per line, for its owner alone, and nothing a stranger could use.

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Running, run};
use crate::support::wire;

fn files(home: &Home) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(home.root().join("logs")).into_iter().flatten().flatten();
    let mut files: Vec<_> = all
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    files.sort();
    files
}

fn lines(home: &Home) -> Vec<Value> {
    let texts = files(home).into_iter().map(|path| std::fs::read_to_string(path).expect("readable"));
    texts
        .flat_map(|text| {
            text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect::<Vec<_>>()
        })
        .collect()
}

fn served(home: &Home, play: &Play) {
    let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
    let told: Value = serde_json::from_str(&proxy.line()).expect("a document");
    let base = told["baseUrl"].as_str().expect("an address").to_owned();
    play.backend().script(Rule::everywhere(Endpoint::Http, Action::usage_limit()).once());
    assert_eq!(wire::turn(&base, "thread-a").status, 200);
    proxy.signal(rustix::process::Signal::TERM);
    proxy.finish().expect(143);
}

#[test]
fn a_proxy_writes_what_it_does_into_the_file_of_the_day() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();

    served(&home, &play);

    let name = files(&home)[0].file_name().expect("a name").to_string_lossy().into_owned();
    let day =
        name.strip_prefix("codex-multi-auth.").and_then(|rest| rest.strip_suffix(".jsonl")).expect("a day");
    assert_eq!((day.len(), day.matches('-').count()), (10, 2), "{name}");
    for (path, mode) in home.modes(&home.root().join("logs")) {
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
    let lines = lines(&home);
    let found = |message: &str| {
        lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.starts_with(message)))
    };
    assert!(found("listening").is_some(), "{lines:#?}");
    assert_eq!(found("rotated: usage-limit").map(|line| &line["level"]), Some(&"INFO".into()), "{lines:#?}");
    let turn = found("ok").expect("the end of the turn");
    assert_eq!(
        (&turn["part"], &turn["via"], &turn["model"]),
        (&"proxy".into(), &"http".into(), &"gpt-5.5".into())
    );
    assert!(turn["timestamp"].as_str().is_some() && turn["tokens"].as_u64() > Some(0), "{turn:#}");
    let text = serde_json::to_string(&lines).expect("text");
    assert!(!text.contains('@') && !text.contains("thread-a"), "{text}");
}

#[test]
fn the_level_is_the_environments_and_a_silent_command_leaves_no_file() {
    let play = Play::start(Scenario::pool(["one", "two", "three"]));
    let mut home = play.home();
    run(&mut home.manager(&["status", "--json"])).expect(0);
    assert_eq!(files(&home), Vec::<std::path::PathBuf>::new());

    home.set("CODEX_PLUGIN_LOG_LEVEL", "warn");
    served(&home, &play);
    let quiet = lines(&home);
    home.set("CODEX_PLUGIN_LOG_LEVEL", "debug");
    served(&home, &play);

    assert!(quiet.iter().all(|line| line["level"] == "WARN" || line["level"] == "ERROR"), "{quiet:#?}");
    assert!(lines(&home).iter().any(|line| line["level"] == "DEBUG"));
}
