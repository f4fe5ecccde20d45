//! From a chosen account to credentials that may be sent: refresh, workspace, routing. The same for a request and for
//! an upgrade.

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::failure::{Class, Verdict};
use crate::domain::pool::{Count, Observation, Pass, Pool, Readiness, Recovery, Unroutable};
use crate::domain::refresh::{Outcome, Reason};
use crate::domain::selection::Ask;
use crate::domain::workspace::Routing;
use crate::ports::upstream::ReadError;

/// What comes next on the way to an account.
pub(super) enum Next {
    /// Its tokens have to be refreshed.
    Refresh(Reason),
    /// Its routing has to be discovered.
    Discover,
    /// It may be sent with.
    Ready(Box<Pass>),
    /// It cannot be used; the pool knows already.
    Lost(Lost),
}

/// Why an account could not be used before anything was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost {
    /// The class, for rows and the final answer.
    pub(super) class: Class,
    /// Whether it counts as a transient attempt.
    pub(super) weight: Weight,
}

/// Whether a loss counts against the transient attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It does.
    Transient,
    /// It does not: waiting changes nothing about it.
    Free,
}

/// What the account needs.
pub(super) fn next(pool: &mut Pool, key: &AccountKey, ask: &Ask, now: Moment) -> Next {
    match pool.readiness(key, now) {
        Readiness::Refresh(reason) => Next::Refresh(reason),
        Readiness::Discover => Next::Discover,
        Readiness::Ready(pass) => Next::Ready(pass),
        Readiness::NoWorkspace => {
            pool.observe(key, ask, Observation::NoWorkspace, now);
            Next::Lost(Lost { class: Class::AuthExpired, weight: Weight::Transient })
        }
    }
}

/// A refresh ended.
pub(super) fn refreshed(
    pool: &mut Pool,
    key: &AccountKey,
    ask: &Ask,
    outcome: &Outcome,
    now: Moment,
) -> Next {
    if !matches!(outcome, Outcome::Adopted(_) | Outcome::Missing) {
        pool.count(Count::Refresh);
    }
    let lost = match outcome {
        Outcome::Renewed(_) | Outcome::Adopted(_) => {
            pool.renewed(key, outcome, now);
            if pool.is_still_refused(key) {
                return give_up(pool, key, ask, now);
            }
            return next_after_refresh(pool, key, ask, now);
        }
        Outcome::Dead { .. } => Lost { class: Class::AuthInvalidated, weight: Weight::Free },
        Outcome::Transient { .. } => Lost { class: Class::AuthExpired, weight: Weight::Transient },
        Outcome::Refused { .. } | Outcome::Uncertain { .. } | Outcome::Missing => {
            Lost { class: Class::AuthExpired, weight: Weight::Free }
        }
    };
    pool.observe(key, ask, Observation::NotRefreshed(outcome), now);
    Next::Lost(lost)
}

/// A token that is stale again right after its refresh would be refreshed for ever.
fn next_after_refresh(pool: &mut Pool, key: &AccountKey, ask: &Ask, now: Moment) -> Next {
    match next(pool, key, ask, now) {
        Next::Refresh(_) => give_up(pool, key, ask, now),
        other @ (Next::Discover | Next::Ready(_) | Next::Lost(_)) => other,
    }
}

/// Routing discovery ended.
pub(super) fn routed(
    pool: &mut Pool,
    key: &AccountKey,
    ask: &Ask,
    answer: Result<Routing, ReadError>,
    now: Moment,
) -> Next {
    match answer {
        Ok(routing) => pool.routed(key, routing, now),
        Err(ReadError::Refused) => {
            let token = pool.account(key).and_then(|account| account.credentials.access.clone());
            return match token.map(|token| pool.refused(key, &token, now)) {
                Some(Recovery::Refresh) => Next::Refresh(Reason::UnauthorizedRecovery),
                Some(Recovery::Resend) => next(pool, key, ask, now),
                Some(Recovery::GiveUp) | None => give_up(pool, key, ask, now),
            };
        }
        Err(ReadError::Unavailable(_)) => {
            pool.not_routed(key, ask, Unroutable::Gone, now);
            return Next::Lost(Lost { class: Class::WorkspaceDisabled, weight: Weight::Free });
        }
        Err(ReadError::Status(_) | ReadError::Invalid(_) | ReadError::Transport(_) | ReadError::NoToken) => {
            pool.not_routed(key, ask, Unroutable::Unknown, now);
        }
    }
    next(pool, key, ask, now)
}

fn give_up(pool: &mut Pool, key: &AccountKey, ask: &Ask, now: Moment) -> Next {
    pool.observe(key, ask, Observation::Failed(&Verdict::bare(Class::AuthExpired)), now);
    Next::Lost(Lost { class: Class::AuthExpired, weight: Weight::Transient })
}
