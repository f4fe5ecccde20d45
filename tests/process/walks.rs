//! Nine tasks done by somebody who has read nothing: every key is pressed only after the screen has named it.
//!
//! At 80x24, once with the sixteen colours of an old terminal and once without colour, at most twelve keys each.

use crate::support::browser::Ports;
use crate::support::dirs::Home;
use crate::support::process::MANAGER;
use crate::support::pty::Terminal;

/// Keys that a task may take.
const MOST: usize = 12;

/// A person at a terminal.
struct Walk {
    terminal: Terminal,
    keys: usize,
}

impl Walk {
    /// Presses a key once its hint stands on the screen.
    #[track_caller]
    fn press(&mut self, hint: &str, key: &str) {
        self.terminal.wait_for(hint);
        self.terminal.send(key);
        self.keys += key.chars().count().min(if key.starts_with('\u{1b}') { 1 } else { usize::MAX });
    }

    /// Waits for what the task is about.
    #[track_caller]
    fn sees(&self, words: &str) {
        self.terminal.wait_for(words);
    }

    /// Reads in the help which keys go to a tab, and goes there.
    #[track_caller]
    fn goes_to(&mut self, keys: &str) {
        self.press("? help", "?");
        // The last line is drawn last: only then does a key belong to the help.
        self.terminal.wait_until("the help", |screen| {
            let text = screen.contents();
            text.contains("tab by first letter") && text.contains("scroll")
        });
        self.press("scroll", "\u{1b}");
        self.terminal.wait_until("the help is closed", |screen| !screen.contents().contains("scroll"));
        self.press("? help", keys);
    }
}

/// Does a task on each kind of old terminal.
#[track_caller]
fn walk(scenario: &str, task: impl Fn(&mut Walk)) {
    for (name, value) in [("TERM", "xterm"), ("NO_COLOR", "1")] {
        let mut home = Home::for_demo();
        home.set("COLORTERM", "");
        home.set("DISPLAY", ":0");
        home.set("LANG", "C.UTF-8");
        home.set(name, value);
        let terminal = Terminal::start(MANAGER, &[scenario], &home.environment(), (80, 24));
        let mut walk = Walk { terminal, keys: 0 };
        walk.sees("DEMO");
        task(&mut walk);
        assert!(walk.keys <= MOST, "{} keys", walk.keys);
    }
}

#[test]
fn a_newcomer_signs_in() {
    let _ports = Ports::take();
    walk("--demo=first-run", |walk| {
        walk.press("1  Sign in with the browser", "1");
        walk.press("⏎ done", "\r");
        walk.sees("alpha@example.com");
    });
}

#[test]
fn a_newcomer_finds_the_best_account() {
    walk("--demo", |walk| {
        walk.goes_to("gf");
        walk.sees("Which account next?");
        walk.press("b use best", "b");
        walk.terminal.wait_until("who is used", |screen| {
            ["switched to", "is selected already"].iter().any(|words| screen.contents().contains(words))
        });
    });
}

#[test]
fn a_newcomer_pins_an_account() {
    walk("--demo", |walk| {
        walk.press("p pin", "p");
        walk.sees("pinned");
    });
}

#[test]
fn a_newcomer_sees_why_an_account_is_chosen() {
    walk("--demo", |walk| {
        walk.goes_to("gf");
        walk.press("⏎ why", "\r");
        walk.sees("⏎ open the account");
    });
}

#[test]
fn a_newcomer_sets_a_budget() {
    walk("--demo", |walk| {
        walk.goes_to("gu");
        walk.press("b budgets", "b");
        walk.press("a add", "a");
        walk.press("⏎ do it", "\r");
        walk.sees("budget global: set");
    });
}

#[test]
fn a_newcomer_exports_a_backup() {
    walk("--demo", |walk| {
        walk.goes_to("ge");
        walk.press("3 Restore a backup", "3");
        walk.press("⏎ preview", "\r");
        walk.press("x export", "x");
        walk.press("⏎ do it", "\r");
        walk.sees("6 accounts exported");
    });
}

#[test]
fn a_newcomer_switches_the_theme() {
    walk("--demo", |walk| {
        walk.goes_to("gs");
        for _ in 0..3 {
            walk.press("↑↓ move", "j");
        }
        walk.press("←→ pane", "\u{1b}[C");
        walk.press("-/+ adjust", "+");
        walk.press("s save", "s");
        walk.sees("1 setting saved");
    });
}

#[test]
fn a_newcomer_finds_the_log_of_a_failed_request() {
    walk("--demo", |walk| {
        walk.goes_to("gl");
        walk.press("l level", "l");
        walk.sees("level ≥ warn");
        walk.terminal.wait_until("the cursor on a request that failed", |screen| {
            screen.contents().lines().any(|line| line.starts_with('▸') && line.contains(" 503 "))
        });
    });
}

#[test]
fn a_newcomer_quits() {
    walk("--demo", |walk| {
        walk.press("? help  q", "q");
        assert_eq!(walk.terminal.finish().exit_code(), 0);
    });
}
