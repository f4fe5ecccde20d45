//! `sync preview` and `sync apply`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::domain::companion::{Line, Match, Reason, Synced, Target};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::vault::Run;
use crate::report::text;

/// The members of the document (commands.md §9.3).
pub(super) fn value(synced: &Synced) -> Value {
    let target = match &synced.target {
        Target::Found(folder) => Some(folder.display().to_string()),
        Target::Ambiguous(_) | Target::Missing => None,
    };
    let candidates: Vec<String> = match &synced.target {
        Target::Ambiguous(all) => all.iter().map(|path| path.display().to_string()).collect(),
        Target::Found(_) | Target::Missing => Vec::new(),
    };
    let count = |word: &str| synced.count(word);
    json!({
        "dryRun": synced.run == Run::Dry,
        "target": target,
        "targetState": synced.target.word(),
        "candidates": candidates,
        "rows": synced.rows.iter().map(row).collect::<Vec<_>>(),
        "summary": {
            "add": count("add"),
            "update": count("update"),
            "skip": count("skip"),
            "keep": count("keep"),
        },
        "changed": synced.changed,
        "backup": synced.backup.as_ref().map(|path| path.display().to_string()),
    })
}

fn row(line: &Line) -> Value {
    json!({
        "action": line.action.word(),
        "label": line.label,
        "matchedBy": line.action.matched().map(Match::word),
        "reason": line.action.reason().map(Reason::word),
    })
}

/// The text.
pub(super) fn text(synced: &Synced) -> String {
    let Target::Found(folder) = &synced.target else { return String::new() };
    let mut out = String::new();
    let state = match synced.existing {
        Some(count) => format!("exists, {}", text::count(count, "account", "accounts")),
        None => "will be created".to_owned(),
    };
    let _ = writeln!(out, "Companion pool: {} ({state})", folder.display());
    for line in &synced.rows {
        let sign = match line.action.word() {
            "add" => '+',
            "update" => '~',
            "skip" => '=',
            _ => '·',
        };
        let note = match (line.action.matched(), line.action.reason()) {
            (_, Some(reason)) => reason.text(),
            (Some(matched), None) => matched.word(),
            (None, None) if sign == '·' => "only there, untouched",
            (None, None) => "",
        };
        let _ = writeln!(
            out,
            "  {}",
            format!("{sign} {:<7} {:<32} {note}", line.action.word(), line.label).trim_end()
        );
    }
    let verb = if synced.changed { "Written" } else { "Nothing written" };
    let _ = writeln!(
        out,
        "{verb}: {} to add, {} to update, {} skipped, {} only there",
        synced.count("add"),
        synced.count("update"),
        synced.count("skip"),
        synced.count("keep")
    );
    if let Some(backup) = &synced.backup {
        let _ = writeln!(out, "Their pool from before: {}", backup.display());
    }
    if synced.run == Run::Dry && synced.has_news() {
        out.push_str("Write it with `codex-multi-auth sync apply`\n");
    }
    out
}

/// Why nothing could be done.
pub(super) fn trouble(exit: Exit, synced: &Synced) -> Option<Problem> {
    match &synced.target {
        Target::Found(_) => None,
        Target::Ambiguous(all) => {
            let places: Vec<String> = all.iter().map(|path| path.display().to_string()).collect();
            Some(
                Problem::new("companion-ambiguous", exit, "several pools of the companion tool were found")
                    .because(places.join(", "))
                    .hint(Hint::Say("Name one with OC_CHATGPT_MULTI_AUTH_DIR".to_owned())),
            )
        }
        Target::Missing => Some(
            Problem::new("companion-missing", exit, "no pool of the companion tool was found")
                .because("neither ~/.opencode nor its folder for this project holds one")
                .hint(Hint::Say("Name its folder with OC_CHATGPT_MULTI_AUTH_DIR".to_owned())),
        ),
    }
}
