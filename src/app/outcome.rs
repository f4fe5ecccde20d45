//! What a command ended with: data for reports, never text printed along the way.

pub mod vault;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::app::bridge;
pub use crate::app::checkup;
pub use crate::app::flows::config::{Changed, Told};
pub use crate::app::flows::login::{Ending, SignedIn};
pub use crate::app::flows::models::{self, Pair, Told as Matrix};
pub use crate::app::flows::rules::{Found, Told as RulesTold};
pub use crate::app::flows::usage::{Shape, Told as UsageTold};
pub use crate::app::goal::{Forecasting, Listing, Moments, Overlay, Reporting, Trying};
pub use crate::app::history;
pub use crate::app::msg::Mirrored;
pub use crate::app::options::Form;
pub use crate::app::rotation;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::capability::Capabilities;
use crate::domain::facts::PeerStatus;
use crate::domain::forecast::Forecast;
use crate::domain::policy::account::{self, AccountPolicy, Policies};
use crate::domain::policy::compose::Governance;
use crate::domain::problem::{Exit, Problem};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::recovery::{Beside, Health, Recovery};
use crate::domain::roster::Roster;
use crate::domain::selection::explain::Decision;
use crate::domain::selection::replay::{Kept, WhatIf};
use crate::domain::settings::Settings;
use crate::domain::survey::{Calls, Standing};
use crate::domain::uninstall::{Uninstalled, Wish};
use crate::domain::usage::entry::Entry;
use crate::domain::workspace::Workspace;

/// A command's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The command's word (`status`, `switch`, …), the JSON's `command`.
    pub command: &'static str,
    /// How the process ends.
    pub exit: Exit,
    /// What to report.
    pub body: Body,
}

/// What to report.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// `status`, `list`, `status --line`.
    Status(Listing, Box<Facts>),
    /// `switch`.
    Switched(Box<Switched>),
    /// `unpin`: the former pin, if there was one.
    Unpinned(Option<Named>, Box<Facts>),
    /// `why-selected`.
    Why(Moments, Origin, Box<Facts>),
    /// `monitor`.
    Monitor(Box<Facts>),
    /// `usage`.
    Usage(Box<UsageTold>),
    /// `models`.
    Models(Box<Matrix>),
    /// Key `e`.
    Toggled {
        /// Whose switch.
        of: Named,
        /// Its new position.
        now: crate::domain::account::Switch,
    },
    /// `check`, keys `c`, `C`.
    Checked(Box<Checked>),
    /// `forecast`.
    Forecast(Box<Forecasted>),
    /// `best`.
    Best(Box<Best>),
    /// `report`: how it was asked for, and everything it tells.
    Report(Box<Forecasted>, Reporting),
    /// `verify-flagged`.
    Tried(Box<Tried>),
    /// `workspace`.
    Seats(Box<Seats>),
    /// `login`.
    Login(Box<Ending>),
    /// `doctor`, `fix`, `verify`, `usage rotate`.
    Checkup(Box<checkup::Report>),
    /// `bridge …`, `integrations`.
    Bridge(Box<crate::app::bridge::Told>),
    /// `history …`.
    History(Box<history::Told>),
    /// `rotation …`.
    Rotation(Box<rotation::Told>),
    /// `setup`, `features`, the launcher.
    Chored(crate::domain::chore::Chore, Box<crate::domain::chore::Done>),
    /// `uninstall`.
    Uninstalled(Wish, Box<Uninstalled>),
    /// `account pause` and the like.
    Ruled(Box<Ruled>),
    /// `account policy list`.
    Policies(Box<Facts>),
    /// `budget …`, `profile …`.
    Rules(Box<RulesTold>),
    /// Copies, transfers, deletions, the flagged pool.
    Vault(Box<vault::Told>),
    /// Key `u`: what was taken back.
    Undone(String),
    /// `config …`, `init-config`.
    Config(Box<Told>),
    /// A failure.
    Problem(Problem),
    /// Nothing to say (a forwarded child, a foreground proxy).
    Silent,
}

/// What `check` found.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Where each account that was asked about stands.
    pub standings: BTreeMap<AccountKey, Standing>,
    /// Requests made.
    pub calls: Calls,
    /// The pool and its figures afterwards.
    pub facts: Facts,
}

/// What `forecast` found.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecasted {
    /// How it was asked for.
    pub forecasting: Forecasting,
    /// The outlook.
    pub forecast: Forecast,
    /// What questions failed on, one line each.
    pub notes: Vec<String>,
    /// Requests made.
    pub calls: Calls,
    /// Accounts that a live look was to ask about.
    pub considered: usize,
    /// The pool and its figures; `next` is the engine's answer.
    pub facts: Facts,
}

/// What `verify-flagged` found.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// How it was asked for.
    pub trying: Trying,
    /// One row per flagged account, in stored order.
    pub rows: Vec<TriedRow>,
    /// How many are flagged afterwards.
    pub remaining: usize,
    /// Requests to the token endpoint.
    pub refreshes: u64,
}

/// How one flagged account came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedRow {
    /// Whose; its number is its place in the flagged pool.
    pub account: Named,
    /// How.
    pub outcome: Trial,
    /// In words.
    pub message: String,
}

