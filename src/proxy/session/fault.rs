//! Failures on an open socket (runtime.md §22.6, §22.7): the client is told to reconnect while it has seen nothing,
//! and cut off when it has; both bring it back with its whole context.

use bytes::Bytes;

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::attempts::REPAIRS;
use crate::domain::chance::Rng;
use crate::domain::facts::ProxyFact;
use crate::domain::failure::{Answer, Class, Verdict};
use crate::domain::health::backoff;
use crate::domain::pool::{Count, Observation, Pool, Recovery};
use crate::formats::reasoning;
use crate::proxy::record::{CUT, End};
use crate::proxy::refusal;

use super::{Hopeless, Session, State, Step};

/// The longest wait for an account while the client holds the line.
const PATIENCE: Span = Span::seconds(10);

/// Whether a turn that upstream failed is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Kept,
    /// The client asks again at once; nothing was charged.
    Dropped,
}

/// Whether a frame of upstream belongs to the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Theirs,
    Missing,
}

impl Session {
    /// An error frame while no turn runs.
    pub(super) fn failed_idle(&mut self, verdict: &Verdict, pool: &mut Pool, now: Moment) -> Step {
        if matches!(verdict.class, Class::SocketAge | Class::UnknownResponse | Class::ClientError) {
            return Step::Pass;
        }
        self.blame(verdict, pool, now);
        if let Some(session) = &self.ask.session {
            pool.detour(session, None, now);
        }
        self.retire(now);
        Step::Tell(refusal::rotation_frame())
    }

    /// A failing frame of a turn the client has seen nothing of.
    pub(super) fn failed_pending(
        &mut self,
        verdict: &Verdict,
        answer: &Answer,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        match verdict.class {
            Class::ForeignContent => self.foreign(verdict, pool, now, rng),
            Class::ClientError if answer.message.contains("without its required") => {
                self.without_ids(verdict, pool, now, rng)
            }
            Class::SocketAge | Class::UnknownResponse => self.show(verdict, Row::Dropped, pool, now, rng),
            Class::ClientError | Class::EdgeBlock | Class::Redirect => {
                self.blame(verdict, pool, now);
                self.show(verdict, Row::Kept, pool, now, rng)
            }
            Class::AuthExpired => self.unauthorized(verdict, pool, now, rng),
            Class::PlanGap | Class::UnsupportedModel | Class::Forbidden => {
                self.blame(verdict, pool, now);
                let others = self.others(pool, now);
                if !pool.has_other(&others, now) {
                    return self.show(verdict, Row::Kept, pool, now, rng);
                }
                self.rotate(verdict, Frame::Theirs, pool, now, rng)
            }
            Class::UsageLimit
            | Class::Throttle
            | Class::AuthInvalidated
            | Class::WorkspaceDisabled
            | Class::Overload
            | Class::ServerError
            | Class::Contention
            | Class::Network
            | Class::Offline
            | Class::Empty => {
                self.blame(verdict, pool, now);
                self.rotate(verdict, Frame::Theirs, pool, now, rng)
            }
        }
    }

    /// A failing frame of a turn the client is watching.
    pub(super) fn failed_streaming(
        &mut self,
        verdict: &Verdict,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        match verdict.class {
            Class::SocketAge
            | Class::UnknownResponse
            | Class::ForeignContent
            | Class::ClientError
            | Class::EdgeBlock
            | Class::Redirect => {
                self.blame(verdict, pool, now);
                self.finish_badly(verdict, pool, now, rng);
                Step::Pass
            }
            Class::AuthExpired => {
                self.recover(verdict, pool, now);
                self.cut_off(verdict, pool, now, rng)
            }
            Class::UsageLimit
            | Class::Throttle
            | Class::PlanGap
            | Class::UnsupportedModel
            | Class::AuthInvalidated
            | Class::WorkspaceDisabled
            | Class::Forbidden
            | Class::Overload
            | Class::ServerError
            | Class::Contention
            | Class::Network
            | Class::Offline
            | Class::Empty => {
                self.blame(verdict, pool, now);
                self.cut_off(verdict, pool, now, rng)
            }
        }
    }

    /// The way to upstream broke, or nothing came for too long.
    pub(super) fn broken(&mut self, class: Class, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let verdict = Verdict::bare(class);
        if self.turns.is_empty() {
            self.state = State::Over;
            return Step::Close(1011);
        }
        if matches!(self.state, State::Waiting(_)) {
            // The failure that is being waited out stands for this one, too; its frame goes with the socket.
            self.state = State::Waiting(Hopeless::Close);
            return Step::Go;
        }
        self.blame(&verdict, pool, now);
        if self.state == State::Streaming {
            return self.cut_off(&verdict, pool, now, rng);
        }
        self.rotate(&verdict, Frame::Missing, pool, now, rng)
    }

