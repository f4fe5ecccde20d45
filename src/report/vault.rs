//! `backup …`, `export`, `import`, `account …` and `flagged …`. Never a token, not even part.

mod found;
mod sync;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::vault::{Changed, Following, Told};
use crate::app::outcome::{Mirrored, Named, Outcome};
use crate::base::{Moment, calendar, text as plain};
use crate::domain::account::Switch;
use crate::domain::backup::{Backup, State};
use crate::domain::problem::{Exit, Problem};
use crate::domain::vault::{Cleared, Flagged, Imported, Run};
use crate::report::{Printed, json, text};

/// The document.
pub(super) fn value(outcome: &Outcome, told: &Told) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    if let Some(problem) = trouble(outcome.exit, told) {
        members.insert("error".to_owned(), json::error_value(&problem));
    }
    let more = match told {
        Told::Listed(all, _) => json!({ "backups": all.iter().map(backup_value).collect::<Vec<_>>() }),
        Told::Verified(all, _) => match all.as_slice() {
            [one] => json!({ "backup": backup_value(one), "changed": false }),
            all => json!({ "backups": all.iter().map(backup_value).collect::<Vec<_>>(), "changed": false }),
        },
        Told::Compared(backup, difference) => json!({
            "backup": backup_value(backup),
            "same": difference.same,
            "onlyHere": difference.only_here,
            "onlyThere": difference.only_there,
            "olderTokens": difference.older_tokens,
            "newerTokens": difference.newer_tokens,
        }),
        Told::Created(backup) | Told::Deleted(backup) => {
            json!({ "backup": backup_value(backup), "changed": true })
        }
        Told::Restored(restored, following) => json!({
            "backup": backup_value(&restored.from),
            "changed": true,
            "replaced": restored.replaced,
            "newerTokensKept": restored.newer_kept,
            "before": restored.before.as_ref().map(backup_value),
            "account": following.active.as_ref().map(json::named),
            "synced": matches!(
                following.mirrored,
                Some(Mirrored::Written | Mirrored::WrittenBeside(_) | Mirrored::Unchanged)
            ),
            "syncDeferred": following.mirrored == Some(Mirrored::Deferred),
            "warnings": warnings(following),
        }),
        Told::Exported(path, accounts) => {
            json!({ "path": path.to_string_lossy(), "accounts": accounts, "changed": true })
        }
        Told::Imported(imported) => imported_value(imported),
        Told::Found(haul) => found::value(haul),
        Told::Removed(named, removed) => json!({
            "account": json::named(named),
            "changed": true,
            "backup": removed.before.path.to_string_lossy(),
            "revoked": false,
        }),
        Told::Cleared(cleared) => json!({
            "account": null,
            "removed": cleared.accounts,
            "unreadable": cleared.unreadable,
            "changed": true,
            "backup": cleared.before.as_ref().map(|backup| backup.path.to_string_lossy()),
            "revoked": false,
            "left": cleared.left,
        }),
        Told::Back => json!({ "changed": true }),
        Told::Switched(named, switch, changed) => json!({
            "account": json::named(named),
            "enabled": *switch == Switch::On,
            "changed": *changed == Changed::Yes,
        }),
        Told::Labelled(named, changed) => {
            json!({ "account": json::named(named), "changed": *changed == Changed::Yes })
        }
        Told::Flagged(all, _) => json!({ "accounts": all.iter().map(flagged_value).collect::<Vec<_>>() }),
        Told::Unflagged(all) => {
            json!({ "removed": all.iter().map(flagged_value).collect::<Vec<_>>(), "changed": !all.is_empty() })
        }
        Told::Synced(synced) => sync::value(synced),
        Told::MovedToFlagged(all) => {
            json!({ "flagged": all.iter().map(flagged_value).collect::<Vec<_>>(), "changed": !all.is_empty() })
        }
    };
    json::extend(&mut members, more);
    Value::Object(members)
}

