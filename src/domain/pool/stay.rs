//! Whether a session stays where it is (runtime.md §7.5): by force it leaves at once, but not all sessions to the same
//! place; by preference only when that pays, and not again for a while.

use std::collections::BTreeMap;

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::facts::TurnTokens;
use crate::domain::selection::affinity::Bond;
use crate::domain::selection::price;
use crate::domain::selection::{Ask, SessionKey, Strategy};

use super::Pool;
use super::pick::{Survey, near};

impl Pool {
    /// All session bonds, for `runtime-affinity.json`.
    pub fn bonds(&self) -> impl Iterator<Item = (&SessionKey, &Bond)> {
        self.bonds.iter()
    }

    /// Whether bonds changed since [`Pool::bonds`] was last saved; clears the mark.
    pub fn take_bonds_changed(&mut self) -> bool {
        self.bonds.take_changed()
    }

    /// Takes bonds of an earlier process; newer ones here win, those older than the time to live are dropped.
    pub fn restore_bonds(&mut self, bonds: BTreeMap<SessionKey, Bond>, now: Moment) {
        let known = bonds.into_iter().filter(|(_, bond)| self.index.contains_key(&bond.owner)).collect();
        self.bonds.restore(
            known,
            self.settings.session_affinity_ttl,
            self.settings.session_affinity_max,
            now,
        );
    }

    /// The account a session belongs to now.
    pub fn owner(&self, session: &SessionKey, now: Moment) -> Option<&AccountKey> {
        self.bond(session, now).map(|bond| &bond.owner)
    }

    /// What is remembered of a session.
    pub fn bond(&self, session: &SessionKey, now: Moment) -> Option<&Bond> {
        self.bonds.get(session, self.settings.session_affinity_ttl, now)
    }

    /// A turn of the session was committed on `owner`.
    pub fn remember(&mut self, session: &SessionKey, owner: &AccountKey, now: Moment) {
        self.bonds.remember(session, owner, self.settings.session_affinity_max, now);
        self.order_arrived(session, owner);
    }

    /// The session's bond on `owner`, for what is remembered beside it; created when there is none.
    pub fn touch_bond(&mut self, session: &SessionKey, owner: &AccountKey, now: Moment) -> &mut Bond {
        self.bonds.touch(session, owner, self.settings.session_affinity_max, now)
    }

    /// Remembers who issued a session's turn state, without moving the session.
    pub fn note_turn_state(&mut self, session: &SessionKey, issuer: &AccountKey, now: Moment) {
        let is_known = self.bond(session, now).is_some_and(|bond| bond.turn_state.as_ref() == Some(issuer));
        if is_known {
            return;
        }
        match self.bonds.get_mut(session) {
            Some(bond) => bond.turn_state = Some(issuer.clone()),
            None => self.touch_bond(session, issuer, now).turn_state = Some(issuer.clone()),
        }
    }

    /// The account that the session's bond names, or the one it had better move to. A strong bond holds through
    /// near-exhaustion.
    pub(super) fn bonded(&self, survey: &Survey<'_>) -> Option<usize> {
        if !self.settings.session_affinity {
            return None;
        }
        let session = survey.ask.session.as_ref()?;
        let bond = self.bond(session, survey.now)?;
        let position = self.position(&bond.owner).filter(|position| self.is_open(*position, survey))?;
        let is_near = self.slots.get(position).is_some_and(|slot| near(slot, survey.now).is_some());
        if is_near && !bond.is_strong() {
            return None;
        }
        Some(self.better(session, bond, position, survey).unwrap_or(position))
    }

    /// An account that suits the session so much better that the move pays.
    fn better(
        &self,
        session: &SessionKey,
        bond: &Bond,
        position: usize,
        survey: &Survey<'_>,
    ) -> Option<usize> {
        let may_move = self.settings.strategy.moves_by_preference()
            && !bond.is_account_bound()
            && survey.now.since(bond.since) >= self.settings.min_dwell
            && !self.in_turn.contains_key(session);
        if !may_move {
            return None;
        }
        let other = self.first(survey, |_| true).filter(|other| *other != position)?;
        let parts =
            |position: usize| self.slots.get(position).map(|slot| Self::parts(position, slot, survey));
        let gain = price::gain(&parts(position)?, &parts(other)?);
        (gain > price::price(bond.cached)).then_some(other)
    }

