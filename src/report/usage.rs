//! `usage`: totals and groups of the ledger as text, document, CSV or lines of JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::app::outcome::{Form, Outcome, Shape, UsageTold as Told};
use crate::base::Moment;
use crate::base::calendar;
use crate::base::text::{clean, width};
use crate::domain::usage::reading::{Bucket, By};
use crate::formats::csv::table as csv_table;
use crate::report::{Printed, json};

/// The report in the shape that was asked for.
pub(super) fn printed(outcome: &Outcome, told: &Told, form: Form) -> Printed {
    let out = match (form, told.asked.shape) {
        (Form::Json, _) => json::pretty(&value(outcome, told)),
        (Form::Text, Shape::Text) => text(told),
        (Form::Text, Shape::Csv) => csv_text(told),
        (Form::Text, Shape::Ndjson) => rows(told)
            .into_iter()
            .map(|(key, bucket)| json::compact(&bucket_value(told, key, bucket)))
            .collect(),
    };
    let err = told.trouble.as_ref().map(|trouble| format!("{trouble}\n")).unwrap_or_default();
    Printed { out, err: if form == Form::Json { String::new() } else { err } }
}

/// Groups by key; one row of totals when there are none.
fn rows(told: &Told) -> Vec<(&str, &Bucket)> {
    let groups: Vec<(&str, &Bucket)> = groups(told).map(|(key, bucket)| (key.as_str(), bucket)).collect();
    if groups.is_empty() { vec![("total", &told.reading.totals)] } else { groups }
}

fn groups(told: &Told) -> impl Iterator<Item = (&String, &Bucket)> {
    told.reading.groups.first().into_iter().flatten()
}

/// The document.
pub(super) fn value(outcome: &Outcome, told: &Told) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    if told.demo.is_some() {
        members.insert("demo".to_owned(), json!(true));
    }
    let reading = &told.reading;
    let buckets: Vec<Value> = groups(told).map(|(key, bucket)| bucket_value(told, key, bucket)).collect();
    // Rows stand in the ledger as JSON already; a line that does not parse would not be here.
    let rows: Vec<Value> = reading.rows.iter().filter_map(|row| serde_json::from_str(row).ok()).collect();
    json::extend(
        &mut members,
        json!({
            "summary": {
                "since": reading.query.since.map(Moment::millis),
                "until": reading.query.until.map(Moment::millis),
                "by": told.asked.by.word(),
                "totals": bucket_value(told, "total", &reading.totals),
                "buckets": buckets,
            },
            "rows": rows,
            "rowCount": reading.matched,
            "rowsTruncated": reading.matched > u64::try_from(reading.rows.len()).unwrap_or(u64::MAX),
            "skippedLines": reading.skipped,
            "firstRowAt": reading.first.map(Moment::millis),
            "ledgerBytes": reading.size,
            "archives": !told.asked.current_only,
            "cost": "api-equivalent",
            "notes": told.trouble.iter().collect::<Vec<_>>(),
        }),
    );
    Value::Object(members)
}

fn bucket_value(told: &Told, key: &str, bucket: &Bucket) -> Value {
    let mut members = Map::new();
    members.insert("key".to_owned(), json!(key));
    if let Some(name) = told.names.get(key).filter(|_| told.asked.by == By::Account) {
        members.insert("label".to_owned(), json!(name));
    }
    json::extend(
        &mut members,
        json!({
            "requests": bucket.requests,
            "successes": bucket.successes,
            "failures": bucket.failures,
            "blocked": bucket.blocked,
            "cancelled": bucket.cancelled,
            "inputTokens": bucket.tokens.input,
            "outputTokens": bucket.tokens.output,
            "cachedInputTokens": bucket.tokens.cached,
            "reasoningTokens": bucket.tokens.reasoning,
            "totalTokens": bucket.tokens.total,
            "costUsd": bucket.cost,
            "unpriced": bucket.unpriced,
        }),
    );
    Value::Object(members)
}

