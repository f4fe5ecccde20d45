//! Tags, weight and pauses of one account (storage.md §9.3).
//!
//! Keyed by a hash of who the account is, so that a policy outlives the account's tokens and its position.

use std::collections::BTreeMap;

use crate::base::{Moment, Percent};
use crate::domain::account::{Account, Switch};
use crate::domain::digest::sha256_hex;
use crate::domain::roster::Roster;

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

/// Policies of all accounts, by key (`sha256:…`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policies(pub BTreeMap<String, AccountPolicy>);

impl Policies {
    /// The policy of an account; `None` when the user wants nothing particular of it.
    pub fn of(&self, account: &Account) -> Option<&AccountPolicy> {
        if self.0.is_empty() {
            return None;
        }
        keys(account).iter().find_map(|key| self.0.get(key))
    }

    /// How an account is held back.
    pub fn rein(&self, account: &Account) -> Rein {
        self.of(account).map_or(Rein::Free, AccountPolicy::rein)
    }

    /// Whether nothing is wanted of anybody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How an account is held back by its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Rein {
    /// Not at all.
    #[default]
    Free,
    /// Sessions that are on it may finish; it gets no new ones.
    Drained,
    /// No traffic.
    Paused,
    /// Both; as good as paused.
    PausedAndDrained,
}

impl AccountPolicy {
    /// How the account is held back.
    pub const fn rein(&self) -> Rein {
        match (self.paused, self.drained) {
            (false, false) => Rein::Free,
            (false, true) => Rein::Drained,
            (true, false) => Rein::Paused,
            (true, true) => Rein::PausedAndDrained,
        }
    }

    /// Points in the score: two per weight above or below one.
    pub fn boost(&self) -> f64 {
        (self.weight - 1.0) * 2.0
    }

    /// Whether it says nothing that an account without a policy would not do.
    pub fn is_plain(&self) -> bool {
        *self == Self { updated_at: self.updated_at, ..Self::default() }
    }
}

/// Whether an edit changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It did.
    Yes,
    /// Everything was so already.
    No,
}

/// One thing the user wants otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyEdit {
    /// One more tag, normalised.
    Tag(String),
    /// One tag less, normalised.
    Untag(String),
    /// These tags and no others.
    Tags(Vec<String>),
    /// Another weight in hundredths, 0 … 1000.
    Weight(u16),
    /// Another note; `None` removes it.
    Note(Option<String>),
    /// No traffic, or traffic again.
    Pause(Switch),
    /// No new sessions, or new ones again.
    Drain(Switch),
}

impl PolicyEdit {
    /// The policy with this edit.
    #[must_use]
    pub fn apply(&self, mut policy: AccountPolicy, at: Moment) -> AccountPolicy {
        let before = policy.clone();
        match self {
            Self::Tag(tag) => {
                policy.tags = tags(policy.tags.iter().map(String::as_str).chain([tag.as_str()]));
            }
            Self::Untag(tag) => policy.tags.retain(|other| other != tag),
            Self::Tags(all) => policy.tags = tags(all.iter().map(String::as_str)),
            Self::Weight(hundredths) => policy.weight = weight(f64::from(*hundredths) / 100.0),
            Self::Note(text) => policy.note = text.as_deref().and_then(note),
            Self::Pause(switch) => policy.paused = *switch == Switch::On,
            Self::Drain(switch) => policy.drained = *switch == Switch::On,
        }
        if policy != before {
            policy.updated_at = at;
        }
        policy
    }
}

impl PolicyEdit {
    /// The edit that takes this one back, seen from the policy as it was before.
    #[must_use]
    pub fn inverse(&self, before: &AccountPolicy) -> Self {
        let switch = |on| if on { Switch::On } else { Switch::Off };
        match self {
            Self::Tag(_) | Self::Untag(_) | Self::Tags(_) => Self::Tags(before.tags.clone()),
            Self::Weight(_) => Self::Weight(Percent::new(before.weight * 100.0).whole()),
            Self::Note(_) => Self::Note(before.note.clone()),
            Self::Pause(_) => Self::Pause(switch(before.paused)),
            Self::Drain(_) => Self::Drain(switch(before.drained)),
        }
    }

