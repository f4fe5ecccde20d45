//! Accounts that go, and come back when the user thinks again.

use std::cell::RefCell;
use std::fs;

use crate::adapters::disk::atomic;
use crate::adapters::store::{Locked, Ruin, shown};
use crate::adapters::vault::{flagged, list, named, transfer};
use crate::base::Secret;
use crate::domain::account::AccountKey;
use crate::domain::backup::Before;
use crate::domain::change::Change;
use crate::domain::official::{ChatGpt, Login};
use crate::domain::places::Places;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::reference;
use crate::domain::roster::Roster;
use crate::domain::token;
use crate::domain::vault::{Answer, Cleared, Copies, Kept, Refill, Removed, Restored};
use crate::formats::codex_auth;
use crate::formats::extension::Extension;
use crate::formats::leases;
use crate::ports::store::StoreError;

/// Deletes one account, after a copy of the pool.
pub(super) fn one(pool: &Locked<'_>, key: &AccountKey) -> Result<Answer, Problem> {
    let before = transfer::Kept::default();
    let kept: RefCell<Option<(String, Kept)>> = RefCell::default();
    let loaded = pool.commit(Ruin::Refused, |document, extension, at| {
        let roster = document.roster();
        let label = roster
            .index_of(key)
            .and_then(|place| roster.get(key).map(|account| reference::name(account, place + 1)));
        let (Some(label), Some((place, row))) = (label, document.row(key)) else { return Err(gone()) };
        let kept_row = Kept {
            key: key.clone(),
            row: Secret::new(row),
            more: extension.record_text(key).map(Secret::new),
            place,
            selection: document.selection(),
        };
        before.copy(pool, Before::Remove, document, at)?;
        *kept.borrow_mut() = Some((label, kept_row));
        Ok(document.apply(&[Change::Removed { key: key.clone() }], extension, at))
    })?;
    let (Some((label, kept)), Some(before)) = (kept.into_inner(), before.backup()) else {
        return Err(gone());
    };
    Ok(Answer::Removed(Box::new(Removed { label, before, kept, pool: loaded })))
}

/// Puts a deleted account back as it was.
pub(super) fn put_back(pool: &Locked<'_>, kept: &Kept) -> Result<Answer, Problem> {
    let loaded = pool.commit(Ruin::Refused, |document, extension, at| {
        if let Some(record) = &kept.more {
            extension.put_back(&kept.key, record.expose());
        }
        let row = kept.row.expose();
        let Some(extent) = document.put_back(&kept.key, row, kept.place, extension, at) else {
            return Err(changed("the account is there again"));
        };
        Ok(extent.max(document.select(&kept.selection, extension)))
    })?;
    Ok(Answer::Pool(Box::new(loaded)))
}

/// Deletes all accounts.
pub(super) fn all(pool: &Locked<'_>, copies: Copies) -> Result<Answer, Problem> {
    let places = pool.places();
    let more = transfer::extension_text(pool);
    let seen = pool.open(|document, _| (document.roster().clone(), document.selection()));
    // A pool that nothing can repair may be deleted, too: its file is kept in quarantine. One of a newer version,
    // or one that the system does not let us read, may not.
    let ((roster, selection), unreadable) = match seen {
        Ok(seen) => (seen, None),
        Err(StoreError::Corrupt { path, .. }) => (Default::default(), Some(path)),
        Err(error) => return Err(error.into()),
    };
    if roster.accounts.is_empty() && !places.pool().exists() {
        return Err(reference::no_accounts());
    }
    let (loaded, before) = pool.clear(copies)?;
    if copies == Copies::Purged {
        forget_results(places, &roster);
    }
    let undo = before.as_ref().map(|before| Refill { from: before.path.clone(), selection, more });
    let left = left(places, &roster);
    // With backups turned off the copies are looked at here only, where they are about to go.
    let accounts = before.as_ref().map_or(roster.accounts.len(), |before| before.accounts);
    let unreadable = unreadable.filter(|_| before.is_none());
    Ok(Answer::Cleared(Box::new(Cleared { accounts, unreadable, copies, before, undo, left, pool: loaded })))
}

