//! The usage ledger on disk: appended in whole batches, read from the newest file backwards, laid by when it is long.
//!
//! Everything here blocks; callers run it on the blocking pool.

mod grown;
mod sum;

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use crate::adapters::disk::lock::FileLock;
use crate::adapters::disk::{atomic, jsonl, perms};
use crate::base::{Moment, Span, calendar};
use crate::domain::places::Places;
use crate::domain::usage::entry::Entry;
use crate::domain::usage::pricing::Prices;
use crate::formats::ledger;

pub use grown::grown;
pub use sum::sum;

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// Appends rows in one write.
///
/// # Errors
/// Whatever the system says; the ledger is as it was.
pub fn append(places: &Places, rows: &[Entry]) -> io::Result<()> {
    let lines: String = rows.iter().map(ledger::line).collect();
    jsonl::append(&places.ledger(), &lines)
}

/// Rows not older than `since`, oldest first; archives are read as far as they are young enough.
///
/// # Errors
/// Whatever the system says, but for missing files.
pub fn read(places: &Places, since: Moment) -> io::Result<Vec<Entry>> {
    let current = places.ledger();
    let mut rows = Vec::new();
    for file in files(&current, since)? {
        lines(file, |line| {
            // Most of a long ledger is older than what is asked for: a glance tells.
            if ledger::glance(line).is_some_and(|row| row.at >= since)
                && let Some(row) = std::str::from_utf8(line).ok().and_then(ledger::entry)
            {
                rows.push(row);
            }
        })?;
    }
    rows.sort_by_key(|row| row.at);
    Ok(rows)
}

/// The prices that hold, and what is wrong with the user's file, if it is.
pub fn prices(places: &Places) -> (Prices, Option<String>) {
    let path = places.prices();
    let read = match atomic::read_text(&path) {
        Ok(None) => return (Prices::default(), None),
        Ok(Some(text)) => ledger::prices(&text),
        Err(error) => Err(error.to_string()),
    };
    match read {
        Ok(prices) => (prices, None),
        Err(detail) => {
            let trouble = format!("prices.json does not count: {detail}");
            (Prices::default(), Some(trouble))
        }
    }
}

/// When a ledger is laid by, and how many of those are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// A ledger up to this size stays.
    pub if_larger_than: u64,
    /// Archives kept, the newest ones; 0 = all.
    pub keep: usize,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { if_larger_than: 32 << 20, keep: 24 }
    }
}

/// What became of a ledger that was to be laid by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// It is the archive at this path now.
    Done(PathBuf),
    /// There is none, or it is short enough.
    NotDue,
    /// Another process works on it.
    Busy,
}

/// A lock of the reference that is older than this was left behind.
const STALE: Span = Span::seconds(30);

/// Lays the ledger by under a name that says when, and drops the oldest archives beyond what is kept.
///
/// The reference's appends take its lock file, so that one is taken, too; ours are single writes, which land in
/// the archive or in the new ledger but never in neither.
///
/// # Errors
/// Whatever the system says; no row is lost.
pub fn rotate(places: &Places, rotation: Rotation, at: Moment) -> io::Result<Rotated> {
    let current = places.ledger();
    let is_due = || fs::metadata(&current).is_ok_and(|meta| meta.len() > rotation.if_larger_than);
    if !is_due() {
        return Ok(Rotated::NotDue);
    }
    let Some(_lock) = FileLock::try_now(&places.lock("usage-ledger"))? else { return Ok(Rotated::Busy) };
    let Some(_theirs) = TheirLock::take(&current, at)? else { return Ok(Rotated::Busy) };
    // Somebody else may have done it while we came by the lock.
    if !is_due() {
        return Ok(Rotated::NotDue);
    }
    let archive = free_name(&current, at);
    fs::rename(&current, &archive)?;
    if let Some(directory) = archive.parent() {
        atomic::sync_dir(directory)?;
    }
    retain(&current, rotation.keep)?;
    Ok(Rotated::Done(archive))
}

/// Archives beyond what is kept, oldest first.
pub fn surplus(places: &Places, keep: usize) -> Vec<PathBuf> {
    let mut all = archives(&places.ledger(), Moment::from_millis(i64::MIN));
    if keep == 0 {
        return Vec::new();
    }
    all.truncate(all.len().saturating_sub(keep));
    all
}

fn retain(current: &Path, keep: usize) -> io::Result<()> {
    let mut all = archives(current, Moment::from_millis(i64::MIN));
    let surplus = if keep == 0 { 0 } else { all.len().saturating_sub(keep) };
    all.drain(..surplus).try_for_each(|archive| atomic::remove(&archive))
}

/// The archive's name; a millisecond later for every archive that has the name already.
fn free_name(current: &Path, at: Moment) -> PathBuf {
    let named = |at| current.with_file_name(format!("usage-ledger.{}.jsonl", calendar::stamp(at)));
    let mut at = at;
    while named(at).exists() {
        at = at + Span::millis(1);
    }
    named(at)
}

/// `usage-ledger.jsonl.lock`, which the reference makes around every append.
struct TheirLock(PathBuf);

