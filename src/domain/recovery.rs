//! State of the pool files and what had to be done to read them (storage.md §6.4).

use std::sync::Arc;

use crate::domain::roster::Roster;

/// Storage health as `status` reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Parsed, with accounts.
    Healthy,
    /// No file, or no accounts in it.
    #[default]
    Empty,
    /// The user deleted everything on purpose.
    IntentionalReset,
    /// Unusable, but a journal or backup holds accounts.
    Recoverable,
    /// Unusable, and nothing replaces it.
    Corrupt,
}

impl Health {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Empty => "empty",
            Self::IntentionalReset => "intentional-reset",
            Self::Recoverable => "recoverable",
            Self::Corrupt => "corrupt",
        }
    }
}

/// A recovery that was carried out; announced once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// `wal`, `backup`, `legacy-project` for an older pool that was merged, or [`Recovery::NOTHING`].
    pub source: &'static str,
    /// File the accounts came from.
    pub path: String,
    /// How many accounts.
    pub accounts: usize,
    /// How many files or rows were put into quarantine.
    pub quarantined: usize,
}

impl Recovery {
    /// The source of a pool that was begun anew, because nothing replaced the damaged one.
    pub const NOTHING: &'static str = "nothing";

    /// What happened, in one sentence without its first capital.
    pub fn told(&self) -> String {
        let accounts = |was: &str, were: &str| match self.accounts {
            1 => format!("1 account {was}"),
            many => format!("{many} accounts {were}"),
        };
        match self.source {
            "wal" => format!("the pool was damaged: {} restored from the journal", accounts("was", "were")),
            "legacy-project" => {
                format!("{} merged from an older pool of this project", accounts("was", "were"))
            }
            Self::NOTHING => {
                "the pool was damaged and nothing replaced it: the damaged file is kept".to_owned()
            }
            _ => format!("the pool was damaged: {} restored from a backup", accounts("was", "were")),
        }
    }

    /// Whether a copy stood in for a damaged pool; an older pool of the same project that was merged does not.
    pub fn replaces(&self) -> bool {
        matches!(self.source, "wal" | "backup")
    }
}

/// What stands in the pool's directory under the pool's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside {
    /// The pool file itself.
    pub pool: bool,
    /// A journal; one that is left over stays until the next save.
    pub journal: bool,
    /// The marker of a reset.
    pub reset_marker: bool,
}

/// What a load or a commit found.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The pool; empty when nothing could be read.
    pub roster: Arc<Roster>,
    /// State of the files.
    pub health: Health,
    /// Which files there are.
    pub beside: Beside,
    /// Set when a journal or backup had to be used.
    pub recovery: Option<Recovery>,
    /// Grows with every change seen on disk.
    pub revision: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_says_what_happened_and_an_older_pool_is_no_damage() {
        let told =
            |source, accounts| Recovery { source, path: String::new(), accounts, quarantined: 0 }.told();

        assert_eq!(told("wal", 1), "the pool was damaged: 1 account was restored from the journal");
        assert_eq!(told("backup", 2), "the pool was damaged: 2 accounts were restored from a backup");
        assert_eq!(told("legacy-project", 2), "2 accounts were merged from an older pool of this project");
        assert!(told(Recovery::NOTHING, 0).contains("the damaged file is kept"));
    }
}
