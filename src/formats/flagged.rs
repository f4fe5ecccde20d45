//! The flagged pool, `openai-codex-flagged-accounts.json` (storage.md §7): accounts whose sign-in was refused,
//! kept until the user signs in again or deletes them.
//!
//! A row is a row of the pool plus when and why it was flagged. Members nobody knows stay; of rows with the same
//! refresh token the last one counts and takes the place of the first.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey};
use crate::domain::vault::Flagged;
use crate::formats::accounts::edit;
use crate::formats::accounts::row::{self, Row};
use crate::formats::extension::Extension;
use crate::formats::lossless::{self, Listing, Object, ParseJsonError};

const VERSION: u64 = 1;

/// Members that a flagged row has beside those of an account.
const OWN: [&str; 3] = ["flaggedAt", "flaggedReason", "lastError"];

/// Why a text is no flagged pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFlaggedError {
    /// Not JSON, or not an object.
    #[error("the file {0}")]
    Damaged(#[from] ParseJsonError),
    /// JSON of another shape.
    #[error("{0}")]
    Shape(&'static str),
}

/// The file and what it means.
#[derive(Debug, Clone)]
pub struct FlaggedDocument<'a> {
    top: Object<'a>,
    rows: Vec<Line<'a>>,
    unusable: Vec<&'a str>,
}

#[derive(Debug, Clone)]
struct Line<'a> {
    text: Cow<'a, str>,
    flagged: Flagged,
}

impl<'a> FlaggedDocument<'a> {
    /// A flagged pool without accounts.
    pub fn empty() -> Self {
        let mut top = Object::default();
        top.set("version", VERSION);
        top.set_raw("accounts", "[]".to_owned());
        Self { top, rows: Vec::new(), unusable: Vec::new() }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When it is no flagged pool; one with rows of which none can be used is none either.
    pub fn parse(text: &'a str, at: Moment) -> Result<Self, ParseFlaggedError> {
        let Listing { object: top, elements } = Listing::parse(text, "accounts")?;
        if top.count("version") != Some(VERSION) {
            return Err(ParseFlaggedError::Shape("`version` is not one that was ever written"));
        }
        let elements = elements.ok_or(ParseFlaggedError::Shape("`accounts` is not a list"))?;
        let is_filled = !elements.is_empty();
        let mut document = Self { top, rows: Vec::new(), unusable: Vec::new() };
        let mut by_token: HashMap<String, usize> = HashMap::new();
        let mut used = HashSet::new();
        for text in elements {
            let Some(mut line) = Line::read(text, &mut used, at) else {
                document.unusable.push(text);
                continue;
            };
            let token = line.flagged.account.credentials.refresh.expose().trim().to_owned();
            if let Some(first) = by_token.get(&token).and_then(|place| document.rows.get_mut(*place)) {
                if let Some(merged) = row::absorb(&line.text, std::iter::once(first.text.as_ref())) {
                    line.text = Cow::Owned(merged);
                }
                *first = line;
            } else {
                by_token.insert(token, document.rows.len());
                document.rows.push(line);
            }
        }
        if is_filled && document.rows.is_empty() {
            return Err(ParseFlaggedError::Shape("none of its accounts can be used"));
        }
        Ok(document)
    }

    /// The accounts in stored order.
    pub fn accounts(&self) -> impl Iterator<Item = &Flagged> {
        self.rows.iter().map(|line| &line.flagged)
    }

    /// Rows without a refresh token; to be kept in quarantine before they are dropped.
    pub fn unusable(&self) -> impl Iterator<Item = &str> {
        self.unusable.iter().copied()
    }

    /// Adds a row of the pool; one with the same refresh token is replaced in its place.
    pub fn add(&mut self, pool_row: &str, flagged: &Flagged) {
        let Ok(mut row) = Object::parse(pool_row) else { return };
        row.set("recordId", flagged.account.key.as_str());
        row.set("flaggedAt", flagged.at.millis());
        match &flagged.reason {
            Some(reason) => row.set("flaggedReason", reason),
            None => row.remove("flaggedReason"),
        }
        match &flagged.error {
            Some(error) => row.set("lastError", error),
            None => row.remove("lastError"),
        }
        let line = Line { text: Cow::Owned(row.to_text()), flagged: flagged.clone() };
        let same = |other: &&mut Line<'_>| {
            other.flagged.account.credentials.refresh == flagged.account.credentials.refresh
        };
        match self.rows.iter_mut().find(same) {
            Some(row) => *row = line,
            None => self.rows.push(line),
        }
    }

    /// Removes accounts; returns what was removed.
    pub fn remove(&mut self, keys: &[AccountKey]) -> Vec<Flagged> {
        let mut gone = Vec::new();
        self.rows.retain(|line| {
            let stays = !keys.contains(&line.flagged.account.key);
            if !stays {
                gone.push(line.flagged.clone());
            }
            stays
        });
        gone
    }

