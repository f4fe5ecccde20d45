//! A ledger of any length summed up: line by line, in as many parts at once as the machine has processors to spare.
//!
//! Memory does not grow with the number of rows. A part begins behind the first line end after its place and ends with
//! the line that crosses its end, so every line is read exactly once.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};

use crate::adapters::ledger::{BLOCK, files, open};
use crate::base::Moment;
use crate::domain::places::Places;
use crate::domain::usage::entry::Glance;
use crate::domain::usage::pricing::Prices;
use crate::domain::usage::reading::{Query, Reader, Reading};
use crate::formats::ledger;

/// A part shorter than this is not worth a thread.
const PART: u64 = 4 << 20;
/// Threads beyond this wait for memory, not for work.
const MOST: usize = 4;

/// A stretch of a file.
struct Part {
    file: usize,
    from: u64,
    to: u64,
}

/// Reads what was asked of the ledger and its archives.
///
/// # Errors
/// Whatever the system says, but for missing files.
pub fn sum(places: &Places, query: &Query, prices: &Prices) -> io::Result<Reading> {
    let current = places.ledger();
    let since = query.since.unwrap_or(Moment::from_millis(i64::MIN));
    let files: Vec<File> =
        if query.current_only { open(&current)?.into_iter().collect() } else { files(&current, since)? };
    let mut parts = Vec::new();
    let mut size = 0;
    for (place, file) in files.iter().enumerate() {
        size = file.metadata()?.len();
        parts.extend(cut(place, size));
    }
    let mut total = Reader::new(query, prices);
    for reader in read_all(&files, &parts, || Reader::new(query, prices)) {
        total.join(&reader?);
    }
    let size = if current.exists() { size } else { 0 };
    Ok(total.finish(size))
}

/// Whoever takes in a ledger row by row.
pub(super) trait Sink: Send {
    /// A row, and the line it stands in.
    fn row(&mut self, row: &Glance<'_>, line: &[u8]);
    /// A line that is no row.
    fn skip(&mut self);
}

impl Sink for Reader<'_> {
    fn row(&mut self, row: &Glance<'_>, line: &[u8]) {
        self.add(row, line);
    }

    fn skip(&mut self) {
        Reader::skip(self);
    }
}

/// Whole files, each up to a length, by as many readers as there are processors to spare, oldest part first.
pub(super) fn read_whole<S: Sink>(files: &[(&File, u64)], make: impl Fn() -> S + Sync) -> Vec<io::Result<S>> {
    let parts: Vec<Part> =
        files.iter().enumerate().flat_map(|(place, (_, size))| cut(place, *size)).collect();
    let files: Vec<&File> = files.iter().map(|(file, _)| *file).collect();
    read_all(&files, &parts, make)
}

fn cut(file: usize, size: u64) -> Vec<Part> {
    let count = (size / PART).max(1);
    let length = size.div_ceil(count);
    (0..count).map(|part| Part { file, from: part * length, to: ((part + 1) * length).min(size) }).collect()
}

/// One reader per thread, each over a run of neighbouring parts, in their order.
fn read_all<S: Sink>(
    files: &[impl Borrow<File> + Sync],
    parts: &[Part],
    make: impl Fn() -> S + Sync,
) -> Vec<io::Result<S>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST);
    let share = parts.len().div_ceil(threads).max(1);
    let run = |parts: &[Part]| -> io::Result<S> {
        let mut reader = make();
        for part in parts {
            if let Some(file) = files.get(part.file) {
                read_part(file.borrow(), part, &mut reader)?;
            }
        }
        Ok(reader)
    };
    if parts.len() <= share {
        return vec![run(parts)];
    }
    std::thread::scope(|scope| {
        let runs: Vec<_> = parts.chunks(share).map(|parts| scope.spawn(move || run(parts))).collect();
        runs.into_iter()
            .map(|run| {
                run.join().unwrap_or_else(|_| Err(io::Error::other("a reader of the ledger broke off")))
            })
            .collect()
    })
}