    /// Whether a session that `owner` serves had better go elsewhere for its next turn.
    pub fn prefers_another(&self, owner: &AccountKey, ask: &Ask, now: Moment) -> bool {
        let survey = self.survey(ask, now);
        let is_owner = survey.bond.is_some_and(|bond| &bond.owner == owner);
        is_owner
            && self.bound_account(ask).is_none()
            && self.settings.strategy != Strategy::Sequential
            && self.bonded(&survey).is_some_and(|position| self.position(owner) != Some(position))
    }

    /// The account the session has just lost, when it had one.
    fn lost<'a>(&self, survey: &'a Survey<'_>) -> Option<(&'a SessionKey, &'a AccountKey)> {
        let session = survey.ask.session.as_ref()?;
        let owner = &survey.bond?.owner;
        self.settings.session_affinity.then_some((session, owner))
    }

    /// The first in order for a session without an account, or past the successors that have had their share of those
    /// that are leaving the same account.
    pub(super) fn successor(&self, survey: &Survey<'_>) -> Option<usize> {
        let Some((session, lost)) = self.lost(survey) else { return self.first(survey, |_| true) };
        let now = survey.now;
        let placed = self.ramps.placed(lost, session, now).and_then(|key| self.position(key));
        if let Some(position) = placed.filter(|position| self.is_open(*position, survey)) {
            return Some(position);
        }
        let key = |position: usize| self.roster.accounts.get(position).map(|account| &account.key);
        let has_room = |position| key(position).is_some_and(|key| self.ramps.admits(lost, key, now));
        self.first(survey, has_room).or_else(|| {
            // Everybody has had a share: where the fewest went.
            let load = |position| key(position).map_or(0, |key| self.ramps.load(lost, key));
            let open = (0..self.slots.len()).filter(|position| {
                self.is_open(*position, survey)
                    && self.slots.get(*position).is_some_and(|slot| near(slot, now).is_none())
            });
            let least = open.map(load).min()?;
            self.first(survey, |position| load(position) == least)
        })
    }

    /// A session went to `position` by the strategy's order.
    pub(super) fn placed(&mut self, position: usize, ask: &Ask, now: Moment) {
        if let Some(slot) = self.slots.get_mut(position) {
            slot.given = now;
        }
        if self.settings.strategy == Strategy::Sequential || !self.settings.session_affinity {
            return;
        }
        let Some(session) = &ask.session else { return };
        let Some(lost) = self.bond(session, now).map(|bond| bond.owner.clone()) else { return };
        let Some(successor) = self.roster.accounts.get(position).map(|account| account.key.clone()) else {
            return;
        };
        if lost != successor {
            self.ramps.place(&lost, &successor, session, now);
        }
    }

    /// What a finished turn says about the price of leaving.
    pub fn note_tokens(&mut self, session: &SessionKey, tokens: Option<TurnTokens>) {
        if let (Some(tokens), Some(bond)) = (tokens, self.bonds.get_mut(session)) {
            bond.cached = tokens.cached;
            bond.reasoned |= tokens.reasoning > 0;
        }
    }

    pub(super) fn enter_turn(&mut self, ask: &Ask) {
        if let Some(session) = &ask.session {
            *self.in_turn.entry(session.clone()).or_default() += 1;
        }
    }

    pub(super) fn leave_turn(&mut self, ask: &Ask) {
        let Some(session) = &ask.session else { return };
        if let Some(count) = self.in_turn.get_mut(session) {
            *count -= 1;
            if *count == 0 {
                self.in_turn.remove(session);
            }
        }
    }
}
