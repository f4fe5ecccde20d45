//! `<root>/ext/capabilities.json`: what traffic taught about who may ask for which model (storage.md §3). Accounts stand
//! in it by the hash of their record id.

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::capability::{Block, Capabilities, Reason, Seen};
use crate::domain::digest::sha256_hex;
use crate::domain::roster::Roster;

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    #[serde(default)]
    pairs: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    account: String,
    model: String,
    #[serde(default)]
    successes: u32,
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    unsupported: u32,
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocked_until: Option<i64>,
}

/// The file's text.
pub fn print(known: &Capabilities) -> String {
    let pairs = known
        .iter()
        .map(|(key, model, seen)| Row {
            account: hash(key),
            model: model.to_owned(),
            successes: seen.successes,
            failures: seen.failures,
            unsupported: seen.unsupported,
            at: seen.at.millis(),
            reason: seen.block.map(|block| block.reason.word().to_owned()),
            blocked_until: seen.block.map(|block| block.until.millis()),
        })
        .collect();
    let mut text = serde_json::to_string(&Document { version: 1, pairs }).unwrap_or_default();
    text.push('\n');
    text
}

/// Reads the file for the accounts of a roster; anything unreadable teaches nothing.
pub fn parse(text: &str, roster: &Roster) -> Capabilities {
    let mut known = Capabilities::default();
    let Ok(document) = serde_json::from_str::<Document>(text) else { return known };
    let owners: Vec<(String, &AccountKey)> =
        roster.accounts.iter().map(|account| (hash(&account.key), &account.key)).collect();
    for row in document.pairs {
        let Some((_, key)) = owners.iter().find(|(hash, _)| *hash == row.account) else { continue };
        let reason = row.reason.as_deref().and_then(Reason::from_word);
        let until = row.blocked_until.map(Moment::from_millis);
        let seen = Seen {
            successes: row.successes,
            failures: row.failures,
            unsupported: row.unsupported,
            at: Moment::from_millis(row.at),
            block: reason.zip(until).map(|(reason, until)| Block { reason, until }),
        };
        known.learn(key, &row.model, seen);
    }
    known.take_changed();
    known
}

fn hash(key: &AccountKey) -> String {
    format!("sha256:{}", sha256_hex(key.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;
    use crate::domain::account::Account;

    #[test]
    fn what_was_learnt_comes_back_and_strangers_do_not() {
        let roster = Roster { accounts: vec![Account::sample("a")], ..Roster::default() };
        let key = &roster.accounts[0].key;
        let now = Moment::from_secs(1_000);
        let mut known = Capabilities::default();
        known.succeeded(key, "gpt-5.4", now);
        known.refused(key, "gpt-5.5", Reason::PlanEntitlement, now + Span::seconds(1));
        known.failed(&AccountKey::new("gone"), "gpt-5.5", now);

        let text = print(&known);
        let back = parse(&text, &roster);

        assert!(!text.contains(key.as_str()) || key.as_str().len() < 2, "{text}");
        assert_eq!(back.of(key, "gpt-5.4"), known.of(key, "gpt-5.4"));
        assert_eq!(back.of(key, "gpt-5.5"), known.of(key, "gpt-5.5"));
        assert_eq!(back.iter().count(), 2);
        assert_eq!(parse("{", &roster), Capabilities::default());
    }
}
