//! The ordered accounts of a pool, which of them is selected, and how changes alter them.
//!
//! The same [`Roster::apply`] runs inside the store's lock and, for optimistic display, in the model.

use std::collections::BTreeMap;

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey};
use crate::domain::model::Family;

/// The pool as data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// In stored order; people count it from 1.
    pub accounts: Vec<Account>,
    /// Selected account.
    pub active: Option<AccountKey>,
    /// Selected account per family; a missing family follows `active`.
    pub active_by_family: BTreeMap<Family, AccountKey>,
    /// The manual pin: routing must use this account only.
    pub pin: Option<AccountKey>,
    /// When it was pinned, as far as that is known.
    pub pinned_at: Option<Moment>,
    /// Raised by every selection the user makes; a proxy drops its affinity when it grows.
    pub generation: u64,
}

impl Roster {
    /// The account with this record id.
    pub fn get(&self, key: &AccountKey) -> Option<&Account> {
        self.accounts.iter().find(|account| &account.key == key)
    }

    /// The account with this record id, for changing.
    pub fn get_mut(&mut self, key: &AccountKey) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| &account.key == key)
    }

    /// 0-based stored position.
    pub fn index_of(&self, key: &AccountKey) -> Option<usize> {
        self.accounts.iter().position(|account| &account.key == key)
    }

    /// The account at a 1-based stored position.
    pub fn at_number(&self, number: usize) -> Option<&Account> {
        number.checked_sub(1).and_then(|index| self.accounts.get(index))
    }

    /// The selected account of a family.
    pub fn active_of(&self, family: Family) -> Option<&Account> {
        self.active_by_family.get(&family).or(self.active.as_ref()).and_then(|key| self.get(key))
    }
}
