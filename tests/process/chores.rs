//! `setup`, `features`, the launcher and `mcodex`: what they change on the user's system, and that it goes again.

use std::fs;

use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{LAUNCHER, MCODEX, run};

fn told(home: &Home, words: &[&str], code: i32) -> Value {
    let ran = run(&mut home.manager(words)).expect(code);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}", ran.stdout))
}

#[test]
fn a_launcher_is_put_into_the_menu_and_taken_out_without_a_trace() {
    let home = Home::new();
    let before = (home.files(), home.folders());
    let entry = home.path().join(".local/share/applications/codex-multi-auth.desktop");

    let dry = run(&mut home.command(LAUNCHER, &["--dry-run"])).expect(0);
    let untouched = entry.exists();
    let put = run(&mut home.command(LAUNCHER, &[])).expect(0);
    let text = fs::read_to_string(&entry).expect("there");
    let taken = run(&mut home.command(LAUNCHER, &["--remove"])).expect(0);
    let nothing = run(&mut home.command(LAUNCHER, &["--remove"])).expect(0);
    let help = run(&mut home.command(LAUNCHER, &["--help"])).expect(0);

    assert!(dry.stdout.contains("Would do") && !untouched, "{}", dry.stdout);
    assert!(put.stdout.contains("Undo: codex-multi-auth-app-launcher --remove"), "{}", put.stdout);
    assert!(text.contains("codex-multi-auth-codex\" \"app\" %F\n"), "{text}");
    assert!(taken.stdout.contains("Removed") && nothing.stdout.contains("Nothing there"));
    assert!(help.stdout.contains("--remove"), "{}", help.stdout);
    let root = home.root();
    let outside = |files: std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>| {
        files.into_iter().filter(|(path, _)| !home.path().join(path).starts_with(&root)).collect::<Vec<_>>()
    };
    assert_eq!(outside(home.files()), outside(before.0));
    assert!(!home.path().join(".local").exists(), "{:?} {:?}", home.folders(), before.1);
}

