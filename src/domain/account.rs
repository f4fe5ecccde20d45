//! One account: who it is, what it may send, and what stands against using it now.
//!
//! A row of the pool file becomes an [`Account`]; members of the row that mean nothing to us stay in the
//! file (storage.md §13). Identity is the stable record id, never the position.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::base::seldom::Nothing;
use crate::base::{Moment, Secret, Seldom};
use crate::domain::model::Family;
use crate::domain::workspace::{Routing, Workspace};

/// The stable record id of an account (`record:` and 64 hex digits, or what an older version wrote).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey(Arc<str>);

impl AccountKey {
    /// From the stored record id.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(Arc::from(id.as_ref()))
    }

    /// The record id as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Eight characters that name the account in logs without telling who it is.
    pub fn short(&self) -> &str {
        let hash = self.0.strip_prefix("record:").unwrap_or(&self.0);
        hash.get(..8).unwrap_or(hash)
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountKey({})", self.short())
    }
}

/// Where the stored `accountId` came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdSource {
    /// Claim of the access token; also when nothing is stored.
    Token,
    /// Claim of the id token.
    IdToken,
    /// A platform organisation (the reference's binding; never sent upstream by us).
    Org,
    /// Given by hand.
    Manual,
}

/// What the tokens say about their owner; decoded by `formats::jwt`, no trust implied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// `chatgpt_account_id` of the id token, else of the access token.
    pub workspace_id: Option<String>,
    /// E-mail, trimmed and lower-cased.
    pub email: Option<String>,
    /// `chatgpt_user_id`, else `sub`.
    pub subject: Option<String>,
    /// `chatgpt_plan_type`, for display.
    pub plan: Option<String>,
    /// `exp` of the access token.
    pub expires_at: Option<Moment>,
    /// `iat` of the access token.
    pub issued_at: Option<Moment>,
}

impl Nothing for Claims {
    fn nothing() -> &'static Self {
        static NOTHING: LazyLock<Claims> = LazyLock::new(Claims::default);
        &NOTHING
    }
}

/// Whether the tokens of an account were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tokens {
    /// They are here, as far as there are any.
    #[default]
    Here,
    /// There are some; they were left in the file, because only a listing is wanted.
    InFile,
}

/// One set of tokens and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// Single use. Blank rows never get here.
    pub refresh: Secret,
    /// Bearer of requests.
    pub access: Option<Secret>,
    /// Needed for `auth.json`; kept in `ext/accounts.json`.
    pub id_token: Option<Secret>,
    /// `exp` of the access token, else the stored `expiresAt`.
    pub expires_at: Option<Moment>,
    /// What the tokens say.
    pub claims: Seldom<Claims>,
    /// Whether the tokens themselves were read; without them `claims` names at most the workspace.
    pub tokens: Tokens,
}

impl Credentials {
    /// Whether there is nothing to sign in with.
    pub fn is_missing(&self) -> bool {
        self.tokens == Tokens::Here && self.refresh.is_blank()
    }

    /// The set with what it does not say itself taken over from the one it replaces: a refresh need not bring an
    /// id token, and the old one still names workspace and person.
    #[must_use]
    pub fn inheriting(mut self, old: &Self) -> Self {
        if self.id_token.is_none() {
            self.id_token.clone_from(&old.id_token);
        }
        let (claims, older) = (&mut *self.claims, &*old.claims);
        for (own, theirs) in [
            (&mut claims.workspace_id, &older.workspace_id),
            (&mut claims.email, &older.email),
            (&mut claims.subject, &older.subject),
            (&mut claims.plan, &older.plan),
        ] {
            if own.is_none() {
                own.clone_from(theirs);
            }
        }
        self
    }
}

/// Why an account rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CooldownReason {
    /// `auth-failure`
    AuthFailure,
    /// `network-error`
    NetworkError,
    /// `server-error`
    ServerError,
    /// `rate-limit`
    RateLimit,
}

impl CooldownReason {
    /// The word in files, JSON and skip reasons.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AuthFailure => "auth-failure",
            Self::NetworkError => "network-error",
            Self::ServerError => "server-error",
            Self::RateLimit => "rate-limit",
        }
    }

    /// The reason behind a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::AuthFailure, Self::NetworkError, Self::ServerError, Self::RateLimit]
            .into_iter()
            .find(|reason| reason.word() == word)
    }
}

/// A rest with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooldown {
    /// First moment at which the account may be used again.
    pub until: Moment,
    /// Why; unknown in some old files.
    pub reason: Option<CooldownReason>,
}

/// Upstream declared the tokens dead; only a new login or other tokens help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalidation {
    /// When it was learnt.
    pub at: Moment,
    /// Upstream's code, for example `refresh_token_reused`.
    pub code: Option<String>,
}

/// Why an account last became the selected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchReason {
    /// `rate-limit`
    RateLimit,
    /// `initial`
    Initial,
    /// `rotation`
    Rotation,
    /// `best`
    Best,
    /// `restore`
    Restore,
    /// `manual`
    Manual,
}

impl SwitchReason {
    /// The word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RateLimit => "rate-limit",
            Self::Initial => "initial",
            Self::Rotation => "rotation",
            Self::Best => "best",
            Self::Restore => "restore",
            Self::Manual => "manual",
        }
    }

    /// The reason behind a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::RateLimit, Self::Initial, Self::Rotation, Self::Best, Self::Restore, Self::Manual]
            .into_iter()
            .find(|reason| reason.word() == word)
    }
}

