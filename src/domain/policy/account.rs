//! Tags, weight and pauses of one account (storage.md §9.3).
//!
//! Keyed by a hash of who the account is, so that a policy outlives the account's tokens and its position.

use crate::base::Moment;
use crate::domain::digest::sha256_hex;

/// Longest tag.
const TAG: usize = 64;
/// Longest note.
const NOTE: usize = 500;
/// Weights lie between nought and this.
pub const HEAVIEST: f64 = 10.0;

/// What the user wants of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountPolicy {
    /// Sorted, unique, normalised.
    pub tags: Vec<String>,
    /// 0 … 10; 1 unless set.
    pub weight: f64,
    /// Not used for anything.
    pub paused: bool,
    /// No new sessions.
    pub drained: bool,
    /// The user's words.
    pub note: Option<String>,
    /// When it was set.
    pub updated_at: Moment,
}

impl Default for AccountPolicy {
    fn default() -> Self {
        Self {
            tags: Vec::new(),
            weight: 1.0,
            paused: false,
            drained: false,
            note: None,
            updated_at: Moment::EPOCH,
        }
    }
}

/// The key under which an account's policy is kept: of its workspace id, else of its e-mail.
pub fn key(account_id: Option<&str>, email: Option<&str>) -> String {
    let filled = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let name = filled(account_id)
        .or_else(|| filled(email).map(|email| email.to_lowercase()))
        .unwrap_or_else(|| "unknown".to_owned());
    format!("sha256:{}", sha256_hex(name))
}

/// A tag as it is kept; `None` when nothing is left of it.
pub fn tag(text: &str) -> Option<String> {
    let tag = slug(text, "._-", TAG);
    (!tag.is_empty()).then_some(tag)
}

/// Tags as they are kept: normalised, sorted, each once.
pub fn tags<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<String> = texts.into_iter().filter_map(tag).collect();
    all.sort();
    all.dedup();
    all
}

/// A weight within its bounds.
pub fn weight(value: f64) -> f64 {
    if value.is_finite() { value.clamp(0.0, HEAVIEST) } else { 1.0 }
}

/// A note as it is kept; blank is none.
pub fn note(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(NOTE).collect())
}

/// Trimmed and lower-cased, every run of characters outside letters, digits and `extra` one dash, cut to length.
pub(super) fn slug(text: &str, extra: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut in_run = false;
    for c in text.trim().to_lowercase().chars() {
        let fits = c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(c);
        if fits {
            out.push(c);
        } else if !in_run {
            out.push('-');
        }
        in_run = !fits;
    }
    out.truncate(longest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_follows_the_workspace_or_the_person() {
        assert_eq!(key(Some(" id "), Some("x@y.z")), key(Some("id"), None));
        assert_eq!(key(Some(" "), Some(" User@Example.com ")), key(None, Some("user@example.com")));
        assert_eq!(key(None, None), key(Some("unknown"), None));
    }

    #[test]
    fn tags_are_sorted_and_kept_once() {
        assert_eq!(tags([" B ", "a b", "b", "", "ä"]), ["-", "a-b", "b"]);
    }

    #[test]
    fn weights_and_notes_stay_in_bounds() {
        assert_eq!([weight(-1.0), weight(2.5), weight(99.0), weight(f64::NAN)], [0.0, 2.5, 10.0, 1.0]);
        assert_eq!(note(&"é".repeat(600)).unwrap().chars().count(), 500);
        assert_eq!(note("  "), None);
    }
}
