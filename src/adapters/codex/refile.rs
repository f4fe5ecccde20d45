//! Filing sessions of the reference's provider under the official one, and back (forwarder.md §13).
//!
//! Only the provider in the first line of a rollout changes; every other byte, the mode and the time of the file
//! stay. What was there before is durable in the backup before the first file is touched, so a crash at any moment
//! leaves nothing that an undo could not put back.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::adapters::codex::sessions::{self, Found};
use crate::adapters::disk::{atomic, perms};
use crate::base::{Moment, Span, calendar};
use crate::domain::history::{Migrated, Migration, OFFICIAL_PROVIDER, Restored};
use crate::domain::launch::route::LEGACY_PROVIDER;
use crate::domain::places::Places;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::formats::refile::{self, Entry};
use crate::formats::rollout;

/// A first line holds the whole base instructions of a session.
const FIRST_LINE: u64 = 16 * 1024 * 1024;
/// A rollout written to so lately belongs to a session that runs.
const QUIET: Span = Span::seconds(60);

/// Folders that hold index files of the official CLI: the home, its `sqlite`, and where a variable points.
pub fn index_folders(places: &Places, elsewhere: Option<&OsStr>) -> Vec<PathBuf> {
    let mut folders = vec![places.codex_home().to_owned(), places.codex_home().join("sqlite")];
    folders.extend(elsewhere.filter(|path| !path.is_empty()).map(PathBuf::from));
    folders.dedup();
    folders
}

/// Whether the home is in use by a Codex process that the files give away.
///
/// # Errors
/// The problem, when it is.
pub fn must_be_idle(places: &Places, now: Moment) -> Result<(), Problem> {
    let busy = |why: String| {
        Problem::new("codex-home-in-use", Exit::Failed, "the official CLI uses this Codex home now")
            .because(why)
            .hint(Hint::Say("End its sessions, then run the command again".to_owned()))
    };
    if daemon_answers(&places.codex_home().join("app-server-control")) {
        return Err(busy("its background server answers".to_owned()));
    }
    let (found, _) = sessions::rollouts(places.codex_home());
    let lately = found.iter().find(|file| now.since(Moment::from_millis(file.mark.modified)) < QUIET);
    match lately {
        Some(file) => {
            Err(busy(format!("a session was written to within the last minute: {}", file.path.display())))
        }
        None => Ok(()),
    }
}

#[cfg(unix)]
pub(crate) fn daemon_answers(folder: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()))
        .any(|entry| std::os::unix::net::UnixStream::connect(entry.path()).is_ok())
}

#[cfg(not(unix))]
pub(crate) fn daemon_answers(_folder: &Path) -> bool {
    false
}

/// Files the sessions of the reference's provider anew.
///
/// # Errors
/// When the backup cannot be written; nothing is changed then.
pub fn migrate(
    places: &Places,
    folders: &[PathBuf],
    how: Migration,
    now: Moment,
) -> Result<Migrated, Problem> {
    let (found, skipped_compressed) = sessions::rollouts(places.codex_home());
    let mut told = Migrated { skipped_compressed, ..Migrated::default() };
    let mut moves: Vec<(Found, String)> = Vec::new();
    for file in found {
        match first_line(&file.path) {
            Ok(Some(line)) if rollout::provider(&line).as_deref() == Some(LEGACY_PROVIDER) => {
                moves.push((file, line));
            }
            Ok(_) => {}
            Err(error) => told.failed.push(format!("{}: {error}", file.path.display())),
        }
    }
    told.found = moves.len();
    let indexes = if how.rebuild_index { index_files(folders) } else { Vec::new() };
    if how.dry_run || (moves.is_empty() && indexes.is_empty()) {
        told.index_files = indexes.len();
        return Ok(told);
    }
    let backup = places.backups_official().join(format!("history-{}.jsonl", calendar::stamp(now)));
    let kept = backup.with_extension("index");
    let mut entries: Vec<Entry> = moves
        .iter()
        .map(|(file, line)| Entry::Session {
            path: file.path.clone(),
            first_line: line.clone(),
            length: file.mark.size,
        })
        .collect();
    let homes: Vec<Entry> = indexes
        .iter()
        .enumerate()
        .map(|(number, path)| Entry::Index { path: path.clone(), kept: kept.join(number.to_string()) })
        .collect();
    entries.extend(homes.iter().cloned());
    let text: String = entries.iter().filter_map(refile::line).collect();
    atomic::write(&backup, text.as_bytes()).map_err(|error| unwritable(&backup, &error))?;
    told.backup = Some(backup);
    for (file, line) in &moves {
        let named = Entry::Session { path: file.path.clone(), first_line: String::new(), length: 0 };
        let Some(moved) = refile::line(&named).and_then(|_| rollout::with_provider(line, OFFICIAL_PROVIDER))
        else {
            told.failed.push(format!("{}: its name or first line cannot be kept", file.path.display()));
            continue;
        };
        match replace_first_line(file, line, &moved) {
            Ok(()) => told.rewritten = told.rewritten.saturating_add(1),
            Err(error) => told.failed.push(format!("{}: {error}", file.path.display())),
        }
    }
    for entry in &homes {
        if let Entry::Index { path, kept } = entry {
            match shift(path, kept) {
                Ok(()) => told.index_files = told.index_files.saturating_add(1),
                Err(error) => told.failed.push(format!("{}: {error}", path.display())),
            }
        }
    }
    Ok(told)
}

