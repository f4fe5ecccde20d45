//! Copies made, deleted and put back by the user; the pool as a file that goes elsewhere or comes in.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic::Staged;
use crate::adapters::fault;
use crate::adapters::store::{Locked, Ruin, shown, unreadable};
use crate::adapters::vault::{list, named};
use crate::base::{Moment, Secret};
use crate::domain::backup::{Backup, Before, Kind, Name};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::reference;
use crate::domain::roster::Roster;
use crate::domain::vault::{Answer, Existing, Imported, ImportedRow, Refill, Restored, Run, Source};
use crate::formats::accounts::Document;
use crate::formats::accounts::merge::Taken;

/// The largest file an import reads.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A file that may be merged in.
pub(super) struct Incoming {
    path: PathBuf,
    text: Secret,
}

/// Copies the pool under a name.
pub(super) fn create(pool: &Locked<'_>, name: Option<&Name>) -> Result<Answer, Problem> {
    let (text, accounts) = copied(pool)?;
    let (places, at) = (pool.places(), pool.now());
    let backup = match name {
        Some(name) => named::write(places, name, text.expose(), accounts, at)?,
        None => named::write_numbered(places, &Name::unnamed(at), text.expose(), accounts, at)?,
    };
    Ok(Answer::Created(backup))
}

/// Deletes a named copy.
pub(super) fn delete(pool: &Locked<'_>, source: &Source) -> Result<Answer, Problem> {
    let backup = list::find(pool.places(), source, pool.now())?;
    if backup.kind != Kind::Named {
        let what = format!("{} was made by the program, which also deletes it in time", backup.name);
        return Err(Problem::new("bad-argument", Exit::Usage, what)
            .hint(Hint::Say("Only named backups can be deleted".to_owned())));
    }
    fs::remove_file(&backup.path).map_err(|error| unreadable(&backup.path, &error))?;
    Ok(Answer::Deleted(backup))
}

/// Writes the pool to a file of the user's choice.
pub(super) fn export(pool: &Locked<'_>, path: &Path, existing: Existing) -> Result<Answer, Problem> {
    if path == Path::new("-") {
        return Err(Problem::new(
            "bad-argument",
            Exit::Usage,
            "an export goes to a file, not to standard output",
        )
        .because("it holds tokens, which must not end in a terminal or a log")
        .hint(Hint::Say("Name a file; `./-` is one that is called so".to_owned())));
    }
    let (text, accounts) = copied(pool)?;
    let path = from_home(pool, path);
    let taken = || {
        Problem::new("already-exists", Exit::Failed, format!("the file already exists: {}", shown(&path)))
            .hint(Hint::Say("Choose another path, or add --force to replace it".to_owned()))
    };
    let failed = |error: &std::io::Error| Problem::from(unreadable(&path, error));
    if path.is_dir() {
        return Err(Problem::new("bad-argument", Exit::Usage, format!("{} is a folder", shown(&path)))
            .hint(Hint::Say("Name a file inside it".to_owned())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        let folder = folder.map(shown).unwrap_or_default();
        return Err(Problem::new("storage-unreadable", Exit::Failed, format!("there is no folder {folder}"))
            .hint(Hint::Say("Create the folder first".to_owned())));
    }
    if existing == Existing::Kept && fs::symlink_metadata(&path).is_ok() {
        return Err(taken());
    }
    let mut staged = Staged::write(&path, text.expose().as_bytes()).map_err(|error| failed(&error))?;
    staged.sync().map_err(|error| failed(&error))?;
    match existing {
        Existing::Kept => staged.publish_new().map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists { taken() } else { failed(&error) }
        })?,
        Existing::Replaced => staged.publish().map_err(|error| failed(&error))?,
    }
    Ok(Answer::Exported(path, accounts))
}

