//! The files beside a token refresh, in `refresh-leases/`: lock and result shared with the reference
//! (storage.md §9.8), and the journal `intent.json`, which is ours alone.
//!
//! One compact JSON object and a newline each. A result holds tokens; lock and journal hold only hashes.

use serde::{Deserialize, Serialize};

use crate::base::{Moment, Secret};
use crate::domain::account::AccountKey;
use crate::domain::refresh::Intent;

/// A refresh that succeeded: what `<hash of the old token>.result.json` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// SHA-256 of the refresh token that was spent, hex.
    pub token_hash: String,
    /// When the answer came.
    pub created_at: Moment,
    /// The new access token.
    pub access: Secret,
    /// The new refresh token.
    pub refresh: Secret,
    /// When the access token runs out.
    pub expires: Moment,
    /// The new id token.
    pub id_token: Option<Secret>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultWire<'a> {
    token_hash: &'a str,
    created_at: i64,
    #[serde(borrow)]
    result: Tokens<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    access: &'a str,
    refresh: &'a str,
    expires: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

/// Reads a result file; `None` when it is not a whole success.
pub fn parse_result(text: &str) -> Option<Lease> {
    let wire: ResultWire<'_> = serde_json::from_str(text).ok()?;
    let tokens = wire.result;
    let whole = tokens.kind == "success" && !tokens.access.is_empty() && !tokens.refresh.trim().is_empty();
    whole.then(|| Lease {
        token_hash: wire.token_hash.to_owned(),
        created_at: Moment::from_millis(wire.created_at),
        access: Secret::from(tokens.access),
        refresh: Secret::from(tokens.refresh),
        expires: Moment::from_millis(tokens.expires),
        id_token: tokens.id_token.filter(|token| !token.is_empty()).map(Secret::from),
    })
}

/// Writes a result file.
pub fn print_result(lease: &Lease) -> Secret {
    let wire = ResultWire {
        token_hash: &lease.token_hash,
        created_at: lease.created_at.millis(),
        result: Tokens {
            kind: "success",
            access: lease.access.expose(),
            refresh: lease.refresh.expose(),
            expires: lease.expires.millis(),
            id_token: lease.id_token.as_ref().map(Secret::expose),
        },
    };
    Secret::new(line(&wire))
}

/// Who holds `<hash>.lock`, as the reference writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// SHA-256 of the token that is being spent, hex.
    pub token_hash: String,
    /// Its process.
    pub pid: u32,
    /// Epoch milliseconds.
    pub acquired_at: i64,
    /// Epoch milliseconds.
    pub expires_at: i64,
    /// Tells one holder from another; old files have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// Reads a lock file.
pub fn parse_lock(text: &str) -> Option<Lock> {
    serde_json::from_str(text).ok()
}

/// Writes a lock file.
pub fn print_lock(lock: &Lock) -> String {
    line(lock)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntentWire {
    account_record_id: String,
    old_hash: String,
    started_at: i64,
}

/// Reads the journal.
pub fn parse_intent(text: &str) -> Option<Intent> {
    let wire: IntentWire = serde_json::from_str(text).ok()?;
    Some(Intent {
        key: AccountKey::new(wire.account_record_id),
        old_hash: wire.old_hash,
        started_at: Moment::from_millis(wire.started_at),
    })
}

/// Writes the journal.
pub fn print_intent(intent: &Intent) -> String {
    line(&IntentWire {
        account_record_id: intent.key.as_str().to_owned(),
        old_hash: intent.old_hash.clone(),
        started_at: intent.started_at.millis(),
    })
}

fn line(value: &impl Serialize) -> String {
    // Strings and numbers always serialise; an empty file would be read as "no answer", which is safe.
    serde_json::to_string(value).map(|text| text + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_of_the_reference_is_read_and_ours_has_its_shape() {
        let theirs = r#"{"tokenHash":"ab","createdAt":1000,"result":{"type":"success","access":"a","refresh":"r","expires":2000,"multiAccount":true}}"#;

        let lease = parse_result(theirs).unwrap();

        assert_eq!(
            (lease.token_hash.as_str(), lease.expires, &lease.id_token),
            ("ab", Moment::from_millis(2000), &None)
        );
        assert_eq!(
            print_result(&lease).expose(),
            "{\"tokenHash\":\"ab\",\"createdAt\":1000,\"result\":{\"type\":\"success\",\"access\":\"a\",\"refresh\":\"r\",\"expires\":2000}}\n"
        );
        assert_eq!(parse_result(print_result(&lease).expose()), Some(lease));
    }

    #[test]
    fn half_a_result_is_no_result() {
        for text in [
            "",
            "{",
            r#"{"tokenHash":"ab","createdAt":1,"result":{"type":"failed","access":"a","refresh":"r","expires":2}}"#,
            r#"{"tokenHash":"ab","createdAt":1,"result":{"type":"success","access":"a","refresh":" ","expires":2}}"#,
            r#"{"tokenHash":"ab","createdAt":1,"result":{"type":"success","access":"a"}}"#,
        ] {
            assert_eq!(parse_result(text), None, "{text}");
        }
    }

    #[test]
    fn lock_and_journal_survive_a_round_trip() {
        let lock =
            Lock { token_hash: "ab".into(), pid: 7, acquired_at: 1, expires_at: 2, nonce: Some("n".into()) };
        let intent = Intent {
            key: AccountKey::new("record:1"),
            old_hash: "ab".into(),
            started_at: Moment::from_millis(5),
        };

        assert_eq!(parse_lock(&print_lock(&lock)), Some(lock));
        assert_eq!(parse_intent(&print_intent(&intent)), Some(intent));
        assert_eq!(
            parse_lock(r#"{"tokenHash":"ab","pid":7,"acquiredAt":1,"expiresAt":2}"#).unwrap().nonce,
            None
        );
    }
}
