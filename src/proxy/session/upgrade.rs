//! The handshake: which account the socket is opened for (runtime.md §22.3).
//!
//! The client gives up after 15 s, so at most three accounts are asked, within `wsConnectTimeoutMs`. What a socket
//! cannot do, the HTTP path can: 426 sends the client there, silently.

use http::HeaderMap;

use crate::base::{Moment, Span};
use crate::domain::attempts::UPGRADES;
use crate::domain::chance::Rng;
use crate::domain::failure::{Class, Verdict, classify};
use crate::domain::health::backoff;
use crate::domain::pool::{Count, Observation, Pass, Pool, Recovery, Shortage};
use crate::domain::refresh::{self, Reason};
use crate::domain::selection::affinity::Moved;
use crate::domain::workspace::Routing;
use crate::formats::{headers, openai};
use crate::ports::upstream::{ReadError, UpstreamError};
use crate::proxy::approach::{self, Next};
use crate::proxy::record::{self, pairs};
use crate::proxy::refusal::{Cause, Refusal};
use crate::proxy::turn::{Payload, Sending, TurnState, judge};

use super::{Current, Session, State, Step};

/// One account may take this long to answer an upgrade.
const EACH: Span = Span::seconds(6);
/// What has to be left of the whole time for an attempt to make sense.
const LEAST: Span = Span::seconds(2);
/// How long an account without WebSocket is not asked for one.
const WITHOUT_SOCKET: Span = Span::minutes(30);

impl Session {
    pub(super) fn start(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if let Some(session) = &self.ask.session {
            self.ask.tried.extend(pool.detoured(session, now));
        }
        if let Some(shortage) = pool.fast_fail(&self.ask, now) {
            pool.count(Count::PoolFastFail);
            self.state = State::Over;
            return Step::Refuse(Box::new(Refusal::exhausted(
                &shortage,
                shortage.reason,
                Cause::Cooldown,
                now,
            )));
        }
        if pool.gates().burst_until(now).is_some() {
            pool.count(Count::BurstFastFail);
            return self.over_http(pool);
        }
        self.select(pool, now, rng)
    }

    fn select(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.leave(pool);
        self.current = None;
        if self.upgrades >= UPGRADES || self.time_left(pool, now) < LEAST {
            return self.over_http(pool);
        }
        self.record.decisions.extend(pool.recall(self.facts.id, &self.ask, None, now, rng));
        let choice = pool.choose(&self.ask, now, rng);
        let Some(key) = choice.chosen else { return self.exhausted(pool, now, rng) };
        self.upgrades += 1;
        self.ask.tried.insert(key.clone());
        self.generation = pool.generation();
        self.current =
            Some(Current { key: key.clone(), token: crate::base::Secret::default(), holds_seat: true });
        if pool.is_without_socket(&key, now) {
            return self.over_http(pool);
        }
        self.approach(pool, now, rng)
    }

    fn time_left(&self, pool: &Pool, now: Moment) -> Span {
        now.until(self.facts.arrived + pool.settings().ws_connect_timeout)
    }

    fn approach(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
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
        let Some(key) = self.account().cloned() else { return self.select(pool, now, rng) };
        match next {
            Next::Refresh(reason) => Step::Refresh { account: key, reason },
            Next::Discover => Step::Discover { account: key },
            Next::Ready(pass) => self.connect(&pass, pool, now),
            Next::Lost(lost) => {
                self.record.left(&key, lost.class);
                pool.count(Count::Rotation);
                self.select(pool, now, rng)
            }
        }
    }

    fn connect(&mut self, pass: &Pass, pool: &mut Pool, now: Moment) -> Step {
        let left = self.time_left(pool, now);
        let Some(current) = &mut self.current else { return Step::Done };
        current.token = pass.token.clone();
        let key = current.key.clone();
        self.record.attempt(&key, pool, now);
        self.announced.append(&mut self.record.facts);
        let bond = self.ask.session.as_ref().and_then(|session| pool.bond(session, now));
        let is_own = bond.is_none_or(|bond| match &bond.turn_state {
            Some(issuer) => issuer == &key,
            None => bond.moved == Moved::Never && bond.owner == key,
        });
        Step::Connect(Box::new(Sending {
            account: key,
            token: pass.token.clone(),
            workspace: pass.workspace.clone(),
            origin: pass.origin.clone(),
            over: pass.over.clone(),
            body: Payload::Original,
            headers_within: left.min(EACH).max(LEAST),
            turn_state: if is_own { TurnState::Keep } else { TurnState::Drop },
        }))
    }

