//! `workspace`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::{Outcome, Seats};
use crate::base::redact;
use crate::base::text::clean;
use crate::domain::workspace::Workspace;
use crate::report::{json, switch, text};

/// The document.
pub(super) fn value(outcome: &Outcome, seats: &Seats) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    let workspaces: Vec<Value> = seats
        .workspaces
        .iter()
        .enumerate()
        .map(|(place, seat)| {
            json!({
                "number": place + 1,
                "id": redact::id(&seat.id),
                "name": seat.name,
                "current": seats.own == Some(place),
                "enabled": seat.enabled,
                "disabledAt": json::moment(seat.disabled_at),
                "default": seat.is_default,
                "informational": seat.is_informational(),
            })
        })
        .collect();
    json::extend(
        &mut members,
        json!({
            "account": json::named(&seats.account),
            "workspaces": workspaces,
            "changed": seats.switched.is_some(),
            "quota": seats
                .quota
                .as_ref()
                .map(|quota| json::quota(quota, seats.at, &text::quota(quota, seats.at))),
        }),
    );
    if let Some(Value::Object(more)) =
        seats.switched.as_ref().map(|switched| switch::switched_value(outcome, switched))
    {
        for (name, value) in more {
            members.entry(name).or_insert(value);
        }
    }
    Value::Object(members)
}

/// The text.
pub(super) fn printed(seats: &Seats) -> crate::report::Printed {
    if let Some(switched) = &seats.switched {
        let mut printed = switch::switched_text(switched);
        if let Some(quota) = &seats.quota {
            let _ = writeln!(printed.out, "Limits there: {}", text::quota(quota, seats.at));
        }
        return printed;
    }
    let mut out = format!("Account {} ({})\n", seats.account.number, seats.account.label);
    if seats.workspaces.is_empty() {
        out.push_str("No workspace is listed; the next sign-in lists them\n");
    }
    for (place, seat) in seats.workspaces.iter().enumerate() {
        let mark = if seats.own == Some(place) { '*' } else { '-' };
        let name = seat.name.as_deref().map_or_else(|| "unnamed".to_owned(), |name| clean(name).into_owned());
        let _ = writeln!(out, "  {mark} {}. {name} id:{}{}", place + 1, redact::id(&seat.id), words(seat));
    }
    if seats.workspaces.len() > 1 {
        let _ = writeln!(out, "Use one with: codex-multi-auth workspace {} <number>", seats.account.number);
    }
    crate::report::Printed { out, err: String::new() }
}

fn words(seat: &Workspace) -> String {
    let mut words = Vec::new();
    if seat.is_default {
        words.push("default");
    }
    if !seat.enabled {
        words.push("disabled");
    }
    if seat.is_informational() {
        words.push("platform organisation");
    }
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}
