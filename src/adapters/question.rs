//! One question on stderr, one line from stdin. Nobody is asked without a terminal on both.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::ports::question::{Choice, Question};

/// Asks on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalQuestion {
    /// Whether asking is allowed at all (not headless).
    pub face: Asking,
}

/// Whether questions may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// On a terminal.
    Allowed,
    /// Headless: never.
    Never,
}

impl Question for TerminalQuestion {
    async fn ask(&self, lines: Vec<String>, choices: Vec<Choice>) -> Option<char> {
        if self.face == Asking::Never || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        tokio::task::spawn_blocking(move || read_answer(&lines, &choices)).await.ok().flatten()
    }
}

fn read_answer(lines: &[String], choices: &[Choice]) -> Option<char> {
    let mut shown = String::new();
    for line in lines {
        shown.push_str(line);
        shown.push('\n');
    }
    for choice in choices {
        shown.push_str(&format_choice(*choice));
    }
    io::stderr().write_all(shown.as_bytes()).ok()?;
    let first = choices.first()?;
    let mut input = io::stdin().lock();
    loop {
        write!(io::stderr(), "[{}] ", first.letter).ok()?;
        io::stderr().flush().ok()?;
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some(letter) = line.trim().chars().next() else { return Some(first.letter) };
        let letter = letter.to_ascii_lowercase();
        if choices.iter().any(|choice| choice.letter == letter) {
            return Some(letter);
        }
    }
}

fn format_choice(choice: Choice) -> String {
    format!("  {}  {}\n", choice.letter, choice.text)
}
