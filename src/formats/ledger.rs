//! Rows of `usage/usage-ledger.jsonl` (storage.md §9.7, runtime.md §17 DB-52): one JSON object per line.
//!
//! Readers pass over lines they cannot read and rows of another version; added members are optional, so the
//! reference reads our rows and we read its.

use serde_json::{Map, Value, json};

use crate::base::{Moment, Span};
use crate::domain::facts::TurnTokens;
use crate::domain::usage::entry::{Ending, Entry, Operation};
use crate::formats::lossless::Object;

/// One row as its line, newline included.
pub fn line(entry: &Entry) -> String {
    let mut row = Map::new();
    row.insert("version".to_owned(), json!(1));
    row.insert("id".to_owned(), json!(entry.id));
    row.insert("createdAt".to_owned(), json!(entry.at.millis()));
    row.insert("source".to_owned(), json!(entry.source));
    row.insert("operation".to_owned(), json!(operation_word(entry.operation)));
    row.insert("outcome".to_owned(), json!(ending_word(entry.ending)));
    row.insert("model".to_owned(), json!(entry.model));
    row.insert("projectKey".to_owned(), json!(entry.project));
    row.insert("account".to_owned(), account(entry));
    row.insert("requestId".to_owned(), json!(entry.request));
    row.insert("statusCode".to_owned(), json!(entry.status));
    row.insert("errorCode".to_owned(), json!(entry.error));
    row.insert("durationMs".to_owned(), json!(entry.took.map(Span::as_millis)));
    row.insert(
        "tokens".to_owned(),
        json!({
            "inputTokens": entry.tokens.input,
            "outputTokens": entry.tokens.output,
            "cachedInputTokens": entry.tokens.cached,
            "reasoningTokens": entry.tokens.reasoning,
            "totalTokens": entry.tokens.total,
        }),
    );
    row.insert("costUsd".to_owned(), json!(entry.cost));
    let added = [
        ("attempts", json!(entry.attempts)),
        ("ttfbMs", json!(entry.first_byte.map(Span::as_millis))),
        ("bytesOut", json!(entry.bytes_out)),
        ("sessionHash", json!(entry.session_hash)),
        ("failoverClass", json!(entry.failover)),
    ];
    for (name, value) in added {
        if !value.is_null() {
            row.insert(name.to_owned(), value);
        }
    }
    format!("{}\n", Value::Object(row))
}

/// What stands in the reference's lock beside the ledger.
pub fn lock_body(pid: u32, at: Moment) -> String {
    json!({ "pid": pid, "createdAt": at.millis() }).to_string()
}

/// Reads one line; `None` for what is no row of version 1.
pub fn entry(line: &str) -> Option<Entry> {
    let row = Object::parse(line).ok()?;
    if row.number("version") != Some(1.0) {
        return None;
    }
    let account = row.object("account").unwrap_or_default();
    let tokens = row.object("tokens").unwrap_or_default();
    Some(Entry {
        id: row.text("id").unwrap_or_default(),
        at: Moment::from_millis(row.millis("createdAt")?),
        source: row.text("source").unwrap_or_else(|| "unknown".to_owned()),
        operation: operation(&row.text("operation").unwrap_or_default()),
        ending: ending(&row.text("outcome")?)?,
        model: row.text("model"),
        project: row.text("projectKey"),
        account_hash: account.text("accountHash"),
        email_hash: account.text("emailHash"),
        index: account.count("index").and_then(|index| usize::try_from(index).ok()),
        request: row.text("requestId"),
        status: row.count("statusCode").and_then(|status| u16::try_from(status).ok()),
        error: row.text("errorCode"),
        took: row.millis("durationMs").map(Span::millis),
        tokens: TurnTokens {
            input: tokens.count("inputTokens").unwrap_or(0),
            output: tokens.count("outputTokens").unwrap_or(0),
            cached: tokens.count("cachedInputTokens").unwrap_or(0),
            reasoning: tokens.count("reasoningTokens").unwrap_or(0),
            total: tokens.count("totalTokens").unwrap_or(0),
        },
        cost: row.number("costUsd"),
        attempts: row.count("attempts").and_then(|count| u32::try_from(count).ok()),
        first_byte: row.millis("ttfbMs").map(Span::millis),
        bytes_out: row.count("bytesOut"),
        session_hash: row.text("sessionHash"),
        failover: row.text("failoverClass"),
    })
}