#[test]
fn a_set_up_asks_does_what_a_variable_allows_and_is_taken_back() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    home.put_program("codex", "#!/bin/sh\nexit 0\n");
    fs::write(home.codex().join("config.toml"), "model = 'x'\n").expect("writable");
    let nothing = told(&home, &["setup", "--json"], 0);
    home.set("CODEX_MULTI_AUTH_APP_BIND", "1");
    home.set("CODEX_MULTI_AUTH_APP_LAUNCHER_INSTALL", "1");

    let asked = told(&home, &["setup", "--json"], 3);
    let dry = told(&home, &["setup", "--dry-run", "--json"], 0);
    let untouched = fs::read_to_string(home.codex().join("config.toml")).expect("there");
    let done = told(&home, &["setup", "--yes", "--json"], 0);
    let bound = fs::read_to_string(home.codex().join("config.toml")).expect("there");
    let marker = fs::read_to_string(home.root().join("first-run-setup.json")).expect("a marker");
    let undone = told(&home, &["setup", "--undo", "--yes", "--json"], 0);

    let states = |told: &Value| -> Vec<String> {
        told["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .map(|row| row["state"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(states(&nothing), ["skipped", "skipped", "skipped"], "{nothing:#}");
    assert_eq!(asked["error"]["code"], "needs-answer");
    assert_eq!(
        (states(&dry), untouched.as_str()),
        (vec!["skipped".into(), "done".into(), "done".into()], "model = 'x'\n")
    );
    assert_eq!(states(&done), ["skipped", "done", "done"], "{done:#}");
    assert_eq!(done["steps"][1]["undo"], "codex-multi-auth rotation unbind-app");
    assert!(bound.contains("openai_base_url"), "{bound}");
    assert!(marker.contains("\"appBind\": \"completed\"") && marker.contains("\"version\": 2"), "{marker}");
    assert_eq!(states(&undone), ["restored", "removed", "removed"], "{undone:#}");
    assert_eq!(fs::read_to_string(home.codex().join("config.toml")).expect("there"), "model = 'x'\n");
    assert!(!home.path().join(".local").exists());
}

#[test]
fn features_are_listed_in_both_forms() {
    let home = Home::new();

    let text = run(&mut home.manager(&["features"])).expect(0).stdout;
    let list = told(&home, &["features", "--json"], 0);

    let features = list["features"].as_array().expect("a list");
    assert!(text.starts_with(&format!("Implemented features ({})\n", features.len())), "{text}");
    assert!(features.iter().all(|one| one["id"].is_string() && one["since"] == "0.1.0"), "{list:#}");
}

#[test]
fn a_debug_bundle_is_the_report_without_secrets() {
    let home = Home::with_samples(2);

    let bundle = run(&mut home.manager(&["debug", "bundle", "--json"])).expect(0).stdout;
    let out = home.path().join("bundle.json");
    run(&mut home.manager(&["debug", "bundle", "--json", "--out", &out.display().to_string()])).expect(0);

    for text in [bundle, fs::read_to_string(&out).expect("written")] {
        let report: Value = serde_json::from_str(&text).expect("a document");
        assert_eq!(report["command"], "report");
        assert!(!text.contains("rt_person1") && !text.contains("person1@example.com"), "{text}");
    }
}

#[test]
fn mcodex_forwards_everything_but_its_own_first_words() {
    let play = Play::start(Scenario::pool(["one"]));
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    home.put_program("codex", "#!/bin/sh\nfor arg in \"$@\"; do printf 'arg %s\\n' \"$arg\"; done\nexit 7\n");

    let plain = run(&mut home.command(MCODEX, &["exec", "--tmux", "--", "--monitor"])).expect(7);
    let monitor = run(home.command(MCODEX, &["--monitor", "--help"]).env("MCODEX_MONITOR_INTERVAL", "soon"));

    assert!(plain.stdout.ends_with("arg exec\narg --tmux\narg --\narg --monitor\n"), "{}", plain.stdout);
    assert!(plain.stdout.contains("arg openai_base_url="), "{}", plain.stdout);
    assert!(monitor.stderr.contains("MCODEX_MONITOR_INTERVAL=soon"), "{}", monitor.stderr);
}

#[test]
fn mcodex_without_tmux_says_so_and_runs_here() {
    let play = Play::start(Scenario::pool(["one"]));
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    home.put_program("codex", "#!/bin/sh\nexit 5\n");
    home.put_program("tmux", "#!/bin/sh\nexit 1\n");

    let ran = run(&mut home.command(MCODEX, &["--tmux", "hello"])).expect(5);

    assert!(ran.stderr.contains("tmux was not found"), "{}", ran.stderr);
}

#[test]
fn mcodex_sets_a_session_of_its_own_up_and_ends_as_the_attached_one_does() {
    let play = Play::start(Scenario::pool(["one"]));
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    let log = home.path().join("calls");
    let script = format!(
        "#!/bin/sh\necho \"$*\" >> '{}'\ncase \"$1\" in has-session) exit 1;; attach-session) exit 9;; esac\nexit 0\n",
        log.display()
    );
    home.put_program("tmux", &script);

    run(home.command(MCODEX, &["-t", "--live-accounts", "exec", "hi"]).env("MCODEX_TMUX_SESSION", "mine"))
        .expect(9);

    let calls = fs::read_to_string(log).expect("calls");
    let verbs: Vec<&str> = calls.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        verbs,
        [
            "-V",
            "has-session",
            "new-session",
            "set-option",
            "set-option",
            "new-window",
            "kill-window",
            "split-window",
            "attach-session"
        ],
        "{calls}"
    );
    assert!(calls.contains("__codex exec hi") && calls.contains("attach-session -t =mine"), "{calls}");
}
