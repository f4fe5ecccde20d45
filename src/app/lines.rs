//! The dashboard by lines, for screen readers and terminals that only append (dashboard.md §15.4).
//!
//! Every key can be typed as a word with Enter after it; a number is a row; an empty line reads the page again. What is
//! not a key is looked for among the names of what can be done here. In a field a line is its text.

use crate::app::action::Action;
use crate::app::input::{Code, Key};
use crate::app::keys::{Chord, Found, Group, Scope, Table};

/// What was asked of the page itself. The counts grow, so that whoever prints knows what is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lines {
    /// Lines typed so far.
    pub typed: u64,
    /// How often the page was asked for.
    pub pages: u64,
    /// How often the keys were asked for.
    pub helps: u64,
}

/// What a line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// These keys, one after the other.
    Keys(Vec<Key>),
    /// The text of the open field, then Enter.
    Text(String),
    /// The page, once more.
    Page,
    /// The keys of this place.
    Help,
    /// Nothing here.
    Nothing,
}

/// Whether a text field is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// It takes the line.
    Open,
    /// None is.
    Closed,
}

/// Most rows a number may name.
const MOST: usize = 100_000;

/// What `line` means where these scopes are active.
pub fn meaning(table: &Table, scopes: &[Scope], field: Field, line: &str) -> Meaning {
    let word = line.trim();
    if field == Field::Open {
        return match word.to_lowercase().as_str() {
            "" => Meaning::Keys(vec![Key::plain(Code::Enter)]),
            "esc" | "up" | "down" | "enter" | "ctrl-c" => chord(word).map_or(Meaning::Nothing, Meaning::Keys),
            _ => Meaning::Text(line.trim_end_matches(['\r', '\n']).to_owned()),
        };
    }
    match word {
        "" => return Meaning::Page,
        "?" | "help" | "keys" => return Meaning::Help,
        _ => {}
    }
    if word.chars().all(|letter| letter.is_ascii_digit()) {
        return numbered(table, scopes, word);
    }
    if let Some(keys) = chord(word)
        && leads_somewhere(table, scopes, &keys)
    {
        return Meaning::Keys(keys);
    }
    named(table, scopes, word).map_or(Meaning::Nothing, Meaning::Keys)
}

fn chord(word: &str) -> Option<Vec<Key>> {
    Some(match Chord::parse(word)? {
        Chord::One(key) => vec![key],
        Chord::Two(leader, key) => vec![leader, key],
    })
}

fn leads_somewhere(table: &Table, scopes: &[Scope], keys: &[Key]) -> bool {
    match *keys {
        [key] => table.find(scopes, None, key) != Found::Nothing,
        [leader, key] => matches!(table.find(scopes, Some(leader), key), Found::Act(_)),
        _ => false,
    }
}

/// A row of the list; where there is none, the answer with this number.
fn numbered(table: &Table, scopes: &[Scope], word: &str) -> Meaning {
    let Some(number) = word.parse().ok().filter(|number| (1..=MOST).contains(number)) else {
        return Meaning::Nothing;
    };
    let on = |action| table.shown(scopes, action).map(keys_of);
    if let (Some(first), Some(down)) = (on(Action::First), on(Action::Down)) {
        return Meaning::Keys(first.into_iter().chain(down.repeat(number - 1)).collect());
    }
    match chord(word) {
        Some(keys) if leads_somewhere(table, scopes, &keys) => Meaning::Keys(keys),
        Some(_) | None => Meaning::Nothing,
    }
}

fn keys_of(chord: Chord) -> Vec<Key> {
    match chord {
        Chord::One(key) => vec![key],
        Chord::Two(leader, key) => vec![leader, key],
    }
}

/// The keys of what begins with these words: its label, or its name in `keys.toml`.
fn named(table: &Table, scopes: &[Scope], word: &str) -> Option<Vec<Key>> {
    let word = word.to_lowercase();
    let fits = |bind: &&crate::app::keys::Bind| {
        bind.group != Group::Hidden
            && (bind.label.to_lowercase().starts_with(&word) || bind.action.id() == word)
    };
    scopes.iter().find_map(|scope| {
        let here = table.rows().map(|(bind, _)| bind).filter(|bind| bind.scope == *scope);
        here.filter(fits).find_map(|bind| table.shown(scopes, bind.action)).map(keys_of)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: [Scope; 4] = [Scope::Accounts, Scope::Moving, Scope::Tabs, Scope::Everywhere];

    fn read(scopes: &[Scope], field: Field, line: &str) -> Meaning {
        meaning(&Table::default(), scopes, field, line)
    }

    #[test]
    fn a_line_is_a_key_a_row_a_name_or_a_question() {
        let key = |key: Key| Meaning::Keys(vec![key]);
        for (line, wanted) in [
            ("", Meaning::Page),
            ("  ", Meaning::Page),
            ("?", Meaning::Help),
            ("s", key(Key::char('s'))),
            ("enter", key(Key::plain(Code::Enter))),
            ("esc", key(Key::plain(Code::Esc))),
            ("gu", Meaning::Keys(vec![Key::char('g'), Key::char('u')])),
            ("check all", key(Key::char('C'))),
            ("check-all", key(Key::char('C'))),
            ("SORT", key(Key::char('o'))),
            ("dance", Meaning::Nothing),
            ("0", Meaning::Nothing),
        ] {
            assert_eq!(read(&LIST, Field::Closed, line), wanted, "{line:?}");
        }
    }

    #[test]
    fn a_number_goes_to_its_row_and_elsewhere_is_its_answer() {
        let gg = [Key::char('g'), Key::char('g')];
        let down = Key::plain(Code::Down);

        assert_eq!(read(&LIST, Field::Closed, "1"), Meaning::Keys(gg.into()));
        assert_eq!(read(&LIST, Field::Closed, "3"), Meaning::Keys([&gg[..], &[down, down]].concat()));
        assert_eq!(read(&[Scope::WizardMenu], Field::Closed, "2"), Meaning::Keys(vec![Key::char('2')]));
        assert_eq!(read(&[Scope::WizardMenu], Field::Closed, "99"), Meaning::Nothing);
    }

    #[test]
    fn a_field_takes_the_line_as_it_is() {
        assert_eq!(read(&[Scope::Field], Field::Open, " my name "), Meaning::Text(" my name ".to_owned()));
        assert_eq!(read(&[Scope::Field], Field::Open, "q"), Meaning::Text("q".to_owned()));
        assert_eq!(read(&[Scope::Field], Field::Open, "esc"), Meaning::Keys(vec![Key::plain(Code::Esc)]));
        assert_eq!(read(&[Scope::Field], Field::Open, ""), Meaning::Keys(vec![Key::plain(Code::Enter)]));
    }
}