const HEADER: [&str; 12] = [
    "key",
    "requests",
    "successes",
    "failures",
    "blocked",
    "cancelled",
    "inputTokens",
    "outputTokens",
    "cachedInputTokens",
    "reasoningTokens",
    "totalTokens",
    "costUsd",
];

fn csv_text(told: &Told) -> String {
    let records = rows(told).into_iter().map(|(key, bucket)| {
        let counts = [
            bucket.requests,
            bucket.successes,
            bucket.failures,
            bucket.blocked,
            bucket.cancelled,
            bucket.tokens.input,
            bucket.tokens.output,
            bucket.tokens.cached,
            bucket.tokens.reasoning,
            bucket.tokens.total,
        ];
        let mut record = vec![key.to_owned()];
        record.extend(counts.iter().map(u64::to_string));
        record.push(format!("{:.8}", bucket.cost));
        record
    });
    csv_table(&HEADER, records)
}

fn text(told: &Told) -> String {
    let reading = &told.reading;
    let totals = &reading.totals;
    let mut text = format!("Usage by {}{}\n", told.asked.by.word(), window(told));
    let _ = writeln!(
        text,
        "Requests: {} ({} success, {} failed, {} cancelled); {} blocked before they were sent",
        totals.requests, totals.successes, totals.failures, totals.cancelled, totals.blocked
    );
    let tokens = &totals.tokens;
    let _ = writeln!(
        text,
        "Tokens: {} ({} input, {} of it cached; {} output, {} of it reasoning)",
        tokens.total, tokens.input, tokens.cached, tokens.output, tokens.reasoning
    );
    let _ = write!(text, "Estimated cost: ${:.6}, what the API would charge", totals.cost);
    let _ = match totals.unpriced {
        0 => writeln!(text),
        count => writeln!(text, "; {count} requests have no price"),
    };
    if reading.skipped > 0 {
        let _ = writeln!(text, "Lines passed over: {} (no rows of this ledger)", reading.skipped);
    }
    if reading.matched == 0 {
        text.push_str("No usage in that time.\n");
        return text;
    }
    text.push('\n');
    table(told, &mut text);
    text
}

fn window(told: &Told) -> String {
    let query = &told.reading.query;
    let mut text = String::new();
    for (word, at) in [("since", query.since), ("until", query.until)] {
        if let Some(at) = at {
            let _ = write!(text, " {word} {}", calendar::rfc3339(at));
        }
    }
    text
}

fn table(told: &Told, text: &mut String) {
    let name = |key: &str| {
        let named = told.names.get(key).filter(|_| told.asked.by == By::Account);
        // What no account of the pool is behind keeps enough of its hash to tell it apart.
        named.cloned().unwrap_or_else(|| match key.strip_prefix("sha256:").and_then(|hash| hash.get(..12)) {
            Some(short) => format!("{short}… (not in the pool)"),
            None => clean(key).into_owned(),
        })
    };
    let mut lines =
        vec![["", "requests", "failed", "input", "cached", "output", "tokens", "cost"].map(str::to_owned)];
    for (key, bucket) in groups(told) {
        lines.push([
            name(key),
            bucket.requests.to_string(),
            bucket.failures.to_string(),
            bucket.tokens.input.to_string(),
            bucket.tokens.cached.to_string(),
            bucket.tokens.output.to_string(),
            bucket.tokens.total.to_string(),
            format!("${:.4}", bucket.cost),
        ]);
    }
    let widest =
        |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|cell| width(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..8).map(widest).collect();
    for line in &lines {
        let mut out = String::new();
        for (at, (cell, room)) in line.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(room.saturating_sub(width(cell)));
            let _ = if at == 0 { write!(out, "{cell}{pad}") } else { write!(out, "  {pad}{cell}") };
        }
        let _ = writeln!(text, "{}", out.trim_end());
    }
}
