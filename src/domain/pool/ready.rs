//! What a chosen account still needs before it can be sent with: a fresh token, a workspace id, its routing.

use crate::base::{Moment, Secret, Span};
use crate::domain::account::{Account, AccountKey};
use crate::domain::change::Change;
use crate::domain::refresh::{self, Reason};
use crate::domain::selection::Ask;
use crate::domain::workspace::Routing;

use super::Pool;

/// Routing this old is asked for again.
const ROUTING_TTL: Span = Span::minutes(60);
/// After a failed discovery.
const ROUTING_RETRY: Span = Span::seconds(60);
/// A token that came from a forced refresh and is refused within this time will not be cured by another one.
const FORCED_WITHIN: Span = Span::minutes(5);

/// Credentials and route of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// Bearer.
    pub token: Secret,
    /// Workspace id.
    pub workspace: String,
    /// Origin, when constrained.
    pub origin: Option<String>,
    /// Routing override, when set.
    pub over: Option<String>,
}

/// What an account needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// A refresh.
    Refresh(Reason),
    /// There is no workspace id: it cannot be used.
    NoWorkspace,
    /// Routing discovery.
    Discover,
    /// Nothing.
    Ready(Box<Pass>),
}

/// What a 401 leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Someone refreshed meanwhile: send again with the new token.
    Resend,
    /// Refresh, then send again.
    Refresh,
    /// Both were done already.
    GiveUp,
}

/// Why routing discovery gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unroutable {
    /// The account or its workspace may not be used.
    Gone,
    /// No answer this time: go on with what is known.
    Unknown,
}

impl Pool {
    /// What the account needs before it can be sent with.
    pub fn readiness(&self, key: &AccountKey, now: Moment) -> Readiness {
        let Some(position) = self.position(key) else { return Readiness::NoWorkspace };
        let (Some(account), Some(slot)) = (self.account_at(position), self.slots.get(position)) else {
            return Readiness::NoWorkspace;
        };
        let Some(token) = &account.credentials.access else {
            return Readiness::Refresh(Reason::ProactiveExpiry);
        };
        let seldom = &slot.seldom;
        if seldom.refused.as_ref() == Some(token) {
            return Readiness::Refresh(Reason::UnauthorizedRecovery);
        }
        if account.needs_refresh(now, self.settings.token_refresh_skew) {
            return Readiness::Refresh(Reason::ProactiveExpiry);
        }
        let Some(workspace) = account.workspace_id() else { return Readiness::NoWorkspace };
        let is_same_token = seldom.routed_with.as_ref().is_none_or(|known| known == token);
        let is_known = is_same_token && is_fresh(account, now);
        if !is_known && seldom.routing_tried.is_none_or(|at| !is_same_token || now.since(at) > ROUTING_RETRY)
        {
            return Readiness::Discover;
        }
        let routing = account.routing.as_ref();
        Readiness::Ready(Box::new(Pass {
            token: token.clone(),
            workspace: workspace.to_owned(),
            origin: routing.and_then(|routing| routing.origin.clone()),
            over: routing.and_then(|routing| routing.over.clone()),
        }))
    }

    /// A refresh ended with these tokens; they are durable already.
    pub fn renewed(&mut self, key: &AccountKey, outcome: &refresh::Outcome, now: Moment) {
        let (refresh::Outcome::Renewed(credentials) | refresh::Outcome::Adopted(credentials)) = outcome
        else {
            return;
        };
        let Some(position) = self.position(key) else { return };
        self.apply(
            position,
            &Change::Renewed { key: key.clone(), credentials: credentials.clone(), at: now },
        );
        if let Some(slot) = self.slots.get_mut(position)
            && slot.seldom.refused.is_some()
            && let Some(token) = &credentials.access
        {
            let seldom = &mut slot.seldom;
            if seldom.refused.as_ref() != Some(token) {
                seldom.refused = None;
            }
            seldom.forced = Some((token.clone(), now));
        }
    }

    /// Upstream refused `token` of this account: what helps?
    pub fn refused(&mut self, key: &AccountKey, token: &Secret, now: Moment) -> Recovery {
        let Some(position) = self.position(key) else { return Recovery::GiveUp };
        let current = self.account_at(position).and_then(|account| account.credentials.access.clone());
        let Some(slot) = self.slots.get_mut(position) else { return Recovery::GiveUp };
        let is_forced = slot
            .seldom
            .forced
            .as_ref()
            .is_some_and(|(forced, at)| forced == token && now.since(*at) <= FORCED_WITHIN);
        if is_forced {
            return Recovery::GiveUp;
        }
        if current.is_some_and(|current| &current != token) {
            return Recovery::Resend;
        }
        slot.seldom.refused = Some(token.clone());
        Recovery::Refresh
    }

    /// Whether the token in use is one that upstream refused and a refresh did not replace.
    pub fn is_still_refused(&self, key: &AccountKey) -> bool {
        let Some(position) = self.position(key) else { return false };
        let token = self.account_at(position).and_then(|account| account.credentials.access.as_ref());
        token.is_some() && self.slots.get(position).is_some_and(|slot| slot.seldom.refused.as_ref() == token)
    }

    /// Routing discovery answered.
    pub fn routed(&mut self, key: &AccountKey, routing: Routing, now: Moment) {
        let Some(position) = self.position(key) else { return };
        self.note_discovery(position, now);
        self.note_answer(key, now);
        self.commit(position, Change::RoutingLearnt { key: key.clone(), routing });
    }

    /// Upstream accepted this account's token, whatever it was asked: it is proven for the cascade guard.
    pub fn note_answer(&mut self, key: &AccountKey, now: Moment) {
        if let Some(slot) = self.position(key).and_then(|position| self.slots.get_mut(position)) {
            slot.seldom.answered = Some(now);
        }
    }

    /// Routing discovery gave no answer. An account once known to be constrained keeps its constraint.
    pub fn not_routed(&mut self, key: &AccountKey, ask: &Ask, why: Unroutable, now: Moment) {
        let Some(position) = self.position(key) else { return };
        match why {
            Unroutable::Gone => self.lose_workspace(position, key, ask, now),
            Unroutable::Unknown => self.note_discovery(position, now),
        }
    }

    fn note_discovery(&mut self, position: usize, now: Moment) {
        let token = self.account_at(position).and_then(|account| account.credentials.access.clone());
        if let Some(slot) = self.slots.get_mut(position) {
            let seldom = &mut slot.seldom;
            seldom.routing_tried = Some(now);
            seldom.routed_with = token;
        }
    }
}

fn is_fresh(account: &Account, now: Moment) -> bool {
    account.routing.as_ref().is_some_and(|routing| now.since(routing.checked_at) <= ROUTING_TTL)
}