    /// A pool of one: the flagged account as it may stand in the pool again, with the tokens it has now.
    pub fn as_pool(&self, account: &Account, at: Moment) -> Option<String> {
        let line = self.rows.iter().find(|line| line.flagged.account.key == account.key)?;
        let mut row = Object::parse(&line.text).ok()?;
        for name in OWN {
            row.remove(name);
        }
        row.set("recordId", account.key.as_str());
        let text = row.to_text();
        let before = Row::parse(&text)?.into_account(account.key.clone(), &Extension::default(), at);
        let text = edit::rewrite(&text, Some(&before), account).map_or(text, |(text, _)| text);
        let mut top = Object::default();
        top.set("version", 3);
        top.set_raw("accounts", lossless::joined(std::iter::once(text.as_str())));
        top.set("activeIndex", 0);
        Some(top.to_text())
    }

    /// The text to be saved: two spaces of indentation, no newline at the end.
    pub fn to_text(&self) -> String {
        let mut top = self.top.clone();
        top.set("version", VERSION);
        top.set_raw("accounts", lossless::joined(self.rows.iter().map(|line| line.text.as_ref())));
        top.to_pretty()
    }
}

impl<'a> Line<'a> {
    fn read(text: &'a str, used: &mut HashSet<AccountKey>, at: Moment) -> Option<Self> {
        let view = Row::parse(text)?;
        let (key, _) = view.key(used);
        used.insert(key.clone());
        let mut account = view.into_account(key, &Extension::default(), at);
        let row = Object::parse(text).ok()?;
        let since = row.millis("flaggedAt").map_or(at, Moment::from_millis);
        if row.millis("addedAt").is_none() {
            account.added_at = since;
        }
        if row.millis("lastUsed").is_none() {
            account.last_used = since;
        }
        let filled = |name: &str| row.text(name).filter(|text| !text.trim().is_empty());
        let flagged =
            Flagged { account, at: since, reason: filled("flaggedReason"), error: filled("lastError") };
        Some(Self { text: Cow::Borrowed(text), flagged })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    const AT: Moment = Moment::from_millis(1_790_000_000_000);

    #[test]
    fn the_last_row_of_a_token_counts_and_keeps_what_nobody_knows() {
        let text = r#"{"version":1,"more":[1.0],"accounts":[
            {"refreshToken":"a","flaggedAt":5,"email":"old@x.io","odd":1},
            {"email":"nobody@x.io"},
            {"refreshToken":"b","flaggedAt":"soon","flaggedReason":7,"addedAt":3},
            {"refreshToken":" a ","email":"new@x.io","flaggedAt":6,"flaggedReason":"token-invalid","lastError":"revoked"}]}"#;

        let document = FlaggedDocument::parse(text, AT).unwrap();

        let seen: Vec<_> = document
            .accounts()
            .map(|row| (row.account.email.as_deref(), row.at.millis(), row.reason.as_deref()))
            .collect();
        assert_eq!(seen, [(Some("new@x.io"), 6, Some("token-invalid")), (None, AT.millis(), None)]);
        assert_eq!(document.unusable().count(), 1);
        let written = document.to_text();
        assert!(written.contains("\"odd\": 1") && written.contains("\"more\": ["), "{written}");
        assert!(!written.contains("old@x.io"));
    }

    #[test]
    fn what_is_no_flagged_pool_is_refused() {
        for text in [
            "",
            "[]",
            r#"{"accounts":[]}"#,
            r#"{"version":3,"accounts":[]}"#,
            r#"{"version":1,"accounts":{}}"#,
            r#"{"version":1,"accounts":[{"email":"a@x.io"}]}"#,
        ] {
            assert!(FlaggedDocument::parse(text, AT).is_err(), "{text}");
        }
        assert_eq!(
            FlaggedDocument::parse(r#"{"version":1,"accounts":[]}"#, AT).unwrap().accounts().count(),
            0
        );
    }

    #[test]
    fn an_account_goes_in_and_comes_out_with_its_own_members() {
        let pool_row = r#"{"recordId":"record:a","refreshToken":"r1","email":"a@x.io","odd":{"n":1.50}}"#;
        let mut account = Account::sample("a");
        account.credentials.refresh = Secret::new("r1");
        let flagged = Flagged {
            account: account.clone(),
            at: AT,
            reason: Some("token-invalid".to_owned()),
            error: Some("revoked".to_owned()),
        };
        let mut document = FlaggedDocument::empty();

        document.add(pool_row, &flagged);
        document.add(pool_row, &flagged);
        let written = document.to_text();
        let mut again = FlaggedDocument::parse(&written, AT).unwrap();
        account.credentials.refresh = Secret::new("r2");
        let back = again.as_pool(&account, AT).unwrap();

        assert_eq!(again.accounts().count(), 1);
        assert!(written.contains("flaggedAt") && written.contains("1.50"));
        assert!(back.contains("\"r2\"") && back.contains("1.50") && !back.contains("flagged"), "{back}");
        assert_eq!(again.remove(&[AccountKey::new("record:a")]).len(), 1);
        assert_eq!(again.accounts().count(), 0);
    }
}
