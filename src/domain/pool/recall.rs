//! What is kept of a choice, taken before the choice changes anything.

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::chance::Rng;
use crate::domain::selection::replay::{Kept, Ramp};
use crate::domain::selection::{Ask, Strategy};

use super::Pool;

/// Larger pools are not written out account by account: the look at all of them would be felt by every request.
const MOST: usize = 256;

impl Pool {
    /// The question and its whole answer; `None` when decisions are not kept. `from` is the account that was left.
    pub fn recall(
        &self,
        request: u64,
        ask: &Ask,
        from: Option<&AccountKey>,
        now: Moment,
        rng: &mut Rng,
    ) -> Option<Kept> {
        if !self.settings.decision_log || self.len() > MOST {
            return None;
        }
        let survey = self.survey(ask, now);
        // Behind every session that loses its account stand the others that do: their share decides, not the order.
        let is_ramp = survey.bond.is_some_and(|bond| {
            self.settings.session_affinity
                && !self.position(&bond.owner).is_some_and(|position| self.is_open(position, &survey))
        });
        let rows = self.slots.iter().enumerate();
        let merits = rows.map(|(position, slot)| {
            Strategy::ALL.map(|strategy| self.merit(strategy, position, slot, &survey).max(-f64::MAX))
        });
        let owner = survey.bond.map(|bond| bond.owner.clone());
        let merits = merits.collect();
        let decision = self.explain(ask, now, rng);
        let active = self.cursor.get(&ask.family).cloned();
        Some(Kept {
            pid: 0,
            request,
            session: ask.session.clone(),
            model: ask.model.clone(),
            family: ask.family,
            revision: self.roster.generation,
            pin: self.bound(ask).map(|(key, _)| key.clone()),
            active: active.or_else(|| self.roster.active_of(ask.family).map(|account| account.key.clone())),
            from: from.cloned().or(owner.filter(|owner| decision.chosen.as_ref() != Some(owner))),
            ramp: if is_ramp { Ramp::Shares } else { Ramp::None },
            merits,
            decision,
        })
    }
}