    fn blame(&self, verdict: &Verdict, pool: &mut Pool, now: Moment) {
        if let Some(key) = self.account() {
            pool.observe(key, &self.ask, Observation::Failed(verdict), now);
        }
    }

    /// A 401 on a socket: the token is refreshed at the next upgrade, on the same account first.
    fn unauthorized(&mut self, verdict: &Verdict, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if !self.recover(verdict, pool, now) {
            return self.rotate(verdict, Frame::Theirs, pool, now, rng);
        }
        if let Some(session) = &self.ask.session {
            if !pool.may_detour(session, now) {
                return self.close_badly(verdict, pool, now, rng);
            }
            pool.detour(session, None, now);
        }
        self.finish_badly(verdict, pool, now, rng);
        self.retire(now);
        Step::Tell(refusal::rotation_frame())
    }

    /// Whether a refresh may still cure this account; when not, it is to blame.
    fn recover(&self, verdict: &Verdict, pool: &mut Pool, now: Moment) -> bool {
        let Some(current) = &self.current else { return false };
        match pool.refused(&current.key, &current.token, now) {
            Recovery::Resend | Recovery::Refresh => {
                pool.observe(&current.key, &self.ask, Observation::Neutral, now);
                true
            }
            Recovery::GiveUp => {
                self.blame(verdict, pool, now);
                false
            }
        }
    }

    /// On to another account, the limit text, or a wait for somebody to come back.
    fn rotate(
        &mut self,
        verdict: &Verdict,
        frame: Frame,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        let others = self.others(pool, now);
        let may = self.ask.session.as_ref().is_none_or(|session| pool.may_detour(session, now));
        if may && pool.has_other(&others, now) {
            return self.leave_for(verdict, self.account().cloned().as_ref(), pool, now, rng);
        }
        if let Some(refusal) = self.last_word(pool, now) {
            self.finish_badly(verdict, pool, now, rng);
            self.retire(now);
            return Step::Tell(refusal.frame());
        }
        let is_theirs = frame == Frame::Theirs && verdict.status >= 500;
        let hopeless = if is_theirs { Hopeless::Flush } else { Hopeless::Close };
        let back = pool.exhaustion(&self.ask, now).returns_at.unwrap_or(now);
        let wait = now.until(back).max(backoff::after_overload(rng));
        if !self.has_waited && wait <= PATIENCE {
            self.has_waited = true;
            self.state = State::Waiting(hopeless);
            if let Some(going) = self.turns.front_mut() {
                going.record.last = Some(verdict.class);
                going.record.judged(verdict.class.word());
            }
            return Step::Wait(wait);
        }
        match hopeless {
            Hopeless::Flush => self.show(verdict, Row::Kept, pool, now, rng),
            Hopeless::Close => self.close_badly(verdict, pool, now, rng),
        }
    }

    pub(super) fn wait_over(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if self.state == State::Opening {
            return self.waited_for_upgrade(pool, now, rng);
        }
        let State::Waiting(hopeless) = self.state else { return Step::Go };
        let class = self.turns.front().and_then(|going| going.record.last).unwrap_or(Class::Network);
        let verdict = Verdict::bare(class);
        let may = self.ask.session.as_ref().is_none_or(|session| pool.may_detour(session, now));
        if may && pool.has_other(&self.ask, now) {
            if let Some(session) = &self.ask.session {
                pool.forgive(session);
            }
            return self.leave_for(&verdict, None, pool, now, rng);
        }
        match hopeless {
            Hopeless::Flush => {
                self.finish_badly(&verdict, pool, now, rng);
                Step::Flush
            }
            Hopeless::Close => self.close_badly(&verdict, pool, now, rng),
        }
    }

    /// The rotation frame: the client reconnects with its whole context.
    fn leave_for(
        &mut self,
        verdict: &Verdict,
        tried: Option<&AccountKey>,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        if let Some(session) = &self.ask.session {
            pool.detour(session, tried, now);
        }
        if let Some(from) = self.account() {
            let why = verdict.class.word().to_owned();
            self.announced.push(ProxyFact::Rotated { from: from.clone(), to: None, why });
        }
        pool.count(Count::Rotation);
        self.finish_badly(verdict, pool, now, rng);
        self.retire(now);
        Step::Tell(refusal::rotation_frame())
    }

