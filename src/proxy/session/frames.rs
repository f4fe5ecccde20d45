//! Frames of an open socket: the turn check before the client's, the hold-back before upstream's (runtime.md §22.4,
//! §22.5).

use bytes::Bytes;

use crate::base::Moment;
use crate::domain::chance::Rng;
use crate::domain::failure::{Class, classify};
use crate::domain::pool::{Observation, Pool, Shortage};
use crate::domain::selection::Ask;
use crate::formats::events::{Ended, Fact};
use crate::formats::frames::{self, Asked, Create};
use crate::formats::reasoning;
use crate::proxy::record::{self, End};
use crate::proxy::refusal::{self, Cause, Refusal};

use super::{FAREWELL, MOST_OPEN, Room, Session, State, Step};

impl Session {
    pub(super) fn client_text(
        &mut self,
        text: Bytes,
        room: Room,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        if matches!(self.state, State::Retiring { .. } | State::Waiting(_) | State::Opening) {
            return Step::Go;
        }
        let Asked::Create(create) = frames::asked(&text) else { return Step::Pass };
        if room == Room::Gone {
            return Step::Tell(Refusal::overloaded().frame());
        }
        if self.turns.len() >= MOST_OPEN {
            self.end_all(&End::bad(400, "too_many_turns"), pool, now, rng);
            self.state = State::Over;
            return Step::Close(1008);
        }
        self.follow_model(&create);
        if create.prewarm {
            self.begin(create, text, pool, now);
            return Step::Pass;
        }
        if let Some(answer) = self.stands_against(&create, pool, now, rng) {
            return answer;
        }
        let edited = self.without_marked(&create, &text, pool, now);
        self.begin(create, edited.clone().unwrap_or(text), pool, now);
        edited.map_or(Step::Pass, Step::Rewrite)
    }

    fn follow_model(&mut self, create: &Create) {
        if create.model.is_some() && create.model != self.ask.model {
            let (forced, project) = (self.ask.forced.take(), self.ask.project.take());
            self.ask = Ask { forced, project, ..Ask::of(self.ask.session.clone(), create.model.clone()) };
        }
    }

