//! `forecast`, `best` and `check`: the outlook of every account, the choice, and where each one stands.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::app::outcome::{Best, Checked, Done, Facts, Forecasted, Outcome, Overlay};
use crate::base::{Percent, Span, calendar};
use crate::domain::forecast::{Availability, Forecast, Prospect};
use crate::domain::label;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::survey::{Calls, Standing};
use crate::report::{Printed, json, pool, switch, text};

/// Reasons shown per account unless all are asked for.
const FEW: usize = 3;

/// The document of `forecast`.
pub(super) fn value(outcome: &Outcome, forecasted: &Forecasted) -> Value {
    let facts = &forecasted.facts;
    let forecast = &forecasted.forecast;
    let concern = nobody(outcome, forecasted);
    let mut members = json::frame_of(outcome, facts, concern.as_ref());
    json::extend(
        &mut members,
        json!({
            "model": forecasted.forecasting.model.as_ref().map(|model| &model.name),
            "liveProbe": forecasted.forecasting.live,
            "runtimeOverlay": forecasted.forecasting.overlay == Overlay::On && !facts.peers.is_empty(),
            "summary": summary_value(forecast),
            "recommendation": recommendation(forecast),
            "probeErrors": forecasted.notes,
            "calls": calls(forecasted.calls),
            "accounts": forecast.prospects.iter().map(|one| prospect(facts, one)).collect::<Vec<_>>(),
        }),
    );
    if forecasted.forecasting.explain {
        let considered: Vec<Value> =
            forecast.ranked().into_iter().map(|one| considered(facts, one)).collect();
        members.insert(
            "explanation".to_owned(),
            json!({
                "recommendedIndex": forecast.selected().map(|one| one.index),
                "recommendationReason": forecast.reason,
                "considered": considered,
            }),
        );
    }
    Value::Object(members)
}

pub(super) fn summary_value(forecast: &Forecast) -> Value {
    let summary = forecast.summary();
    json!({
        "total": summary.total,
        "ready": summary.ready,
        "delayed": summary.delayed,
        "unavailable": summary.unavailable,
        "highRisk": summary.high_risk,
    })
}

pub(super) fn recommendation(forecast: &Forecast) -> Value {
    let selected = forecast.selected();
    json!({
        "recommendedIndex": selected.map(|one| one.index),
        "number": selected.map(|one| one.index + 1),
        "accountRef": selected.map(|one| one.key.as_str()),
        "reason": forecast.reason,
    })
}

fn considered(facts: &Facts, one: &Prospect) -> Value {
    json!({
        "index": one.index,
        "number": one.index + 1,
        "accountRef": one.key.as_str(),
        "label": name(facts, one),
        "isCurrent": one.is_current,
        "selected": one.is_selected,
        "availability": one.availability.word(),
        "riskScore": one.risk,
        "riskLevel": one.level.word(),
        "waitMs": one.wait.as_millis(),
        "reasons": one.reasons.iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>(),
    })
}

pub(super) fn prospect(facts: &Facts, one: &Prospect) -> Value {
    let mut value = considered(facts, one);
    let quota = facts.quota.get(&one.key);
    if let Value::Object(members) = &mut value {
        let weighed: Vec<Value> = one
            .reasons
            .iter()
            .map(|reason| json!({ "points": reason.points, "text": reason.text }))
            .collect();
        members.insert("primaryReason".to_owned(), json!(one.reasons.first().map(|reason| &reason.text)));
        members.insert("weighedReasons".to_owned(), json!(weighed));
        members.insert(
            "quota".to_owned(),
            json!(quota.map(|quota| json::quota(quota, facts.at, &text::quota(quota, facts.at)))),
        );
    }
    value
}

pub(super) fn name(facts: &Facts, one: &Prospect) -> String {
    facts.roster.accounts.get(one.index).map_or_else(
        || format!("Account {}", one.index + 1),
        |account| label::account_label(account, one.index + 1),
    )
}

fn nobody(outcome: &Outcome, forecasted: &Forecasted) -> Option<Problem> {
    if outcome.exit == Exit::Network {
        return Some(offline());
    }
    if forecasted.forecast.recommended.is_none() {
        let problem = Problem::new("nothing-selectable", outcome.exit, forecasted.forecast.reason.clone());
        return Some(problem.hint(Hint::Run("forecast --explain".to_owned())));
    }
    pool::concern(&forecasted.facts, outcome.exit)
}

pub(super) fn offline() -> Problem {
    Problem::new("network", Exit::Network, "no host that was asked could be reached")
        .hint(Hint::Say("Check the network or the egress proxy and try again".to_owned()))
}

pub(super) fn calls(calls: Calls) -> Value {
    json!({ "usage": calls.usage, "refresh": calls.refresh, "probe": calls.probe })
}

