//! The one account a request is bound to, and who bound it.

use crate::domain::account::AccountKey;
use crate::domain::roster::Roster;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Rule;

/// Who bound a request to one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinSource {
    /// The launch (`--account`).
    Forced,
    /// The user, for one session (`session pin`).
    Session,
    /// The user (`switch`).
    Manual,
}

impl PinSource {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::Session => "session",
            Self::Manual => "manual",
        }
    }

    /// The rule it stands for.
    pub const fn rule(self) -> Rule {
        match self {
            Self::Forced => Rule::Forced,
            Self::Session | Self::Manual => Rule::Pin,
        }
    }
}

/// The account this question is bound to: the launch's own before the user's pin.
pub fn bound<'a>(ask: &'a Ask, roster: &'a Roster) -> Option<(&'a AccountKey, PinSource)> {
    ask.forced
        .as_ref()
        .map(|key| (key, PinSource::Forced))
        .or_else(|| roster.pin.as_ref().map(|key| (key, PinSource::Manual)))
}
