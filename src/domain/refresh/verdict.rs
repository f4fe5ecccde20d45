//! What a refusal of the token endpoint means for the account (login.md §7.2).
//!
//! The codes are a table that can grow without anything else changing. Codes come first, because the endpoint
//! sends the same code with different statuses; words and status decide only where there is no known code.

use crate::base::{Span, redact};

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
/// Longest failure text shown to people, in characters.
const LONGEST_WORDS: usize = 260;

/// The code of an account whose answers cannot be read, again and again.
pub const UNREADABLE: &str = "invalid_response";
/// The code of an account whose refresh answered with somebody else's tokens.
pub const WRONG_IDENTITY: &str = "wrong_identity";
/// The code of tokens this machine has already exchanged for newer ones: a copy of an old pool brought them back.
pub const SPENT: &str = "refresh_token_spent";
/// The code of a 401 without one.
const UNAUTHORIZED: &str = "unauthorized";
/// The code of words that say the same as it.
const INVALID_GRANT: &str = "invalid_grant";

/// Why tokens are dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The session ran out.
    Expired,
    /// Somebody used the single-use token.
    Reused,
    /// The session was ended elsewhere.
    Revoked,
    /// Anything else that only a new sign-in mends.
    Invalid,
    /// The answers of the endpoint could not be read.
    Unreadable,
    /// The endpoint answered with another person's tokens.
    WrongIdentity,
    /// These tokens were exchanged on this machine before.
    Spent,
}

/// Codes after which only a new sign-in helps, and why. New ones are added here, nowhere else.
const FATAL: [(&str, Cause); 12] = [
    ("refresh_token_expired", Cause::Expired),
    ("app_session_expired", Cause::Expired),
    ("refresh_token_reused", Cause::Reused),
    ("refresh_token_invalidated", Cause::Revoked),
    ("app_session_terminated", Cause::Revoked),
    ("invalid_refresh_token", Cause::Invalid),
    ("token_expired", Cause::Invalid),
    (INVALID_GRANT, Cause::Invalid),
    (UNAUTHORIZED, Cause::Invalid),
    (UNREADABLE, Cause::Unreadable),
    (WRONG_IDENTITY, Cause::WrongIdentity),
    (SPENT, Cause::Spent),
];

/// Words that say the same as `invalid_grant`.
const FATAL_WORDS: [&str; 2] = ["invalid refresh", "token has been revoked"];

/// Why tokens with this stored code are dead; `None` for a code that says nothing about the refresh token.
pub fn cause(code: &str) -> Option<Cause> {
    FATAL.iter().find(|(known, _)| *known == code).map(|(_, cause)| *cause)
}

/// Whether a stored code says that the refresh token itself is dead, so that no further call may be made for it.
pub fn is_fatal(code: &str) -> bool {
    cause(code).is_some()
}

impl Cause {
    /// The failure kind in JSON documents (commands.md §1.7).
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Expired => "token-expired",
            Self::Reused | Self::Spent => "token-reused",
            Self::Revoked => "token-revoked",
            Self::Invalid | Self::Unreadable | Self::WrongIdentity => "token-invalid",
        }
    }
}

impl Refusal {
    /// Sorts the refusal: known codes first, then known words, then the status.
    pub fn sentence(&self) -> Sentence {
        let dead =
            |default: &str| Sentence::Dead { code: self.code.clone().unwrap_or_else(|| default.to_owned()) };
        // Only upstream's own codes count: ours mean something that an answer cannot say.
        let said = self.code.as_deref().filter(|code| *code != UNAUTHORIZED).and_then(cause);
        if matches!(said, Some(Cause::Expired | Cause::Reused | Cause::Revoked | Cause::Invalid)) {
            return dead(INVALID_GRANT);
        }
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        if FATAL_WORDS.iter().any(|words| message.contains(words)) {
            return dead(INVALID_GRANT);
        }
        match self.status {
            401 => dead(UNAUTHORIZED),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: Option<&str>, message: Option<&str>, after: Option<i64>) -> Refusal {
        Refusal {
            status,
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
            retry_after: after.map(Span::seconds),
        }
    }

    fn dead(code: &str) -> Sentence {
        Sentence::Dead { code: code.to_owned() }
    }

    #[test]
    fn a_known_code_decides_whatever_status_carries_it() {
        for (code, expected) in [
            ("refresh_token_expired", Cause::Expired),
            ("app_session_expired", Cause::Expired),
            ("refresh_token_reused", Cause::Reused),
            ("refresh_token_invalidated", Cause::Revoked),
            ("app_session_terminated", Cause::Revoked),
            ("invalid_refresh_token", Cause::Invalid),
            ("token_expired", Cause::Invalid),
            ("invalid_grant", Cause::Invalid),
        ] {
            assert_eq!(cause(code), Some(expected), "{code}");
            for status in [400, 401, 403, 404, 408, 429, 500, 503] {
                assert_eq!(
                    refusal(status, Some(code), None, Some(7)).sentence(),
                    dead(code),
                    "{code} {status}"
                );
            }
        }
    }

    #[test]
    fn every_refusal_without_a_known_code_is_sorted_by_its_words_then_by_its_status() {
        let wait = |seconds| Sentence::Transient { wait: Span::seconds(seconds) };
        for (name, refusal, expected) in [
            ("words alone", refusal(400, None, Some("Invalid refresh token"), None), dead("invalid_grant")),
            ("words, any case", refusal(400, None, Some("INVALID REFRESH"), None), dead("invalid_grant")),
            (
                "words keep an odd code",
                refusal(403, Some("x"), Some("Token has been revoked"), None),
                dead("x"),
            ),
            (
                "words beat a 503",
                refusal(503, None, Some("token has been revoked"), None),
                dead("invalid_grant"),
            ),
            ("any 401", refusal(401, None, None, None), dead("unauthorized")),
            ("a 401 with an odd code", refusal(401, Some("odd"), None, None), dead("odd")),
            ("400", refusal(400, Some("invalid_request"), None, None), Sentence::Refused),
            ("400 without a word", refusal(400, None, None, None), Sentence::Refused),
            ("403", refusal(403, None, Some("no"), None), Sentence::Refused),
            ("403 with a wait", refusal(403, None, None, Some(9)), Sentence::Refused),
            ("404", refusal(404, None, None, None), Sentence::Refused),
            ("307", refusal(307, None, None, None), Sentence::Refused),
            ("408", refusal(408, None, None, None), wait(30)),
            ("429", refusal(429, None, None, Some(7)), wait(7)),
            ("429 without a time", refusal(429, Some("rate_limited"), None, None), wait(30)),
            ("500", refusal(500, Some("server_error"), None, None), wait(30)),
            ("502", refusal(502, None, None, Some(0)), wait(0)),
            ("503 for weeks", refusal(503, None, None, Some(999_999)), wait(3_600)),
            ("599", refusal(599, None, None, None), wait(30)),
            (
                "our own codes are no verdict of upstream's",
                refusal(400, Some(WRONG_IDENTITY), None, None),
                Sentence::Refused,
            ),
            ("nor is ours for spent tokens", refusal(429, Some(SPENT), None, Some(3)), wait(3)),
            ("nor is ours for a bare 401", refusal(400, Some(UNAUTHORIZED), None, None), Sentence::Refused),
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
    fn a_code_of_the_back_end_says_nothing_about_the_refresh_token() {
        assert!(!is_fatal("token_invalidated"));
        assert_eq!(FATAL.map(|(code, _)| is_fatal(code)), [true; 12]);
    }
}
