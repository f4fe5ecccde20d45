//! The pool and the files beside it.

use std::collections::BTreeMap;
use std::future::Future;

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::problem::Problem;
use crate::domain::quota::snapshot::Snapshot;
pub use crate::domain::recovery::Loaded;
use crate::domain::roster::Roster;
use crate::domain::settings::Settings;
use crate::domain::usage::entry::Entry;

/// Reads and changes the pool. Every commit takes the machine-wide lock, re-reads, applies, writes
/// atomically; nothing is written from memory.
pub trait Store: Clone + Send + Sync + 'static {
    /// Reads the pool, recovering it if needed.
    fn load(&self) -> impl Future<Output = Result<Loaded, StoreError>> + Send;
    /// Applies changes to the pool as it stands on disk now.
    fn commit(&self, changes: Vec<Change>) -> impl Future<Output = Result<Loaded, StoreError>> + Send;
    /// Ends when the pool may have changed on disk since `revision` (notification, 250 ms debounce, or the
    /// 2 s poll), with the new state.
    fn changed(&self, revision: u64) -> impl Future<Output = Result<Loaded, StoreError>> + Send;
    /// Effective settings (file, then environment).
    fn settings(&self) -> impl Future<Output = Result<Settings, StoreError>> + Send;
    /// The newest cached quota per account.
    fn quota(
        &self,
        roster: &Roster,
    ) -> impl Future<Output = Result<BTreeMap<AccountKey, Snapshot>, StoreError>> + Send;
    /// Merges quota observations into the cache file; the newest of each window wins.
    fn keep_quota(
        &self,
        roster: &Roster,
        observations: Vec<(AccountKey, Snapshot)>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Appends rows to the usage ledger.
    fn append(&self, rows: Vec<Entry>) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Whose refresh token has this SHA-256 (hex): the one stored now, or one of the last it replaced.
    fn owner_of_refresh(
        &self,
        sha256_hex: &str,
    ) -> impl Future<Output = Option<(AccountKey, crate::domain::refresh::Held)>> + Send;
    /// Reads ledger rows not older than `since`, oldest first.
    fn usage(&self, since: Moment) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;
}

/// Why the store could not do it, by what the caller can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be parsed and nothing replaces it; never written over.
    #[error("{path} cannot be read as an account pool: {detail}")]
    Corrupt {
        /// Which file.
        path: String,
        /// Where and why.
        detail: String,
    },
    /// Written by a newer version; never written over.
    #[error("{path} was written by a newer version (format {version})")]
    Newer {
        /// Which file.
        path: String,
        /// Its format version.
        version: u64,
    },
    /// Another process holds the lock for longer than the limit.
    #[error("{path} is locked by another process")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// Not allowed, disk full, read-only, vanished.
    #[error("{path}: {detail}")]
    Io {
        /// Which file.
        path: String,
        /// `EACCES`, `ENOSPC`, … when known.
        code: Option<String>,
        /// The system's words.
        detail: String,
    },
    /// The file changed under us five times in a row.
    #[error("{path} keeps changing")]
    Contended {
        /// Which file.
        path: String,
    },
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        use crate::domain::problem::{Exit, Hint};
        let code = match &error {
            StoreError::Corrupt { .. } => "storage-corrupt",
            StoreError::Newer { .. } => "storage-newer",
            StoreError::Locked { .. } => "storage-locked",
            StoreError::Io { code, .. } => match code.as_deref() {
                Some("ENOSPC") => "disk-full",
                Some("EROFS") => "read-only",
                _ => "storage-unreadable",
            },
            StoreError::Contended { .. } => "pool-changed",
        };
        let hint = match &error {
            StoreError::Corrupt { .. } => {
                "The file was left as it is; put a backup in its place or move it away"
            }
            StoreError::Newer { .. } => "Update codex-multi-auth; nothing was changed",
            StoreError::Locked { .. } => "Close the other program or try again; nothing was changed",
            StoreError::Io { code, .. } if code.as_deref() == Some("ENOSPC") => {
                "Free some space and try again; the old data is intact"
            }
            StoreError::Io { .. } => "Check the permissions of the folder; the old data is intact",
            StoreError::Contended { .. } => "Another program keeps writing this file; try again",
        };
        Self::new(code, Exit::Failed, error.to_string()).hint(Hint::Say(hint.to_owned()))
    }
}
