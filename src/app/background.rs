//! Limits read without being asked for: only while somebody can see the dashboard, only when background calls are
//! allowed, two accounts at a time (dashboard.md §11.7). Each call is counted.

use std::collections::BTreeMap;

use crate::app::effect::{Effect, Effects, UpstreamEffect};
use crate::app::flows::Ticket;
use crate::app::world::World;
use crate::base::{Moment, Percent, Span};
use crate::domain::account::{Account, AccountKey};
use crate::domain::digest;
use crate::domain::settings::BackgroundNetwork;

/// Accounts asked about at the same time.
const AT_ONCE: usize = 2;
/// Failures in a row after which it is said once.
const FAILURES: u32 = 3;

/// What was asked without being asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Background {
    tried: BTreeMap<AccountKey, Moment>,
    failed: u32,
}

/// Whether something has to be said about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing new.
    Quiet,
    /// The third failure in a row.
    Persists,
}

impl Background {
    /// Asks about accounts whose figures are too old, or whose window began anew since; nothing unless the
    /// settings allow it. What is asked counts as being checked.
    pub fn look(&mut self, world: &mut World, ticket: Ticket, at: Moment) -> Effects {
        let allowed = world.settled
            && world.settings.background_network == BackgroundNetwork::On
            && world.settings.display.auto_fetch;
        let room = AT_ONCE.saturating_sub(world.checking.len());
        if !allowed || room == 0 {
            return Effects::new();
        }
        let due: Vec<AccountKey> = world
            .roster
            .accounts
            .iter()
            .filter(|account| self.is_due(account, world, at))
            .take(room)
            .map(|account| account.key.clone())
            .collect();
        let mut effects = Effects::new();
        for key in due {
            self.tried.insert(key.clone(), at);
            world.checking.push(key.clone());
            world.background.limits += 1;
            effects.push(Effect::Upstream(UpstreamEffect::Usage(ticket, key)));
        }
        effects
    }

    fn is_due(&self, account: &Account, world: &World, at: Moment) -> bool {
        let can_ask = account.is_on()
            && account.invalidation.is_none()
            && account.uncertain_since.is_none()
            // Looking never spends a refresh.
            && !account.needs_refresh(at, Span::ZERO);
        if !can_ask || world.checking.contains(&account.key) {
            return false;
        }
        let age = spread(&account.key, world.settings.quota_ttl);
        if self.tried.get(&account.key).is_some_and(|tried| at.since(*tried) < age) {
            return false;
        }
        let Some(snapshot) = world.quota.get(&account.key) else { return true };
        let began_anew = snapshot
            .windows()
            .filter_map(|window| window.resets_at)
            .any(|reset| snapshot.at < reset && reset <= at);
        began_anew || at.since(snapshot.at) >= age
    }

    /// Takes an answer in, whoever asked.
    pub fn heard(&mut self, key: &AccountKey, answered: Result<(), ()>) -> Trouble {
        if answered.is_ok() {
            self.failed = 0;
            return Trouble::Quiet;
        }
        if !self.tried.contains_key(key) {
            return Trouble::Quiet;
        }
        self.failed += 1;
        if self.failed == FAILURES { Trouble::Persists } else { Trouble::Quiet }
    }
}

/// The age at which figures of this account are read again: up to a tenth more or less, so that a pool is not
/// asked about all at once.
fn spread(key: &AccountKey, ttl: Span) -> Span {
    let hash = digest::sha256_hex(key.as_str().as_bytes());
    let tenth = hash.bytes().take(4).map(usize::from).sum::<usize>() % 21;
    ttl.scaled(0.9 + Percent::count(tenth) / 100.0)
}
