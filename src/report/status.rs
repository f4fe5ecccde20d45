//! `status` and `list`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::{Facts, Outcome};
use crate::domain::account::Account;
use crate::domain::recovery::Health;
use crate::formats::status_row::StatusRow;
use crate::report::pool::{self, Row};
use crate::report::{json, text};

/// The document as a tree.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method is not general enough over its lifetime"
)]
pub(super) fn value(outcome: &Outcome, facts: &Facts) -> Value {
    let rows = pool::each(facts).map(|row| with_account(facts, &row, |row| row.to_value()));
    frame(outcome, facts, &rows.collect::<Vec<_>>())
}

/// The document as text, in pieces; its rows are written one by one.
pub(super) fn document(outcome: &Outcome, facts: &Facts, out: &mut dyn FnMut(&[u8])) {
    const EMPTY: &str = "\n  \"accounts\": []";
    let frame = json::pretty(&frame(outcome, facts, &[]));
    let Some((head, tail)) = frame.split_once(EMPTY).filter(|_| !facts.roster.accounts.is_empty()) else {
        out(frame.as_bytes());
        return;
    };
    let mut piece = Vec::with_capacity(PIECE + PIECE / 4);
    piece.extend_from_slice(head.as_bytes());
    piece.extend_from_slice(b"\n  \"accounts\": [\n");
    let last = facts.roster.accounts.len();
    for row in pool::each(facts) {
        with_account(facts, &row, |row| row.print(&mut piece));
        piece.extend_from_slice(if row.number == last { b"\n" } else { b",\n" });
        // A piece ends with a line, so that a line buffer behind it keeps nothing back.
        if piece.len() >= PIECE {
            out(&piece);
            piece.clear();
        }
    }
    piece.extend_from_slice(b"  ]");
    piece.extend_from_slice(tail.as_bytes());
    out(&piece);
}

/// Length of a piece: large enough that writing it costs little, small enough to stay out of the way.
const PIECE: usize = 1 << 15;

fn frame(outcome: &Outcome, facts: &Facts, rows: &[Value]) -> Value {
    let concern = pool::concern(facts, outcome.exit);
    let mut members = json::frame_of(outcome, facts, concern.as_ref());
    let next = pool::next(facts);
    let index_of = |key: Option<&crate::domain::account::AccountKey>| {
        key.and_then(|key| pool::position(facts, key)).map(|(index, _)| index)
    };
    json::extend(
        &mut members,
        json!({
            "storagePath": facts.storage_path,
            "storageHealth": facts.health.word(),
            "accountCount": facts.roster.accounts.len(),
            "activeIndex": index_of(facts.roster.active.as_ref()),
            "pinnedAccountIndex": index_of(facts.roster.pin.as_ref()),
            "recommendedIndex": next.map(|(index, ..)| index),
            "recommendationReason": next.map(|(_, _, decision)| pool::rule_text(decision)),
            "runtimeInUseIndex": pool::in_use(facts).map(|(index, _)| index),
            "accounts": rows,
            "storage": storage(facts),
            "scope": {
                "kind": if facts.project.is_some() { "project" } else { "global" },
                "projectKey": facts.project,
            },
            "recovery": facts.recovery.as_ref().map(|recovery| json!({
                "source": recovery.source,
                "path": recovery.path,
                "accounts": recovery.accounts,
                "quarantined": recovery.quarantined,
            })),
            "overrides": { "upstream": facts.overrides.0, "auth": facts.overrides.1 },
            "backgroundCalls": {
                "limits": facts.background.limits,
                "refreshes": facts.background.refreshes,
                "probes": facts.background.probes,
                "updates": facts.background.updates,
                "since": facts.background.since.millis(),
            },
            "proxies": facts.peers.iter().map(|peer| json!({
                "pid": peer.peer.pid,
                "kind": peer.peer.kind,
                "port": peer.peer.port,
                "sessions": peer.sessions.len(),
                "peerCheck": peer.pulse.unseen.is_none(),
            })).collect::<Vec<_>>(),
            "next": next.map(|(index, account, decision)| json!({
                "number": index + 1,
                "accountRef": account.key.as_str(),
                "rule": decision.rule.word(),
            })),
        }),
    );
    if !facts.notes.is_empty() {
        members.insert("notes".to_owned(), json!(facts.notes));
    }
    Value::Object(members)
}

