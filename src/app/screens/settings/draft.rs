//! What was changed and not saved yet: per key a new value, or the wish to have none.

use std::collections::BTreeMap;

use crate::domain::settings::edit::{Edit, with_twins};
use crate::domain::settings::report::Report;
use crate::domain::settings::schema::{Row, Value, Zero, row};

/// The changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    edits: BTreeMap<&'static str, Option<Value>>,
}

/// Where the shown value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nothing says otherwise.
    Default,
    /// The settings file.
    File,
    /// A variable, which no screen can change.
    Variable(&'static str),
    /// Changed here, not saved.
    Unsaved,
}

impl Draft {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// How many settings are changed.
    pub fn len(&self) -> usize {
        self.edits.len()
    }

    /// The changed keys.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.edits.keys().copied()
    }

    /// Whether this one is changed.
    pub fn holds(&self, row: &Row) -> bool {
        self.edits.contains_key(row.key)
    }

    /// The value that is shown.
    pub fn value(&self, row: &Row, report: &Report) -> Value {
        if self.edits.is_empty() {
            return effective(row, report);
        }
        // A key that follows another one shows where it will go.
        match with_twins(&self.edits(), report).into_iter().find(|edit| edit.key == row.key) {
            Some(Edit { to: Some(value), .. }) => value,
            Some(Edit { to: None, .. }) => row.default(),
            None => effective(row, report),
        }
    }

    /// Where the shown value comes from.
    pub fn origin(&self, row: &Row, report: &Report) -> Origin {
        if let Some(name) = locked(row, report) {
            return Origin::Variable(name);
        }
        if self.holds(row) {
            return Origin::Unsaved;
        }
        if stored(row, report).is_some() { Origin::File } else { Origin::Default }
    }

    /// Sets a value; what is in the file already, or what is the default of a missing member, is no change.
    pub fn set(&mut self, row: &'static Row, value: Value, report: &Report) {
        let same = match stored(row, report) {
            Some(Stored::Good(kept)) => *kept == value,
            Some(Stored::Bad) => false,
            None => row.default() == value,
        };
        if same {
            self.edits.remove(row.key);
        } else {
            self.edits.insert(row.key, Some(value));
        }
    }

    /// Wants the member gone from the file.
    pub fn reset(&mut self, row: &'static Row, report: &Report) {
        if stored(row, report).is_some() {
            self.edits.insert(row.key, None);
        } else {
            self.edits.remove(row.key);
        }
    }

    /// Drops the changes that are in the file by now.
    pub fn settle(&mut self, report: &Report) {
        self.edits.retain(|key, edit| {
            let Some(row) = row(key) else { return false };
            match (edit, stored(row, report)) {
                (None, found) => found.is_some(),
                (Some(value), Some(Stored::Good(kept))) => value != kept,
                (Some(_), Some(Stored::Bad) | None) => true,
            }
        });
    }

    /// What is to be written.
    pub fn edits(&self) -> Vec<Edit> {
        self.edits.iter().map(|(key, to)| Edit { key, to: to.clone() }).collect()
    }
}

/// What the file holds under a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stored<'a> {
    /// A value.
    Good(&'a Value),
    /// Something that cannot be used.
    Bad,
}

/// What the file holds under the key of a row.
pub fn stored<'a>(row: &Row, report: &'a Report) -> Option<Stored<'a>> {
    let entry = report.entry(row.key)?;
    match &entry.stored {
        Some(value) => Some(Stored::Good(value)),
        None if entry.present => Some(Stored::Bad),
        None => None,
    }
}

/// The value in force.
pub fn effective(row: &Row, report: &Report) -> Value {
    report.entry(row.key).map_or_else(|| row.default(), |entry| entry.value.clone())
}

/// The variable that holds a setting fast, if one does.
pub fn locked(row: &Row, report: &Report) -> Option<&'static str> {
    report.entry(row.key).and_then(|entry| entry.locked)
}

/// A number one step further: along the row's steps, kept inside its bounds.
pub(super) fn stepped(row: &Row, bounds: (f64, f64), zero: Zero, number: f64, by: i32) -> Option<f64> {
    let (least, most) = bounds;
    let up = by > 0;
    if !row.offers.is_empty() {
        let next = if up {
            row.offers.iter().copied().find(|offer| *offer > number)
        } else {
            row.offers.iter().rev().copied().find(|offer| *offer < number)
        };
        return next;
    }
    if row.step <= 0.0 {
        return None;
    }
    let moved = number + f64::from(by) * row.step;
    // Below the least value there may be one more: off.
    let next = if zero == Zero::TurnsOff && moved < least {
        if up { least } else { 0.0 }
    } else {
        moved.clamp(least, most)
    };
    (next.total_cmp(&number).is_ne()).then_some(next)
}
