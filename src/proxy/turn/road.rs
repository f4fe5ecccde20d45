//! The way of a turn from one account to the next: choosing, getting ready, sending, waiting, giving up.

use bytes::Bytes;

use crate::base::{Moment, Span};
use crate::domain::attempts::Budget;
use crate::domain::chance::Rng;
use crate::domain::failure::Class;
use crate::domain::health::backoff;
use crate::domain::pool::{Count, Exhaustion, Pass, Pool, Shortage};
use crate::domain::refresh;
use crate::domain::selection::affinity::Moved;
use crate::domain::selection::replay;
use crate::domain::workspace::Routing;
use crate::formats::reasoning;
use crate::ports::upstream::ReadError;
use crate::proxy::approach::{self, Next, Weight};
use crate::proxy::record::{End, headers_within};
use crate::proxy::refusal::{Cause, Refusal};

use super::{
    After, Current, Fault, For, From, Kept, Kind, Overload, Payload, Plain, Replay, Sending, State, Step,
    Stripped, Turn, TurnState,
};

/// The longest wait for an account inside one request.
const PATIENCE: Span = Span::seconds(10);

impl Turn {
    /// Its number.
    pub(in crate::proxy) fn id(&self) -> u64 {
        self.facts.id
    }

    /// Choices made since the last call, with all that led to them.
    pub fn take_decisions(&mut self) -> Vec<replay::Kept> {
        std::mem::take(&mut self.record.decisions)
    }

    pub(super) fn start(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.budget = Some(Budget::new(pool.len(), pool.settings()));
        if self.facts.kind == Kind::Models {
            return self.select(pool, now, rng);
        }
        pool.count(Count::Request);
        if let Some(session) = &self.ask.session {
            self.record.row.turn = pool.bond(session, now).map_or(1, |bond| bond.turns.saturating_add(1));
        }
        if let Some(shortage) = pool.fast_fail(&self.ask, now) {
            pool.count(Count::PoolFastFail);
            let reason = shortage.reason;
            let refusal = Refusal::exhausted(&shortage, reason, Cause::Cooldown, now);
            return self.refuse(refusal, reason, pool, now, rng);
        }
        if let Some(until) = pool.gates().burst_until(now) {
            pool.count(Count::BurstFastFail);
            let mut shortage = pool.exhaustion(&self.ask, now);
            shortage.class = Shortage::Transient;
            shortage.returns_at = Some(until);
            return self.refuse(
                Refusal::exhausted(&shortage, "server-error", Cause::Burst, now),
                "server-error",
                pool,
                now,
                rng,
            );
        }
        self.select(pool, now, rng)
    }

    /// Goes to the next account, or gives up.
    pub(super) fn select(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.leave(pool);
        self.edited = None;
        self.stripped = Stripped::Nothing;
        let may_go_on =
            self.budget.is_some_and(|budget| budget.allows_rotation()) && self.is_in_time(pool, now);
        if !may_go_on {
            return self.exhausted(pool, now, rng);
        }
        let is_listing = self.facts.kind == Kind::Models;
        if !is_listing {
            let from = self.record.row.attempts.last().map(|attempt| &attempt.account);
            self.record.decisions.extend(pool.recall(self.facts.id, &self.ask, from, now, rng));
        }
        let choice = if is_listing {
            pool.peek_for_listing(&self.ask, now, rng)
        } else {
            pool.choose(&self.ask, now, rng)
        };
        let Some(key) = choice.chosen else { return self.exhausted(pool, now, rng) };
        self.ask.tried.insert(key.clone());
        self.current = Some(Current { key, token: crate::base::Secret::default(), holds_seat: !is_listing });
        self.approach(pool, now, rng)
    }

    /// Gets the current account ready and sends.
    pub(super) fn approach(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let Some(current) = &self.current else { return self.select(pool, now, rng) };
        let next = approach::next(pool, &current.key, &self.ask, now);
        self.go(next, pool, now, rng)
    }

