//! View commands at a terminal: the right screen opens with the answer on it, and the program ends with the code that
//! the same command has without a terminal (decisions.md D2).

use codex_multi_auth::formats::scenario::Scenario;
use pretty_assertions::assert_eq;
use serde_json::json;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{MANAGER, run};
use crate::support::pty::Terminal;

/// One account that serves and one whose session is over.
const TWO: &str = r#"
title = "two"
[[account]]
name = "well"
[[account]]
name = "gone"
token_left = "-1h"
signed_out = true
"#;

/// A pool with a workspace to list and a flagged account.
fn furnished(play: &Play) -> Home {
    let home = play.home();
    let mut pool = home.pool();
    let id = pool["accounts"][0]["accountId"].clone();
    pool["accounts"][0]["workspaces"] =
        json!([{"id": id, "name": "Personal", "enabled": true, "isDefault": true}]);
    let mut dead = pool["accounts"][1].clone();
    dead["flaggedAt"] = json!(1_790_000_000_000_i64);
    dead["flaggedReason"] = json!("token-invalid");
    home.write(&home.root().join("openai-codex-accounts.json"), &pool.to_string());
    let flagged = json!({"version": 1, "accounts": [dead]}).to_string();
    home.write(&home.root().join("openai-codex-flagged-accounts.json"), &flagged);
    home
}

#[test]
fn each_view_command_opens_its_screen_and_ends_with_its_code() {
    // What is typed, what its screen shows, and what stands there once that is closed.
    let back = "sort: ready first";
    for (words, shown, below) in [
        (&["check"][..], "Result: 1 Codex available | 0 signed in only | 1 need re-login", back),
        (&["check", "1"], "Result: 1 Codex available", back),
        (&["why-selected"], "Why well", "Which account next?"),
        (&["workspace", "1"], "Workspaces of well", "Accounts / 1 well"),
        (&["verify-flagged"], "verify-flagged", back),
        (&["verify-flagged", "--dry-run"], "verify-flagged", back),
        (&["report"], "Best next account:", "level ≥ info"),
    ] {
        let play = Play::start(Scenario::parse(TWO).unwrap());
        let home = furnished(&play);
        let headless = run(&mut home.twin().manager(&[words, &["--headless"]].concat())).code();
        let play = Play::start(Scenario::parse(TWO).unwrap());
        let home = furnished(&play);
        let mut terminal = Terminal::start(MANAGER, words, &home.environment(), (140, 40));

        terminal.wait_for(shown);
        assert!(terminal.modes().shows_an_application(), "{words:?} opens a screen");
        terminal.send("q");
        terminal.wait_until("closed", |screen| {
            let text = screen.contents();
            text.contains(below) && !text.contains(shown)
        });
        if words[0] == "workspace" {
            terminal.send("q");
            terminal.wait_for(back);
        }
        terminal.send("q");

        assert_eq!(terminal.finish().exit_code(), u32::try_from(headless).unwrap(), "{words:?}");
    }
}

#[test]
fn what_names_nobody_is_told_on_the_screen_too() {
    let play = Play::start(Scenario::parse(TWO).unwrap());
    let home = furnished(&play);
    for (words, shown) in [
        (&["check", "nobody"][..], "nobody"),
        (&["workspace", "97"], "out of range"),
        (&["why-selected", "--request", "nowhere"], "nowhere"),
    ] {
        let headless = run(&mut home.manager(&[words, &["--headless"]].concat())).code();
        let mut terminal = Terminal::start(MANAGER, words, &home.environment(), (140, 40));
        terminal.wait_until("told", |screen| {
            screen.contents().lines().rev().take(3).any(|line| line.contains(shown))
        });
        terminal.send("q");

        assert_eq!(terminal.finish().exit_code(), u32::try_from(headless).unwrap(), "{words:?}");
    }
}
