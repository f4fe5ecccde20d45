//! One decision as it is kept, and the engine's order run again on what was kept (runtime.md DB-66).
//!
//! A row holds every account as the engine saw it, so the answer can be checked later and asked what it would have been
//! under another strategy or without an account. The merits are those of `pool::order`; an answer that differs from
//! the one that was given is a defect, and is shown as one.

use crate::domain::account::AccountKey;
use crate::domain::facts::TURNS_PER_SOCKET;
use crate::domain::model::Family;
use crate::domain::selection::explain::{Candidate, Decision, Rule};
use crate::domain::selection::{SessionKey, Strategy};

/// What an account nobody asked about is taken to have left.
const UNKNOWN: f64 = 50.0;

/// A decision with its question.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Process that made it.
    pub pid: u32,
    /// Request id, unique in the process; the socket's for a WebSocket.
    pub request: u64,
    /// Hash of the session key.
    pub session: Option<SessionKey>,
    /// Model slug.
    pub model: Option<String>,
    /// Its family.
    pub family: Family,
    /// Generation of the roster.
    pub revision: u64,
    /// The one account the question was bound to.
    pub pin: Option<AccountKey>,
    /// Where a sequential order began.
    pub active: Option<AccountKey>,
    /// The account that was left for this one.
    pub from: Option<AccountKey>,
    /// Whether other sessions that left the same account had a say.
    pub ramp: Ramp,
    /// What each candidate has under each strategy of [`Strategy::ALL`].
    pub merits: Vec<[f64; Strategy::ALL.len()]>,
    /// The answer.
    pub decision: Decision,
}

/// Whether the order alone decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ramp {
    /// It did.
    #[default]
    None,
    /// Sessions that leave one account are spread over the next ones.
    Shares,
}

/// What is asked of a kept decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WhatIf {
    /// Under this strategy.
    pub strategy: Option<Strategy>,
    /// Had this account not been there.
    pub without: Option<AccountKey>,
}

impl Kept {
    /// The number people ask for: `<pid>-<request>`.
    pub fn name(&self) -> String {
        format!("{}-{}", self.pid, self.request)
    }

    /// Whether a word names this decision: its whole name, or the request alone. A turn on a socket is named by its own
    /// number, too: its account was chosen when the socket was opened.
    pub fn is_called(&self, word: &str) -> bool {
        let (pid, number) =
            word.split_once('-').map_or((None, word), |(pid, number)| (Some(pid.parse()), number));
        let Ok(number) = number.parse::<u64>() else { return false };
        pid.is_none_or(|pid| pid == Ok(self.pid))
            && (number == self.request || number / TURNS_PER_SOCKET == self.request)
    }

    /// Whom the engine answers, asked again.
    pub fn again(&self, what_if: &WhatIf) -> Option<&AccountKey> {
        let is_there = |one: &&Candidate| what_if.without.as_ref() != Some(&one.key);
        let is_open = |one: &&Candidate| {
            is_there(one) && (one.skip.is_none() || self.decision.chosen.as_ref() == Some(&one.key))
        };
        match self.decision.rule {
            Rule::Forced | Rule::Pin => {
                return self.open(self.pin.as_ref()?).filter(is_open).map(|one| &one.key);
            }
            Rule::Affinity => {
                let owner = self.decision.chosen.as_ref().and_then(|key| self.open(key)).filter(is_open);
                if let Some(owner) = owner {
                    return Some(&owner.key);
                }
            }
            Rule::Policy | Rule::Strategy => {}
        }
        let near = |one: &&Candidate| {
            is_there(one) && one.skip.as_ref().is_some_and(|skip| skip.reason == "quota-near-exhaustion")
        };
        // The fullest of the nearly empty ones serves when nobody else is left, and is then shown without a reason.
        let all = &self.decision.candidates;
        let open: Vec<&Candidate> = all.iter().filter(is_open).collect();
        if open.is_empty() {
            return best(all.iter().filter(near), Ties::Left, left).map(|one| &one.key);
        }
        let chosen = self.decision.chosen.as_ref().and_then(|key| self.open(key)).filter(is_open);
        if let (Ramp::Shares, None, Some(chosen)) = (self.ramp, what_if.strategy, chosen) {
            return Some(&chosen.key);
        }
        match what_if.strategy.unwrap_or(self.decision.strategy) {
            Strategy::Sequential => {
                let start = self.active.as_ref().and_then(|key| self.open(key)).map_or(0, |one| one.index);
                let ahead = open.iter().find(|one| one.index >= start);
                ahead.or_else(|| open.first()).copied()
            }
            Strategy::FillFirst => best(open, Ties::Place, |one| self.merit(one, Strategy::FillFirst)),
            strategy @ (Strategy::Hybrid
            | Strategy::SoonestResetFirst
            | Strategy::MostRemaining
            | Strategy::RoundRobin) => best(open, Ties::Left, |one| self.merit(one, strategy)),
        }
        .map(|one| &one.key)
    }