    pub(super) fn refreshed(
        &mut self,
        outcome: &refresh::Outcome,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        let Some(current) = &self.current else { return self.select(pool, now, rng) };
        let next = approach::refreshed(pool, &current.key, &self.ask, outcome, now);
        self.go(next, pool, now, rng)
    }

    pub(super) fn routed(
        &mut self,
        answer: Result<Routing, ReadError>,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        let Some(current) = &self.current else { return self.select(pool, now, rng) };
        let next = approach::routed(pool, &current.key, &self.ask, answer, now);
        self.go(next, pool, now, rng)
    }

    fn go(&mut self, next: Next, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let Some(key) = self.current.as_ref().map(|current| current.key.clone()) else {
            return self.select(pool, now, rng);
        };
        match next {
            Next::Refresh(reason) => {
                self.state = State::Refreshing;
                Step::Refresh { account: key, reason }
            }
            Next::Discover => {
                self.state = State::Discovering;
                Step::Discover { account: key }
            }
            Next::Ready(pass) => self.send(&pass, pool, now, rng),
            Next::Lost(lost) => {
                self.record.left(&key, lost.class);
                if lost.weight == Weight::Transient
                    && let Some(budget) = &mut self.budget
                {
                    budget.stumble();
                }
                if self.facts.kind != Kind::Models {
                    pool.count(Count::Rotation);
                }
                self.select(pool, now, rng)
            }
        }
    }

    fn send(&mut self, pass: &Pass, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if !self.budget.is_some_and(|budget| budget.allows_send()) {
            return self.exhausted(pool, now, rng);
        }
        let Some(current) = &mut self.current else { return self.select(pool, now, rng) };
        current.token = pass.token.clone();
        let key = current.key.clone();
        if let Some(mark) = self.mark_of(&key, pool, now) {
            match &self.plain {
                Plain::Unknown => {
                    self.state = State::Decoding(For::Mark);
                    return Step::Decode;
                }
                Plain::Known(plain) => {
                    self.edited = reasoning::without_reasoning_up_to(plain, &mark).map(Bytes::from);
                }
                Plain::Undecodable => {}
            }
        }
        if let Some(budget) = &mut self.budget {
            budget.spend();
        }
        pool.count(Count::Upstream);
        let turn_state = self.turn_state(&key, pool, now);
        self.record.attempt(&key, pool, now);
        self.state = State::Sending;
        let settings = pool.settings();
        Step::Send(Box::new(Sending {
            headers_within: headers_within(
                settings.fetch_timeout,
                self.facts.body_len,
                self.facts.effort.as_deref(),
                self.facts.arrived,
                now,
            ),
            account: key,
            token: pass.token.clone(),
            workspace: pass.workspace.clone(),
            origin: pass.origin.clone(),
            over: pass.over.clone(),
            body: self.edited.clone().map_or(Payload::Original, Payload::Edited),
            turn_state,
        }))
    }

    /// The newest reasoning item of this session that this account could not read, unless the body is edited already.
    fn mark_of(&self, key: &crate::domain::account::AccountKey, pool: &Pool, now: Moment) -> Option<String> {
        let is_candidate = self.facts.kind == Kind::Responses
            && self.facts.replay == Replay::Kept
            && self.edited.is_none()
            && pool.settings().strip_foreign_reasoning;
        let session = self.ask.session.as_ref().filter(|_| is_candidate)?;
        pool.bond(session, now)?.stripped.get(key).cloned()
    }

    pub(super) fn decoded(
        &mut self,
        plain: Option<Bytes>,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        self.plain = plain.map_or(Plain::Undecodable, Plain::Known);
        if let State::Decoding(For::Repair(fault)) = std::mem::replace(&mut self.state, State::Sending) {
            return self.repair(*fault, pool, now, rng);
        }
        self.approach(pool, now, rng)
    }

