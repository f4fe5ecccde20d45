//! What the services obey: slices of the world, replaced as a whole when their revision grows.

use std::sync::Arc;

use crate::domain::account::AccountKey;
use crate::domain::policy::account::Policies;
use crate::domain::roster::Roster;
use crate::domain::settings::Settings;

/// What a running service obeys. A turn reads it once, at its start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Briefing {
    /// Grows with every change of the content.
    pub revision: u64,
    /// The pool.
    pub roster: Arc<Roster>,
    /// Effective settings.
    pub settings: Arc<Settings>,
    /// What the user wants of accounts.
    pub policies: Arc<Policies>,
    /// Why the policies cannot be read, as long as they never could.
    pub unread: Option<String>,
    /// `--account`: this account only.
    pub forced: Option<AccountKey>,
}
