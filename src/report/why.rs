//! `why-selected`: the engine's own answer, part by part.

use std::cmp::Ordering;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::{Facts, Moments, Origin, Outcome, Replay};
use crate::base::{Percent, calendar};
use crate::domain::account::{Account, AccountKey};
use crate::domain::facts::{TurnRow, TurnStatus};
use crate::domain::label;
use crate::domain::selection::explain::{Candidate, Decision};
use crate::domain::selection::replay::{Kept, WhatIf};
use crate::domain::selection::{SessionKey, Strategy};
use crate::report::{json, pool, text};

/// Weights of the hybrid score; the parts of a candidate carry them already.
const HEALTH: f64 = 2.0;
const TOKENS: f64 = 5.0;
const FRESHNESS: f64 = 2.0;

/// The document.
pub(super) fn value(outcome: &Outcome, moments: Moments, origin: Origin, facts: &Facts) -> Value {
    let concern = pool::concern(facts, outcome.exit);
    let mut members = json::frame_of(outcome, facts, concern.as_ref());
    let candidates = ranked(facts);
    let available = candidates.iter().filter(|(candidate, _)| candidate.skip.is_none()).count();
    let decision = facts.next.as_ref();
    let chosen = decision.and_then(|decision| {
        let key = decision.chosen.as_ref()?;
        candidates.iter().find(|(candidate, _)| candidate.key == *key).map(|pair| (decision, pair))
    });
    let selected = chosen.map(|(decision, (one, account))| {
        let mut value = candidate(facts, one, account);
        if let Value::Object(members) = &mut value {
            members.insert("selectionReason".to_owned(), json!(pool::rule_text(decision)));
        }
        value
    });
    json::extend(
        &mut members,
        json!({
            "mode": mode(moments),
            "source": source(origin),
            "rule": decision.map(|decision| decision.rule.word()),
            "strategy": decision.map(|decision| decision.strategy.word()),
            "availableCount": available,
            "totalCount": facts.roster.accounts.len(),
            "config": { "healthWeight": 2, "tokenWeight": 5, "freshnessWeight": 2 },
            "selected": selected,
            "candidates": candidates.iter().map(|(one, account)| candidate(facts, one, account)).collect::<Vec<_>>(),
            "request": match &facts.replay {
                Some(replay) => Some(kept(facts, &replay.kept)),
                None => last_turn(moments, facts).map(|turn| request(facts, turn)),
            },
            "replay": facts.replay.as_ref().map(|replay| again(facts, replay)),
            "whatIf": facts.replay.as_ref().and_then(|replay| what_if(facts, replay)),
        }),
    );
    if moments == Moments::Last {
        let newest = facts.peers.iter().filter_map(|peer| peer.pulse.last_account_at).max();
        let snapshot = newest.map(|at| json!({ "generatedAt": at.millis() }));
        members.insert("runtimeSnapshot".to_owned(), json!(snapshot));
    }
    Value::Object(members)
}

fn candidate(facts: &Facts, one: &Candidate, account: &Account) -> Value {
    let parts = &one.parts;
    let mut value = json!({
        "index": one.index,
        "oneBasedIndex": one.index + 1,
        "number": one.index + 1,
        "accountRef": one.key.as_str(),
        "label": label::account_label(account, one.index + 1),
        "enabled": account.is_on(),
        "available": one.skip.is_none(),
        "health": parts.health / HEALTH,
        "tokens": parts.tokens / TOKENS,
        "hoursSinceUsed": parts.fresh / FRESHNESS,
        "capabilityBoost": parts.boost,
        "pidBonus": parts.spread,
        "stickyBonus": parts.sticky,
        "inFlightPenalty": parts.in_flight,
        "score": parts.total(),
        "leftPercent": one.left.map(Percent::rounded),
    });
    if let Value::Object(members) = &mut value {
        let mut put = |name: &str, text: Option<&str>| {
            if let Some(text) = text {
                members.insert(name.to_owned(), json!(text));
            }
        };
        put("email", account.email.as_deref());
        put("accountId", account.workspace_id());
        put("lastSwitchReason", account.switch_reason.map(crate::domain::account::SwitchReason::word));
        let rest = account.cooling_until(facts.at).and_then(|rest| rest.reason);
        put("cooldownReason", rest.map(crate::domain::account::CooldownReason::word));
        put("reason", one.skip.as_ref().map(|skip| skip.reason.as_str()));
        let until = one.skip.as_ref().and_then(|skip| skip.until);
        members.insert("nextUsableAt".to_owned(), json::moment(until));
    }
    value
}

