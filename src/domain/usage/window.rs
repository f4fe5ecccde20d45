//! What counts, for whom and since when (DB-45): the one rule behind budgets, `usage` and every screen, so that all of
//! them give the same totals.
//!
//! A request counts when it was sent on: it succeeded, failed or was cancelled. What a policy or a budget blocked never
//! reached upstream; catalogues, thread goals and refreshes are no requests of a model.

use crate::base::Moment;
use crate::domain::account::Account;
use crate::domain::identity;
use crate::domain::policy::budget::{self, Used};
use crate::domain::usage::entry::{Ending, Glance, Operation};
use crate::domain::usage::pricing::Prices;

/// Whether a row is a request of a model that was sent on.
pub const fn counts(operation: Operation, ending: Ending) -> bool {
    let sent = match ending {
        Ending::Success | Ending::Failure | Ending::Cancelled => true,
        Ending::Blocked => false,
    };
    sent && asks_a_model(operation)
}

/// Whether it is a request of a model at all; what a foreign program did not name is taken for one.
pub const fn asks_a_model(operation: Operation) -> bool {
    match operation {
        Operation::Responses | Operation::Diagnostic | Operation::Unknown => true,
        Operation::Models | Operation::ThreadGoal | Operation::AuthRefresh => false,
    }
}

/// An account as rows name it: hashes only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Whose {
    /// `sha256:…` of the workspace id.
    pub account: Option<String>,
    /// `sha256:…` of the lower-cased e-mail.
    pub email: Option<String>,
}

impl Whose {
    /// How rows name this account.
    pub fn of(account: &Account) -> Self {
        let email = account.email.as_deref().map(|email| email.trim().to_ascii_lowercase());
        Self {
            account: account.workspace_id().map(identity::fingerprint),
            email: email.as_deref().map(identity::fingerprint),
        }
    }

    /// Whether a row is this account's: no hash that both name may differ, and one must agree. Seats of one workspace
    /// are told apart by their e-mail.
    pub fn is_of(&self, row: &Glance<'_>) -> bool {
        let same = |ours: Option<&str>, theirs: Option<&str>| Some(ours? == theirs?);
        let account = same(self.account.as_deref(), row.account_hash.as_deref());
        let email = same(self.email.as_deref(), row.email_hash.as_deref());
        account != Some(false) && email != Some(false) && (account.is_some() || email.is_some())
    }
}

/// Which rows a budget's key is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    Everything,
    /// Those of a project, by its key as budgets write it ([`budget::key`]).
    Project(String),
    /// Those of a model, by its name as budgets write it.
    Model(String),
    /// Those of a local client's key, by its id as budgets write it.
    Token(String),
    /// Those of these accounts: one, or all that carry a tag.
    Accounts(Vec<Whose>),
}

impl Which {
    /// Whether a row is among them.
    pub fn covers(&self, row: &Glance<'_>) -> bool {
        let is = |wanted: &str, text: Option<&str>| {
            text.is_some_and(|text| text == wanted || budget::key(text).as_deref() == Some(wanted))
        };
        match self {
            Self::Everything => true,
            Self::Project(project) => is(project, row.project.as_deref()),
            Self::Model(model) => is(model, row.model.as_deref()),
            Self::Token(token) => is(token, row.token.as_deref()),
            Self::Accounts(all) => all.iter().any(|whose| whose.is_of(row)),
        }
    }
}

/// Adds a row to what was used, if it counts; the moment is the caller's to look at.
pub fn add(used: &mut Used, row: &Glance<'_>, prices: &Prices) {
    if !counts(row.operation, row.ending) {
        return;
    }
    used.requests += 1;
    used.tokens += row.tokens.total;
    let price = row.model.as_deref().and_then(|model| prices.of(model));
    used.cost += price.map_or(0.0, |price| price.cost(&row.tokens));
}

/// What was used of `which` from `from` until `until`, the end not included.
pub fn sum<'a>(
    rows: impl IntoIterator<Item = Glance<'a>>,
    which: &Which,
    from: Moment,
    until: Moment,
    prices: &Prices,
) -> Used {
    let mut used = Used::default();
    for row in rows {
        if row.at >= from && row.at < until && which.covers(&row) {
            add(&mut used, &row, prices);
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::facts::TurnTokens;

    fn row(at: i64, operation: Operation, ending: Ending) -> Glance<'static> {
        Glance {
            at: Moment::from_secs(at),
            operation,
            ending,
            model: Some(Cow::Borrowed("gpt-5.5")),
            project: Some(Cow::Borrowed("Web Shop-1f")),
            account_hash: Some(Cow::Borrowed("sha256:a")),
            email_hash: Some(Cow::Borrowed("sha256:e")),
            token: Some(Cow::Borrowed("key-1")),
            tokens: TurnTokens { input: 1_000_000, output: 0, cached: 0, reasoning: 0, total: 1_000_000 },
        }
    }

    #[test]
    fn what_was_blocked_or_asks_no_model_does_not_count() {
        let rows = [
            row(1, Operation::Responses, Ending::Success),
            row(1, Operation::Responses, Ending::Failure),
            row(1, Operation::Responses, Ending::Cancelled),
            row(1, Operation::Responses, Ending::Blocked),
            row(1, Operation::Models, Ending::Success),
            row(1, Operation::ThreadGoal, Ending::Success),
            row(1, Operation::AuthRefresh, Ending::Success),
            row(9, Operation::Responses, Ending::Success),
        ];

        let used = sum(rows, &Which::Everything, Moment::EPOCH, Moment::from_secs(9), &Prices::default());

        assert_eq!(used, Used { requests: 3, tokens: 3_000_000, cost: 6.0 });
    }

    #[test]
    fn a_key_counts_its_own_rows_only() {
        let whose = |account: Option<&str>, email: Option<&str>| Whose {
            account: account.map(str::to_owned),
            email: email.map(str::to_owned),
        };
        let seen = row(1, Operation::Responses, Ending::Success);
        for (which, expected) in [
            (Which::Everything, true),
            (Which::Project("web-shop-1f".into()), true),
            (Which::Project("infra".into()), false),
            (Which::Model("gpt-5.5".into()), true),
            (Which::Model("gpt-5".into()), false),
            (Which::Token("key-1".into()), true),
            (Which::Token("key-2".into()), false),
            (Which::Accounts(vec![whose(Some("sha256:a"), Some("sha256:e"))]), true),
            (Which::Accounts(vec![whose(Some("sha256:a"), None)]), true),
            (Which::Accounts(vec![whose(Some("sha256:a"), Some("sha256:other"))]), false),
            (Which::Accounts(vec![whose(None, None)]), false),
            (Which::Accounts(Vec::new()), false),
        ] {
            assert_eq!(which.covers(&seen), expected, "{which:?}");
        }
    }
}
