//! What a refresh of single-use tokens can end in, and what may still be done after a crash.
//!
//! A refresh token is spent by one call; a second use signs the account out. So every answer is sorted into what
//! the account becomes, a call whose answer was lost leaves it *uncertain* instead of being tried again, and a
//! journal entry written before the call tells the next start which of the two it was.

use crate::base::{Moment, Span, redact};
use crate::domain::account::{AccountKey, Credentials};

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

/// An answer of the token endpoint that grants nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Machine-readable code, lower-cased.
    pub code: Option<String>,
    /// The server's words on one line.
    pub message: Option<String>,
    /// When upstream wants to be asked again.
    pub retry_after: Option<Span>,
}

/// What a refusal means for the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sentence {
    /// These tokens never work again.
    Dead {
        /// Upstream's code, or a word for the class when it sent none.
        code: String,
    },
    /// The server's own trouble.
    Transient {
        /// How long to wait.
        wait: Span,
    },
    /// This attempt only.
    Refused,
}

/// Rest after trouble for which upstream named no time.
pub const DEFAULT_WAIT: Span = Span::seconds(30);
/// No wait of a token endpoint is believed beyond this.
const LONGEST_WAIT: Span = Span::hours(1);
/// Answers nobody can read, in a row, before the tokens count as dead.
pub const BAD_ANSWERS: u32 = 3;
/// The code of an account whose answers cannot be read, again and again.
pub const UNREADABLE: &str = "invalid_response";
/// The code of an account whose refresh answered with somebody else's tokens.
pub const WRONG_IDENTITY: &str = "wrong_identity";

/// Codes after which only a new sign-in helps. New ones are added here, nowhere else.
const FATAL: [&str; 8] = [
    "refresh_token_expired",
    "app_session_expired",
    "refresh_token_reused",
    "refresh_token_invalidated",
    "app_session_terminated",
    "invalid_refresh_token",
    "token_expired",
    "invalid_grant",
];

impl Refusal {
    /// Sorts the refusal (login.md §7.2): known codes first, then the status.
    pub fn sentence(&self) -> Sentence {
        if let Some(code) = self.code.as_deref().filter(|code| FATAL.contains(code)) {
            return Sentence::Dead { code: code.to_owned() };
        }
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        if message.contains("invalid refresh") || message.contains("token has been revoked") {
            return Sentence::Dead { code: self.code.clone().unwrap_or_else(|| "invalid_grant".to_owned()) };
        }
        match self.status {
            401 => Sentence::Dead { code: self.code.clone().unwrap_or_else(|| "unauthorized".to_owned()) },
            408 | 429 | 500..=599 => {
                Sentence::Transient { wait: self.retry_after.unwrap_or(DEFAULT_WAIT).min(LONGEST_WAIT) }
            }
            _ => Sentence::Refused,
        }
    }

    /// The refusal for people: at most 260 characters on one line, nothing in it that looks like a token.
    pub fn words(&self) -> String {
        let words = match (self.message.as_deref(), self.code.as_deref()) {
            (Some(message), Some(code)) if !message.contains(code) => format!("{message} ({code})"),
            (Some(message), _) => message.to_owned(),
            (None, Some(code)) => code.to_owned(),
            (None, None) => format!("the token endpoint answered {}", self.status),
        };
        redact::text(&words).chars().take(LONGEST_WORDS).collect()
    }
}

/// Longest failure text shown to people.
const LONGEST_WORDS: usize = 260;

/// Whether a stored code says that the refresh token itself is dead, so that no further call may be made for it.
pub fn is_fatal(code: &str) -> bool {
    FATAL.contains(&code) || [UNREADABLE, WRONG_IDENTITY, "unauthorized"].contains(&code)
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

    fn refusal(status: u16, code: Option<&str>, message: Option<&str>, after: Option<i64>) -> Refusal {
        Refusal {
            status,
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
            retry_after: after.map(Span::seconds),
        }
    }

    #[test]
    fn every_refusal_has_its_sentence() {
        let dead = |code: &str| Sentence::Dead { code: code.to_owned() };
        let wait = |seconds| Sentence::Transient { wait: Span::seconds(seconds) };

        for (name, refusal, expected) in [
            (
                "expired",
                refusal(401, Some("refresh_token_expired"), None, None),
                dead("refresh_token_expired"),
            ),
            (
                "session expired",
                refusal(400, Some("app_session_expired"), None, None),
                dead("app_session_expired"),
            ),
            ("reused", refusal(401, Some("refresh_token_reused"), None, None), dead("refresh_token_reused")),
            (
                "revoked",
                refusal(401, Some("refresh_token_invalidated"), None, None),
                dead("refresh_token_invalidated"),
            ),
            (
                "ended",
                refusal(400, Some("app_session_terminated"), None, None),
                dead("app_session_terminated"),
            ),
            (
                "invalid",
                refusal(400, Some("invalid_refresh_token"), None, None),
                dead("invalid_refresh_token"),
            ),
            ("token expired", refusal(403, Some("token_expired"), None, None), dead("token_expired")),
            ("grant", refusal(400, Some("invalid_grant"), None, None), dead("invalid_grant")),
            ("words", refusal(400, None, Some("Invalid refresh token"), None), dead("invalid_grant")),
            ("revoked words", refusal(403, Some("x"), Some("Token has been revoked"), None), dead("x")),
            (
                "a known code beats a 500",
                refusal(500, Some("refresh_token_reused"), None, None),
                dead("refresh_token_reused"),
            ),
            ("any 401", refusal(401, None, None, None), dead("unauthorized")),
            ("odd 401", refusal(401, Some("odd"), None, None), dead("odd")),
            ("400", refusal(400, Some("invalid_request"), None, None), Sentence::Refused),
            ("403", refusal(403, None, Some("no"), None), Sentence::Refused),
            ("404", refusal(404, None, None, None), Sentence::Refused),
            ("408", refusal(408, None, None, None), wait(30)),
            ("429", refusal(429, None, None, Some(7)), wait(7)),
            ("503", refusal(503, None, None, Some(999_999)), wait(3_600)),
        ] {
            assert_eq!(refusal.sentence(), expected, "{name}");
        }
    }

    #[test]
    fn words_carry_the_code_once_and_are_bounded() {
        assert_eq!(refusal(401, Some("a_code"), Some("Too late"), None).words(), "Too late (a_code)");
        assert_eq!(refusal(401, Some("a_code"), Some("Too late: a_code"), None).words(), "Too late: a_code");
        assert_eq!(
            refusal(400, None, Some("rt_0123456789abcdefghijklmnopqrstuvwxyz is odd"), None).words(),
            "*** is odd"
        );
        assert_eq!(refusal(502, None, None, None).words(), "the token endpoint answered 502");
        assert_eq!(refusal(400, None, Some(&"no ".repeat(300)), None).words().len(), 260);
    }

    #[test]
    fn a_declared_difference_is_another_identity_and_silence_is_not() {
        let of = |workspace: Option<&str>, email: Option<&str>| Credentials {
            claims: Claims {
                workspace_id: workspace.map(str::to_owned),
                email: email.map(str::to_owned),
                ..Claims::default()
            },
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