/// The text of `forecast`.
pub(super) fn printed(outcome: &Outcome, forecasted: &Forecasted) -> Printed {
    let facts = &forecasted.facts;
    let forecast = &forecasted.forecast;
    let summary = forecast.summary();
    let mut out = String::new();
    let live = if forecasted.forecasting.live { "on" } else { "off" };
    let accounts = text::count(summary.total, "account", "accounts");
    let model = forecasted.forecasting.model.as_ref();
    let model = model.map_or_else(String::new, |model| format!("model {}, ", model.name));
    let _ = writeln!(out, "Best-account preview ({accounts}, {model}live check {live})");
    let _ = writeln!(
        out,
        "Result: {} ready now | {} waiting | {} unavailable | {} high risk",
        summary.ready, summary.delayed, summary.unavailable, summary.high_risk
    );
    out.push('\n');
    let display = &facts.settings.display;
    if display.account_rows {
        for one in forecast.ranked() {
            account(forecasted, one, &mut out);
        }
        out.push('\n');
    }
    match forecast.selected().filter(|_| display.recommendations) {
        Some(selected) => {
            let _ = writeln!(out, "Best next account: {}", name(facts, selected));
            let _ = writeln!(out, "Why: {}", forecast.reason);
            if !selected.is_current {
                let _ = writeln!(out, "Switch now with: codex-multi-auth switch {}", selected.index + 1);
            }
        }
        None if display.recommendations => {
            let _ = writeln!(out, "Best next account: none\nNote: {}", forecast.reason);
        }
        None => {}
    }
    if display.probe_notes {
        notes(&forecasted.notes, &mut out);
    }
    let err = if outcome.exit == Exit::Network { text::problem(&offline()) } else { String::new() };
    Printed { out, err }
}

fn account(forecasted: &Forecasted, one: &Prospect, out: &mut String) {
    let facts = &forecasted.facts;
    let mark = if one.is_selected { '*' } else { ' ' };
    let current = if one.is_current { " [current]" } else { "" };
    let wait =
        if one.wait > Span::ZERO { format!(" | wait {}", calendar::long(one.wait)) } else { String::new() };
    let _ = writeln!(
        out,
        "{mark} {}. {}{current} | {} | {} risk ({}){wait}",
        one.index + 1,
        name(facts, one),
        one.availability.word(),
        one.level.word(),
        one.risk
    );
    let display = &facts.settings.display;
    let shown = match (forecasted.forecasting.explain, display.reasons) {
        (true, _) => one.reasons.len(),
        (false, true) => FEW,
        (false, false) => 0,
    };
    for reason in one.reasons.iter().take(shown) {
        if forecasted.forecasting.explain {
            let points = if reason.points == 0 { "0".to_owned() } else { format!("{:+}", reason.points) };
            let _ = writeln!(out, "     {points:>4}  {}", reason.text);
        } else {
            let _ = writeln!(out, "     - {}", reason.text);
        }
    }
    if let Some(quota) = facts.quota.get(&one.key).map(|quota| text::quota(quota, facts.at))
        && !quota.is_empty()
        && display.quota_details
        && one.availability != Availability::Unavailable
    {
        let _ = writeln!(out, "     quota: {quota}");
    }
}

fn notes(notes: &[String], out: &mut String) {
    if notes.is_empty() {
        return;
    }
    let _ = writeln!(out, "Live check notes ({}):", notes.len());
    for note in notes {
        let _ = writeln!(out, "  - {note}");
    }
}

/// The document of `best`.
pub(super) fn best_value(outcome: &Outcome, best: &Best) -> Value {
    let mut members = match &best.done {
        Done::Switched(switched) => {
            let value = switch::switched_value(outcome, switched);
            if let Value::Object(members) = value { members } else { Map::new() }
        }
        Done::Shown | Done::AlreadyThere => {
            let mut members = json::frame(outcome.command, outcome.exit);
            json::extend(
                &mut members,
                json!({
                    "account": json::named(&best.account),
                    "previous": null,
                    "changed": false,
                    "wasDisabled": false,
                    "synced": best.done == Done::AlreadyThere,
                    "syncDeferred": false,
                    "sessionsMoving": 0,
                    "warnings": [],
                }),
            );
            members
        }
    };
    let kept = best.pinned && !best.pin_cleared;
    json::extend(
        &mut members,
        json!({
            "message": sentence(best),
            "accountIndex": best.account.number,
            "reason": best.reason,
            "pinned": kept,
            "pinKept": kept,
            "pinCleared": best.pin_cleared && matches!(best.done, Done::Switched(_)),
            "dryRun": best.done == Done::Shown,
            "probeErrors": best.notes,
        }),
    );
    Value::Object(members)
}

