//! What the reference wrote into `config.toml`: a provider of its own, and trust in hooks of its temporary homes
//! (forwarder.md §13).
//!
//! Tables go as the lines they stand on. What is left is compared with the old file, and a change that would alter
//! anything else is refused.

use std::ops::Range;

use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::edit::{self, EditError, Place, Wanted};
use crate::domain::launch::route::LEGACY_PROVIDER;
use crate::domain::leftover::is_in_temporary_home;

const PROVIDER: &str = "model_provider";
const STORAGE: &str = "disable_response_storage";
const PROVIDERS: &str = "model_providers";

/// What stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Its provider is the active one.
    pub active: bool,
    /// Its provider is described.
    pub table: bool,
    /// The address in that description.
    pub base_url: Option<String>,
    /// Hooks of temporary homes that are trusted.
    pub hooks: usize,
}

impl Found {
    /// Whether the reference bound this file.
    pub const fn is_bound(&self) -> bool {
        self.active || self.table
    }
}

/// Whether a text may hold anything of the kind, without parsing it.
pub fn may_hold(text: &str) -> bool {
    text.contains(LEGACY_PROVIDER) || is_in_temporary_home(text)
}

/// Looks.
///
/// # Errors
/// When the text is no TOML.
pub fn find(text: &str) -> Result<Found, EditError> {
    if !may_hold(text) {
        return Ok(Found::default());
    }
    let document = edit::parse(edit::without_mark(text))?;
    let table = described(document.as_table());
    Ok(Found {
        active: document.get(PROVIDER).and_then(Item::as_str) == Some(LEGACY_PROVIDER),
        table: table.is_some(),
        base_url: table
            .and_then(Item::as_table_like)
            .and_then(|table| table.get("base_url"))
            .and_then(Item::as_str)
            .map(str::to_owned),
        hooks: trusted(document.as_table()).len(),
    })
}

/// The text without the reference's bind: what its copy of the file says of the keys it changed, and no table of its.
///
/// # Errors
/// When the text cannot be changed safely.
pub fn without_bind(text: &str, copy: Option<&str>) -> Result<String, EditError> {
    let found = find(text)?;
    // A copy that was taken while already bound knows nothing of before.
    let copy = copy.filter(|copy| find(copy).is_ok_and(|found| !found.is_bound()));
    let mut fresh = text.to_owned();
    if found.active {
        for key in [PROVIDER, STORAGE] {
            if key == STORAGE && edit::source(&fresh, key)?.as_deref() != Some("false") {
                continue;
            }
            let before = copy.map(|copy| edit::source(copy, key)).transpose()?.flatten();
            let wanted = before.as_deref().map_or(Wanted::Absent, Wanted::Source);
            fresh = edit::apply(&fresh, key, wanted)?.text;
        }
    }
    if found.table {
        fresh = without(&fresh, &[PROVIDERS, LEGACY_PROVIDER])?;
    }
    // Where only empty lines differ, the copy knows better how many there were.
    Ok(match copy {
        Some(copy) if said(copy).eq(said(&fresh)) => copy.to_owned(),
        Some(_) | None => fresh,
    })
}

fn said(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty())
}

/// The text without trust in hooks of temporary homes.
///
/// # Errors
/// When the text cannot be changed safely.
pub fn without_hooks(text: &str) -> Result<String, EditError> {
    let mut fresh = text.to_owned();
    loop {
        let names = if may_hold(&fresh) {
            trusted(edit::parse(edit::without_mark(&fresh))?.as_table())
        } else {
            Vec::new()
        };
        let Some(name) = names.first() else { return Ok(fresh) };
        fresh = without(&fresh, &["hooks", "state", name])?;
    }
}

fn described(root: &Table) -> Option<&Item> {
    root.get(PROVIDERS)?.as_table_like()?.get(LEGACY_PROVIDER)
}

/// Names of trusted hooks that lie in a temporary home.
fn trusted(root: &Table) -> Vec<String> {
    let state = root.get("hooks").and_then(Item::as_table_like).and_then(|hooks| hooks.get("state"));
    let names = state.and_then(Item::as_table_like).into_iter().flat_map(TableLike::iter);
    names.map(|(name, _)| name).filter(|name| is_in_temporary_home(name)).map(str::to_owned).collect()
}

