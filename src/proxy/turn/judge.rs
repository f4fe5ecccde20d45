//! What an answer of upstream does to a turn: the request column of runtime.md §10, and the hold-back of §12.2.

use bytes::Bytes;
use http::HeaderMap;

use crate::base::Moment;
use crate::domain::chance::Rng;
use crate::domain::failure::{Answer, Class, Verdict, classify};
use crate::domain::health::backoff;
use crate::domain::pool::{Observation, Pool, Recovery};
use crate::domain::refresh::Reason;
use crate::formats::events::{Ended, Fact};
use crate::formats::{headers, openai};
use crate::ports::upstream::UpstreamError;
use crate::proxy::approach::Weight;
use crate::proxy::record::{self, End, pairs};
use crate::proxy::refusal::Refusal;

use super::{Fault, From, Kept, Kind, Overload, State, Step, Stripped, Turn};

impl Turn {
    pub(super) fn head(
        &mut self,
        status: u16,
        map: &HeaderMap,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        let Some(key) = self.current.as_ref().map(|current| current.key.clone()) else { return Step::Done };
        self.record.answered(now);
        let quota = headers::quota(pairs(map), status, self.ask.model.as_deref(), now);
        record::note_quota(pool, &key, &quota, &mut self.record.facts);
        if let Some(session) = self.ask.session.as_ref().filter(|_| map.contains_key("x-codex-turn-state")) {
            pool.note_turn_state(session, &key, now);
        }
        let is_good = (200..300).contains(&status) || status == 304;
        if !is_good {
            self.state = State::Reading { status, headers: map.clone() };
            return Step::ReadBody;
        }
        self.status = status;
        if self.facts.kind == Kind::Models {
            pool.note_answer(&key, now);
            self.close(&End::good(status), pool, now, rng);
            return Step::Relay;
        }
        self.is_stream = self.facts.kind == Kind::Responses && is_event_stream(map);
        if self.is_stream && !pool.settings().sse_holdback.is_over() {
            self.state = State::Holding;
            return Step::Hold;
        }
        self.commit(now)
    }

    pub(super) fn body(&mut self, body: Bytes, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let State::Reading { status, headers } = std::mem::replace(&mut self.state, State::Sending) else {
            return Step::Done;
        };
        let texts: Vec<(&str, &str)> = pairs(&headers).collect();
        let answer = openai::answer(status, &texts, &body, self.ask.model.as_deref(), now);
        let location = headers.get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let fault = Fault {
            verdict: classify(&answer, now),
            misses_reasoning: misses_reasoning(&answer),
            kept: Some(Box::new(Kept { status, headers, body })),
            from: From::Answer,
            location,
        };
        self.failed(fault, pool, now, rng)
    }

    pub(super) fn said(&mut self, fact: &Fact, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let is_held = matches!(self.state, State::Holding);
        match fact {
            Fact::Output | Fact::Opaque if is_held => return self.commit(now),
            Fact::Lifecycle | Fact::Output | Fact::Opaque => {}
            Fact::Quota(all) => {
                if let Some(current) = &self.current {
                    record::note_quota(pool, &current.key, all, &mut self.record.facts);
                }
            }
            Fact::Compaction => {
                self.has_compacted = true;
                if is_held {
                    return self.commit(now);
                }
            }
            Fact::Ended(ended) => {
                self.succeed(ended, pool, now);
                if is_held {
                    return self.commit(now);
                }
            }
            Fact::Failed(answer) => {
                let verdict = classify(answer, now);
                return if is_held {
                    let fault = Fault {
                        verdict,
                        kept: None,
                        from: From::Stream,
                        misses_reasoning: misses_reasoning(answer),
                        location: None,
                    };
                    self.failed(fault, pool, now, rng)
                } else {
                    self.failed_in_sight(verdict, pool, now, rng)
                };
            }
        }
        if is_held { Step::Hold } else { Step::Go }
    }

    /// Upstream failed a turn the client already sees. Its event goes on, as the client re-sends by itself; but
    /// `insufficient_quota` would end the turn, and a broken stream only makes it try again.
    fn failed_in_sight(&mut self, verdict: Verdict, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.learn(&verdict, pool, now);
        self.record.last = Some(verdict.class);
        self.record.judged(verdict.class.word());
        let code = verdict.code.unwrap_or_else(|| verdict.class.word().to_owned());
        let is_fatal = code == "insufficient_quota";
        let end = End::bad(verdict.status, code);
        if is_fatal {
            self.close(&end, pool, now, rng);
            return Step::Cut;
        }
        self.doomed = Some(end);
        Step::Go
    }