fn sentence(best: &Best) -> String {
    let (number, label) = (best.account.number, &best.account.label);
    match &best.done {
        Done::Shown => format!("Best account {number}: {label}"),
        Done::AlreadyThere => format!("Already on best account {number}: {label}"),
        Done::Switched(switched) => {
            let enabled = if switched.re_enabled { " (re-enabled)" } else { "" };
            let cleared = if best.pin_cleared { " (manual pin cleared)" } else { "" };
            format!("Switched to best account {number}: {label}{enabled}{cleared}")
        }
    }
}

/// The text of `best`.
pub(super) fn best_printed(best: &Best) -> Printed {
    let mut out = format!("{}\nReason: {}\n", sentence(best), best.reason);
    if best.pinned {
        out.push_str("It is pinned; `codex-multi-auth unpin` lets the accounts rotate again\n");
    }
    notes(&best.notes, &mut out);
    let err = if let Done::Switched(switched) = &best.done {
        switch::switched_text(switched).err
    } else {
        String::new()
    };
    Printed { out, err }
}

/// How many accounts of a check stand where.
#[derive(Default)]
struct Tally {
    available: usize,
    signed_in_only: usize,
    need_login: usize,
    unknown: usize,
}

impl Tally {
    fn of(checked: &Checked) -> Self {
        let mut tally = Self::default();
        for standing in checked.standings.values() {
            match standing {
                Standing::Available => tally.available += 1,
                Standing::SignedInOnly(_) => tally.signed_in_only += 1,
                Standing::NeedsLogin(_) => tally.need_login += 1,
                Standing::Uncertain | Standing::Unknown(_) => tally.unknown += 1,
            }
        }
        tally
    }
}

/// The document of `check`.
pub(super) fn checked_value(outcome: &Outcome, checked: &Checked) -> Value {
    let facts = &checked.facts;
    let offline = (outcome.exit == Exit::Network).then(offline);
    let concern = offline.or_else(|| pool::concern(facts, outcome.exit));
    let mut members = json::frame_of(outcome, facts, concern.as_ref());
    let accounts = facts.roster.accounts.iter().enumerate();
    let accounts: Vec<Value> = accounts
        .filter_map(|(index, account)| {
            let standing = checked.standings.get(&account.key)?;
            let quota = facts.quota.get(&account.key);
            Some(json!({
                "number": index + 1,
                "accountRef": account.key.as_str(),
                "label": label::account_label(account, index + 1),
                "outcome": standing.word(),
                "code": standing.code(),
                "message": standing.sentence(),
                "quota": quota.map(|quota| json::quota(quota, facts.at, &text::quota(quota, facts.at))),
            }))
        })
        .collect();
    let tally = Tally::of(checked);
    json::extend(
        &mut members,
        json!({
            "accounts": accounts,
            "summary": {
                "available": tally.available,
                "signedInOnly": tally.signed_in_only,
                "needLogin": tally.need_login,
                "unknown": tally.unknown,
            },
            "calls": calls(checked.calls),
        }),
    );
    Value::Object(members)
}

/// The text of `check`.
pub(super) fn checked_printed(outcome: &Outcome, checked: &Checked) -> Printed {
    let facts = &checked.facts;
    let mut out = String::new();
    let display = &facts.settings.display;
    for (index, account) in facts.roster.accounts.iter().enumerate().filter(|_| display.account_rows) {
        let Some(standing) = checked.standings.get(&account.key) else { continue };
        let mark = match standing {
            Standing::Available => '✓',
            Standing::SignedInOnly(_) | Standing::Unknown(_) | Standing::Uncertain => '!',
            Standing::NeedsLogin(_) => '✗',
        };
        let mut line =
            format!("{mark} {} | {}", label::account_label(account, index + 1), standing.sentence());
        if *standing == Standing::Available
            && display.quota_details
            && let Some(quota) = facts.quota.get(&account.key)
        {
            let _ = write!(line, " ({})", with_resets(quota, facts));
        }
        let _ = writeln!(out, "{line}");
    }
    let tally = Tally::of(checked);
    let _ = writeln!(
        out,
        "Result: {} Codex available | {} signed in only | {} need re-login | {} not verified",
        tally.available, tally.signed_in_only, tally.need_login, tally.unknown
    );
    let err = if outcome.exit == Exit::Network { text::problem(&offline()) } else { String::new() };
    Printed { out, err }
}

fn with_resets(quota: &crate::domain::quota::snapshot::Snapshot, facts: &Facts) -> String {
    let windows = quota.windows().filter_map(|window| {
        let left = window.left(facts.at).map(Percent::rounded)?;
        let name = window.name().unwrap_or_else(|| "quota".to_owned());
        let reset = window.resets_at.filter(|reset| *reset > facts.at).map_or_else(String::new, |reset| {
            format!(", resets in {}", calendar::long(facts.at.until(reset)))
        });
        Some(format!("{name} {left}% left{reset}"))
    });
    windows.collect::<Vec<_>>().join(" | ")
}