    /// The turn check: an answer when the turn must not go out on this socket.
    fn stands_against(
        &mut self,
        create: &Create,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Option<Step> {
        let key = self.account()?.clone();
        let is_elsewhere = self.is_wanted_elsewhere(&key, pool, now, rng);
        if (is_elsewhere || pool.bar_of(&key, &self.ask, now).is_some())
            && let Some(answer) = self.move_on(is_elsewhere, pool, now, rng)
        {
            return Some(answer);
        }
        let is_unknown = create
            .previous
            .as_ref()
            .is_some_and(|previous| !self.has_gap && !self.ids.iter().any(|known| known == previous));
        if is_unknown {
            self.retire(now);
            return Some(Step::Tell(refusal::unknown_response_frame()));
        }
        None
    }

    /// Whether the user meanwhile pinned or selected another account for this session, or another one suits it so much
    /// better that reconnecting pays.
    fn is_wanted_elsewhere(
        &mut self,
        key: &crate::domain::account::AccountKey,
        pool: &Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> bool {
        if let Some(bound) = pool.bound_account(&self.ask) {
            return bound != key;
        }
        if let Some(to) = pool.ordered(&self.ask, now) {
            return to != key;
        }
        if pool.generation() == self.generation {
            return self.turns.is_empty() && pool.prefers_another(key, &self.ask, now);
        }
        let chosen = pool.peek(&self.ask, now, rng).chosen;
        let is_elsewhere = chosen.as_ref().is_some_and(|chosen| chosen != key);
        if !is_elsewhere {
            self.generation = pool.generation();
        }
        is_elsewhere
    }

    /// The account of this socket should not serve the turn: on to another one, the limit text, or, when the trouble
    /// is brief and nobody else is there, on with it.
    fn move_on(&mut self, is_elsewhere: bool, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Option<Step> {
        let others = self.others(pool, now);
        let may = self.ask.session.as_ref().is_none_or(|session| pool.may_detour(session, now));
        if may && (is_elsewhere || pool.peek(&others, now, rng).chosen.is_some()) {
            if let Some(session) = &self.ask.session {
                pool.detour(session, None, now);
            }
            self.retire(now);
            return Some(Step::Tell(refusal::rotation_frame()));
        }
        let refusal = self.last_word(pool, now)?;
        self.retire(now);
        Some(Step::Tell(refusal.frame()))
    }

    /// The limit text, when nobody comes back soon.
    pub(super) fn last_word(&self, pool: &mut Pool, now: Moment) -> Option<Refusal> {
        if let Some(ruling) = pool.ruled_out(&self.ask, now) {
            return Some(Refusal::ruled(&ruling, now));
        }
        if let Some(trouble) = pool.pin_trouble(&self.ask, now) {
            return (trouble.class == Shortage::Final).then(|| Refusal::pinned(&trouble, now));
        }
        let shortage = pool.exhaustion(&self.ask, now);
        if shortage.class != Shortage::Final {
            return None;
        }
        if let Some(back) = shortage.returns_at {
            pool.exhaust(self.ask.family, now.until(back), now);
        }
        Some(Refusal::exhausted(&shortage, shortage.reason, Cause::Pool, now))
    }

    /// The question whether anybody but this socket's account could serve.
    pub(super) fn others(&self, pool: &Pool, now: Moment) -> Ask {
        let mut ask = self.ask.clone();
        if let Some(session) = &ask.session {
            ask.tried.extend(pool.detoured(session, now));
        }
        ask.tried.extend(self.account().cloned());
        ask
    }

    /// The client is told to go; it is given a moment.
    pub(super) fn retire(&mut self, now: Moment) {
        self.state = State::Retiring { until: now + FAREWELL };
    }

    fn without_marked(&self, create: &Create, text: &[u8], pool: &Pool, now: Moment) -> Option<Bytes> {
        if create.previous.is_some() || !pool.settings().strip_foreign_reasoning {
            return None;
        }
        let mark = pool.bond(self.ask.session.as_ref()?, now)?.stripped.get(self.account()?)?;
        reasoning::without_reasoning_up_to(text, mark).map(Bytes::from)
    }

    pub(super) fn upstream_text(&mut self, fact: &Fact, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.last_data = now;
        if let (Fact::Quota(all), Some(key)) = (fact, self.account().cloned()) {
            record::note_quota(pool, &key, all, &mut self.announced);
        }
        match self.state {
            State::Opening | State::Retiring { .. } | State::Over => Step::Go,
            State::Waiting(_) => Step::Hold,
            State::Idle => match fact {
                Fact::Failed(answer) => self.failed_idle(&classify(answer, now), pool, now),
                Fact::Opaque => {
                    self.has_gap = true;
                    Step::Pass
                }
                Fact::Lifecycle | Fact::Quota(_) | Fact::Output | Fact::Compaction | Fact::Ended(_) => {
                    Step::Pass
                }
            },
            State::Pending => self.pending(fact, pool, now, rng),
            State::Streaming => self.streaming(fact, pool, now, rng),
        }
    }

    fn pending(&mut self, fact: &Fact, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        match fact {
            Fact::Lifecycle | Fact::Quota(_) => {
                if self.held == 0 {
                    self.held_since = now;
                }
                self.held += 1;
                if self.timers.hold.is_over() { self.commit(now, Step::Release) } else { Step::Hold }
            }
            Fact::Output => self.commit(now, Step::Release),
            Fact::Opaque => {
                self.has_gap = true;
                self.commit(now, Step::Release)
            }
            Fact::Compaction => {
                self.note_compaction();
                self.commit(now, Step::Release)
            }
            Fact::Ended(ended) => {
                let step = self.commit(now, Step::Release);
                self.succeed(ended, pool, now, rng);
                step
            }
            Fact::Failed(answer) => {
                let verdict = classify(answer, now);
                self.failed_pending(&verdict, answer, pool, now, rng)
            }
        }
    }

    fn streaming(&mut self, fact: &Fact, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        match fact {
            Fact::Lifecycle | Fact::Quota(_) | Fact::Output => Step::Pass,
            Fact::Opaque => {
                self.has_gap = true;
                Step::Pass
            }
            Fact::Compaction => {
                self.note_compaction();
                Step::Pass
            }
            Fact::Ended(ended) => {
                self.succeed(ended, pool, now, rng);
                Step::Pass
            }
            Fact::Failed(answer) => self.failed_streaming(&classify(answer, now), pool, now, rng),
        }
    }

    fn note_compaction(&mut self) {
        if let Some(going) = self.turns.front_mut() {
            going.has_compacted = true;
        }
    }

    /// The client sees the turn from here on.
    pub(super) fn commit(&mut self, now: Moment, step: Step) -> Step {
        self.state = State::Streaming;
        self.held = 0;
        if let Some(going) = self.turns.front_mut() {
            going.message = None;
            going.record.committed(now);
            going.record.answered(now);
            self.rows.push(going.record.row(now));
        }
        step
    }

    fn succeed(&mut self, ended: &Ended, pool: &mut Pool, now: Moment, rng: &mut Rng) {
        if let Some(id) = &ended.id {
            self.ids.push(id.clone());
        }
        let Some(key) = self.account().cloned() else { return };
        let Some(going) = self.turns.front_mut() else { return };
        let (is_prewarm, has_compacted) = (going.create.prewarm, going.has_compacted || ended.compaction);
        going.record.row.tokens = ended.tokens.filter(|_| !is_prewarm);
        going.record.tier.clone_from(&ended.tier);
        self.has_waited = false;
        if is_prewarm {
            pool.observe(&key, &self.ask, Observation::Neutral, now);
        } else {
            self.served += 1;
            self.tokens += ended.tokens.map_or(0, |tokens| tokens.total);
            pool.observe(&key, &self.ask, Observation::Succeeded, now);
            if let Some(session) = &self.ask.session {
                pool.remember(session, &key, now);
                pool.note_tokens(session, ended.tokens);
                pool.arrived(session);
                if has_compacted {
                    pool.touch_bond(session, &key, now).compaction = Some(key.clone());
                }
            }
        }
        self.finish(Some(&End::good(200)), pool, now, rng);
    }

    pub(super) fn upstream_binary(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if self.state == State::Idle {
            return Step::Pass;
        }
        self.broken(Class::Network, pool, now, rng)
    }

    pub(super) fn upstream_closed(
        &mut self,
        code: Option<u16>,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        if self.turns.is_empty() || matches!(self.state, State::Retiring { .. }) {
            let code = code.filter(|code| matches!(code, 1000 | 1001 | 1011 | 1012 | 1013)).unwrap_or(1011);
            self.end_all(&End::bad(502, "closed"), pool, now, rng);
            self.state = State::Over;
            return Step::Close(code);
        }
        self.broken(Class::Network, pool, now, rng)
    }

    pub(super) fn upstream_cut(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.upstream_closed(None, pool, now, rng)
    }
}
