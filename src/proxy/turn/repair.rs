//! Account-bound content that the serving account cannot read (runtime.md §12.3): back to its producer, or on without
//! the reasoning. Never the account's fault, and bounded to two re-sends.

use bytes::Bytes;

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::attempts::REPAIRS;
use crate::domain::chance::Rng;
use crate::domain::failure::Class;
use crate::domain::pool::{Count, Observation, Pool};
use crate::formats::reasoning::{self, Bound};

use super::{Current, Fault, For, Kind, Plain, Replay, State, Step, Stripped, Turn};

impl Turn {
    pub(super) fn repair(&mut self, fault: Fault, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let Some(key) = self.current.as_ref().map(|current| current.key.clone()) else {
            return self.exhausted(pool, now, rng);
        };
        let is_possible = self.facts.kind == Kind::Responses
            && self.facts.replay == Replay::Kept
            && self.repairs < REPAIRS
            && self.budget.is_some_and(|budget| budget.allows_send());
        if !is_possible {
            return self.show(fault, &key, pool, now, rng);
        }
        let body = match (&self.edited, &self.plain) {
            (Some(edited), _) => edited.clone(),
            (None, Plain::Known(plain)) => plain.clone(),
            (None, Plain::Unknown) => {
                self.state = State::Decoding(For::Repair(Box::new(fault)));
                return Step::Decode;
            }
            (None, Plain::Undecodable) => return self.show(fault, &key, pool, now, rng),
        };
        if fault.verdict.class == Class::ClientError {
            return match reasoning::without_ids(&body) {
                Some(edited) => {
                    self.stripped = Stripped::Ids;
                    self.resend(Bytes::from(edited), &key, pool, now, rng)
                }
                None => self.show(fault, &key, pool, now, rng),
            };
        }
        let bound = reasoning::bound(&body);
        if let Some(producer) = self.producer(&bound, &key, pool, now) {
            return self.return_to(producer, &key, pool, now, rng);
        }
        match self.without_reasoning(&body, &bound, &key, pool, now) {
            Some(edited) => self.resend(edited, &key, pool, now, rng),
            None => self.show(fault, &key, pool, now, rng),
        }
    }

    /// The account that produced the compaction item, when it is another one and may serve.
    fn producer(&mut self, bound: &Bound, key: &AccountKey, pool: &Pool, now: Moment) -> Option<AccountKey> {
        if !bound.compaction || pool.is_bound(&self.ask) {
            return None;
        }
        let session = self.ask.session.as_ref()?;
        let producer = pool.bond(session, now)?.compaction.clone()?;
        let is_usable = &producer != key && pool.bar_of(&producer, &self.ask, now).is_none();
        (is_usable && self.producers.insert(producer.clone())).then_some(producer)
    }

    fn return_to(
        &mut self,
        producer: AccountKey,
        from: &AccountKey,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        self.repairs += 1;
        pool.observe(from, &self.ask, Observation::Neutral, now);
        self.record.left(from, Class::ForeignContent);
        self.leave(pool);
        self.edited = None;
        self.stripped = Stripped::Nothing;
        if let Some(session) = &self.ask.session {
            pool.touch_bond(session, &producer, now);
        }
        pool.begin(&producer, &self.ask, now);
        pool.count(Count::Rotation);
        self.ask.tried.insert(producer.clone());
        self.current =
            Some(Current { key: producer, token: crate::base::Secret::default(), holds_seat: true });
        self.approach(pool, now, rng)
    }

    fn without_reasoning(
        &mut self,
        body: &[u8],
        bound: &Bound,
        key: &AccountKey,
        pool: &mut Pool,
        now: Moment,
    ) -> Option<Bytes> {
        if !pool.settings().strip_foreign_reasoning {
            return None;
        }
        let edited = reasoning::without_reasoning(body)?;
        self.stripped = Stripped::Reasoning;
        pool.count(Count::Strip);
        if let (Some(session), Some(mark)) = (&self.ask.session, &bound.newest) {
            let owner = pool.owner(session, now).cloned().unwrap_or_else(|| key.clone());
            pool.touch_bond(session, &owner, now).stripped.insert(key.clone(), mark.clone());
        }
        Some(Bytes::from(edited))
    }

    fn resend(
        &mut self,
        edited: Bytes,
        key: &AccountKey,
        pool: &mut Pool,
        now: Moment,
        rng: &mut Rng,
    ) -> Step {
        self.repairs += 1;
        self.edited = Some(edited);
        self.record.judged(Class::ForeignContent.word());
        pool.observe(key, &self.ask, Observation::Neutral, now);
        pool.count(Count::Retry);
        self.approach(pool, now, rng)
    }

    fn show(&mut self, fault: Fault, key: &AccountKey, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        pool.observe(key, &self.ask, Observation::Neutral, now);
        self.as_it_is(fault, pool, now, rng)
    }
}
