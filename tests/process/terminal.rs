//! The dashboard in a real pseudo terminal: it always gives the terminal back, whatever ends it.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::dirs::Home;
use crate::support::process::MANAGER;
use crate::support::pty::{Modes, Terminal};

const SIZE: (u16, u16) = (80, 24);

/// Opens the dashboard on three made-up accounts; the modes are those of before.
fn open(home: &Home, words: &[&str]) -> (Terminal, Modes) {
    let before = Terminal::start("/bin/true", &[""; 0], &home.environment(), SIZE).modes();
    let terminal = Terminal::start(MANAGER, words, &home.environment(), SIZE);
    terminal.wait_for("person1@example.com");
    assert_ne!(terminal.modes(), before, "the dashboard has a screen of its own");
    (terminal, before)
}

#[test]
fn the_terminal_is_given_back_after_every_end() {
    type End = fn(&mut Terminal);
    let ends: [(&str, u32, End); 5] = [
        ("q", 0, |terminal| terminal.send("q")),
        ("ctrl-c twice", 130, |terminal| terminal.send("\u{3}\u{3}")),
        ("TERM", 143, |terminal| terminal.signal(Signal::TERM)),
        ("INT", 130, |terminal| terminal.signal(Signal::INT)),
        ("HUP", 129, |terminal| terminal.signal(Signal::HUP)),
    ];
    for (name, code, end) in ends {
        let home = Home::with_samples(3);
        let (mut terminal, before) = open(&home, &[]);

        end(&mut terminal);

        let status = terminal.finish();
        assert_eq!(status.exit_code(), code, "{name}: {status}\n{}", terminal.text());
        assert_eq!(terminal.modes(), before, "{name}");
    }
}

#[cfg(debug_assertions)]
#[test]
fn the_terminal_is_given_back_after_a_panic() {
    let mut home = Home::with_samples(3);
    home.set("CODEX_MULTI_AUTH_FAULT", "frame.drawn=PANIC");
    let before = Terminal::start("/bin/true", &[""; 0], &home.environment(), SIZE).modes();
    let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), SIZE);

    let status = terminal.finish();

    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(written.contains("\u{1b}[?1049h"), "the screen was never taken\n{written}");
    assert_eq!(status.exit_code(), 1, "{status}\n{}", terminal.text());
    assert_eq!(terminal.modes(), before);
    assert!(terminal.text().contains("panicked"), "{}", terminal.text());
}

#[test]
fn an_idle_dashboard_writes_nothing() {
    let home = Home::with_samples(3);
    let (mut terminal, _) = open(&home, &[]);
    terminal.settled();

    let writes = terminal.writes();
    terminal.send("j");
    terminal.wait_written(writes);
    terminal.settled();

    assert!(terminal.silent_for(Duration::from_secs(2)), "{}", terminal.text());
    terminal.send("q");
    terminal.finish();
}

#[test]
fn a_storm_of_sizes_does_no_harm() {
    let home = Home::with_samples(3);
    let (mut terminal, before) = open(&home, &[]);

    for step in 0..100_u16 {
        terminal.resize(1 + step * 37 % 200, 1 + step * 17 % 60);
    }
    terminal.resize(100, 30);
    terminal.wait_for("person1@example.com");
    terminal.settled();
    terminal.send("q");

    assert!(terminal.finish().success());
    assert_eq!(terminal.modes(), before);
}

#[test]
fn a_stop_gives_the_terminal_back_and_a_continue_takes_it_again() {
    let home = Home::with_samples(3);
    let mut shell = Terminal::start("/bin/bash", &["--norc", "--noprofile", "-i"], &home.environment(), SIZE);
    shell.wait_for("bash-");
    shell.send(&format!("{MANAGER}\r"));
    shell.wait_for("person1@example.com");

    shell.send("\u{1a}");
    shell.wait_for("Stopped");
    shell.settled();
    let stopped = shell.modes();
    shell.send("fg\r");
    shell.wait_until("the dashboard", |screen| {
        screen.alternate_screen() && screen.contents().contains("person1@")
    });
    shell.send("q");
    shell.wait_until("the shell", |screen| !screen.alternate_screen());
    shell.send("exit\r");

    shell.finish();
    assert!(!stopped.shows_an_application(), "{stopped:?}");
}

#[test]
fn colours_are_those_the_terminal_has() {
    let rows: [(&[(&str, &str)], Depth); 4] = [
        (&[("NO_COLOR", "1")], Depth::None),
        (&[("TERM", "xterm")], Depth::Sixteen),
        (&[("TERM", "xterm-256color")], Depth::Many),
        (&[("COLORTERM", "truecolor")], Depth::All),
    ];
    for (variables, most) in rows {
        let mut home = Home::with_samples(3);
        for (name, value) in variables {
            home.set(name, *value);
        }
        let (mut terminal, _) = open(&home, &[]);

        terminal.send("j");
        terminal.settled();
        terminal.send("q");
        terminal.finish();

        let written = String::from_utf8_lossy(&terminal.written()).into_owned();
        let deepest = looks(&written).map(depth).max().unwrap_or(Depth::None);
        let all: std::collections::BTreeSet<_> = looks(&written).collect();
        assert!(deepest <= most, "{variables:?}: {deepest:?} {all:?}");
        assert_eq!(deepest == Depth::None, most == Depth::None, "{variables:?}");
    }
}

/// How many colours a sequence asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    None,
    Sixteen,
    Many,
    All,
}

/// The parameters of every sequence that changes how text looks.
fn looks(written: &str) -> impl Iterator<Item = &str> {
    written.split("\u{1b}[").skip(1).filter_map(|rest| {
        let end = rest.find(|letter: char| letter.is_ascii_alphabetic())?;
        rest[end..].starts_with('m').then_some(&rest[..end])
    })
}

fn depth(parameters: &str) -> Depth {
    let numbers: Vec<u16> = parameters.split([';', ':']).filter_map(|number| number.parse().ok()).collect();
    let mut rest = numbers.as_slice();
    let mut deepest = Depth::None;
    while let [first, behind @ ..] = rest {
        let (found, behind) = match (first, behind) {
            (38 | 48, [2, _, _, _, behind @ ..]) => (Depth::All, behind),
            (38 | 48, [5, 0..=15, behind @ ..]) => (Depth::Sixteen, behind),
            (38 | 48, [5, _, behind @ ..]) => (Depth::Many, behind),
            (30..=37 | 40..=47 | 90..=97 | 100..=107, _) => (Depth::Sixteen, behind),
            _ => (Depth::None, behind),
        };
        deepest = deepest.max(found);
        rest = behind;
    }
    deepest
}

#[test]
fn a_small_terminal_and_a_strange_one_are_served() {
    for (size, term) in
        [((60, 20), "xterm-256color"), ((40, 20), "xterm"), ((59, 18), "vt100"), ((30, 8), "screen")]
    {
        let mut home = Home::with_samples(3);
        home.set("TERM", term);
        let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), size);
        terminal.wait_until("a frame", |screen| {
            screen.alternate_screen() && !screen.contents().trim().is_empty()
        });

        terminal.settled();
        terminal.send("q");

        assert!(terminal.finish().success(), "{size:?} {term}");
    }
}