fn request(facts: &Facts, turn: &TurnRow) -> Value {
    let name = |key| pool::position(facts, key).map(|(index, account)| (index + 1, account));
    let served = turn.account.as_ref().and_then(name);
    json!({
        "id": turn.id,
        "at": turn.at.millis(),
        "model": turn.model,
        "number": served.map(|(number, _)| number),
        "accountRef": served.map(|(_, account)| account.key.as_str()),
        "label": served.map(|(number, account)| label::account_label(account, number)),
        "note": turn.note,
        "attempts": turn.attempts.iter().map(|attempt| json!({
            "number": name(&attempt.account).map(|(number, _)| number),
            "accountRef": attempt.account.as_str(),
            "verdict": attempt.verdict,
        })).collect::<Vec<_>>(),
    })
}

fn kept(facts: &Facts, kept: &Kept) -> Value {
    json!({
        "id": kept.request,
        "pid": kept.pid,
        "at": kept.decision.at.millis(),
        "model": kept.model,
        "family": kept.family.word(),
        "sessionHash": kept.session.as_ref().map(SessionKey::as_str),
        "from": kept.from.as_ref().map(|key| named(facts, key)),
    })
}

fn again(facts: &Facts, replay: &Replay) -> Value {
    let (was, is) = (replay.kept.decision.chosen.as_ref(), replay.kept.again(&WhatIf::default()));
    let difference = (was != is)
        .then(|| json!({ "was": was.map(|key| named(facts, key)), "is": is.map(|key| named(facts, key)) }));
    json!({ "identical": was == is, "difference": difference })
}

fn what_if(facts: &Facts, replay: &Replay) -> Option<Value> {
    let asked = replay.what_if.as_ref()?;
    Some(json!({
        "strategy": asked.strategy.map(Strategy::word),
        "without": asked.without.as_ref().map(|key| named(facts, key)),
        "selected": replay.kept.again(asked).map(|key| named(facts, key)),
    }))
}

fn named(facts: &Facts, key: &AccountKey) -> Value {
    let found = pool::position(facts, key);
    json!({
        "number": found.map(|(index, _)| index + 1),
        "accountRef": key.as_str(),
        "label": found.map(|(index, account)| label::account_label(account, index + 1)),
    })
}

/// A kept decision in words: whether it still stands, and what else was asked.
fn replayed(facts: &Facts, replay: &Replay, out: &mut String) {
    let name = |key: Option<&AccountKey>| match key {
        None => "nobody".to_owned(),
        Some(key) => pool::position(facts, key).map_or_else(
            || key.short().to_owned(),
            |(index, account)| label::account_label(account, index + 1),
        ),
    };
    let ago = calendar::long(facts.at.since(replay.kept.decision.at));
    let _ = writeln!(out, "Request: {}, {ago} ago", replay.kept.name());
    let (was, is) = (replay.kept.decision.chosen.as_ref(), replay.kept.again(&WhatIf::default()));
    if was == is {
        out.push_str("Run again: the same answer\n");
    } else {
        let _ = writeln!(out, "Run again: {} instead of {}, which is a defect", name(is), name(was));
    }
    if let Some(asked) = &replay.what_if {
        let strategy = asked.strategy.map(|strategy| format!("with strategy {}", strategy.word()));
        let without = asked.without.as_ref().map(|key| format!("without {}", name(Some(key))));
        let under: Vec<String> = strategy.into_iter().chain(without).collect();
        let _ = writeln!(out, "{}: {}", under.join(" and "), name(replay.kept.again(asked)));
    }
}

