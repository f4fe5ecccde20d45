//! Named copies of the pool: the folder, its files, and how one is written (storage.md §8).
//!
//! The folder must be a real one inside the pool's, before the copy is written and again right before it gets its
//! name: a link put there would carry tokens somewhere else. A copy never replaces another one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic::{self, Staged};
use crate::adapters::disk::perms;
use crate::adapters::fault;
use crate::adapters::store::{shown, unreadable};
use crate::base::{Moment, Span};
use crate::domain::backup::{Backup, Before, Kind, Name};
use crate::domain::places::Places;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::ports::store::StoreError;

/// How many copies one act may need within a second before something is wrong.
const AGAIN: usize = 99;
/// Crashed writers finish within a minute or never.
const STALE: Span = Span::minutes(1);

/// Why a copy was not written.
#[derive(Debug, thiserror::Error)]
pub(in crate::adapters) enum CopyError {
    /// The name is taken.
    #[error("a backup of that name already exists: {}", .0.display())]
    Exists(PathBuf),
    /// The folder is a link, or no folder.
    #[error("{} is not a real folder inside the pool's", .0.display())]
    Elsewhere(PathBuf),
    /// The system refused.
    #[error("{}: {}", .0.display(), .1)]
    Io(PathBuf, #[source] io::Error),
}

impl From<CopyError> for Problem {
    fn from(error: CopyError) -> Self {
        let what = error.to_string();
        match error {
            CopyError::Exists(_) => Self::new("already-exists", Exit::Failed, what)
                .hint(Hint::Say("Choose another name; backups are never written over".to_owned()))
                .hint(Hint::Run("backup list".to_owned())),
            CopyError::Elsewhere(_) => Self::new("backup-invalid", Exit::Failed, what)
                .because("a link there would carry the tokens somewhere else")
                .hint(Hint::Say("Move the link away and try again".to_owned())),
            CopyError::Io(path, error) => unreadable(&path, &error).into(),
        }
    }
}

impl From<CopyError> for StoreError {
    fn from(error: CopyError) -> Self {
        let what = error.to_string();
        match error {
            CopyError::Exists(path) | CopyError::Elsewhere(path) => {
                Self::Io { path: shown(&path), code: None, detail: what }
            }
            CopyError::Io(path, error) => unreadable(&path, &error),
        }
    }
}

/// Writes a copy under a new name.
pub(in crate::adapters) fn write(
    places: &Places,
    name: &Name,
    text: &str,
    accounts: usize,
    at: Moment,
) -> Result<Backup, CopyError> {
    let folder = places.backups();
    perms::private_dir(&folder).map_err(|error| CopyError::Io(folder.clone(), error))?;
    check_folder(places)?;
    sweep(&folder, at);
    if file_of(&folder, name.as_str()).is_some() {
        return Err(CopyError::Exists(folder.join(name.file_name())));
    }
    let path = folder.join(name.file_name());
    let staged = || -> io::Result<Staged> {
        let mut staged = Staged::write(&path, text.as_bytes())?;
        staged.sync()?;
        fault::pass("backup.written")?;
        Ok(staged)
    };
    let staged = staged().map_err(|error| CopyError::Io(path.clone(), error))?;
    check_folder(places)?;
    match staged.publish_new() {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(CopyError::Exists(path)),
        Err(error) => return Err(CopyError::Io(path, error)),
    }
    Ok(Backup {
        name: name.as_str().to_owned(),
        bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
        path,
        kind: Kind::Named,
        accounts,
        modified: at,
        state: crate::domain::backup::State::Good,
    })
}

/// Writes the copy an act makes before it changes the pool.
pub(in crate::adapters) fn write_before(
    places: &Places,
    act: Before,
    text: &str,
    accounts: usize,
    at: Moment,
) -> Result<Backup, CopyError> {
    write_numbered(places, &Name::before(act, at), text, accounts, at)
}

/// Writes a copy under a name, with a number behind it where the name is taken.
pub(in crate::adapters) fn write_numbered(
    places: &Places,
    name: &Name,
    text: &str,
    accounts: usize,
    at: Moment,
) -> Result<Backup, CopyError> {
    for number in 2..=AGAIN {
        let name = if number == 2 { name.clone() } else { name.again(number - 1) };
        match write(places, &name, text, accounts, at) {
            Err(CopyError::Exists(_)) => {}
            done => return done,
        }
    }
    Err(CopyError::Exists(places.backups().join(name.file_name())))
}

/// The copies' files: regular ones ending in `.json`, in any case. A missing folder has none.
pub(in crate::adapters) fn files(places: &Places) -> Result<Vec<PathBuf>, CopyError> {
    let folder = places.backups();
    if fs::symlink_metadata(&folder).is_err() {
        return Ok(Vec::new());
    }
    check_folder(places)?;
    let entries = fs::read_dir(&folder).map_err(|error| CopyError::Io(folder.clone(), error))?;
    Ok(entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .filter(|path| base(path).is_some())
        .collect())
}

/// What a copy's file is called: its name without the extension.
pub(in crate::adapters) fn base(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let cut = name.len().checked_sub(5)?;
    let is_json = name.get(cut..)?.eq_ignore_ascii_case(".json");
    name.get(..cut).filter(|base| is_json && !base.is_empty())
}

/// The file of a name, whatever the case of its extension.
fn file_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let plain = folder.join(format!("{name}.json"));
    // A link counts as a file that is there, wherever it points.
    if fs::symlink_metadata(&plain).is_ok() {
        return Some(plain);
    }
    let entries = fs::read_dir(folder).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| base(path) == Some(name))
}

fn check_folder(places: &Places) -> Result<(), CopyError> {
    let folder = places.backups();
    let elsewhere = || CopyError::Elsewhere(folder.clone());
    let meta = fs::symlink_metadata(&folder).map_err(|error| CopyError::Io(folder.clone(), error))?;
    if !meta.is_dir() {
        return Err(elsewhere());
    }
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| CopyError::Io(path.to_path_buf(), error));
    let expected = real(places.pool_dir())?.join(folder.file_name().unwrap_or_default());
    if real(&folder)? == expected { Ok(()) } else { Err(elsewhere()) }
}

/// Removes what crashed writers left: whole copies of the pool under temporary names.
fn sweep(folder: &Path, now: Moment) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let old = atomic::modified(&path).is_some_and(|written| now.since(written) >= STALE);
        if name.contains(".json.") && name.rsplit('.').next() == Some("tmp") && old {
            let _ = fs::remove_file(path);
        }
    }
}
