//! The usage ledger on disk: appended in whole batches, read from the newest file backwards.
//!
//! Everything here blocks; callers run it on the blocking pool.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use crate::adapters::disk::jsonl;
use crate::base::Moment;
use crate::domain::places::Places;
use crate::domain::usage::entry::Entry;
use crate::formats::ledger;

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
    for archive in archives(&current, since) {
        read_file(&archive, since, &mut rows)?;
    }
    read_file(&current, since, &mut rows)?;
    rows.sort_by_key(|row| row.at);
    Ok(rows)
}

/// Archives last written at or after `since`.
fn archives(current: &Path, since: Moment) -> Vec<PathBuf> {
    let Some(directory) = current.parent() else { return Vec::new() };
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("usage-ledger.2") && name.ends_with("Z.jsonl") && is_young(entry, since)
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

fn is_young(entry: &fs::DirEntry, since: Moment) -> bool {
    let written = entry.metadata().and_then(|meta| meta.modified()).ok();
    let age = written.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    age.is_none_or(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX) >= since.millis())
}

fn read_file(path: &Path, since: Moment, rows: &mut Vec<Entry>) -> io::Result<()> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if let Ok(text) = std::str::from_utf8(&line)
            && let Some(row) = ledger::entry(text)
            && row.at >= since
        {
            rows.push(row);
        }
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
}