    pub(super) fn commit(&mut self, now: Moment) -> Step {
        self.record.committed(now);
        self.state = State::Relaying;
        Step::Relay
    }

    fn succeed(&mut self, ended: &Ended, pool: &mut Pool, now: Moment) {
        if self.has_ended {
            return;
        }
        self.has_ended = true;
        self.has_compacted |= ended.compaction;
        self.record.row.tokens = ended.tokens;
        self.record.tier.clone_from(&ended.tier);
        if self.record.row.model.is_none() {
            self.record.row.model.clone_from(&ended.model);
        }
        self.praise(pool, now);
    }

    fn praise(&mut self, pool: &mut Pool, now: Moment) {
        let Some(current) = &self.current else { return };
        pool.observe(&current.key, &self.ask, Observation::Succeeded, now);
        let Some(session) = self.ask.session.as_ref().filter(|_| self.facts.kind == Kind::Responses) else {
            return;
        };
        pool.remember(session, &current.key, now);
        pool.note_tokens(session, self.record.row.tokens);
        pool.arrived(session);
        if self.has_compacted {
            pool.touch_bond(session, &current.key, now).compaction = Some(current.key.clone());
        }
    }

    pub(super) fn ended(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if !self.is_committed() {
            return self.ended_unseen(pool, now, rng);
        }
        if let Some(end) = self.doomed.take() {
            self.close(&end, pool, now, rng);
            return Step::Done;
        }
        if self.is_stream && !self.has_ended {
            return self.cut(pool, now, rng);
        }
        if !self.has_ended {
            self.praise(pool, now);
        }
        self.close(&End::good(self.status), pool, now, rng);
        Step::Done
    }

    /// A 200 that ended before it said anything: the same account again, then as a network failure.
    fn ended_unseen(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let settings = pool.settings();
        let (most, delay) = (settings.empty_response_max_retries, settings.empty_response_delay);
        if self.empties < most && self.budget.is_some_and(|budget| budget.allows_send()) {
            self.empties += 1;
            self.record.judged(Class::Empty.word());
            return self.again(delay, pool);
        }
        self.failed(Fault::bare(Class::Empty), pool, now, rng)
    }

    /// Tells the pool, unless the request is one that must not mark accounts.
    pub(super) fn learn(&self, verdict: &Verdict, pool: &mut Pool, now: Moment) {
        let Some(current) = &self.current else { return };
        let is_about_account =
            matches!(verdict.class, Class::AuthExpired | Class::AuthInvalidated | Class::WorkspaceDisabled);
        if self.facts.kind != Kind::Models || is_about_account {
            pool.observe(&current.key, &self.ask, Observation::Failed(verdict), now);
        }
    }

    /// The table: what a failure before commit leads to.
    pub(super) fn failed(&mut self, fault: Fault, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        match fault.verdict.class {
            Class::ForeignContent => self.repair(fault, pool, now, rng),
            Class::ClientError if fault.misses_reasoning && self.stripped == Stripped::Reasoning => {
                self.repair(fault, pool, now, rng)
            }
            Class::EdgeBlock | Class::ClientError | Class::UnknownResponse | Class::SocketAge => {
                self.learn(&fault.verdict, pool, now);
                self.as_it_is(fault, pool, now, rng)
            }
            Class::Redirect => {
                self.learn(&fault.verdict, pool, now);
                let host = fault.location.as_deref().map(host_of).unwrap_or_default();
                let refusal = Refusal::redirected(host);
                let code = refusal.code;
                self.refuse(refusal, code, pool, now, rng)
            }
            Class::UsageLimit | Class::AuthInvalidated | Class::WorkspaceDisabled => {
                self.learn(&fault.verdict, pool, now);
                self.rotate(fault, Weight::Free, pool, now, rng)
            }
            Class::Throttle => self.throttled(fault, pool, now, rng),
            Class::PlanGap | Class::UnsupportedModel => {
                self.learn(&fault.verdict, pool, now);
                self.rotate_or_show(fault, pool, now, rng)
            }
            Class::Forbidden => {
                self.learn(&fault.verdict, pool, now);
                if std::mem::replace(&mut self.was_forbidden, true) {
                    return self.as_it_is(fault, pool, now, rng);
                }
                self.rotate_or_show(fault, pool, now, rng)
            }
            Class::Overload => self.overloaded(fault, pool, now, rng),
            Class::Offline => self.offline(&fault, pool, now, rng),
            Class::ServerError | Class::Contention | Class::Network | Class::Empty => {
                self.learn(&fault.verdict, pool, now);
                self.rotate(fault, Weight::Transient, pool, now, rng)
            }
            Class::AuthExpired => self.unauthorized(fault, pool, now, rng),
        }
    }

