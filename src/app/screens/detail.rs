//! One account, opened.

use crate::domain::account::AccountKey;

/// The opened account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Which one.
    pub key: AccountKey,
    /// First line shown, when the screen is too low for all.
    pub offset: usize,
}
