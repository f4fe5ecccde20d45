//! Who serves: eligibility, precedence and order in one place, for the request path and for every explanation (D24).
//!
//! The scan reads slots only and allocates nothing, so that a thousand accounts cost microseconds. A choice is the
//! same computation as an explanation, followed by a dispatch.

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::health::{bucket, score as health};
use crate::domain::policy::account::Rein;
use crate::domain::selection::affinity::Bond;
use crate::domain::selection::eligible::Bar;
use crate::domain::selection::explain::{Candidate, Decision, Parts, Rule};
use crate::domain::selection::score::{Facts, STICKY};
use crate::domain::selection::{Ask, Strategy};

use super::slot::{Lane, Mark, Slot};
use super::{Choice, Pool};

/// Lanes beyond this share the lane of their family; models are few, so only noise gets here.
const MOST_LANES: usize = 64;

/// What is the same for every account of one question.
pub(super) struct Survey<'a> {
    pub(super) ask: &'a Ask,
    pub(super) now: Moment,
    lane: Option<Lane>,
    narrow: Option<String>,
    pub(super) tried: Vec<usize>,
    sticky: Option<usize>,
    /// What is remembered of the session.
    pub(super) bond: Option<&'a Bond>,
    /// What stands against the whole request.
    ruled: Option<Bar>,
    /// Accounts whose own budgets are used up.
    spent: Vec<(usize, Moment)>,
    /// Points of the project's profile, by position; empty without a profile.
    boosts: &'a [f64],
    /// The account that already serves the session; looked up only when somebody is drained.
    owner: Option<usize>,
}

impl Survey<'_> {
    /// Points of the project's profile.
    pub(super) fn boost_at(&self, position: usize) -> f64 {
        self.boosts.get(position).copied().unwrap_or(0.0)
    }
}

struct Picked {
    position: Option<usize>,
    rule: Rule,
}

impl Pool {
    /// Chooses and commits: cursor, last use, one local token, one request in flight (see [`Pool::release`]).
    pub fn choose(&mut self, ask: &Ask, now: Moment, rng: &mut fastrand::Rng) -> Choice {
        let choice = self.peek(ask, now, rng);
        if let Some(session) = &ask.session {
            self.order_done(session, choice.chosen.as_ref());
        }
        let Some(position) = choice.chosen.as_ref().and_then(|key| self.position(key)) else { return choice };
        self.dispatch(position, ask, now);
        if choice.rule == Rule::Strategy {
            self.placed(position, ask, now);
        }
        let is_moving = choice.rule == Rule::Strategy
            && self.settings.strategy == Strategy::Sequential
            && ask.tried.is_empty();
        if let Some(key) = choice.chosen.as_ref().filter(|_| is_moving) {
            self.move_cursor(ask, key);
        }
        choice
    }

    /// Chooses without committing anything (model lists, checks before a turn).
    pub fn peek(&self, ask: &Ask, now: Moment, rng: &mut fastrand::Rng) -> Choice {
        // Today's strategies need no chance; the order of arguments is the one of every decision.
        let _ = rng;
        let picked = self.pick(&self.survey(ask, now));
        let key = picked.position.and_then(|position| self.roster.accounts.get(position));
        Choice { chosen: key.map(|account| account.key.clone()), rule: picked.rule }
    }

    /// Who may be asked for what costs no quota (model lists): the choice, else anybody who is signed in.
    pub fn peek_for_listing(&self, ask: &Ask, now: Moment, rng: &mut fastrand::Rng) -> Choice {
        let choice = self.peek(ask, now, rng);
        if choice.chosen.is_some() || self.bound(ask).is_some() {
            return choice;
        }
        let mut rows = self.roster.accounts.iter().zip(&self.slots);
        let any = rows.find(|(account, slot)| slot.lasting.is_none() && !ask.tried.contains(&account.key));
        Choice { chosen: any.map(|(account, _)| account.key.clone()), rule: Rule::Strategy }
    }

