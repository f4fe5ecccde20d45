//! What became of refresh tokens, by the hash of each (login.md §7.1).
//!
//! A token that was exchanged or declared dead is never sent again, by nobody and for no reason: a copy of an old
//! pool, a restored backup or an import may bring it back, and sending it once more would end the session it
//! grew into. A token whose answer was lost may be sent once more when the user asks; without being asked, once,
//! and only when no other account could serve.

use std::collections::BTreeMap;

use crate::base::{Moment, Span};
use crate::domain::account::{Account, AccountKey};
use crate::domain::refresh::Reason;
use crate::domain::refresh::verdict::{SPENT, UNREADABLE};
use crate::domain::roster::Roster;

/// Answers nobody can read, in a row, before the tokens count as dead.
const BAD_ANSWERS: u32 = 3;
/// How long a token is remembered: far longer than any refresh token lives unused.
const LIFE: Span = Span::days(180);
/// Tokens remembered at most; the oldest go first.
const LIMIT: usize = 4_096;
/// How long after a lost answer newer tokens may still turn up elsewhere (runtime.md DB-38).
const SETTLES: Span = Span::seconds(60);

/// What became of one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was exchanged for a newer one.
    Spent,
    /// Upstream declared it dead, or this program did; the code says why.
    Dead(String),
    /// It was sent, and no readable answer came back.
    Lost {
        /// How often it was sent.
        sent: u32,
        /// How many of its answers in a row came and could not be read.
        unreadable: u32,
    },
}

/// One token's fate and when it was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// What became of it.
    pub fate: Fate,
    /// Since when.
    pub at: Moment,
}

/// All fates that are remembered, by token hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    traces: BTreeMap<String, Trace>,
}

/// Who wants a token sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Why.
    pub reason: Reason,
    /// Whether any other account could serve instead.
    pub others: Others,
    /// Now.
    pub at: Moment,
}

/// The rest of the pool, for an account whose last answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Another account is signed in.
    Some,
    /// It is the last one.
    None,
}

impl Others {
    /// Whether an account beside `key` is on and signed in; one that is merely limited comes back by itself.
    pub fn beside(roster: &Roster, key: &AccountKey) -> Self {
        let is_signed_in = |account: &&Account| {
            account.key != *key
                && account.is_on()
                && account.invalidation.is_none()
                && account.uncertain_since.is_none()
                && !account.credentials.refresh.is_blank()
        };
        if roster.accounts.iter().any(|account| is_signed_in(&account)) { Self::Some } else { Self::None }
    }
}

/// Why a token is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bar {
    /// It never works again.
    Dead(String),
    /// It may be spent.
    Uncertain,
}

impl Past {
    /// From a file.
    pub fn new(traces: BTreeMap<String, Trace>) -> Self {
        Self { traces }
    }

    /// For a file: all traces by hash.
    pub fn traces(&self) -> &BTreeMap<String, Trace> {
        &self.traces
    }

    /// What is known of the token with this hash.
    pub fn of(&self, hash: &str) -> Option<&Trace> {
        self.traces.get(hash)
    }

    /// Whether the token is known to have a successor.
    pub fn is_spent(&self, hash: &str) -> bool {
        self.of(hash).is_some_and(|trace| trace.fate == Fate::Spent)
    }

    /// The token was exchanged for a newer one.
    pub fn spend(&mut self, hash: &str, at: Moment) {
        self.seal(hash, Fate::Spent, at);
    }

    /// The token was declared dead.
    pub fn bury(&mut self, hash: &str, code: &str, at: Moment) {
        self.seal(hash, Fate::Dead(code.to_owned()), at);
    }

    /// The token was sent and nothing came back.
    pub fn lose(&mut self, hash: &str, at: Moment) {
        let (sent, _) = self.sent(hash);
        self.seal(hash, Fate::Lost { sent: sent + 1, unreadable: 0 }, at);
    }

