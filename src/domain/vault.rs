//! What can be asked of the keeper of backups, imports and the flagged pool, and what it answers.
//!
//! Every act happens whole under the pool's lock, on the pool as it stands on disk at that moment. What an answer
//! gives back for undoing stays inside secrets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::base::{Moment, Secret};
use crate::domain::account::{Account, AccountKey};
use crate::domain::backup::{Backup, Comparison, Name};
use crate::domain::companion::Synced;
use crate::domain::found::Haul;
use crate::domain::model::Family;
use crate::domain::recovery::Loaded;

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Lists every copy of the pool, newest first.
    List,
    /// Reads copies again and says which are good: one, or all.
    Verify(Option<Source>),
    /// Compares a copy with the pool.
    Compare(Source),
    /// Copies the pool under a name of its own; `None` = by the clock.
    Create(Option<Name>),
    /// Deletes a named copy.
    Delete(Source),
    /// Replaces the pool by a copy; newer tokens stay, the pool is copied first.
    Restore(Source),
    /// Writes the pool to a file of the user's choice.
    Export(PathBuf, Existing),
    /// Merges a file or copy into the pool, or only says what that would do.
    Import(Source, Run),
    /// Looks for sign-ins of other programs in these places, or the usual ones, and takes over what was chosen.
    Scan(Vec<PathBuf>, Choice, Run),
    /// Deletes one account, after a copy.
    Remove(AccountKey),
    /// Puts a deleted account back as it was (undo).
    PutBack(Box<Kept>),
    /// Deletes all accounts.
    Clear(Copies),
    /// Puts a whole pool back from the copy that was made first (undo).
    Refill(Box<Refill>),
    /// Lists the flagged pool.
    Flagged,
    /// Deletes accounts from the flagged pool, after a copy of it.
    Unflag(Vec<AccountKey>),
    /// Moves accounts whose sign-in is dead from the pool to the flagged pool.
    Flag(Vec<Flagging>),
    /// Moves a flagged account back into the pool with the tokens it has now; nothing happens when its stored
    /// refresh token is no longer the one with this SHA-256.
    Reclaim(Box<Reclaim>),
    /// Takes our accounts to the companion tool's pool, or only says what that would do.
    Sync(Run),
}

impl Act {
    /// Whether it may change a file.
    pub fn writes(&self) -> bool {
        !matches!(
            self,
            Self::List
                | Self::Verify(_)
                | Self::Compare(_)
                | Self::Flagged
                | Self::Import(_, Run::Dry)
                | Self::Scan(_, _, Run::Dry)
                | Self::Sync(Run::Dry)
        )
    }
}

/// Which copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// As a person calls it: a named backup first, then a snapshot or a generation.
    Named(String),
    /// By its path. Only an import takes a file from anywhere.
    File(PathBuf),
}

/// Which of the sign-ins that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Every one that can be taken over.
    All,
    /// These: the file, and the place in it.
    These(Vec<(String, usize)>),
}

/// What happens to a file that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the act is refused.
    Kept,
    /// It is replaced.
    Replaced,
}

/// Whether an import writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// It only says what it would do.
    Dry,
    /// It writes.
    Real,
}

/// What a delete-all leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    /// A named copy is made first; snapshots stay.
    Kept,
    /// No copy; snapshots and everything else of ours that holds these tokens go, too. Named backups stay.
    Purged,
}

/// Why an account is flagged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flagging {
    /// Whose.
    pub key: AccountKey,
    /// `token-invalid`, ….
    pub reason: String,
    /// Upstream's words, masked.
    pub error: Option<String>,
}

/// A flagged account that works again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reclaim {
    /// The account as it is to stand in the pool; its key names the flagged row.
    pub account: Account,
    /// SHA-256 (hex) of the refresh token that was read.
    pub spent: String,
}

/// Selection and pin, by identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Selected account.
    pub active: Option<AccountKey>,
    /// Selected account per family.
    pub by_family: BTreeMap<Family, AccountKey>,
    /// The pin.
    pub pin: Option<AccountKey>,
}

/// A deleted account, as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose.
    pub key: AccountKey,
    /// Its row, byte for byte.
    pub row: Secret,
    /// Its record in the extension file, if it had one.
    pub more: Option<Secret>,
    /// Its 0-based position.
    pub place: usize,
    /// Selection and pin from before.
    pub selection: Selection,
}

