//! Every durable mutation of a pool as data, keyed by identity, never by position.

use crate::base::Moment;
use crate::domain::account::{
    Account, AccountKey, Cooldown, Credentials, IdSource, Invalidation, Switch, SwitchReason,
};
use crate::domain::identity::{self, Fallback, Person};
use crate::domain::login::admission::SignIn;
use crate::domain::roster::Roster;
use crate::domain::token;
use crate::domain::vault::Copies;
use crate::domain::workspace::{Routing, Workspace};

/// One durable mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Appends an account, or updates the one with the same key.
    Added(Box<Account>),
    /// A session was granted: it goes to the account it belongs to, or makes a new one; generation raised.
    SignedIn(Box<SignIn>),
    /// New tokens after a refresh, a login or an adoption; clears invalidation and uncertainty. Ignored when
    /// it is known to be older than the stored set (`domain::token`).
    Renewed {
        /// Whose.
        key: AccountKey,
        /// The new set.
        credentials: Box<Credentials>,
        /// When it was obtained.
        at: Moment,
    },
    /// Upstream declared the tokens dead.
    Invalidated {
        /// Whose.
        key: AccountKey,
        /// When and why.
        invalidation: Invalidation,
        /// The rest that goes with it.
        cooldown: Cooldown,
    },
    /// A refresh was cut.
    BecameUncertain {
        /// Whose.
        key: AccountKey,
        /// When the refresh was sent.
        at: Moment,
    },
    /// A limit was learnt; the later of old and new is kept.
    Limited {
        /// Whose.
        key: AccountKey,
        /// `<family>` or `<family>:<model>`.
        bucket: String,
        /// When it lifts.
        until: Moment,
    },
    /// A rest began; the later of old and new is kept.
    Cooled {
        /// Whose.
        key: AccountKey,
        /// End and reason.
        cooldown: Cooldown,
    },
    /// Limits or rests turned out to be over (fresher quota, reset).
    Recovered {
        /// Whose.
        key: AccountKey,
    },
    /// The account was dispatched.
    Used {
        /// Whose.
        key: AccountKey,
        /// When.
        at: Moment,
    },
    /// The account's own workspace is gone, or is back.
    WorkspaceSwitched {
        /// Whose.
        key: AccountKey,
        /// Which workspace.
        id: String,
        /// Usable or not.
        switch: Switch,
        /// When.
        at: Moment,
    },
    /// The user switched the account on or off.
    Switched {
        /// Whose.
        key: AccountKey,
        /// On or off.
        switch: Switch,
    },
    /// The user chose an account: selected for every family, re-enabled, generation raised.
    Selected {
        /// Whose.
        key: AccountKey,
        /// Why.
        reason: SwitchReason,
        /// Whether the choice also pins.
        pin: Pin,
        /// When.
        at: Moment,
    },
    /// The user removed the pin; generation raised.
    Unpinned,
    /// An earlier selection is put back (undo): pin and active as given, generation raised.
    SelectionRestored {
        /// The earlier active account.
        active: Option<AccountKey>,
        /// The earlier pin.
        pin: Option<AccountKey>,
        /// When that was set.
        pinned_at: Option<Moment>,
    },
    /// The proxy's cursor moved (strategy pointer of a family).
    CursorMoved {
        /// Of which family.
        family: crate::domain::model::Family,
        /// To which account.
        key: AccountKey,
    },
    /// Routing discovery answered.
    RoutingLearnt {
        /// Whose.
        key: AccountKey,
        /// The answer.
        routing: Routing,
    },
    /// The user removed an account: whatever was selected by it moves to its neighbour, a pin on it is gone,
    /// generation raised.
    Removed {
        /// Whose.
        key: AccountKey,
    },
    /// A removed account is put back at its position (undo); generation raised.
    Reinstated {
        /// The account as it was.
        account: Box<Account>,
        /// Its 0-based position; behind the last one where the pool is shorter by now.
        index: usize,
    },
    /// The user removed every account. On disk this is the reset of storage.md §6.5; it stands alone in a commit.
    Cleared {
        /// What is left behind.
        copy: Copies,
    },
    /// What its tokens tell about who it is, where the row does not say or says something made up.
    Identified {
        /// Whose.
        key: AccountKey,
        /// The e-mail; `None` = as it is.
        email: Option<String>,
        /// The workspace id; `None` = as it is.
        account_id: Option<String>,
    },
    /// The user's own name for it.
    /// The user named an account; `None` takes the name away.
    Relabelled {
        /// Whose.
        key: AccountKey,
        /// The name.
        label: Option<String>,
    },
}

