//! One top-level key of a TOML file set or removed, every other byte left as it is (storage.md §11.4).
//!
//! The parser says where a value stands; the change is a splice of the file's own bytes at that place. Its
//! serialiser is not used: it turns CRLF into LF, drops a byte order mark, adds a final newline and loses the
//! comment behind a value. The result is parsed again, and a change that would alter any other key is refused.

use std::fmt::Write as _;
use std::ops::Range;

use toml_edit::{Document, Item, Key, Table};

use super::where_and_why;

const MARK: char = '\u{feff}';

/// What the key is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// A string; a file that says it already, in any spelling, stays untouched.
    Text(&'a str),
    /// A value as it stood in the file before, source text and all.
    Source(&'a str),
    /// Nothing.
    Absent,
}

/// A file after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole text; equal to the old one when nothing was to be done.
    pub text: String,
    /// The source text of the value that stood there before.
    pub previous: Option<String>,
}

/// Why a file was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file is no TOML: where and why.
    #[error("{0}")]
    NotToml(String),
    /// The key holds a table.
    #[error("`{0}` is a table in this file")]
    NotAValue(String),
    /// The file after the change would not say what is meant, or something else besides.
    #[error("`{0}` cannot be changed without altering the rest of the file")]
    Entangled(String),
}

/// The source text of a top-level value.
///
/// # Errors
/// When the text is no TOML or the key holds a table.
pub fn source(text: &str, key: &str) -> Result<Option<String>, EditError> {
    let body = without_mark(text);
    let document = parse(body)?;
    let place = place(&document, key)?;
    Ok(place.and_then(|place| body.get(place.value)).map(str::to_owned))
}

/// The text with one top-level key as wanted.
///
/// # Errors
/// When the text is no TOML, the key holds a table, or the change would touch anything else.
pub fn apply(text: &str, key: &str, wanted: Wanted<'_>) -> Result<Edited, EditError> {
    let body = without_mark(text);
    let document = parse(body)?;
    let place = place(&document, key)?;
    let previous = place.as_ref().and_then(|place| body.get(place.value.clone())).map(str::to_owned);
    let same = match wanted {
        Wanted::Text(value) => document.get(key).and_then(Item::as_str) == Some(value),
        Wanted::Source(source) => previous.as_deref() == Some(source),
        Wanted::Absent => previous.is_none(),
    };
    if same {
        return Ok(Edited { text: text.to_owned(), previous });
    }
    let splice = match (wanted, place) {
        (Wanted::Text(value), Some(place)) => Splice::at(place.value, basic_string(value)),
        (Wanted::Source(source), Some(place)) => Splice::at(place.value, source.to_owned()),
        (Wanted::Text(value), None) => line(body, &document, key, &basic_string(value)),
        (Wanted::Source(source), None) => line(body, &document, key, source),
        (Wanted::Absent, Some(place)) => removal(body, &place),
        (Wanted::Absent, None) => Splice::at(0..0, String::new()),
    };
    let entangled = || EditError::Entangled(key.to_owned());
    let changed = splice.over(body).ok_or_else(entangled)?;
    if !says(&changed, key, wanted) || !alike_but_for(key, document.as_table(), &changed) {
        return Err(entangled());
    }
    let mark = text.strip_suffix(body).unwrap_or_default();
    Ok(Edited { text: format!("{mark}{changed}"), previous })
}

/// Where a value stands, and its key.
pub(super) struct Place {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Bytes that replace others.
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    bytes: String,
}

impl Splice {
    fn at(range: Range<usize>, bytes: String) -> Self {
        Self { range, bytes }
    }

    fn over(&self, body: &str) -> Option<String> {
        let (before, after) = (body.get(..self.range.start)?, body.get(self.range.end..)?);
        Some([before, &self.bytes, after].concat())
    }
}

pub(super) fn parse(body: &str) -> Result<Document<&str>, EditError> {
    Document::parse(body).map_err(|error| EditError::NotToml(where_and_why(body, &error)))
}

fn place(document: &Document<&str>, key: &str) -> Result<Option<Place>, EditError> {
    let Some((name, item)) = document.as_table().get_key_value(key) else { return Ok(None) };
    let value = item.as_value().ok_or_else(|| EditError::NotAValue(key.to_owned()))?;
    let spans = name.span().zip(value.span());
    let (key, value) = spans.ok_or_else(|| EditError::Entangled(key.to_owned()))?;
    Ok(Some(Place { key, value }))
}