/// A pool to be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refill {
    /// From which copy.
    pub from: PathBuf,
    /// Selection and pin from before.
    pub selection: Selection,
    /// The extension file from before: id tokens and the like.
    pub more: Option<Secret>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To [`Act::List`] and [`Act::Verify`].
    Listed(Vec<Backup>),
    /// To [`Act::Compare`].
    Compared(Box<(Backup, Comparison)>),
    /// To [`Act::Create`].
    Created(Backup),
    /// To [`Act::Delete`]: what it was.
    Deleted(Backup),
    /// To [`Act::Restore`] and [`Act::Refill`].
    Restored(Box<Restored>),
    /// To [`Act::Export`]: where, and how many accounts.
    Exported(PathBuf, usize),
    /// To [`Act::Import`].
    Imported(Box<Imported>),
    /// To [`Act::Scan`]: the pool now, when it may have changed.
    Found(Box<(Haul, Option<Loaded>)>),
    /// To [`Act::Remove`].
    Removed(Box<Removed>),
    /// To [`Act::PutBack`] and [`Act::Reclaim`]: the pool now.
    Pool(Box<Loaded>),
    /// To [`Act::Clear`].
    Cleared(Box<Cleared>),
    /// To [`Act::Flagged`]: the flagged pool; to [`Act::Unflag`]: what was deleted.
    Flagged(Vec<Flagged>),
    /// To [`Act::Flag`].
    MovedToFlagged(Box<(Vec<Flagged>, Loaded)>),
    /// To [`Act::Sync`].
    Synced(Box<Synced>),
}

impl Answer {
    /// The pool as the act left it, when it may have changed it.
    pub fn pool(&self) -> Option<&Loaded> {
        match self {
            Self::Restored(restored) => Some(&restored.pool),
            Self::Imported(imported) => imported.pool.as_ref(),
            Self::Found(found) => found.1.as_ref(),
            Self::Removed(removed) => Some(&removed.pool),
            Self::Pool(pool) => Some(pool),
            Self::Cleared(cleared) => Some(&cleared.pool),
            Self::MovedToFlagged(moved) => Some(&moved.1),
            Self::Listed(_)
            | Self::Compared(_)
            | Self::Created(_)
            | Self::Deleted(_)
            | Self::Exported(..)
            | Self::Flagged(_)
            | Self::Synced(_) => None,
        }
    }
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// From which copy.
    pub from: Backup,
    /// The copy of the pool from before; `None` when it had no accounts.
    pub before: Option<Backup>,
    /// Accounts that were in the pool before.
    pub replaced: usize,
    /// Accounts whose tokens in the pool stayed, because the copy's are older.
    pub newer_kept: usize,
    /// How to take it back.
    pub undo: Option<Refill>,
    /// The pool now.
    pub pool: Loaded,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Whether it wrote.
    pub run: Run,
    /// The file.
    pub from: PathBuf,
    /// Accounts that are new.
    pub added: usize,
    /// Accounts of the file that are not: already here.
    pub skipped: usize,
    /// Accounts of the pool afterwards.
    pub total: usize,
    /// Each account of the file.
    pub rows: Vec<ImportedRow>,
    /// The copy of the pool from before, when one was made.
    pub before: Option<Backup>,
    /// How to take it back.
    pub undo: Option<Refill>,
    /// The pool now; `None` when nothing was written.
    pub pool: Option<Loaded>,
}

impl Imported {
    /// Accounts that were here, and of which the file knows something newer.
    pub fn updated(&self) -> usize {
        self.rows.iter().filter(|row| row.action == Taking::Updated).count()
    }

    /// Accounts that were here, and of which the file knows nothing newer.
    pub fn known(&self) -> usize {
        self.skipped.saturating_sub(self.updated())
    }
}

/// One account of an imported file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedRow {
    /// Whose it is in the pool.
    pub key: AccountKey,
    /// 1-based position in the pool afterwards.
    pub number: usize,
    /// Label, else e-mail, else `Account N`.
    pub label: String,
    /// What becomes of it.
    pub action: Taking,
}

/// What becomes of an imported account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// It is new.
    Added,
    /// It is here, and what the file knows is newer.
    Updated,
    /// It is here, and nothing is newer.
    Skipped,
}

impl Taking {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Skipped => "skipped",
        }
    }
}

/// What deleting one account did.
#[derive(Debug, Clone, PartialEq)]
pub struct Removed {
    /// Its label.
    pub label: String,
    /// The copy of the pool from before.
    pub before: Backup,
    /// How to put it back.
    pub kept: Kept,
    /// The pool now.
    pub pool: Loaded,
}

/// What deleting all accounts did.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleared {
    /// How many there were, as far as the pool could be read.
    pub accounts: usize,
    /// The pool file, when nobody could read it.
    pub unreadable: Option<String>,
    /// What was to be left behind.
    pub copies: Copies,
    /// The copy of the pool from before, unless purged or empty.
    pub before: Option<Backup>,
    /// How to take it back.
    pub undo: Option<Refill>,
    /// Places that still hold tokens of these accounts, in words.
    pub left: Vec<String>,
    /// The pool now.
    pub pool: Loaded,
}

impl Cleared {
    /// What became of a pool file nobody could read.
    pub const fn words(&self) -> &'static str {
        match self.copies {
            Copies::Kept => {
                "Deleted the pool file: it could not be read, so its accounts are not counted; it is kept in quarantine"
            }
            Copies::Purged => {
                "Deleted the pool file: it could not be read, so its accounts are not counted; no copy was kept"
            }
        }
    }
}

/// One account of the flagged pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flagged {
    /// The account.
    pub account: Account,
    /// Since when.
    pub at: Moment,
    /// `token-invalid`, ….
    pub reason: Option<String>,
    /// The last failure, in upstream's words.
    pub error: Option<String>,
}
