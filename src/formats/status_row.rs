//! One account in the document of `status` and `list`.
//!
//! A pool may hold thousands of accounts, so rows are written one after the other from what is borrowed, and the
//! document never stands in memory as a tree.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

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
    /// is begun and stays open.
    pub fn print(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"    ");
        let mut row = Serializer::with_formatter(out, Laid { depth: 2, is_empty: true });
        // Writing to memory does not fail, and everything in the row is JSON.
        let _ = self.serialize(&mut row);
    }
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