impl TheirLock {
    fn take(ledger: &Path, at: Moment) -> io::Result<Option<Self>> {
        let mut name = ledger.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let is_stale = fs::metadata(&path)
            .and_then(|meta| meta.modified())
            .is_ok_and(|written| at.since(moment(written)) > STALE);
        if is_stale {
            atomic::remove(&path)?;
        }
        match perms::private_file().create_new(true).open(&path) {
            Ok(mut file) => {
                io::Write::write_all(&mut file, ledger::lock_body(std::process::id(), at).as_bytes())?;
                Ok(Some(Self(path)))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for TheirLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn moment(time: std::time::SystemTime) -> Moment {
    let age = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Moment::EPOCH + Span::from(age)
}

/// Archives last written at or after `since`, oldest first.
fn archives(current: &Path, since: Moment) -> Vec<PathBuf> {
    let Some(directory) = current.parent() else { return Vec::new() };
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| is_archive(&entry.file_name().to_string_lossy()) && is_young(entry, since))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// `usage-ledger.<8 digits>T<9 digits>Z.jsonl`.
fn is_archive(name: &str) -> bool {
    let stamp = name.strip_prefix("usage-ledger.").and_then(|rest| rest.strip_suffix("Z.jsonl"));
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    stamp.and_then(|stamp| stamp.split_once('T')).is_some_and(|(day, time)| digits(day, 8) && digits(time, 9))
}

fn is_young(entry: &fs::DirEntry, since: Moment) -> bool {
    let written = entry.metadata().and_then(|meta| meta.modified()).ok();
    let age = written.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    age.is_none_or(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX) >= since.millis())
}

/// The ledger and its archives, opened, oldest first.
///
/// The current file is opened before the archives are listed: when another process lays it by in between, it shows up
/// twice and the archive, which is the same file, is left out. No row is missed and none is read twice.
pub(super) fn files(current: &Path, since: Moment) -> io::Result<Vec<File>> {
    let newest = open(current)?;
    let mut all = Vec::new();
    for archive in archives(current, since) {
        all.extend(open(&archive)?);
    }
    if let Some(newest) = newest {
        all.retain(|archive| !same_file(archive, &newest));
        all.push(newest);
    }
    Ok(all)
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn same_file(one: &File, other: &File) -> bool {
    number(one).is_some_and(|number| Some(number) == self::number(other))
}

/// What tells a file from every other, whatever it is called.
#[cfg(unix)]
fn number(file: &File) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Where a file has no number, an open ledger cannot be renamed either.
#[cfg(not(unix))]
fn number(_: &File) -> Option<(u64, u64)> {
    None
}

/// Hands on line by line.
fn lines(file: impl io::Read, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(BLOCK, file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        each(&line);
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::TurnTokens;
    use crate::domain::usage::entry::{Ending, Operation};

    fn row(id: &str, at: i64) -> Entry {
        Entry {
            id: id.to_owned(),
            at: Moment::from_millis(at),
            source: "runtime-proxy".to_owned(),
            operation: Operation::Responses,
            ending: Ending::Success,
            model: None,
            project: None,
            account_hash: None,
            email_hash: None,
            index: None,
            request: None,
            status: None,
            error: None,
            took: None,
            tokens: TurnTokens::default(),
            cost: None,
            attempts: None,
            first_byte: None,
            bytes_out: None,
            session_hash: None,
            failover: None,
            rotated_from: Vec::new(),
            service_tier: None,
            token: None,
        }
    }

    #[test]
    fn rows_come_back_oldest_first_and_torn_lines_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());
        append(&places, &[row("b", 20), row("a", 10)]).unwrap();
        let torn = format!("{}{{\"version\":1,\"crea", fs::read_to_string(places.ledger()).unwrap());
        fs::write(places.ledger(), torn).unwrap();
        append(&places, &[row("c", 30)]).unwrap();

        let ids = |since| {
            let rows = read(&places, Moment::from_millis(since)).unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };

        assert_eq!(ids(0), ["a", "b", "c"]);
        assert_eq!(ids(20), ["b", "c"]);
    }

    #[test]
    fn a_long_ledger_is_laid_by_and_still_read() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());
        let at = Moment::from_millis(1_790_000_000_015);
        let rotation = Rotation { if_larger_than: 0, keep: 2 };
        let mut names = Vec::new();
        for number in 0..4 {
            append(&places, &[row(&number.to_string(), number)]).unwrap();
            if let Rotated::Done(path) = rotate(&places, rotation, at + Span::millis(number)).unwrap() {
                names.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }

        assert_eq!(names.first().map(String::as_str), Some("usage-ledger.20260921T141320015Z.jsonl"));
        assert_eq!(rotate(&places, rotation, at).unwrap(), Rotated::NotDue);
        let rows = read(&places, Moment::EPOCH).unwrap();
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["2", "3"]);
        assert!(!dir.path().join("usage/usage-ledger.jsonl.lock").exists());
    }

    #[test]
    fn a_ledger_the_reference_writes_to_is_left_alone_until_its_lock_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());
        append(&places, &[row("a", 1)]).unwrap();
        let lock = dir.path().join("usage/usage-ledger.jsonl.lock");
        fs::write(&lock, "{}").unwrap();
        let now = moment(fs::metadata(&lock).unwrap().modified().unwrap());
        let rotation = Rotation { if_larger_than: 0, keep: 0 };

        assert_eq!(rotate(&places, rotation, now).unwrap(), Rotated::Busy);
        assert!(matches!(rotate(&places, rotation, now + Span::seconds(31)).unwrap(), Rotated::Done(_)));
    }

    #[test]
    fn only_archives_are_archives() {
        for (name, expected) in [
            ("usage-ledger.20260921T141320020Z.jsonl", true),
            ("usage-ledger.20260921T14132002Z.jsonl", false),
            ("usage-ledger.2mine.Z.jsonl", false),
            ("usage-ledger.jsonl", false),
        ] {
            assert_eq!(is_archive(name), expected, "{name}");
        }
    }
}
