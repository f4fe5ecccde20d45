//! Keys and themes of the user's own, in a dashboard that runs.

use crate::support::dirs::Home;
use crate::support::process::MANAGER;
use crate::support::pty::Terminal;

const SIZE: (u16, u16) = (80, 24);

/// Whether anything on the screen is painted so.
fn is_painted(screen: &vt100::Screen, red: u8, green: u8, blue: u8) -> bool {
    let (rows, columns) = screen.size();
    let (rows, columns) = (u16::from(rows), u16::from(columns));
    (0..rows).any(|row| {
        (0..columns).any(|column| {
            let cell = screen.cell(row, column);
            cell.is_some_and(|cell| cell.fgcolor() == vt100::Color::Rgb(red, green, blue))
        })
    })
}

#[test]
fn a_theme_file_is_worn_and_worn_anew_when_it_changes_and_unreadable_text_is_named() {
    let mut home = Home::with_samples(2);
    home.set("COLORTERM", "truecolor");
    let file = home.root().join("themes/mine.toml");
    home.write(&file, "accent = '#010203'\n");
    home.write(&home.root().join("settings.json"), r#"{"version":1,"pluginConfig":{"tuiTheme":"mine"}}"#);
    let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), SIZE);
    terminal.wait_until("the theme", |screen| is_painted(screen, 1, 2, 3));

    home.write(&file, "background = '#ffffff'\naccent = '#0a0b0c'\ndim = '#cccccc'\n");

    terminal.wait_until("the new colour", |screen| is_painted(screen, 10, 11, 12));
    terminal.wait_for("theme mine: `dim` has a contrast of");
    terminal.send("q");
    assert!(terminal.finish().success());
}

#[test]
fn keys_of_ones_own_are_taken_and_a_conflict_is_named_at_the_start() {
    let home = Home::with_samples(2);
    home.write(&home.root().join("keys.toml"), "sort = ['T']\nuse = ['p']\n");
    let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), SIZE);
    terminal.wait_for("keys.toml: `p` is both `use` and `pin`");

    terminal.send("?");
    terminal.wait_until("the help with the new key", |screen| {
        screen.contents().lines().any(|line| line.contains("T ") && line.contains("sort"))
    });

    terminal.send("\u{1b}");
    terminal.wait_until("the list", |screen| !screen.contents().contains("Help"));
    terminal.send("q");
    assert!(terminal.finish().success());
}

#[test]
fn a_keys_file_that_cannot_be_read_is_named_and_every_key_is_the_default() {
    let home = Home::with_samples(2);
    home.write(&home.root().join("keys.toml"), "sort = [\n");
    let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), SIZE);

    terminal.wait_for("keys.toml: line");
    terminal.send("q");

    assert!(terminal.finish().success());
}
