//! Keys of one's own: `keys.toml` laid over the table (dashboard.md §13.1).
//!
//! An action keeps its default keys in a scope when what was wished for means something else there already; the
//! conflict is told. Dialogs and text fields are left alone: there a letter is a letter, and an answer is an answer.

use super::{Bind, Chord, Found, Scope, binds};
use crate::app::action::Action;
use crate::app::input::{Code, Held, Key};

/// The keys in force: the table, and what is wished otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// By place in the table.
    own: Vec<(usize, Vec<Chord>)>,
}

/// Keys no tab gives another meaning.
const FIXED: [Key; 11] = [
    Key::char('u'),
    Key::char('y'),
    Key::char('q'),
    Key::char('?'),
    Key::char(':'),
    Key::char('/'),
    Key::char('h'),
    Key::char('z'),
    Key::char('M'),
    Key::plain(Code::Esc),
    Key::plain(Code::Enter),
];

impl Table {
    /// The table with these wishes, by the name of an action, and what is wrong with them.
    pub fn with(wishes: &[(String, Vec<String>)]) -> (Self, Vec<String>) {
        let mut table = Self::default();
        let mut notes = Vec::new();
        for (name, keys) in wishes {
            if binds().all(|bind| bind.action.id() != *name) {
                let near = binds().map(|bind| bind.action.id()).find(|id| id.starts_with(name.as_str()));
                let hint = near.map(|id| format!("; is `{id}` meant?")).unwrap_or_default();
                notes.push(format!("there is no action `{name}`{hint}"));
                continue;
            }
            let mut chords = Vec::new();
            for word in keys {
                match Chord::parse(word) {
                    Some(chord) if is_fixed(chord) => {
                        notes.push(format!("`{word}` means the same everywhere, so `{name}` cannot have it"));
                    }
                    Some(chord) => chords.push(chord),
                    None => notes.push(format!("`{word}` for `{name}` is no key")),
                }
            }
            if !chords.is_empty() {
                notes.extend(table.wish(name, &chords));
            }
        }
        (table, notes)
    }

    /// Whether nothing is wished otherwise.
    pub fn is_default(&self) -> bool {
        self.own.is_empty()
    }

    /// Every row with the keys it is on.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Bind, &[Chord])> {
        binds().enumerate().map(|(at, bind)| (bind, self.keys_at(at, bind)))
    }

    /// The keys of a row.
    pub fn keys(&self, row: &Bind) -> Vec<Chord> {
        let found = self.rows().find(|(bind, _)| *bind == row);
        found.map_or_else(|| row.keys.to_vec(), |(_, keys)| keys.to_vec())
    }

    /// What `key` means in `scopes`, innermost first, after a `leader` pressed before.
    pub fn find(&self, scopes: &[Scope], leader: Option<Key>, key: Key) -> Found {
        let wanted = leader.map_or(Chord::One(key), |leader| Chord::Two(leader, key));
        for scope in scopes {
            let here = || self.rows().filter(|(bind, _)| bind.scope == *scope);
            if let Some((bind, _)) = here().find(|(_, keys)| keys.contains(&wanted)) {
                return Found::Act(bind.action);
            }
            if leader.is_none() && here().any(|(_, keys)| keys.iter().any(|chord| leads(*chord, key))) {
                return Found::Leader;
            }
        }
        Found::Nothing
    }

    /// The key shown for an action where these scopes are active.
    pub fn shown(&self, scopes: &[Scope], action: Action) -> Option<Chord> {
        scopes.iter().find_map(|scope| {
            let (_, keys) = self.rows().find(|(bind, _)| bind.scope == *scope && bind.action == action)?;
            let chord = keys.first().copied()?;
            // A key that an inner scope gives another meaning is not a way to this action.
            let Chord::One(key) = chord else { return Some(chord) };
            (self.find(scopes, None, key) == Found::Act(action)).then_some(chord)
        })
    }

    fn keys_at(&self, at: usize, bind: &'static Bind) -> &[Chord] {
        self.own.iter().find(|(own, _)| *own == at).map_or(bind.keys, |(_, keys)| keys.as_slice())
    }

    fn wish(&mut self, name: &str, chords: &[Chord]) -> Vec<String> {
        let mut notes = Vec::new();
        let mut done: Vec<Scope> = Vec::new();
        for (at, bind) in binds().enumerate() {
            // A second row of one action keeps its keys: they are its other name.
            if bind.action.id() != name || !bind.scope.takes_wishes() || done.contains(&bind.scope) {
                continue;
            }
            done.push(bind.scope);
            match self.taken(bind, chords) {
                Some((chord, other)) => notes.push(format!(
                    "`{}` is both `{name}` and `{}` ({}): the default stays",
                    chord.name(),
                    other.action.id(),
                    bind.scope.title()
                )),
                None => self.own.push((at, chords.to_vec())),
            }
        }
        notes
    }

    /// The row of the same scope that one of these keys belongs to, or that it would lead into.
    fn taken(&self, row: &Bind, chords: &[Chord]) -> Option<(Chord, &'static Bind)> {
        chords.iter().find_map(|chord| {
            let clash = |other: &Chord| {
                other == chord
                    || matches!((other, chord), (Chord::Two(leader, _), Chord::One(key)) | (Chord::One(key), Chord::Two(leader, _)) if leader == key)
            };
            let others = self.rows().filter(|(bind, _)| bind.scope == row.scope && bind.action != row.action);
            others.filter(|(_, keys)| keys.iter().any(clash)).map(|(bind, _)| (*chord, bind)).next()
        })
    }
}

