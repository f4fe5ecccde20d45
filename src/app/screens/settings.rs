//! The settings tab: groups at the left, rows at the right, and a draft of what was changed.
//!
//! Nothing is written before it is saved. The draft holds only what the person changed, so saving can never
//! carry a value along that somebody else has changed meanwhile.

pub mod backups;
pub mod draft;
pub mod page;
pub mod places;
pub mod words;

use std::sync::Arc;

use crate::app::field::Field;
use crate::app::geometry::{Kind as Screen, scrolled};
use crate::app::world::World;
use crate::domain::settings::Settings;
use crate::domain::settings::edit::with_twins;
use crate::domain::settings::report::Report;
use crate::domain::settings::schema::{self, Kind, Row, Value};

pub use backups::Backups;
pub use draft::{Draft, Origin};
pub use page::{GroupLine, Line, Page};

/// Which half has the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// The list of groups.
    #[default]
    Groups,
    /// The rows of a group.
    Rows,
}

/// Whether rows that are only kept are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fold {
    /// Their heading only.
    #[default]
    Closed,
    /// All of them.
    Open,
}

/// A value while it is typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Typing {
    /// Whose value.
    pub row: &'static Row,
    /// The text.
    pub field: Field,
    /// Why it cannot be taken, after an attempt.
    pub wrong: Option<String>,
}

/// The tab's state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    /// The open group.
    pub page: Page,
    /// Which half has the cursor.
    pub side: Side,
    /// First line of the groups that is shown.
    pub group_offset: usize,
    /// The rows of the open group, or those that were looked for.
    pub lines: Vec<Line>,
    /// Cursor among the rows.
    pub place: usize,
    /// First row shown.
    pub offset: usize,
    /// Shown are rows of all groups that hold this.
    pub needle: String,
    /// Whether kept rows are listed.
    pub fold: Fold,
    /// What was changed.
    pub draft: Draft,
    /// The value that is being typed.
    pub typing: Option<Typing>,
    /// Whether a save is under way.
    pub saving: Saving,
    /// The backups.
    pub backups: Backups,
    /// Whether the files were looked at since the page was opened.
    pub stock: Stock,
    /// What the draft was begun on; to notice that the file was changed elsewhere.
    pub base: Option<Arc<Report>>,
}

/// Whether files and folders were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stock {
    /// Not since the page was opened.
    #[default]
    Unknown,
    /// They are being looked at, or were.
    Asked,
}

/// Whether a save is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Saving {
    /// No.
    #[default]
    No,
    /// Yes.
    Yes,
}

impl Sheet {
    /// The tab with the cursor on a setting, or at its beginning.
    pub fn opened_on(key: Option<&str>) -> Self {
        let mut sheet = Self { lines: Page::default().sheet(Fold::Closed), ..Self::default() };
        match key.and_then(schema::row) {
            Some(row) => sheet.find(row),
            None => key.unwrap_or_default().clone_into(&mut sheet.needle),
        }
        if !sheet.needle.is_empty() {
            sheet.search(sheet.needle.clone());
            sheet.side = Side::Rows;
        }
        sheet
    }

    /// The line under the cursor.
    pub fn focused(&self) -> Option<Line> {
        self.lines.get(self.place).copied()
    }

