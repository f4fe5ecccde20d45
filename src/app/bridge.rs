//! What `bridge` and `integrations` are asked, what they ask for, and what they end with.

use crate::base::{Moment, Secret, Span};
use crate::domain::bridge::{Access, Living};
use crate::domain::client_token::{ClientToken, Reach, Scope};
use crate::domain::problem::Problem;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// `bridge start`
    Start {
        /// Port; the setting's otherwise.
        port: Option<u16>,
        /// Who may use it.
        access: Access,
    },
    /// `bridge stop`
    Stop,
    /// `bridge status`
    Status,
    /// `bridge token create`
    Create(Wish),
    /// `bridge token list`
    List,
    /// `bridge token rotate`
    Rotate(String),
    /// `bridge token revoke`
    Revoke(String),
    /// `integrations`
    Integrations(Wanted),
}

/// What a new key is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// The user's word for it.
    pub label: Option<String>,
    /// What it opens; everything when empty.
    pub scopes: Vec<Scope>,
    /// Models it may ask for; every one when empty.
    pub models: Vec<String>,
    /// How long it works; for good otherwise.
    pub expires: Option<Span>,
}

impl Wish {
    /// How far the key reaches that is made at `now`.
    pub fn reach(&self, now: Moment) -> Reach {
        Reach {
            scopes: self.scopes.clone(),
            models: self.models.clone(),
            expires_at: self.expires.map(|span| now + span),
        }
    }
}

/// Which snippets are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Of which tools, in this order.
    pub kinds: Vec<Kind>,
    /// Base address; the live bridge's otherwise.
    pub base: Option<String>,
    /// Model.
    pub model: String,
}

/// Tools there is a snippet for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `OpenCode`.
    Opencode,
    /// `OpenClaw`.
    Openclaw,
    /// The OpenAI library for Python.
    Python,
    /// curl.
    Curl,
    /// Environment variables.
    Env,
}

impl Kind {
    /// All, in the usual order.
    pub const ALL: [Self; 5] = [Self::Opencode, Self::Openclaw, Self::Python, Self::Curl, Self::Env];

    /// The word on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opencode => "opencode",
            Self::Openclaw => "openclaw",
            Self::Python => "python",
            Self::Curl => "curl",
            Self::Env => "env",
        }
    }

    /// The kind of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Order {
    /// The command in reports.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Start { .. } => "bridge start",
            Self::Stop => "bridge stop",
            Self::Status => "bridge status",
            Self::Create(_) => "bridge token create",
            Self::List => "bridge token list",
            Self::Rotate(_) => "bridge token rotate",
            Self::Revoke(_) => "bridge token revoke",
            Self::Integrations(_) => "integrations",
        }
    }

    /// Whether it changes something.
    pub const fn is_act(&self) -> bool {
        match self {
            Self::Start { .. } | Self::Stop | Self::Create(_) | Self::Rotate(_) | Self::Revoke(_) => true,
            Self::Status | Self::List | Self::Integrations(_) => false,
        }
    }
}

/// How the bridge stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The one that runs.
    pub living: Option<Living>,
    /// Keys that work, and keys that do not any more.
    pub tokens: (usize, usize),
    /// The port it would take.
    pub port: u16,
    /// Whether the command changed that.
    pub changed: Changed,
}

/// Whether something was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It was.
    Yes,
    /// It was so already.
    No,
}

/// What the runtime answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// How the bridge stands.
    Standing(Standing),
    /// The keys, and when that was.
    Tokens(Vec<ClientToken>, Moment),
    /// A new key with its text, which is shown once.
    Minted(ClientToken, Secret),
    /// This key works no more.
    Revoked(String),
    /// It did not work.
    Failed(Problem),
}

/// What is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// What was heard.
    Heard(Heard),
    /// Snippets of these tools for this base and model.
    Snippets(Vec<Kind>, String, String),
}