fn is_fixed(chord: Chord) -> bool {
    matches!(chord, Chord::One(key) | Chord::Two(key, _) if FIXED.contains(&key))
}

fn leads(chord: Chord, key: Key) -> bool {
    matches!(chord, Chord::Two(leader, _) if leader == key)
}

impl Scope {
    /// Whether keys may be wished otherwise here.
    const fn takes_wishes(self) -> bool {
        !matches!(
            self,
            Self::Field
                | Self::Value
                | Self::Palette
                | Self::Confirm
                | Self::Typed
                | Self::Terms
                | Self::WizardQuestion
        )
    }
}

impl Action {
    /// Its name in `keys.toml`: `use`, `check-all`, `go-accounts`, `use-row-1`.
    pub fn id(self) -> String {
        let mut id = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_alphanumeric() {
                let breaks = letter.is_uppercase() || (letter.is_numeric() && !id.ends_with('-'));
                if breaks && !id.is_empty() && !id.ends_with('-') {
                    id.push('-');
                }
                id.extend(letter.to_lowercase());
            } else if letter == '(' {
                id.push('-');
            }
        }
        id
    }
}

/// Names of keys that are no character.
const NAMES: [(&str, Code); 22] = [
    ("enter", Code::Enter),
    ("return", Code::Enter),
    ("esc", Code::Esc),
    ("escape", Code::Esc),
    ("tab", Code::Tab),
    ("shift-tab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("del", Code::Delete),
    ("delete", Code::Delete),
    ("space", Code::Char(' ')),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("pgup", Code::PageUp),
    ("pgdn", Code::PageDown),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("home", Code::Home),
    ("end", Code::End),
    ("\u{23ce}", Code::Enter),
    ("f10", Code::F(10)),
];

impl Chord {
    /// Reads a key as help and documentation write it: `s`, `G`, `gg`, `enter`, `ctrl-l`, `alt-1`, `f5`.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim();
        if let Some(key) = one(word) {
            return Some(Self::One(key));
        }
        let mut letters = word.chars();
        let (leader, key) = (letters.next()?, letters.next()?);
        letters.next().is_none().then(|| Self::Two(Key::char(leader), Key::char(key)))
    }
}