    pub(super) fn opened(&mut self, headers: &HeaderMap, pool: &mut Pool, now: Moment) -> Step {
        self.leave(pool);
        let Some(key) = self.account().cloned() else { return Step::Done };
        let quota = headers::quota(pairs(headers), 200, self.ask.model.as_deref(), now);
        record::note_quota(pool, &key, &quota, &mut self.announced);
        pool.observe(&key, &self.ask, Observation::Neutral, now);
        if let Some(session) = &self.ask.session {
            // A weak bond: a socket that is replaced before its first turn ends comes back to this account.
            if pool.bond(session, now).is_none() {
                pool.touch_bond(session, &key, now);
            }
            if headers.contains_key("x-codex-turn-state") {
                pool.note_turn_state(session, &key, now);
            }
        }
        self.ask.tried.clear();
        self.has_waited = false;
        self.state = State::Idle;
        self.last_data = now;
        Step::Accept
    }

    pub(super) fn declined(
        &mut self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        let Some(key) = self.account().cloned() else { return self.select(pool, now, rng) };
        if matches!(status, 200..=299 | 404 | 405 | 426 | 501) {
            pool.without_socket(&key, now + WITHOUT_SOCKET);
            pool.observe(&key, &self.ask, Observation::Neutral, now);
            return self.over_http(pool);
        }
        let texts: Vec<(&str, &str)> = pairs(headers).collect();
        let answer = openai::answer(status, &texts, body, self.ask.model.as_deref(), now);
        record::note_quota(pool, &key, &answer.quota, &mut self.announced);
        let verdict = classify(&answer, now);
        if verdict.class == Class::AuthExpired {
            let token = self.current.as_ref().map(|current| current.token.clone()).unwrap_or_default();
            match pool.refused(&key, &token, now) {
                Recovery::Resend => return self.approach(pool, now, rng),
                Recovery::Refresh => {
                    return Step::Refresh { account: key, reason: Reason::UnauthorizedRecovery };
                }
                Recovery::GiveUp => {}
            }
        }
        if !verdict.class.is_rotatable() {
            // Nothing another account could change: over HTTP the client sees the answer as it is.
            pool.observe(&key, &self.ask, Observation::Failed(&verdict), now);
            return self.over_http(pool);
        }
        self.lose(&verdict, pool, now, rng)
    }

    pub(super) fn unanswered(
        &mut self,
        error: &UpstreamError,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        let verdict = Verdict::bare(judge::class_of(error));
        if verdict.class != Class::Offline {
            return self.lose(&verdict, pool, now, rng);
        }
        if let Some(key) = self.account().cloned() {
            pool.observe(&key, &self.ask, Observation::Failed(&verdict), now);
        }
        // No account would fare better; over HTTP the client is told how long to wait.
        self.over_http(pool)
    }

    fn lose(&mut self, verdict: &Verdict, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if let Some(key) = self.account().cloned() {
            pool.observe(&key, &self.ask, Observation::Failed(verdict), now);
            self.record.left(&key, verdict.class);
            pool.count(Count::Rotation);
        }
        self.select(pool, now, rng)
    }

    /// Nobody is left: waits once when that helps and time allows, else the limit text or the HTTP path.
    fn exhausted(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let trouble = pool.pin_trouble(&self.ask, now);
        if let Some(ruling) = pool.ruled_out(&self.ask, now) {
            self.state = State::Over;
            return Step::Refuse(Box::new(Refusal::ruled(&ruling, now)));
        }
        if trouble.is_none() && pool.is_held_back(&self.ask, now) {
            // Over HTTP the client shows the reason; a refused upgrade it only tries again.
            return self.over_http(pool);
        }
        let shortage = pool.exhaustion(&self.ask, now);
        let (class, back) = trouble
            .as_ref()
            .map_or((shortage.class, shortage.returns_at), |trouble| (trouble.class, trouble.returns_at));
        if class == Shortage::Transient {
            let wait = now.until(back.unwrap_or(now)).max(backoff::after_overload(rng));
            if !self.has_waited && wait + LEAST <= self.time_left(pool, now) {
                self.has_waited = true;
                return Step::Wait(wait);
            }
            return self.over_http(pool);
        }
        self.state = State::Over;
        if let Some(trouble) = trouble {
            return Step::Refuse(Box::new(Refusal::pinned(&trouble, now)));
        }
        pool.note_exhaustion(&shortage, shortage.reason, now);
        if let Some(back) = shortage.returns_at {
            pool.exhaust(self.ask.family, now.until(back), now);
        }
        Step::Refuse(Box::new(Refusal::exhausted(&shortage, shortage.reason, Cause::Pool, now)))
    }

    pub(super) fn waited_for_upgrade(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.ask.tried.clear();
        self.select(pool, now, rng)
    }

    fn over_http(&mut self, pool: &mut Pool) -> Step {
        self.leave(pool);
        self.state = State::Over;
        Step::Refuse(Box::new(Refusal::upgrade_required()))
    }
}
