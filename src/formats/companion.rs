//! The pool file of the companion tool, as text that is changed in place: rows and members we do not mean stay as they are.
//!
//! It has the shape of the reference's pool, version 3 (storage.md §4.1, §12).

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::accounts::{CURRENT, ParseAccountsError, row::Row};
use super::extension::Extension;
use super::lossless::{self, Listing, Object};
use crate::base::Moment;
use crate::domain::account::{Account, AccountKey};
use crate::domain::companion::{Action, Step};
use crate::domain::model::Family;

/// Members of a row that go there; all others are ours alone.
const TAKEN: [&str; 9] = [
    "accountId",
    "accountIdSource",
    "accountLabel",
    "email",
    "refreshToken",
    "accessToken",
    "expiresAt",
    "addedAt",
    "lastUsed",
];

/// Members of a row that spoke of the tokens it had before.
const SPENT: [&str; 5] = [
    "rateLimitResetTimes",
    "coolingDownUntil",
    "cooldownReason",
    "authInvalidatedAt",
    "authInvalidationErrorCode",
];

/// The companion's pool.
#[derive(Debug)]
pub struct Pool<'a> {
    top: Object<'a>,
    rows: Vec<Cow<'a, str>>,
    accounts: Vec<Account>,
}

impl<'a> Pool<'a> {
    /// A pool that does not exist yet.
    pub fn empty() -> Self {
        let mut families = Object::default();
        for family in Family::ALL {
            families.set(family.word(), 0);
        }
        let mut top = Object::default();
        top.set("version", CURRENT);
        top.set_raw("accounts", "[]".to_owned());
        top.set("activeIndex", 0);
        top.set_object("activeIndexByFamily", &families);
        Self { top, rows: Vec::new(), accounts: Vec::new() }
    }

    /// Reads one. Rows that cannot be used keep their place.
    ///
    /// # Errors
    /// When it is no pool, or of another version than 3: it is not ours to bring it up to date.
    pub fn parse(text: &'a str, at: Moment) -> Result<Self, ParseAccountsError> {
        let Listing { object: top, elements } = Listing::parse(text, "accounts")
            .map_err(|error| ParseAccountsError::Damaged { detail: error.to_string() })?;
        match top.count("version") {
            Some(CURRENT) => {}
            Some(version) if version > CURRENT => return Err(ParseAccountsError::Newer { version }),
            Some(_) | None => {
                return Err(ParseAccountsError::Shape {
                    detail: "the file has an older format, which its own program brings up to date",
                });
            }
        }
        let rows = elements.ok_or(ParseAccountsError::Shape { detail: "`accounts` is not a list" })?;
        let accounts = rows.iter().enumerate().map(|(place, row)| account(row, place, at)).collect();
        Ok(Self { top, rows: rows.into_iter().map(Cow::Borrowed).collect(), accounts })
    }

    /// Its accounts, one for each row; an unusable row is an account without tokens.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Carries a plan out. `ours` gives the text of a row of our pool by its position. Rows keep their places, so their
    /// selection stays what it was.
    pub fn take<'t>(&mut self, steps: &[Step], ours: impl Fn(usize) -> Option<&'t str>) {
        for step in steps {
            let Some(source) = step.here.and_then(&ours) else { continue };
            match step.action {
                Action::Add => self.rows.push(Cow::Owned(renewed(Object::default(), source).to_text())),
                Action::Update(_) => {
                    let row = step.there.and_then(|place| self.rows.get_mut(place));
                    if let Some(row) = row {
                        let before = Object::parse(row).map(Object::into_owned).unwrap_or_default();
                        *row = Cow::Owned(renewed(before, source).to_text());
                    }
                }
                Action::Skip(..) | Action::Keep => {}
            }
        }
    }

    /// The file's text.
    pub fn to_text(&mut self) -> String {
        self.top.set_raw("accounts", lossless::joined(self.rows.iter().map(AsRef::as_ref)));
        self.top.to_pretty() + "\n"
    }
}

