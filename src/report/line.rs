//! `status --line`: one line for tmux and shell prompts (dashboard.md §12.11).

use serde_json::{Value, json};

use crate::app::outcome::{Facts, Outcome};
use crate::base::{Span, calendar};
use crate::domain::account::Account;
use crate::domain::label;
use crate::report::{json, pool};

/// Rate of requests is counted over this long.
const RECENT: Span = Span::minutes(1);

/// `alpha 62%·1h19m 49%·2d03h │ 2/6 ready │ ● proxy 1/min`
pub(super) fn text(facts: &Facts) -> String {
    format!("{}\n", parts(facts).join(" │ "))
}

/// The line and its parts.
pub(super) fn value(outcome: &Outcome, facts: &Facts) -> Value {
    let concern = pool::concern(facts, outcome.exit);
    let mut members = json::frame_of(outcome, facts, concern.as_ref());
    let rows = pool::rows(facts);
    json::extend(
        &mut members,
        json!({
            "line": parts(facts).join(" │ "),
            "ready": rows.iter().filter(|row| row.state.is_usable()).count(),
            "accountCount": rows.len(),
            "proxies": facts.peers.len(),
        }),
    );
    Value::Object(members)
}

fn parts(facts: &Facts) -> Vec<String> {
    if facts.trouble.is_some() {
        return vec!["accounts cannot be read".to_owned()];
    }
    if facts.roster.accounts.is_empty() {
        return vec!["no accounts".to_owned()];
    }
    let rows = pool::rows(facts);
    let ready = rows.iter().filter(|row| row.state.is_usable()).count();
    let mut parts = vec![subject(facts), format!("{ready}/{} ready", rows.len())];
    if !facts.peers.is_empty() {
        let recent = facts
            .peers
            .iter()
            .flat_map(|peer| &peer.turns)
            .filter(|turn| turn.at <= facts.at && facts.at.since(turn.at) <= RECENT)
            .count();
        parts.push(format!("● proxy {recent}/min"));
    }
    parts
}

/// The account in use, else the one that serves next, else the selected one, with what it has left.
fn subject(facts: &Facts) -> String {
    let active = || facts.roster.active.as_ref().and_then(|key| pool::position(facts, key));
    let shown = pool::in_use(facts)
        .or_else(|| pool::next(facts).map(|(index, account, _)| (index, account)))
        .or_else(active);
    let Some((index, account)) = shown else { return "nobody".to_owned() };
    let name = if facts.settings.show_emails {
        label::name(account, index + 1)
    } else {
        label::short_name(account, index + 1)
    };
    let mut words = vec![name.into_owned()];
    words.extend(windows(facts, account));
    words.join(" ")
}

fn windows(facts: &Facts, account: &Account) -> Vec<String> {
    let Some(quota) = facts.quota.get(&account.key) else { return Vec::new() };
    quota
        .windows()
        .filter_map(|window| {
            let left = window.left(facts.at)?.rounded();
            let reset = window.resets_at.filter(|reset| *reset > facts.at);
            Some(match reset {
                Some(reset) => format!("{left}%·{}", calendar::short(facts.at.until(reset))),
                None => format!("{left}%"),
            })
        })
        .collect()
}
