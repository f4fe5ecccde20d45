//! Every setting with its value, where the value comes from, and what was wrong with what stood there.
//!
//! One report is made per reading of the files; the typed [`Settings`], `config`, the settings screen and the
//! announcement of problems are views of it, so they cannot disagree.

use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::settings::Settings;
use crate::domain::settings::edit::{Edit, veiled, with_twins};
use crate::domain::settings::schema::{Row, Value, row, rows};

/// All settings as they stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Path of the document the runtime settings come from; `None` = there is none.
    pub path: Option<String>,
    /// Where a change is written.
    pub target: String,
    /// What kind of document that is.
    pub storage: Storage,
    /// One entry per row of the table, in its order.
    pub entries: Vec<Entry>,
    /// What is wrong with the documents as a whole, and what else is odd in them.
    pub problems: Vec<Trouble>,
}

/// Something odd that is no single value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The file it is about.
    pub file: Option<String>,
    /// Its line, counted from one.
    pub line: Option<usize>,
    /// The member it is about.
    pub key: Option<String>,
    /// What is odd and what is done about it, for people.
    pub message: String,
}

impl Trouble {
    /// About no file in particular.
    pub fn new(message: impl Into<String>) -> Self {
        Self { file: None, line: None, key: None, message: message.into() }
    }

    /// About a file.
    pub fn of(file: &str, message: impl Into<String>) -> Self {
        Self { file: Some(file.to_owned()), ..Self::new(message) }
    }
}

/// Which document the runtime settings come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// `settings.json`, or its backup while it is damaged.
    Unified,
    /// A flat file: the one named by `CODEX_MULTI_AUTH_CONFIG_PATH`, or a legacy one.
    File,
    /// There is none.
    #[default]
    Missing,
    /// There is one that cannot be read.
    Unreadable,
}

impl Storage {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unified => "unified",
            Self::File => "file",
            Self::Missing => "none",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What a save left.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// The settings as they stand now.
    pub report: std::sync::Arc<Report>,
    /// What a person should know about the save: a file that was created, a damaged one that was kept.
    pub notes: Vec<String>,
}

/// One setting as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its row of the table.
    pub row: &'static Row,
    /// What counts.
    pub value: Value,
    /// What counts when nothing is set.
    pub default: Value,
    /// What the file says, if that is valid; clamped where the row clamps.
    pub stored: Option<Value>,
    /// Whether the file has the member at all, valid or not.
    pub present: bool,
    /// Where the value comes from.
    pub source: Source,
    /// The variable that decides, whether or not its value is another one; a change is without effect then.
    pub locked: Option<&'static str>,
    /// What was ignored or clamped.
    pub faults: Vec<Fault>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nothing is set.
    Default,
    /// `settings.json`.
    Unified,
    /// A flat file.
    File,
    /// This variable, and without it the value would be another.
    Variable(&'static str),
}

impl Source {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Unified => "unified",
            Self::File => "file",
            Self::Variable(_) => "env",
        }
    }

    /// How a person reads it: `settings.json`, the variable's name, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Unified => "settings.json",
            Self::File => "file",
            Self::Variable(name) => name,
        }
    }
}

/// A value that did not count as it stood.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The variable it was found in; `None` = the file.
    pub variable: Option<&'static str>,
    /// What stood there: raw JSON, or the variable's text.
    pub given: String,
    /// What was expected.
    pub why: String,
    /// What counts instead; `None` = it is passed over.
    pub taken: Option<Value>,
}

impl Default for Report {
    /// Nothing is set anywhere.
    fn default() -> Self {
        let entries = rows().map(Entry::unset).collect();
        Self { path: None, target: String::new(), storage: Storage::Missing, entries, problems: Vec::new() }
    }
}

impl Entry {
    /// The entry of a row that nothing is set for.
    pub fn unset(row: &'static Row) -> Self {
        Self {
            row,
            value: row.default(),
            default: row.default(),
            stored: None,
            present: false,
            source: Source::Default,
            locked: None,
            faults: Vec::new(),
        }
    }

    /// Whether a file or a variable says what the value is.
    pub fn is_set(&self) -> bool {
        self.locked.is_some() || self.source != Source::Default
    }

    /// What was wrong, in one line.
    pub fn problem(&self) -> Option<String> {
        self.faults.first().map(|fault| fault.line(self.row))
    }
}

impl Fault {
    /// The fault as a line for people: what, what was done, what was expected.
    pub fn line(&self, row: &Row) -> String {
        let name = self.variable.unwrap_or(row.key);
        match &self.taken {
            Some(value) => format!("{name} is taken as {}: {}", value.shown(), self.why),
            None => format!("{name} is ignored: {}", self.why),
        }
    }
}

