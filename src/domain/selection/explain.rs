//! A decision with its full explanation: what `why-selected`, `status` and the screens show.

use crate::base::{Moment, Percent};
use crate::domain::account::AccountKey;
use crate::domain::selection::Strategy;

/// Which rule decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// `--account`.
    Forced,
    /// The manual pin.
    Pin,
    /// The session's own account.
    Affinity,
    /// Fewest drawbacks by policy (only one account allowed).
    Policy,
    /// The strategy's order.
    Strategy,
}

impl Rule {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::Pin => "pin",
            Self::Affinity => "affinity",
            Self::Policy => "policy",
            Self::Strategy => "strategy",
        }
    }
}

/// Parts of a hybrid score; their sum is the score.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Parts {
    /// 2 × health.
    pub health: f64,
    /// 5 × bucket.
    pub tokens: f64,
    /// 2 × hours since last used, at most 24 h.
    pub fresh: f64,
    /// Policy.
    pub boost: f64,
    /// Last served account within `minRotationIntervalMs`.
    pub sticky: f64,
    /// −15 per request in flight.
    pub in_flight: f64,
    /// Spread between processes.
    pub spread: f64,
}

impl Parts {
    /// The score.
    pub fn total(&self) -> f64 {
        self.health + self.tokens + self.fresh + self.boost + self.sticky + self.in_flight + self.spread
    }
}

/// One account as the engine saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Which account.
    pub key: AccountKey,
    /// 0-based stored position.
    pub index: usize,
    /// Why it may not be used; `None` = eligible.
    pub skip: Option<Skip>,
    /// Score parts (also for ineligible ones, for display).
    pub parts: Parts,
    /// What is left in the tighter window.
    pub left: Option<Percent>,
}

/// A skip reason with the moment it lifts by itself, if it does (runtime.md §7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// The contract word (`rate-limited`, `cooling-down:network-error`, `auth-invalidated`, …).
    pub reason: String,
    /// When it lifts by itself.
    pub until: Option<Moment>,
}

/// An answer of the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// When it was made.
    pub at: Moment,
    /// Who serves; `None` = nobody can.
    pub chosen: Option<AccountKey>,
    /// The rule that decided (or would have).
    pub rule: Rule,
    /// The strategy in force.
    pub strategy: Strategy,
    /// All accounts in stored order.
    pub candidates: Vec<Candidate>,
}
