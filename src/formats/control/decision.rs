//! The engine's answer with its explanation.

use serde::{Deserialize, Serialize};

use crate::base::{Moment, Percent};
use crate::domain::account::AccountKey;
use crate::domain::selection::Strategy;
use crate::domain::selection::explain::{Candidate, Decision, Parts, Rule, Skip};

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct Wire {
    at: i64,
    chosen: Option<String>,
    rule: String,
    strategy: String,
    candidates: Vec<Row>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Row {
    key: String,
    index: usize,
    skip: Option<(String, Option<i64>)>,
    parts: [f64; 7],
    left: Option<f64>,
}

impl From<&Decision> for Wire {
    fn from(decision: &Decision) -> Self {
        Self {
            at: decision.at.millis(),
            chosen: decision.chosen.as_ref().map(|key| key.as_str().to_owned()),
            rule: decision.rule.word().to_owned(),
            strategy: decision.strategy.word().to_owned(),
            candidates: decision.candidates.iter().map(row).collect(),
        }
    }
}

fn row(candidate: &Candidate) -> Row {
    let Parts { health, tokens, fresh, boost, sticky, in_flight, spread } = candidate.parts;
    Row {
        key: candidate.key.as_str().to_owned(),
        index: candidate.index,
        skip: candidate.skip.as_ref().map(|skip| (skip.reason.clone(), skip.until.map(Moment::millis))),
        parts: [health, tokens, fresh, boost, sticky, in_flight, spread],
        left: candidate.left.map(Percent::value),
    }
}

impl Wire {
    pub(super) fn into_decision(self) -> Option<Decision> {
        let rule = [Rule::Forced, Rule::Pin, Rule::Affinity, Rule::Policy, Rule::Strategy]
            .into_iter()
            .find(|rule| rule.word() == self.rule)?;
        let strategy = Strategy::from_word(&self.strategy)?;
        Some(Decision {
            at: Moment::from_millis(self.at),
            chosen: self.chosen.map(AccountKey::new),
            rule,
            strategy,
            candidates: self.candidates.into_iter().map(candidate).collect(),
        })
    }
}

fn candidate(row: Row) -> Candidate {
    let [health, tokens, fresh, boost, sticky, in_flight, spread] = row.parts;
    Candidate {
        key: AccountKey::new(row.key),
        index: row.index,
        skip: row.skip.map(|(reason, until)| Skip { reason, until: until.map(Moment::from_millis) }),
        parts: Parts { health, tokens, fresh, boost, sticky, in_flight, spread },
        left: row.left.map(Percent::new),
    }
}
