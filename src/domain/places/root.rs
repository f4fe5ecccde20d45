//! Which of several directories is the root.

use std::path::{Path, PathBuf};

use super::{LEGACY_POOL_FILE, POOL_FILE, SIGNALS};

/// What a look into a candidate directory found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RootEvidence {
    /// It holds a pool, its journal or a copy of it.
    pub accounts: bool,
    /// It holds some file of ours or of the reference.
    pub signals: bool,
}

impl RootEvidence {
    /// Judges a directory by the names in it.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut evidence = Self::default();
        for name in names {
            evidence.signals |= SIGNALS.contains(&name);
            evidence.accounts |= [POOL_FILE, LEGACY_POOL_FILE].into_iter().any(|pool| {
                name.strip_prefix(pool).is_some_and(|rest| {
                    rest.is_empty() || rest == ".wal" || (rest.starts_with('.') && !is_staging(rest))
                })
            });
        }
        evidence
    }
}

/// Whether the rest of a pool file's name says that it is a writer's temporary file.
fn is_staging(rest: &str) -> bool {
    rest.contains(".rotate.") || rest.rsplit('.').next() == Some("tmp")
}

/// How the root is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootChoice {
    /// Given; nothing is looked at.
    Given(PathBuf),
    /// The first of these with accounts, else with signals, else the first.
    Among(Vec<PathBuf>),
}

impl RootChoice {
    /// Settles the choice with one look per candidate.
    pub fn settle(self, look: impl Fn(&Path) -> RootEvidence) -> PathBuf {
        let candidates = match self {
            Self::Given(path) => return path,
            Self::Among(candidates) => candidates,
        };
        let evidence: Vec<RootEvidence> = candidates.iter().map(|path| look(path)).collect();
        let index = evidence
            .iter()
            .position(|found| found.accounts)
            .or_else(|| evidence.iter().position(|found| found.signals))
            .unwrap_or(0);
        candidates.into_iter().nth(index).unwrap_or_default()
    }
}