    fn turn_state(&self, key: &crate::domain::account::AccountKey, pool: &Pool, now: Moment) -> TurnState {
        let has_moved = self.record.row.attempts.iter().any(|attempt| &attempt.account != key);
        let bond = self.ask.session.as_ref().and_then(|session| pool.bond(session, now));
        let is_own = match bond {
            Some(bond) => match &bond.turn_state {
                Some(issuer) => issuer == key,
                None => bond.moved == Moved::Never && &bond.owner == key,
            },
            None => !has_moved,
        };
        if is_own { TurnState::Keep } else { TurnState::Drop }
    }

    /// Leaves the current account because of `class`.
    pub(super) fn rotate(
        &mut self,
        fault: Fault,
        weight: Weight,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        if let Some(current) = &self.current {
            self.record.left(&current.key, fault.verdict.class);
        }
        if weight == Weight::Transient
            && let Some(budget) = &mut self.budget
        {
            budget.stumble();
        }
        if self.facts.replay == Replay::Once && self.budget.is_some_and(|budget| budget.sends() > 0) {
            let is_about_tokens = matches!(fault.verdict.class, Class::AuthExpired | Class::AuthInvalidated);
            if is_about_tokens || fault.from != From::Answer {
                return self.exhausted(pool, now, rng);
            }
            return self.as_it_is(fault, pool, now, rng);
        }
        if self.facts.kind != Kind::Models {
            pool.count(Count::Rotation);
        }
        self.select(pool, now, rng)
    }

    /// Tries the current account again after a wait.
    pub(super) fn again(&mut self, wait: Span, pool: &mut Pool) -> Step {
        pool.count(Count::Retry);
        self.state = State::Waiting(After::Again);
        Step::Wait(wait)
    }

    pub(super) fn wait_over(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if let State::Waiting(After::Again) = std::mem::replace(&mut self.state, State::Sending) {
            return self.approach(pool, now, rng);
        }
        self.ask.tried.clear();
        if let Some(budget) = &mut self.budget {
            budget.rested();
        }
        self.overload = Overload::Never;
        self.select(pool, now, rng)
    }

    fn is_in_time(&self, pool: &Pool, now: Moment) -> bool {
        let deadline = pool.settings().pre_response_deadline;
        deadline.is_over() || now.since(self.facts.arrived) < deadline
    }

    /// Nobody is left: waits once when that helps, else says the last word.
    pub(super) fn exhausted(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.leave(pool);
        if let Some(ruling) = pool.ruled_out(&self.ask, now).filter(|_| self.facts.kind != Kind::Models) {
            let refusal = Refusal::ruled(&ruling, now);
            let code = refusal.code;
            return self.refuse(refusal, code, pool, now, rng);
        }
        if let Some(kept) = self.kept.take() {
            let end = End::bad(kept.status, self.record.last.map_or("upstream_error", Class::word));
            self.close(&end, pool, now, rng);
            return Step::Answer(kept);
        }
        if let Some(wait) = self.worth_waiting(pool, now, rng) {
            self.has_waited = true;
            self.state = State::Waiting(After::Choose);
            return Step::Wait(wait);
        }
        if let Some(trouble) = pool.pin_trouble(&self.ask, now) {
            let refusal = Refusal::pinned(&trouble, now);
            return self.refuse(refusal, "codex_pinned_account_unavailable", pool, now, rng);
        }
        if pool.is_held_back(&self.ask, now) {
            let refusal = Refusal::policy(&pool.exhaustion(&self.ask, now));
            return self.refuse(refusal, "policy_blocked", pool, now, rng);
        }
        let mut shortage = pool.exhaustion(&self.ask, now);
        let is_cut_short = pool.has_other(&self.ask, now);
        if is_cut_short {
            shortage.class = Shortage::Transient;
            shortage.returns_at = Some(now);
        }
        let reason = if is_cut_short { "budget" } else { self.reason(&shortage) };
        pool.note_exhaustion(&shortage, reason, now);
        if shortage.class == Shortage::Final
            && let Some(back) = shortage.returns_at
        {
            pool.exhaust(self.ask.family, now.until(back), now);
        }
        let refusal = Refusal::exhausted(&shortage, reason, Cause::Pool, now);
        self.refuse(refusal, reason, pool, now, rng)
    }

