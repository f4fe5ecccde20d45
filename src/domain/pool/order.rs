//! The order of the accounts that may serve, by strategy (runtime.md §7.5).
//!
//! Every strategy is one number per account, so that one loop serves them all and nothing is sorted. Ties: more left
//! in the tighter window, then the place in the pool; `fill-first` goes by the place at once.

use crate::base::{Moment, Percent};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::selection::Strategy;

use super::Pool;
use super::pick::{Survey, near};
use super::slot::Slot;

/// What an account nobody asked about is taken to have.
const UNKNOWN_LEFT: f64 = 50.0;
/// Behind every account whose long window has a known reset.
const UNKNOWN_RESET: f64 = -1e15;

impl Pool {
    /// The first of the open accounts that `fits`.
    pub(super) fn first(&self, survey: &Survey<'_>, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let breaks_ties = self.settings.strategy != Strategy::FillFirst;
        let mut best: Option<(usize, f64)> = None;
        for (position, slot) in self.slots.iter().enumerate() {
            if self.bar(position, slot, survey).is_some()
                || near(slot, survey.now).is_some()
                || survey.tried.contains(&position)
                || !fits(position)
            {
                continue;
            }
            let merit = self.merit(self.settings.strategy, position, slot, survey);
            let is_better = best.is_none_or(|(other, highest)| {
                merit > highest
                    || (breaks_ties && merit >= highest && self.has_more_left(position, other, survey.now))
            });
            if is_better {
                best = Some((position, merit));
            }
        }
        best.map(|(position, _)| position)
    }

    /// What an account has under a strategy; the highest serves.
    #[inline]
    pub(super) fn merit(&self, strategy: Strategy, position: usize, slot: &Slot, survey: &Survey<'_>) -> f64 {
        match strategy {
            Strategy::Hybrid | Strategy::Sequential => Self::parts(position, slot, survey).total(),
            Strategy::FillFirst => slot.boost + survey.boost_at(position),
            Strategy::MostRemaining => left(slot, survey.now),
            Strategy::SoonestResetFirst => self.haste(slot, survey.now),
            Strategy::RoundRobin => -millis(slot.given),
        }
    }

    /// The sooner the long window begins anew, the more; who has little left comes last.
    fn haste(&self, slot: &Slot, now: Moment) -> f64 {
        let Some(quota) = slot.quota.as_deref() else { return UNKNOWN_RESET };
        let threshold = self.settings.preemptive_primary.max(self.settings.preemptive_secondary);
        if quota.tightest(now).is_some_and(|left| left.value() <= threshold) {
            return f64::NEG_INFINITY;
        }
        longest_reset(quota).filter(|reset| *reset > now).map_or(UNKNOWN_RESET, |reset| -millis(reset))
    }

    /// When every usable account is nearly empty, the one with the most left (DB-26).
    pub(super) fn fullest(&self, survey: &Survey<'_>) -> Option<usize> {
        let mut best: Option<usize> = None;
        for position in (0..self.slots.len()).filter(|position| self.is_open(*position, survey)) {
            if best.is_none_or(|other| self.has_more_left(position, other, survey.now)) {
                best = Some(position);
            }
        }
        best
    }

    /// The family's account while it can be used, else the next one behind it.
    pub(super) fn next_in_line(&self, survey: &Survey<'_>) -> Option<usize> {
        let count = self.slots.len();
        let active = self.cursor.get(&survey.ask.family).and_then(|key| self.position(key));
        let start =
            active.or_else(|| self.position(&self.roster.active_of(survey.ask.family)?.key)).unwrap_or(0);
        (start..count)
            .chain(0..start.min(count))
            .find(|position| {
                self.is_open(*position, survey)
                    && self.slots.get(*position).is_some_and(|slot| near(slot, survey.now).is_none())
            })
            .or_else(|| self.fullest(survey))
    }

    fn has_more_left(&self, one: usize, other: usize, now: Moment) -> bool {
        let left = |position: usize| self.slots.get(position).map_or(UNKNOWN_LEFT, |slot| left(slot, now));
        left(one) > left(other)
    }
}

fn left(slot: &Slot, now: Moment) -> f64 {
    slot.quota.as_ref().and_then(|quota| quota.tightest(now)).map_or(UNKNOWN_LEFT, Percent::value)
}

/// When the longest declared window begins anew.
fn longest_reset(quota: &Snapshot) -> Option<Moment> {
    quota.windows().max_by_key(|window| window.minutes)?.resets_at
}

/// Epoch milliseconds fit a float exactly until long after us.
fn millis(at: Moment) -> f64 {
    at.since(Moment::EPOCH).as_secs_f64() * 1_000.0
}