/// Puts back what the newest backup holds; the backup is then named `….undone`.
///
/// # Errors
/// When there is no backup, or it cannot be read.
pub fn undo(places: &Places) -> Result<Restored, Problem> {
    let Some(backup) = newest(&places.backups_official()) else {
        return Err(Problem::new("backup-not-found", Exit::Failed, "no migration is there to undo")
            .because(format!("no `history-*.jsonl` stands in {}", places.backups_official().display())));
    };
    let text = atomic::read_text(&backup).map_err(|error| unwritable(&backup, &error))?.unwrap_or_default();
    let mut told = Restored { backup: backup.clone(), ..Restored::default() };
    for entry in refile::read(&text) {
        let (path, result) = match &entry {
            Entry::Session { path, first_line, .. } => (path, put_back(path, first_line)),
            Entry::Index { path, kept } => (path, put_index_back(path, kept)),
        };
        match (result, &entry) {
            (Ok(Put::Back), Entry::Session { .. }) => told.sessions = told.sessions.saturating_add(1),
            (Ok(Put::Back), Entry::Index { .. }) => told.index_files = told.index_files.saturating_add(1),
            (Ok(Put::AlreadyThere), _) => {}
            (Err(error), _) => told.failed.push(format!("{}: {error}", path.display())),
        }
    }
    if told.failed.is_empty() {
        let mut done = backup.clone().into_os_string();
        done.push(".undone");
        fs::rename(&backup, &done).map_err(|error| unwritable(&backup, &error))?;
        let _ = fs::remove_dir(backup.with_extension("index"));
    }
    Ok(told)
}

enum Put {
    Back,
    AlreadyThere,
}

fn put_back(path: &Path, line: &str) -> io::Result<Put> {
    let now = first_line(path)?.ok_or_else(|| io::Error::other("it has no whole first line"))?;
    if now == line {
        return Ok(Put::AlreadyThere);
    }
    if rollout::with_provider(line, OFFICIAL_PROVIDER).as_deref() != Some(now.as_str()) {
        return Err(io::Error::other("its first line is not the one we wrote; it stays as it is"));
    }
    let mark = sessions::mark(path).ok_or_else(|| io::Error::other("it is gone"))?;
    replace_first_line(&Found { path: path.to_owned(), mark }, &now, line)?;
    Ok(Put::Back)
}

fn put_index_back(path: &Path, kept: &Path) -> io::Result<Put> {
    if !kept.try_exists()? {
        return Ok(Put::AlreadyThere);
    }
    // What the official CLI has made anew meanwhile is laid beside, not thrown away.
    if path.try_exists()? {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".rebuilt");
        fs::rename(path, PathBuf::from(aside))?;
    }
    shift(kept, path)?;
    Ok(Put::Back)
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with("history-") && path.extension() == Some(OsStr::new("jsonl"))
        })
        .max()
}

/// The first line without its end; `None` when it is torn, too long or no text.
fn first_line(path: &Path) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    BufReader::new(File::open(path)?).take(FIRST_LINE).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    Ok(String::from_utf8(line).ok())
}

fn replace_first_line(file: &Found, old: &str, new: &str) -> io::Result<()> {
    let mut source = File::open(&file.path)?;
    let meta = source.metadata()?;
    source.seek(SeekFrom::Start(u64::try_from(old.len()).map_err(io::Error::other)?))?;
    let folder = file.path.parent().ok_or_else(|| io::Error::other("it has no folder"))?;
    let mut fresh = tempfile::Builder::new().prefix(".rollout-").suffix(".tmp").tempfile_in(folder)?;
    fresh.write_all(new.as_bytes())?;
    io::copy(&mut source, &mut fresh)?;
    let fresh_file = fresh.as_file();
    fresh_file.set_permissions(meta.permissions())?;
    fresh_file.set_times(FileTimes::new().set_modified(meta.modified()?).set_accessed(meta.accessed()?))?;
    fresh_file.sync_all()?;
    if sessions::mark(&file.path) != Some(file.mark) {
        return Err(io::Error::other("it was written to meanwhile; it stays as it is"));
    }
    fresh.persist(&file.path).map_err(|error| error.error)?;
    atomic::sync_dir(folder)
}

fn index_files(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(std::iter::Iterator::flatten)
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            entry.file_type().is_ok_and(|kind| kind.is_file())
                && name.starts_with("state_")
                && name.contains(".sqlite")
                && !name.ends_with(".rebuilt")
        })
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files.dedup();
    files
}

/// Moves a file, also to another file system; the old one goes only when the new one is durable.
fn shift(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent()
        && !folder.is_dir()
    {
        perms::private_dir(folder)?;
    }
    if fs::rename(from, to).is_err() {
        fs::copy(from, to)?;
        File::open(to)?.sync_all()?;
        fs::remove_file(from)?;
    }
    to.parent().map_or(Ok(()), atomic::sync_dir)
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    Problem::new("storage-unwritable", Exit::Failed, format!("{} cannot be used", path.display()))
        .because(error.to_string())
        .hint(Hint::Say("No session was changed".to_owned()))
}

#[cfg(test)]
mod tests;
