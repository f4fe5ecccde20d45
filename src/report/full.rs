//! `report`: the pool, the forecast and the running proxies in one document. It is
//! made to be handed on, so people are masked in it unless the user says otherwise (the flow sees to that).

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::{Facts, Forecasted, Outcome, Reporting};
use crate::base::calendar;
use crate::domain::account::Account;
use crate::domain::model::table;
use crate::domain::problem::Exit;
use crate::domain::selection::explain::Decision;
use crate::report::{Printed, forecast, json, pool, status, text};

/// The document.
pub(super) fn value(outcome: &Outcome, told: &Forecasted, reporting: &Reporting) -> Value {
    let facts = &told.facts;
    let concern = if outcome.exit == Exit::Network {
        Some(forecast::offline())
    } else {
        pool::concern(facts, outcome.exit)
    };
    let mut members = json::frame_of(outcome, facts, concern.as_ref());
    let asked = &told.forecasting;
    let model = asked.model.as_ref().map(|model| model.name.as_str());
    let reach = asked.reach;
    let mut recommendation = forecast::recommendation(&told.forecast);
    if let Value::Object(recommendation) = &mut recommendation {
        let selected = facts.next.as_ref().map(selected_reason);
        recommendation.insert("selectedReason".to_owned(), json!(selected));
    }
    json::extend(
        &mut members,
        json!({
            "generatedAt": calendar::rfc3339(facts.at),
            "storagePath": facts.storage_path,
            "storageHealth": status::storage(facts),
            "model": model,
            "modelSelection": model_selection(told),
            "liveProbe": asked.live,
            "liveProbeBudget": {
                "cachedOnly": reach.cached_only,
                "maxAccounts": reach.accounts,
                "maxProbes": reach.questions,
                "consideredAccounts": told.considered,
                "executedProbes": told.calls.usage,
            },
            "accounts": census(facts),
            "activeIndex": facts
                .roster
                .active
                .as_ref()
                .and_then(|key| facts.roster.index_of(key))
                .map(|index| index + 1),
            "forecast": {
                "summary": forecast::summary_value(&told.forecast),
                "recommendation": recommendation,
                "probeErrors": told.notes,
                "accounts": told
                    .forecast
                    .prospects
                    .iter()
                    .map(|one| forecast::prospect(facts, one))
                    .collect::<Vec<_>>(),
            },
            "calls": forecast::calls(told.calls),
            "runtimeOverlay": !facts.peers.is_empty(),
            "runtime": runtime(facts),
            "runtimeSnapshotLoadError": null,
            "version": env!("CARGO_PKG_VERSION"),
            "out": reporting.out.as_ref().map(|path| path.display().to_string()),
        }),
    );
    Value::Object(members)
}

fn selected_reason(decision: &Decision) -> &'static str {
    pool::rule_text(decision)
}

fn model_selection(told: &Forecasted) -> Value {
    let Some(model) = &told.forecasting.model else { return Value::Null };
    let known = table::known(&model.name);
    json!({
        "requested": model.requested,
        "normalized": model.name,
        "remapped": model.requested != model.name,
        "promptFamily": known.map(|known| known.family.word()),
        "capabilities": known.map(|known| json!({
            "toolSearch": known.tool_search,
            "computerUse": known.computer_use,
            "compaction": known.compaction,
        })),
    })
}

fn census(facts: &Facts) -> Value {
    let count = |is: &dyn Fn(&Account) -> bool| facts.roster.accounts.iter().filter(|one| is(one)).count();
    json!({
        "total": facts.roster.accounts.len(),
        "enabled": count(&Account::is_on),
        "disabled": count(&|one| !one.is_on()),
        "coolingDown": count(&|one| one.cooling_until(facts.at).is_some()),
        "rateLimited": count(&|one| {
            pool::is_limited(facts, one) || one.limits.values().any(|until| *until > facts.at)
        }),
    })
}

/// What live proxies tell; `null` when none runs.
fn runtime(facts: &Facts) -> Value {
    if facts.peers.is_empty() {
        return Value::Null;
    }
    let proxies: Vec<Value> = facts
        .peers
        .iter()
        .map(|peer| {
            json!({
                "pid": peer.peer.pid,
                "kind": peer.peer.kind,
                "port": peer.peer.port,
                "sessions": peer.sessions.len(),
                "turns": peer.turns.len(),
            })
        })
        .collect();
    json!({ "proxies": proxies })
}

/// The text, and the file that was asked for.
pub(super) fn printed(outcome: &Outcome, told: &Forecasted, reporting: &Reporting) -> Printed {
    let facts = &told.facts;
    let mut out = String::new();
    let _ = writeln!(out, "Report of {}", calendar::rfc3339(facts.at));
    let _ = writeln!(out, "Storage: {} ({})", facts.storage_path, facts.health.word());
    if let Some(model) = &told.forecasting.model {
        let _ = writeln!(out, "Model: {}", model.name);
    }
    if told.forecasting.live {
        let _ = writeln!(
            out,
            "Live check: {} asked about, {}",
            text::count(told.considered, "account", "accounts"),
            text::count(usize::try_from(told.calls.usage).unwrap_or(usize::MAX), "request", "requests")
        );
    }
    let census = census(facts);
    let number = |name: &str| census.get(name).and_then(Value::as_u64).unwrap_or(0);
    let _ = writeln!(
        out,
        "Accounts: {} total, {} enabled, {} disabled, {} cooling down, {} rate-limited",
        number("total"),
        number("enabled"),
        number("disabled"),
        number("coolingDown"),
        number("rateLimited")
    );
    let summary = told.forecast.summary();
    let _ = writeln!(
        out,
        "Forecast: {} ready | {} waiting | {} unavailable | {} high risk",
        summary.ready, summary.delayed, summary.unavailable, summary.high_risk
    );
    let best = told.forecast.selected().map(|one| forecast::name(facts, one));
    let _ = writeln!(out, "Best next account: {}", best.as_deref().unwrap_or("none"));
    let _ = writeln!(out, "Why: {}", told.forecast.reason);
    if told.forecasting.explain {
        for one in told.forecast.ranked() {
            let _ = writeln!(out, "  {}. {}", one.index + 1, forecast::name(facts, one));
            for reason in &one.reasons {
                let _ = writeln!(out, "     {:>+4}  {}", reason.points, reason.text);
            }
        }
    }
    if !told.notes.is_empty() {
        let _ = writeln!(out, "Live check notes: {}", told.notes.len());
    }
    let running = text::count(facts.peers.len(), "proxy", "proxies");
    let _ = writeln!(out, "Running: {running}");
    if let Some(path) = &reporting.out {
        let _ = writeln!(out, "Report written: {}", path.display());
    }
    let err = if outcome.exit == Exit::Network {
        text::problem(&forecast::offline())
    } else {
        pool::concern(facts, outcome.exit).map(|problem| text::problem(&problem)).unwrap_or_default()
    };
    Printed { out, err }
}