/// How the session of an account came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A browser on this computer.
    Browser,
    /// A callback that was pasted.
    Paste,
    /// A code typed on another device.
    Device,
    /// Taken over from another program's files.
    Import,
}

impl Door {
    /// All of them with the words in files and for people.
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Browser, "browser", "by browser"),
        (Self::Paste, "paste", "by pasted callback"),
        (Self::Device, "device", "by device code"),
        (Self::Import, "import", "taken over"),
    ];

    /// The word in files.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(door, ..)| *door == self).map_or("", |(_, word, _)| word)
    }

    /// The words for people.
    pub fn told(self) -> &'static str {
        Self::ALL.iter().find(|(door, ..)| *door == self).map_or("", |(_, _, told)| told)
    }

    /// The door behind a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == word).map(|(door, ..)| *door)
    }
}

/// When a session came here, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Moment,
    /// How.
    pub by: Door,
}

/// Whether the user lets an account take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Switch {
    /// Takes part.
    #[default]
    On,
    /// Switched off by the user.
    Off,
}

/// One account of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Stable record id.
    pub key: AccountKey,
    /// Stored `accountId`, byte for byte; may be an `org-` id of the reference. Never sent; see [`Account::workspace_id`].
    pub account_id: Option<String>,
    /// Where that id came from.
    pub id_source: IdSource,
    /// The user's name for the account.
    pub label: Option<String>,
    /// Trimmed and lower-cased.
    pub email: Option<String>,
    /// The tokens.
    pub credentials: Credentials,
    /// Whether the user lets it take part.
    pub switch: Switch,
    /// When the account was added.
    pub added_at: Moment,
    /// Last dispatch; [`Moment::EPOCH`] when never used.
    pub last_used: Moment,
    /// Why it last became selected.
    pub switch_reason: Option<SwitchReason>,
    /// Learnt limits: `<family>` or `<family>:<model>` → when it lifts.
    pub limits: BTreeMap<String, Moment>,
    /// A rest, if any; may lie in the past.
    pub cooldown: Option<Cooldown>,
    /// Set when upstream declared the tokens dead.
    pub invalidation: Option<Invalidation>,
    /// Set when a refresh was cut and its outcome is unknown.
    pub uncertain_since: Option<Moment>,
    /// Seats known for this login; an empty list means one implicit enabled workspace.
    pub workspaces: Vec<Workspace>,
    /// Chosen entry of `workspaces`.
    pub current_workspace: usize,
    /// Where upstream wants this account's traffic, when known.
    pub routing: Option<Routing>,
    /// How its session came here; unknown for what older versions and other programs brought.
    pub arrival: Option<Arrival>,
}

impl Account {
    /// A valid, enabled, never used account called `name`, for tests and builders; its tokens are made up.
    pub fn sample(name: &str) -> Self {
        Self {
            key: AccountKey::new(format!("record:{name}")),
            account_id: Some(format!("ws-{name}")),
            id_source: IdSource::IdToken,
            label: None,
            email: Some(format!("{name}@example.com")),
            credentials: Credentials {
                refresh: Secret::new(format!("rt_sample_{name}")),
                access: Some(Secret::new(format!("at_sample_{name}"))),
                id_token: Some(Secret::new(format!("id_sample_{name}"))),
                expires_at: Some(Moment::from_millis(i64::MAX)),
                claims: Seldom::from(Claims {
                    workspace_id: Some(format!("ws-{name}")),
                    email: Some(format!("{name}@example.com")),
                    plan: Some("plus".to_owned()),
                    ..Claims::default()
                }),
                tokens: Tokens::Here,
            },
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
            arrival: None,
        }
    }

    /// The id that requests, discovery, quota and `auth.json` use (D17): the claim, else the stored id unless
    /// it is an organisation.
    pub fn workspace_id(&self) -> Option<&str> {
        self.credentials.claims.workspace_id.as_deref().or_else(|| {
            self.account_id.as_deref().filter(|id| !id.trim().is_empty() && !id.starts_with("org-"))
        })
    }

    /// Plan as the tokens or the newest quota answer tell it.
    pub fn plan(&self) -> Option<&str> {
        self.credentials.claims.plan.as_deref()
    }

    /// Whether the user lets it take part.
    pub fn is_on(&self) -> bool {
        self.switch == Switch::On
    }

    /// Whether the row's own workspace may be used.
    pub fn has_usable_workspace(&self) -> bool {
        if self.workspaces.is_empty() {
            return true;
        }
        let own = self.workspace_id().and_then(|id| self.workspaces.iter().find(|seat| seat.id == id));
        own.map_or_else(|| self.workspaces.iter().any(|seat| seat.enabled), |seat| seat.enabled)
    }

    /// When the limit of `family`, or of `model` inside it, lifts; `None` when neither binds at `at`.
    pub fn limited_until(&self, family: Family, model: Option<&str>, at: Moment) -> Option<Moment> {
        let whole = self.limits.get(family.word()).copied();
        let narrow = model.and_then(|model| self.limits.get(&family.key(Some(model))).copied());
        whole.into_iter().chain(narrow).filter(|until| *until > at).max()
    }

    /// The end of a rest that still runs at `at`.
    pub fn cooling_until(&self, at: Moment) -> Option<Cooldown> {
        self.cooldown.filter(|rest| rest.until > at)
    }

    /// Whether the access token is missing or runs out within `skew` of `at`.
    pub fn needs_refresh(&self, at: Moment, skew: crate::base::Span) -> bool {
        match (&self.credentials.access, self.credentials.expires_at) {
            (None, _) => true,
            (Some(_), Some(end)) => end <= at + skew,
            (Some(_), None) => false,
        }
    }
}
