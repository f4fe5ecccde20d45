//! What became of copies, transfers, deletions and the flagged pool.

use std::path::PathBuf;

use crate::app::outcome::{Mirrored, Named};
use crate::base::Moment;
use crate::domain::account::Switch;
use crate::domain::backup::{Backup, Comparison};
use crate::domain::companion::Synced;
use crate::domain::found::Haul;
use crate::domain::vault::{Cleared, Flagged, Imported, Removed, Restored};

/// What to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// `backup list`; the moment is for ages.
    Listed(Vec<Backup>, Moment),
    /// `backup verify`.
    Verified(Vec<Backup>, Moment),
    /// The comparison before a question.
    Compared(Backup, Comparison),
    /// `backup create`.
    Created(Backup),
    /// `backup delete`.
    Deleted(Backup),
    /// `backup restore`, and a delete-all taken back.
    Restored(Restored, Following),
    /// `export`.
    Exported(PathBuf, usize),
    /// `import`.
    Imported(Imported),
    /// `import --scan`.
    Found(Haul),
    /// `account remove`.
    Removed(Named, Removed),
    /// `account remove --all`.
    Cleared(Cleared),
    /// A deleted or flagged account is in the pool again.
    Back,
    /// `account enable`, `account disable`; whether that was news.
    Switched(Named, Switch, Changed),
    /// `account label`; whether that was news.
    Labelled(Named, Changed),
    /// `flagged list`.
    Flagged(Vec<(Named, Flagged)>, Moment),
    /// `flagged remove`, or accounts that were just flagged.
    Unflagged(Vec<(Named, Flagged)>),
    /// Accounts moved to the flagged pool.
    MovedToFlagged(Vec<(Named, Flagged)>),
    /// `sync preview`, `sync apply`.
    Synced(Synced),
}

/// Whether anything was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Something was.
    Yes,
    /// It was so already.
    No,
}

/// What followed a restore, outside the pool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Following {
    /// Who is selected now.
    pub active: Option<Named>,
    /// What became of the official CLI's files; `None` when nobody is selected.
    pub mirrored: Option<Mirrored>,
    /// A refresh that was due and did not work, in words.
    pub refresh_warning: Option<String>,
}
