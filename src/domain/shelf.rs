//! The small stores beside the pool, and what a look at one of them found.
//!
//! A store that is there but cannot be read is neither empty nor absent: whoever obeys a limit in it has to know
//! the difference, or a damaged file would lift the limit without a word.

/// A store that several processes, the reference among them, read and change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Store {
    /// Tags, weights, pauses of accounts.
    Policies,
    /// Routing rules of projects.
    Profiles,
    /// Budgets.
    Budgets,
    /// Keys of local clients.
    ClientTokens,
    /// Quota as last seen.
    Quota,
    /// What the reference shows of a running proxy.
    Observability,
    /// Which set-up steps were done.
    FirstRun,
    /// The newest published version.
    UpdateCheck,
}

impl Store {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Policies,
        Self::Profiles,
        Self::Budgets,
        Self::ClientTokens,
        Self::Quota,
        Self::Observability,
        Self::FirstRun,
        Self::UpdateCheck,
    ];

    /// The file's name, and its lock's without the ending.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Policies => "account-policies.json",
            Self::Profiles => "routing-profiles.json",
            Self::Budgets => "budget-guards.json",
            Self::ClientTokens => "local-client-tokens.json",
            Self::Quota => "quota-cache.json",
            Self::Observability => "runtime-observability.json",
            Self::FirstRun => "first-run-setup.json",
            Self::UpdateCheck => "update-check-cache.json",
        }
    }

    /// How people call its content.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Policies => "account policies",
            Self::Profiles => "routing profiles",
            Self::Budgets => "budgets",
            Self::ClientTokens => "keys of local clients",
            Self::Quota => "quota cache",
            Self::Observability => "runtime figures",
            Self::FirstRun => "set-up record",
            Self::UpdateCheck => "update cache",
        }
    }

    /// Whether it limits what may be done, so that a damaged one must not be taken for an empty one.
    pub const fn is_binding(self) -> bool {
        match self {
            Self::Policies | Self::Profiles | Self::Budgets | Self::ClientTokens => true,
            Self::Quota | Self::Observability | Self::FirstRun | Self::UpdateCheck => false,
        }
    }
}

/// What a look at a store found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<T> {
    /// No file.
    Absent,
    /// A file that can be read.
    Whole(Entries<T>),
    /// A file that cannot; why, never with any of its content.
    Damaged {
        /// Where and why.
        detail: String,
    },
}

/// What a readable store holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entries<T> {
    /// The content as it counts.
    pub value: T,
    /// Entries and members that were passed over, in words.
    pub odd: Vec<String>,
}

impl<T> Found<T> {
    /// The content of a readable store.
    pub fn whole(&self) -> Option<&T> {
        match self {
            Self::Whole(entries) => Some(&entries.value),
            Self::Absent | Self::Damaged { .. } => None,
        }
    }

    /// The same finding without the content.
    pub fn state(&self) -> State {
        match self {
            Self::Absent => State::Absent,
            Self::Whole(entries) => State::Whole { odd: entries.odd.clone() },
            Self::Damaged { detail } => State::Damaged { detail: detail.clone() },
        }
    }
}

/// The state of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// No file.
    Absent,
    /// Readable.
    Whole {
        /// What was passed over, in words.
        odd: Vec<String>,
    },
    /// Not readable.
    Damaged {
        /// Where and why.
        detail: String,
    },
}