/// The text: rule first, then the counts, the choice and everybody else.
pub(super) fn text(moments: Moments, origin: Origin, facts: &Facts) -> String {
    let mut out = String::new();
    let Some(decision) = &facts.next else {
        return "Nothing is known about the next request\n".to_owned();
    };
    let candidates = ranked(facts);
    let available = candidates.iter().filter(|(candidate, _)| candidate.skip.is_none()).count();
    let _ = writeln!(
        out,
        "Rule: {} ({}), strategy {}, answered by {}",
        decision.rule.word(),
        pool::rule_text(decision),
        decision.strategy.word(),
        match origin {
            Origin::Proxy => "the running proxy",
            Origin::Files => "the files",
        }
    );
    let _ = writeln!(out, "Mode: {}", mode(moments));
    let _ =
        writeln!(out, "Available: {available} of {}", text::count(candidates.len(), "account", "accounts"));
    match pool::next(facts) {
        Some((index, account, _)) => {
            let _ = writeln!(out, "Selected: {}", label::account_label(account, index + 1));
        }
        None => out.push_str("Selected: nobody can serve the next request\n"),
    }
    if let Some(replay) = &facts.replay {
        replayed(facts, replay, &mut out);
    } else if let Some(turn) = last_turn(moments, facts) {
        last(facts, turn, &mut out);
    }
    out.push('\n');
    for (one, account) in candidates {
        row(facts, decision, one, account, &mut out);
    }
    out
}

fn last(facts: &Facts, turn: &TurnRow, out: &mut String) {
    let served = turn.account.as_ref().and_then(|key| pool::position(facts, key));
    let name =
        served.map_or_else(|| "nobody".into(), |(index, account)| label::account_label(account, index + 1));
    let ago = calendar::long(facts.at.since(turn.at));
    let note = if turn.note.is_empty() { String::new() } else { format!(", {}", turn.note) };
    let _ = writeln!(out, "Last request: {ago} ago on {name}{note}");
}

fn row(facts: &Facts, decision: &Decision, one: &Candidate, account: &Account, out: &mut String) {
    let mark = match (&one.skip, decision.chosen.as_ref() == Some(&one.key)) {
        (_, true) => '*',
        (Some(_), false) => 'x',
        (None, false) => ' ',
    };
    let _ = write!(
        out,
        "{mark} {} score {:.1} (health {:.0}, tokens {:.0}, fresh {:.1} h)",
        label::account_label(account, one.index + 1),
        one.parts.total(),
        one.parts.health / HEALTH,
        one.parts.tokens / TOKENS,
        one.parts.fresh / FRESHNESS,
    );
    if let Some(left) = one.left {
        let _ = write!(out, " {}% left", left.rounded());
    }
    if let Some(skip) = &one.skip {
        let _ = write!(out, " {}", skip.reason);
        if let Some(until) = skip.until {
            let _ = write!(out, ", usable in {}", calendar::long(facts.at.until(until)));
        }
    }
    out.push('\n');
}

/// The newest turn of any live proxy that has ended, when the last request is asked for.
fn last_turn(moments: Moments, facts: &Facts) -> Option<&TurnRow> {
    if moments == Moments::Now {
        return None;
    }
    let ended = |turn: &&TurnRow| turn.status != TurnStatus::Running && turn.status != TurnStatus::Warm;
    facts.peers.iter().flat_map(|peer| &peer.turns).filter(ended).max_by_key(|turn| turn.at)
}

/// Candidates with their accounts, highest score first; equal ones in stored order.
fn ranked(facts: &Facts) -> Vec<(&Candidate, &Account)> {
    let Some(decision) = &facts.next else { return Vec::new() };
    let mut pairs: Vec<_> = decision
        .candidates
        .iter()
        .filter_map(|one| {
            let account = facts.roster.accounts.get(one.index).filter(|account| account.key == one.key);
            Some((one, account.or_else(|| facts.roster.get(&one.key))?))
        })
        .collect();
    pairs.sort_by(|(a, _), (b, _)| {
        b.parts.total().partial_cmp(&a.parts.total()).unwrap_or(Ordering::Equal).then(a.index.cmp(&b.index))
    });
    pairs
}

const fn mode(moments: Moments) -> &'static str {
    match moments {
        Moments::Now => "now",
        Moments::Last => "last",
    }
}

const fn source(origin: Origin) -> &'static str {
    match origin {
        Origin::Proxy => "proxy",
        Origin::Files => "files",
    }
}
