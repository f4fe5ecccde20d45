//! Sessions that lie in temporary homes of the reference: found, and compared with what the real home has of them.
//!
//! Only files count, never what a link leads to. A session the real home has in full is no loss; one that is longer in
//! the temporary home takes the place of the shorter one; two that differ are never merged.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::adapters::codex::sessions;
use crate::domain::places::Places;
use crate::formats::session_index::Mark;

/// Folders of a home that hold sessions.
const FOLDERS: [&str; 2] = ["sessions", "archived_sessions"];
/// Bytes compared at once.
const PIECE: usize = 64 * 1024;

/// A session that would be lost with its temporary home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stranded {
    /// Where it lies.
    pub(super) from: PathBuf,
    /// Where it belongs.
    pub(super) to: PathBuf,
    /// What stands there.
    pub(super) there: There,
    /// What the file looks like.
    pub(super) mark: Mark,
}

/// What stands where a stranded session belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    /// Nothing.
    Nothing,
    /// Its beginning.
    Beginning,
    /// Something else under its name.
    Other,
}

/// Temporary homes below the root, whoever set it.
pub fn homes(places: &Places) -> Vec<PathBuf> {
    let beside = places.codex_home().join("multi-auth");
    let mut roots = vec![places.root().to_owned(), beside];
    roots.dedup();
    let mut all: Vec<PathBuf> = roots.iter().flat_map(|root| below(&root.join(SHADOWS))).collect();
    all.sort();
    all.dedup();
    all
}

/// The folder of those homes.
pub const SHADOWS: &str = "runtime-shadow-homes";

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// How many sessions would be lost with these homes.
///
/// # Errors
/// When a home cannot be looked into: it may hold some.
pub fn count(places: &Places, homes: &[PathBuf]) -> io::Result<usize> {
    stranded(places, homes).map(|all| all.len())
}

/// The sessions that would be lost with these homes.
pub(super) fn stranded(places: &Places, homes: &[PathBuf]) -> io::Result<Vec<Stranded>> {
    let mut all: Vec<Stranded> = Vec::new();
    for home in homes {
        for folder in FOLDERS {
            let mut files = Vec::new();
            walk(&home.join(folder), &mut files)?;
            for from in files {
                let Ok(rest) = from.strip_prefix(home) else { continue };
                let to = places.codex_home().join(rest);
                let Some(mark) = sessions::mark(&from) else { continue };
                let there = compare(&from, &to)?;
                // Two homes with the same session: the longer one counts.
                if let Some(other) = all.iter_mut().find(|other| other.to == to) {
                    if mark.size > other.mark.size {
                        *other = Stranded { from, to, there: there.unwrap_or(other.there), mark };
                    }
                } else if let Some(there) = there {
                    all.push(Stranded { from, to, there, mark });
                }
            }
        }
    }
    all.sort_by(|a, b| a.from.cmp(&b.from));
    Ok(all)
}

/// What the real home has of a session; `None` when it has all of it.
fn compare(from: &Path, to: &Path) -> io::Result<Option<There>> {
    let theirs = match fs::symlink_metadata(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(There::Nothing)),
        Err(error) => return Err(error),
        Ok(meta) => meta,
    };
    let ours = fs::metadata(from)?;
    let short = theirs.len().min(ours.len());
    if !begins_alike(from, to, short)? {
        return Ok(Some(There::Other));
    }
    Ok((ours.len() > theirs.len()).then_some(There::Beginning))
}

fn begins_alike(one: &Path, other: &Path, length: u64) -> io::Result<bool> {
    let mut one = BufReader::with_capacity(PIECE, File::open(one)?.take(length));
    let mut other = BufReader::with_capacity(PIECE, File::open(other)?.take(length));
    let (mut a, mut b) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let read = fill(&mut one, &mut a)?;
        if read != fill(&mut other, &mut b)? || a.get(..read) != b.get(..read) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

fn fill(from: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while let Some(rest) = piece.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match from.read(rest)? {
            0 => break,
            read => have += read,
        }
    }
    Ok(have)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // A link to the real folder, or a file: nothing of its own is in it.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(()),
        Err(error) => return Err(error),
    };
    if fs::symlink_metadata(folder)?.is_symlink() {
        return Ok(());
    }
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() && is_rollout(&entry.file_name().to_string_lossy()) {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn is_rollout(name: &str) -> bool {
    let name = name.strip_suffix(".zst").unwrap_or(name);
    name.starts_with("rollout-") && name.strip_suffix(".jsonl").is_some()
}
