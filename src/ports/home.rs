//! The official CLI's own files.

use std::future::Future;

use crate::base::Moment;
use crate::domain::account::Account;
use crate::domain::change::Change;
use crate::domain::launch::config::ConfigFacts;
use crate::domain::official::{Aside, Login, Stamp, Written};
use crate::domain::roster::Roster;

/// Reads and, on the few occasions of storage.md §11.3, writes the official CLI's files. Every write takes
/// the home's lock, re-reads, and does nothing when the file is another one than `seen`.
pub trait Home: Clone + Send + Sync + 'static {
    /// The login of `auth.json`.
    fn login(&self) -> impl Future<Output = Login> + Send;
    /// Puts `account_id` (the claim) and `last_refresh` right; the account stays.
    fn repair(&self, seen: &Stamp, at: Moment) -> impl Future<Output = Result<Written, String>> + Send;
    /// Replaces the login by another account; the old file is kept aside when the pool does not know it.
    /// `seen` is `None` when there was no file.
    fn replace(
        &self,
        seen: Option<&Stamp>,
        account: &Account,
        at: Moment,
    ) -> impl Future<Output = Result<Written, String>> + Send;
    /// Moves `auth.json` to the backups; `None` when there is none.
    fn set_aside(&self, at: Moment) -> impl Future<Output = Result<Option<Aside>, String>> + Send;
    /// Puts a moved file back, byte for byte, unless a new one stands there.
    fn put_back(&self, aside: &Aside) -> impl Future<Output = Result<Written, String>> + Send;
    /// Whether the official files hold no login that could be newer than the pool.
    fn is_signed_out(&self) -> impl Future<Output = bool> + Send;
    /// Newer tokens that the file holds for accounts of `roster`, as changes (storage.md §11.1).
    fn newer(&self, roster: &Roster) -> impl Future<Output = Vec<Change>> + Send;
    /// After a refresh: puts the account's tokens into the file if it holds that account with older ones.
    fn write_back(
        &self,
        account: &Account,
        at: Moment,
    ) -> impl Future<Output = Result<Written, String>> + Send;
    /// Effective facts of `config.toml` with a profile laid over it.
    ///
    /// # Errors
    /// The path and why it cannot be parsed.
    fn config(&self, profile: Option<&str>) -> impl Future<Output = Result<ConfigFacts, String>> + Send;
    /// The home's path as the registry writes it.
    fn path(&self) -> String;
}