    fn merit(&self, one: &Candidate, strategy: Strategy) -> f64 {
        let place = self.decision.candidates.iter().position(|other| other.key == one.key);
        let merits = place.and_then(|place| self.merits.get(place));
        let column = Strategy::ALL.iter().position(|other| *other == strategy);
        merits.zip(column).and_then(|(merits, column)| merits.get(column).copied()).unwrap_or(f64::MIN)
    }

    fn open(&self, key: &AccountKey) -> Option<&Candidate> {
        self.decision.candidates.iter().find(|one| one.key == *key)
    }
}

fn left(one: &Candidate) -> f64 {
    one.left.map_or(UNKNOWN, crate::base::Percent::value)
}

/// What decides between equals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ties {
    /// Who has more left, then the place.
    Left,
    /// The place.
    Place,
}

/// The highest.
fn best<'a>(
    all: impl IntoIterator<Item = &'a Candidate>,
    ties: Ties,
    points: impl Fn(&Candidate) -> f64,
) -> Option<&'a Candidate> {
    all.into_iter().reduce(|best, one| {
        let (lead, own) = (points(best), points(one));
        if own > lead || (ties == Ties::Left && own >= lead && left(one) > left(best)) { one } else { best }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Moment, Percent};
    use crate::domain::selection::explain::{Parts, Skip};

    fn candidate(index: usize, key: &str, health: f64, left: f64, skip: Option<&str>) -> Candidate {
        Candidate {
            key: AccountKey::new(key),
            index,
            skip: skip.map(|reason| Skip { reason: reason.to_owned(), until: None }),
            parts: Parts { health, ..Parts::default() },
            left: Some(Percent::new(left)),
        }
    }

    fn kept(rule: Rule, chosen: &str, candidates: Vec<Candidate>) -> Kept {
        Kept {
            pid: 7,
            request: 12,
            session: None,
            model: None,
            family: Family::Codex,
            revision: 1,
            pin: matches!(rule, Rule::Pin).then(|| AccountKey::new(chosen)),
            active: Some(AccountKey::new("b")),
            from: None,
            ramp: Ramp::None,
            merits: candidates.iter().map(|one| [one.parts.health, 0.0, 0.0, left(one), 0.0, 1.0]).collect(),
            decision: Decision {
                at: Moment::EPOCH,
                chosen: Some(AccountKey::new(chosen)),
                rule,
                strategy: Strategy::Hybrid,
                candidates,
            },
        }
    }

    #[test]
    fn a_kept_decision_answers_again_and_under_other_conditions() {
        let all = || {
            vec![
                candidate(0, "a", 200.0, 10.0, None),
                candidate(1, "b", 90.0, 80.0, None),
                candidate(2, "c", 200.0, 90.0, Some("disabled")),
            ]
        };
        let sequential = WhatIf { strategy: Some(Strategy::Sequential), ..WhatIf::default() };
        let without_a = WhatIf { without: Some(AccountKey::new("a")), ..WhatIf::default() };
        let nobody = |key: &str| WhatIf { without: Some(AccountKey::new(key)), ..WhatIf::default() };
        let fullest = WhatIf { strategy: Some(Strategy::MostRemaining), ..WhatIf::default() };
        let filled = WhatIf { strategy: Some(Strategy::FillFirst), ..WhatIf::default() };
        let near = vec![
            candidate(0, "a", 1.0, 3.0, None),
            candidate(1, "b", 1.0, 4.0, Some("quota-near-exhaustion")),
        ];

        for (case, row, what_if, expected) in [
            ("as it was", kept(Rule::Strategy, "a", all()), WhatIf::default(), Some("a")),
            ("another strategy", kept(Rule::Strategy, "a", all()), sequential.clone(), Some("b")),
            ("without the chosen", kept(Rule::Strategy, "a", all()), without_a.clone(), Some("b")),
            ("the most left", kept(Rule::Strategy, "a", all()), fullest, Some("b")),
            ("equal weights go by place", kept(Rule::Strategy, "a", all()), filled, Some("a")),
            ("an owner stays", kept(Rule::Affinity, "b", all()), sequential, Some("b")),
            ("without the owner", kept(Rule::Affinity, "b", all()), nobody("b"), Some("a")),
            ("a pin has no second", kept(Rule::Pin, "a", all()), without_a.clone(), None),
            ("the fullest of the nearly empty", kept(Rule::Strategy, "a", near), without_a, Some("b")),
        ] {
            assert_eq!(row.again(&what_if).map(AccountKey::as_str), expected, "{case}");
        }
    }

    #[test]
    fn a_decision_is_called_by_its_request_with_or_without_its_process() {
        let row = kept(Rule::Strategy, "a", Vec::new());

        assert!(row.is_called("12") && row.is_called("7-12"));
        assert!(!row.is_called("8-12") && !row.is_called("1"));
        assert!(row.is_called(&format!("7-{}", 12 * TURNS_PER_SOCKET + 3)));
        assert!(!row.is_called("") && !row.is_called("7-") && !row.is_called("x-12"));
    }
}
