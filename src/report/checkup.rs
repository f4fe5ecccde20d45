//! `doctor`, `fix`, `verify`, `usage rotate`.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::app::outcome::Outcome;
use crate::app::outcome::checkup::{Diagnosis, Ending, Fixed, Mode, Paths, Report, Verified};
use crate::domain::checkup::repair::{Carried, Mended};
use crate::domain::checkup::{Finding, Severity, summary};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::report::{Printed, json, text};

/// The document.
pub(super) fn value(outcome: &Outcome, report: &Report) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    if let Some(problem) = concern(outcome, report) {
        members.insert("error".to_owned(), json::error_value(&problem));
    }
    let more = match report {
        Report::Doctor(diagnosis) => doctor_value(diagnosis),
        Report::Fix(fixed) => fix_value(fixed),
        Report::Verify(verified) => verify_value(verified, outcome),
        Report::Rotate(path) => json!({ "rotated": path.is_some(), "path": path }),
    };
    json::extend(&mut members, more);
    Value::Object(members)
}

/// The text.
pub(super) fn printed(outcome: &Outcome, report: &Report) -> Printed {
    let out = match report {
        Report::Doctor(diagnosis) => doctor_text(diagnosis),
        Report::Fix(fixed) => fix_text(fixed),
        Report::Verify(verified) => verify_text(verified),
        Report::Rotate(Some(path)) => format!("The usage ledger is now {path}\n"),
        Report::Rotate(None) => "Nothing to rotate\n".to_owned(),
    };
    let err = concern(outcome, report).map(|problem| text::problem(&problem)).unwrap_or_default();
    Printed { out, err }
}

/// Why the exit is what it is.
fn concern(outcome: &Outcome, report: &Report) -> Option<Problem> {
    let problem = |code, what: &str| Problem::new(code, outcome.exit, what);
    let run = |words: &str| Hint::Run(words.to_owned());
    Some(match (outcome.exit, report) {
        (Exit::Ok, _) => return None,
        (Exit::Cancelled, _) => problem("cancelled", "Nothing was changed"),
        (Exit::Network, _) => problem("network", "No host could be reached"),
        (Exit::Failed, Report::Doctor(_)) => problem("checks-failed", "Not everything could be put right"),
        (_, Report::Doctor(diagnosis)) if diagnosis.open.is_empty() => {
            problem("checks-failed", "Something needs attention")
        }
        (_, Report::Doctor(_)) => {
            problem("checks-failed", "Something needs attention").hint(run("doctor --fix"))
        }
        (_, Report::Fix(_)) => problem("needs-login", "Accounts need attention").hint(run("login")),
        (_, Report::Verify(_) | Report::Rotate(_)) => problem("checks-failed", "A check failed"),
    })
}

fn doctor_value(diagnosis: &Diagnosis) -> Value {
    let [ok, info, warn, error] = summary(&diagnosis.findings);
    let checks: Vec<Value> = diagnosis.findings.iter().map(check).collect();
    let actions: Vec<Value> = match diagnosis.mode {
        Mode::Look => Vec::new(),
        Mode::Mend if !diagnosis.carried.is_empty() => diagnosis.carried.iter().map(action).collect(),
        Mode::Show | Mode::Mend => diagnosis
            .open
            .iter()
            .map(|repair| json!({ "key": repair.key(), "message": repair.preview(), "state": "prepared" }))
            .collect(),
    };
    json!({
        "storagePath": diagnosis.storage_path,
        "summary": { "ok": ok, "info": info, "warn": warn, "error": error },
        "checks": checks,
        "fix": {
            "enabled": diagnosis.mode != Mode::Look,
            "dryRun": diagnosis.mode == Mode::Show,
            "changed": diagnosis.carried.iter().any(|one| one.result == Ok(Mended::Done)),
            "actions": actions,
        },
        "overrides": { "upstream": diagnosis.overrides.0, "auth": diagnosis.overrides.1 },
    })
}

fn check(finding: &Finding) -> Value {
    let mut members = Map::new();
    members.insert("key".to_owned(), json!(finding.key));
    members.insert("severity".to_owned(), json!(finding.severity.word()));
    members.insert("message".to_owned(), json!(finding.message));
    for (name, text) in [("details", &finding.details), ("hint", &finding.hint)] {
        if let Some(text) = text {
            members.insert(name.to_owned(), json!(text));
        }
    }
    members.insert("fixable".to_owned(), json!(finding.repair.is_some()));
    Value::Object(members)
}

fn action(carried: &Carried) -> Value {
    let (state, why) = state(carried);
    let mut members = Map::new();
    members.insert("key".to_owned(), json!(carried.repair.key()));
    members.insert("message".to_owned(), json!(carried.repair.preview()));
    members.insert("state".to_owned(), json!(state));
    if let Some(why) = why {
        members.insert("reason".to_owned(), json!(why));
    }
    Value::Object(members)
}

fn state(carried: &Carried) -> (&'static str, Option<&str>) {
    match &carried.result {
        Ok(Mended::Done) => ("done", None),
        Ok(Mended::Nothing) => ("not-needed", None),
        Ok(Mended::Later(why)) => ("skipped", Some(why)),
        Err(why) => ("failed", Some(why)),
    }
}