/// The text without the table or value of this name.
fn without(text: &str, path: &[&str]) -> Result<String, EditError> {
    let entangled = || EditError::Entangled(path.join("."));
    let body = edit::without_mark(text);
    let mark = text.strip_suffix(body).unwrap_or_default();
    let document = edit::parse(body)?;
    let (name, above) = path.split_last().ok_or_else(entangled)?;
    let mut folder: &dyn TableLike = document.as_table();
    for step in above {
        folder = folder.get(step).and_then(Item::as_table_like).ok_or_else(entangled)?;
    }
    let (key, item) = folder.get_key_value(name).ok_or_else(entangled)?;
    let mut pieces = Vec::new();
    if let Some(table) = item.as_table().filter(|table| !table.is_dotted()) {
        blocks(body, table, &mut pieces);
    } else {
        let value = item.as_value().ok_or_else(entangled)?;
        let (key, value) = key.span().zip(value.span()).ok_or_else(entangled)?;
        pieces.push(edit::removal(body, &Place { key, value }).range);
    }
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.start));
    let mut fresh = body.to_owned();
    for piece in pieces {
        let (before, after) = fresh.get(..piece.start).zip(fresh.get(piece.end..)).ok_or_else(entangled)?;
        fresh = joined(before, after);
    }
    if is_same_but_for(body, &fresh, path) { Ok(format!("{mark}{fresh}")) } else { Err(entangled()) }
}

/// Two empty lines that meet become one; at the end of the file the one that set the table off goes with it.
fn joined(before: &str, after: &str) -> String {
    let ending = if before.ends_with("\r\n") { "\r\n" } else { "\n" };
    let is_set_off =
        before.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with(ending));
    let before = match before.strip_suffix(ending) {
        Some(rest) if is_set_off && (after.is_empty() || after.starts_with(ending)) => rest,
        Some(_) | None => before,
    };
    [before, after].concat()
}

/// The lines of a table and of every table below it.
fn blocks(body: &str, table: &Table, pieces: &mut Vec<Range<usize>>) {
    if let Some(span) = table.span() {
        let start = body.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let header = body.get(span.start..).and_then(|rest| rest.find('\n')).unwrap_or(0) + span.start;
        let end = ends(table).unwrap_or(header).max(header);
        pieces.push(start..edit::next_line(body, end));
    }
    for (_, item) in table {
        if let Some(inner) = item.as_table().filter(|inner| !inner.is_dotted()) {
            blocks(body, inner, pieces);
        }
    }
}

/// Where the last value of a table itself ends.
fn ends(table: &Table) -> Option<usize> {
    let ends = table.iter().filter_map(|(_, item)| match (item.as_value(), item.as_table()) {
        (Some(value), _) => value.span().map(|span| span.end),
        (None, Some(inner)) if inner.is_dotted() => ends(inner),
        (None, _) => None,
    });
    ends.max()
}

/// Whether two texts say the same but for this name, and the second says nothing of it.
fn is_same_but_for(before: &str, after: &str, path: &[&str]) -> bool {
    let (Ok(mut before), Ok(after)) = (before.parse::<DocumentMut>(), after.parse::<DocumentMut>()) else {
        return false;
    };
    forget(before.as_table_mut(), path);
    let mut said = after.clone();
    forget(said.as_table_mut(), path);
    let same = |a: &DocumentMut, b: &DocumentMut| {
        edit::alike(&Item::Table(a.as_table().clone()), &Item::Table(b.as_table().clone()))
    };
    same(&before, &said) && same(&said, &after)
}

/// Takes a name out, and tables that only led to it.
fn forget(table: &mut dyn TableLike, path: &[&str]) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.remove(name);
        return;
    }
    let Some(inner) = table.get_mut(name) else { return };
    let led = inner.as_table().is_some_and(Table::is_implicit);
    if let Some(inner) = inner.as_table_like_mut() {
        forget(inner, rest);
        if led && inner.is_empty() {
            table.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