/// The text.
pub(super) fn printed(outcome: &Outcome, told: &Told) -> Printed {
    let mut err = String::new();
    let out = match told {
        Told::Listed(all, at) | Told::Verified(all, at) => table(all, *at),
        Told::Compared(backup, difference) => format!(
            "{}: {} in both, {} only in the pool, {} only in the backup\n",
            backup.name,
            difference.same.len(),
            difference.only_here.len(),
            difference.only_there.len()
        ),
        Told::Created(backup) => {
            format!(
                "Backup {} made: {}\n  {}\n",
                backup.name,
                accounts(backup.accounts),
                backup.path.display()
            )
        }
        Told::Deleted(backup) => format!("Backup {} deleted\n", backup.name),
        Told::Restored(restored, following) => {
            for warning in warnings(following) {
                let _ = writeln!(err, "Warning: {warning}");
            }
            let mut out = format!("Restored {}: {}\n", restored.from.name, accounts(restored.from.accounts));
            if restored.newer_kept > 0 {
                let kept = text::count(
                    restored.newer_kept,
                    "account keeps its newer tokens",
                    "accounts keep their newer tokens",
                );
                let _ = writeln!(out, "{kept}");
            }
            before(&mut out, restored.before.as_ref());
            out
        }
        Told::Exported(path, count) => format!(
            "Exported {} to {}\nThe file holds tokens: keep it as you keep passwords\n",
            accounts(*count),
            path.display()
        ),
        Told::Imported(imported) => imported_text(imported),
        Told::Found(haul) => found::text(haul),
        Told::Removed(named, removed) => {
            let mut out = format!("Deleted account {} ({})\n", named.number, named.label);
            before(&mut out, Some(&removed.before));
            out
        }
        Told::Cleared(cleared) => cleared_text(cleared),
        Told::Back => "The account is back\n".to_owned(),
        Told::Switched(named, switch, changed) => {
            let word = if *switch == Switch::On { "on" } else { "off" };
            let news = if *changed == Changed::Yes { "is" } else { "was already" };
            format!("Account {} ({}) {news} {word}\n", named.number, named.label)
        }
        Told::Labelled(named, _) => format!("Account {} is called {}\n", named.number, named.label),
        Told::Flagged(all, at) => flagged_table(all, *at),
        Told::Unflagged(all) => format!("Deleted {} from the flagged pool\n", accounts(all.len())),
        Told::Synced(synced) => sync::text(synced),
        Told::MovedToFlagged(all) => format!("Set {} aside until a new sign-in\n", accounts(all.len())),
    };
    if let Some(problem) = trouble(outcome.exit, told) {
        err.push_str(&text::problem(&problem));
    }
    Printed { out, err }
}

/// What a verification found wrong.
fn trouble(exit: Exit, told: &Told) -> Option<Problem> {
    if let Told::Synced(synced) = told {
        return sync::trouble(exit, synced);
    }
    let Told::Verified(all, _) = told else { return None };
    let bad: Vec<&Backup> = all.iter().filter(|backup| !backup.is_good()).collect();
    match (exit, bad.as_slice()) {
        (Exit::Ok, _) | (_, []) => None,
        (_, [one, ..]) if all.len() == 1 => Some(Problem::new(
            "backup-invalid",
            exit,
            format!("{} cannot be restored: {}", one.name, state(one)),
        )),
        (_, bad) => {
            let names: Vec<&str> = bad.iter().map(|backup| backup.name.as_str()).collect();
            Some(Problem::new(
                "checks-failed",
                exit,
                format!("these cannot be restored: {}", names.join(", ")),
            ))
        }
    }
}

fn backup_value(backup: &Backup) -> Value {
    json!({
        "name": backup.name,
        "path": backup.path.to_string_lossy(),
        "accounts": backup.accounts,
        "bytes": backup.bytes,
        "mtime": backup.modified.millis(),
        "valid": backup.is_good(),
        "kind": backup.kind.word(),
    })
}