fn doctor_text(diagnosis: &Diagnosis) -> String {
    let [ok, info, warn, error] = summary(&diagnosis.findings);
    let mut out = format!("Storage: {}\n{ok} ok, {info} info, ", diagnosis.storage_path);
    let _ = writeln!(
        out,
        "{}, {}",
        text::count(warn, "warning", "warnings"),
        text::count(error, "error", "errors")
    );
    for finding in &diagnosis.findings {
        let mark = match finding.severity {
            Severity::Ok => '✓',
            Severity::Info => '·',
            Severity::Warn => '!',
            Severity::Error => '✗',
        };
        let _ = writeln!(out, "{mark} {}: {}", finding.key, finding.message);
        for more in [&finding.details, &finding.hint].into_iter().flatten() {
            let _ = writeln!(out, "    {more}");
        }
    }
    match diagnosis.mode {
        Mode::Look => {}
        Mode::Mend if diagnosis.declined => {}
        Mode::Mend if diagnosis.carried.is_empty() => out.push_str("Nothing had to be put right\n"),
        Mode::Mend => {
            out.push_str("Put right:\n");
            for carried in &diagnosis.carried {
                let (state, why) = state(carried);
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                let _ = writeln!(out, "  {state}  {}{why}", carried.repair.preview());
            }
        }
        Mode::Show if diagnosis.open.is_empty() => out.push_str("Nothing would have to be put right\n"),
        Mode::Show => {
            out.push_str("Would be put right:\n");
            for repair in &diagnosis.open {
                let _ = writeln!(out, "  {}", repair.preview());
            }
        }
    }
    out
}

fn fix_value(fixed: &Fixed) -> Value {
    let (recommended, reason) = &fixed.recommended;
    let count = |wanted: Ending| fixed.rows.iter().filter(|row| row.ending == wanted).count();
    let reports: Vec<Value> = fixed
        .rows
        .iter()
        .map(|row| {
            json!({
                "index": row.index,
                "number": row.index + 1,
                "accountRef": row.key.as_str(),
                "label": row.label,
                "outcome": row.ending.word(),
                "code": row.code,
                "message": row.message,
            })
        })
        .collect();
    json!({
        "dryRun": fixed.fixing.dry_run,
        "liveProbe": fixed.fixing.live,
        "model": Value::Null,
        "changed": fixed.changed,
        "quotaCacheChanged": fixed.measured,
        "quotaCacheSaveError": Value::Null,
        "summary": {
            "healthy": count(Ending::Healthy),
            "disabled": count(Ending::Disabled),
            "warnings": count(Ending::Warning),
            "skipped": count(Ending::AlreadyDisabled),
        },
        "recommendation": {
            "recommendedIndex": recommended.as_ref().map(|(_, index)| index),
            "number": recommended.as_ref().map(|(_, index)| index + 1),
            "accountRef": recommended.as_ref().map(|(key, _)| key.as_str()),
            "reason": reason,
        },
        "recommendedSwitchCommand":
            recommended.as_ref().map(|(_, index)| format!("codex-multi-auth switch {}", index + 1)),
        "keptOn": fixed.kept,
        "reports": reports,
    })
}

fn fix_text(fixed: &Fixed) -> String {
    let mut out = String::new();
    for row in &fixed.rows {
        let mark = match row.ending {
            Ending::Healthy => '✓',
            Ending::Disabled => '✗',
            Ending::Warning => '!',
            Ending::AlreadyDisabled => '-',
        };
        let _ = writeln!(out, "{mark} {}: {}", row.label, row.message);
    }
    let (recommended, reason) = &fixed.recommended;
    if let Some((_, index)) = recommended {
        let _ = writeln!(out, "Best next: account {} ({reason})", index + 1);
    }
    out.push_str(match (fixed.fixing.dry_run, fixed.changed) {
        (true, _) => "Nothing was changed and no token was spent\n",
        (false, true) => "Saved\n",
        (false, false) => "Nothing had to be changed\n",
    });
    out
}

fn verify_value(verified: &Verified, outcome: &Outcome) -> Value {
    let mut members = Map::new();
    members.insert("mode".to_owned(), json!(verified.part.word()));
    if let Some(paths) = &verified.paths {
        members.insert("paths".to_owned(), paths_value(paths));
    }
    if let Some(flagged) = &verified.flagged {
        members.insert("flaggedExitCode".to_owned(), json!(flagged.exit.code()));
        members.insert("flagged".to_owned(), super::value(flagged).unwrap_or(Value::Null));
    }
    // In this document `ok` means that every check passed, as in the reference.
    members.insert("ok".to_owned(), json!(outcome.exit == Exit::Ok));
    Value::Object(members)
}

fn paths_value(paths: &Paths) -> Value {
    let steps: Vec<Value> = paths
        .steps
        .iter()
        .map(|step| {
            json!({
                "name": step.name,
                "input": step.input,
                "output": step.output,
                "ok": step.error.is_none(),
                "error": step.error,
            })
        })
        .collect();
    let tests: Vec<Value> = paths
        .sandbox
        .iter()
        .map(|test| json!({ "name": test.name, "input": test.input, "rejected": test.rejected, "ok": test.ok }))
        .collect();
    let ok = paths.steps.iter().all(|step| step.error.is_none()) && paths.sandbox.iter().all(|test| test.ok);
    json!({ "command": "verify", "mode": "paths", "ok": ok, "steps": steps, "sandboxTests": tests })
}

fn verify_text(verified: &Verified) -> String {
    let mut out = String::new();
    for step in verified.paths.iter().flat_map(|paths| &paths.steps) {
        let mark = if step.error.is_none() { '✓' } else { '✗' };
        let end = step.error.as_deref().or(step.output.as_deref()).unwrap_or("not in a project");
        let _ = writeln!(out, "{mark} {}: {end}", step.name);
    }
    for test in verified.paths.iter().flat_map(|paths| &paths.sandbox) {
        let mark = if test.ok { '✓' } else { '✗' };
        let verdict = if test.rejected { "refused" } else { "accepted" };
        let _ = writeln!(out, "{mark} {}: {} {verdict}", test.name, test.input);
    }
    if let Some(flagged) = &verified.flagged {
        out.push_str(&super::plain(flagged).out);
    }
    out
}