/// Replaces the pool by a copy.
pub(super) fn restore(pool: &Locked<'_>, source: &Source) -> Result<Answer, Problem> {
    let (places, at) = (pool.places(), pool.now());
    let from = list::find(places, source, at)?;
    let text = Secret::new(list::text(&from.path)?);
    let more = extension_text(pool);
    let kept = Kept::default();
    list::open(&from.path, text.expose(), at, |copy| {
        fits(pool, copy.roster().accounts.len())?;
        let done: RefCell<(Option<Taken>, usize, Option<Refill>)> = RefCell::default();
        let loaded = pool.commit(Ruin::Replaced, |document, extension, at| {
            refuse_fixture(&from.path, copy, document)?;
            let before = kept.copy(pool, Before::Restore, document, at)?;
            let undo = before.map(|before| Refill {
                from: before.path,
                selection: document.selection(),
                more: more.clone(),
            });
            fault::pass("restore.kept").map_err(|error| Problem::from(unreadable(&from.path, &error)))?;
            let replaced = document.roster().accounts.len();
            let taken = document.replace(copy, extension, at);
            let extent = taken.extent;
            *done.borrow_mut() = (Some(taken), replaced, undo);
            Ok::<_, Problem>(extent)
        })?;
        let (taken, replaced, undo) = done.into_inner();
        Ok(Answer::Restored(Box::new(Restored {
            from: from.clone(),
            before: kept.backup(),
            replaced,
            newer_kept: taken.map_or(0, |taken| taken.newer_kept),
            undo,
            pool: loaded,
        })))
    })
}

