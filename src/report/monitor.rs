//! `monitor`: what runs and what it used, in one document.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::models;
use crate::app::outcome::{Facts, Outcome};
use crate::base::calendar;
use crate::domain::account::Account;
use crate::domain::facts::{PeerStatus, SessionRow, TurnRow, TurnStatus, Via};
use crate::domain::label;
use crate::domain::model::table;
use crate::domain::usage::entry::{Ending, Entry};
use crate::report::{json, pool, rules, text};

/// The document.
pub(super) fn value(outcome: &Outcome, facts: &Facts) -> Value {
    let mut members = json::frame_of(outcome, facts, pool::concern(facts, outcome.exit).as_ref());
    let (project, root) = &facts.here;
    let profile = project.as_ref().and_then(|project| facts.governance.rules.profiles.get(project));
    let (available, all) = matrix(facts);
    let named = facts
        .quota
        .keys()
        .filter(|key| facts.roster.get(key).is_some_and(|account| account.workspace_id().is_some()));
    let by_id = named.count();
    json::extend(
        &mut members,
        json!({
            "project": {
                "projectKey": project,
                "projectRoot": root,
                "hasProfile": profile.is_some(),
                "budgetKey": profile.and_then(|profile| profile.budget_key.as_deref()),
            },
            "accounts": { "count": facts.roster.accounts.len(), "policyCount": facts.policies.0.len() },
            "runtime": runtime(facts),
            "usage": usage(&facts.usage),
            "budgetGuardCount": facts.governance.rules.budgets.len(),
            "routingProfile": profile.map(rules::stored_profile),
            "modelMatrix": {
                "models": table::ALL.iter().map(|model| model.name).collect::<Vec<_>>(),
                "entries": all,
                "available": available,
                "unavailable": all - available,
            },
            "quotaCache": { "byAccountId": by_id, "byEmail": facts.quota.len() - by_id },
            "proxies": facts.peers.iter().map(|peer| proxy(facts, peer)).collect::<Vec<_>>(),
        }),
    );
    Value::Object(members)
}

/// How many pairs of account and model can be served now, and how many there are.
fn matrix(facts: &Facts) -> (usize, usize) {
    let accounts = &facts.roster.accounts;
    let pairs = accounts.iter().flat_map(|account| table::ALL.iter().map(move |model| (account, model)));
    let is_available = |account: &Account, model: &str| {
        let seen = facts.capabilities.of(&account.key, model);
        models::reasons(account, facts.quota.get(&account.key), seen, facts.at).is_empty()
    };
    let available = pairs.filter(|(account, model)| is_available(account, model.name)).count();
    (available, accounts.len() * table::ALL.len())
}

/// Sums over all live proxies under the names of the persisted snapshot (commands.md §6.3); `null` without one.
fn runtime(facts: &Facts) -> Value {
    if facts.peers.is_empty() {
        return Value::Null;
    }
    let sum = |pick: fn(&PeerStatus) -> u64| facts.peers.iter().map(pick).sum::<u64>();
    let newest = pool::in_use(facts);
    json!({
        "version": 1,
        "updatedAt": facts.at.millis(),
        "responsesRequests": sum(|peer| peer.pulse.total),
        "authRefreshRequests": sum(|peer| peer.pulse.refreshes),
        "diagnosticProbeRequests": 0,
        "lastAccountIndex": newest.map(|(index, _)| index),
        "lastAccountLabel": newest.map(|(index, account)| label::account_label(account, index + 1)),
        "lastAccountUpdatedAt": json::moment(facts.peers.iter().filter_map(|peer| peer.pulse.last_account_at).max()),
        "runtimeMetrics": {
            "startedAt": json::moment(facts.peers.iter().map(|peer| peer.pulse.started_at).min()),
            "totalRequests": sum(|peer| peer.pulse.total),
            "successfulRequests": sum(|peer| peer.pulse.ok),
            "failedRequests": sum(|peer| peer.pulse.failed),
            "responsesRequests": sum(|peer| peer.pulse.total),
            "authRefreshRequests": sum(|peer| peer.pulse.refreshes),
            "outboundRequestAttemptsConsumed": sum(|peer| peer.pulse.upstream),
            "accountRotations": sum(|peer| peer.pulse.rotated),
            "sameAccountRetries": sum(|peer| peer.pulse.retries),
            "lastError": facts.peers.iter().find_map(|peer| peer.pulse.last_error.as_deref()),
        },
    })
}