fn account(entry: &Entry) -> Value {
    if entry.account_hash.is_none() && entry.email_hash.is_none() && entry.index.is_none() {
        return Value::Null;
    }
    let mut account = Map::new();
    let members = [
        ("accountHash", json!(entry.account_hash)),
        ("emailHash", json!(entry.email_hash)),
        ("index", json!(entry.index)),
    ];
    for (name, value) in members {
        if !value.is_null() {
            account.insert(name.to_owned(), value);
        }
    }
    Value::Object(account)
}

const fn operation_word(operation: Operation) -> &'static str {
    match operation {
        Operation::Responses => "responses",
        Operation::Models => "models",
        Operation::ThreadGoal => "thread-goal",
        Operation::AuthRefresh => "auth-refresh",
        Operation::Diagnostic => "diagnostic",
        Operation::Unknown => "unknown",
    }
}

fn operation(word: &str) -> Operation {
    [
        Operation::Responses,
        Operation::Models,
        Operation::ThreadGoal,
        Operation::AuthRefresh,
        Operation::Diagnostic,
    ]
    .into_iter()
    .find(|operation| operation_word(*operation) == word)
    .unwrap_or(Operation::Unknown)
}

const fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Success => "success",
        Ending::Failure => "failure",
        Ending::Blocked => "blocked",
        Ending::Cancelled => "cancelled",
    }
}

fn ending(word: &str) -> Option<Ending> {
    [Ending::Success, Ending::Failure, Ending::Blocked, Ending::Cancelled]
        .into_iter()
        .find(|ending| ending_word(*ending) == word)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn sample() -> Entry {
        Entry {
            id: "1-2".to_owned(),
            at: Moment::from_millis(1_790_000_000_123),
            source: "runtime-proxy".to_owned(),
            operation: Operation::Responses,
            ending: Ending::Success,
            model: Some("gpt-5.3-codex".to_owned()),
            project: None,
            account_hash: Some("sha256:aa".to_owned()),
            email_hash: None,
            index: Some(1),
            request: Some("r".to_owned()),
            status: Some(200),
            error: None,
            took: Some(Span::millis(1_234)),
            tokens: TurnTokens { input: 10, output: 5, cached: 3, reasoning: 2, total: 15 },
            cost: Some(0.001_25),
            attempts: Some(2),
            first_byte: Some(Span::millis(80)),
            bytes_out: Some(999),
            session_hash: None,
            failover: Some("usage limit".to_owned()),
        }
    }

    #[test]
    fn a_row_reads_back_as_it_was_written() {
        let line = line(&sample());

        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
        assert_eq!(entry(&line), Some(sample()));
    }

    #[test]
    fn lines_that_are_no_rows_are_passed_over() {
        for line in ["", "{", "[]", r#"{"version":2,"createdAt":1,"outcome":"success"}"#, r#"{"version":1}"#]
        {
            assert_eq!(entry(line), None, "{line}");
        }
    }

    #[test]
    fn a_row_of_the_reference_is_read() {
        let line = r#"{"version":1,"id":"u","createdAt":5,"source":"plugin-host","operation":"responses","outcome":"failure","model":null,"projectKey":null,"account":null,"requestId":null,"statusCode":429,"errorCode":"rate-limit","durationMs":7,"tokens":{"inputTokens":0,"outputTokens":0,"cachedInputTokens":0,"reasoningTokens":0,"totalTokens":0},"costUsd":null}"#;

        let row = entry(line).unwrap();

        assert_eq!((row.at, row.status, row.ending), (Moment::from_millis(5), Some(429), Ending::Failure));
    }
}
