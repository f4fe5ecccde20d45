//! What `rotation` is asked, what it asks for, and what it ends with.

use crate::app::outcome::{Facts, Named};
use crate::domain::problem::Problem;
use crate::domain::rotation::{Acted, Binding, Daemon, Verb, View};

/// One of the commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// `rotation [status]`.
    Status,
    /// `rotation enable`.
    Enable {
        /// Bind even where no desktop app is seen.
        bind: bool,
        /// How, if so.
        binding: Binding,
    },
    /// `rotation disable`.
    Disable(Daemon),
    /// `rotation bind-app`.
    Bind(Binding),
    /// `rotation unbind-app`.
    Unbind {
        /// What happens to the background server.
        daemon: Daemon,
        /// Nothing is changed.
        dry_run: bool,
    },
    /// `rotation reset-rate-limits`.
    ResetLimits {
        /// As typed; `None` = all.
        account: Option<String>,
        /// Nothing is changed.
        dry_run: bool,
    },
    /// `rotation reset-runtime`.
    ResetRuntime,
    /// `rotation service …`.
    Service(Verb),
}

impl Order {
    /// The command's word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Status => "rotation status",
            Self::Enable { .. } => "rotation enable",
            Self::Disable(_) => "rotation disable",
            Self::Bind(_) => "rotation bind-app",
            Self::Unbind { .. } => "rotation unbind-app",
            Self::ResetLimits { .. } => "rotation reset-rate-limits",
            Self::ResetRuntime => "rotation reset-runtime",
            Self::Service(verb) => verb.word(),
        }
    }

    /// Whether it is asked for what it does, not for what it says.
    pub const fn is_act(&self) -> bool {
        !matches!(self, Self::Status | Self::Service(Verb::Status))
    }

    /// Whether it makes, takes or serves a bind itself.
    pub const fn changes_bind(&self) -> bool {
        matches!(self, Self::Enable { .. } | Self::Disable(_) | Self::Bind(_) | Self::Unbind { .. })
    }
}

/// What the flow asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Look at everything.
    Look,
    /// Make a bind.
    Bind(Binding),
    /// Take it back.
    Unbind {
        /// Nothing is changed.
        dry_run: bool,
    },
    /// Start the official CLI's background server anew.
    RestartDaemon,
    /// Have every live proxy forget what it learnt.
    ResetRuntime,
    /// An act on the start-up service.
    Service(Verb),
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// What was seen.
    Looked(Box<View>),
    /// What an act came to.
    Acted(Result<Acted, Problem>),
    /// The user's own value stands in the way of a bind.
    Theirs(String),
}

/// What is reported.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// How everything stands, after an act or without one.
    Standing {
        /// The bind, the services.
        view: Box<View>,
        /// The pool and the proxies.
        facts: Box<Facts>,
        /// Where the switch comes from.
        switch: Switch,
        /// The act.
        acted: Option<Acted>,
    },
    /// Limits and rests that were lifted.
    Limits(Lifted),
    /// A reset of live proxies.
    Runtime(Acted),
}

/// Where the switch comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// What the file says.
    pub stored: Option<bool>,
    /// What the variable says: `none`, `enabled`, `disabled`, `invalid`.
    pub variable: &'static str,
}

/// Limits and rests that were lifted, or would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Lifted {
    /// Nothing was changed.
    pub dry_run: bool,
    /// Whether one account was meant.
    pub one: bool,
    /// The pool's file.
    pub storage_path: String,
    /// Accounts looked at.
    pub scanned: usize,
    /// What changed of whom.
    pub rows: Vec<LiftedRow>,
    /// Live proxies that were told.
    pub proxies: usize,
}

/// What was lifted of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct LiftedRow {
    /// Whose.
    pub account: Named,
    /// The last characters of its workspace id.
    pub tail: Option<String>,
    /// Limits by name.
    pub limits: Vec<String>,
    /// Whether a rest was lifted.
    pub rest: bool,
}
