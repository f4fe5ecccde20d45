//! Small files around the official CLI: its package manifest, where we found it last time, and which
//! accounts passed the preflight lately.

use serde::{Deserialize, Serialize};

use crate::base::Moment;

/// The version in a `package.json`, without a platform behind it (`0.169.0-linux-x64` → `0.169.0`).
pub fn package_version(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Manifest {
        version: String,
    }
    let manifest: Manifest = serde_json::from_str(text).ok()?;
    let version = manifest.version.split("-linux").next()?.split("-darwin").next()?.split("-win32").next()?;
    Some(version.to_owned())
}

/// `cache/official-codex.json`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Where it was.
    pub path: String,
    /// Its modification time then.
    pub mtime_ms: i64,
    /// Its size then.
    pub size: u64,
    /// Its version, when known.
    pub version: Option<String>,
}

/// Reads `cache/official-codex.json`.
pub fn parse_found(text: &str) -> Option<Found> {
    serde_json::from_str(text).ok()
}

/// Writes `cache/official-codex.json`.
pub fn print_found(found: &Found) -> String {
    serde_json::to_string(found).unwrap_or_default() + "\n"
}

/// One row of `cache/preflight.json`: this account with this token was alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    /// Workspace id.
    pub account_id: String,
    /// SHA-256 of the access token, hex.
    pub token_hash: String,
    /// When the back end said so.
    pub checked_at: Moment,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    account_id: String,
    token_hash: String,
    checked_at: i64,
}

/// Reads `cache/preflight.json`; anything unreadable is an empty memory.
pub fn parse_alive(text: &str) -> Vec<Alive> {
    let rows: Vec<Row> = serde_json::from_str(text).unwrap_or_default();
    rows.into_iter()
        .map(|row| Alive {
            account_id: row.account_id,
            token_hash: row.token_hash,
            checked_at: Moment::from_millis(row.checked_at),
        })
        .collect()
}

/// Writes `cache/preflight.json`.
pub fn print_alive(rows: &[Alive]) -> String {
    let rows: Vec<Row> = rows
        .iter()
        .map(|row| Row {
            account_id: row.account_id.clone(),
            token_hash: row.token_hash.clone(),
            checked_at: row.checked_at.millis(),
        })
        .collect();
    serde_json::to_string(&rows).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_no_part_of_the_version() {
        for (text, version) in [
            (r#"{"name":"@openai/codex","version":"0.169.0"}"#, Some("0.169.0")),
            (r#"{"version":"0.169.0-linux-x64"}"#, Some("0.169.0")),
            (r#"{"version":"0.170.0-alpha.2"}"#, Some("0.170.0-alpha.2")),
            (r#"{"name":"x"}"#, None),
            ("no json", None),
        ] {
            assert_eq!(package_version(text).as_deref(), version, "{text}");
        }
    }

    #[test]
    fn the_caches_survive_a_round_trip_and_damage() {
        let found = Found { path: "/usr/bin/codex".into(), mtime_ms: 5, size: 7, version: None };
        let alive =
            Alive { account_id: "a".into(), token_hash: "b".into(), checked_at: Moment::from_millis(9) };

        assert_eq!(parse_found(&print_found(&found)), Some(found));
        assert_eq!(parse_alive(&print_alive(std::slice::from_ref(&alive))), [alive]);
        assert_eq!((parse_found("{"), parse_alive("{\"a\":1}")), (None, Vec::new()));
    }
}
