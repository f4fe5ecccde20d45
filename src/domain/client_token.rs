//! Keys of local clients that use the bridge (storage.md §9.6): known by their hash alone.

use subtle::ConstantTimeEq as _;

use crate::base::{Moment, Secret, Span};
use crate::domain::digest::sha256_hex;

/// Characters of a key that are kept to recognise it.
const SHOWN: usize = 18;
/// Longest label.
const LABEL: usize = 80;
/// The last use is written down at most this often.
const NOTED_EVERY: Span = Span::minutes(1);

/// What every key begins with.
pub const BEGINS: &str = "cma_local_";

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientToken {
    /// Uuid.
    pub id: String,
    /// The user's word for it.
    pub label: String,
    /// First characters, to recognise it.
    pub prefix: String,
    /// `sha256:` and the hash of the whole key, hex.
    pub hash: String,
    /// When it was made.
    pub created_at: Moment,
    /// When it was last used.
    pub last_used: Option<Moment>,
    /// When it stopped working.
    pub revoked_at: Option<Moment>,
}

impl ClientToken {
    /// The record of a new key.
    pub fn new(id: String, label: Option<&str>, plain: &Secret, at: Moment) -> Self {
        Self {
            id,
            label: label_of(label),
            prefix: plain.expose().chars().take(SHOWN).collect(),
            hash: hash(plain.expose()),
            created_at: at,
            last_used: None,
            revoked_at: None,
        }
    }

    /// Whether it works.
    pub fn is_active(&self) -> bool {
        self.revoked_at.is_none()
    }

    /// Whether a use at `at` is worth a write.
    pub fn is_news(&self, at: Moment) -> bool {
        self.last_used.is_none_or(|last| at.since(last) >= NOTED_EVERY)
    }
}

/// The active key a client showed. Every key is compared, in constant time, so that the answer's delay says
/// nothing about which of them came near.
pub fn find<'a>(tokens: &'a [ClientToken], shown: &str) -> Option<&'a ClientToken> {
    let shown = hash(shown);
    let mut found = None;
    for token in tokens {
        let is_same: bool = token.hash.as_bytes().ct_eq(shown.as_bytes()).into();
        if is_same && token.is_active() {
            found = Some(token);
        }
    }
    found
}

/// A label as it is kept.
pub fn label_of(text: Option<&str>) -> String {
    let text = text.map(str::trim).filter(|text| !text.is_empty()).unwrap_or("local-client");
    text.chars().take(LABEL).collect()
}

fn hash(plain: &str) -> String {
    format!("sha256:{}", sha256_hex(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_whole_text_while_it_works() {
        let plain = Secret::new(format!("{BEGINS}{}", "A".repeat(43)));
        let mut token = ClientToken::new("1".into(), Some("  "), &plain, Moment::EPOCH);

        assert_eq!((token.label.as_str(), token.prefix.as_str()), ("local-client", "cma_local_AAAAAAAA"));
        assert_eq!(find(std::slice::from_ref(&token), plain.expose()), Some(&token));
        assert_eq!(find(std::slice::from_ref(&token), "cma_local_AAAAAAAA"), None);
        token.revoked_at = Some(Moment::EPOCH);
        assert_eq!(find(&[token], plain.expose()), None);
    }

    #[test]
    fn uses_are_noted_once_a_minute() {
        let mut token = ClientToken::new("1".into(), None, &Secret::from("x"), Moment::EPOCH);
        assert!(token.is_news(Moment::EPOCH));
        token.last_used = Some(Moment::from_secs(10));

        assert!(!token.is_news(Moment::from_secs(69)));
        assert!(token.is_news(Moment::from_secs(70)));
    }
}
