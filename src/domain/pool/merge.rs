//! Taking in a newer roster while requests run.
//!
//! Three sides meet per account: the roster this pool knew, what was learnt here since, and the roster that came from
//! disk. Where the disk moved, the disk is right (it may have been cleared on purpose); where it did not, what was
//! learnt here still waits to be committed and stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Moment;
use crate::domain::account::Account;
use crate::domain::roster::Roster;
use crate::domain::settings::Settings;

use super::slot::Slot;
use super::{Pool, index_of};

impl Pool {
    /// Takes a newer roster and newer settings; trackers stay, what was learnt here and is not on disk yet stays,
    /// session bonds go when the generation grew.
    pub fn replace(&mut self, roster: Arc<Roster>, settings: Arc<Settings>, now: Moment) {
        let has_new_thresholds = self.settings != settings;
        self.settings = settings;
        if Arc::ptr_eq(&self.roster, &roster) {
            self.follow_settings(has_new_thresholds.then_some(now));
            return;
        }
        if roster.generation > self.roster.generation {
            self.bonds.clear();
            self.detours.clear();
            self.ramps.clear();
            // The choice was made anew: what this proxy moved since belongs to the old one.
            self.cursor.clear();
            self.moved.clear();
        }
        self.pulse.reloaded_at = Some(now);
        let old = std::mem::replace(&mut self.roster, roster);
        let mut slots: Vec<Option<Slot>> = std::mem::take(&mut self.slots).into_iter().map(Some).collect();
        let mut own = std::mem::take(&mut self.own);
        let before = std::mem::replace(&mut self.index, index_of(&self.roster));
        let roster = Arc::clone(&self.roster);
        let mut used = Vec::new();
        for (position, theirs) in roster.accounts.iter().enumerate() {
            let was = before.get(&theirs.key).copied();
            let slot = was.and_then(|was| slots.get_mut(was)?.take());
            let mine = was.and_then(|was| own.get_mut(was)?.take());
            let base = was.and_then(|was| old.accounts.get(was));
            let merged = match (mine, base) {
                (Some(mine), Some(base)) => {
                    Some(merge(base, *mine, theirs)).filter(|merged| merged != theirs)
                }
                (Some(_) | None, _) => None,
            };
            let mut slot = slot.unwrap_or_else(|| Slot::of(theirs));
            slot.follow(merged.as_ref().unwrap_or(theirs));
            if slot.is_used == super::slot::Mark::Dirty {
                used.push(position);
            }
            self.slots.push(slot);
            self.own.push(merged.map(Box::new));
        }
        self.used = used;
        self.cursor.retain(|_, key| self.index.contains_key(key));
        self.spread();
        self.follow_policies();
        self.follow_settings(has_new_thresholds.then_some(now));
    }

    fn follow_settings(&mut self, changed: Option<Moment>) {
        if changed.is_none() {
            return;
        }
        for slot in &mut self.slots {
            if let Some(quota) = &slot.quota {
                slot.strain = crate::domain::quota::defer::strain(quota, &self.settings);
            }
        }
    }
}

fn newer<T: PartialEq>(base: &T, mine: T, theirs: T) -> T {
    if *base == theirs { mine } else { theirs }
}

fn merge(base: &Account, mine: Account, theirs: &Account) -> Account {
    let mut merged = theirs.clone();
    merged.credentials = newer(&base.credentials, mine.credentials, merged.credentials);
    merged.invalidation = newer(&base.invalidation, mine.invalidation, merged.invalidation);
    merged.uncertain_since = newer(&base.uncertain_since, mine.uncertain_since, merged.uncertain_since);
    merged.cooldown = newer(&base.cooldown, mine.cooldown, merged.cooldown);
    merged.workspaces = newer(&base.workspaces, mine.workspaces, merged.workspaces);
    merged.routing = newer(&base.routing, mine.routing, merged.routing);
    merged.limits = limits(&base.limits, &mine.limits, &theirs.limits);
    merged.last_used = merged.last_used.max(mine.last_used);
    merged
}

fn limits(
    base: &BTreeMap<String, Moment>,
    mine: &BTreeMap<String, Moment>,
    theirs: &BTreeMap<String, Moment>,
) -> BTreeMap<String, Moment> {
    let mut merged = theirs.clone();
    for (bucket, until) in mine {
        match (theirs.get(bucket), base.get(bucket)) {
            (Some(theirs), _) => {
                merged.insert(bucket.clone(), *theirs.max(until));
            }
            (None, None) => {
                merged.insert(bucket.clone(), *until);
            }
            // It was there and is gone: someone lifted it.
            (None, Some(_)) => {}
        }
    }
    merged
}
