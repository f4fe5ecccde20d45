//! What an upstream answer means: which class it belongs to, how long it binds and how far it reaches.
//!
//! One table for HTTP statuses, the first event of a stream and error frames of a socket (runtime.md DB-22), so
//! that a limit is a limit however it arrives. The parsers of `formats` fill an [`Answer`]; [`classify`] judges it.

use crate::base::{Moment, Span};
use crate::domain::quota::snapshot::Snapshot;

/// What a failing answer said, from status, headers and body alike; absent parts stay empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// HTTP status, or the status member of a frame; 0 for an event without one.
    pub status: u16,
    /// `error.type`.
    pub kind: Option<String>,
    /// `error.code`, else `detail.code`.
    pub code: Option<String>,
    /// `error.message`, `detail`, or the beginning of a body nobody can parse.
    pub message: String,
    /// `error.plan_type`.
    pub plan: Option<String>,
    /// `error.resets_at` (or `reset_at`).
    pub resets_at: Option<Moment>,
    /// `error.resets_in_seconds`.
    pub resets_in: Option<Span>,
    /// `retry-after-ms` or `retry-after` of the headers.
    pub retry_header: Option<Span>,
    /// `retry_after_ms` or `retry_after` of the body.
    pub retry_body: Option<Span>,
    /// `x-ratelimit-reset…` of the headers.
    pub window_header: Option<Span>,
    /// `x-codex-active-limit`.
    pub active_limit: Option<String>,
    /// What kind of body came.
    pub body: BodyKind,
    /// Quota headers, one snapshot per limit id.
    pub quota: Vec<Snapshot>,
}

/// What kind of body an error came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyKind {
    /// None.
    #[default]
    Empty,
    /// JSON.
    Json,
    /// An HTML page, or an answer of the edge (`cf-mitigated`).
    Edge,
    /// Anything else.
    Text,
}

/// The classes of runtime.md §10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A quota window is empty.
    UsageLimit,
    /// Too fast; a short wait helps.
    Throttle,
    /// The plan of this account does not include it.
    PlanGap,
    /// This account may not use this model.
    UnsupportedModel,
    /// The back end is overloaded: global, not the account's fault.
    Overload,
    /// Other 5xx.
    ServerError,
    /// 408, 409, 425: like a server error, without a rest.
    Contention,
    /// Transport failure, no headers in time, a cut or a stall.
    Network,
    /// A 200 that ended without any output.
    Empty,
    /// 401: the access token ran out.
    AuthExpired,
    /// The session behind the tokens was revoked.
    AuthInvalidated,
    /// The account's workspace is gone.
    WorkspaceDisabled,
    /// Other 403.
    Forbidden,
    /// Refused at the edge, by address rather than by account.
    EdgeBlock,
    /// Reasoning or a compaction item of another account.
    ForeignContent,
    /// `previous_response_not_found`.
    UnknownResponse,
    /// A socket reached its age limit.
    SocketAge,
    /// Other 4xx, and failures the turn itself caused.
    ClientError,
    /// 3xx.
    Redirect,
}

/// How far a limit reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Every model of the account.
    #[default]
    Account,
    /// The model of the request only.
    Model,
}

/// A judged answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The class.
    pub class: Class,
    /// Status to report: upstream's, or the one the class stands for.
    pub status: u16,
    /// Upstream's code, else its type.
    pub code: Option<String>,
    /// How long upstream asks to wait; `None` when it named nothing.
    pub wait: Option<Span>,
    /// How far a limit reaches.
    pub reach: Reach,
    /// Plan named by the answer.
    pub plan: Option<String>,
}
