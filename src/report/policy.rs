//! `account …` and `account policy list`: what the user wants of accounts.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::{Facts, Outcome, Ruled};
use crate::domain::label;
use crate::domain::policy::account::{AccountPolicy, Changed, Rein, key_for};
use crate::report::{Printed, json};

/// The document of a changed policy.
pub(super) fn ruled_value(outcome: &Outcome, ruled: &Ruled) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    json::extend(
        &mut members,
        json!({
            "account": json::named(&ruled.account),
            "changed": ruled.changed == Changed::Yes,
            "policy": policy(&ruled.policy),
            "warnings": ruled.warning.into_iter().collect::<Vec<_>>(),
        }),
    );
    Value::Object(members)
}

pub(super) fn policy(policy: &AccountPolicy) -> Value {
    json!({
        "tags": policy.tags,
        "weight": policy.weight,
        "paused": policy.paused,
        "drained": policy.drained,
        "note": policy.note,
    })
}

/// The text of a changed policy.
pub(super) fn ruled_text(ruled: &Ruled) -> Printed {
    let already = if ruled.changed == Changed::No { "already " } else { "" };
    let (account, words) = (&ruled.account, words(&ruled.policy));
    let err = ruled.warning.map_or_else(String::new, |warning| format!("Warning: {warning}\n"));
    Printed { out: format!("Account {} ({}): {already}{words}\n", account.number, account.label), err }
}

fn words(policy: &AccountPolicy) -> String {
    let mut parts = vec![match policy.rein() {
        Rein::Free => "takes part".to_owned(),
        Rein::Drained => "drained, no new sessions".to_owned(),
        Rein::Paused => "paused, no traffic".to_owned(),
        Rein::PausedAndDrained => "paused and drained, no traffic".to_owned(),
    }];
    parts.push(format!("weight {}", policy.weight));
    if !policy.tags.is_empty() {
        parts.push(format!("tags {}", policy.tags.join(", ")));
    }
    if let Some(note) = &policy.note {
        parts.push(format!("note: {}", crate::base::text::clean(note)));
    }
    parts.join(" | ")
}

/// The document of all policies.
pub(super) fn list_value(outcome: &Outcome, facts: &Facts) -> Value {
    let mut members = json::frame_of(outcome, facts, None);
    let rows: Vec<Value> = facts
        .roster
        .accounts
        .iter()
        .enumerate()
        .map(|(index, account)| {
            let own = facts.policies.of(account).cloned().unwrap_or_default();
            let mut row = json!({
                "index": index + 1,
                "number": index + 1,
                "accountRef": account.key.as_str(),
                "label": label::account_label(account, index + 1),
                "accountKey": key_for(account, &facts.roster),
            });
            if let (Value::Object(row), Value::Object(own)) = (&mut row, policy(&own)) {
                row.extend(own);
            }
            row
        })
        .collect();
    json::extend(&mut members, json!({ "accounts": rows, "notes": facts.notes }));
    Value::Object(members)
}

/// The text of all policies.
pub(super) fn list_text(facts: &Facts) -> String {
    let mut out = String::new();
    for (index, account) in facts.roster.accounts.iter().enumerate() {
        let own = facts.policies.of(account).cloned().unwrap_or_default();
        let _ =
            writeln!(out, "{}. {} | {}", index + 1, label::account_label(account, index + 1), words(&own));
    }
    for note in &facts.notes {
        let _ = writeln!(out, "Note: {note}");
    }
    out
}
