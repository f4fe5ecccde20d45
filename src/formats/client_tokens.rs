//! `local-client-tokens.json` (storage.md §9.6), and the text of a new key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::{Moment, Secret};
use crate::domain::client_token::{BEGINS, ClientToken, Reach, Scope, label_of};
use crate::domain::shelf::Entries;
use crate::formats::lossless::{self, Object, ParseJsonError};
use crate::formats::shelf;

/// The text of a new key; shown once, never kept.
pub fn mint(random: &[u8; 32]) -> Secret {
    Secret::new(format!("{BEGINS}{}", URL_SAFE_NO_PAD.encode(random)))
}

/// A random id in the form of a version 4 uuid.
pub fn uuid(random: [u8; 16]) -> String {
    let mut bits = u128::from_be_bytes(random);
    bits = bits & !(0xf << 76) | (0x4 << 76);
    bits = bits & !(0x3 << 62) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Reads the store; records without id or hash are no keys.
///
/// # Errors
/// When it is no JSON object of version 1.
pub fn read(text: &str) -> Result<Entries<Vec<ClientToken>>, ParseJsonError> {
    let top = shelf::open(text)?;
    let mut found = Entries::<Vec<ClientToken>>::default();
    let rows = top.list("tokens");
    if top.has("tokens") && rows.is_none() {
        return Err(ParseJsonError { detail: "has no list of keys".to_owned() });
    }
    for raw in rows.unwrap_or_default() {
        match Object::parse(raw).ok().as_ref().and_then(token) {
            Some(token) => found.value.push(token),
            None => found.odd.push("a record without id or hash is not used".to_owned()),
        }
    }
    Ok(found)
}

/// The text with a key added.
///
/// # Errors
/// When the old text cannot be read.
pub fn add(text: Option<&str>, token: &ClientToken) -> Result<String, ParseJsonError> {
    let mut top = shelf::open_or_new(text)?;
    let mut row = Object::default();
    row.set("id", &token.id);
    row.set("label", &token.label);
    row.set("prefix", &token.prefix);
    row.set("tokenHash", &token.hash);
    row.set("createdAt", token.created_at.millis());
    row.set("lastUsedAt", token.last_used.map(Moment::millis));
    row.set("revokedAt", token.revoked_at.map(Moment::millis));
    // The reference knows none of these; a key without limits looks as it would there.
    let reach = &token.reach;
    if !reach.scopes.is_empty() {
        row.set("scopes", reach.scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>());
    }
    if !reach.models.is_empty() {
        row.set("models", &reach.models);
    }
    if let Some(end) = reach.expires_at {
        row.set("expiresAt", end.millis());
    }
    let row = row.to_text();
    let rows = top.list("tokens").unwrap_or_default().into_iter().chain([row.as_str()]);
    let rows = lossless::joined(rows);
    top.set_raw("tokens", rows);
    Ok(shelf::print(&top))
}

/// The text with a key revoked.
///
/// # Errors
/// When the old text cannot be read.
pub fn revoke(text: &str, id: &str, at: Moment) -> Result<String, ParseJsonError> {
    change(text, id, "revokedAt", at)
}

/// The text with a key's last use noted.
///
/// # Errors
/// When the old text cannot be read.
pub fn used(text: &str, id: &str, at: Moment) -> Result<String, ParseJsonError> {
    change(text, id, "lastUsedAt", at)
}

fn change(text: &str, id: &str, member: &str, at: Moment) -> Result<String, ParseJsonError> {
    let mut top = shelf::open(text)?;
    let changed = |raw: &str| match Object::parse(raw) {
        Ok(mut row) if row.text("id").as_deref() == Some(id) => {
            row.set(member, at.millis());
            row.to_text()
        }
        Ok(_) | Err(_) => raw.to_owned(),
    };
    let rows: Vec<String> = top.list("tokens").unwrap_or_default().into_iter().map(changed).collect();
    top.set_raw("tokens", lossless::joined(rows.iter().map(String::as_str)));
    Ok(shelf::print(&top))
}

fn token(row: &Object<'_>) -> Option<ClientToken> {
    let filled = |name: &str| row.text(name).filter(|text| !text.trim().is_empty());
    Some(ClientToken {
        id: filled("id")?,
        hash: filled("tokenHash")?,
        label: label_of(row.text("label").as_deref()),
        prefix: row.text("prefix").unwrap_or_default(),
        created_at: Moment::from_millis(row.millis("createdAt").unwrap_or(0)),
        last_used: row.millis("lastUsedAt").map(Moment::from_millis),
        revoked_at: row.millis("revokedAt").map(Moment::from_millis),
        reach: Reach {
            scopes: words(row, "scopes")?.iter().map(|word| Scope::from_word(word)).collect::<Option<_>>()?,
            models: words(row, "models")?,
            expires_at: row.millis("expiresAt").map(Moment::from_millis),
        },
    })
}

/// A list of words; `None` when it is there and cannot be read, so that a limit nobody understands is not lifted.
fn words(row: &Object<'_>, name: &str) -> Option<Vec<String>> {
    match row.list(name) {
        Some(rows) => rows.into_iter().map(lossless::text).collect(),
        None if row.has(name) => None,
        None => Some(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::client_token::find;

    #[test]
    fn keys_have_the_shape_clients_expect() {
        assert_eq!(mint(&[0xfb; 32]).len(), BEGINS.len() + 43);
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn a_key_is_added_used_and_revoked_and_strangers_stay() {
        let plain = mint(&[7; 32]);
        let key = ClientToken::new("k".into(), Some("ci"), &plain, Reach::default(), Moment::from_millis(1));
        let old = r#"{"version":1,"mine":1,"tokens":[{"id":"x","odd":true}]}"#;

        let text = add(Some(old), &key).unwrap();
        let noted = used(&text, "k", Moment::from_millis(2)).unwrap();
        let gone = revoke(&noted, "k", Moment::from_millis(3)).unwrap();

        assert_eq!(read(&text).unwrap().value, [key]);
        assert_eq!(
            find(&read(&noted).unwrap().value, plain.expose(), Moment::EPOCH).unwrap().last_used,
            Some(Moment::from_millis(2))
        );
        assert_eq!(find(&read(&gone).unwrap().value, plain.expose(), Moment::EPOCH), None);
        assert!(gone.contains("\"odd\": true") && gone.contains("\"mine\""), "{gone}");
        assert!(!gone.contains(plain.expose()));
    }
}
