//! Every copy of the pool there is, and what is in it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::adapters::store::{shown, unreadable};
use crate::adapters::vault::named;
use crate::base::Moment;
use crate::domain::backup::{Backup, Kind, State};
use crate::domain::places::Places;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::vault::Source;
use crate::formats::accounts::{Document, ParseAccountsError};
use crate::formats::extension::Extension;

/// The generations beside the pool.
const GENERATIONS: [&str; 3] = [".bak", ".bak.1", ".bak.2"];

/// All copies, newest first, then by name.
pub(super) fn all(places: &Places, at: Moment) -> Result<Vec<Backup>, Problem> {
    let mut all: Vec<Backup> = named::files(places)?
        .iter()
        .filter_map(|path| look(named::base(path)?, path, Kind::Named, at))
        .chain(snapshots(places, at))
        .chain(GENERATIONS.iter().filter_map(|name| look(name, &places.pool_with(name), Kind::Rotating, at)))
        .collect();
    all.sort_by(|one, other| (other.modified, &one.name).cmp(&(one.modified, &other.name)));
    Ok(all)
}

/// The copy a person means.
pub(super) fn find(places: &Places, source: &Source, at: Moment) -> Result<Backup, Problem> {
    let all = all(places, at)?;
    match source {
        Source::Named(word) => {
            let word = word.trim();
            let fits = |backup: &&Backup| {
                backup.name == word
                    || (backup.kind == Kind::Named
                        && backup.path.file_name().is_some_and(|name| name.to_string_lossy() == word))
            };
            let mut found: Vec<&Backup> = all.iter().filter(fits).collect();
            found.sort_by_key(|backup| backup.kind);
            found.first().map(|backup| (*backup).clone()).ok_or_else(|| unknown(word))
        }
        Source::File(path) => inside(places, &all, path),
    }
}

/// A copy by its path: only what the list shows, so that no path leads out of our folders.
fn inside(places: &Places, all: &[Backup], path: &Path) -> Result<Backup, Problem> {
    let Ok(real) = fs::canonicalize(path) else {
        return Err(invalid(format!("the backup file no longer exists: {}", shown(path))));
    };
    let same = |backup: &&Backup| fs::canonicalize(&backup.path).is_ok_and(|known| known == real);
    all.iter().find(same).cloned().ok_or_else(|| {
        invalid(format!("a backup has to be inside {}: {}", shown(&places.backups()), shown(path)))
            .hint(Hint::Run(format!("import {}", shown(path))))
    })
}

fn unknown(word: &str) -> Problem {
    Problem::new("bad-argument", Exit::Usage, format!("no backup is called {word}"))
        .hint(Hint::Run("backup list".to_owned()))
}

/// A copy that cannot be used.
pub(super) fn invalid(what: String) -> Problem {
    Problem::new("backup-invalid", Exit::Failed, what)
}

/// Why a text is no pool, in words that tell a damaged file from another kind of file.
pub(super) fn refusal(path: &Path, error: &ParseAccountsError) -> Problem {
    match error {
        ParseAccountsError::Newer { version } => Problem::new(
            "storage-newer",
            Exit::Failed,
            format!("{} was written by a newer version (format {version})", shown(path)),
        )
        .hint(Hint::Say("Update codex-multi-auth; nothing was changed".to_owned())),
        ParseAccountsError::Damaged { detail } if !detail.contains("object") => {
            invalid(format!("{} {detail}", shown(path)))
                .because("the file is damaged or was cut")
                .hint(Hint::Run("backup list".to_owned()))
        }
        ParseAccountsError::Damaged { detail } => {
            invalid(format!("{} is no account pool: it {detail}", shown(path))).hint(what_is_a_pool())
        }
        ParseAccountsError::Shape { detail } => {
            invalid(format!("{} is no account pool: {detail}", shown(path))).hint(what_is_a_pool())
        }
    }
}

fn what_is_a_pool() -> Hint {
    Hint::Say("Name an export, a backup, or the `openai-codex-accounts.json` of another computer".to_owned())
}

/// Opens a copy; one without accounts is refused.
pub(super) fn open<R>(
    path: &Path,
    text: &str,
    at: Moment,
    then: impl FnOnce(&Document<'_>) -> Result<R, Problem>,
) -> Result<R, Problem> {
    let document = Document::parse(text, &Extension::default(), at).map_err(|error| refusal(path, &error))?;
    if document.roster().accounts.is_empty() {
        return Err(invalid(format!("the backup does not contain any accounts: {}", shown(path)))
            .hint(Hint::Run("backup list".to_owned())));
    }
    then(&document)
}

/// The text of a copy.
pub(super) fn text(path: &Path) -> Result<String, Problem> {
    let text = atomic::read_text(path).map_err(|error| unreadable(path, &error))?;
    text.ok_or_else(|| invalid(format!("the backup file no longer exists: {}", shown(path))))
}

fn snapshots(places: &Places, at: Moment) -> Vec<Backup> {
    let Ok(entries) = fs::read_dir(places.snapshots()) else { return Vec::new() };
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths
        .iter()
        .filter_map(|path| {
            let name = named::base(path)?;
            let kind = match name.split_once('-')?.0 {
                "hourly" => Kind::Hourly,
                "daily" => Kind::Daily,
                _ => return None,
            };
            look(name, path, kind, at)
        })
        .collect()
}

/// What is in a file; `None` when there is none.
fn look(name: &str, path: &Path, kind: Kind, at: Moment) -> Option<Backup> {
    let meta = fs::metadata(path).ok()?;
    let (accounts, state) = match atomic::read_text(path) {
        Ok(Some(text)) => match Document::parse(&text, &Extension::default(), at) {
            Ok(document) => match document.roster().accounts.len() {
                0 => (0, State::Empty),
                accounts => (accounts, State::Good),
            },
            Err(ParseAccountsError::Newer { version }) => (0, State::Newer(version)),
            Err(error) => (0, State::Damaged(error.to_string())),
        },
        Ok(None) => return None,
        Err(error) => (0, State::Damaged(error.to_string())),
    };
    Some(Backup {
        name: name.to_owned(),
        path: path.to_path_buf(),
        kind,
        accounts,
        bytes: meta.len(),
        modified: atomic::modified(path).unwrap_or_default(),
        state,
    })
}