/// How a flagged account came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// It is in the pool again.
    Restored,
    /// It works, and stays flagged because that was wanted.
    Healthy,
    /// It does not work.
    Still,
    /// It was not tried, or could not be put back.
    Skipped,
}

impl Trial {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::Healthy => "healthy-flagged",
            Self::Still => "still-flagged",
            Self::Skipped => "restore-skipped",
        }
    }
}

/// The workspaces of an account, and what choosing one came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Seats {
    /// Whose.
    pub account: Named,
    /// All of them.
    pub workspaces: Vec<Workspace>,
    /// The one it sits in.
    pub own: Option<usize>,
    /// Set when another account was switched to because it sits in the chosen one.
    pub switched: Option<Box<Switched>>,
    /// The limits there, after a switch.
    pub quota: Option<Snapshot>,
    /// The moment.
    pub at: Moment,
}

/// What `best` did.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The best account.
    pub account: Named,
    /// Why it is.
    pub reason: String,
    /// What questions failed on, one line each.
    pub notes: Vec<String>,
    /// Whether it is the pinned account, whose pin stays.
    pub pinned: bool,
    /// Whether another account's pin goes with the choice.
    pub pin_cleared: bool,
    /// What was done.
    pub done: Done,
}

/// What the user wants of an account now.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruled {
    /// Of whom.
    pub account: Named,
    /// The whole policy.
    pub policy: AccountPolicy,
    /// Whether it was another one before.
    pub changed: account::Changed,
    /// What was asked for, as it holds now.
    pub said: String,
    /// What it leads to that nobody may have meant.
    pub warning: Option<&'static str>,
}

/// What became of a recommendation.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// Nothing: a dry run.
    Shown,
    /// Nothing: it is in use already.
    AlreadyThere,
    /// Switched to it.
    Switched(Box<Switched>),
}

/// Who answered a `why-selected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A live proxy.
    Proxy,
    /// The engine on the files.
    Files,
}

/// Everything a report may need, as the program saw it at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The moment.
    pub at: Moment,
    /// The pool.
    pub roster: Arc<Roster>,
    /// State of its files.
    pub health: Health,
    /// Which files there are.
    pub beside: Beside,
    /// Why the pool could not be read.
    pub trouble: Option<Problem>,
    /// Key of the project whose pool this is; `None` = the user's own.
    pub project: Option<String>,
    /// Key and folder of the project around this one; its profile and budgets hold here.
    pub here: (Option<String>, Option<String>),
    /// What the user rules for projects and money.
    pub governance: Arc<Governance>,
    /// What traffic taught about who may ask for which model.
    pub capabilities: Arc<Capabilities>,
    /// Set when a journal or backup was used.
    pub recovery: Option<Recovery>,
    /// Path of the pool file.
    pub storage_path: String,
    /// Newest quota per account.
    pub quota: BTreeMap<AccountKey, Snapshot>,
    /// Live proxies with their state.
    pub peers: Vec<PeerStatus>,
    /// The engine's answer to the plain question, from a live proxy or from the files.
    pub next: Option<Decision>,
    /// A kept decision and what the engine says of it now.
    pub replay: Option<Box<Replay>>,
    /// Ledger rows of the last 24 hours, oldest first.
    pub usage: Vec<Entry>,
    /// Active endpoint overrides: upstream, auth.
    pub overrides: (Option<String>, Option<String>),
    /// Requests nobody asked for, by kind.
    pub background: BackgroundCalls,
    /// Name of the rehearsal.
    pub demo: Option<String>,
    /// What the user wants of accounts.
    pub policies: Arc<Policies>,
    /// What was odd in the settings and in the policies.
    pub notes: Vec<String>,
    /// Effective settings: what a report shows and what it masks.
    pub settings: Arc<Settings>,
}

/// A kept decision, run again.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// As it was kept.
    pub kept: Kept,
    /// Under which other conditions it is asked, if any.
    pub what_if: Option<WhatIf>,
}

/// Requests nobody asked for, counted since `since`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackgroundCalls {
    /// Quota checks.
    pub limits: u64,
    /// Token refreshes.
    pub refreshes: u64,
    /// Model probes.
    pub probes: u64,
    /// Update checks.
    pub updates: u64,
    /// Since when.
    pub since: Moment,
}

/// An account as a message names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Record id.
    pub key: AccountKey,
    /// 1-based stored position.
    pub number: usize,
    /// Label, else e-mail, else `Account N`.
    pub label: String,
}

/// What `switch` did.
#[derive(Debug, Clone, PartialEq)]
pub struct Switched {
    /// To whom.
    pub to: Named,
    /// Who was selected before.
    pub from: Option<Named>,
    /// Whether it had been off.
    pub re_enabled: bool,
    /// What became of the official CLI's files.
    pub mirrored: Mirrored,
    /// A refresh that was due and did not work, in words.
    pub refresh_warning: Option<String>,
    /// Why the account cannot serve now, in words (exit 4).
    pub unusable: Option<String>,
    /// Live sessions that move with it.
    pub sessions: usize,
    /// The moment.
    pub at: Moment,
}