    /// The token was sent and its answer could not be read; returns the code when it has to be given up.
    pub fn garble(&mut self, hash: &str, at: Moment) -> Option<&'static str> {
        let (sent, unreadable) = self.sent(hash);
        if unreadable + 1 >= BAD_ANSWERS {
            self.bury(hash, UNREADABLE, at);
            return Some(UNREADABLE);
        }
        self.seal(hash, Fate::Lost { sent: sent + 1, unreadable: unreadable + 1 }, at);
        None
    }

    /// A token in doubt was sent once more, and the endpoint said nothing about it.
    pub fn try_again(&mut self, hash: &str, at: Moment) {
        let (sent, unreadable) = self.sent(hash);
        if sent > 0 {
            self.seal(hash, Fate::Lost { sent: sent + 1, unreadable }, at);
        }
    }

    /// The token was answered with tokens beside it that leave it as good as new.
    pub fn acquit(&mut self, hash: &str) {
        if self.sent(hash).0 > 0 {
            self.traces.remove(hash);
        }
    }

    fn sent(&self, hash: &str) -> (u32, u32) {
        match self.of(hash) {
            Some(Trace { fate: Fate::Lost { sent, unreadable }, .. }) => (*sent, *unreadable),
            Some(Trace { fate: Fate::Spent | Fate::Dead(_), .. }) | None => (0, 0),
        }
    }

    /// A token that was exchanged stays so, whatever is learnt later.
    fn seal(&mut self, hash: &str, fate: Fate, at: Moment) {
        if self.is_spent(hash) {
            return;
        }
        self.traces.insert(hash.to_owned(), Trace { fate, at });
        self.traces.retain(|_, trace| at.since(trace.at) < LIFE);
        while self.traces.len() > LIMIT {
            let oldest = self.traces.iter().min_by_key(|(_, trace)| trace.at).map(|(hash, _)| hash.clone());
            let Some(oldest) = oldest else { return };
            self.traces.remove(&oldest);
        }
    }

    /// What forbids sending the token with this hash; `uncertain_since` is the account's own mark.
    pub fn bar(&self, hash: &str, uncertain_since: Option<Moment>, ask: Ask) -> Option<Bar> {
        let fate = self.of(hash).map(|trace| &trace.fate);
        let (sent, since) = match fate {
            Some(Fate::Spent) => return Some(Bar::Dead(SPENT.to_owned())),
            Some(Fate::Dead(code)) => return Some(Bar::Dead(code.clone())),
            Some(Fate::Lost { sent, .. }) => (*sent, self.of(hash).map(|trace| trace.at)),
            // The mark alone does not say how often it was sent: only the user may try.
            None => (u32::MAX, None),
        };
        let since = since.max(uncertain_since)?;
        let is_last = ask.others == Others::None && sent == 1 && ask.at.since(since) >= SETTLES;
        (ask.reason != Reason::Forced && !is_last).then_some(Bar::Uncertain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Moment = Moment::from_secs(1_000_000);

    fn ask(reason: Reason, others: Others, after: i64) -> Ask {
        Ask { reason, others, at: T + Span::seconds(after) }
    }

    #[test]
    fn a_spent_or_dead_token_is_sent_for_nobody() {
        let mut past = Past::default();
        past.spend("spent", T);
        past.bury("dead", "refresh_token_reused", T);

        for reason in
            [Reason::Forced, Reason::Scheduled, Reason::ProactiveExpiry, Reason::UnauthorizedRecovery]
        {
            let ask = ask(reason, Others::None, 100_000);
            assert_eq!(past.bar("spent", None, ask), Some(Bar::Dead("refresh_token_spent".to_owned())));
            assert_eq!(past.bar("dead", None, ask), Some(Bar::Dead("refresh_token_reused".to_owned())));
            assert_eq!(past.bar("unknown", None, ask), None);
        }
    }

    #[test]
    fn a_lost_answer_bars_everybody_but_the_user_and_once_the_last_account() {
        let (forced, scheduled) = (Reason::Forced, Reason::Scheduled);
        let mut once = Past::default();
        once.lose("x", T);
        let mut twice = once.clone();
        twice.lose("x", T);
        let unknown = Past::default();

        for (name, past, ask, barred) in [
            ("the user at once", &once, ask(forced, Others::Some, 0), false),
            ("the user again", &twice, ask(forced, Others::Some, 0), false),
            ("a timer while others serve", &once, ask(scheduled, Others::Some, 100_000), true),
            ("a timer for the last account, too early", &once, ask(scheduled, Others::None, 59), true),
            ("a timer for the last account", &once, ask(scheduled, Others::None, 60), false),
            ("a timer for the last account, again", &twice, ask(scheduled, Others::None, 100_000), true),
            ("a mark of which nothing else is known", &unknown, ask(scheduled, Others::None, 100_000), true),
        ] {
            let bar = past.bar("x", Some(T), ask);
            assert_eq!(bar, barred.then_some(Bar::Uncertain), "{name}");
        }
        assert_eq!(once.bar("x", None, ask(scheduled, Others::Some, 0)), Some(Bar::Uncertain), "a lost mark");
    }

    #[test]
    fn three_unreadable_answers_in_a_row_end_a_token() {
        let mut past = Past::default();

        assert_eq!(past.garble("x", T), None);
        assert_eq!(past.garble("x", T), None);
        past.lose("x", T);
        assert_eq!(past.garble("x", T), None, "a cut in between starts the row anew");
        assert_eq!(past.garble("x", T), None);
        assert_eq!(past.garble("x", T), Some("invalid_response"));

        let bar = past.bar("x", None, ask(Reason::Forced, Others::None, 0));
        assert_eq!(bar, Some(Bar::Dead("invalid_response".to_owned())));
    }

    #[test]
    fn an_attempt_without_a_verdict_counts_and_nothing_unspends_a_token() {
        let mut past = Past::default();
        past.lose("x", T);
        past.try_again("x", T);
        past.try_again("never lost", T);
        past.lose("kept", T);
        past.acquit("kept");
        past.spend("y", T);
        past.acquit("y");
        past.lose("y", T);
        past.bury("y", "odd", T);
        past.try_again("y", T);

        let bar = past.bar("x", None, ask(Reason::Scheduled, Others::None, 100_000));
        assert_eq!(bar, Some(Bar::Uncertain));
        assert_eq!((past.of("never lost"), past.of("kept")), (None, None));
        assert!(past.is_spent("y"));
    }

    #[test]
    fn another_account_counts_when_it_is_on_and_signed_in() {
        use crate::domain::account::{Account, Invalidation, Switch};
        let one = Account::sample("one");
        let of = |other: Account| {
            let roster = Roster { accounts: vec![one.clone(), other], ..Roster::default() };
            Others::beside(&roster, &one.key)
        };
        let two = Account::sample("two");
        let dead = Some(Invalidation { at: T, code: None });

        assert_eq!(of(two.clone()), Others::Some);
        assert_eq!(of(Account { switch: Switch::Off, ..two.clone() }), Others::None);
        assert_eq!(of(Account { invalidation: dead, ..two.clone() }), Others::None);
        assert_eq!(of(Account { uncertain_since: Some(T), ..two }), Others::None);
    }

    #[test]
    fn memory_is_bounded_by_age_and_number() {
        let mut past = Past::default();
        past.spend("old", T);
        for number in 0..5_000_i64 {
            past.spend(&format!("{number}"), T + Span::days(179) + Span::millis(number));
        }
        past.spend("last", T + Span::days(181));

        assert_eq!(past.of("old"), None);
        assert_eq!(past.traces().len(), LIMIT);
        assert!(past.is_spent("4999") && past.is_spent("last") && !past.is_spent("0"));
    }
}
