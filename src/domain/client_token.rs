//! Keys of local clients that use the bridge (storage.md §9.6): known by their hash alone, and what each is good for.

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

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The list of models.
    Models,
    /// Turns.
    Responses,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Models, Self::Responses];

    /// The word in files and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Responses => "responses",
        }
    }

    /// The scope of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// How far a key reaches (DB-60).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// What it opens; everything when empty.
    pub scopes: Vec<Scope>,
    /// Models it may ask for; every one when empty.
    pub models: Vec<String>,
    /// When it stops working by itself.
    pub expires_at: Option<Moment>,
}

/// Whether a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Active,
    /// The user took it back.
    Revoked,
    /// Its time is over.
    Expired,
}

impl State {
    /// The word in lists.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

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
    /// When it was taken back.
    pub revoked_at: Option<Moment>,
    /// How far it reaches.
    pub reach: Reach,
}

impl ClientToken {
    /// The record of a new key.
    pub fn new(id: String, label: Option<&str>, plain: &Secret, reach: Reach, at: Moment) -> Self {
        Self {
            id,
            label: label_of(label),
            prefix: plain.expose().chars().take(SHOWN).collect(),
            hash: hash(plain.expose()),
            created_at: at,
            last_used: None,
            revoked_at: None,
            reach,
        }
    }

    /// Whether it works at `at`.
    pub fn state(&self, at: Moment) -> State {
        match (self.revoked_at, self.reach.expires_at) {
            (Some(_), _) => State::Revoked,
            (None, Some(end)) if end <= at => State::Expired,
            (None, _) => State::Active,
        }
    }

    /// Whether it opens this.
    pub fn opens(&self, scope: Scope) -> bool {
        self.reach.scopes.is_empty() || self.reach.scopes.contains(&scope)
    }

    /// Whether it may ask for this model; one that names models does not stand for a request without any.
    pub fn allows(&self, model: Option<&str>) -> bool {
        let same = |model: &str| self.reach.models.iter().any(|own| own.eq_ignore_ascii_case(model));
        self.reach.models.is_empty() || model.is_some_and(same)
    }

    /// Whether a use at `at` is worth a write.
    pub fn is_news(&self, at: Moment) -> bool {
        self.last_used.is_none_or(|last| at.since(last) >= NOTED_EVERY)
    }
}

/// The active key a client showed. Every key is compared, in constant time, so that the answer's delay says
/// nothing about which of them came near.
pub fn find<'a>(tokens: &'a [ClientToken], shown: &str, at: Moment) -> Option<&'a ClientToken> {
    let shown = hash(shown);
    let mut found = None;
    for token in tokens {
        let is_same: bool = token.hash.as_bytes().ct_eq(shown.as_bytes()).into();
        if is_same && token.state(at) == State::Active {
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
        let mut token = ClientToken::new("1".into(), Some("  "), &plain, Reach::default(), Moment::EPOCH);

        assert_eq!((token.label.as_str(), token.prefix.as_str()), ("local-client", "cma_local_AAAAAAAA"));
        assert_eq!(find(std::slice::from_ref(&token), plain.expose(), Moment::EPOCH), Some(&token));
        assert_eq!(find(std::slice::from_ref(&token), "cma_local_AAAAAAAA", Moment::EPOCH), None);
        token.revoked_at = Some(Moment::EPOCH);
        assert_eq!(find(&[token], plain.expose(), Moment::EPOCH), None);
    }

    #[test]
    fn uses_are_noted_once_a_minute() {
        let mut token =
            ClientToken::new("1".into(), None, &Secret::from("x"), Reach::default(), Moment::EPOCH);
        assert!(token.is_news(Moment::EPOCH));
        token.last_used = Some(Moment::from_secs(10));

        assert!(!token.is_news(Moment::from_secs(69)));
        assert!(token.is_news(Moment::from_secs(70)));
    }

    #[test]
    fn a_key_reaches_as_far_as_it_was_made_to() {
        let reach = Reach {
            scopes: vec![Scope::Responses],
            models: vec!["gpt-5.5".into()],
            expires_at: Some(Moment::from_secs(10)),
        };
        let plain = Secret::from("x");
        let token = ClientToken::new("1".into(), None, &plain, reach, Moment::EPOCH);

        assert!(token.opens(Scope::Responses) && !token.opens(Scope::Models));
        assert!(token.allows(Some("GPT-5.5")) && !token.allows(Some("gpt-5.4")) && !token.allows(None));
        assert_eq!(token.state(Moment::from_secs(9)), State::Active);
        assert_eq!(token.state(Moment::from_secs(10)), State::Expired);
        assert_eq!(find(std::slice::from_ref(&token), "x", Moment::from_secs(10)), None);
    }
}
