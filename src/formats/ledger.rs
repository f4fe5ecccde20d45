//! Rows of `usage/usage-ledger.jsonl` (storage.md §9.7, runtime.md §17 DB-52): one JSON object per line.
//!
//! Readers pass over lines they cannot read and rows of another version; added members are optional, so the
//! reference reads our rows and we read its.

mod plain;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::base::{Moment, Span};
use crate::domain::facts::TurnTokens;
use crate::domain::usage::entry::{Ending, Entry, Glance, Operation};
use crate::domain::usage::pricing::{Price, Prices};
use crate::formats::lossless::Object;

/// What a hash begins with.
const HASH: &str = "sha256:";

/// One row as its line, newline included.
pub fn line(entry: &Entry) -> String {
    let mut row = Map::new();
    row.insert("version".to_owned(), json!(1));
    row.insert("id".to_owned(), json!(entry.id));
    row.insert("createdAt".to_owned(), json!(entry.at.millis()));
    row.insert("source".to_owned(), json!(entry.source));
    row.insert("operation".to_owned(), json!(operation_word(entry.operation)));
    row.insert("outcome".to_owned(), json!(entry.ending.word()));
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
        ("rotatedFrom", if entry.rotated_from.is_empty() { Value::Null } else { json!(entry.rotated_from) }),
        ("serviceTier", json!(entry.service_tier)),
        ("clientTokenId", json!(entry.token)),
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
    let id = row.text("id").filter(|id| !id.is_empty())?;
    let account = row.object("account").unwrap_or_default();
    let hash = |name: &str| account.text(name).filter(|hash| hash.starts_with(HASH));
    let tokens = row.object("tokens")?;
    let tokens = |name: &str| tokens.count(name).unwrap_or(0);
    let (input, output) = (tokens("inputTokens"), tokens("outputTokens"));
    Some(Entry {
        id,
        at: Moment::from_millis(row.millis("createdAt")?),
        source: row.text("source").unwrap_or_else(|| "unknown".to_owned()),
        operation: operation(&row.text("operation").unwrap_or_default()),
        ending: ending(&row.text("outcome").unwrap_or_default()),
        model: row.text("model"),
        project: row.text("projectKey"),
        account_hash: hash("accountHash"),
        email_hash: hash("emailHash"),
        index: account.count("index").and_then(|index| usize::try_from(index).ok()),
        request: row.text("requestId"),
        status: row.count("statusCode").and_then(|status| u16::try_from(status).ok()),
        error: row.text("errorCode"),
        took: row.millis("durationMs").map(Span::millis),
        tokens: TurnTokens {
            input,
            output,
            cached: tokens("cachedInputTokens"),
            reasoning: tokens("reasoningTokens"),
            total: row
                .object("tokens")
                .and_then(|tokens| tokens.count("totalTokens"))
                .unwrap_or_else(|| input.saturating_add(output)),
        },
        cost: row.number("costUsd"),
        attempts: row.count("attempts").and_then(|count| u32::try_from(count).ok()),
        first_byte: row.millis("ttfbMs").map(Span::millis),
        bytes_out: row.count("bytesOut"),
        session_hash: row.text("sessionHash"),
        failover: row.text("failoverClass"),
        rotated_from: row
            .list("rotatedFrom")
            .unwrap_or_default()
            .into_iter()
            .filter_map(crate::formats::lossless::text)
            .collect(),
        service_tier: row.text("serviceTier"),
        token: row.text("clientTokenId"),
    })
}

/// What counting needs of one line; `None` for what is no row of version 1.
///
/// A line as this program and the reference write it is read without a parser; any other line takes the long way.
pub fn glance(line: &[u8]) -> Option<Glance<'_>> {
    if let Some(row) = plain::glance(line) {
        return Some(row);
    }
    let entry = entry(std::str::from_utf8(line).ok()?)?;
    let text = |text: Option<String>| text.map(Cow::Owned);
    Some(Glance {
        at: entry.at,
        operation: entry.operation,
        ending: entry.ending,
        model: text(entry.model),
        project: text(entry.project),
        account_hash: text(entry.account_hash),
        email_hash: text(entry.email_hash),
        token: text(entry.token),
        tokens: entry.tokens,
    })
}

/// The user's prices, `prices.json`: `{version:1, models:{<model>:{input, output, cached}}}`, USD per million tokens.
///
/// # Errors
/// What is wrong with the file, in words.
pub fn prices(text: &str) -> Result<Prices, String> {
    let file = Object::parse(text).map_err(|error| error.to_string())?;
    if file.number("version") != Some(1.0) {
        return Err("its version is not 1".to_owned());
    }
    let models = file.object("models").unwrap_or_default();
    let mut own = BTreeMap::new();
    for (name, _) in models.iter() {
        let row = models.object(name).unwrap_or_default();
        let price = |what: &str| row.number(what).filter(|price| *price >= 0.0);
        let (Some(input), Some(output)) = (price("input"), price("output")) else {
            return Err(format!("the price of {name} needs input and output, each 0 or more"));
        };
        let cached = price("cached").unwrap_or(input);
        own.insert(name.trim().to_ascii_lowercase(), Price { input, output, cached });
    }
    Ok(Prices::new(own))
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

/// The word of an operation in rows and series.
pub(super) const fn operation_word(operation: Operation) -> &'static str {
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

/// An outcome nobody knows is no success.
fn ending(word: &str) -> Ending {
    [Ending::Success, Ending::Failure, Ending::Blocked, Ending::Cancelled]
        .into_iter()
        .find(|ending| ending.word() == word)
        .unwrap_or(Ending::Failure)
}

#[cfg(test)]
mod tests;
