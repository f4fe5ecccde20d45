//! The flagged pool on disk (storage.md §7), under a lock of its own that is always taken before the pool's.
//!
//! An account that moves stands in both files for a moment, never in none: towards the flagged pool that file is
//! written first, back towards the pool the pool is. What a cut leaves double, the next move clears away.

use std::cell::RefCell;
use std::io;

use crate::adapters::disk::atomic;
use crate::adapters::fault;
use crate::adapters::store::{DiskStore, Locked, Ruin, quarantine, shown, unreadable};
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::places::{FLAGGED_FILE, Places};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::token;
use crate::domain::vault::{Answer, Flagged, Flagging, Reclaim};
use crate::formats::accounts::Document;
use crate::formats::extension::Extension;
use crate::formats::flagged::FlaggedDocument;
use crate::ports::Clock;

/// The flagged pool while its lock is held.
pub(super) struct Shelf<'a> {
    places: &'a Places,
    at: Moment,
}

impl<C: Clock> DiskStore<C> {
    /// Works on the flagged pool alone.
    pub(super) async fn with_flagged(
        &self,
        work: impl FnOnce(&Shelf<'_>) -> Result<Answer, Problem> + Send + 'static,
    ) -> Result<Answer, Problem> {
        let lock = self.lock(&self.places().flagged_lock()).await?;
        self.looking(move |pool| {
            let _lock = lock;
            work(&Shelf { places: pool.places(), at: pool.now() })
        })
        .await
    }

    /// Moves accounts from the pool to the flagged pool.
    pub(super) async fn flag(&self, whom: Vec<Flagging>) -> Result<Answer, Problem> {
        let lock = self.lock(&self.places().flagged_lock()).await?;
        self.locked(move |pool| {
            let _lock = lock;
            flag(pool, &whom)
        })
        .await
    }

    /// Moves a flagged account back into the pool.
    pub(super) async fn reclaim(&self, reclaim: Reclaim) -> Result<Answer, Problem> {
        let lock = self.lock(&self.places().flagged_lock()).await?;
        self.locked(move |pool| {
            let _lock = lock;
            bring_back(pool, &reclaim)
        })
        .await
    }
}

/// Lists it.
pub(super) fn list(shelf: &Shelf<'_>) -> Result<Answer, Problem> {
    shelf.edit(|document| (Edit::None, document.accounts().cloned().collect())).map(Answer::Flagged)
}

/// Deletes accounts from it.
pub(super) fn unflag(shelf: &Shelf<'_>, keys: &[AccountKey]) -> Result<Answer, Problem> {
    shelf.edit(|document| (Edit::Changed, document.remove(keys))).map(Answer::Flagged)
}

/// How many accounts are in it, without touching anything.
pub(super) fn count(places: &Places) -> usize {
    let found = find(places, Moment::EPOCH).unwrap_or(Found::nothing());
    let text = found.text.unwrap_or_default();
    FlaggedDocument::parse(&text, Moment::EPOCH).map_or(0, |document| document.accounts().count())
}

fn flag(pool: &Locked<'_>, whom: &[Flagging]) -> Result<Answer, Problem> {
    let shelf = Shelf { places: pool.places(), at: pool.now() };
    let path = shelf.places.flagged();
    let before = atomic::read(&path).map_err(|error| Problem::from(unreadable(&path, &error)))?;
    let moved: RefCell<Vec<Flagged>> = RefCell::default();
    let committed = pool.commit(Ruin::Refused, |document, extension, at| {
        let rows: Vec<(String, Flagged)> = whom
            .iter()
            .filter_map(|one| {
                let account = document.roster().get(&one.key)?.clone();
                let row = document.row(&one.key)?.1.to_owned();
                let (reason, error) = (Some(one.reason.clone()), one.error.clone());
                Some((row, Flagged { account, at, reason, error }))
            })
            .collect();
        shelf.edit(|flagged| {
            for (row, one) in &rows {
                flagged.add(row, one);
            }
            (Edit::Changed, ())
        })?;
        fault::pass("flag.written").map_err(|error| Problem::from(unreadable(&path, &error)))?;
        let removed: Vec<Change> =
            rows.iter().map(|(_, one)| Change::Removed { key: one.account.key.clone() }).collect();
        *moved.borrow_mut() = rows.into_iter().map(|(_, one)| one).collect();
        Ok::<_, Problem>(document.apply(&removed, extension, at))
    });
    match committed {
        Ok(loaded) => Ok(Answer::MovedToFlagged(Box::new((moved.into_inner(), loaded)))),
        Err(problem) => Err(match put_back(&path, before.as_deref()) {
            Ok(()) => problem,
            Err(error) => problem.because(format!("{} could not be put back either: {error}", shown(&path))),
        }),
    }
}

fn put_back(path: &std::path::Path, before: Option<&[u8]>) -> io::Result<()> {
    match before {
        Some(bytes) => atomic::write(path, bytes),
        None => atomic::remove(path),
    }
}

fn bring_back(pool: &Locked<'_>, reclaim: &Reclaim) -> Result<Answer, Problem> {
    let shelf = Shelf { places: pool.places(), at: pool.now() };
    let key = &reclaim.account.key;
    let at = shelf.at;
    let text = shelf.edit(|document| {
        let stored = document.accounts().find(|one| one.account.key == *key);
        let current =
            stored.is_some_and(|one| token::hash(&one.account.credentials.refresh) == reclaim.spent);
        (Edit::None, if current { document.as_pool(&reclaim.account, at) } else { None })
    })?;
    let Some(text) = text else {
        return Err(Problem::new("pool-changed", Exit::Failed, "the flagged account was changed meanwhile")
            .hint(Hint::Run("flagged list".to_owned())));
    };
    let internal = |error: &dyn std::fmt::Display| Problem::new("internal", Exit::Failed, error.to_string());
    let one = Document::parse(&text, &Extension::default(), at).map_err(|error| internal(&error))?;
    let most = pool.settings().max_accounts;
    let loaded = pool.commit(Ruin::Refused, |document, extension, at| {
        let taken = document.merge(&one, extension, at);
        super::transfer::limit(document.roster().accounts.len(), most)?;
        let renewed = taken.rows.first().map(|(key, _)| Change::Renewed {
            key: key.clone(),
            credentials: Box::new(reclaim.account.credentials.clone()),
            at,
        });
        let extent = document.apply(renewed.as_slice(), extension, at);
        Ok::<_, Problem>(taken.extent.max(extent))
    })?;
    fault::pass("reclaim.saved").map_err(|error| internal(&error))?;
    // The pool has it: were this file not written, the account would only be offered once more.
    shelf.edit(|document| (Edit::Changed, document.remove(std::slice::from_ref(key))))?;
    Ok(Answer::Pool(Box::new(loaded)))
}

/// Whether an edit changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    None,
    Changed,
}

