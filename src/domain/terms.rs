//! The one-time acknowledgement (decisions.md D6, commands.md §5.3): what it says, and what it gates.
//!
//! It is asked before the first account is added and never again for the same revision of its text. A pool that
//! already has accounts is never locked out: it gets the notice once.

use crate::base::Moment;

/// Grows with the meaning of the text; a new one asks again.
pub const REVISION: u64 = 1;

/// The text, a paragraph each.
pub const LINES: [&str; 5] = [
    "codex-multi-auth is an independent open-source project, not a product of OpenAI. It keeps and uses the \
     sign-ins of your own ChatGPT accounts on this computer, for personal development.",
    "You answer for your use and for following OpenAI's terms.",
    "For production or commercial work use the OpenAI Platform API.",
    "Loopback only, no telemetry, nothing is shared.",
    "A few bounded attempts per request, never the whole pool.",
];

/// How it was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A person agreed when asked.
    Dashboard,
    /// `--accept-terms`
    Flag,
    /// A pool that already had accounts was told.
    Notice,
}

impl By {
    /// The word in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Flag => "flag",
            Self::Notice => "notice",
        }
    }

    /// The way behind a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Dashboard, Self::Flag, Self::Notice].into_iter().find(|by| by.word() == word)
    }
}

/// What is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// When.
    pub at: Moment,
    /// Of which text.
    pub revision: u64,
    /// How.
    pub by: By,
}

/// What has to happen before an account may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nothing.
    Open,
    /// Record this, then go on.
    Record(By),
    /// Ask first.
    Ask,
}

/// Whether `--accept-terms` was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// It was.
    Given,
    /// Nothing was said.
    #[default]
    Unsaid,
}

/// Decides.
pub fn gate(record: Option<Acknowledged>, accounts: usize, consent: Consent) -> Gate {
    if record.is_some_and(|record| record.revision >= REVISION) {
        return Gate::Open;
    }
    match (consent, accounts) {
        (Consent::Given, _) => Gate::Record(By::Flag),
        (Consent::Unsaid, 0) => Gate::Ask,
        (Consent::Unsaid, _) => Gate::Record(By::Notice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_pool_is_asked() {
        let record = |revision| Some(Acknowledged { at: Moment::EPOCH, revision, by: By::Flag });
        for (name, record, accounts, consent, expected) in [
            ("fresh", None, 0, Consent::Unsaid, Gate::Ask),
            ("fresh with the flag", None, 0, Consent::Given, Gate::Record(By::Flag)),
            ("old pool", None, 3, Consent::Unsaid, Gate::Record(By::Notice)),
            ("known", record(REVISION), 0, Consent::Unsaid, Gate::Open),
            ("an older text", record(REVISION - 1), 0, Consent::Unsaid, Gate::Ask),
            ("a newer text", record(REVISION + 1), 0, Consent::Unsaid, Gate::Open),
        ] {
            assert_eq!(gate(record, accounts, consent), expected, "{name}");
        }
    }
}
