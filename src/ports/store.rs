//! The pool and the files beside it.

use std::collections::BTreeMap;
use std::future::Future;

use crate::base::{Moment, Secret};
use crate::domain::account::AccountKey;
use crate::domain::capability::Capabilities;
use crate::domain::change::Change;
use crate::domain::client_token::ClientToken;
use crate::domain::policy::account::{Changed, Policies, PolicyEdit};
use crate::domain::policy::compose::Rules;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::quota::snapshot::Snapshot;
pub use crate::domain::recovery::Loaded;
use crate::domain::roster::Roster;
use crate::domain::settings::Settings;
use crate::domain::shelf::Found;
use crate::domain::usage::entry::Entry;
use crate::domain::usage::pricing::Prices;
use crate::domain::usage::reading::{Query, Reading};
use crate::domain::usage::tally::{Growth, Tail};

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
    /// What the user wants of accounts; a damaged file is told as such, never as "nothing".
    fn policies(&self) -> impl Future<Output = Result<Found<Policies>, StoreError>> + Send;
    /// Profiles, budgets and prices.
    ///
    /// # Errors
    /// Which file cannot be read and why, in words: what was known before still holds.
    fn rules(&self) -> impl Future<Output = Result<Rules, String>> + Send {
        async { Ok(Rules::default()) }
    }
    /// What the ledger grew by since it was read to `tail`, archives included, as far as `since` goes back.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn grown(
        &self,
        since: Moment,
        tail: Tail,
        prices: Prices,
    ) -> impl Future<Output = Result<(Growth, Tail), String>> + Send {
        let _ = (since, tail, prices);
        async { Ok((Growth::Rows(Vec::new()), Tail::default())) }
    }
    /// The working key a client of the bridge showed; its use is noted.
    fn client_key(&self, _shown: Secret, _at: Moment) -> impl Future<Output = Option<ClientToken>> + Send {
        async { None }
    }
    /// Changes the policy of one account on what stands on disk now; returns all policies and whether anything
    /// changed.
    fn change_policy(
        &self,
        key: &AccountKey,
        edit: PolicyEdit,
    ) -> impl Future<Output = Result<(Policies, Changed), StoreError>> + Send;
    /// The newest cached quota per account.
    fn quota(
        &self,
        roster: &Roster,
    ) -> impl Future<Output = Result<BTreeMap<AccountKey, Snapshot>, StoreError>> + Send;
    /// What traffic taught about who may ask for which model.
    fn capabilities(&self, _roster: &Roster) -> impl Future<Output = Capabilities> + Send {
        async { Capabilities::default() }
    }
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
    /// Sums the ledger up, archives included, at the prices that hold now; the second is what is wrong with the
    /// user's price file, whose table then counts.
    fn sum(&self, query: Query)
    -> impl Future<Output = Result<(Reading, Option<String>), StoreError>> + Send;
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
    #[error("{path} is locked by another process{}", holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Locked {
        /// The lock file.
        path: String,
        /// The process, where it can be told.
        holder: Option<u32>,
    },
    /// Test fixtures would have replaced real accounts.
    #[error("only made-up accounts of a test would be left in {path}")]
    Fixtures {
        /// Which file.
        path: String,
    },
    /// Root in somebody else's home.
    #[error("{home} belongs to {owner}, and this is root")]
    Foreign {
        /// The home.
        home: String,
        /// Whose it is.
        owner: String,
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

impl StoreError {
    /// The code in JSON (commands.md §1.7).
    fn code(&self) -> &'static str {
        match self {
            Self::Corrupt { .. } => "storage-corrupt",
            Self::Newer { .. } => "storage-newer",
            Self::Locked { .. } => "storage-locked",
            Self::Fixtures { .. } => "backup-invalid",
            Self::Foreign { .. } => "read-only",
            Self::Io { code, .. } => match code.as_deref() {
                Some("ENOSPC" | "EDQUOT") => "disk-full",
                Some("EROFS") => "read-only",
                Some(_) | None => "storage-unreadable",
            },
            Self::Contended { .. } => "pool-changed",
        }
    }

    /// The short name of storage.md §15, for searches.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Corrupt { .. } => Some("ECORRUPT"),
            Self::Newer { .. } => Some("ENEWER"),
            Self::Locked { .. } => Some("ELOCKTIMEOUT"),
            Self::Fixtures { .. } => Some("EINVALID"),
            Self::Io { code, .. } => code.as_deref(),
            Self::Foreign { .. } | Self::Contended { .. } => None,
        }
    }

    /// What helps.
    fn hints(&self) -> Vec<Hint> {
        let say = |text: &str| vec![Hint::Say(text.to_owned())];
        match self {
            Self::Corrupt { .. } => vec![
                Hint::Run("backup list".to_owned()),
                Hint::Say(
                    "The file was left as it is; restore a backup, or sign in again with \
                     `codex-multi-auth login`: the damaged file is then kept in quarantine"
                        .to_owned(),
                ),
            ],
            Self::Newer { .. } => say("Update codex-multi-auth; nothing was changed"),
            Self::Locked { holder: Some(pid), .. } => {
                vec![Hint::Say(format!("Close the program with pid {pid} or try again; nothing was changed"))]
            }
            Self::Locked { holder: None, .. } => {
                say("Close the other program or try again; nothing was changed")
            }
            Self::Fixtures { .. } => say("Sign in with `login`, or import a backup; nothing was changed"),
            Self::Foreign { owner, .. } => vec![Hint::Say(format!(
                "Run it as {owner}, or add `--allow-root` to write there all the same"
            ))],
            Self::Io { code, path, .. } => vec![Hint::Say(remedy(code.as_deref(), path))],
            Self::Contended { .. } => say("Another program keeps writing this file; close it and try again"),
        }
    }
}

