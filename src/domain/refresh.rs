//! What a refresh of single-use tokens can end in, and what may still be done after a crash.
//!
//! A refresh token is spent by one call; a second use signs the account out. So every answer is sorted into what
//! the account becomes, a call whose answer was lost leaves it *uncertain* instead of being tried again, and a
//! journal entry written before the call tells the next start which of the two it was. What became of each token
//! is remembered by its hash ([`past`]), so no copy of an old pool can bring a spent one back to the endpoint.

pub mod guardian;
pub mod past;
pub mod verdict;
pub mod words;

use crate::base::{Moment, Span};
use crate::domain::account::{AccountKey, Credentials};

pub use past::{Ask, Past};
pub use verdict::{DEFAULT_WAIT, Refusal, Sentence, UNREADABLE, WRONG_IDENTITY, is_fatal};

/// Why the tokens are refreshed; sent as `refresh_reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Close to expiry.
    ProactiveExpiry,
    /// After a 401.
    UnauthorizedRecovery,
    /// By a timer.
    Scheduled,
    /// The user asked. The only reason for which an uncertain account's token is spent once more.
    Forced,
}

impl Reason {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ProactiveExpiry => "proactive_expiry",
            Self::UnauthorizedRecovery => "unauthorized_recovery",
            Self::Scheduled => "scheduled",
            Self::Forced => "forced",
        }
    }
}

/// How a refresh ended. Whatever it is, it is durable already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// New tokens are stored.
    Renewed(Box<Credentials>),
    /// Newer tokens were found in the pool, `auth.json` or a result file; no call was made.
    Adopted(Box<Credentials>),
    /// The tokens are dead: sign in again. Carries upstream's code.
    Dead {
        /// Upstream's code (`refresh_token_reused`, …).
        code: String,
    },
    /// Not now; try again after `wait` (30 s when upstream named none).
    Transient {
        /// Honours `Retry-After`.
        wait: Span,
        /// For people, at most 260 characters, no token material.
        why: String,
    },
    /// Refused for this attempt (400, 403 without a known code): cool down, not flagged.
    Refused {
        /// For people.
        why: String,
    },
    /// The call was cut after it was sent: the account is uncertain (D22).
    Uncertain {
        /// When the call was sent.
        since: Moment,
    },
    /// There is no refresh token, or the account is gone.
    Missing,
}

/// Whose refresh token a hash names: the one in use, or one that was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The record's refresh token of now.
    Current,
    /// A refresh token the record had before.
    Earlier,
}

/// Whether two sets of claims can belong to one account: nothing that both declare differs.
///
/// An answer with another identity must never be merged: it would turn one account into a copy of another.
pub fn is_same_identity(stored: &Credentials, answered: &Credentials) -> bool {
    fn agree(a: Option<&String>, b: Option<&String>) -> bool {
        a.is_none() || b.is_none() || a == b
    }
    let (a, b) = (&stored.claims, &answered.claims);
    agree(a.workspace_id.as_ref(), b.workspace_id.as_ref()) && agree(a.email.as_ref(), b.email.as_ref())
}

/// The journal entry of a call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Whose token is being spent.
    pub key: AccountKey,
    /// SHA-256 of that token, hex.
    pub old_hash: String,
    /// When.
    pub started_at: Moment,
}

/// What is to be done about a journal entry nobody works on any more, after kept answers were adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The pool has newer tokens, or no such account: only the journal is removed.
    Clear,
    /// The token may be spent and its answer is lost.
    Uncertain,
}

impl Intent {
    /// Settles the entry; `row_hash` names the refresh token the account has in the pool now.
    pub fn settle(&self, row_hash: Option<&str>) -> Settlement {
        if row_hash == Some(self.old_hash.as_str()) { Settlement::Uncertain } else { Settlement::Clear }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Claims;

    #[test]
    fn a_declared_difference_is_another_identity_and_silence_is_not() {
        let of = |workspace: Option<&str>, email: Option<&str>| Credentials {
            claims: Claims {
                workspace_id: workspace.map(str::to_owned),
                email: email.map(str::to_owned),
                ..Claims::default()
            }
            .into(),
            ..Credentials::default()
        };
        let stored = of(Some("w"), Some("a@x.test"));

        assert!(is_same_identity(&stored, &of(Some("w"), None)));
        assert!(is_same_identity(&stored, &of(None, Some("a@x.test"))));
        assert!(!is_same_identity(&stored, &of(Some("other"), Some("a@x.test"))));
        assert!(!is_same_identity(&stored, &of(Some("w"), Some("b@x.test"))));
    }

    #[test]
    fn a_journal_entry_matters_only_while_its_token_is_still_in_the_pool() {
        let entry = Intent {
            key: AccountKey::new("record:1"),
            old_hash: "old".to_owned(),
            started_at: Moment::EPOCH,
        };

        assert_eq!(entry.settle(Some("old")), Settlement::Uncertain);
        assert_eq!(entry.settle(Some("new")), Settlement::Clear);
        assert_eq!(entry.settle(None), Settlement::Clear);
    }
}