    /// The client has seen a part: the connection ends, and it comes back by itself.
    fn cut_off(&mut self, verdict: &Verdict, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if let Some(session) = &self.ask.session {
            let tried = self.account().filter(|_| verdict.class != Class::AuthExpired);
            pool.detour(session, tried, now);
        }
        pool.count(Count::Rotation);
        self.close_badly(verdict, pool, now, rng)
    }

    fn close_badly(&mut self, verdict: &Verdict, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.finish_badly(verdict, pool, now, rng);
        self.end_all(&End::bad(502, CUT), pool, now, rng);
        self.state = State::Over;
        Step::Close(1011)
    }

    /// Upstream's own frame, behind what is held; with a ledger row when the turn is to be counted.
    fn show(&mut self, verdict: &Verdict, row: Row, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if row == Row::Kept {
            self.finish_badly(verdict, pool, now, rng);
        } else {
            self.finish(None, pool, now, rng);
        }
        Step::Release
    }

    fn finish_badly(&mut self, verdict: &Verdict, pool: &mut Pool, now: Moment, rng: &mut Rng) {
        let word = verdict.class.word();
        if let Some(going) = self.turns.front_mut() {
            going.record.last = Some(verdict.class);
            going.record.judged(word);
            if verdict.class == Class::UsageLimit {
                "limit reached, reconnect".clone_into(&mut going.record.row.note);
            }
        }
        let error = verdict.code.clone().unwrap_or_else(|| word.to_owned());
        self.finish(Some(&End::bad(verdict.status, error)), pool, now, rng);
    }

    /// Account-bound content: a full context is sent again without it, or goes back to its producer; anything else
    /// has to come with its full context first.
    fn foreign(&mut self, verdict: &Verdict, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let Some(key) = self.account().cloned() else { return Step::Pass };
        let Some(going) = self.turns.front_mut() else { return Step::Pass };
        if going.create.previous.is_some() {
            self.finish(None, pool, now, rng);
            self.retire(now);
            return Step::Tell(refusal::unknown_response_frame());
        }
        let Some(message) = going.message.clone().filter(|_| going.repairs < REPAIRS) else {
            return self.show(verdict, Row::Kept, pool, now, rng);
        };
        let bound = reasoning::bound(&message);
        let producer = self
            .ask
            .session
            .as_ref()
            .filter(|_| bound.compaction && pool.bound_account(&self.ask).is_none())
            .and_then(|session| pool.bond(session, now)?.compaction.clone())
            .filter(|producer| producer != &key && pool.bar_of(producer, &self.ask, now).is_none());
        if let (Some(producer), Some(session)) = (producer, self.ask.session.clone())
            && pool.may_detour(&session, now)
        {
            pool.touch_bond(&session, &producer, now);
            pool.detour(&session, Some(&key), now);
            self.finish(None, pool, now, rng);
            self.retire(now);
            return Step::Tell(refusal::rotation_frame());
        }
        let edited = Some(&message)
            .filter(|_| pool.settings().strip_foreign_reasoning)
            .and_then(|message| reasoning::without_reasoning(message));
        let Some(edited) = edited.map(Bytes::from) else {
            return self.show(verdict, Row::Kept, pool, now, rng);
        };
        pool.count(Count::Strip);
        if let (Some(session), Some(mark)) = (&self.ask.session, bound.newest) {
            let owner = pool.owner(session, now).cloned().unwrap_or_else(|| key.clone());
            pool.touch_bond(session, &owner, now).stripped.insert(key, mark);
        }
        self.resend(edited, pool, now)
    }

    fn without_ids(&mut self, verdict: &Verdict, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let message = self
            .turns
            .front()
            .filter(|going| (1..REPAIRS).contains(&going.repairs))
            .and_then(|going| reasoning::without_ids(going.message.as_ref()?));
        if let Some(edited) = message {
            return self.resend(Bytes::from(edited), pool, now);
        }
        self.blame(verdict, pool, now);
        self.show(verdict, Row::Kept, pool, now, rng)
    }

    fn resend(&mut self, edited: Bytes, pool: &mut Pool, now: Moment) -> Step {
        pool.count(Count::Retry);
        pool.count(Count::Upstream);
        if let Some(going) = self.turns.front_mut() {
            going.repairs += 1;
            going.message = Some(edited.clone());
            going.record.judged(Class::ForeignContent.word());
        }
        self.held = 0;
        self.held_since = now;
        Step::Resend(edited)
    }
}
