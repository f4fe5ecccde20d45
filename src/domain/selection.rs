//! The one decision engine: who serves the next request, and why (D24).

pub mod affinity;
pub mod eligible;
pub mod explain;
pub mod pin;
pub mod price;
pub mod ramp;
pub mod replay;
pub mod score;

use std::collections::BTreeSet;

use crate::domain::account::AccountKey;
use crate::domain::model::Family;

/// The question put to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Hash of the session key, when the request has one.
    pub session: Option<SessionKey>,
    /// Model slug, when known.
    pub model: Option<String>,
    /// Family of the model.
    pub family: Family,
    /// `--account`: this account only.
    pub forced: Option<AccountKey>,
    /// Accounts already tried for this request.
    pub tried: BTreeSet<AccountKey>,
    /// Project of the client, for its profile and budgets.
    pub project: Option<String>,
    /// Id of the local client's key, for its budget.
    pub token: Option<String>,
}

impl Ask {
    /// The key-less question of family `codex`, for which every face gives the same answer.
    pub fn plain() -> Self {
        Self {
            session: None,
            model: None,
            family: Family::Codex,
            forced: None,
            tried: BTreeSet::new(),
            project: None,
            token: None,
        }
    }

    /// The question of a request for `model` in `session`.
    pub fn of(session: Option<SessionKey>, model: Option<String>) -> Self {
        let family = Family::of(model.as_deref());
        Self { session, model, family, forced: None, tried: BTreeSet::new(), project: None, token: None }
    }
}

/// A session key, hashed at the edge so that no client id is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(String);

impl SessionKey {
    /// From the client's session id, trimmed and cut to 256 characters.
    pub fn of(id: &str) -> Self {
        use sha2::Digest as _;
        let id: String = id.trim().chars().take(256).collect();
        let digest = sha2::Sha256::digest(id.as_bytes());
        Self(digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            use std::fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// From a stored hash.
    pub fn from_hash(hash: impl Into<String>) -> Self {
        Self(hash.into())
    }

    /// 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Four characters for people.
    pub fn short(&self) -> &str {
        self.0.get(..4).unwrap_or(&self.0)
    }
}

/// How eligible accounts are ordered for a session that has none (runtime.md §7.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Strategy {
    /// Health, bucket, freshness.
    #[default]
    Hybrid,
    /// Stay until unusable, then the next.
    Sequential,
    /// What expires first is used first.
    SoonestResetFirst,
    /// The most left in the tighter window.
    MostRemaining,
    /// The one that waited longest for a new session.
    RoundRobin,
    /// Heaviest first, always from the top.
    FillFirst,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Hybrid,
        Self::Sequential,
        Self::SoonestResetFirst,
        Self::MostRemaining,
        Self::RoundRobin,
        Self::FillFirst,
    ];

    /// The word in settings and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Sequential => "sequential",
            Self::SoonestResetFirst => "soonest-reset-first",
            Self::MostRemaining => "most-remaining",
            Self::RoundRobin => "round-robin",
            Self::FillFirst => "fill-first",
        }
    }

    /// The strategy of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.word() == word)
    }

    /// What the chosen account has before the others, in words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Hybrid => "best health, quota and freshness",
            Self::Sequential => "next in order",
            Self::SoonestResetFirst => "its long window resets soonest",
            Self::MostRemaining => "the most quota left",
            Self::RoundRobin => "waited longest for a new session",
            Self::FillFirst => "first by weight and place in the pool",
        }
    }

    /// Whether a session may leave its account because another one suits better.
    pub const fn moves_by_preference(self) -> bool {
        match self {
            Self::Sequential | Self::FillFirst => false,
            Self::Hybrid | Self::SoonestResetFirst | Self::MostRemaining | Self::RoundRobin => true,
        }
    }
}
