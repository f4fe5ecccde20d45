//! `models`: accounts by models, as a matrix or a document.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::{Matrix as Told, Outcome, Pair};
use crate::base::text::clean;
use crate::domain::label;
use crate::domain::policy::account::key_for;
use crate::report::{json, text};

/// The document.
pub(super) fn value(outcome: &Outcome, told: &Told) -> Value {
    let mut members = json::frame_of(outcome, &told.facts, None);
    let entries: Vec<Value> = told.pairs.iter().filter_map(|pair| entry(told, pair)).collect();
    json::extend(
        &mut members,
        json!({
            "matrix": { "generatedAt": told.facts.at.millis(), "models": told.models, "entries": entries },
        }),
    );
    Value::Object(members)
}

fn entry(told: &Told, pair: &Pair) -> Option<Value> {
    let facts = &told.facts;
    let account = facts.roster.accounts.get(pair.index)?;
    let profile = pair.profile;
    let quota = facts
        .quota
        .get(&pair.account)
        .map(|snapshot| json::quota(snapshot, facts.at, &text::quota(snapshot, facts.at)));
    let block = pair.seen.and_then(|seen| seen.blocked(facts.at));
    Some(json!({
        "accountIndex": pair.index + 1,
        "number": pair.index + 1,
        "accountRef": pair.account.as_str(),
        "accountLabel": label::account_label(account, pair.index + 1),
        "accountKey": key_for(account, &facts.roster),
        "model": pair.model,
        "normalizedModel": profile.name,
        "promptFamily": profile.family.word(),
        "defaultReasoningEffort": profile.default_effort,
        "supportedReasoningEfforts": profile.efforts,
        "capabilities": {
            "toolSearch": profile.tool_search,
            "computerUse": profile.computer_use,
            "compaction": profile.compaction,
        },
        "entitlementBlocked": block.is_some(),
        "entitlementReason": block.map(|block| block.reason.word()),
        "entitlementWaitMs": block.map_or(0, |block| facts.at.until(block.until).as_millis()),
        "capabilityPolicy": pair.seen.map(|seen| json!({
            "successes": seen.successes,
            "failures": seen.failures,
            "unsupported": seen.unsupported,
            "updatedAt": seen.at.millis(),
        })),
        "capabilityBoost": pair.seen.map_or(0.0, |seen| seen.boost(facts.at)),
        "quota": quota,
        "available": pair.reasons.is_empty(),
        "reasons": pair.reasons,
    }))
}

/// The matrix: one line per model, one column per account.
pub(super) fn text(told: &Told) -> String {
    let mut numbers: Vec<usize> = told.pairs.iter().map(|pair| pair.index).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut text = String::new();
    for index in &numbers {
        if let Some(account) = told.facts.roster.accounts.get(*index) {
            let name = label::name(account, index + 1);
            let why = told.pairs.iter().find(|pair| pair.index == *index).map(|pair| pair.reasons.join(", "));
            let why = why.filter(|why| !why.is_empty()).map(|why| format!(": {why}")).unwrap_or_default();
            let _ = writeln!(text, "{:>3}  {}{why}", index + 1, clean(&name));
        }
    }
    if numbers.is_empty() {
        text.push_str("No account can serve these models now.\n");
        return text;
    }
    let _ = write!(text, "\n{:<15} {:<12} {:<7}", "MODEL", "FAMILY", "EFFORT");
    for index in &numbers {
        let _ = write!(text, " {:>3}", index + 1);
    }
    text.push('\n');
    for model in &told.models {
        let mut pairs = told.pairs.iter().filter(|pair| pair.model == *model).peekable();
        let Some(profile) = pairs.peek().map(|pair| pair.profile) else { continue };
        let _ =
            write!(text, "{:<15} {:<12} {:<7}", clean(model), profile.family.word(), profile.default_effort);
        let pairs: Vec<&Pair> = pairs.collect();
        for index in &numbers {
            let mark = match pairs.iter().find(|pair| pair.index == *index) {
                Some(pair) if pair.reasons.is_empty() => "yes",
                Some(_) => "no",
                None => "–",
            };
            let _ = write!(text, " {mark:>3}");
        }
        text.push('\n');
    }
    text
}
