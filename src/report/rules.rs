//! `budget …` and `profile …`: what is ruled, how it stands, what became of a change.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::{Found, Outcome, RulesTold as Told};
use crate::base::text::clean;
use crate::base::{Moment, Percent, calendar};
use crate::domain::policy::account::Changed;
use crate::domain::policy::budget::{Limit, Reached};
use crate::domain::policy::compose::Evaluation;
use crate::domain::policy::profile::Profile;
use crate::report::{Printed, json};

/// The document.
pub(super) fn value(outcome: &Outcome, told: &Told) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    let more = match &told.found {
        Found::Budgets(all) => json!({
            "limits": all.iter().map(|one| stored(&one.limit)).collect::<Vec<_>>(),
            "evaluations": all.iter().map(|one| evaluation(one, told.at)).collect::<Vec<_>>(),
        }),
        Found::Budget(one) => json!({ "evaluation": evaluation(one, told.at) }),
        Found::Limited(one, changed) => json!({
            "key": told.about,
            "limit": one.as_ref().map(|one| whole(&one.limit)),
            "evaluation": one.as_ref().map(|one| evaluation(one, told.at)),
            "changed": *changed == Changed::Yes,
        }),
        Found::Profiles(all) => {
            json!({ "profiles": all.iter().map(|one| profile(one, told)).collect::<Vec<_>>() })
        }
        Found::Profiled(one, changed) => json!({
            "projectKey": told.about,
            "profiles": one.iter().map(|one| profile(one, told)).collect::<Vec<_>>(),
            "changed": *changed == Changed::Yes,
        }),
    };
    json::extend(&mut members, more);
    json::extend(&mut members, json!({ "notes": told.notes }));
    Value::Object(members)
}

