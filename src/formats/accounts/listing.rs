//! A pool read to be listed: rows become accounts as the bytes arrive, and their tokens stay behind.
//!
//! A pool of thousands is mostly tokens, and a listing shows none of them. So of a row only what is shown is kept,
//! the text never stands in memory as a whole, and it is gone through once. Only the ordinary pool is read so: the
//! current format, all rows usable, no two of which share a part of an identity. Whatever else there is to see,
//! the whole reading ([`Document`](super::Document)) sees it, so there is one place that judges damage.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use serde::Deserialize;
use serde::de::{DeserializeSeed as _, IgnoredAny};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::row::Row;
use super::row::glance::Glance;
use super::{CURRENT, Positions, version};
use crate::base::Moment;
use crate::domain::account::Account;
use crate::domain::roster::Roster;
use crate::formats::extension::Extension;
use crate::formats::lossless::{self, Name, Object};

/// A row or member longer than this is not ordinary; also keeps one that never ends from being read again and again.
const LONGEST: usize = 1 << 20;

/// Bytes of a short row: one with tokens is longer.
const SHORT: u64 = 512;

/// Rows for which room is set aside, whatever the file says about its length.
const MOST: usize = 1 << 16;

const MARK: &[u8] = "\u{feff}".as_bytes();

/// There is more to see than a listing reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotOrdinary;

/// Reads a pool from its bytes, in pieces of any size.
#[derive(Debug)]
pub struct Lister<'e> {
    extension: &'e Extension<'e>,
    at: Moment,
    /// Bytes that arrived and make no whole step yet, and room for those that come next.
    waiting: Vec<u8>,
    /// How many of them have arrived.
    arrived: usize,
    stage: Stage,
    /// The members beside the accounts, as the text of an object that is not closed.
    top: String,
    listed: Listed,
}

/// What comes next in the text.
#[derive(Debug)]
enum Stage {
    Begin,
    Open,
    /// A member's name, or the end of the object.
    Name,
    Colon(String),
    Value(String),
    AfterValue,
    Row,
    AfterRow,
    End,
}

#[derive(Debug, Default)]
struct Listed {
    begun: bool,
    accounts: Vec<Account>,
    traces: HashSet<u64, BuildHasherDefault<Ready>>,
    /// Whether a row looks like somebody's, not like a fixture of the reference.
    real: bool,
}

/// Whether a step was taken.
enum Step {
    /// It was; this many bytes are done with.
    Taken(usize),
    /// More bytes are needed.
    Hungry,
}

impl<'e> Lister<'e> {
    /// A reading of about so many bytes that begins. Room for their accounts is set aside at once: growing into it
    /// would hold them twice.
    pub fn new(extension: &'e Extension<'e>, at: Moment, bytes: u64) -> Self {
        let rows = usize::try_from(bytes / SHORT).unwrap_or(0).min(MOST);
        let listed = Listed {
            accounts: Vec::with_capacity(rows),
            traces: HashSet::with_capacity_and_hasher(rows * 2, BuildHasherDefault::default()),
            ..Listed::default()
        };
        Self {
            extension,
            at,
            waiting: Vec::new(),
            arrived: 0,
            stage: Stage::Begin,
            top: "{".to_owned(),
            listed,
        }
    }

    /// Room for this many of the next bytes; [`Lister::feed`] says how many were put there.
    pub fn room(&mut self, bytes: usize) -> &mut [u8] {
        let end = self.arrived + bytes;
        if self.waiting.len() < end {
            self.waiting.resize(end, 0);
        }
        self.waiting.get_mut(self.arrived..end).unwrap_or_default()
    }

    /// Takes the bytes that were put into the room.
    ///
    /// # Errors
    /// When it is no ordinary pool; the reading has ended then.
    pub fn feed(&mut self, bytes: usize) -> Result<(), NotOrdinary> {
        self.arrived += bytes;
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut done = 0;
        loop {
            let rest = waiting.get(done..self.arrived).unwrap_or_default();
            match self.step(rest)? {
                Step::Taken(bytes) => done += bytes,
                Step::Hungry if rest.len() > LONGEST => return Err(NotOrdinary),
                Step::Hungry => break,
            }
        }
        waiting.copy_within(done..self.arrived, 0);
        self.arrived -= done;
        self.waiting = waiting;
        Ok(())
    }

    /// The pool, when everything has been read and is ordinary.
    pub fn finish(self) -> Option<Roster> {
        let is_over = matches!(self.stage, Stage::End) && self.arrived == 0;
        if !is_over || !self.listed.real {
            return None;
        }
        let text = self.top + "}";
        let top = Object::parse(&text).ok()?;
        if version(&top) != Ok(CURRENT) {
            return None;
        }
        let mut roster = Roster { accounts: self.listed.accounts, ..Roster::default() };
        let places: Vec<Option<usize>> = (0..roster.accounts.len()).map(Some).collect();
        Positions { texts: &[], places: &places }.read_into(&mut roster, &top, self.extension);
        Some(roster)
    }

