//! What a question to the back end about one account shows: whether it is available, and if not, whose fault.
//!
//! Only a refusal for good means "sign in again"; trouble of the network or of the server says nothing about an
//! account (CLI-13, CLI-15).

use crate::domain::forecast::Finding;
use crate::domain::refresh;

/// Why the usage endpoint gave no figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Which kind.
    pub kind: Kind,
    /// For people, one sentence part.
    pub why: String,
}

/// Kinds of failure of one account, with the words of commands.md §1.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The access token was refused.
    TokenInvalid,
    /// The plan may not use Codex.
    NotEntitled,
    /// The workspace is gone.
    WorkspaceDisabled,
    /// There is no refresh token.
    MissingRefreshToken,
    /// Nobody could be reached.
    Network,
    /// The server's own trouble, or an answer nobody can read.
    ServerError,
}

impl Kind {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TokenInvalid => "token-invalid",
            Self::NotEntitled => "not-entitled",
            Self::WorkspaceDisabled => "workspace-disabled",
            Self::MissingRefreshToken => "missing-refresh-token",
            Self::Network => "network",
            Self::ServerError => "server-error",
        }
    }
}

/// Where an account stands after it was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It answered with figures.
    Available,
    /// The sign-in works, Codex may not be used.
    SignedInOnly(Unread),
    /// Its tokens are dead: upstream's code.
    NeedsLogin(String),
    /// A refresh was cut: nobody knows.
    Uncertain,
    /// The question failed.
    Unknown(Unread),
}

impl Standing {
    /// The word in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::SignedInOnly(_) => "signed-in-only",
            Self::NeedsLogin(_) => "needs-login",
            Self::Uncertain => "uncertain",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The failure's word in JSON, if there is one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Available => None,
            Self::SignedInOnly(unread) | Self::Unknown(unread) => Some(unread.kind.word()),
            Self::NeedsLogin(code) => Some(match code.as_str() {
                "refresh_token_expired" | "app_session_expired" | "token_expired" => "token-expired",
                "refresh_token_reused" => "token-reused",
                "refresh_token_invalidated" | "app_session_terminated" => "token-revoked",
                "missing-refresh-token" => "missing-refresh-token",
                _ => "token-invalid",
            }),
            Self::Uncertain => Some("uncertain"),
        }
    }

    /// In words, as a list shows it behind the account's name.
    pub fn sentence(&self) -> String {
        match self {
            Self::Available => "available".to_owned(),
            Self::SignedInOnly(unread) => format!("signed in; Codex is not available: {}", unread.why),
            Self::NeedsLogin(code) => format!("sign in again: the session is no longer valid ({code})"),
            Self::Uncertain => "uncertain: its last refresh was cut; the next one may sign it out".to_owned(),
            Self::Unknown(unread) => format!("not verified: {}", unread.why),
        }
    }

    /// What it means for a forecast.
    pub fn finding(&self) -> Option<Finding> {
        match self {
            Self::Available | Self::Uncertain => None,
            Self::SignedInOnly(_) => Some(Finding::NotEntitled),
            Self::NeedsLogin(code) => Some(Finding::Dead(code.clone())),
            Self::Unknown(unread) => Some(Finding::Unanswered(unread.why.clone())),
        }
    }

    /// Where a refresh that brought no tokens leaves the account; `None` when it brought some.
    pub fn after(outcome: &refresh::Outcome) -> Option<Self> {
        match outcome {
            refresh::Outcome::Renewed(_) | refresh::Outcome::Adopted(_) => None,
            refresh::Outcome::Dead { code } => Some(Self::NeedsLogin(code.clone())),
            refresh::Outcome::Transient { why, .. } | refresh::Outcome::Refused { why } => {
                Some(Self::Unknown(Unread { kind: Kind::ServerError, why: why.clone() }))
            }
            refresh::Outcome::Uncertain { .. } => Some(Self::Uncertain),
            refresh::Outcome::Missing => Some(Self::NeedsLogin("missing-refresh-token".to_owned())),
        }
    }

    /// Where a failed question leaves the account.
    pub fn without_figures(unread: &Unread) -> Self {
        match unread.kind {
            Kind::NotEntitled | Kind::WorkspaceDisabled => Self::SignedInOnly(unread.clone()),
            Kind::MissingRefreshToken => Self::NeedsLogin(unread.kind.word().to_owned()),
            Kind::TokenInvalid | Kind::Network | Kind::ServerError => Self::Unknown(unread.clone()),
        }
    }
}

/// Requests a survey made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// To the usage endpoint.
    pub usage: u64,
    /// To the token endpoint.
    pub refresh: u64,
    /// To a model, which spends quota.
    pub probe: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Moment, Span};

    #[test]
    fn only_a_refusal_for_good_asks_for_a_sign_in() {
        let dead = refresh::Outcome::Dead { code: "refresh_token_reused".to_owned() };
        let busy = refresh::Outcome::Transient { wait: Span::ZERO, why: "busy".to_owned() };
        let cut = refresh::Outcome::Uncertain { since: Moment::EPOCH };

        for (outcome, word, code) in [
            (dead, "needs-login", "token-reused"),
            (busy, "unknown", "server-error"),
            (cut, "uncertain", "uncertain"),
            (refresh::Outcome::Missing, "needs-login", "missing-refresh-token"),
        ] {
            let standing = Standing::after(&outcome).unwrap();
            assert_eq!((standing.word(), standing.code()), (word, Some(code)), "{outcome:?}");
        }
    }

    #[test]
    fn a_failed_question_is_a_doubt_unless_the_account_itself_was_refused() {
        let of = |kind| Standing::without_figures(&Unread { kind, why: "why".to_owned() });

        for (kind, word) in [
            (Kind::TokenInvalid, "unknown"),
            (Kind::Network, "unknown"),
            (Kind::ServerError, "unknown"),
            (Kind::NotEntitled, "signed-in-only"),
            (Kind::WorkspaceDisabled, "signed-in-only"),
            (Kind::MissingRefreshToken, "needs-login"),
        ] {
            assert_eq!(of(kind).word(), word, "{kind:?}");
            assert_eq!(of(kind).code(), Some(kind.word()), "{kind:?}");
        }
    }
}