impl Shelf<'_> {
    /// Shows the document and saves it when the edit changed it, or when it was found somewhere else.
    fn edit<R>(&self, then: impl FnOnce(&mut FlaggedDocument<'_>) -> (Edit, R)) -> Result<R, Problem> {
        let path = self.places.flagged();
        let failed = |error: io::Error| Problem::from(unreadable(&path, &error));
        let found = find(self.places, self.at).map_err(failed)?;
        let text = found.text.unwrap_or_default();
        let mut document =
            FlaggedDocument::parse(&text, self.at).unwrap_or_else(|_| FlaggedDocument::empty());
        let moved = found.source != Origin::Primary && document.accounts().next().is_some();
        let (edit, answer) = then(&mut document);
        if edit == Edit::Changed || moved {
            let keep = |name: &str, bytes: &[u8]| quarantine(self.places, name, bytes, self.at);
            match &found.primary {
                Primary::Usable(bytes) => {
                    atomic::write(&self.places.flagged_with(".bak"), bytes).map_err(failed)?;
                }
                Primary::Unusable(bytes) => keep(FLAGGED_FILE, bytes).map_err(failed)?,
                Primary::Missing => {}
            }
            for row in document.unusable() {
                keep("flagged-row.json", row.as_bytes()).map_err(failed)?;
            }
            atomic::write(&path, document.to_text().as_bytes()).map_err(failed)?;
            atomic::remove(&self.places.flagged_with(".reset-intent")).map_err(failed)?;
        }
        if found.source == Origin::Legacy {
            atomic::remove(&self.places.blocked()).map_err(failed)?;
        }
        Ok(answer)
    }
}

/// Where the flagged pool was found.
struct Found {
    source: Origin,
    text: Option<String>,
    primary: Primary,
}

impl Found {
    fn nothing() -> Self {
        Self { source: Origin::Primary, text: None, primary: Primary::Missing }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Primary,
    Backup,
    Legacy,
}

enum Primary {
    Missing,
    Usable(Vec<u8>),
    Unusable(Vec<u8>),
}

/// The file itself, else a backup, else the file under its old name; nothing while the reset marker stands.
fn find(places: &Places, at: Moment) -> io::Result<Found> {
    let bytes = atomic::read(&places.flagged())?;
    let marked = places.flagged_with(".reset-intent").exists();
    let usable = |text: &str| FlaggedDocument::parse(text, at).is_ok();
    let primary = match bytes {
        None => Primary::Missing,
        Some(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if usable(&text) {
                let text = (!marked).then_some(text);
                return Ok(Found { source: Origin::Primary, text, primary: Primary::Usable(bytes) });
            }
            Primary::Unusable(bytes)
        }
    };
    if marked {
        return Ok(Found { primary, ..Found::nothing() });
    }
    for suffix in [".bak", ".bak.1", ".bak.2"] {
        let text = atomic::read_text(&places.flagged_with(suffix)).ok().flatten();
        if let Some(text) = text.filter(|text| usable(text)) {
            return Ok(Found { source: Origin::Backup, text: Some(text), primary });
        }
    }
    if matches!(primary, Primary::Missing)
        && let Some(text) = atomic::read_text(&places.blocked())?.filter(|text| usable(text))
    {
        return Ok(Found { source: Origin::Legacy, text: Some(text), primary });
    }
    Ok(Found { source: Origin::Primary, text: None, primary })
}
