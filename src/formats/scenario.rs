//! The rehearsal scenario: who is in the pool, what goes wrong when, what the model says, what a client asks.
//!
//! The file format is described in `docs/rehearsal.md`. Reading is strict: an unknown key is an error, because
//! a misspelt fault would make a test pass for the wrong reason.

pub mod action;
mod read;

pub use action::{Action, Break, Endpoint};
pub(crate) use read::parse_span;

use crate::base::Span;

/// One parsed scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Shown where the scenario is named.
    pub title: String,
    /// Model slugs of the catalogue, the default first.
    pub models: Vec<String>,
    /// The accounts, in pool order.
    pub accounts: Vec<Player>,
    /// So many further ready accounts, `crowd-0001` and on.
    pub crowd: usize,
    /// What goes wrong.
    pub rules: Vec<Rule>,
    /// What the model does when the prompt says nothing else.
    pub script: Script,
    /// What the simulated client of a demo does.
    pub traffic: Traffic,
}

/// One account as the back end knows it, and its row in the pool file.
#[derive(Debug, Clone, PartialEq)]
pub struct Player {
    /// The name rules use; also the local part of a default e-mail.
    pub name: String,
    /// The e-mail.
    pub email: String,
    /// Players of one workspace share its id; none means a workspace of one's own.
    pub workspace: Option<String>,
    /// `chatgpt_plan_type`.
    pub plan: String,
    /// The first quota window.
    pub primary: Option<Quota>,
    /// The second quota window.
    pub secondary: Option<Quota>,
    /// How long an access token lives.
    pub token_life: Span,
    /// What is left of the first access token; negative when it has expired.
    pub token_left: Option<Span>,
    /// The refresh token family is revoked.
    pub signed_out: bool,
    /// The workspace is deactivated: 402 everywhere.
    pub deactivated: bool,
    /// Whether `accounts/check` lists the workspace.
    pub listed: Listed,
    /// `workspace_backend_origin`.
    pub origin: String,
    /// `account_routing_override`.
    pub routing: String,
    /// The only models this account may use; none means all.
    pub models: Option<Vec<String>>,
    /// What the pool file says of it.
    pub row: Row,
}

/// Whether `accounts/check` lists a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// As usual.
    Yes,
    /// Left out.
    No,
}

/// A quota window as it stands when the rehearsal begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// Used, in percent.
    pub used: f64,
    /// Length.
    pub minutes: i64,
    /// Until the reset; none means that the window has not begun.
    pub resets_in: Option<Span>,
    /// Tokens that use the whole window up; 0 means that use costs nothing.
    pub tokens: u64,
}

/// Whether an account stands in the pool file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It does.
    InPool,
    /// It can sign in.
    Absent,
}

/// The state of an account's row in the pool file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whether there is a row at all.
    pub presence: Presence,
    /// `false` is "off".
    pub enabled: bool,
    /// The selected account.
    pub current: bool,
    /// The pinned account.
    pub pinned: bool,
    /// Rests for so long.
    pub cooling: Option<Span>,
    /// `cooldownReason`.
    pub cooldown_reason: String,
    /// `authInvalidationErrorCode`: needs a login.
    pub invalidated: Option<String>,
    /// Ledger rows of the last 24 hours.
    pub requests: u32,
    /// How long ago it was used last.
    pub last_used: Span,
    /// How long ago it was added.
    pub added: Span,
    /// Whether the quota cache knows its windows.
    pub cached: bool,
}

/// When and where an action happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The account's name; none means every account.
    pub account: Option<String>,
    /// Where.
    pub endpoint: Endpoint,
    /// What.
    pub action: Action,
    /// So many matching requests pass untouched first.
    pub skip: u32,
    /// At most so often; none means always.
    pub times: Option<u32>,
    /// Only each n-th matching request after the skipped ones.
    pub every: u32,
    /// Not before this much of the rehearsal has passed.
    pub after: Span,
    /// Not later than this.
    pub until: Option<Span>,
}

impl Rule {
    /// A rule for one account that always holds.
    pub fn on(account: &str, endpoint: Endpoint, action: Action) -> Self {
        Self { account: Some(account.to_owned()), ..Self::everywhere(endpoint, action) }
    }

    /// A rule for every account that always holds.
    pub fn everywhere(endpoint: Endpoint, action: Action) -> Self {
        Self {
            account: None,
            endpoint,
            action,
            skip: 0,
            times: None,
            every: 1,
            after: Span::ZERO,
            until: None,
        }
    }

    /// Lets the first `skip` matching requests pass.
    #[must_use]
    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// Happens at most `times` times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Happens at most once.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }
}

