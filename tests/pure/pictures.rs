//! The pictures of the documentation are frames of the program, and are current.

use std::fs;
use std::path::Path;

use codex_multi_auth::app::Model;

use super::{screens, wizard};
use crate::support::snap::{frame, skin};
use crate::support::stage::{Stage, six};
use crate::support::svg::picture;

/// The width that pages show without shrinking, and the height of most terminals.
const PAGE: (u16, u16) = (80, 24);
/// The README's.
const WIDE: (u16, u16) = (140, 30);

/// Name of the file, what a reader hears, and the screen.
fn pictures() -> Vec<(&'static str, &'static str, (u16, u16), Model)> {
    let after = |keys: &str| six().sized(PAGE.0, PAGE.1).after(keys);
    let empty = || {
        let mut stage = six();
        stage.roster.accounts.clear();
        (stage.roster.active, stage.roster.pin) = (None, None);
        stage
    };
    let demo = Stage { demo: Some("tour"), ..six() }.sized(WIDE.0, WIDE.1).open();
    vec![
        ("dashboard", "The dashboard: six accounts, their limits, and what the focused one did", WIDE, demo),
        ("first-start", "The first start: ways to an account", PAGE, wizard::welcome(PAGE, empty())),
        ("accounts", "Accounts: every account with its state and limits", PAGE, after("")),
        ("account", "One account: limits, pace, tokens, workspaces", PAGE, after("<enter>")),
        ("policy", "What is wanted of an account: weight, pause, drain, name", PAGE, after("<enter>P")),
        ("add-account", "Adding an account: four ways to sign in", PAGE, after("a")),
        (
            "forecast",
            "Forecast: which account next, how risky each is, and the coming hours",
            PAGE,
            after("gf"),
        ),
        ("why", "Why an account stands where it stands", PAGE, after("gfj<enter>")),
        ("usage", "Usage: requests, tokens and cost over time", PAGE, after("gu")),
        ("models", "Models: which account can serve which model", PAGE, after("gum")),
        ("monitor", "Monitor: turns as they happen", PAGE, after("gm")),
        ("sessions", "Monitor: the sessions of clients", PAGE, after("gms")),
        ("turn", "One turn: its attempts and its decision", PAGE, after("gmjj<enter>")),
        ("settings", "Settings with a live preview", PAGE, after("gs<right>jj")),
        ("theme", "Settings: the theme", PAGE, after("gsjjj<right>")),
        ("keys", "Settings: every key", PAGE, after("gsjjjj<right>")),
        ("profiles", "Settings: routing profiles of projects", PAGE, after("gsjjjjjjjjj<right>")),
        ("backups", "Settings: backups", PAGE, after("gsG<up><up><up><up><right>")),
        ("about", "Settings: about", PAGE, after("gsG<up><right>")),
        ("remove", "Settings: taking everything out again", PAGE, after("gsG<right>")),
        ("experimental", "Experimental: what is staged, with a preview first", PAGE, after("ge<enter>")),
        ("logs", "Logs: what the program did, by level and part", PAGE, screens::logs(PAGE, "gl")),
        ("kept-sessions", "Logs: kept sessions of the official CLI", PAGE, screens::logs(PAGE, "gls")),
        ("report", "Logs: the report, masked, before it is written anywhere", PAGE, screens::report(PAGE)),
        ("palette", "The palette: every command, found as you type", PAGE, after(":use")),
        ("help", "Help: the keys of this screen", PAGE, after("?")),
        ("question", "A question names what each answer does", PAGE, after("jjjd")),
        ("pane", "The narrow pane for a spare terminal", (60, 16), six().sized(60, 16).after("z")),
    ]
}

#[test]
fn the_pictures_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (folder, fresh) = (root.join("docs/screens"), root.join("target/screens"));
    let guide = fs::read_to_string(root.join("docs/screens.md")).unwrap_or_default();
    let skin = skin("green");
    let mut stale = Vec::new();
    let mut known = Vec::new();
    for (name, title, size, model) in pictures() {
        let file = format!("{name}.svg");
        let svg = picture(&frame(&model, size, &skin), title);
        if fs::read_to_string(folder.join(&file)).unwrap_or_default() != svg {
            fs::create_dir_all(&fresh).expect("writable");
            fs::write(fresh.join(&file), &svg).expect("writable");
            stale.push(file.clone());
        }
        assert!(guide.contains(&format!("screens/{file}")), "docs/screens.md does not show {file}");
        known.push(file);
    }
    assert!(stale.is_empty(), "copy these from target/screens into docs/screens: {stale:?}");
    let kept = fs::read_dir(&folder).expect("a folder").flatten();
    let orphans: Vec<_> = kept
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|file| !known.contains(file))
        .collect();
    assert!(orphans.is_empty(), "pictures of no screen: {orphans:?}");
}
