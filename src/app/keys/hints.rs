//! The last line: which keys are worth naming where, cut to the width by rank. Only keys the table binds in
//! the active scopes can appear.

use std::borrow::Cow;

use crate::app::action::Action;
use crate::app::keys::wishes::wishes;
use crate::app::keys::{Scope, Table};
use crate::base::text::width;

/// A hint with its place in the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Column at which it starts.
    pub column: usize,
    /// Keys as written.
    pub keys: String,
    /// What they do; empty when the key says it all.
    pub word: Cow<'static, str>,
    /// What a click on it does.
    pub action: Action,
}

impl Hint {
    /// Cells it takes.
    pub fn width(&self) -> usize {
        width(&self.keys) + if self.word.is_empty() { 0 } else { 1 + width(&self.word) }
    }
}

/// How keys without a letter are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signs {
    /// `⏎`
    #[default]
    Unicode,
    /// `enter`
    Ascii,
}

impl Signs {
    fn write(self, keys: String) -> String {
        match self {
            Self::Unicode => keys,
            Self::Ascii => keys.replace('⏎', "enter"),
        }
    }
}

/// What yes and no mean for an open question.
pub type Answers = Option<(&'static str, &'static str)>;

/// The hints of the innermost of `scopes` that fit `room` cells, in order.
pub fn hints(scopes: &[Scope], signs: Signs, answers: Answers, room: usize) -> Vec<Hint> {
    hints_of(&Table::default(), scopes, signs, answers, room)
}

/// The same with the keys in force.
pub fn hints_of(table: &Table, scopes: &[Scope], signs: Signs, answers: Answers, room: usize) -> Vec<Hint> {
    let Some(innermost) = scopes.first() else { return Vec::new() };
    let candidates = |words| candidates(table, (scopes, *innermost), signs, answers, words);
    let mut chosen = candidates(Words::Full);
    for words in [Words::Brief, Words::Bare] {
        if total(&chosen) > room {
            chosen = candidates(words);
        }
    }
    while total(&chosen) > room {
        let Some(worst) = chosen.iter().map(|(rank, _)| *rank).max() else { break };
        let Some(at) = chosen.iter().rposition(|(rank, _)| *rank == worst) else { break };
        chosen.remove(at);
    }
    let mut column = 1;
    chosen
        .into_iter()
        .map(|(_, mut hint)| {
            hint.column = column;
            column += hint.width() + 2;
            hint
        })
        .collect()
}

/// Which of a hint's words is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    /// All of them.
    Full,
    /// The brief ones, but for a key that always stays.
    Brief,
    /// The brief ones everywhere.
    Bare,
}

fn candidates(
    table: &Table,
    (scopes, innermost): (&[Scope], Scope),
    signs: Signs,
    answers: Answers,
    words: Words,
) -> Vec<(u8, Hint)> {
    wishes(innermost)
        .iter()
        .filter_map(|wish| {
            let mut keys = table.shown(scopes, wish.action)?.name();
            if let Some(until) = wish.until {
                let other = table.shown(scopes, until)?.name();
                let joint = if matches!(until, Action::UseRow(_)) {
                    "-"
                } else if matches!(until, Action::More | Action::PreviousHit) {
                    "/"
                } else {
                    ""
                };
                keys = format!("{keys}{joint}{other}");
            }
            let keys = signs.write(keys);
            let word = match (answers, words) {
                (Some((yes, _)), _) if wish.action == Action::Yes => Cow::Owned(yes.to_lowercase()),
                (Some((_, no)), _) if wish.action == Action::No => Cow::Owned(no.to_lowercase()),
                (_, Words::Full) => Cow::Borrowed(wish.word),
                (_, Words::Brief) if wish.rank == 0 => Cow::Borrowed(wish.word),
                (_, Words::Brief | Words::Bare) => Cow::Borrowed(wish.brief.unwrap_or(wish.word)),
            };
            Some((wish.rank, Hint { column: 0, keys, word, action: wish.action }))
        })
        .collect()
}

fn total(hints: &[(u8, Hint)]) -> usize {
    1 + hints.iter().map(|(_, hint)| hint.width() + 2).sum::<usize>().saturating_sub(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPES: [Scope; 4] = [Scope::Accounts, Scope::Moving, Scope::Tabs, Scope::Everywhere];

    fn line(scopes: &[Scope], room: usize) -> String {
        let words: Vec<String> = hints(scopes, Signs::Unicode, None, room)
            .into_iter()
            .map(|hint| if hint.word.is_empty() { hint.keys } else { format!("{} {}", hint.keys, hint.word) })
            .collect();
        words.join("  ")
    }

    #[test]
    fn the_most_wanted_hints_survive_in_a_narrow_line() {
        assert_eq!(
            line(&SCOPES, 80),
            "⏎ open  1-9 use  / find  s use  p pin  e on/off  c check  d delete  ? help  q"
        );
        assert_eq!(line(&SCOPES, 30), "⏎ open  1-9 use  ? help  q");
        assert_eq!(line(&SCOPES, 8), "? help");
    }

    #[test]
    fn a_question_names_what_yes_and_no_do() {
        let line: Vec<String> = hints(&[Scope::Confirm], Signs::Unicode, Some(("Merge", "Keep")), 80)
            .into_iter()
            .map(|hint| format!("{} {}", hint.keys, hint.word))
            .collect();

        assert_eq!(line, ["←→ choose", "y merge", "n keep"]);
    }

    #[test]
    fn every_hint_names_a_key_of_the_table() {
        for scope in [Scope::Detail, Scope::Turns, Scope::Sessions, Scope::Pane, Scope::Bare] {
            let scopes = [scope, Scope::Moving, Scope::Tabs, Scope::Everywhere];
            let wanted = wishes(scope).len();
            assert_eq!(hints(&scopes, Signs::Unicode, None, 400).len(), wanted, "{scope:?}");
        }
        for scope in [Scope::Help, Scope::Messages, Scope::Turn] {
            assert_eq!(
                hints(&[scope, Scope::Moving], Signs::Unicode, None, 400).len(),
                wishes(scope).len(),
                "{scope:?}"
            );
        }
        for scope in [Scope::Confirm, Scope::Palette, Scope::Field] {
            assert_eq!(hints(&[scope], Signs::Unicode, None, 400).len(), wishes(scope).len(), "{scope:?}");
        }
    }
}
