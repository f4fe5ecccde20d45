//! The files that hold or could replace a pool (storage.md §6.6), as `report`, `doctor` and the backup list show
//! them.

use std::path::PathBuf;

use crate::base::Moment;

/// Which pool a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pool {
    /// The account pool.
    Accounts,
    /// Accounts that were set aside.
    Flagged,
}

/// What a file is to its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The pool file itself.
    Primary,
    /// The journal of a save.
    Journal,
    /// The newest rotating backup.
    Backup,
    /// An older rotating backup.
    History,
    /// A copy with the pool's name in front that somebody else made.
    Discovered,
}

/// One file of the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolFile {
    /// Of which pool.
    pub pool: Pool,
    /// What it is.
    pub role: Role,
    /// The file.
    pub path: PathBuf,
    /// Number of an older backup, from 1.
    pub index: Option<usize>,
    /// Whether it is there.
    pub exists: bool,
    /// Whether it reads as a pool; a journal must have a right checksum, too.
    pub valid: bool,
    /// Its size.
    pub bytes: Option<u64>,
    /// When it was last written.
    pub modified: Option<Moment>,
    /// Format version as stored.
    pub version: Option<u64>,
    /// Rows that can be used.
    pub accounts: Option<usize>,
    /// Why it is not valid; empty when it is or when there is no such file.
    pub errors: Vec<String>,
}

impl PoolFile {
    /// The word in JSON.
    pub const fn kind(&self) -> &'static str {
        match (self.pool, self.role) {
            (Pool::Accounts, Role::Primary) => "accounts-primary",
            (Pool::Accounts, Role::Journal) => "accounts-wal",
            (Pool::Accounts, Role::Backup) => "accounts-backup",
            (Pool::Accounts, Role::History) => "accounts-backup-history",
            (Pool::Accounts, Role::Discovered) => "accounts-discovered-backup",
            (Pool::Flagged, Role::Primary | Role::Journal) => "flagged-primary",
            (Pool::Flagged, Role::Backup) => "flagged-backup",
            (Pool::Flagged, Role::History) => "flagged-backup-history",
            (Pool::Flagged, Role::Discovered) => "flagged-discovered-backup",
        }
    }
}

/// All files of one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The pool file.
    pub storage_path: PathBuf,
    /// In the order in which recovery tries them, the pool file first.
    pub files: Vec<PoolFile>,
}

impl Inventory {
    /// The newest file that can be read, whatever its role.
    pub fn latest_valid(&self) -> Option<&PoolFile> {
        self.files.iter().filter(|file| file.valid).max_by_key(|file| file.modified)
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        self.files.iter().filter(|file| file.exists).count()
    }

    /// How many of them can be read.
    pub fn valid(&self) -> usize {
        self.files.iter().filter(|file| file.valid).count()
    }
}
