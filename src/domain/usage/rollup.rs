//! Figures derived from the usage ledger: requests per minute, tokens and failures, of all accounts and of each.
//!
//! Rebuilt when the ledger was read, never per frame: a frame must cost the same for ten requests and for a
//! hundred thousand.

use std::collections::BTreeMap;

use crate::base::{Moment, Span};
use crate::domain::account::Account;
use crate::domain::digest::sha256_hex;
use crate::domain::usage::entry::{Ending, Entry, Operation};

/// Rows kept per account for the list of recent requests.
const RECENT: usize = 8;

/// What was used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    per_minute: BTreeMap<i64, u32>,
    /// Requests.
    pub requests: u64,
    /// Tokens, all kinds.
    pub tokens: u64,
    /// Requests that failed.
    pub failures: u64,
    /// Requests and tokens by model.
    pub models: BTreeMap<String, (u64, u64)>,
    /// Places in the ledger of the newest requests, newest first.
    pub recent: Vec<usize>,
}

impl Tally {
    fn add(&mut self, place: usize, row: &Entry) {
        *self.per_minute.entry(row.at.secs().div_euclid(60)).or_default() += 1;
        self.requests += 1;
        self.tokens += row.tokens.total;
        self.failures += u64::from(row.ending == Ending::Failure);
        let model = row.model.as_deref().unwrap_or("unknown");
        let used = self.models.entry(model.to_owned()).or_default();
        *used = (used.0 + 1, used.1 + row.tokens.total);
        self.recent.insert(0, place);
        self.recent.truncate(RECENT);
    }

    /// Requests in `count` equal parts of the time `back` before `at`, oldest first.
    pub fn buckets(&self, count: usize, back: Span, at: Moment) -> Vec<u32> {
        let mut buckets = vec![0; count];
        let end = at.secs().div_euclid(60) + 1;
        let minutes = (back.as_secs() / 60).max(1);
        let start = end - minutes;
        let parts = i64::try_from(count).unwrap_or(1);
        for (minute, requests) in self.per_minute.range(start..end) {
            let part = usize::try_from((minute - start) * parts / minutes).unwrap_or(0);
            if let Some(bucket) = buckets.get_mut(part) {
                *bucket += requests;
            }
        }
        buckets
    }

    /// Requests in the time `back` before `at`, in whole minutes.
    pub fn within(&self, back: Span, at: Moment) -> u32 {
        self.buckets(1, back, at).first().copied().unwrap_or(0)
    }
}

/// Which account a ledger row belongs to; rows hold hashes only.
type Whose = (Option<String>, Option<String>);

/// All figures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Of all accounts.
    pub all: Tally,
    each: BTreeMap<Whose, Tally>,
}

impl Figures {
    /// Counts the model requests of the ledger, oldest first.
    pub fn of(rows: &[Entry]) -> Self {
        let mut figures = Self::default();
        for (place, row) in rows.iter().enumerate() {
            if row.operation != Operation::Responses {
                continue;
            }
            figures.all.add(place, row);
            let whose = (row.account_hash.clone(), row.email_hash.clone());
            if whose != (None, None) {
                figures.each.entry(whose).or_default().add(place, row);
            }
        }
        figures
    }

    /// The figures of one account; `None` when the ledger has none.
    pub fn of_account(&self, account: &Account) -> Option<&Tally> {
        if self.each.is_empty() {
            return None;
        }
        let hash = |text: &str| format!("sha256:{}", sha256_hex(text));
        let workspace = account.workspace_id().map(hash);
        let email = account.email.as_deref().map(|email| hash(&email.to_ascii_lowercase()));
        self.each
            .get(&(workspace.clone(), email.clone()))
            .or_else(|| workspace.and_then(|id| self.each.get(&(Some(id), None))))
            .or_else(|| email.and_then(|email| self.each.get(&(None, Some(email)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::TurnTokens;

    fn row(at: i64, ending: Ending) -> Entry {
        Entry {
            id: String::new(),
            at: Moment::from_secs(at),
            source: "runtime-proxy".to_owned(),
            operation: Operation::Responses,
            ending,
            model: None,
            project: None,
            account_hash: Some("sha256:aa".to_owned()),
            email_hash: None,
            index: None,
            request: None,
            status: Some(200),
            error: None,
            took: None,
            tokens: TurnTokens { total: 10, ..TurnTokens::default() },
            cost: None,
            attempts: None,
            first_byte: None,
            bytes_out: None,
            session_hash: None,
            failover: None,
            rotated_from: Vec::new(),
            service_tier: None,
            token: None,
        }
    }

    #[test]
    fn requests_fall_into_the_bucket_of_their_minute() {
        let now = Moment::from_secs(3_600 * 10);
        let rows = [
            row(3_600 * 10, Ending::Success),
            row(3_600 * 9 + 60, Ending::Failure),
            row(60, Ending::Success),
        ];

        let figures = Figures::of(&rows);

        assert_eq!(figures.all.buckets(2, Span::hours(1), now), [1, 1]);
        assert_eq!(figures.all.within(Span::minutes(1), now), 1);
        assert_eq!((figures.all.requests, figures.all.tokens, figures.all.failures), (3, 30, 1));
    }
}
