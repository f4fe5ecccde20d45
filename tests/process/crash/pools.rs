//! Pools as they might lie anywhere: any number of accounts in any state, members nobody knows at any depth, and
//! whatever other programs left beside them. The same seed gives the same home.

use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::dirs::{Home, Login};

/// File name of the pool.
pub(super) const POOL: &str = "openai-codex-accounts.json";

/// A home with such a pool.
pub(super) fn home(rng: &mut Rng) -> Home {
    let home = Home::new();
    let count = rng.usize(3..=9);
    furnish(&home, document(rng, count), rng);
    home
}

/// Writes the document and random leftovers beside it.
#[expect(clippy::needless_pass_by_value, reason = "made for this call")]
pub(super) fn furnish(home: &Home, document: Value, rng: &mut Rng) {
    let root = home.root();
    for suffix in [".bak", ".bak.1", ".bak.2"] {
        if rng.bool() {
            let mut older = document.clone();
            older["affinityGeneration"] = rng.u32(0..3).into();
            home.write(&root.join(format!("{POOL}{suffix}")), &older.to_string());
        }
    }
    if rng.u8(0..4) == 0 {
        // A journal from long ago whose removal failed.
        let content = document.to_string();
        let stale = json!({ "version": 1, "createdAt": 1, "path": "/nowhere", "checksum": "wrong", "content": content });
        home.write(&root.join(format!("{POOL}.wal")), &stale.to_string());
    }
    if rng.u8(0..4) == 0 {
        let left = root.join(format!("{POOL}.99999999.1790000000000.cafebabe.tmp"));
        home.write(&left, "{\"version\":3,");
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        std::fs::File::options()
            .write(true)
            .open(&left)
            .and_then(|file| file.set_modified(long_ago))
            .expect("ours");
    }
    home.write(&root.join(POOL), &serde_json::to_string_pretty(&document).expect("printable"));
}

/// A pool document.
pub(super) fn document(rng: &mut Rng, count: usize) -> Value {
    let accounts: Vec<Value> = (1..=count).map(|number| row(rng, number)).collect();
    let mut pool = json!({ "version": 3, "accounts": accounts, "activeIndex": rng.usize(0..count) });
    if rng.bool() {
        pool["activeIndexByFamily"] = json!({ "codex": rng.usize(0..count), "gpt-9": 0 });
    }
    if rng.bool() {
        pool["affinityGeneration"] = rng.u32(1..100).into();
    }
    if rng.bool() {
        pool["futureTop"] = json!({ "deep": [1, { "er": null, "text": "ünï\u{1f600}" }] });
    }
    pool
}

fn row(rng: &mut Rng, number: usize) -> Value {
    let login = Login::sample(number);
    let mut row = json!({
        "accountId": login.account_id,
        "accountIdSource": "token",
        "email": login.email,
        "refreshToken": login.refresh,
        "accessToken": login.access,
        "expiresAt": login.expires_at_ms,
        "addedAt": 1_760_000_000_000_i64 + i64::try_from(number).expect("small"),
        "lastUsed": 1_760_000_000_000_i64,
    });
    if rng.u8(0..4) == 0 {
        row["enabled"] = false.into();
    }
    if rng.u8(0..3) == 0 {
        row["accountLabel"] = format!("label {number}").into();
    }
    if rng.u8(0..3) == 0 {
        row["rateLimitResetTimes"] = json!({ "codex": 4_000_000_000_000_i64, "other:x": 1 });
    }
    if rng.bool() {
        row["workspaces"] =
            json!([{ "id": login.account_id, "enabled": true, "note": number, "isDefault": true }]);
    }
    if rng.bool() {
        row[format!("x-{number}")] = json!({ "kept": [true, 1.5e3, "é"] });
    }
    row
}