fn imported_value(imported: &Imported) -> Value {
    let row = |row: &crate::domain::vault::ImportedRow| {
        json!({
            "number": row.number,
            "accountRef": row.key.as_str(),
            "label": row.label,
            "action": row.action.word(),
        })
    };
    json!({
        "dryRun": imported.run == Run::Dry,
        "path": imported.from.to_string_lossy(),
        "imported": imported.added,
        "skipped": imported.skipped,
        "updated": imported.updated(),
        "total": imported.total,
        "changed": imported.before.is_some() || (imported.run == Run::Real && imported.added > 0),
        "backup": imported.before.as_ref().map(|backup| backup.path.to_string_lossy()),
        "accounts": imported.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn flagged_value((named, one): &(Named, Flagged)) -> Value {
    let mut value = json::named(named);
    if let Value::Object(members) = &mut value {
        members.insert("flaggedAt".to_owned(), json!(one.at.millis()));
        members.insert("reason".to_owned(), json!(one.reason));
        members.insert("lastError".to_owned(), json!(one.error));
    }
    value
}

fn imported_text(imported: &Imported) -> String {
    let verb = if imported.run == Run::Dry { "Would import" } else { "Imported" };
    let update = if imported.run == Run::Dry { "update" } else { "updated" };
    let updated = match imported.updated() {
        0 => String::new(),
        updated => format!(" and {update} {updated}"),
    };
    let mut out = format!(
        "{verb} {}{updated}; {} known already; {} in the pool\n",
        accounts(imported.added),
        imported.known(),
        imported.total
    );
    for row in &imported.rows {
        let _ = writeln!(out, "  {:<8} {}", row.action.word(), row.label);
    }
    before(&mut out, imported.before.as_ref());
    out
}

fn cleared_text(cleared: &Cleared) -> String {
    let mut out = match &cleared.unreadable {
        Some(_) => format!("{}\n", cleared.words()),
        None => format!("Deleted all {}\n", accounts(cleared.accounts)),
    };
    if let Some(backup) = &cleared.before {
        let _ = writeln!(out, "Put them back with `codex-multi-auth backup restore {}`", backup.name);
    }
    if !cleared.left.is_empty() {
        out.push_str("Tokens are still in:\n");
        for place in &cleared.left {
            let _ = writeln!(out, "  {place}");
        }
    }
    out
}

fn before(out: &mut String, backup: Option<&Backup>) {
    if let Some(backup) = backup {
        let _ = writeln!(out, "The pool from before is the backup {}", backup.name);
    }
}

fn warnings(following: &Following) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(why) = &following.refresh_warning {
        warnings.push(format!("the tokens could not be refreshed: {why}"));
    }
    match &following.mirrored {
        Some(Mirrored::Skipped(why)) => {
            warnings.push(format!("the official CLI's login stays as it is: {why}"));
        }
        Some(Mirrored::Failed(why)) => {
            warnings.push(format!("the official CLI's login could not be written: {why}"));
        }
        Some(Mirrored::WrittenBeside(store)) => warnings.push(crate::report::switch::other_store(store)),
        Some(Mirrored::Written | Mirrored::Unchanged | Mirrored::Deferred) | None => {}
    }
    warnings
}

fn table(all: &[Backup], at: Moment) -> String {
    if all.is_empty() {
        return "No backups yet\n".to_owned();
    }
    let width = all.iter().map(|backup| plain::width(&backup.name)).max().unwrap_or(0).max(4);
    let mut out = format!("{}  ACCOUNTS     AGE    SIZE  KIND      STATE\n", plain::pad_right("NAME", width));
    for backup in all {
        let accounts = if backup.is_good() { backup.accounts.to_string() } else { "–".to_owned() };
        let age = calendar::short(at.since(backup.modified));
        let size = size(backup.bytes);
        let _ = writeln!(
            out,
            "{}  {accounts:>8}  {age:>6}  {size:>6}  {:<8}  {}",
            plain::pad_right(&backup.name, width),
            backup.kind.word(),
            state(backup)
        );
    }
    out
}

fn flagged_table(all: &[(Named, Flagged)], at: Moment) -> String {
    if all.is_empty() {
        return "No account is flagged\n".to_owned();
    }
    let mut out = String::new();
    for (named, one) in all {
        let reason = one.reason.as_deref().unwrap_or("no reason recorded");
        let since = calendar::long(at.since(one.at));
        let _ = writeln!(out, "{}. {}  {reason}, {since} ago", named.number, named.label);
        if let Some(error) = &one.error {
            let _ = writeln!(out, "   {}", crate::base::redact::text(error));
        }
    }
    out
}

fn state(backup: &Backup) -> String {
    match &backup.state {
        State::Good => "good".to_owned(),
        State::Empty => "no accounts".to_owned(),
        State::Damaged(why) => format!("damaged: {why}"),
        State::Newer(version) => format!("of a newer version (format {version})"),
    }
}

fn accounts(number: usize) -> String {
    text::count(number, "account", "accounts")
}

/// `5 K`, `1.2 M`
fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} K", bytes.div_ceil(1_024)),
        _ => format!("{}.{} M", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}