fn read_part(file: &File, part: &Part, reader: &mut impl Sink) -> io::Result<()> {
    // One byte early: a part that begins where a line begins must not lose that line.
    let start = part.from.saturating_sub(1);
    let mut lines = BufReader::with_capacity(BLOCK, Placed { file, at: start });
    let mut at = start;
    if part.from > 0 {
        at += u64::try_from(lines.skip_until(b'\n')?).unwrap_or(0);
    }
    let mut line = Vec::new();
    while at < part.to {
        let length = lines.read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(());
        }
        at += u64::try_from(length).unwrap_or(0);
        match ledger::glance(&line) {
            Some(row) => reader.row(&row, &line),
            None if line.iter().all(u8::is_ascii_whitespace) => {}
            None => reader.skip(),
        }
        line.clear();
    }
    Ok(())
}

/// A file read from a place of one's own: the threads share the handle, not its position.
pub(super) struct Placed<'f> {
    pub(super) file: &'f File,
    pub(super) at: u64,
}

impl io::Read for Placed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let count = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.at)?;
        #[cfg(windows)]
        let count = std::os::windows::fs::FileExt::seek_read(self.file, buffer, self.at)?;
        self.at += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use pretty_assertions::assert_eq;

    use super::*;
    use crate::adapters::ledger::{Rotation, append, rotate};
    use crate::domain::usage::entry::Entry;
    use crate::domain::usage::reading::By;

    fn row(number: u64) -> String {
        format!(
            r#"{{"version":1,"id":"r{number}","createdAt":{},"source":"runtime-proxy","operation":"responses","outcome":"{}","model":"{}","projectKey":null,"account":null,"requestId":null,"statusCode":200,"errorCode":null,"durationMs":1,"tokens":{{"inputTokens":{number},"outputTokens":2,"cachedInputTokens":0,"reasoningTokens":0,"totalTokens":{}}},"costUsd":null}}"#,
            1_790_000_000_000 + number * 1_000,
            ["success", "failure", "blocked"][(number % 3) as usize],
            ["gpt-5.5", "gpt-5.3-codex"][(number % 2) as usize],
            number + 2,
        )
    }

    fn entries(numbers: std::ops::Range<u64>) -> Vec<Entry> {
        numbers.map(|number| ledger::entry(&row(number)).unwrap()).collect()
    }

    fn query() -> Query {
        Query { by: vec![By::Model, By::Outcome], rows: 3, ..Query::default() }
    }

    #[test]
    fn a_rotation_in_the_middle_changes_no_total() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());
        let prices = Prices::default();
        append(&places, &entries(0..40)).unwrap();
        append(&places, &entries(40..60)).unwrap();
        let whole = sum(&places, &query(), &prices).unwrap();

        let other = tempfile::tempdir().unwrap();
        let places = Places::under(other.path(), other.path());
        let at = Moment::from_millis(1_790_000_100_000);
        append(&places, &entries(0..40)).unwrap();
        rotate(&places, Rotation { if_larger_than: 0, keep: 0 }, at).unwrap();
        append(&places, &entries(40..60)).unwrap();
        let cut = sum(&places, &query(), &prices).unwrap();

        assert_eq!(cut.totals.requests, 40);
        assert_eq!(Reading { size: 0, ..cut }, Reading { size: 0, ..whole });
        let newest = sum(&places, &Query { current_only: true, ..query() }, &prices).unwrap();
        assert_eq!(newest.matched, 20);
    }

    #[test]
    fn every_line_of_a_long_ledger_is_read_once_wherever_it_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let mut text = String::new();
        for number in 0..300 {
            let _ = writeln!(text, "{}", row(number));
        }
        text.push_str("{\"version\":1,\"torn");
        std::fs::write(&path, &text).unwrap();
        let file = File::open(&path).unwrap();
        let size = text.len() as u64;
        let prices = Prices::default();
        let read = |length: u64| {
            let mut reader = Reader::new(&query(), &prices);
            for part in 0..size.div_ceil(length) {
                let part = Part { file: 0, from: part * length, to: ((part + 1) * length).min(size) };
                read_part(&file, &part, &mut reader).unwrap();
            }
            reader.finish(size)
        };

        let whole = read(size);

        assert_eq!((whole.matched, whole.skipped), (300, 1));
        for length in [1_000, row(0).len() as u64 + 1, 4_096, 7, 100_000] {
            assert_eq!(read(length), whole, "{length}");
        }
    }

    #[test]
    fn there_is_nothing_to_read_before_the_first_request() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());

        let reading = sum(&places, &query(), &Prices::default()).unwrap();

        assert_eq!((reading.matched, reading.size, reading.first), (0, 0, None));
    }
}
