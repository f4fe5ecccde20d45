//! The workspaces of one account. A sign-in belongs to one of them (decisions.md D17): another one is used through
//! the account that is signed in to it.

use crate::domain::account::AccountKey;

/// The open list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats {
    /// Whose.
    pub key: AccountKey,
    /// The row under the cursor.
    pub place: usize,
}