/// Puts a whole pool back from the copy that was made first.
pub(super) fn refill(pool: &Locked<'_>, refill: &Refill) -> Result<Answer, Problem> {
    let at = pool.now();
    let source = crate::domain::vault::Source::File(refill.from.clone());
    let from = list::find(pool.places(), &source, at)?;
    let text = Secret::new(list::text(&from.path)?);
    list::open(&from.path, text.expose(), at, |copy| {
        let counts = RefCell::new((0, 0));
        let loaded = pool.commit(Ruin::Replaced, |document, extension, at| {
            if let Some(earlier) = &refill.more {
                extension.take_over(&Extension::parse(earlier.expose()));
            }
            let replaced = document.roster().accounts.len();
            let taken = document.replace(copy, extension, at);
            *counts.borrow_mut() = (replaced, taken.newer_kept);
            Ok::<_, Problem>(taken.extent.max(document.select(&refill.selection, extension)))
        })?;
        let (replaced, newer_kept) = counts.into_inner();
        Ok(Answer::Restored(Box::new(Restored {
            from: from.clone(),
            before: None,
            replaced,
            newer_kept,
            undo: None,
            pool: loaded,
        })))
    })
}

/// Results of refreshes hold tokens of accounts that are gone.
fn forget_results(places: &Places, roster: &Roster) {
    let hashes: Vec<String> =
        roster.accounts.iter().map(|account| token::hash(&account.credentials.refresh)).collect();
    let Ok(entries) = fs::read_dir(places.leases()) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let Ok(Some(text)) = atomic::read_text(&path) else { continue };
        let ours = leases::parse_result(&text).is_some_and(|result| {
            hashes.contains(&result.token_hash) || hashes.contains(&token::hash(&result.refresh))
        });
        if ours {
            let _ = atomic::remove(&path);
        }
    }
}

/// Where tokens of these accounts still are, in words.
fn left(places: &Places, roster: &Roster) -> Vec<String> {
    let mut left = Vec::new();
    let count = |folder: std::path::PathBuf| {
        fs::read_dir(folder)
            .map_or(0, |entries| entries.flatten().filter(|entry| entry.path().is_file()).count())
    };
    let copies = named::files(places).map_or(0, |files| files.len());
    if copies > 0 {
        left.push(format!("{} in {}", counted(copies, "named backup"), shown(&places.backups())));
    }
    let snapshots = count(places.snapshots());
    if snapshots > 0 {
        left.push(format!("{} in {}", counted(snapshots, "snapshot"), shown(&places.snapshots())));
    }
    let quarantined = count(places.quarantine());
    if quarantined > 0 {
        left.push(format!("{} in {}", counted(quarantined, "file"), shown(&places.quarantine())));
    }
    let flagged = flagged::count(places);
    if flagged > 0 {
        left.push(format!("{} in {}", counted(flagged, "flagged account"), shown(&places.flagged())));
    }
    let official = atomic::read(places.auth_json()).ok().flatten();
    let login = codex_auth::read(official.as_deref(), "");
    let held = |login: &ChatGpt| {
        roster.accounts.iter().any(|account| Some(&account.credentials.refresh) == login.refresh.as_ref())
    };
    if matches!(&login, Login::ChatGpt(login) if held(login)) {
        left.push(format!("the official CLI's login in {}", shown(places.auth_json())));
    }
    left
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn gone() -> Problem {
    Problem::new("unknown-account", Exit::Usage, "that account is gone").hint(Hint::Run("status".to_owned()))
}

fn changed(why: &str) -> Problem {
    Problem::new("pool-changed", Exit::Failed, "the pool was changed elsewhere since; nothing was undone")
        .because(why)
}
