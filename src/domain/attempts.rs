//! How often one request may be sent (runtime.md §20.1): bounded whatever the pool looks like, so that one failing
//! prompt never replays through every account.

use crate::domain::settings::Settings;

/// Upstream sends per request at most.
const MOST_SENDS: usize = 6;
/// Sends that ended in trouble of upstream or the network, when `retryAllAccountsMaxRetries` is unset.
const MOST_TRANSIENT: usize = 4;
/// Retries on the same account (`balanced`).
const SAME_ACCOUNT: usize = 1;

/// Same-account tries of a short throttle.
pub const THROTTLE_TRIES: u32 = 3;

/// Sessions are told to reconnect, or cut, at most so often per turn (runtime.md §22.7).
pub const ROTATIONS: u32 = 4;

/// Accounts tried for one socket upgrade.
pub const UPGRADES: u32 = 3;

/// Re-sends for account-bound content per turn.
pub const REPAIRS: u32 = 2;

/// What one request may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    sends: u32,
    transient: u32,
    most_sends: u32,
    most_transient: u32,
}

impl Budget {
    /// The budget of a request on a pool of `accounts`.
    pub fn new(accounts: usize, settings: &Settings) -> Self {
        let retries = usize::try_from(settings.empty_response_max_retries).unwrap_or(MOST_SENDS);
        let sends = accounts.saturating_add(SAME_ACCOUNT + 1).saturating_add(retries).clamp(1, MOST_SENDS);
        let most = match usize::try_from(settings.retry_all_max_retries) {
            Ok(0) | Err(_) => MOST_TRANSIENT,
            Ok(retries) => retries.saturating_add(1),
        };
        let transient = accounts.min(most).max(1);
        Self {
            sends: 0,
            transient: 0,
            most_sends: u32::try_from(sends).unwrap_or(u32::MAX),
            most_transient: u32::try_from(transient).unwrap_or(u32::MAX),
        }
    }

    /// Whether another account may be asked.
    pub const fn allows_rotation(&self) -> bool {
        self.sends < self.most_sends && self.transient < self.most_transient
    }

    /// Whether anything may be sent at all.
    pub const fn allows_send(&self) -> bool {
        self.sends < self.most_sends
    }

    /// One more send.
    pub const fn spend(&mut self) {
        self.sends += 1;
    }

    /// One more transient failure.
    pub const fn stumble(&mut self) {
        self.transient += 1;
    }

    /// A wait gave every account a new chance; the sends stay spent.
    pub const fn rested(&mut self) {
        self.transient = 0;
    }

    /// How many sends there may be in all.
    pub const fn most_sends(&self) -> u32 {
        self.most_sends
    }

    /// Sends so far.
    pub const fn sends(&self) -> u32 {
        self.sends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_follows_pool_and_settings() {
        for (accounts, retries, sends, transient) in
            [(0, 0, 4, 1), (1, 0, 5, 1), (2, 0, 6, 2), (9, 0, 6, 4), (9, 1, 6, 2), (9, 7, 6, 8)]
        {
            let settings = Settings { retry_all_max_retries: retries, ..Settings::default() };
            let budget = Budget::new(accounts, &settings);
            assert_eq!(
                (budget.most_sends, budget.most_transient),
                (sends, transient),
                "{accounts} {retries}"
            );
        }
    }

    #[test]
    fn a_spent_budget_stays_spent_after_a_rest() {
        let mut budget = Budget::new(1, &Settings::default());
        budget.stumble();
        assert!(!budget.allows_rotation() && budget.allows_send());

        budget.rested();
        assert!(budget.allows_rotation());

        (0..6).for_each(|_| budget.spend());
        assert!(!budget.allows_send());
    }
}