/// A limit as the store has it: what does not limit is left out.
fn stored(limit: &Limit) -> Value {
    let mut row = json!({ "key": limit.key, "window": limit.window.word() });
    if let Value::Object(row) = &mut row {
        let members = [
            ("maxRequests", limit.requests.map(Value::from)),
            ("maxTokens", limit.tokens.map(Value::from)),
            ("maxCostUsd", limit.cost.map(Value::from)),
            ("updatedAt", Some(Value::from(limit.updated_at.millis()))),
        ];
        row.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    row
}

fn whole(limit: &Limit) -> Value {
    json!({
        "key": limit.key,
        "window": limit.window.word(),
        "maxRequests": limit.requests,
        "maxTokens": limit.tokens,
        "maxCostUsd": limit.cost,
        "updatedAt": limit.updated_at.millis(),
    })
}

fn evaluation(one: &Evaluation, at: Moment) -> Value {
    json!({
        "key": one.limit.key,
        "window": one.limit.window.word(),
        "allowed": one.reached.is_empty(),
        "reasons": reasons(one),
        "usage": {
            "requests": one.used.requests,
            "totalTokens": one.used.tokens,
            "costUsd": one.used.cost,
        },
        "limits": {
            "maxRequests": one.limit.requests,
            "maxTokens": one.limit.tokens,
            "maxCostUsd": one.limit.cost,
        },
        "percent": one.percent().map(|percent| (percent * 10.0).round() / 10.0),
        "beginsAt": one.begins.millis(),
        "resetsAt": one.ends.millis(),
        "exhaustedAt": json::moment(one.runs_out(at)),
    })
}

fn reasons(one: &Evaluation) -> Vec<String> {
    one.reached
        .iter()
        .map(|reached| match reached {
            Reached::Requests => {
                format!("{} of {} requests", one.used.requests, one.limit.requests.unwrap_or_default())
            }
            Reached::Tokens => {
                format!("{} of {} tokens", one.used.tokens, one.limit.tokens.unwrap_or_default())
            }
            Reached::Cost => {
                format!("{:.2} of {:.2} USD", one.used.cost, one.limit.cost.unwrap_or_default())
            }
        })
        .collect()
}

fn profile(one: &Profile, told: &Told) -> Value {
    let weights: Vec<Value> = one
        .weights
        .iter()
        .filter_map(|(key, weight)| {
            let (number, record, _) = told.accounts.get(key)?;
            Some(json!({ "number": number, "accountRef": record, "weight": weight }))
        })
        .collect();
    let mut value = stored_profile(one);
    if let Some(members) = value.as_object_mut() {
        members.insert("weights".to_owned(), weights.into());
    }
    value
}

/// A profile under the names of its file.
pub(super) fn stored_profile(one: &Profile) -> Value {
    json!({
        "projectKey": one.project_key,
        "projectName": one.project_name,
        "identityRoot": one.identity_root,
        "preferredTags": one.preferred_tags,
        "avoidTags": one.avoid_tags,
        "modelAllowlist": one.models_allowed,
        "modelDenylist": one.models_denied,
        "accountWeightByKey": one.weights,
        "budgetKey": one.budget_key,
        "updatedAt": one.updated_at.millis(),
    })
}

/// The text.
pub(super) fn printed(told: &Told) -> Printed {
    let mut out = String::new();
    match &told.found {
        Found::Budgets(all) if all.is_empty() => {
            out.push_str("No budgets. Set one with `codex-multi-auth budget limit global --window day --requests 400`\n");
        }
        Found::Budgets(all) => all.iter().for_each(|one| budget(&mut out, one, told.at)),
        Found::Budget(one) => budget(&mut out, one, told.at),
        Found::Limited(Some(one), changed) => {
            let _ = writeln!(
                out,
                "{}",
                if *changed == Changed::Yes { "Budget set" } else { "Budget is so already" }
            );
            budget(&mut out, one, told.at);
        }
        Found::Limited(None, _) => {
            let _ = writeln!(out, "Budget {} removed: nothing is limited by it any more", told.about);
        }
        Found::Profiles(all) if all.is_empty() => {
            out.push_str("No routing profiles. Make one with `codex-multi-auth profile set --prefer work`\n");
        }
        Found::Profiles(all) => all.iter().for_each(|one| project(&mut out, one, told)),
        Found::Profiled(Some(one), changed) => {
            let _ = writeln!(
                out,
                "{}",
                if *changed == Changed::Yes { "Profile set" } else { "Profile is so already" }
            );
            project(&mut out, one, told);
        }
        Found::Profiled(None, _) => {
            let _ = writeln!(out, "Profile of {} removed", told.about);
        }
    }
    for note in &told.notes {
        let _ = writeln!(out, "Note: {note}");
    }
    Printed { out, err: String::new() }
}

fn budget(out: &mut String, one: &Evaluation, at: Moment) {
    let limit = &one.limit;
    let state = if one.reached.is_empty() { "" } else { "  used up" };
    let _ = writeln!(out, "{}  {}{state}", limit.key, limit.window.word());
    if let Some(most) = limit.requests {
        let share = Percent::of(one.used.requests, most);
        let _ = writeln!(out, "  requests  {} of {most}  {}%", one.used.requests, share.whole());
    }
    if let Some(most) = limit.tokens {
        let share = Percent::of(one.used.tokens, most);
        let _ = writeln!(out, "  tokens    {} of {most}  {}%", one.used.tokens, share.whole());
    }
    if let Some(most) = limit.cost {
        let share = Percent::new(one.used.cost / most * 100.0);
        let _ = writeln!(out, "  cost      {:.2} of {most:.2} USD  {}%", one.used.cost, share.whole());
    }
    let left = calendar::long(at.until(one.ends));
    let _ = write!(out, "  begins anew in {left}");
    if let Some(end) = one.runs_out(at) {
        let _ = write!(out, "; at this pace used up in {}", calendar::long(at.until(end)));
    }
    out.push('\n');
}

fn project(out: &mut String, one: &Profile, told: &Told) {
    let _ = writeln!(out, "{}  ({})", one.project_key, clean(&one.project_name));
    let mut list = |title: &str, all: &[String]| {
        if !all.is_empty() {
            let _ = writeln!(out, "  {title:<8} {}", clean(&all.join(", ")));
        }
    };
    list("prefer", &one.preferred_tags);
    list("avoid", &one.avoid_tags);
    list("allow", &one.models_allowed);
    list("deny", &one.models_denied);
    let weights: Vec<String> = one
        .weights
        .iter()
        .map(|(key, weight)| match told.accounts.get(key) {
            Some((_, _, name)) => format!("{name} {weight}"),
            None => format!("an account that is gone {weight}"),
        })
        .collect();
    list("weights", &weights);
    list("budget", &one.budget_key.iter().cloned().collect::<Vec<_>>());
}
