//! One row of the pool as an account; wrong-typed members count as absent.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::base::{Moment, Secret};
use crate::domain::account::{
    Account, AccountKey, Claims, Cooldown, CooldownReason, Credentials, IdSource, Invalidation, Switch,
    SwitchReason,
};
use crate::domain::identity::{self, Person};
use crate::domain::workspace::Workspace;
use crate::formats::extension::Extension;
use crate::formats::jwt;
use crate::formats::lossless::{self, Object};

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

/// What a usable row says; see [`Row::into_account`].
#[derive(Debug)]
pub(in crate::formats) struct Row<'a> {
    key: Option<String>,
    added_at_text: &'a str,
    account: Account,
}

impl<'a> Row<'a> {
    /// Reads a row; `None` when it cannot be used.
    pub(in crate::formats) fn parse(text: &'a str, at: Moment) -> Option<Self> {
        let row = Object::parse(text).ok()?;
        let mut key = None;
        let mut added_at_text = "0";
        let mut account = blank();
        let mut invalidated_at = None;
        let mut invalidation_code = None;
        let mut cooling_until = None;
        let mut cooldown_reason = None;
        let mut added_at = None;
        for (name, raw) in row.borrowed_members() {
            match name {
                "recordId" => key = lossless::text(raw).filter(|id| !id.trim().is_empty()),
                "accountId" => account.account_id = lossless::text(raw),
                "accountIdSource" => account.id_source = id_source(lossless::text(raw).as_deref()),
                "accountLabel" => {
                    account.label = lossless::text(raw).filter(|label| !label.trim().is_empty());
                }
                "email" => account.email = lossless::text(raw).and_then(|email| jwt::email_key(&email)),
                "refreshToken" => {
                    account.credentials.refresh = Secret::new(lossless::text(raw).unwrap_or_default());
                }
                "accessToken" => {
                    account.credentials.access =
                        lossless::text(raw).filter(|token| !token.trim().is_empty()).map(Secret::new);
                }
                "expiresAt" => account.credentials.expires_at = moment(raw),
                "enabled" if raw == "false" => account.switch = Switch::Off,
                "addedAt" => {
                    added_at = moment(raw);
                    added_at_text = raw;
                }
                "lastUsed" => account.last_used = moment(raw).unwrap_or_default().max(Moment::EPOCH),
                "lastSwitchReason" => {
                    account.switch_reason =
                        lossless::text(raw).and_then(|word| SwitchReason::from_word(&word));
                }
                "rateLimitResetTimes" => account.limits = limits(raw),
                "coolingDownUntil" => cooling_until = moment(raw),
                "cooldownReason" => {
                    cooldown_reason = lossless::text(raw).and_then(|word| CooldownReason::from_word(&word));
                }
                "authInvalidatedAt" => invalidated_at = moment(raw).filter(|at| *at > Moment::EPOCH),
                "authInvalidationErrorCode" => {
                    invalidation_code = lossless::text(raw).filter(|code| !code.trim().is_empty());
                }
                "workspaces" => account.workspaces = workspaces(raw),
                "currentWorkspaceIndex" => {
                    account.current_workspace =
                        lossless::count(raw).and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
                }
                _ => {}
            }
        }
        if account.credentials.refresh.is_blank() {
            return None;
        }
        account.added_at = added_at.filter(|added| *added >= Moment::EPOCH).unwrap_or(at);
        account.cooldown = cooling_until.map(|until| Cooldown { until, reason: cooldown_reason });
        account.invalidation = invalidated_at.map(|at| Invalidation { at, code: invalidation_code });
        if account.credentials.refresh.expose().starts_with(ELSEWHERE) && account.invalidation.is_none() {
            account.invalidation =
                Some(Invalidation { at: account.added_at, code: Some("token-in-keyring".to_owned()) });
        }
        Some(Self { key, added_at_text, account })
    }

    /// Who the row is, for matching.
    pub(super) fn person(&self) -> Person {
        stored_person(&self.account)
    }

    /// Hashes of who the row is, one for each part it names; equal parts have equal hashes.
    pub(super) fn traces(&self) -> impl Iterator<Item = u64> {
        let account = &self.account;
        let parts = [
            (0_u8, account.account_id.as_deref()),
            (1, account.email.as_deref()),
            (2, Some(account.credentials.refresh.expose())),
        ];
        parts.into_iter().filter_map(|(kind, part)| {
            let part = part.map(str::trim).filter(|part| !part.is_empty())?;
            let mut hasher = DefaultHasher::new();
            (kind, part).hash(&mut hasher);
            Some(hasher.finish())
        })
    }

    /// The row's key and whether it is stored: its own, else the one the reference would compute; never one
    /// that another row has.
    pub(in crate::formats) fn key(&self, used: &HashSet<AccountKey>) -> (AccountKey, bool) {
        if let Some(stored) = self.key.as_ref().map(AccountKey::new).filter(|key| !used.contains(key)) {
            return (stored, true);
        }
        let computed = identity::record_id(
            self.added_at_text,
            self.account.account_id.as_deref(),
            self.account.email.as_deref(),
            self.account.credentials.refresh.expose(),
        );
        let mut key = AccountKey::new(&computed);
        let mut number = 1_u32;
        while used.contains(&key) {
            number += 1;
            key = AccountKey::new(format!("{computed}-{number}"));
        }
        (key, false)
    }

    /// The account, with what only the extension file and the tokens know.
    pub(in crate::formats) fn into_account(self, key: AccountKey, extension: &Extension<'_>) -> Account {
        let mut account = self.account;
        account.key = key;
        if let Some(more) = extension.record_of(&account) {
            account.credentials.id_token = more.id_token;
            account.uncertain_since = more.uncertain_since;
            account.routing = more.routing;
        }
        decode_claims(&mut account.credentials);
        account
    }
}

/// Decodes what the tokens say; their own expiry beats the stored one.
pub(super) fn decode_claims(credentials: &mut Credentials) {
    credentials.claims = jwt::claims(
        credentials.access.as_ref().map(Secret::expose),
        credentials.id_token.as_ref().map(Secret::expose),
    );
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
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let email = account
        .email
        .as_deref()
        .and_then(|email| email.strip_prefix("account")?.strip_suffix("@example.com"))
        .is_some_and(digits);
    let id = account.account_id.as_deref().map(str::trim).filter(|id| !id.is_empty()).is_none_or(|id| {
        id.to_lowercase()
            .strip_prefix("acc")
            .and_then(|rest| rest.strip_prefix(['_', '-']))
            .is_some_and(digits)
    });
    email && id && account.credentials.refresh.expose().starts_with("fake_refresh")
}

fn blank() -> Account {
    Account {
        key: AccountKey::new(""),
        account_id: None,
        id_source: IdSource::Token,
        label: None,
        email: None,
        credentials: Credentials { claims: Claims::default(), ..Credentials::default() },
        switch: Switch::On,
        added_at: Moment::EPOCH,
        last_used: Moment::EPOCH,
        switch_reason: None,
        limits: BTreeMap::new(),
        cooldown: None,
        invalidation: None,
        uncertain_since: None,
        workspaces: Vec::new(),
        current_workspace: 0,
        routing: None,
    }
}

fn id_source(word: Option<&str>) -> IdSource {
    match word {
        Some("id_token") => IdSource::IdToken,
        Some("org") => IdSource::Org,
        Some("manual") => IdSource::Manual,
        _ => IdSource::Token,
    }
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