impl Report {
    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.row.key == key)
    }

    /// The typed values.
    pub fn settings(&self) -> Settings {
        self.preview(&[])
    }

    /// The typed values as they would be with these edits; what a variable locks stays.
    pub fn preview(&self, edits: &[Edit]) -> Settings {
        let mut settings = Settings::default();
        let edits = with_twins(edits, self);
        for entry in &self.entries {
            let edited = edits.iter().rev().find(|edit| edit.key == entry.row.key);
            let value = match edited {
                Some(edit) if entry.locked.is_none() => edit.to.as_ref(),
                Some(_) | None => entry.is_set().then_some(&entry.value),
            };
            if let Some(value) = value {
                (entry.row.put)(&mut settings, value);
            }
        }
        settings.notes = self.notes();
        settings
    }

    /// The keys whose values are other ones in `newer`.
    pub fn changes(&self, newer: &Self) -> Vec<&'static str> {
        let pairs = self.entries.iter().zip(&newer.entries);
        pairs.filter(|(old, new)| old.value != new.value).map(|(old, _)| old.row.key).collect()
    }

    /// An entry as it would stand after an edit that is saved.
    pub fn with(&self, edit: &Edit, entry: &Entry) -> Entry {
        let mut after = entry.clone();
        after.faults.retain(|fault| fault.variable.is_some());
        after.present = edit.to.is_some();
        after.stored.clone_from(&edit.to);
        if entry.locked.is_none() {
            after.value = edit.to.clone().unwrap_or_else(|| entry.default.clone());
            after.source = match (&edit.to, self.storage) {
                (None, _) => Source::Default,
                (Some(_), Storage::File) if self.path.as_deref() == Some(self.target.as_str()) => {
                    Source::File
                }
                (Some(_), _) => Source::Unified,
            };
        }
        after
    }

    /// The edits as they are saved: valid, and with the keys that follow them.
    ///
    /// # Errors
    /// `unknown-setting` for a key that is not in the table, `out-of-range` for a value it does not take.
    pub fn checked(&self, edits: &[Edit]) -> Result<Vec<Edit>, Problem> {
        for edit in edits {
            let Some(row) = row(edit.key) else { return Err(unknown(edit.key)) };
            if let Some(value) = edit.to.as_ref().filter(|value| !row.accepts(value)) {
                return Err(refused(row, &value.shown(), &row.expectation()));
            }
        }
        Ok(with_twins(edits, self))
    }

    /// All problems as lines for people: those of the documents, then those of single values.
    pub fn notes(&self) -> Vec<String> {
        let faults =
            self.entries.iter().flat_map(|entry| entry.faults.iter().map(|fault| fault.line(entry.row)));
        let troubles = self.problems.iter().map(|trouble| trouble.message.clone());
        let mut notes: Vec<String> = troubles.chain(faults).collect();
        // Two keys that share a variable report it once.
        let mut told = std::collections::BTreeSet::new();
        notes.retain(|note| told.insert(note.clone()));
        notes
    }
}

/// A key that is not in the table, with the keys that look like it.
pub fn unknown(key: &str) -> Problem {
    let problem = Problem::new("unknown-setting", Exit::Usage, format!("there is no setting {key}"));
    let near = nearest(key);
    if near.is_empty() {
        return problem.hint(Hint::Run("config list".to_owned()));
    }
    problem.hint(Hint::Say(format!("Did you mean {}?", near.join(", "))))
}

/// A value that a key does not take.
pub fn refused(row: &Row, given: &str, why: &str) -> Problem {
    Problem::new("out-of-range", Exit::Usage, format!("{} cannot be {}", row.key, veiled(given)))
        .because(why.to_owned())
        .hint(Hint::Run(format!("config explain {}", row.key)))
}

/// The one key that is a slip of the finger away.
pub fn near(typed: &str) -> Option<&'static str> {
    let lower = typed.to_lowercase();
    let slip = |key: &str| distance(&lower, &key.to_lowercase()) <= 2;
    rows().map(|row| row.key).find(|key| typed.len() > 4 && slip(key))
}

/// Up to three keys that are a slip of the finger away, or that contain what was typed.
fn nearest(typed: &str) -> Vec<&'static str> {
    let typed = typed.to_lowercase();
    let mut ranked: Vec<(usize, &'static str)> = rows()
        .filter_map(|row| {
            let key = row.key.to_lowercase();
            let far = distance(&typed, &key);
            let holds = typed.len() >= 4 && (key.contains(&typed) || typed.contains(&key));
            (holds || far <= typed.len() / 3).then_some((if holds { far.min(1) } else { far }, row.key))
        })
        .collect();
    ranked.sort_by_key(|(far, _)| *far);
    ranked.into_iter().take(3).map(|(_, key)| key).collect()
}

/// How many letters have to be added, dropped or exchanged.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut line = vec![left];
        for (y, pair) in b.iter().zip(above.windows(2)) {
            let [diagonal, up] = pair else { continue };
            left = (left + 1).min(up + 1).min(diagonal + usize::from(x != *y));
            line.push(left);
        }
        above = line;
    }
    above.last().copied().unwrap_or(0)
}