#[derive(Default)]
struct Totals {
    requests: u64,
    successes: u64,
    failures: u64,
    blocked: u64,
    cancelled: u64,
    input: u64,
    output: u64,
    cached: u64,
    reasoning: u64,
    tokens: u64,
    cost: f64,
}

impl Totals {
    fn of<'a>(rows: impl Iterator<Item = &'a Entry>) -> Self {
        let mut totals = Self::default();
        for row in rows {
            totals.requests += 1;
            match row.ending {
                Ending::Success => totals.successes += 1,
                Ending::Failure => totals.failures += 1,
                Ending::Blocked => totals.blocked += 1,
                Ending::Cancelled => totals.cancelled += 1,
            }
            totals.input += row.tokens.input;
            totals.output += row.tokens.output;
            totals.cached += row.tokens.cached;
            totals.reasoning += row.tokens.reasoning;
            totals.tokens += row.tokens.total;
            totals.cost += row.cost.unwrap_or_default();
        }
        totals
    }

    fn value(&self, key: &str) -> Value {
        json!({
            "key": key,
            "requests": self.requests,
            "successes": self.successes,
            "failures": self.failures,
            "blocked": self.blocked,
            "cancelled": self.cancelled,
            "inputTokens": self.input,
            "outputTokens": self.output,
            "cachedInputTokens": self.cached,
            "reasoningTokens": self.reasoning,
            "totalTokens": self.tokens,
            "costUsd": self.cost,
        })
    }
}

fn usage(rows: &[Entry]) -> Value {
    let endings = [
        ("blocked", Ending::Blocked),
        ("cancelled", Ending::Cancelled),
        ("failure", Ending::Failure),
        ("success", Ending::Success),
    ];
    let buckets: Vec<Value> = endings
        .into_iter()
        .map(|(key, ending)| (key, Totals::of(rows.iter().filter(|row| row.ending == ending))))
        .filter(|(_, totals)| totals.requests > 0)
        .map(|(key, totals)| totals.value(key))
        .collect();
    json!({
        "since": json::moment(rows.first().map(|row| row.at)),
        "until": json::moment(rows.last().map(|row| row.at)),
        "by": "outcome",
        "totals": Totals::of(rows.iter()).value("total"),
        "buckets": buckets,
    })
}

fn proxy(facts: &Facts, peer: &PeerStatus) -> Value {
    json!({
        "pid": peer.peer.pid,
        "kind": peer.peer.kind,
        "port": peer.peer.port,
        "codexHome": peer.peer.codex_home,
        "startedAt": peer.pulse.started_at.millis(),
        "requests": peer.pulse.total,
        "inFlight": peer.pulse.in_flight,
        "sockets": peer.pulse.sockets,
        "rotations": peer.pulse.rotated,
        "sessions": peer.sessions.iter().map(|row| session(facts, row)).collect::<Vec<_>>(),
        "turns": peer.turns.iter().map(|row| turn(facts, row)).collect::<Vec<_>>(),
    })
}

fn session(facts: &Facts, row: &SessionRow) -> Value {
    json!({
        "id": row.id,
        "kind": row.kind,
        "transport": via(row.via),
        "account": row.account.as_ref().and_then(|key| account(facts, key)),
        "turns": row.turns,
        "tokens": row.tokens,
        "startedAt": row.since.millis(),
        "lastActivity": row.last.millis(),
        "inFlight": row.in_turn,
        "lastMove": row.moved.as_ref().map(|(_, at, why)| json!({ "at": at.millis(), "reason": why })),
    })
}

fn turn(facts: &Facts, row: &TurnRow) -> Value {
    json!({
        "id": row.id,
        "at": row.at.millis(),
        "account": row.account.as_ref().and_then(|key| account(facts, key)),
        "model": row.model,
        "transport": via(row.via),
        "status": status(&row.status),
        "tookMs": row.took.map(crate::base::Span::as_millis),
        "firstByteMs": row.first_byte.map(crate::base::Span::as_millis),
        "totalTokens": row.tokens.as_ref().map(|tokens| tokens.total),
        "session": row.session,
        "turn": row.turn,
        "note": row.note,
    })
}

