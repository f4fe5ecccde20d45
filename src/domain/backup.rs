//! Copies of the pool: their names, what kind they are, and how one differs from the pool as it stands.
//!
//! A comparison is by identity, never by position or file text: it tells a person who would come back, who would
//! go, and whose tokens in the copy are the older ones. Old tokens are never put back over newer ones, because a
//! refresh token is single use and the account would be signed out.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::base::{Moment, calendar};
use crate::domain::account::{Account, AccountKey};
use crate::domain::identity::{self, Fallback, Person};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::reference;
use crate::domain::roster::Roster;
use crate::domain::token;

/// One copy of the pool as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What people call it: the base of a named file, `hourly-20261122T14`, `.bak.1`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Who made it.
    pub kind: Kind,
    /// Accounts in it; 0 when it cannot be read.
    pub accounts: usize,
    /// Size of the file.
    pub bytes: u64,
    /// When the file was last written.
    pub modified: Moment,
    /// Whether it can be restored.
    pub state: State,
}

impl Backup {
    /// Whether it can be restored.
    pub fn is_good(&self) -> bool {
        self.state == State::Good
    }

    /// Why nothing in it can be read, if so.
    pub fn unread(&self) -> Option<String> {
        match &self.state {
            State::Good | State::Empty => None,
            State::Damaged(why) => Some(why.clone()),
            State::Newer(version) => {
                Some(format!("it was written by a newer version (format {version}); update codex-multi-auth"))
            }
        }
    }
}

/// Who made a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A person, or an act that keeps the pool first; never deleted without the user.
    Named,
    /// The first save of an hour.
    Hourly,
    /// The first save of a day.
    Daily,
    /// One of the three generations beside the pool.
    Rotating,
}

impl Kind {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Hourly | Self::Daily => "snapshot",
            Self::Rotating => "rotating",
        }
    }
}

/// Whether a copy can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A pool with at least one account.
    Good,
    /// A pool without accounts.
    Empty,
    /// No pool; why.
    Damaged(String),
    /// A pool of a newer version; its format.
    Newer(u64),
}

/// What a backup may be called (storage.md §8): letters, digits, `-` and `_`, no name a system reserves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Reads what a person typed; an extension `.json` in any case is dropped.
    ///
    /// # Errors
    /// `bad-argument`, with the rule that was broken.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        if text.is_empty() {
            return Err(refused(text, "it is empty"));
        }
        if text.contains(['/', '\\']) {
            return Err(refused(text, "it must not contain path separators"));
        }
        if text.contains("..") {
            return Err(refused(text, "it must not contain `..`"));
        }
        let low = text.to_lowercase();
        if low.contains(".rotate.") {
            return Err(refused(text, "it must not look like a rotating backup"));
        }
        let base = if low.rsplit('.').next() == Some("json") && low.len() > 5 {
            text.get(..text.len() - 5)
        } else {
            Some(text)
        };
        let base = base.unwrap_or_default();
        let low = base.to_lowercase();
        if base.is_empty() {
            return Err(refused(text, "it cannot be just an extension"));
        }
        if low.rsplit_once('.').is_some_and(|(_, end)| matches!(end, "tmp" | "wal")) {
            return Err(refused(text, "it must not end in .tmp or .wal"));
        }
        if is_device(&low) {
            return Err(refused(text, "Windows reserves this name for a device"));
        }
        if !base.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(refused(text, "only letters, digits, hyphens and underscores are allowed"));
        }
        Ok(Self(base.to_owned()))
    }

    /// The name of a copy that an act makes before it changes the pool: `pre-reset-20261122-140500` (UTC).
    pub fn before(act: Before, at: Moment) -> Self {
        Self(format!("{}-{}", act.word(), calendar::label(at)))
    }

    /// The name of a copy whose maker gave none.
    pub fn unnamed(at: Moment) -> Self {
        Self(format!("backup-{}", calendar::label(at)))
    }

    /// The same name with a number behind it, for the second copy within one second.
    #[must_use]
    pub fn again(&self, number: usize) -> Self {
        Self(format!("{}-{number}", self.0))
    }

    /// Without extension.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With extension.
    pub fn file_name(&self) -> String {
        format!("{}.json", self.0)
    }
}

/// What a copy was made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// All accounts are deleted.
    Reset,
    /// One account is deleted.
    Remove,
    /// A backup replaces the pool.
    Restore,
    /// Another pool is merged in.
    Import,
}

impl Before {
    const fn word(self) -> &'static str {
        match self {
            Self::Reset => "pre-reset",
            Self::Remove => "pre-remove",
            Self::Restore => "pre-restore",
            Self::Import => "pre-import",
        }
    }
}

fn refused(name: &str, why: &str) -> Problem {
    let shown: String = name.chars().filter(|letter| !letter.is_control()).take(80).collect();
    Problem::new("bad-argument", Exit::Usage, format!("a backup cannot be called `{shown}`"))
        .because(why)
        .hint(Hint::Say("Use letters, digits, `-` and `_`, for example `before-trip`".to_owned()))
}

fn is_device(low: &str) -> bool {
    let numbered =
        |prefix| low.strip_prefix(prefix).is_some_and(|rest: &str| matches!(rest.as_bytes(), [b'1'..=b'9']));
    matches!(low, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// How a copy differs from the pool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Accounts in both, as the pool names them.
    pub same: Vec<String>,
    /// Accounts only in the pool: a restore would drop them.
    pub only_here: Vec<String>,
    /// Accounts only in the copy: they would come back.
    pub only_there: Vec<String>,
    /// Of those in both, how many have older tokens in the copy; the pool's stay.
    pub older_tokens: usize,
    /// Of those in both, how many have newer tokens in the copy.
    pub newer_tokens: usize,
    /// When the newest token of the copy was issued, as far as its tokens say.
    pub tokens_from: Option<Moment>,
    /// What a restore does to the pin.
    pub pin: PinFate,
}

/// What a restore does to the pin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PinFate {
    /// Nothing is pinned.
    #[default]
    None,
    /// The pinned account is in the copy, too.
    Stays(String),
    /// The pinned account is not in the copy.
    Lost(String),
}