fn one(word: &str) -> Option<Key> {
    let mut letters = word.chars();
    if let (Some(letter), None) = (letters.next(), letters.next())
        && !letter.is_control()
        && letter != '\u{23ce}'
    {
        return Some(Key::char(letter));
    }
    let lower = word.to_lowercase();
    for (prefix, held) in [("ctrl-", Held::Ctrl), ("alt-", Held::Alt)] {
        if let Some(rest) = lower.strip_prefix(prefix) {
            return one(rest).map(|key| Key { held, ..key });
        }
    }
    if let Some((_, code)) = NAMES.iter().find(|(name, _)| *name == lower) {
        return Some(Key::plain(*code));
    }
    let number = lower.strip_prefix('f')?.parse().ok().filter(|number| (1..=12).contains(number))?;
    Some(Key::plain(Code::F(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(rows: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let words = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        rows.iter().map(|(name, keys)| ((*name).to_owned(), words(keys))).collect()
    }

    #[test]
    fn a_wished_key_takes_the_place_of_the_default_wherever_the_action_is() {
        let (table, notes) = Table::with(&wishes(&[("check-all", &["X", "f5"])]));

        assert_eq!(notes, Vec::<String>::new());
        let list = [Scope::Accounts, Scope::Moving, Scope::Tabs, Scope::Everywhere];
        assert_eq!(table.find(&list, None, Key::char('X')), Found::Act(Action::CheckAll));
        assert_eq!(table.find(&list, None, Key::plain(Code::F(5))), Found::Act(Action::CheckAll));
        assert_eq!(table.find(&list, None, Key::char('C')), Found::Nothing);
        assert_eq!(table.shown(&list, Action::CheckAll), Some(Chord::One(Key::char('X'))));
        assert_eq!(table.shown(&list, Action::Use), Some(Chord::One(Key::char('s'))));
    }

    #[test]
    fn what_cannot_be_is_told_and_the_default_stays() {
        for (name, keys, told) in [
            ("use", "p", "`p` is both `use` and `pin` (Accounts, the list): the default stays"),
            ("use", "q", "`q` means the same everywhere, so `use` cannot have it"),
            ("use", "hyper-q", "`hyper-q` for `use` is no key"),
            ("check-al", "X", "there is no action `check-al`; is `check-all` meant?"),
            ("dance", "X", "there is no action `dance`"),
            ("use", "D", "`D` is both `use` and `delete-all` (Accounts, the list): the default stays"),
        ] {
            let (table, notes) = Table::with(&wishes(&[(name, &[keys])]));

            assert!(notes.contains(&told.to_owned()), "{name} {keys}: {notes:?}");
            let list = [Scope::Accounts, Scope::Moving];
            assert_eq!(table.shown(&list, Action::Use), Some(Chord::One(Key::char('s'))), "{name} {keys}");
        }
    }

    #[test]
    fn dialogs_and_fields_keep_their_keys() {
        let (table, _) = Table::with(&wishes(&[("yes", &["j"]), ("open", &["o"]), ("back", &["b"])]));

        for scope in [Scope::Confirm, Scope::Field, Scope::Value, Scope::Palette] {
            for (bind, keys) in table.rows().filter(|(bind, _)| bind.scope == scope) {
                assert_eq!(keys, bind.keys, "{scope:?}");
            }
        }
    }

    #[test]
    fn every_key_of_the_table_is_read_back_from_its_name() {
        for bind in binds() {
            for chord in bind.keys {
                let name = chord.name();
                let arrows = ["\u{2191}", "\u{2193}", "\u{2190}", "\u{2192}"];
                let spoken = ["up", "down", "left", "right"];
                let at = arrows.iter().position(|arrow| *arrow == name);
                let name = at.and_then(|at| spoken.get(at)).map_or(name.as_str(), |word| *word);
                assert_eq!(Chord::parse(name), Some(*chord), "{name}");
            }
        }
    }

    #[test]
    fn names_of_actions_are_words_with_dashes() {
        for (action, id) in [
            (Action::Use, "use"),
            (Action::CheckAll, "check-all"),
            (Action::UseRow(1), "use-row-1"),
            (Action::Go(crate::app::goal::Tab::Accounts), "go-accounts"),
        ] {
            assert_eq!(action.id(), id);
        }
    }
}
