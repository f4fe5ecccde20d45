//! One row of the pool as an account; wrong-typed members count as absent.

pub(super) mod glance;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::BuildHasher as _;

use foldhash::quality::FixedState;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::base::{Moment, Secret};
use crate::domain::account::{
    Account, AccountKey, Cooldown, CooldownReason, Credentials, IdSource, Invalidation, Switch, SwitchReason,
    Tokens,
};
use crate::domain::identity::{self, Person};
use crate::domain::workspace::Workspace;
use crate::formats::extension::Extension;
use crate::formats::jwt;
use crate::formats::lossless::{self, Name, Object};

/// Members the reference knows; when rows are merged, only some of them move to the survivor.
const KNOWN: [&str; 19] = [
    "recordId",
    "accountId",
    "accountIdSource",
    "accountLabel",
    "email",
    "refreshToken",
    "accessToken",
    "expiresAt",
    "enabled",
    "addedAt",
    "lastUsed",
    "lastSwitchReason",
    "rateLimitResetTimes",
    "coolingDownUntil",
    "cooldownReason",
    "authInvalidatedAt",
    "authInvalidationErrorCode",
    "workspaces",
    "currentWorkspaceIndex",
];
const INHERITED: [&str; 4] = ["recordId", "accountLabel", "workspaces", "currentWorkspaceIndex"];

/// A refresh token that starts so rests in a keyring we cannot read: the row is kept and never sent.
const ELSEWHERE: &str = "keychain:";

/// How much of a row becomes part of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Everything.
    Whole,
    /// What a listing shows; the tokens stay in the file.
    Listing,
}

/// What a usable row says, borrowed from its text; see [`Row::into_account`].
#[derive(Debug)]
pub(in crate::formats) struct Row<'a> {
    record_id: Option<Cow<'a, str>>,
    account_id: Option<Cow<'a, str>>,
    id_source: Option<Cow<'a, str>>,
    label: Option<Cow<'a, str>>,
    email: Option<Cow<'a, str>>,
    refresh: Cow<'a, str>,
    access: Option<Cow<'a, str>>,
    expires_at: Option<Moment>,
    switch: Switch,
    added_at: Option<Moment>,
    added_at_text: &'a str,
    last_used: Moment,
    switch_reason: Option<SwitchReason>,
    limits: BTreeMap<String, Moment>,
    cooling_until: Option<Moment>,
    cooldown_reason: Option<CooldownReason>,
    invalidated_at: Option<Moment>,
    invalidation_code: Option<Cow<'a, str>>,
    workspaces: Vec<Workspace>,
    current_workspace: usize,
}

impl Default for Row<'_> {
    fn default() -> Self {
        Self {
            record_id: None,
            account_id: None,
            id_source: None,
            label: None,
            email: None,
            refresh: Cow::Borrowed(""),
            access: None,
            expires_at: None,
            switch: Switch::On,
            added_at: None,
            added_at_text: "0",
            last_used: Moment::EPOCH,
            switch_reason: None,
            limits: BTreeMap::new(),
            cooling_until: None,
            cooldown_reason: None,
            invalidated_at: None,
            invalidation_code: None,
            workspaces: Vec::new(),
            current_workspace: 0,
        }
    }
}

