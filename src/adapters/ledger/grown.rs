//! What the ledger grew by: the rows behind the place where it was last read, through any rotation in between, or all of it
//! added up where that place is not to be found.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::sync::Arc;

use crate::adapters::ledger::sum::{Placed, Sink, read_whole};
use crate::adapters::ledger::{BLOCK, files, number};
use crate::base::{Moment, Span};
use crate::domain::places::Places;
use crate::domain::usage::entry::{Entry, Glance};
use crate::domain::usage::pricing::Prices;
use crate::domain::usage::tally::{Growth, Tail, Tally};
use crate::formats::ledger;

/// Rows younger than this are named when everything is read: whoever wrote some may not know yet that they are in.
const RECENT: Span = Span::minutes(10);

/// Reads on from `tail`; rows before `since` are passed over.
///
/// # Errors
/// Whatever the system says, but for missing files.
pub fn grown(
    places: &Places,
    since: Moment,
    tail: Tail,
    prices: &Prices,
    now: Moment,
) -> io::Result<(Growth, Tail)> {
    let files = files(&places.ledger(), since)?;
    let mut all = Vec::new();
    for file in &files {
        // Rows that are appended from here on are for the next reading.
        all.push((file, whole_lines(file)?));
    }
    let known = tail.file.and_then(|known| {
        let place = all.iter().position(|(file, _)| number(file) == Some(known))?;
        all.get(place).filter(|(_, end)| *end >= tail.at).map(|_| place)
    });
    let next = all.last().map_or_else(Tail::default, |(file, end)| Tail { file: number(file), at: *end });
    let Some(place) = known else {
        let mut whole = Counting::new(since, now - RECENT, prices);
        for part in read_whole(&all, || Counting::new(since, now - RECENT, prices)) {
            let part = part?;
            whole.tally.join(&part.tally);
            whole.recent.extend(part.recent);
        }
        return Ok((Growth::Anew { tally: Arc::new(whole.tally), recent: whole.recent }, next));
    };
    let mut rows = Vec::new();
    for (offset, (file, end)) in all.iter().skip(place).enumerate() {
        let from = if offset == 0 { tail.at } else { 0 };
        read(file, from, *end, |row| {
            if row.at >= since {
                rows.push(row);
            }
        })?;
    }
    Ok((Growth::Rows(rows), next))
}

/// Where the last whole line of a file ends.
fn whole_lines(file: &File) -> io::Result<u64> {
    const STEP: u64 = 4 << 10;
    let mut end = file.metadata()?.len();
    let mut block = [0; 4 << 10];
    while end > 0 {
        let at = end.saturating_sub(STEP);
        let mut from = Placed { file, at };
        let length = usize::try_from(end - at).unwrap_or(block.len());
        let Some(block) = block.get_mut(..length) else { return Ok(end) };
        io::Read::read_exact(&mut from, block)?;
        if let Some(place) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(at + u64::try_from(place).unwrap_or(0) + 1);
        }
        end = at;
    }
    Ok(0)
}

fn read(file: &File, from: u64, to: u64, mut each: impl FnMut(Entry)) -> io::Result<()> {
    let mut lines = BufReader::with_capacity(BLOCK, Placed { file, at: from });
    let mut at = from;
    let mut line = Vec::new();
    while at < to {
        let length = lines.read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(());
        }
        at += u64::try_from(length).unwrap_or(0);
        if let Some(row) = std::str::from_utf8(&line).ok().and_then(ledger::entry) {
            each(row);
        }
        line.clear();
    }
    Ok(())
}

/// A tally that grows line by line.
struct Counting<'p> {
    since: Moment,
    recent_from: Moment,
    prices: &'p Prices,
    tally: Tally,
    recent: BTreeSet<String>,
}

impl<'p> Counting<'p> {
    fn new(since: Moment, recent_from: Moment, prices: &'p Prices) -> Self {
        Self { since, recent_from, prices, tally: Tally::default(), recent: BTreeSet::new() }
    }
}