/// What the model does in a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Tool calls before the final answer.
    pub steps: u32,
    /// Words of the final answer, one delta each; none echoes the prompt.
    pub words: Option<u32>,
    /// Pause between two events.
    pub gap: Span,
    /// Pause before the first event.
    pub think: Span,
    /// The shell command of a step; `{n}` is its number.
    pub command: String,
    /// Input tokens of a request beyond its text, most of them cached.
    pub overhead: u64,
    /// Bare traffic for measuring: the first event is a business event, then nothing but deltas.
    pub bench: Option<Bench>,
}

/// Traffic for measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bench {
    /// Deltas, the first included.
    pub events: u64,
    /// Size of one event on the wire.
    pub bytes: usize,
}

/// What the simulated client does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// Sessions that run side by side.
    pub sessions: u32,
    /// Of them, so many speak HTTP instead of WebSocket.
    pub http: u32,
    /// Pause between two turns of a session.
    pub pause: Span,
    /// Turns until a session is followed by a new one.
    pub turns: u32,
    /// What the sessions ask, in turn.
    pub prompts: Vec<String>,
}

/// A scenario text that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML.
    #[error("not TOML: {0}")]
    Toml(String),
    /// A key that means nothing.
    #[error("unknown key `{0}`")]
    UnknownKey(String),
    /// A key with a value of the wrong kind or out of range.
    #[error("`{key}` wants {wanted}")]
    Value {
        /// The key, with its table.
        key: String,
        /// What it wants.
        wanted: &'static str,
    },
    /// A key that has to be there.
    #[error("`{0}` is missing")]
    Missing(String),
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// When the text is no TOML or says something that means nothing.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        read::scenario(text)
    }

    /// A healthy pool of the named accounts.
    pub fn pool<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { accounts: names.into_iter().map(Player::named).collect(), ..Self::default() }
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Changes one account of the pool.
    #[must_use]
    pub fn with(mut self, name: &str, change: impl FnOnce(&mut Player)) -> Self {
        if let Some(player) = self.accounts.iter_mut().find(|player| player.name == name) {
            change(player);
        }
        self
    }

    /// The accounts with the crowd.
    pub fn players(&self) -> Vec<Player> {
        let crowd = (1..=self.crowd).map(|n| Player::named(&format!("crowd-{n:04}")));
        self.accounts.iter().cloned().chain(crowd).collect()
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            title: "rehearsal".to_owned(),
            models: ["gpt-5.5", "gpt-5.4", "gpt-5-codex"].map(str::to_owned).to_vec(),
            accounts: Vec::new(),
            crowd: 0,
            rules: Vec::new(),
            script: Script::default(),
            traffic: Traffic::default(),
        }
    }
}

impl Player {
    /// A healthy Plus account.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            email: format!("{name}@example.com"),
            workspace: None,
            plan: "plus".to_owned(),
            primary: Some(Quota { used: 5.0, resets_in: Some(Span::hours(1)), ..Quota::FIVE_HOURS }),
            secondary: Some(Quota { used: 10.0, resets_in: Some(Span::days(1)), ..Quota::WEEK }),
            token_life: Span::days(10),
            token_left: None,
            signed_out: false,
            deactivated: false,
            listed: Listed::Yes,
            origin: "NO_CONSTRAINT".to_owned(),
            routing: "NO_CONSTRAINT".to_owned(),
            models: None,
            row: Row::default(),
        }
    }
}

impl Quota {
    /// An untouched window of five hours.
    pub const FIVE_HOURS: Self = Self { used: 0.0, minutes: 300, resets_in: None, tokens: 2_000_000 };
    /// An untouched window of seven days.
    pub const WEEK: Self = Self { used: 0.0, minutes: 10_080, resets_in: None, tokens: 20_000_000 };
}

impl Default for Row {
    fn default() -> Self {
        Self {
            presence: Presence::InPool,
            enabled: true,
            current: false,
            pinned: false,
            cooling: None,
            cooldown_reason: "rate-limit".to_owned(),
            invalidated: None,
            requests: 0,
            last_used: Span::hours(1),
            added: Span::days(29),
            cached: true,
        }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            steps: 0,
            words: None,
            gap: Span::ZERO,
            think: Span::ZERO,
            command: "echo step-{n}".to_owned(),
            overhead: 1_100,
            bench: None,
        }
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            sessions: 2,
            http: 1,
            pause: Span::seconds(4),
            turns: 6,
            prompts: vec!["explain what this repository does".to_owned()],
        }
    }
}