    fn step(&mut self, rest: &[u8]) -> Result<Step, NotOrdinary> {
        if matches!(self.stage, Stage::Begin) {
            let is_marked = rest.starts_with(MARK);
            if !is_marked && !rest.is_empty() && MARK.starts_with(rest) {
                return Ok(Step::Hungry);
            }
            self.stage = Stage::Open;
            return Ok(Step::Taken(if is_marked { MARK.len() } else { 0 }));
        }
        let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        let rest = rest.get(blank..).unwrap_or_default();
        let Some(first) = rest.first() else {
            return Ok(if blank > 0 { Step::Taken(blank) } else { Step::Hungry });
        };
        let (stage, taken) = match (std::mem::replace(&mut self.stage, Stage::End), first) {
            (Stage::Open, b'{') | (Stage::AfterValue, b',') => (Stage::Name, 1),
            (Stage::Colon(name), b':') => (Stage::Value(name), 1),
            (Stage::AfterRow, b',') => (Stage::Row, 1),
            (Stage::AfterRow, b']') => (Stage::AfterValue, 1),
            (Stage::AfterValue, b'}') => (Stage::End, 1),
            (Stage::Value(name), b'[') if name == "accounts" => {
                if std::mem::replace(&mut self.listed.begun, true) {
                    return Err(NotOrdinary);
                }
                (Stage::Row, 1)
            }
            (Stage::Name, b'"') => match next::<Name<'_>>(rest)? {
                Some((Name(name), taken)) => (Stage::Colon(name.into_owned()), taken),
                None => return Ok(self.wait(Stage::Name)),
            },
            (Stage::Value(name), _) if name != "accounts" => match next::<&RawValue>(rest)? {
                // A number may go on in the bytes that have not come yet.
                Some((raw, taken)) if taken < rest.len() => {
                    self.keep(&name, raw);
                    (Stage::AfterValue, taken)
                }
                Some(_) | None => return Ok(self.wait(Stage::Value(name))),
            },
            (Stage::Row, b'{') => {
                let mut row = Row::default();
                let mut reading = Deserializer::from_slice(rest);
                match Glance(&mut row).deserialize(&mut reading) {
                    Ok(()) => self.listed.take(row, self.extension, self.at)?,
                    Err(error) if is_cut(&error, rest) => return Ok(self.wait(Stage::Row)),
                    Err(_) => return Err(NotOrdinary),
                }
                (Stage::AfterRow, reading.into_iter::<IgnoredAny>().byte_offset())
            }
            (
                Stage::Begin
                | Stage::Open
                | Stage::Name
                | Stage::Colon(_)
                | Stage::Value(_)
                | Stage::AfterValue
                | Stage::Row
                | Stage::AfterRow
                | Stage::End,
                _,
            ) => return Err(NotOrdinary),
        };
        self.stage = stage;
        Ok(Step::Taken(blank + taken))
    }

    fn wait(&mut self, stage: Stage) -> Step {
        self.stage = stage;
        Step::Hungry
    }

    fn keep(&mut self, name: &str, raw: &RawValue) {
        if self.top.len() > 1 {
            self.top.push(',');
        }
        self.top.push_str(&lossless::quoted(name));
        self.top.push(':');
        self.top.push_str(raw.get());
    }
}

impl Listed {
    fn take(&mut self, row: Row<'_>, extension: &Extension<'_>, at: Moment) -> Result<(), NotOrdinary> {
        let (key, _) = row.key(&HashSet::new());
        let is_new = |trace| self.traces.insert(trace);
        if !row.is_usable() || !row.traces().chain([super::row::trace(3, key.as_str())]).all(is_new) {
            return Err(NotOrdinary);
        }
        self.real |= !row.is_synthetic();
        self.accounts.push(row.into_listed(key, extension, at));
        Ok(())
    }
}

/// The value that `bytes` begin with and its length; `None` when it does not end in them.
fn next<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<Option<(T, usize)>, NotOrdinary> {
    let mut values = Deserializer::from_slice(bytes).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok(Some((value, values.byte_offset()))),
        Some(Err(error)) if is_cut(&error, bytes) => Ok(None),
        Some(Err(_)) | None => Err(NotOrdinary),
    }
}

/// Whether it is only the end of the bytes that was wrong with them. They may end in the middle of a number, which the
/// parser takes for a wrong one.
fn is_cut(error: &serde_json::Error, bytes: &[u8]) -> bool {
    error.is_eof() || bytes.last().is_some_and(|last| matches!(last, b'-' | b'+' | b'.' | b'e' | b'E'))
}

/// What is put in is a hash already.
#[derive(Debug, Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests;
