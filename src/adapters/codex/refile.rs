//! Filing sessions of the reference's provider under the official one, and back (forwarder.md §13).
//!
//! Only the provider in the first line of a rollout changes; every other byte, the mode and the time of the file
//! stay. What was there before is durable in the backup before the first file is touched, so a crash at any moment
//! leaves nothing that an undo could not put back.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::adapters::codex::rescue::{self, Stranded, There};
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
/// How much of a rollout is read to see whose it is.
const HEAD: u64 = 8 * 1024;
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

/// Files the sessions of the reference's provider anew, those of its temporary homes included.
///
/// # Errors
/// When the backup cannot be written; nothing is changed then.
pub fn migrate(
    places: &Places,
    folders: &[PathBuf],
    homes: &[PathBuf],
    how: Migration,
    now: Moment,
) -> Result<Migrated, Problem> {
    let (found, skipped_compressed) = sessions::rollouts(places.codex_home());
    let stranded = rescue::stranded(places, homes).map_err(|error| unlooked(&error))?;
    let mut told = Migrated { skipped_compressed, rescued: stranded.len(), ..Migrated::default() };
    let mut moves: Vec<(Found, String)> = Vec::new();
    // A session that is rescued is read where it lies and filed anew where it belongs.
    let replaced = |path: &Path| stranded.iter().any(|one| one.to == path && one.there == There::Beginning);
    let own = found.into_iter().filter(|file| !replaced(&file.path)).map(|file| (file.path.clone(), file));
    let rescued = stranded
        .iter()
        .filter(|one| one.there != There::Other && one.to.extension() == Some(OsStr::new("jsonl")))
        .map(|one| (one.from.clone(), Found { path: one.to.clone(), mark: one.mark }));
    for (lies, file) in own.chain(rescued) {
        match first_line(&lies) {
            Ok(Some(line)) if rollout::provider(&line).as_deref() == Some(LEGACY_PROVIDER) => {
                moves.push((file, line));
            }
            Ok(_) => {}
            Err(error) => told.failed.push(format!("{}: {error}", lies.display())),
        }
    }
    told.found = moves.len();
    let indexes = if how.rebuild_index { index_files(folders) } else { Vec::new() };
    if how.dry_run || (moves.is_empty() && indexes.is_empty() && stranded.is_empty()) {
        told.index_files = indexes.len();
        return Ok(told);
    }
    carry(places, &Work { stranded, moves, indexes }, told, now)
}

/// How many sessions the official CLI does not list because of the reference: filed under its provider, or longer or
/// alone in a temporary home of it. With a `within` it gives up after so long, and says so by `None`.
pub fn misfiled(places: &Places, within: Option<std::time::Duration>) -> Option<usize> {
    #[expect(
        clippy::disallowed_methods,
        reason = "reading files is bounded in real time, whatever the clock is"
    )]
    let begun = std::time::Instant::now();
    let (found, _) = sessions::rollouts(places.codex_home());
    let mut count = rescue::count(places, &rescue::homes(places)).unwrap_or(0);
    for file in found {
        if within.is_some_and(|within| begun.elapsed() > within) {
            return None;
        }
        count += usize::from(is_misfiled(&file.path));
    }
    Some(count)
}

/// Whether the beginning of a rollout names the reference's provider; the member stands before the long texts.
fn is_misfiled(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    read.is_ok() && line.contains(LEGACY_PROVIDER) && line.contains("\"model_provider\"")
}

/// Moves the sessions that only temporary homes of the reference hold to where they belong, and nothing else.
///
/// # Errors
/// When a home cannot be looked into or the backup cannot be written; nothing is changed then.
pub fn rescue(places: &Places, homes: &[PathBuf], now: Moment) -> Result<Migrated, Problem> {
    let stranded = rescue::stranded(places, homes).map_err(|error| unlooked(&error))?;
    let told = Migrated { rescued: stranded.len(), ..Migrated::default() };
    if stranded.is_empty() {
        return Ok(told);
    }
    carry(places, &Work { stranded, moves: Vec::new(), indexes: Vec::new() }, told, now)
}

/// What a migration does.
struct Work {
    stranded: Vec<Stranded>,
    moves: Vec<(Found, String)>,
    indexes: Vec<PathBuf>,
}