/// Any object of the list, usable or not.
impl<'de> Deserialize<'de> for Row<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Row<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut row = Row::default();
                while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
                    row.take(&name, map.next_value::<&'de RawValue>()?.get());
                }
                Ok(row)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'a> Row<'a> {
    /// Reads a row; `None` when it cannot be used.
    pub(in crate::formats) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str::<Self>(lossless::without_mark(text)).ok().filter(Self::is_usable)
    }

    /// Whether there is anything to sign in with.
    pub(in crate::formats) fn is_usable(&self) -> bool {
        !self.refresh.trim().is_empty()
    }

    fn take(&mut self, name: &str, raw: &'a str) {
        let filled = |raw: &'a str| lossless::borrowed_text(raw).and_then(filled);
        match name {
            "recordId" => self.record_id = filled(raw),
            "accountId" => self.account_id = lossless::borrowed_text(raw),
            "accountIdSource" => self.id_source = lossless::borrowed_text(raw),
            "accountLabel" => self.label = filled(raw),
            "email" => self.email = lossless::borrowed_text(raw).and_then(jwt::email_key_of),
            "refreshToken" => self.refresh = lossless::borrowed_text(raw).unwrap_or_default(),
            "accessToken" => self.access = filled(raw),
            "expiresAt" => self.expires_at = moment(raw),
            "enabled" if raw == "false" => self.switch = Switch::Off,
            "addedAt" => {
                self.added_at = moment(raw);
                self.added_at_text = raw;
            }
            "lastUsed" => self.last_used = moment(raw).unwrap_or_default().max(Moment::EPOCH),
            "lastSwitchReason" => {
                self.switch_reason =
                    lossless::borrowed_text(raw).and_then(|word| SwitchReason::from_word(&word));
            }
            "rateLimitResetTimes" => self.limits = limits(raw),
            "coolingDownUntil" => self.cooling_until = moment(raw),
            "cooldownReason" => {
                self.cooldown_reason =
                    lossless::borrowed_text(raw).and_then(|word| CooldownReason::from_word(&word));
            }
            "authInvalidatedAt" => self.invalidated_at = moment(raw).filter(|at| *at > Moment::EPOCH),
            "authInvalidationErrorCode" => self.invalidation_code = filled(raw),
            "workspaces" => self.workspaces = workspaces(raw),
            "currentWorkspaceIndex" => {
                self.current_workspace =
                    lossless::count(raw).and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
            }
            _ => {}
        }
    }

    /// Who the row is, for matching.
    pub(super) fn person(&self, at: Moment) -> Person {
        Person::new(self.account_id.as_deref(), self.email.as_deref(), Some(self.refresh.as_ref()))
            .seen(self.last_used, self.added(at))
    }

    /// Hashes of who the row is, one for each part it names; equal parts have equal hashes.
    pub(super) fn traces(&self) -> impl Iterator<Item = u64> {
        let parts = [
            (0_u8, self.account_id.as_deref()),
            (1, self.email.as_deref()),
            (2, Some(self.refresh.as_ref())),
        ];
        parts.into_iter().filter_map(|(kind, part)| {
            Some(trace(kind, part.map(str::trim).filter(|part| !part.is_empty())?))
        })
    }

    /// The row's key and whether it is stored: its own, else the one the reference would compute; never one
    /// that another row has.
    pub(in crate::formats) fn key(&self, used: &HashSet<AccountKey>) -> (AccountKey, bool) {
        if let Some(stored) = self.record_id.as_ref().map(AccountKey::new).filter(|key| !used.contains(key)) {
            return (stored, true);
        }
        let computed = identity::record_id(
            self.added_at_text,
            self.account_id.as_deref(),
            self.email.as_deref(),
            &self.refresh,
        );
        let mut key = AccountKey::new(&computed);
        let mut number = 1_u32;
        while used.contains(&key) {
            number += 1;
            key = AccountKey::new(format!("{computed}-{number}"));
        }
        (key, false)
    }

    /// The account, with what only the extension file and the tokens know. A row that does not say when it was
    /// added was added `at`.
    pub(in crate::formats) fn into_account(
        self,
        key: AccountKey,
        extension: &Extension<'_>,
        at: Moment,
    ) -> Account {
        self.build(key, extension, Depth::Whole, at)
    }

    /// The account as a listing shows it: its tokens stay in the file.
    pub(super) fn into_listed(self, key: AccountKey, extension: &Extension<'_>, at: Moment) -> Account {
        self.build(key, extension, Depth::Listing, at)
    }

    fn build(self, key: AccountKey, extension: &Extension<'_>, depth: Depth, at: Moment) -> Account {
        let added_at = self.added(at);
        let invalidation = match self.invalidated_at {
            Some(at) => Some(Invalidation { at, code: self.invalidation_code.map(Cow::into_owned) }),
            None if self.refresh.starts_with(ELSEWHERE) => {
                Some(Invalidation { at: added_at, code: Some("token-in-keyring".to_owned()) })
            }
            None => None,
        };
        let tells_claim = tells_claim(self.account_id.as_deref(), self.id_source.as_deref());
        let mut account = Account {
            key,
            account_id: self.account_id.map(Cow::into_owned),
            id_source: id_source(self.id_source.as_deref()),
            label: self.label.map(Cow::into_owned),
            email: self.email.map(Cow::into_owned),
            credentials: Credentials { expires_at: self.expires_at, ..Credentials::default() },
            switch: self.switch,
            added_at,
            last_used: self.last_used,
            switch_reason: self.switch_reason,
            limits: self.limits,
            cooldown: self.cooling_until.map(|until| Cooldown { until, reason: self.cooldown_reason }),
            invalidation,
            uncertain_since: None,
            workspaces: self.workspaces,
            current_workspace: self.current_workspace,
            routing: None,
            arrival: None,
        };
        let id_token = extension.record_of(&account).and_then(|more| {
            account.uncertain_since = more.uncertain_since;
            account.routing = more.routing;
            account.arrival = more.arrival;
            more.id_token
        });
        let credentials = &mut account.credentials;
        match depth {
            Depth::Whole => {
                credentials.refresh = Secret::new(self.refresh);
                credentials.access = self.access.map(Secret::new);
                credentials.id_token = id_token;
                decode_claims(credentials);
            }
            Depth::Listing => {
                credentials.tokens = Tokens::InFile;
                if !tells_claim {
                    let id_token = id_token.as_ref().map(Secret::expose);
                    credentials.claims.workspace_id = jwt::workspace_id(self.access.as_deref(), id_token);
                }
            }
        }
        account
    }

    fn added(&self, at: Moment) -> Moment {
        self.added_at.filter(|added| *added >= Moment::EPOCH).unwrap_or(at)
    }

    /// Whether the row looks like a fixture of the reference's own tests.
    pub(super) fn is_synthetic(&self) -> bool {
        looks_made_up(self.email.as_deref(), self.account_id.as_deref(), &self.refresh)
    }
}