/// Storage health as commands.md §2.7 has it.
pub(super) fn storage(facts: &Facts) -> Value {
    let beside = facts.beside;
    let mut members = json!({
        "state": facts.health.word(),
        "path": facts.storage_path,
        "resetMarkerPath": format!("{}.reset-intent", facts.storage_path),
        "walPath": format!("{}.wal", facts.storage_path),
        "hasResetMarker": beside.reset_marker,
        "hasWal": beside.journal,
    });
    if let Some(members) = members.as_object_mut() {
        if let Some(details) = details(facts) {
            members.insert("details".to_owned(), json!(details));
        }
        if let Some(recovery) = facts.recovery.as_ref().filter(|recovery| recovery.replaces()) {
            members.insert("recoverySource".to_owned(), json!(recovery.source));
        }
    }
    members
}

/// What there is to say about the files beyond the state.
fn details(facts: &Facts) -> Option<String> {
    if let Some(problem) = &facts.trouble {
        return Some(problem.what.clone());
    }
    (!facts.beside.pool).then(|| "storage file is missing".to_owned())
}

fn with_account<R>(facts: &Facts, row: &Row<'_>, then: impl FnOnce(&StatusRow<'_>) -> R) -> R {
    let account = row.account;
    let quota = facts.quota.get(&account.key);
    then(&StatusRow {
        index: row.number - 1,
        number: row.number,
        account_ref: account.key.as_str(),
        label: &row.label,
        enabled: account.is_on(),
        current: row.markers.first().is_some_and(|marker| marker == "current" || marker == "selected"),
        markers: &row.markers,
        last_used: (account.last_used != crate::base::Moment::EPOCH).then(|| account.last_used.millis()),
        reason: row.reason(),
        state: row.state.word(),
        quota: quota.map(|quota| json::quota(quota, facts.at, &text::quota(quota, facts.at))),
        pinned: row.pinned,
        policy: facts.policies.of(account).map(crate::report::policy::policy),
        next_usable_at: row.usable_at().map(crate::base::Moment::millis),
    })
}

/// The text, in the order of commands.md §4.2.
pub(super) fn text(facts: &Facts) -> String {
    let mut out = String::new();
    if let Some(scenario) = &facts.demo {
        let _ = writeln!(out, "Rehearsal: {scenario} (nothing of yours is read or written)");
    }
    if facts.roster.accounts.is_empty() {
        let _ = writeln!(out, "{}", pool::empty_sentence(facts));
        let _ = writeln!(out, "Storage: {}", facts.storage_path);
        scope(facts, &mut out);
        let _ = writeln!(out, "Storage health: {}", pool::health_word(facts));
        for note in &facts.notes {
            let _ = writeln!(out, "Note: {note}");
        }
        if facts.trouble.is_none() {
            let _ = writeln!(out, "Add an account with `codex-multi-auth login`");
            if facts.beside.pool || facts.health == Health::IntentionalReset {
                let _ =
                    writeln!(out, "Accounts from before may be in a copy: `codex-multi-auth backup list`");
            }
            let _ = writeln!(out, "To look around without an account, run `codex-multi-auth --demo`");
        }
        return out;
    }
    head(facts, &mut out);
    out.push('\n');
    for row in pool::each(facts) {
        account_lines(facts, &row, &mut out);
    }
    out
}