    fn reason(&self, shortage: &Exhaustion) -> &'static str {
        match self.record.last {
            None => shortage.reason,
            Some(Class::UsageLimit | Class::Throttle | Class::PlanGap | Class::UnsupportedModel) => {
                "rate-limit"
            }
            Some(Class::Overload | Class::ServerError | Class::Contention) => "server-error",
            Some(Class::Network | Class::Offline | Class::Empty) => "network-error",
            Some(Class::AuthExpired | Class::AuthInvalidated | Class::Forbidden) => "auth-failure",
            Some(Class::WorkspaceDisabled) => "deactivated",
            Some(
                Class::EdgeBlock
                | Class::ForeignContent
                | Class::UnknownResponse
                | Class::SocketAge
                | Class::ClientError
                | Class::Redirect,
            ) => "no-account",
        }
    }

    /// How long to wait for the first account to come back, when that is soon and was not done yet.
    fn worth_waiting(&self, pool: &Pool, now: Moment, rng: &mut Rng) -> Option<Span> {
        let may_send = self.budget.is_some_and(|budget| budget.allows_send());
        let is_spent =
            self.facts.replay == Replay::Once && self.budget.is_some_and(|budget| budget.sends() > 0);
        if self.has_waited
            || !may_send
            || is_spent
            || self.facts.kind == Kind::Models
            || !self.is_in_time(pool, now)
        {
            return None;
        }
        let (class, back) = if let Some(trouble) = pool.pin_trouble(&self.ask, now) {
            (trouble.class, trouble.returns_at)
        } else {
            let shortage = pool.exhaustion(&self.ask, now);
            (shortage.class, shortage.returns_at)
        };
        let wait = now.until(back.unwrap_or(now));
        (class == Shortage::Transient && wait <= PATIENCE).then(|| wait.max(backoff::after_overload(rng)))
    }

    /// The client shall come back in a moment.
    pub(super) fn refuse_for_now(
        &mut self,
        reason: &'static str,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        let mut shortage = pool.exhaustion(&self.ask, now);
        shortage.class = Shortage::Transient;
        shortage.returns_at = Some(shortage.returns_at.unwrap_or(now).min(now + PATIENCE));
        self.refuse(Refusal::exhausted(&shortage, reason, Cause::Pool, now), reason, pool, now, rng)
    }

    pub(super) fn refuse(
        &mut self,
        refusal: Refusal,
        error: &str,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        self.close(&End::refused(refusal.status, error), pool, now, rng);
        Step::Refuse(Box::new(refusal))
    }

    /// Shows upstream's failure as it is.
    pub(super) fn as_it_is(&mut self, fault: Fault, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let code = fault.verdict.code.clone().unwrap_or_else(|| fault.verdict.class.word().to_owned());
        let end = End::bad(fault.verdict.status, code);
        self.record.last = Some(fault.verdict.class);
        self.record.judged(fault.verdict.class.word());
        match (fault.kept, fault.from) {
            (Some(kept), _) => {
                self.close(&end, pool, now, rng);
                Step::Answer(kept)
            }
            (None, From::Stream) => {
                self.doomed = Some(end);
                self.commit(now)
            }
            (None, From::Answer | From::Nothing) => self.exhausted(pool, now, rng),
        }
    }

    /// Keeps an answer for the case that nobody does better; never one about tokens.
    pub(super) fn keep(&mut self, kept: Option<Box<Kept>>) {
        if let Some(kept) = kept.filter(|kept| kept.status != 401) {
            self.kept = Some(kept);
        }
    }
}