fn account(facts: &Facts, key: &crate::domain::account::AccountKey) -> Option<Value> {
    let (index, account) = pool::position(facts, key)?;
    Some(json!({
        "number": index + 1,
        "accountRef": key.as_str(),
        "label": label::account_label(account, index + 1),
    }))
}

const fn via(via: Via) -> &'static str {
    match via {
        Via::Ws => "ws",
        Via::Http => "http",
        Via::Bridge => "bridge",
    }
}

fn status(status: &TurnStatus) -> String {
    match status {
        TurnStatus::Running => "running".to_owned(),
        TurnStatus::Ok => "ok".to_owned(),
        TurnStatus::Status(code) => code.to_string(),
        TurnStatus::Limit => "limit".to_owned(),
        TurnStatus::Warm => "warm".to_owned(),
        TurnStatus::Cut => "cut".to_owned(),
        TurnStatus::Net => "network".to_owned(),
        TurnStatus::Gone => "gone".to_owned(),
    }
}

/// The text.
pub(super) fn text(facts: &Facts) -> String {
    let mut out = String::from("Monitor\n");
    if let Some(scenario) = &facts.demo {
        let _ = writeln!(out, "Rehearsal: {scenario} (nothing of yours is read or written)");
    }
    let ready = pool::rows(facts).iter().filter(|row| row.state.is_usable()).count();
    let _ = writeln!(out, "Accounts: {} ({ready} ready)", facts.roster.accounts.len());
    let totals = Totals::of(facts.usage.iter());
    let _ = writeln!(
        out,
        "Usage, 24 hours: {}, {} ok, {} failed, {} tokens",
        text::count(usize::try_from(totals.requests).unwrap_or(usize::MAX), "request", "requests"),
        totals.successes,
        totals.failures,
        totals.tokens
    );
    let _ = writeln!(out, "Budgets: {}", facts.governance.rules.budgets.len());
    let (available, all) = matrix(facts);
    let _ = writeln!(out, "Models: {available} of {all} pairs of account and model are available");
    let _ = writeln!(out, "Quota cache: {}", text::count(facts.quota.len(), "account", "accounts"));
    if facts.peers.is_empty() {
        out.push_str("Runtime: no proxy runs\n");
    }
    for peer in &facts.peers {
        let _ = writeln!(
            out,
            "Runtime: {} on port {} (pid {}), responses={}, refresh={}, failures={}, rotations={}",
            peer.peer.kind,
            peer.peer.port,
            peer.peer.pid,
            peer.pulse.total,
            peer.pulse.refreshes,
            peer.pulse.failed,
            peer.pulse.rotated,
        );
        for row in &peer.sessions {
            session_line(facts, row, &mut out);
        }
        for row in peer.turns.iter().rev().take(8) {
            turn_line(facts, row, &mut out);
        }
    }
    out
}

fn session_line(facts: &Facts, row: &SessionRow, out: &mut String) {
    let _ = writeln!(
        out,
        "  session {} {} {} {} {}, {} ago",
        row.id,
        row.kind,
        via(row.via),
        who(facts, row.account.as_ref()),
        text::count(usize::try_from(row.turns).unwrap_or(usize::MAX), "turn", "turns"),
        calendar::long(facts.at.since(row.last)),
    );
}

fn turn_line(facts: &Facts, row: &TurnRow, out: &mut String) {
    let took = row.took.map(calendar::took).unwrap_or_default();
    let line = format!(
        "  turn {} ago {} {} {} {took} {}",
        calendar::long(facts.at.since(row.at)),
        status(&row.status),
        who(facts, row.account.as_ref()),
        row.model.as_deref().unwrap_or("–"),
        row.note,
    );
    let _ = writeln!(out, "{}", line.trim_end());
}

fn who(facts: &Facts, key: Option<&crate::domain::account::AccountKey>) -> String {
    key.and_then(|key| pool::position(facts, key))
        .map_or_else(|| "–".to_owned(), |(index, account)| label::short_name(account, index + 1).into_owned())
}
