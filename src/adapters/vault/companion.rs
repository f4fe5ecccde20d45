//! The companion tool's pool on disk: found, read, and written with a copy first (storage.md §12).

use std::fs;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic::{self, Published, Staged};
use crate::adapters::places;
use crate::adapters::store::{Locked, shown, unreadable};
use crate::adapters::vault::list;
use crate::base::calendar;
use crate::domain::companion::{Action, Evidence, Line, Step, Synced, Target, plan};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::reference;
use crate::domain::vault::{Answer, Run};
use crate::formats::accounts::{Document, ParseAccountsError};
use crate::formats::companion::Pool;

const POOL: &str = "openai-codex-accounts.json";
const COPIES: &str = "backups";

/// Somebody else who keeps writing is left alone after so many turns.
const TURNS: usize = 5;

/// What taking our accounts there would do; nothing is written.
pub(super) fn preview(pool: &Locked<'_>) -> Result<Answer, Problem> {
    synced(pool, Run::Dry)
}

/// Takes them there.
pub(super) fn apply(pool: &Locked<'_>) -> Result<Answer, Problem> {
    synced(pool, Run::Real)
}

fn synced(pool: &Locked<'_>, run: Run) -> Result<Answer, Problem> {
    let target = find(pool);
    let nothing = |target| Synced {
        run,
        target,
        existing: None,
        rows: Vec::new(),
        backup: None,
        changed: false,
        at: pool.now(),
    };
    let Target::Found(folder) = &target else { return Ok(Answer::Synced(Box::new(nothing(target)))) };
    let path = folder.join(POOL);
    let mut backup = None;
    for _ in 0..TURNS {
        let bytes = atomic::read(&path).map_err(|error| Problem::from(unreadable(&path, &error)))?;
        let text = bytes.as_deref().map(String::from_utf8_lossy);
        let written = pool.open(|ours, _| {
            let at = pool.now();
            let theirs =
                text.as_deref().map(|text| Pool::parse(text, at).map_err(|fault| refused(&path, &fault)));
            let mut theirs = theirs.transpose()?.unwrap_or_else(Pool::empty);
            let steps = plan(&ours.roster().accounts, theirs.accounts(), at);
            let seen = Synced {
                existing: bytes.as_ref().map(|_| theirs.accounts().len()),
                rows: steps.iter().map(|step| line(*step, ours, &theirs)).collect(),
                ..nothing(target.clone())
            };
            if run == Run::Dry || !seen.has_news() {
                return Ok((seen, None));
            }
            let accounts = &ours.roster().accounts;
            theirs.take(&steps, |place| {
                let account = accounts.get(place)?;
                ours.row(&account.key).map(|(_, row)| row)
            });
            Ok::<_, Problem>((seen, Some(theirs.to_text())))
        })??;
        let (mut seen, Some(text)) = written else { return Ok(Answer::Synced(Box::new(written.0))) };
        if let (Some(bytes), None) = (&bytes, &backup) {
            backup = Some(copy(folder, bytes, pool)?);
        }
        let staged = Staged::write(&path, text.as_bytes());
        let published = staged.and_then(|staged| staged.publish_over(bytes.as_deref()));
        match published.map_err(|error| Problem::from(unreadable(&path, &error)))? {
            Published::Done => {
                seen.backup = backup;
                seen.changed = true;
                return Ok(Answer::Synced(Box::new(seen)));
            }
            Published::Overtaken => {}
        }
    }
    Err(Problem::new("storage-busy", Exit::Failed, format!("another program keeps writing {}", shown(&path)))
        .hint(Hint::Say("End the companion tool and try again; nothing was changed".to_owned())))
}

/// Where its pool is.
fn find(pool: &Locked<'_>) -> Target {
    let places = pool.places();
    let project = places::project(places, &places::current_dir()).map(|project| project.key);
    let mut candidates = places.companions(project.as_deref());
    if places.names_companion() {
        return candidates.pop().map_or(Target::Missing, Target::Found);
    }
    let looked: Vec<_> = candidates.into_iter().map(|path| (path.clone(), look(&path))).collect();
    Target::among(&looked)
}

fn look(folder: &Path) -> Evidence {
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let own = names(folder);
    let copies = names(&folder.join(COPIES));
    Evidence {
        accounts: own.iter().chain(&copies).any(|name| is_pool(name)),
        signals: own.iter().any(|name| name == COPIES || name == "projects"),
    }
}

/// Whether a name is that of a pool, its journal or a rotated copy; temporary files of writers are none.
fn is_pool(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(POOL) else { return false };
    let is_staging = rest.contains(".rotate.") || rest.rsplit('.').next() == Some("tmp");
    rest.is_empty() || (rest.starts_with('.') && !is_staging)
}

fn line(step: Step, ours: &Document<'_>, theirs: &Pool<'_>) -> Line {
    let here = step.here.and_then(|place| ours.roster().accounts.get(place).map(|row| (place, row)));
    let there = step.there.and_then(|place| theirs.accounts().get(place).map(|row| (place, row)));
    let named = here.or(there);
    let used = |row: Option<(usize, &crate::domain::account::Account)>| {
        row.map(|(_, row)| row.last_used).filter(|at| *at != crate::base::Moment::EPOCH)
    };
    Line {
        action: step.action,
        label: named.map(|(place, row)| reference::name(row, place + 1)).unwrap_or_default(),
        here: if step.action == Action::Keep { None } else { used(here) },
        there: used(there),
    }
}

/// Copies their pool beside their other copies.
fn copy(folder: &Path, bytes: &[u8], pool: &Locked<'_>) -> Result<PathBuf, Problem> {
    let copies = folder.join(COPIES);
    let is_link = fs::symlink_metadata(&copies).is_ok_and(|meta| !meta.is_dir());
    if is_link {
        return Err(Problem::new(
            "backup-invalid",
            Exit::Failed,
            format!("{} is no real folder", shown(&copies)),
        )
        .because("a link there would carry the tokens somewhere else")
        .hint(Hint::Say("Move the link away and try again; nothing was changed".to_owned())));
    }
    let label = calendar::label(pool.now());
    for number in 1..100_u32 {
        let name = if number == 1 {
            format!("before-sync-{label}.json")
        } else {
            format!("before-sync-{label}-{number}.json")
        };
        let path = copies.join(name);
        match Staged::write(&path, bytes).and_then(Staged::publish_new) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unreadable(&path, &error).into()),
        }
    }
    Err(list::invalid(format!("there are too many copies of one second in {}", shown(&copies))))
}

fn refused(path: &Path, fault: &ParseAccountsError) -> Problem {
    Problem::new("companion-unreadable", Exit::Failed, format!("{} cannot be changed: {fault}", shown(path)))
        .because("a file that is not understood is left as it is")
        .hint(Hint::Say("Open it with its own program once, then try again".to_owned()))
}
