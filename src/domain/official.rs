//! What the official CLI's home holds: the login of `auth.json`, as a value.

use std::path::PathBuf;

use crate::base::{Moment, Secret};
use crate::domain::account::{Account, Claims};

/// Names one state of the file: SHA-256 of its bytes, in hex. Every write compares before it renames.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Stamp(pub String);

/// The login the official CLI would use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// No file, or an empty one.
    Absent,
    /// A file nobody can read; never written over. Path and reason.
    Unreadable {
        /// Which file.
        path: String,
        /// Why, without any of its content.
        detail: String,
    },
    /// A ChatGPT login.
    ChatGpt(Box<ChatGpt>),
    /// An API key, an agent identity or a personal access token: somebody's other login.
    Other {
        /// For people: `an API key`, `an agent identity`, …
        kind: String,
        /// State of the file.
        stamp: Stamp,
    },
}

/// A ChatGPT login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatGpt {
    /// State of the file.
    pub stamp: Stamp,
    /// `tokens.access_token`
    pub access: Option<Secret>,
    /// `tokens.refresh_token`
    pub refresh: Option<Secret>,
    /// `tokens.id_token`
    pub id_token: Option<Secret>,
    /// `tokens.account_id`, as written.
    pub account_id: Option<String>,
    /// Whether `last_refresh` is there; without it the client sends no credentials.
    pub last_refresh: Option<Moment>,
    /// What the tokens say.
    pub claims: Claims,
}

impl ChatGpt {
    /// Whether `account_id` and `last_refresh` are what the client needs (forwarder.md §7.2 step 4).
    pub fn is_sound(&self) -> bool {
        self.last_refresh.is_some()
            && self.account_id.as_deref().is_some_and(|id| !id.trim().is_empty() && !id.starts_with("org-"))
            && (self.claims.workspace_id.is_none() || self.claims.workspace_id == self.account_id)
    }

    /// Whether it is this account of the pool: the same workspace, and the same person where both are known.
    pub fn is(&self, account: &Account) -> bool {
        let workspace = self.claims.workspace_id.as_deref().or(self.account_id.as_deref());
        if workspace.is_none() || workspace != account.workspace_id() {
            return self
                .refresh
                .as_ref()
                .is_some_and(|own| !own.is_blank() && *own == account.credentials.refresh);
        }
        let theirs = &account.credentials.claims;
        match (&self.claims.subject, &theirs.subject) {
            (Some(own), Some(other)) => own == other,
            _ => match (&self.claims.email, account.email.as_ref().or(theirs.email.as_ref())) {
                (Some(own), Some(other)) => own.eq_ignore_ascii_case(other),
                _ => true,
            },
        }
    }

    /// How people call it.
    pub fn name(&self) -> String {
        self.claims.email.clone().unwrap_or_else(|| "an unknown account".to_owned())
    }
}

/// The logins of the official CLI's files, whichever of them counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roll {
    /// One per entry that has a token.
    pub entries: Vec<Listed>,
    /// Workspace of the selected one.
    pub active_id: Option<String>,
    /// E-mail of the selected one.
    pub active_email: Option<String>,
    /// When this product or the reference last selected one there.
    pub sync_version: Option<Moment>,
}

/// One login of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The login.
    pub login: ChatGpt,
    /// Whether its entry is marked as the selected one.
    pub active: bool,
}

/// Whether somebody's other login may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// A person said yes.
    Given,
    /// Nobody was asked.
    #[default]
    NotGiven,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Done.
    Done,
    /// The bytes were right already.
    Unchanged,
    /// The file is another one than was read: nothing was written.
    Changed,
    /// Not allowed or not possible; why, for people.
    Skipped(String),
}

/// A moved `auth.json` and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Where it stood.
    pub from: PathBuf,
    /// Where it is now.
    pub to: PathBuf,
}