    /// What holds once it is applied, in a few words: `weight 2`.
    pub fn words(&self, after: &AccountPolicy) -> String {
        match self {
            Self::Tag(_) | Self::Untag(_) | Self::Tags(_) if after.tags.is_empty() => "no tags".to_owned(),
            Self::Tag(_) | Self::Untag(_) | Self::Tags(_) => format!("tags {}", after.tags.join(", ")),
            Self::Weight(_) => format!("weight {}", after.weight),
            Self::Note(_) if after.note.is_none() => "note removed".to_owned(),
            Self::Note(_) => "note kept".to_owned(),
            Self::Pause(Switch::On) => "paused: no traffic until you let it".to_owned(),
            Self::Pause(Switch::Off) => "not paused any more".to_owned(),
            Self::Drain(Switch::On) => "draining: no new sessions".to_owned(),
            Self::Drain(Switch::Off) => "takes new sessions again".to_owned(),
        }
    }
}

/// A weight as it is typed, in hundredths: 0 to 10 with at most two decimals.
pub fn hundredths(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = !whole.is_empty() && rest.len() <= 2 && (whole.len() + rest.len()) <= 4;
    let digits = format!("{whole}{rest:0<2}");
    if !is_plain || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|hundredths| *hundredths <= 1_000)
}

/// The keys under which an account's policy may stand, the narrowest first: workspace and person together, as two
/// seats of one workspace need, then the reference's own. An account that declares neither has none: strangers
/// must not share a policy.
pub fn keys(account: &Account) -> Vec<String> {
    let id = account.account_id.as_deref().or_else(|| account.workspace_id());
    let id = id.map(str::trim).filter(|id| !id.is_empty());
    let email = account.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
    let both = id
        .zip(email)
        .map(|(id, email)| format!("sha256:{}", sha256_hex(format!("{id}::{}", email.to_lowercase()))));
    let plain = (id.is_some() || email.is_some()).then(|| key(id, email));
    both.into_iter().chain(plain).collect()
}

/// The key under which a new policy of `account` is kept: the reference's, unless a seat of the same workspace
/// would share it.
pub fn key_for(account: &Account, roster: &Roster) -> Option<String> {
    let own = keys(account);
    let plain = own.last()?;
    let is_shared =
        roster.accounts.iter().any(|other| other.key != account.key && keys(other).last() == Some(plain));
    if is_shared { own.first().cloned() } else { Some(plain.clone()) }
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
    fn two_seats_of_one_workspace_have_policies_of_their_own() {
        let seat = |name: &str| {
            let mut account = Account::sample(name);
            account.account_id = Some("team".to_owned());
            account
        };
        let (one, two, alone) = (seat("one"), seat("two"), Account::sample("alone"));
        let roster = Roster { accounts: vec![one.clone(), two.clone(), alone.clone()], ..Roster::default() };
        let key_of = |account: &Account| key_for(account, &roster).unwrap();

        assert_ne!(key_of(&one), key_of(&two));
        assert_eq!(key_of(&alone), key(alone.account_id.as_deref(), None));

        let paused = AccountPolicy { paused: true, ..AccountPolicy::default() };
        let own = Policies([(key_of(&one), paused.clone())].into());
        assert_eq!((own.rein(&one), own.rein(&two)), (Rein::Paused, Rein::Free));
        let shared = Policies([(key(Some("team"), None), paused)].into());
        assert_eq!((shared.rein(&one), shared.rein(&two)), (Rein::Paused, Rein::Paused));
    }

    #[test]
    fn an_account_that_declares_nothing_shares_no_policy() {
        let mut nobody = Account::sample("nobody");
        nobody.account_id = None;
        nobody.email = None;
        nobody.credentials.claims.workspace_id = None;

        assert_eq!(keys(&nobody), Vec::<String>::new());
    }

    #[test]
    fn tags_are_sorted_and_kept_once() {
        assert_eq!(tags([" B ", "a b", "b", "", "ä"]), ["-", "a-b", "b"]);
    }

    #[test]
    fn weights_and_notes_stay_in_bounds() {
        let weights = [-1.0, 2.5, 99.0, f64::NAN].map(weight).map(|weight| weight.to_string());
        assert_eq!(weights, ["0", "2.5", "10", "1"]);
        assert_eq!(note(&"é".repeat(600)).unwrap().chars().count(), 500);
        assert_eq!(note("  "), None);
    }
}