/// What a selection does with the pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// The chosen account becomes the pin.
    Set,
    /// An existing pin is removed.
    Clear,
    /// The pin stays as it is.
    Keep,
}

impl Roster {
    /// Applies one change; changes about accounts that are gone do nothing.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Added(account) => self.add(account),
            Change::Removed { key } => self.remove(key),
            Change::Reinstated { account, index } => self.reinstate(account, *index),
            Change::Cleared { .. } => {
                *self = Self { generation: self.generation + 1, ..Self::default() };
            }
            Change::SignedIn(sign_in) => self.admit(sign_in),
            Change::Selected { key, reason, pin, at } => self.select(key, *reason, *pin, *at),
            Change::Unpinned => {
                self.pin = None;
                self.pinned_at = None;
                self.generation += 1;
            }
            Change::SelectionRestored { active, pin, pinned_at } => {
                self.active.clone_from(active);
                self.active_by_family.clear();
                self.pin.clone_from(pin);
                self.pinned_at = pin.as_ref().and(*pinned_at);
                self.generation += 1;
            }
            Change::CursorMoved { family, key } => {
                if self.get(key).is_some() {
                    self.active_by_family.insert(*family, key.clone());
                }
            }
            Change::Renewed { key, .. }
            | Change::Invalidated { key, .. }
            | Change::BecameUncertain { key, .. }
            | Change::Limited { key, .. }
            | Change::Cooled { key, .. }
            | Change::Recovered { key }
            | Change::Used { key, .. }
            | Change::WorkspaceSwitched { key, .. }
            | Change::Switched { key, .. }
            | Change::Identified { key, .. }
            | Change::Relabelled { key, .. }
            | Change::RoutingLearnt { key, .. } => {
                if let Some(account) = self.get_mut(key) {
                    account.apply(change);
                }
                if matches!(change, Change::Switched { .. }) {
                    self.generation += 1;
                }
            }
        }
    }

    /// A login that raced with another one for the same person and seat must not become a second row.
    fn add(&mut self, account: &Account) {
        match self.row_for(account).and_then(|index| self.accounts.get_mut(index)) {
            Some(row) if row.key == account.key => *row = account.clone(),
            Some(row) => *row = account.clone().standing_for(row),
            None => self.accounts.push(account.clone()),
        }
    }

    /// The row an added account goes to: the one with its key, else the one of the same person and seat.
    pub fn row_for(&self, account: &Account) -> Option<usize> {
        self.index_of(&account.key).or_else(|| {
            let persons: Vec<Person> = self.accounts.iter().map(Person::of).collect();
            identity::find(&persons, &Person::of(account), Fallback::Allowed)
        })
    }

    fn remove(&mut self, key: &AccountKey) {
        let Some(index) = self.index_of(key) else { return };
        self.accounts.remove(index);
        let last = self.accounts.len().saturating_sub(1);
        let neighbour = self.accounts.get(index.min(last)).map(|account| account.key.clone());
        if self.active.as_ref() == Some(key) {
            self.active.clone_from(&neighbour);
        }
        match neighbour {
            Some(neighbour) => {
                for chosen in self.active_by_family.values_mut().filter(|chosen| *chosen == key) {
                    chosen.clone_from(&neighbour);
                }
            }
            None => self.active_by_family.clear(),
        }
        if self.pin.take_if(|pin| pin == key).is_some() {
            self.pinned_at = None;
        }
        self.generation += 1;
    }

    fn reinstate(&mut self, account: &Account, index: usize) {
        if self.get(&account.key).is_none() {
            self.accounts.insert(index.min(self.accounts.len()), account.clone());
            self.generation += 1;
        }
    }

    fn select(&mut self, key: &AccountKey, reason: SwitchReason, pin: Pin, at: Moment) {
        let Some(account) = self.get_mut(key) else { return };
        account.switch = Switch::On;
        account.last_used = at;
        account.switch_reason = Some(reason);
        self.active = Some(key.clone());
        for family in crate::domain::model::Family::ALL {
            self.active_by_family.insert(family, key.clone());
        }
        match pin {
            Pin::Set => {
                self.pin = Some(key.clone());
                self.pinned_at = Some(at);
            }
            Pin::Clear => {
                self.pin = None;
                self.pinned_at = None;
            }
            Pin::Keep => {}
        }
        self.generation += 1;
    }
}

