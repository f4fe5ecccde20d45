//! What traffic taught about who may ask for which model (runtime.md §16): counts of how it went, and blocks that hold
//! for a while.
//!
//! A proxy learns it, keeps it in a file and knows it again when it starts; commands only read it. The boost tells in one
//! number how a pair has done; it moves no choice, because health and blocks already do.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::model::table;

/// How long a model that an account was refused for is not asked of it again.
pub const BLOCK: Span = Span::minutes(30);
/// Most pairs that are remembered; the one heard of longest ago goes first.
const MOST: usize = 2_048;
/// Failures fade by so much a minute.
const FADES: f64 = 0.5;
const BOUNDS: (f64, f64) = (-30.0, 20.0);

/// Why a model is not asked of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Upstream does not serve the model to this kind of account.
    UnsupportedModel,
    /// The plan does not include it.
    PlanEntitlement,
}

impl Reason {
    const ALL: [Self; 2] = [Self::UnsupportedModel, Self::PlanEntitlement];

    /// The word in files and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnsupportedModel => "unsupported-model",
            Self::PlanEntitlement => "plan-entitlement",
        }
    }

    /// The reason of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

/// A model that is not asked of an account for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Why.
    pub reason: Reason,
    /// Until when that is believed.
    pub until: Moment,
}

/// How one account has done with one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Answers to the end.
    pub successes: u32,
    /// Failures that were the model's or the account's.
    pub failures: u32,
    /// Refusals because of the model.
    pub unsupported: u32,
    /// When it was last heard of.
    pub at: Moment,
    /// The last block, over or not.
    pub block: Option<Block>,
}

impl Seen {
    /// The block that holds at `now`.
    pub fn blocked(&self, now: Moment) -> Option<Block> {
        self.block.filter(|block| block.until > now)
    }

    /// How it has done in one number, from −30 to 20.
    pub fn boost(&self, now: Moment) -> f64 {
        let faded = FADES * now.since(self.at).as_secs_f64().max(0.0) / 60.0;
        let left = |count: u32| (f64::from(count) - faded).max(0.0);
        let good = (2.0 * f64::from(self.successes)).min(12.0);
        let bad = (3.0 * left(self.failures)).min(18.0) + (6.0 * left(self.unsupported)).min(24.0);
        (good - bad).clamp(BOUNDS.0, BOUNDS.1)
    }
}

/// What is known of all pairs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    pairs: BTreeMap<AccountKey, BTreeMap<String, Seen>>,
    is_changed: bool,
}

impl Capabilities {
    /// What is known of one account and one model, by whatever name it was asked for.
    pub fn of(&self, account: &AccountKey, model: &str) -> Option<&Seen> {
        self.pairs.get(account)?.get(normal(model).as_ref())
    }

    /// Every pair.
    pub fn iter(&self) -> impl Iterator<Item = (&AccountKey, &str, &Seen)> {
        let of_one =
            |(key, pairs)| BTreeMap::iter(pairs).map(move |(model, seen)| (key, String::as_str(model), seen));
        self.pairs.iter().flat_map(of_one)
    }

    /// It answered to the end.
    pub fn succeeded(&mut self, account: &AccountKey, model: &str, now: Moment) {
        let seen = self.pair(account, model, now);
        seen.successes = seen.successes.saturating_add(1);
        seen.failures = seen.failures.saturating_sub(1);
        seen.unsupported = seen.unsupported.saturating_sub(1);
        seen.block = None;
    }

    /// It failed.
    pub fn failed(&mut self, account: &AccountKey, model: &str, now: Moment) {
        let seen = self.pair(account, model, now);
        seen.failures = seen.failures.saturating_add(1);
    }

    /// It was refused because of the model.
    pub fn refused(&mut self, account: &AccountKey, model: &str, reason: Reason, now: Moment) {
        let seen = self.pair(account, model, now);
        seen.failures = seen.failures.saturating_add(1);
        if reason == Reason::UnsupportedModel {
            seen.unsupported = seen.unsupported.saturating_add(1);
        }
        seen.block = Some(Block { reason, until: now + BLOCK });
    }

