//! `history` as a script sees it: sessions of every provider, one of them resumed, those of the original package
//! filed anew and back.

#![expect(clippy::disallowed_methods, reason = "a test of real processes lives in real time")]

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::run;

const OWN: &str = "0199a213-81c0-7800-8aa1-bbab2a035a01";
const LEGACY: &str = "0199b000-81c0-7800-8aa1-bbab2a035a02";

fn keep(home: &Home, id: &str, provider: &str, said: &str, age: Duration) -> PathBuf {
    let path = home.codex().join(format!("sessions/2026/11/20/rollout-2026-11-20T10-00-00-{id}.jsonl"));
    let text = format!(
        "{{\"timestamp\":\"2026-11-20T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\",\"cwd\":\"/home/me/project\",\"originator\":\"codex_cli_rs\",\"cli_version\":\"0.169.0\",\"model_provider\":\"{provider}\"}}}}\n\
         {{\"timestamp\":\"2026-11-20T10:00:0{}.000Z\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"user_message\",\"message\":\"{said}\"}}}}\n",
        id.len() % 10 + usize::from(id == LEGACY)
    );
    home.write(&path, &text);
    let old = SystemTime::now() - age;
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(old).unwrap();
    path
}

fn told(home: &Home, words: &[&str], code: i32) -> Value {
    let ran = run(&mut home.manager(words)).expect(code);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}", ran.stdout))
}

fn ids(document: &Value) -> Vec<&str> {
    document["sessions"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

fn two_sessions(home: &Home) -> [PathBuf; 2] {
    let hour = Duration::from_hours(1);
    [
        keep(home, OWN, "openai", "mend the parser", hour),
        keep(home, LEGACY, "codex-multi-auth-runtime-proxy", "write the lexer", hour),
    ]
}

#[test]
fn sessions_of_every_provider_are_listed_filtered_and_shown() {
    let home = Home::new();
    two_sessions(&home);

    assert_eq!(ids(&told(&home, &["history", "--json"], 0)), [LEGACY, OWN]);
    assert_eq!(ids(&told(&home, &["history", "--provider", "openai", "--json"], 0)), [OWN]);
    assert_eq!(ids(&told(&home, &["history", "search", "PARSER", "--json"], 0)), [OWN]);
    assert_eq!(ids(&told(&home, &["history", "list", "--limit", "1", "--json"], 0)), [LEGACY]);
    assert_eq!(ids(&told(&home, &["history", "--cwd", "/elsewhere", "--json"], 0)), Vec::<&str>::new());
    assert_eq!(told(&home, &["history", "--since", "soon", "--json"], 2)["error"]["code"], "bad-argument");

    let shown = told(&home, &["history", "show", "0199a", "--json"], 0);
    assert_eq!((&shown["id"], &shown["cliVersion"]), (&Value::from(OWN), &Value::from("0.169.0")));
    assert_eq!(shown["messages"], serde_json::json!(["mend the parser"]));
    assert_eq!(told(&home, &["history", "show", "0199", "--json"], 2)["error"]["code"], "session-ambiguous");
    let text = run(&mut home.manager(&["history"])).expect(0).stdout;
    assert!(text.contains("[codex-multi-auth-runtime-proxy]") && text.contains("history resume"), "{text}");
}

#[test]
fn a_beginning_of_an_id_resumes_the_session_through_the_proxy() {
    let play = Play::start(Scenario::pool(["one"]));
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    home.put_program("codex", "#!/bin/sh\nfor arg in \"$@\"; do printf 'arg %s\\n' \"$arg\"; done\nexit 7\n");
    two_sessions(&home);

    let ran = run(&mut home.manager(&["history", "resume", "0199b"])).expect(7);

    assert!(ran.stdout.contains("arg openai_base_url="), "{}", ran.stdout);
    assert!(ran.stdout.ends_with(&format!("arg resume\narg {LEGACY}\n")), "{}", ran.stdout);
    run(&mut home.manager(&["history", "resume", "ff"])).expect(1);
}

#[test]
fn a_migration_asks_moves_and_can_be_undone_byte_for_byte() {
    let home = Home::new();
    let paths = two_sessions(&home);
    let look =
        |path: &Path| (std::fs::read(path).unwrap(), std::fs::metadata(path).unwrap().modified().unwrap());
    let before = paths.each_ref().map(|path| look(path));

    assert_eq!(told(&home, &["history", "migrate", "--dry-run", "--json"], 0)["found"], 1);
    assert_eq!(told(&home, &["history", "migrate", "--json"], 3)["error"]["code"], "needs-answer");
    assert_eq!(paths.each_ref().map(|path| look(path)), before);

    let moved = told(&home, &["history", "migrate", "--yes", "--json"], 0);
    assert_eq!((&moved["found"], &moved["rewritten"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(ids(&told(&home, &["history", "--provider", "openai", "--json"], 0)), [LEGACY, OWN]);

    assert_eq!(told(&home, &["history", "migrate", "--undo", "--yes", "--json"], 0)["undone"], true);
    assert_eq!(paths.each_ref().map(|path| look(path)), before);
}

#[test]
fn a_session_that_runs_keeps_its_home_from_being_moved() {
    let home = Home::new();
    keep(&home, LEGACY, "codex-multi-auth-runtime-proxy", "now", Duration::from_secs(1));

    let told = told(&home, &["history", "migrate", "--yes", "--json"], 1);

    assert_eq!(told["error"]["code"], "codex-home-in-use");
}
