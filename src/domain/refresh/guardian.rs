//! The guardian: tokens are refreshed ahead of their end, so that no request has to wait for it (runtime.md §14.4).
//!
//! It decides only whose turn it is and what a failure does; every refresh goes through the one owner, which
//! adopts instead of calling whenever it can.

use std::collections::BTreeMap;

use crate::base::{Moment, Span};
use crate::domain::account::{AccountKey, Cooldown, CooldownReason};
use crate::domain::change::Change;
use crate::domain::refresh::past::Others;
use crate::domain::refresh::{Outcome, Reason};
use crate::domain::roster::Roster;

/// Nobody asked for anything for so long: the guardian rests.
pub const IDLE: Span = Span::minutes(30);
/// How far apart the first looks of processes that start together are.
pub const JITTER: Span = Span::seconds(30);
/// Rest after a refusal, times the refusals in a row.
const REFUSED: Span = Span::seconds(30);
/// Rest after any other failure.
const FAILED: Span = Span::seconds(6);

/// What the guardian remembers between two looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guardian {
    /// Refusals in a row.
    streaks: BTreeMap<AccountKey, i64>,
    /// When the endpoint wants to be asked again.
    quiet_until: Option<Moment>,
    /// What came of everything so far.
    pub counts: Counts,
}

/// What the guardian did since it began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Looks.
    pub runs: u64,
    /// New tokens, fetched or adopted.
    pub refreshed: u64,
    /// Endpoint or network in trouble.
    pub failed: u64,
    /// Refused or declared dead.
    pub refused: u64,
    /// Accounts that were looked at and needed nothing.
    pub not_needed: u64,
    /// Accounts without a refresh token.
    pub no_token: u64,
    /// The last look.
    pub last_run: Option<Moment>,
}

impl Guardian {
    /// Begins a look: whose tokens end within `buffer`, and why they are asked for. Limited accounts count, resting
    /// ones do not; an account in doubt is due when it is the last one.
    pub fn due(&mut self, roster: &Roster, at: Moment, buffer: Span) -> Vec<(AccountKey, Reason)> {
        self.counts.runs += 1;
        self.counts.last_run = Some(at);
        if self.quiet_until.is_some_and(|until| until > at) {
            return Vec::new();
        }
        let mut due = Vec::new();
        for account in &roster.accounts {
            if !account.is_on() || account.invalidation.is_some() || account.cooling_until(at).is_some() {
                continue;
            }
            if account.credentials.refresh.is_blank() {
                self.counts.no_token += 1;
            } else if account.uncertain_since.is_some() {
                if Others::beside(roster, &account.key) == Others::None {
                    due.push((account.key.clone(), Reason::Scheduled));
                }
            } else if account.needs_refresh(at, buffer) {
                due.push((account.key.clone(), Reason::ProactiveExpiry));
            } else {
                self.counts.not_needed += 1;
            }
        }
        due
    }