    fn rotate_or_show(&mut self, mut fault: Fault, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let may_go_on = self.budget.is_some_and(|budget| budget.allows_rotation());
        if !may_go_on || !pool.has_other(&self.ask, now) {
            return self.as_it_is(fault, pool, now, rng);
        }
        if self.facts.replay == super::Replay::Kept {
            self.keep(fault.kept.take());
        }
        self.rotate(fault, Weight::Free, pool, now, rng)
    }

    fn throttled(&mut self, fault: Fault, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.learn(&fault.verdict, pool, now);
        let wait = fault.verdict.wait.unwrap_or(crate::domain::failure::DEFAULT_WAIT);
        let is_worth = wait <= pool.settings().short_retry_threshold
            && self.throttles < crate::domain::attempts::THROTTLE_TRIES
            && self.facts.replay == super::Replay::Kept
            && self.budget.is_some_and(|budget| budget.allows_send())
            && !pool.has_other(&self.ask, now);
        if !is_worth {
            return self.rotate(fault, Weight::Free, pool, now, rng);
        }
        self.throttles += 1;
        self.record.last = Some(Class::Throttle);
        self.record.judged(Class::Throttle.word());
        self.again(backoff::around(wait, rng), pool)
    }

    fn overloaded(&mut self, fault: Fault, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.learn(&fault.verdict, pool, now);
        let can_retry = self.facts.replay == super::Replay::Kept;
        match self.overload {
            Overload::Never if can_retry => {
                self.overload = Overload::Retried;
                self.record.last = Some(Class::Overload);
                self.record.judged(Class::Overload.word());
                self.again(backoff::after_overload(rng), pool)
            }
            Overload::Never | Overload::Retried => {
                self.overload = Overload::Rotated;
                self.rotate(fault, Weight::Transient, pool, now, rng)
            }
            Overload::Rotated => {
                if let Some(current) = &self.current {
                    self.record.left(&current.key, Class::Overload);
                }
                self.exhausted(pool, now, rng)
            }
        }
    }

    /// No way out: once more after a moment, then the client is told to wait; another account would go the same way.
    fn offline(&mut self, fault: &Fault, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.learn(&fault.verdict, pool, now);
        self.record.last = Some(Class::Offline);
        self.record.judged(Class::Offline.word());
        let may = self.facts.replay == super::Replay::Kept
            && self.budget.is_some_and(|budget| budget.allows_send());
        if may && self.overload == Overload::Never {
            self.overload = Overload::Retried;
            return self.again(backoff::after_overload(rng), pool);
        }
        self.refuse_for_now("network-error", pool, now, rng)
    }

    /// A 401: a token someone renewed meanwhile, one refresh, or the next account.
    fn unauthorized(&mut self, fault: Fault, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let Some(current) = &self.current else { return self.exhausted(pool, now, rng) };
        let (key, token) = (current.key.clone(), current.token.clone());
        let can_retry = self.facts.replay == super::Replay::Kept;
        match pool.refused(&key, &token, now) {
            Recovery::Resend if can_retry => {
                self.record.judged(Class::AuthExpired.word());
                pool.count(crate::domain::pool::Count::Retry);
                self.approach(pool, now, rng)
            }
            Recovery::Refresh if can_retry => {
                self.record.judged(Class::AuthExpired.word());
                self.state = State::Refreshing;
                Step::Refresh { account: key, reason: Reason::UnauthorizedRecovery }
            }
            Recovery::Resend | Recovery::Refresh | Recovery::GiveUp => {
                self.learn(&fault.verdict, pool, now);
                self.rotate(fault, Weight::Transient, pool, now, rng)
            }
        }
    }
}

/// What a transport failure is called.
pub(in crate::proxy) const fn class_of(error: &UpstreamError) -> Class {
    match error {
        UpstreamError::Offline(_) => Class::Offline,
        UpstreamError::Unreachable(_)
        | UpstreamError::TimedOut
        | UpstreamError::Cut(_)
        | UpstreamError::TooBig => Class::Network,
    }
}

fn misses_reasoning(answer: &Answer) -> bool {
    answer.message.contains("without its required") && answer.message.contains("reasoning")
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind =
        headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().get(..17).is_some_and(|start| start.eq_ignore_ascii_case("text/event-stream"))
}

/// The host of an absolute URL; nothing of a relative one.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}