/// A new line behind the last top-level entry, in the file's own line ending; the end of the file keeps or
/// lacks its newline as before.
fn line(body: &str, document: &Document<&str>, key: &str, value: &str) -> Splice {
    let entry = format!("{} = {value}", Key::new(key).display_repr());
    let ending = if body.contains("\r\n") && !has_bare_newline(body) { "\r\n" } else { "\n" };
    if body.is_empty() {
        return Splice::at(0..0, entry + ending);
    }
    let at = match last_entry(document.as_table()) {
        Some(end) => next_line(body, end),
        None => before_tables(body),
    };
    let ends_line = at == 0 || body.get(..at).is_some_and(|before| before.ends_with('\n'));
    let bytes = if ends_line { entry + ending } else { format!("{ending}{entry}") };
    Splice::at(at..at, bytes)
}

fn has_bare_newline(body: &str) -> bool {
    body.split_inclusive('\n').any(|line| line.ends_with('\n') && !line.ends_with("\r\n"))
}

/// The end of the last value before the first table; dotted keys are entries, too.
fn last_entry(table: &Table) -> Option<usize> {
    let ends = table.iter().filter_map(|(_, item)| match (item.as_value(), item.as_table()) {
        (Some(value), _) => value.span().map(|span| span.end),
        (None, Some(inner)) if inner.is_dotted() => last_entry(inner),
        (None, _) => None,
    });
    ends.max()
}

/// The start of the line after `at`, or the end.
pub(super) fn next_line(body: &str, at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    rest.find('\n').map_or(body.len(), |newline| at + newline + 1)
}

/// Where a file without entries takes its first one: above the first table and the comment that hangs on it,
/// below everything else. A comment that opens the file belongs to the file.
fn before_tables(body: &str) -> usize {
    let mut at = 0;
    let mut comment = None;
    for line in body.split_inclusive('\n') {
        let content = line.trim_start();
        if content.starts_with('[') {
            return comment.filter(|start| *start > 0).unwrap_or(at);
        }
        comment = if content.starts_with('#') { comment.or(Some(at)) } else { None };
        at += line.len();
    }
    at
}

/// The whole line; a comment behind the value stays as a line of its own.
pub(super) fn removal(body: &str, place: &Place) -> Splice {
    let nothing = |range| Splice::at(range, String::new());
    let start = body.get(..place.key.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = next_line(body, place.value.end);
    let behind = body.get(place.value.end..end).unwrap_or_default();
    if let Some(comment) = behind.find('#') {
        return nothing(place.key.start..place.value.end + comment);
    }
    if behind.ends_with('\n') {
        return nothing(start..end);
    }
    // The last line had no newline, so the one before it has none from now on.
    let before = body.get(..start).unwrap_or_default();
    let kept = before.strip_suffix('\n').map_or(before, |rest| rest.strip_suffix('\r').unwrap_or(rest));
    nothing(kept.len()..end)
}

fn basic_string(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether the changed text says what was wanted.
fn says(body: &str, key: &str, wanted: Wanted<'_>) -> bool {
    let Ok(document) = parse(body) else { return false };
    let Ok(place) = place(&document, key) else { return false };
    match wanted {
        Wanted::Text(value) => document.get(key).and_then(Item::as_str) == Some(value),
        Wanted::Source(source) => place.and_then(|place| body.get(place.value)) == Some(source),
        Wanted::Absent => place.is_none(),
    }
}

/// Whether the changed text differs from `before` in this one top-level key at most.
fn alike_but_for(key: &str, before: &Table, changed: &str) -> bool {
    let Ok(after) = parse(changed) else { return false };
    let others = |table: &Table| table.iter().filter(|(name, _)| *name != key).count();
    let same = before
        .iter()
        .filter(|(name, _)| *name != key)
        .all(|(name, item)| after.get(name).is_some_and(|other| alike(item, other)));
    same && others(before) == others(after.as_table())
}

pub(super) fn alike(a: &Item, b: &Item) -> bool {
    if let (Some(a), Some(b)) = (a.as_table_like(), b.as_table_like()) {
        return a.len() == b.len()
            && a.iter().all(|(name, item)| b.get(name).is_some_and(|other| alike(item, other)));
    }
    if let (Some(a), Some(b)) = (a.as_array_of_tables(), b.as_array_of_tables()) {
        let tables = |(a, b): (&Table, &Table)| {
            a.len() == b.len()
                && a.iter().all(|(name, item)| b.get(name).is_some_and(|other| alike(item, other)))
        };
        return a.len() == b.len() && a.iter().zip(b.iter()).all(tables);
    }
    if let (Some(a), Some(b)) = (a.as_array(), b.as_array()) {
        let items = |value: &toml_edit::Value| Item::Value(value.clone());
        return a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| alike(&items(a), &items(b)));
    }
    a.type_name() == b.type_name()
        && a.as_str() == b.as_str()
        && a.as_integer() == b.as_integer()
        && a.as_float().map(f64::to_bits) == b.as_float().map(f64::to_bits)
        && a.as_bool() == b.as_bool()
        && a.as_datetime() == b.as_datetime()
}

pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

#[cfg(test)]
pub(super) mod tests;