/// The hash of one part of an identity.
pub(super) fn trace(kind: u8, part: &str) -> u64 {
    FixedState::with_seed(u64::from(kind)).hash_one(part)
}

/// Whether a stored id is the one the tokens claim, because that is where it says it was taken from.
fn tells_claim(id: Option<&str>, source: Option<&str>) -> bool {
    matches!(source, Some("token" | "id_token"))
        && id.is_some_and(|id| !id.trim().is_empty() && !id.starts_with("org-"))
}

/// Decodes what the tokens say; their own expiry beats the stored one.
pub(super) fn decode_claims(credentials: &mut Credentials) {
    credentials.claims = jwt::claims(
        credentials.access.as_ref().map(Secret::expose),
        credentials.id_token.as_ref().map(Secret::expose),
    )
    .into();
    credentials.expires_at = credentials.claims.expires_at.or(credentials.expires_at);
}

/// Who an account is by what is stored, whatever its tokens claim: the reference merges rows by that.
pub(super) fn stored_person(account: &Account) -> Person {
    Person::new(
        account.account_id.as_deref(),
        account.email.as_deref(),
        Some(account.credentials.refresh.expose()),
    )
    .seen(account.last_used, account.added_at)
}

/// Who a row without refresh token is.
pub(super) fn person_of(text: &str) -> Option<Person> {
    let row = Object::parse(text).ok()?;
    Some(Person::new(
        row.text("accountId").as_deref(),
        row.text("email").as_deref(),
        row.text("refreshToken").as_deref(),
    ))
}

/// The row with what it lacks taken over from rows it stands for; `None` when nothing is to be taken.
pub(in crate::formats) fn absorb<'t>(text: &str, losers: impl Iterator<Item = &'t str>) -> Option<String> {
    let mut row = Object::parse(text).ok()?;
    let mut grown = false;
    for loser in losers {
        let Ok(loser) = Object::parse(loser) else { continue };
        for (name, raw) in loser.iter() {
            if !row.has(name) && (INHERITED.contains(&name) || !KNOWN.contains(&name)) {
                row.set_raw(name, raw.to_owned());
                grown = true;
            }
        }
    }
    grown.then(|| row.to_text())
}

/// Whether the account looks like a fixture of the reference's own tests.
pub(super) fn is_synthetic(account: &Account) -> bool {
    looks_made_up(
        account.email.as_deref(),
        account.account_id.as_deref(),
        account.credentials.refresh.expose(),
    )
}

fn looks_made_up(email: Option<&str>, id: Option<&str>, refresh: &str) -> bool {
    if !refresh.starts_with("fake_refresh") {
        return false;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let email = email
        .and_then(|email| email.strip_prefix("account")?.strip_suffix("@example.com"))
        .is_some_and(digits);
    let id = id.map(str::trim).filter(|id| !id.is_empty()).is_none_or(|id| {
        id.to_lowercase()
            .strip_prefix("acc")
            .and_then(|rest| rest.strip_prefix(['_', '-']))
            .is_some_and(digits)
    });
    email && id
}

fn id_source(word: Option<&str>) -> IdSource {
    match word {
        Some("id_token") => IdSource::IdToken,
        Some("org") => IdSource::Org,
        Some("manual") => IdSource::Manual,
        _ => IdSource::Token,
    }
}

fn filled(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.trim().is_empty()).then_some(text)
}

fn moment(raw: &str) -> Option<Moment> {
    lossless::millis(raw).map(Moment::from_millis)
}

fn limits(raw: &str) -> BTreeMap<String, Moment> {
    let Ok(object) = Object::parse(raw) else { return BTreeMap::new() };
    object.iter().filter_map(|(bucket, raw)| Some((bucket.to_owned(), moment(raw)?))).collect()
}

fn workspaces(raw: &str) -> Vec<Workspace> {
    let seat = |raw: &&str| {
        let seat = Object::parse(raw).ok()?;
        Some(Workspace {
            id: seat.text("id").filter(|id| !id.trim().is_empty())?,
            name: seat.text("name"),
            enabled: seat.flag("enabled").unwrap_or(true),
            disabled_at: seat.millis("disabledAt").map(Moment::from_millis),
            is_default: seat.flag("isDefault").unwrap_or(false),
        })
    };
    lossless::list(raw).unwrap_or_default().iter().filter_map(seat).collect()
}
