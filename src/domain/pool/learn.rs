//! What an answer does to an account (runtime.md §9.2 and §10): health, bucket, breaker, rests and limits.

use crate::base::{Moment, Span};
use crate::domain::account::{AccountKey, Cooldown, CooldownReason, Invalidation, Switch};
use crate::domain::capability::{BLOCK, Capabilities, Reason};
use crate::domain::change::Change;
use crate::domain::failure::{Class, LONGEST_WAIT, Reach, Verdict};
use crate::domain::health::score::Blow;
use crate::domain::model::Family;
use crate::domain::refresh;
use crate::domain::selection::Ask;

use super::slot::Lane;
use super::{Company, Pool};

/// A second plain 403 within this time is more than a mishap.
const FORBIDDEN_WITHIN: Span = Span::minutes(10);
const FORBIDDEN_REST: Span = Span::seconds(60);
/// Rest after a refused token that a refresh did not cure, and after a refresh that did not work.
const AUTH_REST: Span = Span::seconds(30);
/// Bounds of what upstream may ask for when it is overloaded.
const OVERLOAD: (Span, Span) = (Span::seconds(1), Span::seconds(300));

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observation<'a> {
    /// It answered to the end.
    Succeeded,
    /// It failed so.
    Failed(&'a Verdict),
    /// Its tokens could not be refreshed.
    NotRefreshed(&'a refresh::Outcome),
    /// There is no workspace id to send.
    NoWorkspace,
    /// The client left, or nothing was learnt about the account.
    Neutral,
}

#[derive(Clone, Copy)]
enum Mark {
    Blow(Blow),
    Refund,
    Drain,
    Broke,
    Held,
}

impl Pool {
    /// Learns what became of an attempt of `key`: trackers at once, durable facts for the store as well.
    pub fn observe(&mut self, key: &AccountKey, ask: &Ask, seen: Observation<'_>, now: Moment) {
        let Some(position) = self.position(key) else { return };
        match seen {
            Observation::Succeeded => self.succeed(position, key, ask, now),
            Observation::Failed(verdict) => self.fail(position, key, ask, verdict, now),
            Observation::NotRefreshed(outcome) => self.not_refreshed(position, key, ask, outcome, now),
            Observation::NoWorkspace => {
                self.mark(position, ask, &FAILURE, now);
                self.rest(position, key, AUTH_REST, CooldownReason::AuthFailure, now);
            }
            Observation::Neutral => self.mark(position, ask, &[Mark::Refund, Mark::Held], now),
        }
    }

    /// What traffic taught about models.
    pub fn capabilities(&mut self) -> &mut Capabilities {
        &mut self.capabilities
    }

    /// Takes up what earlier processes learnt; blocks that still hold, hold here.
    pub fn restore_capabilities(&mut self, known: &Capabilities, now: Moment) {
        for (key, model, seen) in known.iter() {
            self.capabilities.learn(key, model, *seen);
            let position = self.position(key);
            let slot = position.and_then(|position| self.slots.get_mut(position));
            if let (Some(slot), Some(block)) = (slot, seen.blocked(now)) {
                slot.block(Some(model.to_owned()), block.until, now);
            }
        }
        self.capabilities.take_changed();
    }

    fn succeed(&mut self, position: usize, key: &AccountKey, ask: &Ask, now: Moment) {
        self.mark(position, ask, &[Mark::Blow(Blow::Success)], now);
        if let Some(slot) = self.slots.get_mut(position) {
            slot.circuit.succeed();
            let seldom = &mut slot.seldom;
            seldom.answered = Some(now);
            seldom.forbidden = None;
        }
        if let Some(model) = &ask.model {
            self.capabilities.succeeded(key, model, now);
        }
        self.gates.succeed();
        if let Some(exhaustion) = &mut self.pulse.exhaustion {
            exhaustion.skips.remove(key);
        }
        self.last = Some((key.clone(), now));
        self.pulse.last_account = Some(key.clone());
        self.pulse.last_account_at = Some(now);
        let is_pinned = ask.forced.is_some() || self.roster.pin.is_some();
        if !is_pinned && self.settings.strategy != crate::domain::selection::Strategy::Sequential {
            self.move_cursor(ask, key);
        }
    }

    fn fail(&mut self, position: usize, key: &AccountKey, ask: &Ask, verdict: &Verdict, now: Moment) {
        match verdict.class {
            Class::UsageLimit | Class::Throttle => {
                self.mark(position, ask, &[Mark::Blow(Blow::RateLimit), Mark::Drain, Mark::Held], now);
                self.limit_account(position, key, ask, verdict, now);
            }
            Class::PlanGap | Class::UnsupportedModel => {
                self.mark(position, ask, &[Mark::Refund, Mark::Held], now);
                if let Some(slot) = self.slots.get_mut(position) {
                    slot.block(ask.model.clone(), now + BLOCK, now);
                }
                if let Some(model) = &ask.model {
                    let reason = if verdict.class == Class::PlanGap {
                        Reason::PlanEntitlement
                    } else {
                        Reason::UnsupportedModel
                    };
                    self.capabilities.refused(key, model, reason, now);
                }
            }
            Class::Overload => {
                self.mark(position, ask, &[Mark::Blow(Blow::Failure), Mark::Refund, Mark::Held], now);
                let rest = verdict
                    .wait
                    .map_or(self.settings.server_error_cooldown, |wait| wait.clamp(OVERLOAD.0, OVERLOAD.1));
                self.rest(position, key, rest, CooldownReason::ServerError, now);
                self.gates.error(key, now);
            }
            Class::ServerError => {
                self.mark(position, ask, &FAILURE, now);
                if let Some(model) = &ask.model {
                    self.capabilities.failed(key, model, now);
                }
                let rest = verdict
                    .wait
                    .map_or(self.settings.server_error_cooldown, |wait| wait.clamp(OVERLOAD.0, OVERLOAD.1));
                self.rest(position, key, rest, CooldownReason::ServerError, now);
                self.gates.error(key, now);
            }
            Class::Contention => self.mark(position, ask, &FAILURE, now),
            Class::Network | Class::Empty => {
                self.mark(position, ask, &FAILURE, now);
                self.rest(
                    position,
                    key,
                    self.settings.network_error_cooldown,
                    CooldownReason::NetworkError,
                    now,
                );
            }
            Class::AuthExpired => {
                self.mark(position, ask, &FAILURE, now);
                self.rest(position, key, AUTH_REST, CooldownReason::AuthFailure, now);
            }
            Class::AuthInvalidated => {
                self.mark(position, ask, &FAILURE, now);
                self.invalidate(position, key, verdict.code.clone(), now);
            }
            Class::WorkspaceDisabled => self.lose_workspace(position, key, ask, now),
            Class::Forbidden => {
                self.mark(position, ask, &[Mark::Refund, Mark::Held], now);
                let Some(slot) = self.slots.get_mut(position) else { return };
                let before = slot.seldom.forbidden.replace(now);
                let is_second = before.is_some_and(|at| now.since(at) <= FORBIDDEN_WITHIN);
                if is_second {
                    self.rest(position, key, FORBIDDEN_REST, CooldownReason::AuthFailure, now);
                }
            }
            Class::Offline
            | Class::EdgeBlock
            | Class::ForeignContent
            | Class::UnknownResponse
            | Class::SocketAge
            | Class::ClientError
            | Class::Redirect => self.mark(position, ask, &[Mark::Refund, Mark::Held], now),
        }
    }

    fn not_refreshed(
        &mut self,
        position: usize,
        key: &AccountKey,
        ask: &Ask,
        outcome: &refresh::Outcome,
        now: Moment,
    ) {
        match outcome {
            refresh::Outcome::Renewed(_) | refresh::Outcome::Adopted(_) => {}
            refresh::Outcome::Dead { code } => {
                self.mark(position, ask, &FAILURE, now);
                self.invalidate(position, key, Some(code.clone()), now);
            }
            refresh::Outcome::Transient { wait, .. } => {
                self.mark(position, ask, &FAILURE, now);
                // Trouble on the way to the token endpoint passes; the reason lets the client wait for it.
                self.rest(position, key, (*wait).max(Span::seconds(1)), CooldownReason::NetworkError, now);
            }
            refresh::Outcome::Refused { .. } | refresh::Outcome::Missing => {
                self.mark(position, ask, &FAILURE, now);
                self.rest(position, key, AUTH_REST, CooldownReason::AuthFailure, now);
            }
            refresh::Outcome::Uncertain { since } => {
                self.mark(position, ask, &FAILURE, now);
                // The journal made it durable; here it only has to be known.
                self.apply(position, &Change::BecameUncertain { key: key.clone(), at: *since });
            }
        }
    }

    /// The account's tokens are dead: known, resting, and its sessions are free to go.
    fn invalidate(&mut self, position: usize, key: &AccountKey, code: Option<String>, now: Moment) {
        if self.settings.cascade_guard {
            self.gates.invalidate(key, now);
        }
        self.bonds.forget_owner(key);
        let until = self.rest_end(position, self.settings.token_invalidation_cooldown, now);
        self.commit(
            position,
            Change::Invalidated {
                key: key.clone(),
                invalidation: Invalidation { at: now, code },
                cooldown: Cooldown { until, reason: Some(CooldownReason::AuthFailure) },
            },
        );
    }

    pub(super) fn lose_workspace(&mut self, position: usize, key: &AccountKey, ask: &Ask, now: Moment) {
        let id = self.account_at(position).and_then(|account| account.workspace_id().map(str::to_owned));
        let is_known = self.account_at(position).is_some_and(|account| !account.has_usable_workspace());
        if is_known {
            self.mark(position, ask, &[Mark::Refund, Mark::Broke], now);
            return;
        }
        self.mark(position, ask, &FAILURE, now);
        self.bonds.forget_owner(key);
        match id {
            Some(id) => {
                let change = Change::WorkspaceSwitched { key: key.clone(), id, switch: Switch::Off, at: now };
                self.commit(position, change);
            }
            None => self.rest(position, key, AUTH_REST, CooldownReason::AuthFailure, now),
        }
    }

    fn limit_account(
        &mut self,
        position: usize,
        key: &AccountKey,
        ask: &Ask,
        verdict: &Verdict,
        now: Moment,
    ) {
        let wait = verdict.wait.unwrap_or(crate::domain::failure::DEFAULT_WAIT).min(LONGEST_WAIT);
        let until = now + wait;
        // Quota belongs to the account, not to a family of models (DB-26); a limit id or a throttle to the model.
        let buckets: Vec<String> = match (verdict.reach, &ask.model) {
            (Reach::Model, Some(model)) => vec![ask.family.key(Some(model))],
            (Reach::Model, None) => vec![ask.family.word().to_owned()],
            (Reach::Account, _) => Family::ALL.iter().map(|family| family.word().to_owned()).collect(),
        };
        for bucket in buckets {
            self.commit(position, Change::Limited { key: key.clone(), bucket, until });
        }
    }

    pub(super) fn rest(
        &mut self,
        position: usize,
        key: &AccountKey,
        rest: Span,
        reason: CooldownReason,
        now: Moment,
    ) {
        let until = now + rest;
        let is_longer = self
            .account_at(position)
            .and_then(|account| account.cooldown)
            .is_none_or(|old| old.until < until);
        if is_longer && !rest.is_over() {
            let cooldown = Cooldown { until, reason: Some(reason) };
            self.commit(position, Change::Cooled { key: key.clone(), cooldown });
        }
    }

    fn rest_end(&self, position: usize, rest: Span, now: Moment) -> Moment {
        let old = self.account_at(position).and_then(|account| account.cooldown).map(|old| old.until);
        old.map_or(now + rest, |old| old.max(now + rest))
    }

    fn mark(&mut self, position: usize, ask: &Ask, marks: &[Mark], now: Moment) {
        let lane: Lane = self.enter_lane(ask);
        let Some(slot) = self.slots.get_mut(position) else { return };
        for mark in marks {
            match mark {
                Mark::Broke => slot.circuit.fail(now),
                Mark::Held => slot.circuit.forget_attempt(),
                Mark::Blow(blow) => {
                    if let Some(tracker) = slot.tracker_mut(lane, now) {
                        tracker.health.take(*blow, now);
                    }
                }
                Mark::Refund => {
                    if let Some(tracker) = slot.tracker_mut(lane, now) {
                        tracker.bucket.refund(now);
                    }
                }
                Mark::Drain => {
                    if let Some(tracker) = slot.tracker_mut(lane, now) {
                        tracker.bucket.drain(now);
                    }
                }
            }
        }
    }

    /// Whether other proxies of this root live.
    pub const fn company(&self) -> Company {
        self.company
    }
}

const FAILURE: [Mark; 3] = [Mark::Blow(Blow::Failure), Mark::Refund, Mark::Broke];
