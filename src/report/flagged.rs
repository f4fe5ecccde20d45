//! `verify-flagged`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::{Outcome, Trial, Tried};
use crate::domain::problem::{Hint, Problem};
use crate::report::{Printed, json, text};

fn counted(tried: &Tried, outcome: Trial) -> usize {
    tried.rows.iter().filter(|row| row.outcome == outcome).count()
}

fn concern(outcome: &Outcome, tried: &Tried) -> Option<Problem> {
    let still = counted(tried, Trial::Still);
    (still > 0).then(|| {
        let accounts = text::count(still, "account needs", "accounts need");
        Problem::new("still-flagged", outcome.exit, format!("{accounts} a new sign-in"))
            .hint(Hint::Run("login".to_owned()))
    })
}

/// The document.
pub(super) fn value(outcome: &Outcome, tried: &Tried) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    if let Some(problem) = concern(outcome, tried) {
        members.insert("error".to_owned(), json::error_value(&problem));
    }
    let reports: Vec<Value> = tried
        .rows
        .iter()
        .map(|row| {
            json!({
                "index": row.account.number - 1,
                "number": row.account.number,
                "accountRef": row.account.key.as_str(),
                "label": row.account.label,
                "outcome": row.outcome.word(),
                "message": row.message,
            })
        })
        .collect();
    json::extend(
        &mut members,
        json!({
            "total": tried.rows.len(),
            "restored": counted(tried, Trial::Restored),
            "healthyFlagged": counted(tried, Trial::Healthy),
            "stillFlagged": counted(tried, Trial::Still),
            "remainingFlagged": tried.remaining,
            "changed": !tried.trying.dry_run && tried.rows.iter().any(|row| row.outcome != Trial::Skipped),
            "dryRun": tried.trying.dry_run,
            "restore": !tried.trying.no_restore,
            "reports": reports,
            "calls": { "refresh": tried.refreshes },
        }),
    );
    Value::Object(members)
}

/// The text.
pub(super) fn printed(outcome: &Outcome, tried: &Tried) -> Printed {
    if tried.rows.is_empty() {
        return Printed { out: "No account is flagged\n".to_owned(), err: String::new() };
    }
    let mut out = String::new();
    for row in &tried.rows {
        let mark = match row.outcome {
            Trial::Restored | Trial::Healthy => '✓',
            Trial::Still => '✗',
            Trial::Skipped => '!',
        };
        let _ = writeln!(out, "{mark} {}. {} | {}", row.account.number, row.account.label, row.message);
    }
    let _ = writeln!(
        out,
        "Result: {} restored | {} healthy, still flagged | {} not working | {} left flagged",
        counted(tried, Trial::Restored),
        counted(tried, Trial::Healthy),
        counted(tried, Trial::Still),
        tried.remaining
    );
    let err = concern(outcome, tried).map(|problem| text::problem(&problem)).unwrap_or_default();
    Printed { out, err }
}
