//! Why an account may not be used, in the one order in which reasons are looked for (runtime.md §7.1).

use crate::base::Moment;
use crate::domain::account::{Account, CooldownReason};
use crate::domain::policy::account::Rein;
use crate::domain::selection::explain::Skip;

/// Something that stands against an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// The account is gone.
    Missing,
    /// Switched off by the user.
    Disabled,
    /// Its workspace is gone.
    WorkspaceDisabled,
    /// Its tokens are dead.
    Invalidated,
    /// A refresh was cut (D22).
    Uncertain,
    /// The user's policy.
    Held(Rein),
    /// The user's rules cannot be read.
    Unreadable,
    /// A budget that covers the whole request is used up.
    OverBudget(Moment),
    /// The project's profile forbids the request.
    Ruled,
    /// The account's own budget, or its tag's, is used up.
    Spent(Moment),
    /// A limit upstream spoke of.
    Limited(Moment),
    /// A rest.
    Cooling(Option<CooldownReason>, Moment),
    /// The breaker is open.
    CircuitOpen(Moment),
    /// The plan or the model was refused a moment ago.
    NotEntitled(Moment),
    /// The cascade guard stands.
    Guarded(Moment),
    /// Already tried for this request.
    Attempted,
    /// Nearly empty: only moves the account behind the others.
    NearExhaustion(Moment),
}

impl Bar {
    /// The contract word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Disabled => "disabled",
            Self::WorkspaceDisabled => "workspace-disabled",
            Self::Invalidated => "auth-invalidated",
            Self::Uncertain => "uncertain",
            Self::Held(Rein::Drained | Rein::Free) => "policy: drained",
            Self::Held(Rein::Paused) => "policy: paused",
            Self::Held(Rein::PausedAndDrained) => "policy: paused, drained",
            Self::Unreadable => "runtime_policy_unavailable",
            Self::OverBudget(_) => "budget_blocked",
            Self::Ruled => "policy_blocked",
            Self::Spent(_) => "policy: budget",
            Self::Limited(_) => "rate-limited",
            Self::Cooling(None, _) => "cooling-down",
            Self::Cooling(Some(CooldownReason::AuthFailure), _) => "cooling-down:auth-failure",
            Self::Cooling(Some(CooldownReason::NetworkError), _) => "cooling-down:network-error",
            Self::Cooling(Some(CooldownReason::ServerError), _) => "cooling-down:server-error",
            Self::Cooling(Some(CooldownReason::RateLimit), _) => "cooling-down:rate-limit",
            Self::CircuitOpen(_) => "circuit-open",
            Self::NotEntitled(_) => "not-entitled",
            Self::Guarded(_) => "cascade-guard",
            Self::Attempted => "already-attempted",
            Self::NearExhaustion(_) => "quota-near-exhaustion",
        }
    }

    /// When it lifts by itself.
    pub const fn until(self) -> Option<Moment> {
        match self {
            Self::Limited(until)
            | Self::OverBudget(until)
            | Self::Spent(until)
            | Self::Cooling(_, until)
            | Self::CircuitOpen(until)
            | Self::NotEntitled(until)
            | Self::Guarded(until)
            | Self::NearExhaustion(until) => Some(until),
            Self::Missing
            | Self::Disabled
            | Self::WorkspaceDisabled
            | Self::Invalidated
            | Self::Uncertain
            | Self::Held(_)
            | Self::Unreadable
            | Self::Ruled
            | Self::Attempted => None,
        }
    }

    /// The skip reason as it is shown.
    pub fn skip(self) -> Skip {
        Skip { reason: self.word().to_owned(), until: self.until() }
    }

    /// What no amount of time changes.
    pub fn lasting(account: &Account) -> Option<Self> {
        if !account.is_on() {
            return Some(Self::Disabled);
        }
        if !account.has_usable_workspace() {
            return Some(Self::WorkspaceDisabled);
        }
        if account.invalidation.is_some() {
            return Some(Self::Invalidated);
        }
        account.uncertain_since.map(|_| Self::Uncertain)
    }
}