impl Sink for Counting<'_> {
    fn row(&mut self, row: &Glance<'_>, line: &[u8]) {
        if row.at < self.since {
            return;
        }
        self.tally.add(row, self.prices);
        if row.at >= self.recent_from
            && let Some(row) = std::str::from_utf8(line).ok().and_then(ledger::entry)
        {
            self.recent.insert(row.id);
        }
    }

    fn skip(&mut self) {}
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use pretty_assertions::assert_eq;

    use super::*;
    use crate::adapters::ledger::{Rotation, append, rotate};
    use crate::domain::policy::budget::Used;
    use crate::domain::usage::window::Which;

    const NOW: Moment = Moment::from_millis(1_790_000_000_000);

    fn rows(numbers: std::ops::Range<u64>) -> Vec<Entry> {
        let row = |number: u64| {
            let text = format!(
                r#"{{"version":1,"id":"r{number}","createdAt":{},"source":"runtime-proxy","operation":"responses","outcome":"success","model":"gpt-5.5","projectKey":null,"account":null,"requestId":null,"statusCode":200,"errorCode":null,"durationMs":1,"tokens":{{"inputTokens":1,"outputTokens":2,"cachedInputTokens":0,"reasoningTokens":0,"totalTokens":3}},"costUsd":null}}"#,
                NOW.millis() - 3_600_000 + i64::try_from(number).unwrap() * 1_000,
            );
            ledger::entry(&text).unwrap()
        };
        numbers.map(row).collect()
    }

    fn ids(growth: &Growth) -> Vec<String> {
        match growth {
            Growth::Rows(rows) => rows.iter().map(|row| row.id.clone()).collect(),
            Growth::Anew { .. } => vec!["anew".to_owned()],
        }
    }

    #[test]
    fn what_is_read_on_and_what_is_read_anew_are_the_same_rows_through_two_rotations() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());
        let read = |tail| grown(&places, Moment::EPOCH, tail, &Prices::default(), NOW).unwrap();
        let lay_by = |at| rotate(&places, Rotation { if_larger_than: 0, keep: 0 }, at).unwrap();
        append(&places, &rows(0..5)).unwrap();

        let (first, tail) = read(Tail::default());
        append(&places, &rows(5..7)).unwrap();
        lay_by(NOW);
        append(&places, &rows(7..9)).unwrap();
        lay_by(NOW + Span::seconds(1));
        append(&places, &rows(9..10)).unwrap();
        let (second, tail) = read(tail);
        let (third, tail) = read(tail);
        lay_by(NOW + Span::seconds(2));
        let (fourth, tail) = read(tail);
        append(&places, &rows(10..11)).unwrap();
        let (fifth, _) = read(tail);

        assert_eq!(ids(&first), ["anew"]);
        assert_eq!(ids(&second), ["r5", "r6", "r7", "r8", "r9"]);
        assert_eq!([ids(&third), ids(&fourth), ids(&fifth)].concat(), ["r10"]);
        let (Growth::Anew { tally, recent }, _) = read(Tail::default()) else { panic!("anew") };
        let used = tally.used(&[Which::Everything], Moment::EPOCH);
        assert_eq!((used.requests, used.tokens), (11, 33));
        assert!(recent.is_empty(), "an hour is not recent: {recent:?}");
    }

    #[test]
    fn a_line_that_is_still_written_waits_for_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());
        let read = |tail| grown(&places, Moment::EPOCH, tail, &Prices::default(), NOW).unwrap();
        append(&places, &rows(0..1)).unwrap();
        let (_, tail) = read(Tail::default());
        let line = ledger::line(&rows(1..2)[0]);
        let (begun, rest) = line.split_at(60);
        let mut file = std::fs::OpenOptions::new().append(true).open(places.ledger()).unwrap();

        file.write_all(begun.as_bytes()).unwrap();
        let (torn, tail) = read(tail);
        file.write_all(rest.as_bytes()).unwrap();
        let (whole, _) = read(tail);

        assert_eq!((ids(&torn), ids(&whole)), (Vec::new(), vec!["r1".to_owned()]));
    }

    #[test]
    fn a_ledger_that_was_taken_away_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());
        append(&places, &rows(0..5)).unwrap();
        let read = |tail, now| grown(&places, Moment::EPOCH, tail, &Prices::default(), now).unwrap();
        let (_, tail) = read(Tail::default(), NOW);

        std::fs::remove_file(places.ledger()).unwrap();
        append(&places, &rows(7..8)).unwrap();
        let (growth, _) = read(Tail { at: tail.at, file: Some((0, 0)) }, NOW - Span::hours(1));

        let Growth::Anew { tally, recent } = growth else { panic!("anew") };
        let used = tally.used(&[Which::Everything], Moment::EPOCH);
        assert_eq!(used, Used { requests: 1, tokens: 3, cost: used.cost });
        assert_eq!(recent, ["r7".to_owned()].into());
    }
}