impl Account {
    /// The account in the place of a row of the same person and seat, under that row's key.
    fn standing_for(mut self, row: &Self) -> Self {
        self.key = row.key.clone();
        self.added_at = row.added_at;
        self.label = self.label.or_else(|| row.label.clone());
        self.email = self.email.or_else(|| row.email.clone());
        self.routing = self.routing.or_else(|| row.routing.clone());
        self.arrival = self.arrival.or(row.arrival);
        if self.workspaces.is_empty() {
            self.workspaces.clone_from(&row.workspaces);
            self.current_workspace = row.current_workspace;
        }
        self
    }

    /// Applies one change about this account; a change about another thing does nothing.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Renewed { credentials, .. } => {
                if !token::is_older(credentials, &self.credentials) {
                    self.credentials = (**credentials).clone().inheriting(&self.credentials);
                    self.invalidation = None;
                    self.uncertain_since = None;
                }
            }
            Change::Invalidated { invalidation, cooldown, .. } => {
                self.invalidation = Some(invalidation.clone());
                self.rest(*cooldown);
            }
            Change::BecameUncertain { at, .. } => self.uncertain_since = Some(*at),
            Change::Limited { bucket, until, .. } => {
                let kept = self.limits.entry(bucket.clone()).or_insert(*until);
                *kept = (*kept).max(*until);
            }
            Change::Cooled { cooldown, .. } => self.rest(*cooldown),
            Change::Recovered { .. } => {
                self.limits.clear();
                self.cooldown = None;
            }
            Change::Used { at, .. } => self.last_used = self.last_used.max(*at),
            Change::WorkspaceSwitched { id, switch, at, .. } => self.switch_workspace(id, *switch, *at),
            Change::Switched { switch, .. } => self.switch = *switch,
            Change::RoutingLearnt { routing, .. } => self.routing = Some(routing.clone()),
            Change::Identified { email, account_id, .. } => {
                if let Some(email) = email {
                    self.email = Some(email.clone());
                }
                // Somebody may have stored one meanwhile: a stored id stays (D17).
                if let Some(id) = account_id
                    && self.account_id.as_deref().is_none_or(|stored| stored.trim().is_empty())
                {
                    self.account_id = Some(id.clone());
                    self.id_source = IdSource::Token;
                }
            }
            Change::Relabelled { label, .. } => self.label.clone_from(label),
            Change::Added(_)
            | Change::Removed { .. }
            | Change::Reinstated { .. }
            | Change::Cleared { .. }
            | Change::SignedIn(_)
            | Change::Selected { .. }
            | Change::Unpinned
            | Change::SelectionRestored { .. }
            | Change::CursorMoved { .. } => {}
        }
    }

    fn rest(&mut self, cooldown: Cooldown) {
        if self.cooldown.is_none_or(|old| old.until <= cooldown.until) {
            self.cooldown = Some(cooldown);
        }
    }

    fn switch_workspace(&mut self, id: &str, switch: Switch, at: Moment) {
        if !self.workspaces.iter().any(|seat| seat.id == id) {
            self.workspaces.push(Workspace {
                id: id.to_owned(),
                name: None,
                enabled: true,
                disabled_at: None,
                is_default: self.workspaces.is_empty(),
            });
        }
        for seat in self.workspaces.iter_mut().filter(|seat| seat.id == id) {
            seat.enabled = switch == Switch::On;
            seat.disabled_at = (switch == Switch::Off).then_some(at);
        }
    }
}

#[cfg(test)]
mod tests;
