//! The user's rules for projects and money, as this pool obeys them (runtime.md §16).

use crate::base::Moment;
use crate::domain::policy::compose::{Evaluation, Meters, Rules, Ruling};
use crate::domain::selection::Ask;
use crate::domain::usage::entry::Entry;

use super::Pool;

impl Pool {
    /// Obeys profiles and budgets from now on. Returns whether they are new.
    pub fn set_rules(&mut self, rules: Rules) -> bool {
        let is_new = *self.meters.rules() != rules;
        if is_new {
            self.meters.set(rules, &self.roster, &self.policies);
            self.follow_profiles();
        }
        is_new
    }

    /// Whether anything is counted, so that the ledger has to be read.
    pub fn has_budgets(&self) -> bool {
        !self.meters.rules().budgets.is_empty()
    }

    /// A request of this process ended.
    pub fn spend(&mut self, row: Option<&Entry>, now: Moment) {
        if let Some(row) = row {
            self.meters.add(row, now);
        }
    }

    /// The ledger of all processes was read.
    pub fn read_ledger(&mut self, rows: &[Entry], now: Moment) {
        self.meters.read(rows, now);
    }

    /// All budgets as they stand.
    pub fn budgets(&self, now: Moment) -> Vec<Evaluation> {
        self.meters.evaluations(now)
    }

    /// What stands against the whole request, whoever would serve it.
    pub fn ruling(&self, ask: &Ask, now: Moment) -> Option<Ruling> {
        self.meters.ruling(ask.project.as_deref(), ask.model.as_deref(), now)
    }

    pub(super) fn follow_profiles(&mut self) {
        self.meters.follow(&self.roster, &self.policies);
        let profiles = &self.meters.rules().profiles;
        self.boosts = profiles
            .iter()
            .map(|(project, profile)| {
                (project.clone(), Meters::boosts(profile, &self.roster, &self.policies))
            })
            .collect();
    }
}
