//! The files of a made-up pool, written as the reference and the official client write theirs.
//!
//! On purpose not through the product's own writers: a rehearsal that loads proves that the product reads
//! ordinary files.

use serde_json::{Map, Value, json};

use crate::base::{Moment, Secret, Span, calendar};
use crate::domain::digest::sha256_hex;
use crate::formats::fake::quota::{Standing, Window};
use crate::formats::fake::uuid;
use crate::formats::scenario::Row;

/// An account with everything its files say.
#[derive(Debug, Clone, PartialEq)]
pub struct Seated {
    /// `chatgpt_account_id`.
    pub account_id: String,
    /// E-mail.
    pub email: String,
    /// The bearer.
    pub access: Secret,
    /// The refresh token.
    pub refresh: Secret,
    /// The id token.
    pub id_token: Secret,
    /// Expiry of the bearer.
    pub expires_at: Moment,
    /// Where its quota stands.
    pub standing: Standing,
    /// Whether its windows have begun.
    pub begun: (bool, bool),
    /// State of the row.
    pub row: Row,
}

/// The families that have an active account of their own.
const FAMILIES: [&str; 5] = ["gpt-5-codex", "codex-max", "codex", "gpt-5.2", "gpt-5.1"];

/// `openai-codex-accounts.json`, version 3.
pub fn accounts(seated: &[Seated], now: Moment) -> String {
    let rows: Vec<Value> = seated.iter().map(|account| row(account, now)).collect();
    let position = |wanted: fn(&Row) -> bool| seated.iter().position(|account| wanted(&account.row));
    let active = position(|row| row.current).unwrap_or(0);
    let families: Map<String, Value> =
        FAMILIES.iter().map(|family| ((*family).to_owned(), json!(active))).collect();
    let mut document = json!({
        "version": 3,
        "accounts": rows,
        "activeIndex": active,
        "activeIndexByFamily": families,
        "affinityGeneration": 1,
    });
    if let (Some(pinned), Some(members)) = (position(|row| row.pinned), document.as_object_mut()) {
        members.insert("pinnedAccountIndex".to_owned(), json!(pinned));
    }
    pretty(&document)
}

fn row(account: &Seated, now: Moment) -> Value {
    let row = &account.row;
    let added = now - row.added;
    let identity =
        [added.millis().to_string().as_str(), &account.account_id, &account.email, account.refresh.expose()]
            .join("\0");
    let mut value = json!({
        "recordId": format!("record:{}", sha256_hex(identity)),
        "accountId": account.account_id,
        "accountIdSource": "token",
        "email": account.email,
        "refreshToken": account.refresh.expose(),
        "accessToken": account.access.expose(),
        "expiresAt": account.expires_at.millis(),
        "enabled": row.enabled,
        "addedAt": added.millis(),
        "lastUsed": (now - row.last_used).millis(),
    });
    let Some(members) = value.as_object_mut() else { return value };
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    if row.current {
        put("lastSwitchReason", json!("manual"));
    }
    if let Some(rest) = row.cooling {
        put("coolingDownUntil", json!((now + rest).millis()));
        put("cooldownReason", json!(row.cooldown_reason));
    }
    if let Some(code) = &row.invalidated {
        put("authInvalidatedAt", json!((now - row.last_used).millis()));
        put("authInvalidationErrorCode", json!(code));
    }
    value
}

/// `quota-cache.json`.
pub fn quota_cache(seated: &[Seated], model: &str, now: Moment) -> String {
    let known = seated.iter().filter(|account| account.row.cached);
    let entries: Map<String, Value> = known
        .map(|account| {
            let standing = &account.standing;
            let entry = json!({
                "updatedAt": (now - Span::seconds(12)).millis(),
                "status": if standing.exhausted().is_some() { 429 } else { 200 },
                "model": model,
                "planType": standing.plan,
                "primary": cached(standing.primary, account.begun.0),
                "secondary": cached(standing.secondary, account.begun.1),
            });
            (account.account_id.clone(), entry)
        })
        .collect();
    pretty(&json!({"version": 1, "byAccountId": entries, "byEmail": {}}))
}

