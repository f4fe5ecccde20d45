//! The dashboard by lines: a whole walk with typed lines, and no escape byte on the way.

use crate::support::dirs::Home;
use crate::support::process::MANAGER;
use crate::support::pty::Terminal;

fn open(home: &Home, words: &[&str]) -> Terminal {
    let terminal = Terminal::start(MANAGER, words, &home.environment(), (100, 120));
    terminal.wait_for("An empty line reads the page");
    terminal.wait_for("person1@example.com");
    terminal
}

#[test]
fn a_walk_by_lines_uses_pins_asks_and_leaves_without_an_escape_byte() {
    let home = Home::with_samples(3);
    let mut terminal = open(&home, &["--plain"]);

    terminal.send("2\r");
    terminal.wait_for("> 2, person2@example.com");
    terminal.send("s\r");
    terminal.wait_for("switched to person2@example.com");
    terminal.send("gs\r");
    terminal.wait_for("Settings");
    terminal.send("ga\r");
    terminal.send("delete\r");
    terminal.wait_for("Delete person2@example.com");
    terminal.send("n\r");
    terminal.send("dance\r");
    terminal.wait_for("nothing here is called");
    terminal.send("?\r");
    terminal.wait_for("use and pin");
    terminal.send("q\r");

    assert!(terminal.finish().success(), "{}", terminal.text());
    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!written.contains('\u{1b}'), "{written:?}");
    let drawn = ['─', '│', '█', '░', '●', '▸'].into_iter().find(|sign| written.contains(*sign));
    assert_eq!(drawn, None, "{written}");
    assert_eq!(home.pool()["activeIndex"], 1);
    assert_eq!(home.pool()["accounts"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_setting_and_a_terminal_that_only_appends_ask_for_lines_too() {
    for (name, value) in [("CODEX_TUI_V2", "0"), ("TERM", "dumb")] {
        let mut home = Home::with_samples(1);
        home.set(name, value);
        let mut terminal = open(&home, &[]);

        terminal.send("q\r");

        assert!(terminal.finish().success(), "{name}: {}", terminal.text());
        let written = String::from_utf8_lossy(&terminal.written()).into_owned();
        assert!(!written.contains('\u{1b}'), "{name}: {written:?}");
    }
}

#[test]
fn the_end_of_the_input_ends_the_program() {
    let home = Home::with_samples(1);
    let mut terminal = open(&home, &["--plain"]);

    terminal.send("\u{4}");

    assert!(terminal.finish().success(), "{}", terminal.text());
}