/// Reads a file that is to be merged in: any file for an import, or one of our copies.
pub(super) fn incoming(pool: &Locked<'_>, source: &Source) -> Result<Incoming, Problem> {
    let path = match source {
        Source::Named(_) => list::find(pool.places(), source, pool.now())?.path,
        Source::File(path) => from_home(pool, path),
    };
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| refused(&path, &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(list::invalid(format!("{} is larger than 4 MiB", shown(&path)))
            .because("no account pool is that large"));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // Refused before any lock is taken: a file that is no pool leaves no trace.
    list::open(&path, &text, pool.now(), |_| Ok(()))?;
    Ok(Incoming { path, text: Secret::new(text) })
}

/// Why a file that somebody named cannot be read.
fn refused(path: &Path, error: &std::io::Error) -> Problem {
    if path.is_dir() {
        return Problem::new("bad-argument", Exit::Usage, format!("{} is a folder", shown(path)))
            .hint(Hint::Say("Name a file inside it".to_owned()));
    }
    if error.kind() == std::io::ErrorKind::NotFound {
        return Problem::new("storage-unreadable", Exit::Failed, format!("there is no file {}", shown(path)))
            .hint(Hint::Say("Check the path; nothing was changed".to_owned()));
    }
    unreadable(path, error).into()
}

/// What merging a file in would do; nothing is written.
pub(super) fn preview(pool: &Locked<'_>, file: &Incoming) -> Result<Answer, Problem> {
    let at = pool.now();
    let most = pool.settings().max_accounts;
    list::open(&file.path, file.text.expose(), at, |copy| {
        let seen = pool.open(|document, extension| {
            let mut extension = extension.clone();
            let taken = document.merge(copy, &mut extension, at);
            let total = document.roster().accounts.len();
            limit(total, most)?;
            Ok::<_, Problem>(imported(file, Run::Dry, &taken, document.roster()))
        })??;
        Ok(Answer::Imported(Box::new(seen)))
    })
}

/// Merges a file into the pool.
pub(super) fn import(pool: &Locked<'_>, file: &Incoming) -> Result<Answer, Problem> {
    let at = pool.now();
    let most = pool.settings().max_accounts;
    let more = extension_text(pool);
    let kept = Kept::default();
    list::open(&file.path, file.text.expose(), at, |copy| {
        let done: RefCell<(Option<Imported>, Option<Refill>)> = RefCell::default();
        let loaded = pool.commit(Ruin::Replaced, |document, extension, at| {
            refuse_fixture(&file.path, copy, document)?;
            let untouched = document.clone();
            let selection = document.selection();
            let taken = document.merge(copy, extension, at);
            limit(document.roster().accounts.len(), most)?;
            let extent = taken.extent;
            let changes =
                taken.rows.iter().any(|(_, action)| *action != crate::domain::vault::Taking::Skipped);
            let undo = if changes {
                kept.copy(pool, Before::Import, &untouched, at)?.map(|before| Refill {
                    from: before.path,
                    selection,
                    more: more.clone(),
                })
            } else {
                None
            };
            fault::pass("import.merged").map_err(|error| Problem::from(unreadable(&file.path, &error)))?;
            *done.borrow_mut() = (Some(imported(file, Run::Real, &taken, document.roster())), undo);
            Ok::<_, Problem>(extent)
        })?;
        let (seen, undo) = done.into_inner();
        let seen = seen.ok_or_else(|| Problem::new("internal", Exit::Failed, "the import did not run"))?;
        Ok(Answer::Imported(Box::new(Imported { before: kept.backup(), undo, pool: Some(loaded), ..seen })))
    })
}

fn imported(file: &Incoming, run: Run, taken: &Taken, roster: &Roster) -> Imported {
    let row = |(key, action): &(_, _)| {
        let number = roster.index_of(key)? + 1;
        let label = reference::name(roster.get(key)?, number);
        Some(ImportedRow { key: key.clone(), number, label, action: *action })
    };
    let rows: Vec<ImportedRow> = taken.rows.iter().filter_map(row).collect();
    let added = rows.iter().filter(|row| row.action == crate::domain::vault::Taking::Added).count();
    Imported {
        run,
        from: file.path.clone(),
        added,
        skipped: rows.len() - added,
        total: roster.accounts.len(),
        rows,
        before: None,
        undo: None,
        pool: None,
    }
}

/// The text of a copy of the pool as it stands, and how many accounts are in it.
fn copied(pool: &Locked<'_>) -> Result<(Secret, usize), Problem> {
    let (text, accounts) =
        pool.open(|document, _| (Secret::new(document.to_export()), document.roster().accounts.len()))?;
    if accounts == 0 { Err(reference::no_accounts()) } else { Ok((text, accounts)) }
}

/// The copy an act makes first; made once, however often the edit runs, and made anew when the pool changed.
#[derive(Default)]
pub(super) struct Kept {
    made: RefCell<Option<(Backup, Secret)>>,
}

impl Kept {
    /// Makes the copy; `None` for a pool without accounts.
    pub(super) fn copy(
        &self,
        pool: &Locked<'_>,
        act: Before,
        document: &Document<'_>,
        at: Moment,
    ) -> Result<Option<Backup>, Problem> {
        let accounts = document.roster().accounts.len();
        if accounts == 0 {
            return Ok(None);
        }
        let text = Secret::new(document.to_export());
        if let Some((backup, kept)) = self.made.borrow().as_ref()
            && *kept == text
        {
            return Ok(Some(backup.clone()));
        }
        let backup = named::write_before(pool.places(), act, text.expose(), accounts, at)?;
        *self.made.borrow_mut() = Some((backup.clone(), text));
        Ok(Some(backup))
    }

    /// The copy that was made.
    pub(super) fn backup(&self) -> Option<Backup> {
        self.made.borrow().as_ref().map(|(backup, _)| backup.clone())
    }
}

/// The extension file as it stands: what an undo needs beside the rows.
pub(super) fn extension_text(pool: &Locked<'_>) -> Option<Secret> {
    let text = crate::adapters::disk::atomic::read_text(&pool.places().extension()).ok().flatten();
    text.map(Secret::new)
}

fn fits(pool: &Locked<'_>, accounts: usize) -> Result<(), Problem> {
    limit(accounts, pool.settings().max_accounts)
}

pub(super) fn limit(accounts: usize, most: usize) -> Result<(), Problem> {
    if most == 0 || accounts <= most {
        return Ok(());
    }
    let what = format!("the pool would have {accounts} accounts; the setting `maxAccounts` allows {most}");
    Err(Problem::new("out-of-range", Exit::Usage, what)
        .hint(Hint::Run("config set maxAccounts 0".to_owned())))
}

/// A pool of somebody's test fixtures never replaces a real one (storage.md §6.1).
fn refuse_fixture(path: &Path, copy: &Document<'_>, pool: &Document<'_>) -> Result<(), Problem> {
    let real = !pool.roster().accounts.is_empty() && !pool.is_synthetic();
    if real && copy.is_synthetic() {
        return Err(list::invalid(format!("{} holds made-up test accounts only", shown(path))));
    }
    Ok(())
}

/// A leading `~` that the shell left.
fn from_home(pool: &Locked<'_>, path: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) if !pool.places().user_home().as_os_str().is_empty() => pool.places().user_home().join(rest),
        Ok(_) | Err(_) => path.to_path_buf(),
    }
}