fn head(facts: &Facts, out: &mut String) {
    let _ = writeln!(out, "Accounts ({})", facts.roster.accounts.len());
    let _ = writeln!(out, "Storage: {}", facts.storage_path);
    scope(facts, out);
    if let Some((index, _, decision)) = pool::next(facts) {
        let _ = writeln!(out, "Selection reason: account {} ({})", index + 1, pool::rule_text(decision));
    } else if facts.next.is_some() {
        let pinned = facts.roster.pin.as_ref().and_then(|key| facts.roster.index_of(key));
        let why = pinned.map_or_else(String::new, |index| {
            format!(
                ": account {} is pinned and cannot (`codex-multi-auth unpin` lets others serve)",
                index + 1
            )
        });
        let _ = writeln!(out, "Selection reason: nobody can serve the next request{why}");
    }
    let _ = writeln!(out, "Storage health: {}", pool::health_word(facts));
    if let Some(recovery) = facts.recovery.as_ref().filter(|recovery| recovery.accounts > 0) {
        let _ = writeln!(
            out,
            "{}: {} from the {} at {}",
            if recovery.replaces() { "Recovered" } else { "Merged" },
            text::count(recovery.accounts, "account", "accounts"),
            if recovery.replaces() { recovery.source } else { "older pool of this project" },
            recovery.path
        );
    }
    for (name, url) in [("upstream", &facts.overrides.0), ("auth", &facts.overrides.1)] {
        if let Some(url) = url {
            let _ = writeln!(out, "Override ({name}): {url}");
        }
    }
    for peer in &facts.peers {
        let _ = writeln!(
            out,
            "Runtime: {} on port {} (pid {}), responses={}, refresh={}, {}",
            peer.peer.kind,
            peer.peer.port,
            peer.peer.pid,
            peer.pulse.total,
            peer.pulse.refreshes,
            text::count(peer.sessions.len(), "session", "sessions"),
        );
        if let Some(why) = &peer.pulse.unseen {
            let _ = writeln!(out, "Peer check: off on port {}: {why}", peer.peer.port);
        }
    }
    let running = pool::in_use(facts);
    if let Some((index, _)) = running {
        let _ = writeln!(out, "Runtime in use: account {} (proxy)", index + 1);
    }
    if let Some((index, _)) = facts.roster.pin.as_ref().and_then(|pin| pool::position(facts, pin)) {
        let _ = writeln!(out, "Pinned: account {} (set by switch)", index + 1);
        if let Some((used, _)) = running.filter(|(used, _)| *used != index) {
            let _ =
                writeln!(out, "  the runtime still serves account {}; new turns move to the pin", used + 1);
        }
    }
    for note in &facts.notes {
        let _ = writeln!(out, "Note: {note}");
    }
}

/// Said only where it is not the usual one.
fn scope(facts: &Facts, out: &mut String) {
    if let Some(project) = &facts.project {
        let _ = writeln!(out, "Scope: project {project}");
    }
}

fn account_lines(facts: &Facts, row: &Row<'_>, out: &mut String) {
    let account = row.account;
    let markers = row.markers.iter().fold(String::new(), |mut text, marker| {
        let _ = write!(text, " [{marker}]");
        text
    });
    let used = text::last_used(account.last_used, facts.at);
    let quota = facts.quota.get(&account.key).map(|quota| text::quota(quota, facts.at)).unwrap_or_default();
    let quota = if quota.is_empty() { quota } else { format!(" | {quota}") };
    let _ = writeln!(out, "{}. {}{markers} {used}{quota}", row.number, row.label);
    if let Some(reason) = row.reason() {
        let _ = writeln!(out, "   reason: {reason}");
    }
    workspaces(account, out);
}

fn workspaces(account: &Account, out: &mut String) {
    if account.workspaces.len() < 2 {
        return;
    }
    out.push_str("   workspaces:\n");
    for (index, seat) in account.workspaces.iter().enumerate() {
        let mark = if index == account.current_workspace { '*' } else { '-' };
        let name = seat.name.as_ref().map(|name| format!("[{name}] ")).unwrap_or_default();
        let start = seat.id.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
        let tail = seat.id.get(start..).unwrap_or(&seat.id);
        let state = match (index == account.current_workspace, seat.enabled) {
            (true, true) => " (active)",
            (true, false) => " (active, disabled)",
            (false, true) => "",
            (false, false) => " (disabled)",
        };
        let _ = writeln!(out, "     {mark} {}. {name}id:{tail}{state}", index + 1);
    }
}
