//! `history …`: kept sessions.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::Outcome;
use crate::app::outcome::history::Told;
use crate::base::text::{clean, truncate};
use crate::base::{Moment, calendar};
use crate::domain::history::{Migrated, Migration, Restored, Session};
use crate::report::{Printed, json};

/// The document.
pub(super) fn value(outcome: &Outcome, told: &Told) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    let more = match told {
        Told::Listed(sessions) => {
            json!({ "count": sessions.len(), "sessions": sessions.iter().map(row).collect::<Vec<_>>() })
        }
        Told::Shown(session) => {
            let mut row = row(session);
            if let Value::Object(row) = &mut row {
                row.insert("cliVersion".to_owned(), json!(session.cli_version));
                row.insert("messages".to_owned(), json!(session.messages));
            }
            row
        }
        Told::Migrated(how, migrated) => json!({
            "dryRun": how.dry_run,
            "found": migrated.found,
            "rewritten": migrated.rewritten,
            "rescued": migrated.rescued,
            "skippedCompressed": migrated.skipped_compressed,
            "indexFiles": migrated.index_files,
            "backup": migrated.backup.as_ref().map(|path| path.display().to_string()),
            "undone": false,
            "failed": migrated.failed,
        }),
        Told::Restored(restored) => json!({
            "dryRun": false,
            "found": restored.sessions,
            "rewritten": restored.sessions,
            "rescued": restored.rescued,
            "skippedCompressed": 0,
            "indexFiles": restored.index_files,
            "backup": restored.backup.display().to_string(),
            "undone": true,
            "failed": restored.failed,
        }),
    };
    json::extend(&mut members, more);
    Value::Object(members)
}

fn row(session: &Session) -> Value {
    json!({
        "id": session.id,
        "threadName": session.thread,
        "updatedAt": iso(session.updated),
        "provider": session.provider,
        "originator": session.originator,
        "cwd": session.cwd,
        "path": session.path.display().to_string(),
        "misfiled": session.is_misfiled(),
    })
}

fn iso(at: Moment) -> String {
    calendar::rfc3339(at)
}

/// The text.
pub(super) fn printed(told: &Told) -> Printed {
    match told {
        Told::Listed(sessions) => Printed { out: listed(sessions), err: String::new() },
        Told::Shown(session) => Printed { out: shown(session), err: String::new() },
        Told::Migrated(how, migrated) => {
            Printed { out: moved(*how, migrated), err: failures(&migrated.failed) }
        }
        Told::Restored(restored) => Printed { out: put_back(restored), err: failures(&restored.failed) },
    }
}

fn listed(sessions: &[Session]) -> String {
    let Some(first) = sessions.first() else {
        return "No sessions.\n".to_owned();
    };
    let mut out = String::new();
    for session in sessions {
        let at = iso(session.updated);
        let at = at.get(..16).unwrap_or(&at).replace('T', " ");
        let thread = truncate(&clean(&session.thread), 60, "…");
        let _ = write!(out, "{at}  {}  {thread}", session.id);
        if let Some(cwd) = &session.cwd {
            let _ = write!(out, "  {}", clean(cwd));
        }
        if let (true, Some(provider)) = (session.is_misfiled(), &session.provider) {
            let _ = write!(out, "  [{}]", clean(provider));
        }
        out.push('\n');
    }
    let _ = write!(out, "\nResume one: codex-multi-auth history resume {}\n", short(&first.id));
    if sessions.iter().any(Session::is_misfiled) {
        out.push_str(
            "Sessions marked [codex-multi-auth-runtime-proxy] are not in the official list; `codex-multi-auth history migrate --dry-run` says what would file them there.\n",
        );
    }
    out
}

fn short(id: &str) -> &str {
    // Ids begin with the time, so the first group alone is often shared.
    id.get(..13).unwrap_or(id)
}

fn shown(session: &Session) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "{name:<12}{}", clean(value));
    };
    line("session", &session.id);
    line("thread", &session.thread);
    line("updated", &iso(session.updated));
    for (name, value) in [
        ("provider", &session.provider),
        ("originator", &session.originator),
        ("folder", &session.cwd),
        ("made by", &session.cli_version),
    ] {
        if let Some(value) = value {
            line(name, value);
        }
    }
    line("file", &session.path.display().to_string());
    if !session.messages.is_empty() {
        out.push('\n');
        for message in &session.messages {
            let _ = writeln!(out, "> {}", clean(message));
        }
    }
    let _ = write!(out, "\nResume it: codex-multi-auth codex resume {}\n", session.id);
    out
}

fn moved(how: Migration, migrated: &Migrated) -> String {
    let mut out = String::new();
    let found = count(migrated.found, "session");
    if migrated.rescued > 0 {
        let verb = if how.dry_run { "would be moved" } else { "moved" };
        let rescued = count(migrated.rescued, "session");
        let _ = writeln!(out, "{rescued} {verb} from a temporary home of the original package into yours.");
    }
    if migrated.found == 0 && migrated.rescued > 0 {
        out.push_str("None has to be filed anew.\n");
    } else if migrated.found == 0 {
        out.push_str("No session of the original package is there; nothing to do.\n");
    } else if how.dry_run {
        let _ = writeln!(out, "{found} would be filed under the official provider. Nothing was changed.");
    } else {
        let _ = writeln!(out, "{} of {found} filed under the official provider.", migrated.rewritten);
    }
    if how.rebuild_index {
        let verb = if how.dry_run { "would go" } else { "went" };
        let _ = writeln!(
            out,
            "{} of the official CLI {verb} into the backup.",
            count(migrated.index_files, "index file")
        );
    }
    if migrated.skipped_compressed > 0 {
        let _ =
            writeln!(out, "{} left as they are.", count(migrated.skipped_compressed, "compressed session"));
    }
    if let Some(backup) = &migrated.backup {
        let _ = writeln!(out, "Backup: {}", backup.display());
        out.push_str("Undo: codex-multi-auth history migrate --undo\n");
    }
    out
}

fn put_back(restored: &Restored) -> String {
    let rescued = match restored.rescued {
        0 => String::new(),
        number => format!(" and {} from a temporary home", count(number, "session")),
    };
    format!(
        "{}{rescued} and {} put back from {}.\n",
        count(restored.sessions, "session"),
        count(restored.index_files, "index file"),
        restored.backup.display()
    )
}

fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

fn failures(failed: &[String]) -> String {
    failed.iter().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "Not done: {line}");
        out
    })
}