    /// The setting under the cursor.
    pub fn setting(&self) -> Option<&'static Row> {
        self.focused().and_then(Line::row)
    }

    /// Puts the cursor on the `place`-th row, or the last one; headings are passed over.
    pub fn go(&mut self, place: usize) {
        let last = self.lines.len().saturating_sub(1);
        let target = place.min(last);
        let reachable = |at: &usize| self.lines.get(*at).is_some_and(|line| line.is_reachable());
        let ahead = (target..=last).find(reachable);
        let behind = (0..=target).rev().find(reachable);
        let found = if target < self.place { behind.or(ahead) } else { ahead.or(behind) };
        self.place = found.unwrap_or(0);
    }

    /// Opens a group.
    pub fn turn_to(&mut self, page: Page, world: &World) {
        if self.page != page {
            self.page = page;
            self.place = 0;
            self.offset = 0;
        }
        self.list(world);
    }

    /// Makes the list of rows anew; the cursor keeps its place.
    pub fn list(&mut self, world: &World) {
        self.lines = if self.needle.is_empty() {
            self.page.lines(world, self.fold)
        } else {
            page::found(&self.needle)
        };
        self.go(self.place);
    }

    /// Lists the settings of all groups that hold this; nothing lists the open group again.
    pub fn search(&mut self, needle: String) {
        self.needle = needle;
        self.lines =
            if self.needle.is_empty() { self.page.sheet(self.fold) } else { page::found(&self.needle) };
        self.place = 0;
        self.offset = 0;
        self.go(0);
        self.side = Side::Rows;
    }

    /// Opens the group of a setting with the cursor on it.
    pub fn find(&mut self, wanted: &Row) {
        let Some(page) = Page::ALL.into_iter().find(|page| page.holds(wanted)) else { return };
        self.needle.clear();
        self.page = page;
        self.side = Side::Rows;
        if page::is_folded(wanted) {
            self.fold = Fold::Open;
        }
        self.lines = page.sheet(self.fold);
        self.offset = 0;
        self.place = 0;
        self.go(self.lines.iter().position(|line| line.row() == Some(wanted)).unwrap_or(0));
    }

    /// Puts the cursor on the `row`-th row that is shown.
    pub fn click(&mut self, row: usize, kind: Screen) {
        if self.page == Page::Backups && self.needle.is_empty() {
            self.backups.go(self.backups.offset + row);
            return;
        }
        let wanted = self.offset + row;
        if let Some(place) = rows_of(&self.lines, kind).into_iter().position(|row| row == wanted) {
            self.go(place);
        }
    }

    /// Keeps the cursors in sight: `room` rows at the right, `groups` lines at the left.
    pub fn scroll(&mut self, room: usize, groups: usize, kind: Screen) {
        let rows = rows_of(&self.lines, kind);
        let count = rows.last().map_or(0, |last| last + 1);
        let row = rows.get(self.place).copied().unwrap_or(0);
        // A heading above the first row of a group stays with it.
        self.offset = if row <= 1 { 0 } else { scrolled(self.offset, row, room, count) };
        let backups = &mut self.backups;
        backups.offset = scrolled(backups.offset, backups.place, room, backups.rows().len());
        let list = Page::list();
        let place = list.iter().position(|line| *line == GroupLine::Page(self.page)).unwrap_or(0);
        let offset = scrolled(self.group_offset, place, groups, list.len());
        self.group_offset = if place <= 1 { 0 } else { offset };
    }

    /// The settings as they would be, for the preview.
    pub fn previewed(&self, world: &World) -> Settings {
        world.config.preview(&with_twins(&self.draft.edits(), &world.config))
    }

    /// Whether anything is unsaved.
    pub fn is_dirty(&self) -> bool {
        !self.draft.is_empty()
    }

    /// Changes a value; the base of the draft is remembered at its first change.
    pub fn change(&mut self, row: &'static Row, value: Value, world: &World) {
        self.begin(world);
        // No word at all is what a missing member means.
        let other = companion(row, &value);
        if value == Value::Text(String::new()) {
            self.draft.reset(row, &world.config);
        } else {
            self.draft.set(row, value, &world.config);
        }
        if let Some((other, value)) = other {
            self.draft.set(other, value, &world.config);
        }
        self.end();
    }

    /// Takes a value back to its default.
    pub fn reset(&mut self, row: &'static Row, world: &World) {
        self.begin(world);
        self.draft.reset(row, &world.config);
        self.end();
    }

    /// Forgets every change.
    pub fn discard(&mut self) {
        self.draft = Draft::default();
        self.base = None;
        self.typing = None;
    }

    fn begin(&mut self, world: &World) {
        if self.base.is_none() {
            self.base = Some(world.config.clone());
        }
    }

    fn end(&mut self) {
        if self.draft.is_empty() {
            self.base = None;
        }
    }

    /// The settings that were changed here and, since, in the file too.
    pub fn contested(&self, world: &World) -> Vec<&'static Row> {
        let Some(base) = &self.base else { return Vec::new() };
        self.draft
            .keys()
            .filter_map(schema::row)
            .filter(|row| draft::stored(row, base) != draft::stored(row, &world.config))
            .collect()
    }

    /// Takes in that the settings were read anew: what is in the file now needs no saving.
    pub fn settle(&mut self, world: &World) {
        self.draft.settle(&world.config);
        self.end();
        self.list(world);
    }
}

/// The row each line stands in: on a screen of medium width the two words of the account list share one.
pub fn rows_of(lines: &[Line], kind: Screen) -> Vec<usize> {
    let mut row = 0;
    let mut before: Option<&Line> = None;
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        let shared =
            kind == Screen::Medium && is_key(before, "menuSortMode") && is_key(Some(line), "menuLayoutMode");
        if before.is_some() && !shared {
            row += 1;
        }
        rows.push(row);
        before = Some(line);
    }
    rows
}

fn is_key(line: Option<&Line>, key: &str) -> bool {
    matches!(line, Some(Line::Setting(row)) if row.key == key)
}

/// Choosing an order means wanting one.
fn companion(row: &Row, value: &Value) -> Option<(&'static Row, Value)> {
    let wanted = row.key == "menuSortMode" && *value == Value::Text("ready-first".to_owned());
    wanted.then(|| Some((schema::row("menuSortEnabled")?, Value::Flag(true)))).flatten()
}

/// A value one key press further: the other flag, the next word, the next step.
pub fn moved(row: &Row, value: &Value, by: i32) -> Option<Value> {
    match (row.kind, value) {
        (Kind::Flag(_), _) => Some(Value::Flag(by > 0)),
        (Kind::Word(words), Value::Text(text)) => turned(words, text, by),
        (Kind::Text(_), Value::Text(text)) => turned(words::suggestions(row)?, text, by),
        (Kind::Number { least, most, zero, .. }, Value::Number(number)) => {
            draft::stepped(row, (least, most), zero, *number, by).map(Value::Number)
        }
        (Kind::Number { .. } | Kind::Word(_) | Kind::Text(_) | Kind::List(_) | Kind::Map, _) => None,
    }
}

fn turned(words: &[&str], text: &str, by: i32) -> Option<Value> {
    let count = i32::try_from(words.len()).ok().filter(|count| *count > 0)?;
    let place = words.iter().position(|word| *word == text).and_then(|at| i32::try_from(at).ok());
    let next = place.map_or(0, |place| (place + by).rem_euclid(count));
    let word = usize::try_from(next).ok().and_then(|next| words.get(next))?;
    Some(Value::Text((*word).to_owned()))
}

#[cfg(test)]
mod tests;
