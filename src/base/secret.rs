//! Text that must never be seen: tokens, codes, path prefixes, client keys.
//!
//! Own type rather than the `secrecy` crate's: messages that carry a secret must stay `Clone` and comparable.
//! There is no `Display`, `Debug` is redacted, equality takes constant time, memory is wiped on drop, and
//! [`Secret::expose`] is the only way in.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A secret text. See the module for what it promises.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes ownership of `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Lends the text to the one place that has to send or store it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing but white space is inside.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Whether `text` is this secret. Both are padded to one length first, so the time tells only the longer one.
    pub fn matches(&self, text: &str) -> bool {
        let length = self.0.len().max(text.len());
        let padded = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.resize(length, 0);
            bytes
        };
        let mut own = padded(&self.0);
        let same = own.ct_eq(&padded(text)) & self.0.len().ct_eq(&text.len());
        own.zeroize();
        same.into()
    }

    /// Length in bytes; lengths of tokens are not secret.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_text() {
        assert_eq!(format!("{:?}", Secret::new("rt_abc")), "Secret(…)");
    }

    #[test]
    fn equal_texts_are_equal_and_others_are_not() {
        assert_eq!(Secret::new("a"), Secret::new("a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_ne!(Secret::new("a"), Secret::new("aa"));
        assert!(Secret::new("a").matches("a"));
        assert!(!Secret::new("a").matches("a\0"));
        assert!(!Secret::new("a").matches(""));
    }
}
