//! The user's rules for projects and money, as this pool obeys them (runtime.md §16).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::policy::account::Policies;
use crate::domain::policy::compose::{Asked, Cause, Count, Evaluation, Governance, Meters, Rules, Ruling};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::roster::Roster;
use crate::domain::selection::Ask;
use crate::domain::selection::eligible::Bar;
use crate::domain::settings::Settings;
use crate::domain::usage::entry::Entry;
use crate::domain::usage::pricing::Prices;
use crate::domain::usage::tally::Growth;

use super::Pool;

/// What the files say when a proxy starts. Every reader of the engine begins from the same, so that what is shown is
/// what is chosen (D24).
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The accounts.
    pub roster: &'a Arc<Roster>,
    /// Effective settings.
    pub settings: &'a Arc<Settings>,
    /// What the user wants of accounts.
    pub policies: &'a Arc<Policies>,
    /// What the user rules for projects and money, or why that, or the policies, cannot be read.
    pub governed: Result<&'a Governance, &'a str>,
    /// Quota as last seen.
    pub quota: &'a BTreeMap<AccountKey, Snapshot>,
}

impl Pool {
    /// A pool as a proxy has it that starts now: fresh trackers, nobody else.
    pub fn started(known: &Known<'_>, now: Moment) -> Self {
        let mut pool = Self::new(Arc::clone(known.roster), Arc::clone(known.settings), now);
        pool.set_policies(Arc::clone(known.policies));
        match known.governed {
            Err(why) => {
                pool.set_rules(Err(why.to_owned()));
            }
            Ok(governance) => {
                if pool.set_rules(Ok(governance.rules.clone())) == Count::Anew {
                    let tally = Arc::clone(&governance.tally);
                    pool.grow(Growth::Anew { tally, recent: BTreeSet::new() }, now);
                }
            }
        }
        for (key, snapshot) in known.quota {
            pool.note_quota(key, snapshot.clone());
        }
        pool
    }

    /// Obeys profiles and budgets from now on; those that cannot be read lift nothing. Returns whether the ledger has to
    /// be read from its beginning.
    pub fn set_rules(&mut self, read: Result<Rules, String>) -> Count {
        let before = self.meters.rules().clone();
        let count = self.meters.set(read, &self.roster, &self.policies);
        if *self.meters.rules() != before {
            self.follow_profiles();
        }
        count
    }

    /// Why the policies cannot be read, as long as they never could; nothing is let through until then.
    pub fn set_unread_policies(&mut self, why: Option<String>) {
        self.unread_policies = why;
    }

    /// Why the policies cannot be read, as long as they never could.
    pub fn unread_policies(&self) -> Option<&str> {
        self.unread_policies.as_deref()
    }

    /// Whether anything is counted, so that the ledger has to be read.
    pub fn has_budgets(&self) -> bool {
        !self.meters.rules().budgets.is_empty()
    }

    /// What tokens cost.
    pub fn prices(&self) -> Prices {
        self.meters.rules().prices.clone()
    }

    /// A request of this process ended.
    pub fn spend(&mut self, row: Option<&Entry>, now: Moment) {
        if let Some(row) = row {
            self.meters.add(row, now);
        }
    }

    /// The ledger of all processes was read.
    pub fn grow(&mut self, growth: Growth, now: Moment) {
        self.meters.grow(growth, now);
    }

    /// All budgets as they stand.
    pub fn budgets(&self, now: Moment) -> Vec<Evaluation> {
        self.meters.evaluations(now)
    }

    /// What stands against the whole request, whoever would serve it.
    pub fn ruling(&self, ask: &Ask, now: Moment) -> Option<Ruling> {
        if let Some(why) = &self.unread_policies {
            return Some(Ruling { cause: Cause::Unreadable, reasons: vec![why.clone()] });
        }
        self.meters.ruling(asked(ask), now)
    }

    /// The same as what stands against each account.
    pub(super) fn ruled(&self, ask: &Ask, now: Moment) -> Option<Bar> {
        self.ruling(ask, now).map(|ruling| match ruling.cause {
            Cause::Unreadable => Bar::Unreadable,
            Cause::Profile => Bar::Ruled,
            Cause::Budget(ends) => Bar::OverBudget(ends),
        })
    }

    pub(super) fn depart(&mut self, position: usize, ask: &Ask) {
        if let Some(account) = self.roster.accounts.get(position) {
            self.meters.depart(asked(ask), &account.key);
        }
    }

    pub(super) fn arrive(&mut self, key: &AccountKey, ask: &Ask) {
        self.meters.arrive(asked(ask), key);
    }

    pub(super) fn follow_profiles(&mut self) {
        if self.has_budgets() {
            self.meters.follow(&self.roster, &self.policies);
        }
        let profiles = &self.meters.rules().profiles;
        self.boosts = profiles
            .iter()
            .map(|(project, profile)| {
                (project.clone(), Meters::boosts(profile, &self.roster, &self.policies))
            })
            .collect();
    }
}

fn asked(ask: &Ask) -> Asked<'_> {
    Asked { project: ask.project.as_deref(), model: ask.model.as_deref(), token: ask.token.as_deref() }
}
