//! `<root>/run/decisions.jsonl`: one decision per line (runtime.md DB-66). Record ids and hashes only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{Moment, Percent};
use crate::domain::account::AccountKey;
use crate::domain::model::Family;
use crate::domain::selection::explain::{Candidate, Decision, Parts, Rule, Skip};
use crate::domain::selection::replay::{Kept, Ramp};
use crate::domain::selection::{SessionKey, Strategy};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    version: u32,
    at: i64,
    pid: u32,
    request_id: u64,
    session_hash: Option<String>,
    model: Option<String>,
    family: String,
    strategy: String,
    rule: String,
    seed: Option<u64>,
    revision: u64,
    pin: Option<String>,
    active: Option<String>,
    #[serde(default)]
    ramp: bool,
    candidates: Vec<Row>,
    chosen: Option<String>,
    from: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    record_id: String,
    index: usize,
    eligible: bool,
    reason: Option<String>,
    until: Option<i64>,
    score: f64,
    parts: Points,
    merits: BTreeMap<String, f64>,
    left: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct Points {
    health: f64,
    tokens: f64,
    fresh: f64,
    boost: f64,
    sticky: f64,
    inflight: f64,
    spread: f64,
}

/// One decision as its line, newline included.
pub fn line(kept: &Kept) -> String {
    let text = |key: &Option<AccountKey>| key.as_ref().map(|key| key.as_str().to_owned());
    let wire = Wire {
        version: 1,
        at: kept.decision.at.millis(),
        pid: kept.pid,
        request_id: kept.request,
        session_hash: kept.session.as_ref().map(|session| session.as_str().to_owned()),
        model: kept.model.clone(),
        family: kept.family.word().to_owned(),
        strategy: kept.decision.strategy.word().to_owned(),
        rule: kept.decision.rule.word().to_owned(),
        // The spread is a part of every score, so a row needs no seed to be run again.
        seed: None,
        revision: kept.revision,
        pin: text(&kept.pin),
        active: text(&kept.active),
        ramp: kept.ramp == Ramp::Shares,
        candidates: kept.decision.candidates.iter().zip(&kept.merits).map(row).collect(),
        chosen: text(&kept.decision.chosen),
        from: text(&kept.from),
    };
    let mut line = serde_json::to_string(&wire).unwrap_or_default();
    line.push('\n');
    line
}

fn row((one, merits): (&Candidate, &[f64; Strategy::ALL.len()])) -> Row {
    let Parts { health, tokens, fresh, boost, sticky, in_flight, spread } = one.parts;
    Row {
        record_id: one.key.as_str().to_owned(),
        index: one.index,
        eligible: one.skip.is_none(),
        reason: one.skip.as_ref().map(|skip| skip.reason.clone()),
        until: one.skip.as_ref().and_then(|skip| skip.until).map(Moment::millis),
        score: one.parts.total(),
        parts: Points { health, tokens, fresh, boost, sticky, inflight: in_flight, spread },
        merits: Strategy::ALL.iter().map(|one| one.word().to_owned()).zip(merits.iter().copied()).collect(),
        left: one.left.map(Percent::value),
    }
}

/// Reads a line; `None` for what is no decision of version 1.
pub fn parse(line: &str) -> Option<Kept> {
    let wire: Wire = serde_json::from_str(line).ok().filter(|wire: &Wire| wire.version == 1)?;
    let rule = [Rule::Forced, Rule::Pin, Rule::Affinity, Rule::Policy, Rule::Strategy]
        .into_iter()
        .find(|rule| rule.word() == wire.rule)?;
    let of = |row: &Row| Strategy::ALL.map(|one| row.merits.get(one.word()).copied().unwrap_or(f64::MIN));
    let merits = wire.candidates.iter().map(of).collect();
    Some(Kept {
        merits,
        ramp: if wire.ramp { Ramp::Shares } else { Ramp::None },
        pid: wire.pid,
        request: wire.request_id,
        session: wire.session_hash.map(SessionKey::from_hash),
        model: wire.model,
        family: Family::from_word(&wire.family)?,
        revision: wire.revision,
        pin: wire.pin.map(AccountKey::new),
        active: wire.active.map(AccountKey::new),
        from: wire.from.map(AccountKey::new),
        decision: Decision {
            at: Moment::from_millis(wire.at),
            chosen: wire.chosen.map(AccountKey::new),
            rule,
            strategy: Strategy::from_word(&wire.strategy)?,
            candidates: wire.candidates.into_iter().map(candidate).collect(),
        },
    })
}

/// The newest decision of a text that a word names.
pub fn find(text: &str, word: &str) -> Option<Kept> {
    text.lines().rev().filter_map(parse).find(|kept| kept.is_called(word))
}

fn candidate(row: Row) -> Candidate {
    let Points { health, tokens, fresh, boost, sticky, inflight, spread } = row.parts;
    let until = row.until.map(Moment::from_millis);
    Candidate {
        key: AccountKey::new(row.record_id),
        index: row.index,
        skip: row.reason.map(|reason| Skip { reason, until }),
        parts: Parts { health, tokens, fresh, boost, sticky, in_flight: inflight, spread },
        left: row.left.map(Percent::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(request: u64) -> Kept {
        let skip = Some(Skip { reason: "disabled".to_owned(), until: Some(Moment::from_millis(9)) });
        let parts = Parts { health: 200.0, fresh: 0.1, spread: -3.25, ..Parts::default() };
        let left = Some(Percent::new(12.5));
        Kept {
            pid: 4,
            request,
            session: Some(SessionKey::of("s")),
            model: Some("gpt-5.5".to_owned()),
            family: Family::Codex,
            revision: 3,
            pin: None,
            active: Some(AccountKey::new("a")),
            from: Some(AccountKey::new("b")),
            ramp: Ramp::Shares,
            merits: vec![[1.0, 2.0, -1e15, 4.5, 5.0, 6.0]; 2],
            decision: Decision {
                at: Moment::from_millis(5),
                chosen: Some(AccountKey::new("a")),
                rule: Rule::Strategy,
                strategy: Strategy::Hybrid,
                candidates: vec![
                    Candidate { key: AccountKey::new("a"), index: 0, skip: None, parts, left },
                    Candidate { key: AccountKey::new("b"), index: 1, skip, parts, left: None },
                ],
            },
        }
    }

    #[test]
    fn a_decision_survives_its_line_and_the_newest_of_a_name_is_found() {
        let mut newer = kept(1);
        newer.decision.at = Moment::from_millis(6);
        let text = [line(&kept(1)), line(&newer), line(&kept(2)), "torn {\n".to_owned()].concat();

        assert_eq!(parse(line(&kept(1)).trim_end()), Some(kept(1)));
        assert_eq!(find(&text, "1"), Some(newer));
        assert_eq!(find(&text, "4-2"), Some(kept(2)));
        assert_eq!(find(&text, "3"), None);
    }
}
