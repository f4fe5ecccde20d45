//! Every screen action has a command, and every command has a place on the screens (commands.md §3, §7).

use std::collections::{BTreeMap, BTreeSet};

use clap::{Command, CommandFactory as _, Parser as _};
use codex_multi_auth::app::action::Action;
use codex_multi_auth::app::keys::binds;
use codex_multi_auth::app::overlays::palette;
use codex_multi_auth::cli::args::{Cli, PROGRAM};

/// Commands that do what an action does, by the name of the action in `keys.toml`.
const TWINS: &[(&str, &[&str])] = &[
    ("use", &["switch 1"]),
    ("use-plain", &["switch 1", "unpin"]),
    ("pin", &["switch 1", "unpin"]),
    ("power", &["account enable 1", "account disable 1"]),
    ("check", &["check 1"]),
    ("check-all", &["check"]),
    ("refresh-all", &["check --refresh"]),
    ("sign-in-again", &["account relogin 1"]),
    ("tags", &["account tag 1 work", "account untag 1 work"]),
    ("note", &["account note 1 text"]),
    ("wants", &["account weight 1 2", "account pause 1", "account drain 1", "account label 1 home"]),
    ("workspaces", &["workspace 1", "workspace 1 2"]),
    ("workspace", &["login --org ws"]),
    ("rename", &["account label 1 home"]),
    ("delete", &["account remove 1", "backup delete mine"]),
    ("delete-all", &["account remove --all"]),
    ("add-account", &["login"]),
    ("by-device", &["login --device-auth"]),
    ("by-browser", &["login"]),
    ("open-page", &["login --manual --print-url"]),
    ("copy-link", &["login --manual --print-url"]),
    ("paste-callback", &["login --complete http://localhost:1455/x"]),
    ("best", &["best --apply"]),
    ("why", &["why-selected", "forecast --explain"]),
    ("why-all", &["forecast --explain"]),
    ("which-decision", &["why-selected --last"]),
    ("probe-all", &["forecast --live --probe model"]),
    ("for-model", &["forecast --live --model gpt-5.5"]),
    ("runtime-overlay", &["forecast --no-runtime-overlay"]),
    ("regroup", &["usage --by account"]),
    ("widen", &["usage --since 7d"]),
    ("models", &["models"]),
    ("sessions", &["monitor"]),
    ("follow", &["monitor --watch"]),
    ("narrow", &["monitor --pane"]),
    ("toggle", &["config set tuiMouse off"]),
    ("less", &["config set toastDurationMs 4s"]),
    ("more", &["config set toastDurationMs 6s"]),
    ("save", &["config set tuiMouse off"]),
    ("reset", &["config unset tuiMouse"]),
    ("reset-panel", &["config unset tuiMouse"]),
    ("differences", &["config explain"]),
    (
        "create",
        &[
            "backup create",
            "bridge token create --label mine",
            "budget limit global --window day --requests 5",
        ],
    ),
    ("budgets", &["budget list"]),
    ("edit", &["budget limit global --window day --requests 5"]),
    ("bridge", &["bridge status"]),
    ("rotate", &["bridge token rotate mine"]),
    ("snippets", &["integrations"]),
    ("unrest", &["rotation reset-rate-limits"]),
    ("rotation", &["rotation disable", "rotation enable"]),
    ("bind", &["rotation bind-app", "rotation unbind-app"]),
    ("try-again", &["verify-flagged"]),
    ("drain-session", &["account drain 1"]),
    ("verify", &["backup verify"]),
    ("restore", &["backup restore mine"]),
    ("import", &["import pool.json"]),
    ("export", &["export pool.json"]),
    ("apply", &["sync apply"]),
    ("level", &["report"]),
    ("part", &["report"]),
    ("diagnose", &["doctor"]),
    ("mend", &["doctor --fix", "fix"]),
    ("resume", &["history resume 0199a213"]),
    ("sort", &["config set menuSortMode manual"]),
    ("layout", &["config set menuLayoutMode expanded-rows"]),
    ("mouse", &["config set tuiMouse off"]),
];

/// What only moves about, closes, copies what is in view, or answers a question that a flag answers elsewhere.
const OF_THE_SCREEN: &[&str] = &[
    "up",
    "down",
    "page-up",
    "page-down",
    "first",
    "last",
    "previous",
    "next",
    "next-tab",
    "previous-tab",
    "open",
    "back",
    "leave",
    "interrupt",
    "undo",
    "copy",
    "filter",
    "help",
    "palette",
    "messages",
    "clock",
    "mask",
    "redraw",
    "suspend",
    "next-hit",
    "previous-hit",
    "yes",
    "no",
];