    /// What [`Pool::choose`] would answer, with every account and its reasons; changes nothing.
    pub fn explain(&self, ask: &Ask, now: Moment, rng: &mut fastrand::Rng) -> Decision {
        let _ = rng;
        let survey = self.survey(ask, now);
        let picked = self.pick(&survey);
        let candidates =
            self.roster.accounts.iter().zip(&self.slots).enumerate().map(|(index, (account, slot))| {
                let bar = self
                    .bar(index, slot, &survey)
                    .or_else(|| attempted(index, &survey))
                    .or_else(|| near(slot, now));
                Candidate {
                    key: account.key.clone(),
                    index,
                    skip: bar.filter(|_| picked.position != Some(index)).map(Bar::skip),
                    parts: Self::parts(index, slot, &survey),
                    left: slot.quota.as_ref().and_then(|quota| quota.tightest(now)),
                }
            });
        Decision {
            at: now,
            candidates: candidates.collect(),
            chosen: picked
                .position
                .and_then(|position| self.roster.accounts.get(position))
                .map(|row| row.key.clone()),
            rule: picked.rule,
            strategy: self.settings.strategy,
        }
    }

    /// What stands against an account for this question, whether or not it was tried.
    pub fn bar_of(&self, key: &AccountKey, ask: &Ask, now: Moment) -> Option<Bar> {
        let Some(position) = self.position(key) else { return Some(Bar::Missing) };
        let slot = self.slots.get(position)?;
        self.bar(position, slot, &self.survey(ask, now))
    }

    /// Whether anybody else could serve this question than those already tried.
    pub fn has_other(&self, ask: &Ask, now: Moment) -> bool {
        self.pick(&self.survey(ask, now)).position.is_some()
    }

    pub(super) fn survey<'a>(&'a self, ask: &'a Ask, now: Moment) -> Survey<'a> {
        let is_recent = |at: &Moment| now.since(*at) < self.settings.min_rotation_interval;
        let sticky = self.last.as_ref().filter(|(_, at)| ask.session.is_none() && is_recent(at));
        // A request beside a running one is no follow-up of it: parallel ones spread (DB-17).
        let sticky = sticky
            .and_then(|(key, _)| self.position(key))
            .filter(|position| self.slots.get(*position).is_some_and(|slot| slot.in_flight == 0));
        let bond = ask.session.as_ref().and_then(|session| self.bond(session, now));
        Survey {
            ask,
            now,
            lane: self.lane_of(ask),
            narrow: ask.model.as_deref().map(|model| ask.family.key(Some(model))),
            tried: ask.tried.iter().filter_map(|key| self.position(key)).collect(),
            sticky,
            owner: bond.filter(|_| !self.policies.is_empty()).and_then(|bond| self.position(&bond.owner)),
            bond,
            ruled: self.ruled(ask, now),
            spent: self
                .meters
                .spent(now)
                .into_iter()
                .filter_map(|(key, until)| Some((self.position(&key)?, until)))
                .collect(),
            boosts: ask
                .project
                .as_ref()
                .and_then(|project| self.boosts.get(project))
                .map(Vec::as_slice)
                .unwrap_or_default(),
        }
    }

    fn pick(&self, survey: &Survey<'_>) -> Picked {
        if let Some((key, source)) = self.bound(survey.ask) {
            let position = self.position(key).filter(|position| self.is_open(*position, survey));
            return Picked { position, rule: source.rule() };
        }
        if let Some(position) = self.ordered_at(survey) {
            return Picked { position: Some(position), rule: Rule::Pin };
        }
        if self.settings.strategy == Strategy::Sequential {
            return Picked { position: self.next_in_line(survey), rule: Rule::Strategy };
        }
        if let Some(position) = self.bonded(survey) {
            return Picked { position: Some(position), rule: Rule::Affinity };
        }
        let position = self.successor(survey).or_else(|| self.fullest(survey));
        Picked { position, rule: Rule::Strategy }
    }

    pub(super) fn is_open(&self, position: usize, survey: &Survey<'_>) -> bool {
        let Some(slot) = self.slots.get(position) else { return false };
        !survey.tried.contains(&position) && self.bar(position, slot, survey).is_none()
    }

    pub(super) fn bar_at(&self, position: usize, ask: &Ask, now: Moment) -> Option<Bar> {
        let slot = self.slots.get(position)?;
        self.bar(position, slot, &self.survey(ask, now))
    }

