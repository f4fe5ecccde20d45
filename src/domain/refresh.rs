//! What a refresh of single-use tokens can end in, and what may still be done after a crash.

use crate::base::{Moment, Span};
use crate::domain::account::Credentials;

/// Why the tokens are refreshed; sent as `refresh_reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Close to expiry.
    ProactiveExpiry,
    /// After a 401.
    UnauthorizedRecovery,
    /// By a timer.
    Scheduled,
    /// The user asked.
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
