//! The copies of the pool: the list, the focused one against the pool now, and what can be done with it.

use std::path::{Path, PathBuf};

use crate::domain::backup::{Backup, Comparison, Kind};
use crate::domain::vault::{Act, Source};

/// The list of backups.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Backups {
    /// Named ones first, then snapshots, then the automatic ones; newest first within each. `None` = not read yet.
    pub list: Option<Vec<Backup>>,
    /// Why they cannot be listed, if so.
    pub trouble: Option<String>,
    /// Cursor.
    pub place: usize,
    /// First row shown.
    pub offset: usize,
    /// What was compared with the pool last.
    pub compared: Option<(PathBuf, Result<Comparison, String>)>,
    /// The file whose comparison was asked for last; empty once the list itself was asked for.
    asked: Option<PathBuf>,
}

impl Backups {
    /// The copies.
    pub fn rows(&self) -> &[Backup] {
        self.list.as_deref().unwrap_or_default()
    }

    /// The copy under the cursor.
    pub fn focused(&self) -> Option<&Backup> {
        self.rows().get(self.place)
    }

    /// The comparison of the copy under the cursor, once it is known.
    pub fn comparison(&self) -> Option<&Result<Comparison, String>> {
        let path = &self.focused()?.path;
        self.compared.as_ref().filter(|(of, _)| of == path).map(|(_, result)| result)
    }

    /// What has to be asked of the keeper now: the list once, then a comparison for every row the cursor rests on.
    pub fn wanted(&mut self) -> Option<Act> {
        if self.list.is_none() {
            let first = self.asked.is_none() && self.trouble.is_none();
            self.asked = Some(self.asked.take().unwrap_or_default());
            return first.then_some(Act::List);
        }
        let focused = self.focused()?;
        if !focused.is_good() || self.asked.as_ref() == Some(&focused.path) {
            return None;
        }
        let path = focused.path.clone();
        self.asked = Some(path.clone());
        Some(Act::Compare(Source::File(path)))
    }

    /// Has everything read again, because something changed.
    pub fn renew(&mut self) -> Act {
        self.asked = Some(PathBuf::new());
        self.trouble = None;
        Act::List
    }

    /// How many were named by a person, and how many are kept by themselves.
    pub fn tally(&self) -> (usize, usize) {
        let named = self.rows().iter().filter(|backup| backup.kind == Kind::Named).count();
        (named, self.rows().len() - named)
    }

    /// Takes a list in; the cursor stays on its file.
    pub fn take(&mut self, mut list: Vec<Backup>) {
        list.sort_by(|one, other| {
            rank(one.kind).cmp(&rank(other.kind)).then(other.modified.cmp(&one.modified))
        });
        let kept = self.focused().map(|backup| backup.path.clone());
        self.trouble = None;
        self.list = Some(list);
        self.go_to(kept.as_deref());
    }

    /// Puts the cursor on a file, or leaves it where it is.
    pub fn go_to(&mut self, path: Option<&Path>) {
        let place = self.rows().iter().position(|backup| Some(backup.path.as_path()) == path);
        self.go(place.unwrap_or(self.place));
    }

    /// Puts the cursor on the `place`-th row, or the last one.
    pub fn go(&mut self, place: usize) {
        self.place = place.min(self.rows().len().saturating_sub(1));
    }
}

/// Snapshots of hours and days are told apart by their names, so they may mix.
const fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Named => 0,
        Kind::Hourly => 1,
        Kind::Daily => 2,
        Kind::Rotating => 3,
    }
}