/// What a screen does and no command yet.
const NO_COMMAND_YET: &[&str] = &["pin-session", "move-session"];

/// Where a command stands on the screens; `–` for those without one (commands.md §7).
const PLACES: &[(&str, &str)] = &[
    ("status", "Accounts"),
    ("list", "Accounts"),
    ("switch", "Accounts"),
    ("login", "Accounts › Add account"),
    ("unpin", "Accounts"),
    ("why-selected", "Forecast › explanation"),
    ("check", "Accounts"),
    ("forecast", "Forecast"),
    ("best", "Forecast"),
    ("workspace", "Accounts › workspaces"),
    ("verify-flagged", "Accounts"),
    ("report", "Logs › report"),
    ("doctor", "Logs › diagnosis"),
    ("fix", "Logs › diagnosis"),
    ("verify", "Logs › diagnosis"),
    ("usage", "Usage"),
    ("models", "Usage › models"),
    ("budget", "Usage › budgets"),
    ("profile", "Settings › Profiles"),
    ("bridge", "Monitor › bridge"),
    ("integrations", "Monitor › bridge"),
    ("history", "Logs › sessions"),
    ("config", "Settings"),
    ("init-config", "–"),
    ("backup", "Settings › Backups"),
    ("export", "Settings › Backups"),
    ("import", "Settings › Backups"),
    ("account", "Accounts"),
    ("flagged", "Accounts"),
    ("sync", "Experimental"),
    ("monitor", "Monitor"),
    ("session", "Monitor › sessions"),
    ("rotation", "Monitor › parts"),
    ("setup", "Accounts › first start"),
    ("features", "Settings › About"),
    ("debug", "Logs › report"),
    ("update", "Settings › About"),
    ("uninstall", "Settings › Remove"),
    ("serve", "–"),
    ("codex", "–"),
    ("completions", "–"),
    ("man", "–"),
    ("__launcher", "–"),
    ("__router", "–"),
];

fn parses(line: &str) -> bool {
    Cli::try_parse_from(std::iter::once(PROGRAM).chain(line.split_whitespace())).is_ok()
}

#[test]
fn every_action_has_a_command_that_can_be_typed() {
    let twins: BTreeMap<&str, &[&str]> = TWINS.iter().copied().collect();
    let mut missing = BTreeSet::new();
    for bind in binds() {
        let id = bind.action.id();
        let goes = matches!(bind.action, Action::Go(_) | Action::UseRow(_));
        if !goes
            && !twins.contains_key(id.as_str())
            && !OF_THE_SCREEN.contains(&id.as_str())
            && !NO_COMMAND_YET.contains(&id.as_str())
        {
            missing.insert(id);
        }
    }
    assert!(missing.is_empty(), "no command does what these do: {missing:?}");

    for (id, lines) in TWINS {
        for line in *lines {
            assert!(parses(line), "{id}: `{line}` is no command line");
        }
    }
}

#[test]
fn the_commands_that_the_palette_names_can_be_typed() {
    for bind in binds() {
        let line = palette::command(bind.action);
        // Some want the name of what is focused.
        let can = line.is_empty() || parses(line) || parses(&format!("{line} 1"));
        assert!(can, "{}: {line}", bind.action.id());
    }
}

#[test]
fn every_command_has_a_place_on_the_screens_or_is_known_to_have_none() {
    let places: BTreeMap<&str, &str> = PLACES.iter().copied().collect();
    let program = Cli::command();
    let unplaced: Vec<&str> =
        program.get_subcommands().map(Command::get_name).filter(|name| !places.contains_key(name)).collect();
    assert!(unplaced.is_empty(), "commands without a place: {unplaced:?}");
}

#[test]
fn every_command_line_in_the_documentation_can_be_typed() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    for folder in ["docs", "docs/reference"] {
        let entries = std::fs::read_dir(root.join(folder)).expect("a folder").flatten();
        pages.extend(
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "md")),
        );
    }
    let mut seen = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("readable");
        for line in text.lines() {
            // Whole lines of a block, not what stands in running text; what the forwarder hands on is not ours.
            let Some(words) = line.strip_prefix("codex-multi-auth ") else { continue };
            let words = words.split(" #").next().unwrap_or_default().trim();
            if words.starts_with("codex ") || words == "codex" || words.contains(['<', '|', '…', '[']) {
                continue;
            }
            seen += 1;
            assert!(parses(&words.replace('"', "")), "{}: {line}", page.display());
        }
    }
    assert!(seen > 20, "{seen}");
}
