//! The end of our own log, read back for the screens: whole lines only, newest first, never more than fits a look.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::domain::log::{Line, Tail};
use crate::formats::log;

/// Bytes that are looked at, from the end.
const REACH: u64 = 1024 * 1024;
/// Lines that are shown.
const MOST: usize = 2_000;

/// The end of the log in this folder; a folder that is not there yet is an empty log.
pub fn tail(folder: &Path) -> Tail {
    match try_tail(folder) {
        Ok(lines) => Tail { lines, trouble: None },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Tail::default(),
        Err(error) => {
            Tail { lines: Vec::new(), trouble: Some(format!("{} cannot be read: {error}", folder.display())) }
        }
    }
}

/// What tells one state of the log from another without reading it.
pub fn stamp(folder: &Path) -> Option<(PathBuf, u64, SystemTime)> {
    let newest = files(folder).ok()?.pop()?;
    let meta = newest.metadata().ok()?;
    let changed = meta.modified().ok()?;
    Some((newest, meta.len(), changed))
}

fn try_tail(folder: &Path) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut left = REACH;
    for path in files(folder)?.iter().rev() {
        if left == 0 || lines.len() >= MOST {
            break;
        }
        let text = end(path, left)?;
        left = left.saturating_sub(u64::try_from(text.len()).unwrap_or(u64::MAX));
        lines.extend(text.lines().rev().filter_map(log::parse));
    }
    lines.truncate(MOST);
    // Several processes write one file; what they wrote at the same time is put in order.
    lines.sort_by_key(|line| std::cmp::Reverse(line.at));
    Ok(lines)
}

/// Files of the log, oldest first: their names hold the day.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_log = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("codex-multi-auth.") && path.extension().is_some_and(|ending| ending == "jsonl")
    };
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.flatten().map(|entry| entry.path()).filter(is_log).collect();
    files.sort();
    Ok(files)
}

/// At most so many bytes of a file's end; the first line is dropped when it is not whole.
fn end(path: &Path, reach: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(reach);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(reach).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if from == 0 {
        return Ok(text);
    }
    Ok(text.split_once('\n').map_or_else(String::new, |(_, whole)| whole.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: usize, what: &str) -> String {
        format!(
            "{{\"timestamp\":\"2026-11-22T14:00:{second:02}Z\",\"level\":\"INFO\",\"message\":\"{what}\"}}\n"
        )
    }

    #[test]
    fn the_newest_line_comes_first_over_all_days() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("written");
        write("codex-multi-auth.2026-11-21.jsonl", line(1, "old").replace("-22T", "-21T"));
        write(
            "codex-multi-auth.2026-11-22.jsonl",
            line(2, "one") + &line(4, "three") + &line(3, "two") + "{\"torn",
        );
        write("audit.log", line(9, "another log"));

        let tail = tail(folder.path());

        let said: Vec<&str> = tail.lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!((said, tail.trouble), (vec!["three", "two", "one", "old"], None));
        assert!(stamp(folder.path()).is_some());
    }

    #[test]
    fn a_log_that_is_not_there_is_empty() {
        let folder = tempfile::tempdir().expect("a folder");

        assert_eq!(tail(&folder.path().join("logs")), Tail::default());
    }

    #[test]
    fn only_the_end_of_a_long_file_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let long: String = (0..30_000).map(|number| line(number % 60, "again")).collect();
        fs::write(folder.path().join("codex-multi-auth.2026-11-22.jsonl"), long).expect("written");

        assert_eq!(tail(folder.path()).lines.len(), MOST);
    }
}
