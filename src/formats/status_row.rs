//! One account in the document of `status` and `list`.
//!
//! A pool may hold thousands of accounts, so rows are written one after the other from what is borrowed, and the
//! document never stands in memory as a tree.

use std::io::{self, Write};

use itoa::{Buffer, Integer};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use crate::formats::lossless::quoted;

/// The members of a row, in their order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusRow<'a> {
    /// 0-based stored position.
    pub index: usize,
    /// 1-based stored position.
    pub number: usize,
    /// Record id.
    pub account_ref: &'a str,
    /// `Account N (…)`.
    pub label: &'a str,
    /// Whether the user lets it take part.
    pub enabled: bool,
    /// Whether it is the current one.
    pub current: bool,
    /// Contract markers.
    pub markers: &'a [String],
    /// Epoch milliseconds.
    pub last_used: Option<i64>,
    /// Why the engine passes it over.
    pub reason: Option<&'a str>,
    /// Word of its state.
    pub state: &'a str,
    /// `quota{…}`.
    pub quota: Option<Value>,
    /// Whether the pin names it.
    pub pinned: bool,
    /// Its policy.
    pub policy: Option<Value>,
    /// Epoch milliseconds.
    pub next_usable_at: Option<i64>,
}

impl StatusRow<'_> {
    /// The row as a tree.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Appends the row as an element of a list that is a member of the document, two spaces per level; the line
    /// is begun and stays open. The members are those of [`StatusRow::to_value`], in the same order: written one by
    /// one, because looking for characters to escape in their names would take longer than all the rest.
    pub fn print(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"    {\n      \"index\": ");
        number(out, self.index);
        out.extend_from_slice(b",\n      \"number\": ");
        number(out, self.number);
        out.extend_from_slice(b",\n      \"accountRef\": ");
        string(out, self.account_ref);
        out.extend_from_slice(b",\n      \"label\": ");
        string(out, self.label);
        out.extend_from_slice(b",\n      \"enabled\": ");
        out.extend_from_slice(flag(self.enabled));
        out.extend_from_slice(b",\n      \"current\": ");
        out.extend_from_slice(flag(self.current));
        out.extend_from_slice(b",\n      \"markers\": ");
        laid(out, self.markers);
        out.extend_from_slice(b",\n      \"lastUsed\": ");
        optional(out, self.last_used, number);
        out.extend_from_slice(b",\n      \"reason\": ");
        optional(out, self.reason, string);
        out.extend_from_slice(b",\n      \"state\": ");
        string(out, self.state);
        out.extend_from_slice(b",\n      \"quota\": ");
        optional(out, self.quota.as_ref(), laid);
        out.extend_from_slice(b",\n      \"pinned\": ");
        out.extend_from_slice(flag(self.pinned));
        out.extend_from_slice(b",\n      \"policy\": ");
        optional(out, self.policy.as_ref(), laid);
        out.extend_from_slice(b",\n      \"nextUsableAt\": ");
        optional(out, self.next_usable_at, number);
        out.extend_from_slice(b"\n    }");
    }
}

fn number(out: &mut Vec<u8>, number: impl Integer) {
    out.extend_from_slice(Buffer::new().format(number).as_bytes());
}

fn string(out: &mut Vec<u8>, text: &str) {
    // Looked at to the end, whatever comes: so many bytes are compared at once.
    let is_special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if text.bytes().fold(false, |found, byte| found | is_special(byte)) {
        out.extend_from_slice(quoted(text).as_bytes());
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

const fn flag(flag: bool) -> &'static [u8] {
    if flag { b"true" } else { b"false" }
}

fn optional<T>(out: &mut Vec<u8>, value: Option<T>, print: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        Some(value) => print(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

/// A list or an object as the value of a member.
fn laid(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let mut printer = Serializer::with_formatter(out, Laid { depth: 3, is_empty: true });
    let _ = value.serialize(&mut printer);
}

/// Two spaces per level, begun at a level that is not the outermost.
struct Laid {
    depth: usize,
    /// Whether nothing stands in the innermost list or object yet.
    is_empty: bool,
}

impl Laid {
    fn open<W: Write + ?Sized>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.is_empty = true;
        out.write_all(sign)
    }

    fn close<W: Write + ?Sized>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if !std::mem::replace(&mut self.is_empty, false) {
            self.line(out)?;
        }
        out.write_all(sign)
    }

    fn next<W: Write + ?Sized>(&mut self, out: &mut W, is_first: bool) -> io::Result<()> {
        if !is_first {
            out.write_all(b",")?;
        }
        self.line(out)
    }

    fn line<W: Write + ?Sized>(&self, out: &mut W) -> io::Result<()> {
        const BLANK: &[u8] = b"\n                ";
        match BLANK.get(..=self.depth * 2) {
            Some(blank) => out.write_all(blank),
            None => write!(out, "\n{:1$}", "", self.depth * 2),
        }
    }
}

impl Formatter for Laid {
    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_empty = false;
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_empty = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_row_is_the_tree_laid_out() {
        let markers = ["current".to_owned(), "cooldown: \"x\"".to_owned()];
        let bare = StatusRow {
            index: 0,
            number: 1,
            account_ref: "record:1",
            label: "Account 1",
            enabled: true,
            current: false,
            markers: &[],
            last_used: None,
            reason: None,
            state: "ready",
            quota: None,
            pinned: false,
            policy: None,
            next_usable_at: None,
        };
        let full = StatusRow {
            label: "Account 1 (\u{e9} \"q\" \\ \n)",
            markers: &markers,
            last_used: Some(-5),
            reason: Some("rate-limited"),
            quota: Some(serde_json::json!({"primary": {"leftPercent": 3}, "tags": [], "secondary": null})),
            policy: Some(serde_json::json!({"tags": ["a", "b"], "note": "x\ty"})),
            next_usable_at: Some(7),
            ..bare.clone()
        };

        for row in [bare, full] {
            let mut printed = Vec::new();
            row.print(&mut printed);

            let tree = serde_json::to_string_pretty(&serde_json::json!([[row.to_value()]])).unwrap();
            let wanted = tree.trim_start_matches("[\n  [\n").trim_end_matches("\n  ]\n]");
            assert_eq!(String::from_utf8(printed).unwrap(), wanted);
        }
    }
}
