//! What `history` is asked, what it asks for, and what it ends with.

use crate::domain::history::{Filter, Migrated, Migration, Restored, Session};
use crate::domain::problem::Problem;

/// One of the commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// `history [list]`, `history search`.
    List(Filter),
    /// `history show <id>`; the id or a beginning of it.
    Show(String),
    /// `history migrate`.
    Migrate(Migration),
    /// `history migrate --undo`.
    Undo,
}

impl Order {
    /// The command's word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::List(_) => "history",
            Self::Show(_) => "history show",
            Self::Migrate(_) | Self::Undo => "history migrate",
        }
    }

    /// Whether it is asked for what it does, not for what it says.
    pub const fn is_act(&self) -> bool {
        matches!(self, Self::Migrate(Migration { dry_run: false, .. }) | Self::Undo)
    }
}

/// What the flow asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The sessions a filter wants.
    List(Filter),
    /// Sessions of the reference filed anew, or counted.
    Migrate(Migration),
    /// The newest migration taken back.
    Undo,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Sessions, newest first.
    Listed(Result<Vec<Session>, Problem>),
    /// What a migration found and did.
    Migrated(Result<Migrated, Problem>),
    /// What an undo put back.
    Restored(Result<Restored, Problem>),
}

/// What is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Sessions, newest first.
    Listed(Vec<Session>),
    /// One of them.
    Shown(Session),
    /// A migration.
    Migrated(Migration, Migrated),
    /// An undo.
    Restored(Restored),
}
