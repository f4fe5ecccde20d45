//! `rotation …`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::rotation::{Lifted, Switch, Told};
use crate::app::outcome::{Facts, Outcome};
use crate::base::calendar;
use crate::domain::bind::standing::Standing;
use crate::domain::problem::Exit;
use crate::domain::rotation::{Acted, Helper, View};
use crate::domain::settings::Injection;
use crate::report::{Printed, json, pool, text};

/// The document.
pub(super) fn value(outcome: &Outcome, told: &Told) -> Value {
    match told {
        Told::Standing { view, facts, switch, acted } => {
            standing(outcome, view, facts, *switch, acted.as_ref())
        }
        Told::Limits(lifted) => limits(outcome, lifted),
        Told::Runtime(acted) => {
            let mut members = json::frame(outcome.command, outcome.exit);
            json::extend(
                &mut members,
                json!({
                    "resetVolatileRuntimeState": acted.changed,
                    "appBindRestarted": false,
                    "unbindStatus": null,
                    "bindStatus": null,
                    "acknowledged": acted.acknowledged,
                    "failed": acted.failed,
                }),
            );
            Value::Object(members)
        }
    }
}

fn standing(outcome: &Outcome, view: &View, facts: &Facts, switch: Switch, acted: Option<&Acted>) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    json::extend(
        &mut members,
        json!({
            "enabled": facts.settings.rotation,
            "stored": switch.stored,
            "envOverride": switch.variable,
            "injection": injection(facts),
            "hosts": facts.peers.iter().map(|peer| json!({
                "pid": peer.peer.pid,
                "kind": peer.peer.kind,
                "port": peer.peer.port,
                "codexHome": peer.peer.codex_home,
                "startedAt": peer.peer.started_at.millis(),
                "sessions": peer.sessions.len(),
            })).collect::<Vec<_>>(),
            "appHelper": view.helper.as_ref().map(helper),
            "bind": {
                "state": view.standing.word(),
                "mode": view.mode.map(crate::domain::bind::Mode::word),
                "port": view.port,
                "configPath": view.config.display().to_string(),
                "leaseUntil": json::moment(view.lease_until),
                "startup": view.startup.as_ref().map(|path| path.display().to_string()),
                "router": view.router.as_ref().map(helper),
                "trouble": view.trouble,
            },
            "service": {
                "installed": view.service.entry.is_some(),
                "running": view.service.running,
                "entry": view.service.entry.as_ref().map(|path| path.display().to_string()),
                "way": view.service.way,
            },
            "storagePath": facts.storage_path,
            "accounts": pool::each(facts).map(|row| json!({
                "number": row.number,
                "accountRef": row.account.key.as_str(),
                "label": row.label,
                "markers": row.markers,
            })).collect::<Vec<_>>(),
        }),
    );
    if let Some(acted) = acted {
        json::extend(
            &mut members,
            json!({
                "changed": acted.changed,
                "files": acted.files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
                "notes": acted.notes,
                "failed": acted.failed,
            }),
        );
    }
    Value::Object(members)
}

fn helper(helper: &Helper) -> Value {
    json!({
        "pid": helper.pid,
        "state": helper.state,
        "totalRequests": helper.total,
        "rotations": helper.rotations,
        "lastAccountLabel": helper.last,
    })
}

fn limits(outcome: &Outcome, lifted: &Lifted) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    json::extend(
        &mut members,
        json!({
            "dryRun": lifted.dry_run,
            "scope": if lifted.one { "account" } else { "all" },
            "storagePath": lifted.storage_path,
            "accountsScanned": lifted.scanned,
            "accountsChanged": lifted.rows.len(),
            "changes": lifted.rows.iter().map(|row| json!({
                "index": row.account.number - 1,
                "label": label(row.account.number, row.tail.as_deref()),
                "clearedRateLimitKeys": row.limits,
                "clearedCoolingDown": row.rest,
            })).collect::<Vec<_>>(),
            "proxiesTold": if lifted.dry_run || lifted.rows.is_empty() { 0 } else { lifted.proxies },
        }),
    );
    Value::Object(members)
}

fn label(number: usize, tail: Option<&str>) -> String {
    match tail {
        Some(tail) => format!("account {number} (id:***{tail})"),
        None => format!("account {number}"),
    }
}

fn injection(facts: &Facts) -> &'static str {
    match facts.settings.injection {
        Injection::BaseUrl => "base-url",
        Injection::Provider => "provider",
    }
}

/// The text.
pub(super) fn printed(outcome: &Outcome, told: &Told) -> Printed {
    match told {
        Told::Standing { view, facts, switch, acted: None } => {
            Printed { out: status(view, facts, *switch), err: String::new() }
        }
        Told::Standing { view, facts, acted: Some(acted), .. } => Printed {
            out: after(outcome, view, facts, acted),
            err: acted.failed.iter().fold(String::new(), |mut err, line| {
                let _ = writeln!(err, "Not done: {line}");
                err
            }),
        },
        Told::Limits(lifted) => Printed { out: lifted_text(lifted), err: String::new() },
        Told::Runtime(acted) => Printed {
            out: if acted.acknowledged.is_empty() {
                "No proxy runs; there is nothing to reset.\n".to_owned()
            } else {
                format!(
                    "{} forgot what it had learnt.\n",
                    text::count(acted.acknowledged.len(), "proxy", "proxies")
                )
            },
            err: acted.failed.iter().fold(String::new(), |mut err, line| {
                let _ = writeln!(err, "Not done: {line}");
                err
            }),
        },
    }
}