/// What helps against an error of the system.
fn remedy(code: Option<&str>, path: &str) -> String {
    match code {
        Some("ENOSPC" | "EDQUOT") => "Free some space and try again; the old data is intact".to_owned(),
        Some("EROFS") => {
            "Make the file system writable, or set `CODEX_MULTI_AUTH_DIR` to a folder that is; the old \
                          data is intact"
                .to_owned()
        }
        Some("EBUSY" | "ETXTBSY") => {
            "Close the program that uses the file and try again; the old data is intact".to_owned()
        }
        Some("ENOENT") => {
            let folder = path.rsplit_once(['/', '\\']).map_or(path, |(folder, _)| folder);
            format!("Create the folder `{folder}` and try again")
        }
        Some("ENOTDIR" | "EEXIST") => {
            format!(
                "Move the file that stands in the way of `{path}` away and try again, or set \
                     `CODEX_MULTI_AUTH_DIR` to a folder"
            )
        }
        Some("EISDIR") => {
            format!("A folder stands in place of the file `{path}`: move it away and try again")
        }
        Some("EEMPTY") => {
            "Try again; if it happens again, the disk loses what is written to it. The old data is intact"
                .to_owned()
        }
        Some("EIO") => "Check the disk; the old data is intact".to_owned(),
        Some(_) | None => {
            "Check the permissions of the folder and any antivirus program; the old data is intact".to_owned()
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let mut problem = Self::new(error.code(), Exit::Failed, error.to_string());
        if let Some(name) = error.name() {
            problem = problem.because(name);
        }
        error.hints().into_iter().fold(problem, Self::hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_says_what_it_is_called_and_what_helps() {
        let path = || "/p/pool.json".to_owned();
        let io = |code: &str| StoreError::Io {
            path: path(),
            code: Some(code.to_owned()),
            detail: "no".to_owned(),
        };
        for (error, code, name, hint) in [
            (
                StoreError::Corrupt { path: path(), detail: "x".to_owned() },
                "storage-corrupt",
                "ECORRUPT",
                "quarantine",
            ),
            (StoreError::Newer { path: path(), version: 4 }, "storage-newer", "ENEWER", "Update"),
            (StoreError::Locked { path: path(), holder: Some(7) }, "storage-locked", "ELOCKTIMEOUT", "pid 7"),
            (StoreError::Fixtures { path: path() }, "backup-invalid", "EINVALID", "login"),
            (io("EBUSY"), "storage-unreadable", "EBUSY", "Close"),
            (io("ENOENT"), "storage-unreadable", "ENOENT", "`/p`"),
            (io("ENOTDIR"), "storage-unreadable", "ENOTDIR", "Move the file"),
            (io("EISDIR"), "storage-unreadable", "EISDIR", "A folder stands"),
            (io("EEMPTY"), "storage-unreadable", "EEMPTY", "old data is intact"),
            (io("EACCES"), "storage-unreadable", "EACCES", "permissions"),
            (io("ENOSPC"), "disk-full", "ENOSPC", "space"),
            (io("EROFS"), "read-only", "EROFS", "CODEX_MULTI_AUTH_DIR"),
        ] {
            let problem = Problem::from(error);

            assert_eq!((problem.code, problem.exit), (code, Exit::Failed), "{name}");
            assert_eq!(problem.because, [name]);
            assert!(problem.what.contains("/p/pool.json"), "{name}: {}", problem.what);
            let said =
                problem.hints.iter().any(|said| matches!(said, Hint::Say(text) if text.contains(hint)));
            assert!(said, "{name}: {:?}", problem.hints);
        }
    }
}