    #[inline]
    pub(super) fn bar(&self, position: usize, slot: &Slot, survey: &Survey<'_>) -> Option<Bar> {
        let now = survey.now;
        if slot.lasting.is_some() {
            return slot.lasting;
        }
        if survey.ruled.is_some() {
            return survey.ruled;
        }
        if slot.rein != Rein::Free && !(slot.rein == Rein::Drained && survey.owner == Some(position)) {
            return Some(Bar::Held(slot.rein));
        }
        if let Some((_, until)) = survey.spent.iter().find(|(spent, _)| *spent == position) {
            return Some(Bar::Spent(*until));
        }
        if slot.limited > now
            && let Some(until) = self.limit(position, survey)
        {
            return Some(Bar::Limited(until));
        }
        if let Some(until) = slot.strain.empty_until.filter(|until| *until > now) {
            return Some(Bar::Limited(until));
        }
        if slot.cooling > now {
            let reason = self.account_at(position).and_then(|account| account.cooldown?.reason);
            return Some(Bar::Cooling(reason, slot.cooling));
        }
        if let Some(until) = slot.circuit.closed_until(now) {
            return Some(Bar::CircuitOpen(until));
        }
        let gap = slot.seldom.gaps.iter().find(|(model, until)| *until > now && *model == survey.ask.model);
        if let Some((_, until)) = gap {
            return Some(Bar::NotEntitled(*until));
        }
        self.gates.guarded_until(slot.seldom.answered, now).map(Bar::Guarded)
    }

    fn limit(&self, position: usize, survey: &Survey<'_>) -> Option<Moment> {
        let limits = &self.account_at(position)?.limits;
        let whole = limits.get(survey.ask.family.word());
        let narrow = survey.narrow.as_ref().and_then(|bucket| limits.get(bucket));
        whole.into_iter().chain(narrow).copied().filter(|until| *until > survey.now).max()
    }

    #[inline]
    pub(super) fn parts(position: usize, slot: &Slot, survey: &Survey<'_>) -> Parts {
        let tracker = slot.tracker(survey.lane);
        Facts {
            health: tracker.map_or(health::FULL, |tracker| tracker.health.read(survey.now)),
            tokens: tracker.map_or(bucket::FULL, |tracker| tracker.bucket.read(survey.now)),
            last_used: slot.last_used,
            in_flight: slot.in_flight,
            sticky: if survey.sticky == Some(position) { STICKY } else { 0.0 },
            spread: if survey.sticky.is_some() { 0.0 } else { slot.spread },
            boost: slot.boost + survey.boost_at(position),
        }
        .parts(survey.now)
    }

    pub(super) fn lane_of(&self, ask: &Ask) -> Option<Lane> {
        let position =
            self.lanes.iter().position(|(family, model)| *family == ask.family && *model == ask.model);
        position.and_then(|position| Lane::try_from(position).ok())
    }

    /// The lane of a question, entered into the table when it is new.
    pub(super) fn enter_lane(&mut self, ask: &Ask) -> Lane {
        if let Some(lane) = self.lane_of(ask) {
            return lane;
        }
        if self.lanes.len() >= MOST_LANES {
            let family = self.lanes.iter().position(|(family, _)| *family == ask.family).unwrap_or(0);
            return Lane::try_from(family).unwrap_or(0);
        }
        self.lanes.push((ask.family, ask.model.clone()));
        Lane::try_from(self.lanes.len() - 1).unwrap_or(0)
    }

    pub(super) fn dispatch(&mut self, position: usize, ask: &Ask, now: Moment) {
        let lane = self.enter_lane(ask);
        self.enter_turn(ask);
        self.depart(position, ask);
        let Some(slot) = self.slots.get_mut(position) else { return };
        slot.in_flight += 1;
        slot.circuit.admit(now);
        slot.last_used = slot.last_used.max(now);
        if let Some(tracker) = slot.tracker_mut(lane, now) {
            tracker.bucket.consume(now);
        }
        if slot.is_used == Mark::Clean {
            slot.is_used = Mark::Dirty;
            self.used.push(position);
        }
    }

    pub(super) fn move_cursor(&mut self, ask: &Ask, key: &AccountKey) {
        let stored = self.roster.active_of(ask.family).map(|account| &account.key);
        if self.cursor.get(&ask.family).or(stored) != Some(key) {
            self.cursor.insert(ask.family, key.clone());
            self.moved.insert(ask.family);
        }
    }
}

fn attempted(position: usize, survey: &Survey<'_>) -> Option<Bar> {
    survey.tried.contains(&position).then_some(Bar::Attempted)
}

pub(super) fn near(slot: &Slot, now: Moment) -> Option<Bar> {
    slot.strain.near_until.filter(|until| *until > now).map(Bar::NearExhaustion)
}
