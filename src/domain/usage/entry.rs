//! One row of the usage ledger (storage.md §9.7, runtime.md §17).

use std::borrow::Cow;

use crate::base::{Moment, Span};
use crate::domain::facts::TurnTokens;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `responses`
    Responses,
    /// `models`
    Models,
    /// `thread-goal`
    ThreadGoal,
    /// `auth-refresh`
    AuthRefresh,
    /// `diagnostic`
    Diagnostic,
    /// `unknown`
    Unknown,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// `success`
    Success,
    /// `failure`
    Failure,
    /// `blocked`
    Blocked,
    /// `cancelled`
    Cancelled,
}

impl Ending {
    /// The word in files and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One request as the ledger keeps it; hashes only, never an identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Unique id (uuid text).
    pub id: String,
    /// When the request ended.
    pub at: Moment,
    /// `runtime-proxy`, `local-bridge`, `cli`, …
    pub source: String,
    /// What was done.
    pub operation: Operation,
    /// How it ended.
    pub ending: Ending,
    /// Model slug.
    pub model: Option<String>,
    /// Project key.
    pub project: Option<String>,
    /// `sha256:…` of the workspace id.
    pub account_hash: Option<String>,
    /// `sha256:…` of the lower-cased e-mail.
    pub email_hash: Option<String>,
    /// 0-based position at the time.
    pub index: Option<usize>,
    /// Request id.
    pub request: Option<String>,
    /// HTTP or frame status.
    pub status: Option<u16>,
    /// Error code.
    pub error: Option<String>,
    /// Whole duration.
    pub took: Option<Span>,
    /// Tokens.
    pub tokens: TurnTokens,
    /// API-equivalent cost in USD; `None` for unpriced models.
    pub cost: Option<f64>,
    /// Upstream sends.
    pub attempts: Option<u32>,
    /// Time to the first business event.
    pub first_byte: Option<Span>,
    /// Bytes relayed.
    pub bytes_out: Option<u64>,
    /// `sha256:…` of the session key.
    pub session_hash: Option<String>,
    /// Class of the last failover.
    pub failover: Option<String>,
    /// `sha256:…` of the accounts it moved from, in order.
    pub rotated_from: Vec<String>,
    /// The service tier that was asked for.
    pub service_tier: Option<String>,
    /// Id of the local client's key, when one was used; never the key.
    pub token: Option<String>,
}

/// What counting needs of a row, borrowed from wherever the row stands: a file is summed without keeping its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance<'a> {
    /// When the request ended.
    pub at: Moment,
    /// What was done.
    pub operation: Operation,
    /// How it ended.
    pub ending: Ending,
    /// Model slug.
    pub model: Option<Cow<'a, str>>,
    /// Project key.
    pub project: Option<Cow<'a, str>>,
    /// `sha256:…` of the workspace id.
    pub account_hash: Option<Cow<'a, str>>,
    /// `sha256:…` of the lower-cased e-mail.
    pub email_hash: Option<Cow<'a, str>>,
    /// Id of the local client's key.
    pub token: Option<Cow<'a, str>>,
    /// Tokens.
    pub tokens: TurnTokens,
}

impl Entry {
    /// What counting needs of it.
    pub fn glance(&self) -> Glance<'_> {
        Glance {
            at: self.at,
            operation: self.operation,
            ending: self.ending,
            model: borrowed(self.model.as_ref()),
            project: borrowed(self.project.as_ref()),
            account_hash: borrowed(self.account_hash.as_ref()),
            email_hash: borrowed(self.email_hash.as_ref()),
            token: borrowed(self.token.as_ref()),
            tokens: self.tokens,
        }
    }
}

fn borrowed(text: Option<&String>) -> Option<Cow<'_, str>> {
    text.map(|text| Cow::Borrowed(text.as_str()))
}
