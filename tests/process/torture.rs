//! The dashboard of a rehearsal under random keys, clicks and sizes in a real terminal, with live traffic behind it.
//!
//! Every few inputs the terminal becomes too small and large again: the program has to say the one and draw the other,
//! so whatever it shows meanwhile, it still listens. When a key ended it, it has to have ended well.

#![expect(clippy::disallowed_methods, reason = "the seed of a long run is given from outside")]

use crate::support::dice::Dice;
use crate::support::dirs::Home;
use crate::support::process::MANAGER;
use crate::support::pty::Terminal;

/// The tabs, by the letter behind `g`.
const TABS: [&str; 7] = ["ga", "gf", "gu", "gm", "gs", "ge", "gl"];
/// Inputs between two looks.
const BETWEEN: usize = 24;
/// A size at which nothing fits, and one at which all does.
const SMALL: (u16, u16) = (30, 8);
const LARGE: (u16, u16) = (100, 30);

/// Keys that are no characters, as terminals send them.
const NAMED: [&str; 17] = [
    "\r",
    "\u{1b}",
    "\t",
    "\u{1b}[Z",
    "\u{7f}",
    "\u{1b}[3~",
    "\u{1b}[A",
    "\u{1b}[B",
    "\u{1b}[C",
    "\u{1b}[D",
    "\u{1b}[5~",
    "\u{1b}[6~",
    "\u{1b}[H",
    "\u{1b}[F",
    "\u{c}",
    "\u{10}",
    "\u{f}",
];

fn wild(dice: &mut Dice) -> String {
    match dice.below(20) {
        0 | 1 => {
            let button = [0, 64, 65][dice.below(3)];
            let (column, row) = (1 + dice.below(LARGE.0.into()), 1 + dice.below(LARGE.1.into()));
            format!("\u{1b}[<{button};{column};{row}M\u{1b}[<{button};{column};{row}m")
        }
        2 => "\u{1b}[200~pasted \u{1b}[201~".to_owned(),
        3 => format!("\u{1b}{}", 1 + dice.below(7)),
        4 => "\u{3}".to_owned(),
        5..=9 => NAMED[dice.below(NAMED.len())].to_owned(),
        _ => char::from(b' ' + u8::try_from(dice.below(95)).unwrap()).to_string(),
    }
}

fn open(home: &Home, tab: &str) -> Terminal {
    let mut terminal = Terminal::start(MANAGER, &["--demo"], &home.environment(), LARGE);
    terminal.wait_for("DEMO");
    terminal.send(tab);
    terminal
}

/// Whether it still runs; then it has answered a change of size, and no line of it is longer than the screen.
fn still_listens(terminal: &mut Terminal, told: &str) -> bool {
    terminal.resize(SMALL.0, SMALL.1);
    if !terminal.waits_for(|screen| screen.contents().contains("needed")) {
        return false;
    }
    terminal.resize(LARGE.0, LARGE.1);
    let drawn = terminal.waits_for(|screen| {
        let text = screen.contents();
        let last = text.lines().nth(usize::from(LARGE.1) - 1).unwrap_or_default();
        !text.contains("needed") && !last.trim().is_empty()
    });
    if drawn {
        let wrapped = terminal.look(|screen| (0..LARGE.1).any(|row| screen.row_wrapped(row)));
        assert!(!wrapped, "{told}: a line runs over\n{}", terminal.text());
    }
    drawn
}

fn ended_well(mut terminal: Terminal, told: &str) {
    let status = terminal.finish();
    let code = status.exit_code();
    assert!([0, 130].contains(&code), "{told}: ended with {code}\n{}", terminal.text());
    assert!(!terminal.modes().shows_an_application(), "{told}: the terminal was not given back");
    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!written.contains("panicked"), "{told}: {written}");
}

/// `steps` random inputs, the same number in each tab.
fn torture(seed: u64, steps: usize) {
    let home = Home::for_demo();
    for tab in TABS {
        let mut dice = Dice::of(seed.wrapping_add(u64::from(tab.as_bytes()[1])));
        let mut terminal = open(&home, tab);
        for step in 0..steps / TABS.len() {
            let told = format!("seed {seed}, {tab}, step {step}");
            if dice.below(16) == 0 {
                let size = |dice: &mut Dice, most| u16::try_from(1 + dice.below(most)).unwrap();
                let (columns, rows) = (size(&mut dice, 300), size(&mut dice, 100));
                terminal.resize(columns, rows);
            } else {
                terminal.send(&wild(&mut dice));
            }
            let is_time = step % BETWEEN == BETWEEN - 1;
            if !terminal.is_running() || (is_time && !still_listens(&mut terminal, &told)) {
                assert!(!terminal.is_running(), "{told}: it does not answer\n{}", terminal.text());
                ended_well(terminal, &told);
                terminal = open(&home, tab);
            }
        }
        let told = format!("seed {seed}, {tab}, the end");
        if still_listens(&mut terminal, &told) {
            terminal.signal(rustix::process::Signal::TERM);
            let code = terminal.finish().exit_code();
            assert_eq!(code, 143, "{told}\n{}", terminal.text());
            assert!(!terminal.modes().shows_an_application(), "{told}: the terminal was not given back");
        }
    }
    assert_eq!(home.left_in_temporary(), Vec::<String>::new());
}

#[test]
fn five_hundred_random_inputs_leave_the_dashboard_listening() {
    torture(1, 500);
}

#[test]
#[ignore = "takes minutes: 5,000 inputs; the seed is TORTURE_SEED"]
fn five_thousand_random_inputs_leave_the_dashboard_listening() {
    let seed = std::env::var("TORTURE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    torture(seed, 5_000);
}

/// A frame is changed where it differs; only a new size and ctrl-l may clear the screen.
#[test]
fn no_key_clears_the_screen_and_every_frame_comes_in_one_piece() {
    let home = Home::for_demo();
    let mut terminal = Terminal::start(MANAGER, &["--demo"], &home.environment(), LARGE);
    terminal.wait_for("6 accounts");
    let before = terminal.written().len();

    for (keys, words) in [
        ("gf", "Which account next?"),
        ("gu", "requests per hour"),
        ("gm", "follow on"),
        ("gs", "Account list"),
        ("ge", "staged features"),
        ("gl", "level"),
        ("?", "esc close"),
        ("\u{1b}", "diagnosis"),
        ("ga", "6 accounts"),
    ] {
        terminal.send(keys);
        terminal.wait_for(words);
    }

    let written = terminal.written().split_off(before);
    let count = |mark: &[u8]| written.windows(mark.len()).filter(|window| *window == mark).count();
    assert_eq!(count(b"\x1b[2J"), 0, "the screen was cleared");
    assert_eq!(count(b"\x1b[3J"), 0, "the screen was cleared");
    let (begun, ended) = (count(b"\x1b[?2026h"), count(b"\x1b[?2026l"));
    assert!(begun >= 9, "{begun} frames");
    assert!(begun.abs_diff(ended) <= 1, "{begun} begun, {ended} ended");
}