    /// Takes in how one refresh ended; the rest it gives the account, if any.
    pub fn hear(&mut self, key: &AccountKey, outcome: &Outcome, at: Moment, buffer: Span) -> Option<Change> {
        let (rest, reason) = match outcome {
            Outcome::Renewed(_) | Outcome::Adopted(_) => {
                self.counts.refreshed += 1;
                self.streaks.remove(key);
                return None;
            }
            // Both are marked already, and only a person can help.
            Outcome::Dead { .. } | Outcome::Uncertain { .. } => {
                self.counts.refused += 1;
                return None;
            }
            Outcome::Missing => {
                self.counts.no_token += 1;
                return None;
            }
            Outcome::Refused { .. } => {
                self.counts.refused += 1;
                let streak = self.streaks.entry(key.clone()).or_default();
                *streak = streak.saturating_add(1);
                (Span::millis(REFUSED.as_millis().saturating_mul(*streak)), CooldownReason::AuthFailure)
            }
            Outcome::Transient { wait, .. } => {
                self.counts.failed += 1;
                self.quiet_until = Some(at + *wait);
                (FAILED, CooldownReason::NetworkError)
            }
        };
        let cooldown = Cooldown { until: at + rest.min(buffer), reason: Some(reason) };
        Some(Change::Cooled { key: key.clone(), cooldown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Account, Invalidation, Switch};
    use crate::domain::model::Family;

    const NOW: Moment = Moment::from_secs(1_000_000);
    const BUFFER: Span = Span::minutes(5);

    fn account(name: &str, left: i64) -> Account {
        let mut account = Account::sample(name);
        account.credentials.expires_at = Some(NOW + Span::seconds(left));
        account
    }

    fn due(accounts: Vec<Account>) -> Vec<String> {
        let roster = Roster { accounts, ..Roster::default() };
        let due = Guardian::default().due(&roster, NOW, BUFFER);
        due.into_iter().map(|(key, reason)| format!("{} {}", key.as_str(), reason.word())).collect()
    }

    #[test]
    fn accounts_that_serve_and_end_soon_are_due() {
        let rest = |until: Moment| Some(Cooldown { until, reason: None });
        let mut limited = account("limited", 10);
        limited.limits.insert(Family::Codex.word().to_owned(), NOW + Span::hours(3));
        let mut bare = account("bare", 10_000);
        bare.credentials.access = None;
        let mut unknown = account("unknown", 0);
        unknown.credentials.expires_at = None;
        let mut blank = account("blank", 0);
        blank.credentials.refresh = "".into();
        let dead = Some(Invalidation { at: NOW, code: None });

        let all = due(vec![
            account("late", 301),
            account("soon", 300),
            account("over", -5),
            limited,
            bare,
            unknown,
            blank,
            Account { switch: Switch::Off, ..account("off", 0) },
            Account { invalidation: dead, ..account("dead", 0) },
            Account { cooldown: rest(NOW + Span::seconds(1)), ..account("resting", 0) },
            Account { cooldown: rest(NOW), ..account("rested", 0) },
            Account { uncertain_since: Some(NOW), ..account("uncertain", 0) },
        ]);

        let expected = ["soon", "over", "limited", "bare", "rested"];
        assert_eq!(all, expected.map(|name| format!("record:{name} proactive_expiry")));
        let last = Account { uncertain_since: Some(NOW), ..account("uncertain", 0) };
        assert_eq!(due(vec![last]), ["record:uncertain scheduled"]);
    }

    #[test]
    fn failures_give_rests_that_grow_with_refusals_and_never_outlast_the_buffer() {
        let mut guardian = Guardian::default();
        let key = AccountKey::new("record:a");
        let rest = |change: Option<Change>| match change {
            Some(Change::Cooled { cooldown, .. }) => Some(NOW.until(cooldown.until).as_secs()),
            _ => None,
        };
        let refused = Outcome::Refused { why: "no".to_owned() };
        let trouble = Outcome::Transient { wait: Span::seconds(40), why: "no".to_owned() };
        let dead = Outcome::Dead { code: "x".to_owned() };

        let rests: Vec<_> =
            (0..12).map(|_| rest(guardian.hear(&key, &refused, NOW, BUFFER))).map(Option::unwrap).collect();

        assert_eq!(rests.first_chunk(), Some(&[30, 60, 90]));
        assert_eq!(rests.last(), Some(&300));
        assert_eq!(rest(guardian.hear(&key, &trouble, NOW, BUFFER)), Some(6));
        assert_eq!(guardian.hear(&key, &dead, NOW, BUFFER), None);
        let tokens = Box::new(Account::sample("a").credentials);
        assert_eq!(guardian.hear(&key, &Outcome::Renewed(tokens), NOW, BUFFER), None);
        assert_eq!(rest(guardian.hear(&key, &refused, NOW, BUFFER)), Some(30), "a success ends the row");
    }

    #[test]
    fn an_endpoint_that_names_a_time_is_left_alone_until_then() {
        let mut guardian = Guardian::default();
        let roster = Roster { accounts: vec![account("a", 0)], ..Roster::default() };
        let trouble = Outcome::Transient { wait: Span::seconds(40), why: "no".to_owned() };
        guardian.hear(&AccountKey::new("record:a"), &trouble, NOW, BUFFER);

        assert_eq!(guardian.due(&roster, NOW + Span::seconds(39), BUFFER), []);
        assert_eq!(guardian.due(&roster, NOW + Span::seconds(40), BUFFER).len(), 1);
        assert_eq!(guardian.counts.runs, 2);
    }
}
