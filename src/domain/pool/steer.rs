//! What the user wants of single sessions (dashboard.md §12.7): one account for good, or another one from the next
//! turn on.
//!
//! A wish lives as long as the proxy that heard it. A pin holds like the pin of the whole pool, but for this session
//! alone; a move is an order for one turn: once the session has arrived, affinity keeps it there, and where the account
//! cannot take that turn the order is forgotten rather than carried out at a time nobody expects.

use std::collections::BTreeMap;

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::selection::pin::{self, PinSource};
use crate::domain::selection::{Ask, SessionKey};

use super::Pool;
use super::pick::Survey;

/// Wishes for sessions, by session.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes {
    pins: BTreeMap<SessionKey, AccountKey>,
    moves: BTreeMap<SessionKey, AccountKey>,
}

/// Why a session could not be told from its first characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfound {
    /// No session that completed a turn begins so.
    Nobody,
    /// More than one does.
    Several,
}

impl Pool {
    /// The account this question is bound to: the launch's own, then the session's pin, then the pool's.
    pub(super) fn bound<'a>(&'a self, ask: &'a Ask) -> Option<(&'a AccountKey, PinSource)> {
        if ask.forced.is_none()
            && let Some(key) = ask.session.as_ref().and_then(|session| self.pin_of_session(session))
        {
            return Some((key, PinSource::Session));
        }
        pin::bound(ask, &self.roster)
    }

    /// The account the user pinned this session to, as long as the pool has it.
    pub fn pin_of_session(&self, session: &SessionKey) -> Option<&AccountKey> {
        self.wishes.pins.get(session).filter(|key| self.position(key).is_some())
    }

    /// The first four characters of the sessions that are pinned.
    pub fn pinned_sessions(&self) -> impl Iterator<Item = &str> {
        self.wishes
            .pins
            .keys()
            .filter(|session| self.pin_of_session(session).is_some())
            .map(SessionKey::short)
    }

    /// Pins a session to an account, or takes the pin back.
    pub fn pin_session(&mut self, session: &SessionKey, account: Option<AccountKey>) {
        self.wishes.moves.remove(session);
        match account {
            Some(account) => self.wishes.pins.insert(session.clone(), account),
            None => self.wishes.pins.remove(session),
        };
    }

    /// Orders a session to `account`, or away from where it is, at its next turn; whom it will go to, if anybody.
    pub fn move_session(
        &mut self,
        session: &SessionKey,
        account: Option<AccountKey>,
        now: Moment,
    ) -> Option<AccountKey> {
        let mut ask = Ask::of(Some(session.clone()), None);
        let owner = self.bond(session, now).map(|bond| bond.owner.clone());
        self.pin_session(session, None);
        let to = if let Some(account) = account {
            account
        } else {
            ask.tried.extend(owner);
            self.peek(&ask, now, &mut fastrand::Rng::with_seed(0)).chosen?
        };
        self.bar_of(&to, &ask, now).is_none().then(|| {
            self.wishes.moves.insert(session.clone(), to.clone());
            to
        })
    }

    /// Whom an order sends this question to, if the account can take it now.
    pub fn ordered(&self, ask: &Ask, now: Moment) -> Option<&AccountKey> {
        let to = self.wishes.moves.get(ask.session.as_ref()?)?;
        self.bar_of(to, ask, now).is_none().then_some(to)
    }

    /// The same for a question that is being answered.
    pub(super) fn ordered_at(&self, survey: &Survey<'_>) -> Option<usize> {
        let to = self.wishes.moves.get(survey.ask.session.as_ref()?)?;
        self.position(to).filter(|position| self.is_open(*position, survey))
    }

    /// The order was carried out, or could not be.
    pub(super) fn order_done(&mut self, session: &SessionKey, on: Option<&AccountKey>) {
        if !self.wishes.moves.is_empty() && self.wishes.moves.get(session) != on {
            self.wishes.moves.remove(session);
        }
    }

    /// A turn of the session ended well on `owner`.
    pub(super) fn order_arrived(&mut self, session: &SessionKey, owner: &AccountKey) {
        if self.wishes.moves.get(session) == Some(owner) {
            self.wishes.moves.remove(session);
        }
    }

    /// The remembered session whose hash begins so.
    ///
    /// # Errors
    /// When none does, or several do.
    pub fn session_beginning(&self, prefix: &str) -> Result<SessionKey, Unfound> {
        let mut found =
            self.bonds().map(|(session, _)| session).filter(|session| session.as_str().starts_with(prefix));
        match (found.next(), found.next()) {
            (Some(session), None) => Ok(session.clone()),
            (None, _) => Err(Unfound::Nobody),
            (Some(_), Some(_)) => Err(Unfound::Several),
        }
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::tests::{NOW, ask, key, limit, pool, rng};
    use super::*;
    use crate::base::Span;
    use crate::domain::pool::Observation;
    use crate::domain::selection::explain::Rule;

    fn of(session: &str) -> (SessionKey, Ask) {
        let session = SessionKey::of(session);
        (session.clone(), Ask { session: Some(session), ..ask() })
    }

    #[test]
    fn a_pin_holds_for_its_session_alone_and_until_it_is_taken_back() {
        let mut pool = pool(&["a", "b"]);
        let (mine, ask) = of("mine");
        let (_, other) = of("other");

        pool.pin_session(&mine, Some(key("b")));
        let pinned = pool.peek(&ask, NOW, &mut rng());
        let forced = Ask { forced: Some(key("a")), ..ask.clone() };

        assert_eq!((pinned.chosen, pinned.rule), (Some(key("b")), Rule::Pin));
        assert_eq!(pool.peek(&other, NOW, &mut rng()).chosen, Some(key("a")));
        assert_eq!(pool.peek(&forced, NOW, &mut rng()).chosen, Some(key("a")));
        assert_eq!(pool.pinned_sessions().collect::<Vec<_>>(), [mine.short()]);
        pool.pin_session(&mine, None);
        assert_eq!(pool.peek(&ask, NOW, &mut rng()).chosen, Some(key("a")));
    }

    #[test]
    fn a_pin_to_an_account_that_is_gone_binds_nobody() {
        let mut pool = pool(&["a", "b"]);
        let (mine, ask) = of("mine");

        pool.pin_session(&mine, Some(key("gone")));

        assert_eq!(pool.bound_account(&ask), None);
        assert_eq!(pool.peek(&ask, NOW, &mut rng()).chosen, Some(key("a")));
    }

    #[test]
    fn a_moved_session_goes_at_its_next_turn_and_stays_by_itself() {
        let mut pool = pool(&["a", "b"]);
        let (mine, ask) = of("mine");
        pool.remember(&mine, &key("a"), NOW);

        assert_eq!(pool.move_session(&mine, None, NOW), Some(key("b")));
        // The turn that runs ends on the old account; the order stands.
        pool.remember(&mine, &key("a"), NOW);
        assert_eq!(pool.ordered(&ask, NOW), Some(&key("b")));
        let choice = pool.choose(&ask, NOW, &mut rng());
        pool.remember(&mine, &key("b"), NOW);

        assert_eq!(choice.chosen, Some(key("b")));
        assert_eq!(pool.ordered(&ask, NOW), None);
        let stays = pool.peek(&ask, NOW, &mut rng());
        assert_eq!((stays.chosen, stays.rule), (Some(key("b")), Rule::Affinity));
    }

    #[test]
    fn an_order_that_cannot_be_carried_out_is_refused_or_forgotten() {
        let mut pool = pool(&["a", "b"]);
        let (mine, ask) = of("mine");
        pool.remember(&mine, &key("a"), NOW);
        assert_eq!(pool.move_session(&mine, Some(key("b")), NOW), Some(key("b")));

        pool.observe(&key("b"), &ask, Observation::Failed(&limit(Span::hours(1))), NOW);
        let choice = pool.choose(&ask, NOW, &mut rng());

        assert_eq!(choice.chosen, Some(key("a")));
        assert!(pool.wishes.moves.is_empty());
        assert_eq!(pool.move_session(&mine, Some(key("b")), NOW), None);
        assert_eq!(pool.move_session(&mine, None, NOW), None);
    }

    #[test]
    fn a_session_is_known_by_its_first_characters() {
        let mut pool = pool(&["a"]);
        let (mine, _) = of("mine");
        pool.remember(&mine, &key("a"), NOW);

        assert_eq!(pool.session_beginning(mine.short()), Ok(mine));
        assert_eq!(pool.session_beginning("xyz"), Err(Unfound::Nobody));
        let (other, _) = of("other");
        pool.remember(&other, &key("a"), NOW);
        assert_eq!(pool.session_beginning(""), Err(Unfound::Several));
    }
}