    /// Takes up a pair that another process learnt, when it is newer than what is known here.
    pub fn learn(&mut self, account: &AccountKey, model: &str, seen: Seen) {
        if self.of(account, model).is_none_or(|known| known.at < seen.at) {
            *self.pair(account, model, seen.at) = seen;
        }
    }

    /// Lifts every block.
    pub fn lift(&mut self) {
        for seen in self.pairs.values_mut().flat_map(BTreeMap::values_mut) {
            self.is_changed |= seen.block.take().is_some();
        }
    }

    /// Whether something was learnt since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// The pair, with its time set.
    fn pair(&mut self, account: &AccountKey, model: &str, now: Moment) -> &mut Seen {
        self.is_changed = true;
        if self.of(account, model).is_none() {
            self.make_room();
        }
        let pairs = self.pairs.entry(account.clone()).or_default();
        let seen = pairs.entry(normal(model).into_owned()).or_default();
        seen.at = seen.at.max(now);
        seen
    }

    fn make_room(&mut self) {
        if self.pairs.values().map(BTreeMap::len).sum::<usize>() < MOST {
            return;
        }
        let oldest = self.iter().min_by_key(|(_, _, seen)| seen.at);
        if let Some((key, model)) = oldest.map(|(key, model, _)| (key.clone(), model.to_owned()))
            && let Some(pairs) = self.pairs.get_mut(&key)
        {
            pairs.remove(&model);
        }
    }
}

/// The name under which a model is remembered: that of the table, else its own in lower case, so that what one unknown
/// model taught says nothing of another.
fn normal(model: &str) -> Cow<'static, str> {
    match table::known(model) {
        Some(profile) => Cow::Borrowed(profile.name),
        None => Cow::Owned(model.trim().to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_000_000);

    fn key() -> AccountKey {
        AccountKey::new("a")
    }

    #[test]
    fn a_refused_model_is_blocked_for_half_an_hour_under_each_of_its_names() {
        let mut known = Capabilities::default();

        known.refused(&key(), "gpt-5.3-codex", Reason::UnsupportedModel, NOW);

        let seen = known.of(&key(), "codex").expect("an alias of it");
        assert_eq!(
            seen.blocked(NOW + Span::minutes(29)).map(|block| block.reason),
            Some(Reason::UnsupportedModel)
        );
        assert_eq!(seen.blocked(NOW + Span::minutes(30)), None);
        assert_eq!(known.of(&key(), "gpt-5.4"), None);
    }

    #[test]
    fn the_boost_rises_with_answers_falls_with_refusals_and_failures_fade() {
        let mut known = Capabilities::default();
        for _ in 0..9 {
            known.succeeded(&key(), "gpt-5.4", NOW);
        }
        assert!((known.of(&key(), "gpt-5.4").unwrap().boost(NOW) - 12.0).abs() < 1e-9);
        for _ in 0..9 {
            known.refused(&key(), "gpt-5.5", Reason::UnsupportedModel, NOW);
        }
        let refused = *known.of(&key(), "gpt-5.5").unwrap();
        assert!((refused.boost(NOW) + 30.0).abs() < 1e-9);
        assert!((refused.boost(NOW + Span::minutes(18))).abs() < 1e-9, "half a failure fades each minute");
        known.succeeded(&key(), "gpt-5.5", NOW);
        let seen = known.of(&key(), "gpt-5.5").unwrap();
        assert_eq!((seen.successes, seen.failures, seen.unsupported, seen.block), (1, 8, 8, None));
    }

    #[test]
    fn what_was_heard_of_longest_ago_makes_room_and_newer_words_win() {
        let mut known = Capabilities::default();
        for number in 0..2_050 {
            known.failed(&key(), &format!("model-{number}"), NOW + Span::seconds(number));
        }
        assert_eq!(known.iter().count(), MOST);
        assert!(known.of(&key(), "model-1").is_none() && known.of(&key(), "model-2").is_some());

        known.learn(&key(), "model-9", Seen { successes: 7, at: NOW, ..Seen::default() });
        assert_eq!(known.of(&key(), "model-9").unwrap().successes, 0, "older than what is known");
        known.learn(&key(), "model-9", Seen { successes: 7, at: NOW + Span::hours(9), ..Seen::default() });
        assert_eq!(known.of(&key(), "model-9").unwrap().successes, 7);
    }
}