/// Writes down what was, then does it.
fn carry(places: &Places, work: &Work, mut told: Migrated, now: Moment) -> Result<Migrated, Problem> {
    let backup = free(&places.backups_official(), now);
    let kept = backup.with_extension("index");
    let aside = backup.with_extension("sessions");
    let lone = |number: usize, path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        aside.join(format!("{number}-{name}"))
    };
    let rescues: Vec<Entry> = work
        .stranded
        .iter()
        .enumerate()
        .map(|(number, one)| {
            let (path, replaced) = match one.there {
                There::Nothing => (one.to.clone(), None),
                There::Beginning => (one.to.clone(), Some(lone(number, &one.to))),
                There::Other => (lone(number, &one.to), None),
            };
            Entry::Rescued { path, from: one.from.clone(), replaced }
        })
        .collect();
    let sessions = work.moves.iter().map(|(file, line)| Entry::Session {
        path: file.path.clone(),
        first_line: line.clone(),
        length: file.mark.size,
    });
    let homes = work
        .indexes
        .iter()
        .enumerate()
        .map(|(number, path)| Entry::Index { path: path.clone(), kept: kept.join(number.to_string()) });
    let homes: Vec<Entry> = homes.collect();
    let all = rescues.iter().cloned().chain(sessions).chain(homes.iter().cloned());
    let text: String = all.filter_map(|entry| refile::line(&entry)).collect();
    atomic::write(&backup, text.as_bytes()).map_err(|error| unwritable(&backup, &error))?;
    told.backup = Some(backup);
    told.rescued = 0;
    for entry in &rescues {
        if let Entry::Rescued { path, from, replaced } = entry {
            match bring(entry, path, from, replaced.as_deref()) {
                Ok(()) => told.rescued = told.rescued.saturating_add(1),
                Err(error) => told.failed.push(format!("{}: {error}", from.display())),
            }
        }
    }
    for (file, line) in &work.moves {
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

/// A name for the backup that no other one has.
fn free(folder: &Path, now: Moment) -> PathBuf {
    let stamp = calendar::stamp(now);
    let named = |more: &str| folder.join(format!("history-{stamp}{more}.jsonl"));
    let is_new = |path: &PathBuf| !path.exists() && !done_name(path).exists();
    let later = (1..1_000).map(|number| named(&format!("-{number:03}")));
    std::iter::once(named("")).chain(later).find(is_new).unwrap_or_else(|| named(""))
}

/// The name of a backup that was put back.
fn done_name(backup: &Path) -> PathBuf {
    let mut done = backup.to_owned().into_os_string();
    done.push(".undone");
    PathBuf::from(done)
}

/// Brings a session to where it belongs; a shorter one that stands there is kept first.
fn bring(entry: &Entry, path: &Path, from: &Path, replaced: Option<&Path>) -> io::Result<()> {
    if refile::line(entry).is_none() {
        return Err(io::Error::other("its name cannot be kept"));
    }
    if let Some(replaced) = replaced {
        copy(path, replaced)?;
    } else if path.try_exists()? {
        return Err(io::Error::other("something else stands there by now"));
    }
    shift(from, path)
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
    let entries = refile::read(&text);
    // What was rescued goes back last: it is filed as before by then.
    let (rescued, others): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| matches!(entry, Entry::Rescued { .. }));
    for entry in others.into_iter().chain(rescued) {
        let (path, result) = match &entry {
            Entry::Rescued { path, from, replaced } => (path, take_back(path, from, replaced.as_deref())),
            Entry::Session { path, first_line, .. } => (path, put_back(path, first_line)),
            Entry::Index { path, kept } => (path, put_index_back(path, kept)),
        };
        match (result, &entry) {
            (Ok(Put::Back), Entry::Session { .. }) => told.sessions = told.sessions.saturating_add(1),
            (Ok(Put::Back), Entry::Index { .. }) => told.index_files = told.index_files.saturating_add(1),
            (Ok(Put::Back), Entry::Rescued { .. }) => told.rescued = told.rescued.saturating_add(1),
            (Ok(Put::AlreadyThere), _) => {}
            (Err(error), _) => told.failed.push(format!("{}: {error}", path.display())),
        }
    }
    if told.failed.is_empty() {
        fs::rename(&backup, done_name(&backup)).map_err(|error| unwritable(&backup, &error))?;
        let _ = fs::remove_dir(backup.with_extension("index"));
        let _ = fs::remove_dir(backup.with_extension("sessions"));
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

/// Lays a rescued session where it was found, and what it took the place of where that stood.
fn take_back(path: &Path, from: &Path, replaced: Option<&Path>) -> io::Result<Put> {
    if from.try_exists()? {
        // It was never brought; a copy of what stands there is of no use.
        if let Some(replaced) = replaced {
            let _ = fs::remove_file(replaced);
        }
        return Ok(Put::AlreadyThere);
    }
    shift(path, from)?;
    if let Some(replaced) = replaced {
        shift(replaced, path)?;
    }
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
        copy(from, to)?;
        fs::remove_file(from)?;
    }
    to.parent().map_or(Ok(()), atomic::sync_dir)
}

/// Copies a file with its time; the copy is durable.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent()
        && !folder.is_dir()
    {
        perms::private_dir(folder)?;
    }
    fs::copy(from, to)?;
    let meta = fs::metadata(from)?;
    let file = File::options().write(true).open(to)?;
    file.set_times(FileTimes::new().set_modified(meta.modified()?).set_accessed(meta.accessed()?))?;
    file.sync_all()
}

fn unlooked(error: &io::Error) -> Problem {
    Problem::new(
        "leftovers-unreadable",
        Exit::Failed,
        "a temporary home of the original package cannot be looked into",
    )
    .because(error.to_string())
    .hint(Hint::Say("No session was changed".to_owned()))
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    Problem::new("storage-unwritable", Exit::Failed, format!("{} cannot be used", path.display()))
        .because(error.to_string())
        .hint(Hint::Say("No session was changed".to_owned()))
}

#[cfg(test)]
mod tests;