fn cached(window: Option<Window>, begun: bool) -> Value {
    let Some(window) = window else { return json!({}) };
    let mut value = json!({"usedPercent": window.used, "windowMinutes": window.minutes});
    if let (true, Some(members)) = (begun, value.as_object_mut()) {
        members.insert("resetAtMs".to_owned(), json!(window.reset_at.millis()));
    }
    value
}

/// The official client's `auth.json` for one account.
pub fn auth_json(account: &Seated, now: Moment) -> String {
    pretty(&json!({
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": null,
        "tokens": {
            "id_token": account.id_token.expose(),
            "access_token": account.access.expose(),
            "refresh_token": account.refresh.expose(),
            "oauth_provenance": {"issuer": "https://auth.openai.com", "client_id": super::token::CLIENT_ID},
            "login_owner_id": uuid(7),
            "account_id": account.account_id,
        },
        "last_refresh": calendar::rfc3339(now - Span::minutes(30)),
    }))
}

/// How a day of work is spread over its hours, oldest first; sums to 100.
const DAY: [u32; 24] = [1, 1, 2, 4, 8, 11, 10, 4, 2, 1, 1, 1, 2, 6, 8, 5, 2, 1, 1, 1, 3, 6, 12, 7];

/// Rows of `usage/usage-ledger.jsonl` for the last 24 hours, oldest first.
pub fn ledger(seated: &[Seated], model: &str, now: Moment) -> String {
    let mut rows: Vec<(Moment, Value)> = seated
        .iter()
        .enumerate()
        .flat_map(|(index, account)| {
            (0..account.row.requests).map(move |n| ledger_row(account, index, n, model, now))
        })
        .collect();
    rows.sort_by_key(|(at, _)| *at);
    rows.iter().fold(String::new(), |mut text, (_, row)| {
        text.push_str(&row.to_string());
        text.push('\n');
        text
    })
}

fn ledger_row(account: &Seated, index: usize, n: u32, model: &str, now: Moment) -> (Moment, Value) {
    let share = u64::from(n) * 100 / u64::from(account.row.requests.max(1));
    let hour = hour_of(share);
    let seed = super::mixed(u64::from(n) ^ (index as u64) << 32);
    let minute = i64::try_from(seed % 3_600).unwrap_or(0);
    let at = now - Span::hours(24 - hour) + Span::seconds(minute);
    let input = 18_000 + seed % 24_000;
    let cached = input / 4 * 3;
    let output = 200 + seed % 900;
    let id = format!("sha256:{}", sha256_hex(&account.account_id));
    let email = format!("sha256:{}", sha256_hex(account.email.to_lowercase()));
    let row = json!({
        "version": 1,
        "id": uuid(seed),
        "createdAt": at.millis(),
        "source": "runtime-proxy",
        "operation": "responses",
        "outcome": "success",
        "model": model,
        "projectKey": null,
        "account": {"accountHash": id, "emailHash": email, "index": index},
        "requestId": uuid(seed ^ 1),
        "statusCode": 200,
        "errorCode": null,
        "durationMs": 1_800 + seed % 22_000,
        "tokens": {
            "inputTokens": input,
            "outputTokens": output,
            "cachedInputTokens": cached,
            "reasoningTokens": output / 3,
            "totalTokens": input + output,
        },
        "costUsd": cost(input, cached, output),
    });
    (at.min(now), row)
}

/// Dollars at the price of `gpt-5.5`: 2 in, 0.2 cached, 12 out, each per million; the division is exact enough
/// for eight decimals.
fn cost(input: u64, cached: u64, output: u64) -> f64 {
    let micro = (input - cached) * 20 + cached * 2 + output * 120;
    u32::try_from(micro).map_or(0.0, |micro| f64::from(micro) / 10_000_000.0)
}

/// The hour, 0 … 23 from the oldest, in which this share of the day's work was done.
fn hour_of(share: u64) -> i64 {
    let mut done = 0;
    for (hour, part) in (0_i64..).zip(DAY) {
        done += u64::from(part);
        if share < done {
            return hour;
        }
    }
    23
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_adds_up() {
        assert_eq!(DAY.iter().sum::<u32>(), 100);
        assert_eq!((hour_of(0), hour_of(99)), (0, 23));
    }
}