/// A row with ours over it.
fn renewed<'a>(mut row: Object<'a>, source: &str) -> Object<'a> {
    let Ok(source) = Object::parse(source) else { return row };
    for name in SPENT {
        row.remove(name);
    }
    for name in TAKEN {
        match source.raw(name) {
            Some(raw) => row.set_raw(name, raw.to_owned()),
            // A token that ours does not have belongs to the sign-in that is replaced.
            None if name == "accessToken" || name == "expiresAt" => row.remove(name),
            None => {}
        }
    }
    row
}

fn account(text: &str, place: usize, at: Moment) -> Account {
    let row: Row<'_> = serde_json::from_str::<&RawValue>(text)
        .ok()
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    row.into_account(AccountKey::new(format!("companion:{place}")), &Extension::default(), at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::companion::plan;

    const AT: Moment = Moment::from_secs(1_790_000_000);

    const THEIRS: &str = r#"{
  "version": 3, "theirs": {"a": 1.50},
  "accounts": [
    {"email":"a@x.io","accountId":"ws-a","refreshToken":"old","accessToken":"oa","lastUsed":5,"note":"mine","coolingDownUntil":9},
    7,
    {"email":"only@there.io","refreshToken":"zt","lastUsed":1}
  ],
  "activeIndex": 2
}"#;

    fn ours() -> [&'static str; 2] {
        [
            r#"{"recordId":"record:1","email":"A@x.io","accountId":"ws-a","refreshToken":"new","lastUsed":6,"enabled":false,"x":1}"#,
            r#"{"recordId":"record:2","email":"b@x.io","accountId":"ws-b","refreshToken":"rb","lastUsed":7}"#,
        ]
    }

    fn synced() -> String {
        let ours = ours();
        let here: Vec<Account> =
            ours.iter().enumerate().map(|(place, row)| account(row, place, AT)).collect();
        let mut pool = Pool::parse(THEIRS, AT).unwrap();
        let steps = plan(&here, pool.accounts(), AT);
        pool.take(&steps, |place| ours.get(place).copied());
        pool.to_text()
    }

    #[test]
    fn what_we_do_not_mean_stays_as_it_was() {
        let text = synced();
        let top = Object::parse(&text).unwrap();

        assert_eq!(top.raw("activeIndex"), Some("2"), "their selection");
        assert!(text.contains("\"a\": 1.50"), "a number keeps its text: {text}");
        let rows = top.list("accounts").unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[1], "7", "a row nobody understands keeps its place");
        let updated = Object::parse(rows[0]).unwrap();
        assert_eq!(updated.text("refreshToken").as_deref(), Some("new"));
        assert_eq!(updated.text("note").as_deref(), Some("mine"));
        assert!(!updated.has("accessToken"), "an access token of the old sign-in is none of the new");
        assert!(!updated.has("coolingDownUntil") && !updated.has("enabled"));
        let added = Object::parse(rows[3]).unwrap();
        assert_eq!(added.text("refreshToken").as_deref(), Some("rb"));
        assert!(!added.has("recordId"), "our names for accounts are ours");
    }

    #[test]
    fn a_second_time_changes_nothing() {
        let text = synced();
        let ours = ours();
        let here: Vec<Account> =
            ours.iter().enumerate().map(|(place, row)| account(row, place, AT)).collect();
        let pool = Pool::parse(&text, AT).unwrap();

        let steps = plan(&here, pool.accounts(), AT);

        assert!(
            steps.iter().all(|step| !matches!(step.action, Action::Add | Action::Update(_))),
            "{steps:?}"
        );
    }

    #[test]
    fn a_file_of_another_version_is_refused() {
        assert!(matches!(
            Pool::parse(r#"{"version":4,"accounts":[]}"#, AT),
            Err(ParseAccountsError::Newer { version: 4 })
        ));
        assert!(matches!(
            Pool::parse(r#"{"version":1,"accounts":[]}"#, AT),
            Err(ParseAccountsError::Shape { .. })
        ));
        assert!(matches!(Pool::parse("{", AT), Err(ParseAccountsError::Damaged { .. })));
    }
}
