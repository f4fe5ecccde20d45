//! What came in, and what must never come in.
//!
//! An entry is visible as soon as its request has been read; its line goes to the file when its end is known,
//! which for a good answer is before the last byte leaves: who has the whole answer finds the line.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

pub use crate::formats::fake::record::{Entry, Outcome, Violation};
use crate::rehearsal::locked;

/// Enough for every test, little enough for a bench that runs for minutes.
const KEPT: usize = 20_000;

/// The record of a back end.
#[derive(Debug, Clone, Default)]
pub struct Record {
    kept: Arc<Mutex<Shelf>>,
}

#[derive(Debug, Default)]
struct Shelf {
    entries: VecDeque<Entry>,
    dropped: u64,
    violations: Vec<(u64, Violation)>,
    file: Option<File>,
}

impl Record {
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        Ok(Self { kept: Arc::new(Mutex::new(Shelf { file, ..Shelf::default() })) })
    }

    /// Takes a request down.
    pub(super) fn begin(&self, mut entry: Entry) -> Ticket {
        let mut kept = locked(&self.kept);
        let number = kept.dropped + kept.entries.len() as u64 + 1;
        entry.number = number;
        let violations: Vec<_> = entry.violations.iter().map(|violation| (number, *violation)).collect();
        kept.violations.extend(violations);
        kept.entries.push_back(entry);
        if kept.entries.len() > KEPT {
            kept.entries.pop_front();
            kept.dropped += 1;
        }
        Ticket { record: self.clone(), number, open: true }
    }

    /// Every entry, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        locked(&self.kept).entries.iter().cloned().collect()
    }

    /// The entries of one endpoint, by its word.
    pub fn at(&self, endpoint: &str) -> Vec<Entry> {
        locked(&self.kept).entries.iter().filter(|entry| entry.endpoint == endpoint).cloned().collect()
    }

    /// The entries of one session.
    pub fn of_session(&self, session: &str) -> Vec<Entry> {
        let is_its = |entry: &&Entry| entry.session.as_deref() == Some(session);
        locked(&self.kept).entries.iter().filter(is_its).cloned().collect()
    }

    /// The turns, over HTTP and on sockets, without prewarms.
    pub fn turns(&self) -> Vec<Entry> {
        let is_turn = |entry: &&Entry| entry.endpoint == "http" || entry.endpoint == "frame";
        locked(&self.kept).entries.iter().filter(is_turn).cloned().collect()
    }

    /// The account and status of each turn, in order.
    pub fn order(&self) -> Vec<(String, u16)> {
        let name = |entry: &Entry| entry.account.clone().unwrap_or_else(|| "nobody".to_owned());
        self.turns().iter().map(|entry| (name(entry), entry.status)).collect()
    }

    /// Requests that must not have come, with the number of their entry.
    pub fn violations(&self) -> Vec<(u64, Violation)> {
        locked(&self.kept).violations.clone()
    }

    /// Forgets everything so far.
    pub fn clear(&self) {
        let mut kept = locked(&self.kept);
        kept.dropped += kept.entries.len() as u64;
        kept.entries.clear();
        kept.violations.clear();
    }
}

impl Shelf {
    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let index = number.checked_sub(self.dropped + 1)?;
        self.entries.get_mut(usize::try_from(index).ok()?)
    }
}

/// The hold of a running request on its entry. Dropped unfinished, the peer has gone away.
#[derive(Debug)]
pub(super) struct Ticket {
    record: Record,
    number: u64,
    open: bool,
}

impl Ticket {
    pub(super) fn change(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = locked(&self.record.kept).entry(self.number) {
            change(entry);
        }
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let mut kept = locked(&self.record.kept);
        let Some(entry) = kept.entry(self.number) else { return };
        entry.outcome = outcome;
        let line = entry.line();
        if let Some(file) = &mut kept.file {
            // A record that cannot be written shows as a missing line; the rehearsal goes on.
            let _ = writeln!(file, "{line}");
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.finish(Outcome::Abandoned);
    }
}