/// Compares a copy with the pool.
pub fn compare(copy: &Roster, pool: &Roster) -> Comparison {
    let twins = twins(copy, pool);
    let mut comparison = Comparison::default();
    let mut met = HashSet::new();
    for (number, (account, twin)) in copy.accounts.iter().zip(&twins).enumerate() {
        let issued = account.credentials.claims.issued_at;
        comparison.tokens_from = comparison.tokens_from.max(issued);
        let found = twin.and_then(|place| Some((place, pool.accounts.get(place)?)));
        let Some((place, ours)) = found else {
            comparison.only_there.push(reference::name(account, number + 1));
            continue;
        };
        if !met.insert(place) {
            continue;
        }
        comparison.same.push(reference::name(ours, place + 1));
        if token::is_older(&account.credentials, &ours.credentials) {
            comparison.older_tokens += 1;
        } else if is_newer(account, ours) {
            comparison.newer_tokens += 1;
        }
    }
    for (place, account) in pool.accounts.iter().enumerate() {
        if !met.contains(&place) {
            comparison.only_here.push(reference::name(account, place + 1));
        }
    }
    if let Some((place, pinned)) =
        pool.pin.as_ref().and_then(|pin| Some((pool.index_of(pin)?, pool.get(pin)?)))
    {
        let name = reference::name(pinned, place + 1);
        comparison.pin = if met.contains(&place) { PinFate::Stays(name) } else { PinFate::Lost(name) };
    }
    comparison
}

/// Whether the tokens of `candidate` are another set than the stored one and known to be newer.
pub fn is_newer(candidate: &Account, stored: &Account) -> bool {
    candidate.credentials.refresh != stored.credentials.refresh
        && token::is_newer(&candidate.credentials, &stored.credentials)
}

/// For each account of the copy, the place of the same person and seat in the pool: by record id unless the
/// e-mails contradict it, else by the rules of storage.md §5.2.
pub fn twins(copy: &Roster, pool: &Roster) -> Vec<Option<usize>> {
    let by_key: HashMap<&AccountKey, usize> =
        pool.accounts.iter().enumerate().map(|(place, account)| (&account.key, place)).collect();
    let persons: Vec<Person> = pool.accounts.iter().map(Person::of).collect();
    let twin = |account: &Account| {
        let same_key = by_key.get(&account.key).copied().filter(|place| {
            let ours = pool.accounts.get(*place).and_then(|ours| ours.email.as_ref());
            ours.zip(account.email.as_ref()).is_none_or(|(ours, theirs)| ours == theirs)
        });
        same_key.or_else(|| identity::find(&persons, &Person::of(account), Fallback::Allowed))
    };
    copy.accounts.iter().map(twin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Secret, Span};

    #[test]
    fn a_name_follows_the_rules_of_every_system() {
        for (text, name) in [
            ("good-1", Some("good-1")),
            (" Good_2.JSON ", Some("Good_2")),
            ("x.json", Some("x")),
            ("com10", Some("com10")),
            ("", None),
            ("a/b", None),
            ("a\\b", None),
            ("..", None),
            ("x.tmp", None),
            ("x.wal.json", None),
            ("con", None),
            ("LPT9.json", None),
            ("a.rotate.b", None),
            ("with space", None),
            ("dotted.name", None),
            (".json", None),
            ("größe", None),
        ] {
            let parsed = Name::parse(text).ok();
            assert_eq!(parsed.as_ref().map(Name::as_str), name, "{text}");
        }
    }

    #[test]
    fn a_copy_made_by_an_act_is_named_by_act_and_time() {
        let at = Moment::from_millis(1_790_000_005_000);

        assert_eq!(Name::before(Before::Reset, at).as_str(), "pre-reset-20260921-141325");
        assert!(Name::parse(Name::before(Before::Import, at).as_str()).is_ok());
    }

    #[test]
    fn a_comparison_tells_who_would_come_go_and_keep_newer_tokens() {
        let at = Moment::from_millis(1_790_000_000_000);
        let issued = |name: &str, refresh: &str, at: Moment| {
            let mut account = Account::sample(name);
            account.credentials.refresh = Secret::new(refresh);
            account.credentials.claims.issued_at = Some(at);
            account
        };
        let pool = Roster {
            accounts: vec![issued("a", "a2", at), issued("b", "b1", at), issued("c", "c1", at)],
            pin: Some(AccountKey::new("record:c")),
            ..Roster::default()
        };
        let mut renamed = issued("b", "b2", at + Span::hours(1));
        renamed.key = AccountKey::new("record:other");
        let copy = Roster {
            accounts: vec![issued("a", "a1", at - Span::hours(1)), renamed, issued("d", "d1", at)],
            ..Roster::default()
        };

        let comparison = compare(&copy, &pool);

        assert_eq!(comparison.same, ["a@example.com", "b@example.com"]);
        assert_eq!(comparison.only_here, ["c@example.com"]);
        assert_eq!(comparison.only_there, ["d@example.com"]);
        assert_eq!((comparison.older_tokens, comparison.newer_tokens), (1, 1));
        assert_eq!(comparison.pin, PinFate::Lost("c@example.com".to_owned()));
        assert_eq!(comparison.tokens_from, Some(at + Span::hours(1)));
    }
}