fn status(view: &View, facts: &Facts, switch: Switch) -> String {
    let mut out = String::new();
    let on = |on: bool| if on { "enabled" } else { "disabled" };
    let _ = writeln!(out, "Runtime rotation proxy: {}", on(facts.settings.rotation));
    let _ = writeln!(out, "Stored setting: {}", switch.stored.map_or("none (default enabled)", on));
    let _ = writeln!(out, "Env override: {}", switch.variable);
    let _ = writeln!(out, "Injection: {}", injection(facts));
    for peer in &facts.peers {
        let _ = writeln!(
            out,
            "Proxy: {} on port {} (pid {}), {}",
            peer.peer.kind,
            peer.peer.port,
            peer.peer.pid,
            text::count(peer.sessions.len(), "session", "sessions")
        );
    }
    match &view.helper {
        Some(helper) => {
            let _ = writeln!(out, "Codex app helper: {}", helper_text(helper));
        }
        None => out.push_str("Codex app helper: not running\n"),
    }
    bind_lines(view, &mut out);
    let service = match (&view.service.entry, view.service.running) {
        (Some(_), true) => "installed, running",
        (Some(_), false) => "installed, not running",
        (None, true) => "not installed, running",
        (None, false) => "not installed",
    };
    let _ = writeln!(out, "Service: {service} ({})", view.service.way);
    let _ = writeln!(out, "Storage: {}", facts.storage_path);
    let _ = writeln!(out, "Accounts: {}", facts.roster.accounts.len());
    for row in pool::each(facts) {
        let markers = row.markers.iter().fold(String::new(), |mut text, marker| {
            let _ = write!(text, " [{marker}]");
            text
        });
        let _ = writeln!(out, "  {}. {}{markers}", row.number, row.label);
    }
    out
}

fn helper_text(helper: &Helper) -> String {
    let last = helper.last.as_ref().map(|last| format!(", last {last}")).unwrap_or_default();
    format!("running (pid {}), requests={}, rotations={}{last}", helper.pid, helper.total, helper.rotations)
}

fn bind_lines(view: &View, out: &mut String) {
    let mode = view.mode.map(|mode| format!(", {}", mode.word())).unwrap_or_default();
    let port = view.port.map(|port| format!(", port {port}")).unwrap_or_default();
    let _ = writeln!(out, "App bind: {}{mode}{port}", view.standing.sentence());
    if let Some(trouble) = &view.trouble {
        let _ = writeln!(out, "  {trouble}");
    }
    if view.mode.is_some() || view.port.is_some() {
        let _ = writeln!(out, "  Config: {}", view.config.display());
    }
    if let Some(until) = view.lease_until {
        let _ = writeln!(out, "  Lease until: {}", calendar::rfc3339(until));
    }
    if let Some(entry) = &view.startup {
        let _ = writeln!(out, "  Start-up entry: {}", entry.display());
    }
    if let Some(router) = view.router.as_ref().filter(|router| router.state == "running") {
        let _ = writeln!(out, "  Router: {}", helper_text(router));
    }
    let hint = match view.standing {
        Standing::Orphaned => Some("Take it back: codex-multi-auth rotation unbind-app"),
        Standing::Binding | Standing::BoundDown => Some("The next start of any command mends it"),
        Standing::Legacy => Some(
            "Take it over: codex-multi-auth rotation bind-app; only remove it: codex-multi-auth doctor --fix",
        ),
        Standing::Bound | Standing::Unbound => None,
    };
    if let Some(hint) = hint {
        let _ = writeln!(out, "  {hint}");
    }
}

fn after(outcome: &Outcome, view: &View, facts: &Facts, acted: &Acted) -> String {
    let mut out = String::new();
    if outcome.exit == Exit::Ok && !acted.changed {
        if acted.files.is_empty() {
            out.push_str("Nothing was changed.\n");
        } else {
            out.push_str("Nothing was changed. It would touch:\n");
            for file in &acted.files {
                let _ = writeln!(out, "  {}", file.display());
            }
        }
    }
    let on = if facts.settings.rotation { "enabled" } else { "disabled" };
    let _ = writeln!(out, "Runtime rotation proxy: {on}");
    if outcome.command.starts_with("rotation service") {
        let installed = if view.service.entry.is_some() { "installed" } else { "not installed" };
        let running = if view.service.running { "running" } else { "not running" };
        let _ = writeln!(out, "Service: {installed}, {running} ({})", view.service.way);
    } else {
        bind_lines(view, &mut out);
    }
    for note in &acted.notes {
        let _ = writeln!(out, "{note}");
    }
    out
}

fn lifted_text(lifted: &Lifted) -> String {
    let mut out = String::new();
    if lifted.rows.is_empty() {
        out.push_str("No account is limited or resting; nothing to reset.\n");
        return out;
    }
    let verb = if lifted.dry_run { "Would reset" } else { "Reset" };
    let _ = writeln!(out, "{verb} {}:", text::count(lifted.rows.len(), "account", "accounts"));
    for row in &lifted.rows {
        let mut what = row.limits.clone();
        if row.rest {
            what.push("cooldown".to_owned());
        }
        let _ = writeln!(out, "  {}. {}: {}", row.account.number, row.account.label, what.join(", "));
    }
    if !lifted.dry_run && lifted.proxies > 0 {
        let _ = writeln!(out, "{} told.", text::count(lifted.proxies, "live proxy was", "live proxies were"));
    }
    out
}
