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
    /// This machine finds no way out: a name that does not resolve, a network that is down. No account's fault.
    Offline,
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
    /// Refused by address rather than by account: at the edge, or for the region.
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

/// A limit nobody put a length to.
pub const DEFAULT_WAIT: Span = Span::seconds(60);

/// No stored limit reaches further than this.
pub const LONGEST_WAIT: Span = Span::days(7);

impl Class {
    /// The word in the ledger (`failoverClass`), rows and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UsageLimit => "usage-limit",
            Self::Throttle => "throttle",
            Self::PlanGap => "plan-gap",
            Self::UnsupportedModel => "unsupported-model",
            Self::Overload => "overload",
            Self::ServerError => "server-error",
            Self::Contention => "contention",
            Self::Network => "network-error",
            Self::Offline => "offline",
            Self::Empty => "empty-response",
            Self::AuthExpired => "auth-expired",
            Self::AuthInvalidated => "auth-invalidated",
            Self::WorkspaceDisabled => "workspace-disabled",
            Self::Forbidden => "forbidden",
            Self::EdgeBlock => "edge-block",
            Self::ForeignContent => "foreign-content",
            Self::UnknownResponse => "unknown-response",
            Self::SocketAge => "socket-age",
            Self::ClientError => "client-error",
            Self::Redirect => "redirect",
        }
    }

    /// The status the class stands for where upstream named none.
    const fn status(self) -> u16 {
        match self {
            Self::UsageLimit | Self::Throttle => 429,
            Self::PlanGap | Self::Forbidden | Self::EdgeBlock => 403,
            Self::Overload => 503,
            Self::ServerError => 500,
            Self::Contention => 409,
            Self::Network | Self::Offline | Self::Empty => 502,
            Self::AuthExpired | Self::AuthInvalidated => 401,
            Self::WorkspaceDisabled => 402,
            Self::UnsupportedModel
            | Self::ForeignContent
            | Self::UnknownResponse
            | Self::SocketAge
            | Self::ClientError => 400,
            Self::Redirect => 302,
        }
    }

    /// Whether another account could do better.
    pub const fn is_rotatable(self) -> bool {
        match self {
            Self::UsageLimit
            | Self::Throttle
            | Self::PlanGap
            | Self::UnsupportedModel
            | Self::Overload
            | Self::ServerError
            | Self::Contention
            | Self::Network
            | Self::Empty
            | Self::AuthExpired
            | Self::AuthInvalidated
            | Self::WorkspaceDisabled
            | Self::Forbidden => true,
            Self::Offline
            | Self::EdgeBlock
            | Self::ForeignContent
            | Self::UnknownResponse
            | Self::SocketAge
            | Self::ClientError
            | Self::Redirect => false,
        }
    }

    /// Whether the failure says that upstream or the way to it was in trouble, not the account.
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Overload
                | Self::ServerError
                | Self::Contention
                | Self::Network
                | Self::Offline
                | Self::Empty
        )
    }
}

impl Verdict {
    /// A verdict without an answer behind it (transport failures, empty answers).
    pub fn bare(class: Class) -> Self {
        Self { class, status: class.status(), code: None, wait: None, reach: Reach::Account, plan: None }
    }
}

/// Judges a failing answer received at `now`. Statuses below 300 without an error are not its business.
pub fn classify(answer: &Answer, now: Moment) -> Verdict {
    let class = class_of(answer, now);
    let wait = match class {
        Class::UsageLimit | Class::Throttle => Some(limit_wait(answer, now)),
        Class::Overload | Class::ServerError => answer.retry_header.or(answer.retry_body),
        Class::PlanGap
        | Class::UnsupportedModel
        | Class::Contention
        | Class::Network
        | Class::Offline
        | Class::Empty
        | Class::AuthExpired
        | Class::AuthInvalidated
        | Class::WorkspaceDisabled
        | Class::Forbidden
        | Class::EdgeBlock
        | Class::ForeignContent
        | Class::UnknownResponse
        | Class::SocketAge
        | Class::ClientError
        | Class::Redirect => None,
    };
    Verdict {
        class,
        status: if answer.status >= 300 { answer.status } else { class.status() },
        code: answer.code.clone().or_else(|| answer.kind.clone()),
        wait,
        reach: reach(answer, class),
        plan: answer.plan.clone(),
    }
}

fn class_of(answer: &Answer, now: Moment) -> Class {
    if let Some(class) = by_code(answer) {
        return class;
    }
    let text = answer.message.to_ascii_lowercase();
    match answer.status {
        300..=399 => Class::Redirect,
        0..=299 | 401 | 403 if mentions(&text, &INVALIDATED) => Class::AuthInvalidated,
        401 => Class::AuthExpired,
        403 if answer.body == BodyKind::Edge => Class::EdgeBlock,
        402 => Class::WorkspaceDisabled,
        0..=299 | 403 if is_workspace_gone(&text) => Class::WorkspaceDisabled,
        403 if mentions(&text, &REGION) => Class::EdgeBlock,
        403 | 429 if text.contains(NOT_INCLUDED) => Class::PlanGap,
        403 => Class::Forbidden,
        408 | 409 | 425 => Class::Contention,
        429 if answer.quota.iter().any(|snapshot| snapshot.is_exhausted(now)) => Class::UsageLimit,
        429 => Class::Throttle,
        502..=504 | 529 => Class::Overload,
        500.. => Class::ServerError,
        0..=299 | 400..=499 => by_text(&text).unwrap_or(Class::ClientError),
    }
}

/// Codes that mean the same under every status. Some of them only count where they can come from: a proxy in
/// between may put its own words into a body, but not into a 429.
fn by_code(answer: &Answer) -> Option<Class> {
    let code = answer.code.as_deref().unwrap_or_default();
    let kind = answer.kind.as_deref().unwrap_or_default();
    let has = |word: &str| code == word || kind == word;
    let limited = matches!(answer.status, 0..=299 | 400..=499);
    if limited && (has("usage_limit_reached") || has("insufficient_quota")) {
        return Some(Class::UsageLimit);
    }
    if limited && has("usage_not_included") {
        return Some(Class::PlanGap);
    }
    if has("unsupported_country_region_territory") {
        return Some(Class::EdgeBlock);
    }
    if has("websocket_connection_limit_reached") {
        return Some(Class::SocketAge);
    }
    if has("previous_response_not_found") {
        return Some(Class::UnknownResponse);
    }
    if has("invalid_encrypted_content") {
        return Some(Class::ForeignContent);
    }
    if has("model_not_supported_with_chatgpt_account") {
        return Some(Class::UnsupportedModel);
    }
    if INVALID_CODES.iter().any(|word| has(word)) {
        return Some(Class::AuthInvalidated);
    }
    if has("deactivated_workspace")
        || (matches!(answer.status, 0 | 402 | 403) && GONE_CODES.iter().any(|word| has(word)))
    {
        return Some(Class::WorkspaceDisabled);
    }
    if matches!(answer.status, 0..=299 | 500..) && (has("server_is_overloaded") || has("slow_down")) {
        return Some(Class::Overload);
    }
    if answer.status >= 300 {
        return None;
    }
    match code {
        "rate_limit_exceeded" => Some(Class::Throttle),
        "server_error" | "internal_error" | "internal_server_error" => Some(Class::ServerError),
        "token_expired" => Some(Class::AuthExpired),
        "context_length_exceeded" | "invalid_prompt" | "cyber_policy" => Some(Class::ClientError),
        _ => (kind == "server_error").then_some(Class::ServerError),
    }
}

const INVALID_CODES: [&str; 5] = [
    "token_invalidated",
    "token_revoked",
    "refresh_token_invalidated",
    "refresh_token_reused",
    "invalid_grant",
];

const GONE_CODES: [&str; 6] = [
    "workspace_disabled",
    "workspace_expired",
    "workspace_terminated",
    "account_disabled",
    "account_expired",
    "organization_disabled",
];

const INVALIDATED: [&str; 4] = [
    "invalidated oauth token",
    "authentication token has been invalidated",
    "oauth token has been invalidated",
    "token has been invalidated",
];

/// The address is refused, whoever asks from it.
const REGION: [&str; 2] = ["country, region, or territory not supported", "not available in your country"];

const NOT_INCLUDED: &str = "not included in your plan";

const GONE: [(&str, &[&str]); 7] = [
    ("workspace", &["disabled", "expired", "deactivated", "terminated"]),
    ("account has been ", &["disabled", "expired", "deactivated", "terminated", "closed"]),
    ("account is ", &["disabled", "expired", "deactivated", "terminated", "closed"]),
    ("organization", &["no longer active", "no longer available", "no longer valid"]),
    ("workspace", &["no longer active", "no longer available", "no longer valid", "has been closed"]),
    ("organization", &["has been disabled", "has been expired", "has been closed"]),
    ("org", &["disabled", "expired", "inactive"]),
];

fn mentions(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| text.contains(phrase))
}

fn is_workspace_gone(text: &str) -> bool {
    GONE.iter().any(|(subject, fates)| {
        text.find(subject)
            .and_then(|at| text.get(at + subject.len()..))
            .is_some_and(|rest| mentions(rest, fates))
    })
}

/// Classes that only the text of a 4xx body tells.
fn by_text(text: &str) -> Option<Class> {
    if text.contains("model is not supported when using codex with a chatgpt account")
        || (text.contains("is not currently available for this chatgpt account") && text.contains("model"))
        || (text.contains("the model") && text.contains("does not exist or you do not have access to it"))
    {
        return Some(Class::UnsupportedModel);
    }
    let unreadable = text
        .find("encrypted content")
        .and_then(|at| text.get(at..))
        .is_some_and(|rest| mentions(rest, &["could not be verified", "could not be decrypted"]));
    if unreadable {
        return Some(Class::ForeignContent);
    }
    (text.contains(NOT_INCLUDED)).then_some(Class::PlanGap)
}

fn reach(answer: &Answer, class: Class) -> Reach {
    match class {
        Class::UsageLimit
            if answer.active_limit.as_deref().is_none_or(|id| id.is_empty() || id == "codex") =>
        {
            Reach::Account
        }
        Class::UsageLimit | Class::Throttle | Class::PlanGap | Class::UnsupportedModel => Reach::Model,
        Class::Overload
        | Class::ServerError
        | Class::Contention
        | Class::Network
        | Class::Offline
        | Class::Empty
        | Class::AuthExpired
        | Class::AuthInvalidated
        | Class::WorkspaceDisabled
        | Class::Forbidden
        | Class::EdgeBlock
        | Class::ForeignContent
        | Class::UnknownResponse
        | Class::SocketAge
        | Class::ClientError
        | Class::Redirect => Reach::Account,
    }
}

/// How long a limit binds (DB-25): the latest of everything that describes an empty window, else the first hint.
fn limit_wait(answer: &Answer, now: Moment) -> Span {
    let windows = answer
        .quota
        .iter()
        .filter_map(|snapshot| snapshot.exhausted_until(now))
        .map(|reset| now.until(reset));
    let named = answer.resets_at.map(|reset| now.until(reset)).into_iter().chain(answer.resets_in);
    let longest = named.chain(windows).filter(|wait| !wait.is_over()).max();
    let wait = longest
        .or_else(|| {
            [answer.retry_header, answer.retry_body, told_wait(&answer.message), answer.window_header]
                .into_iter()
                .flatten()
                .find(|wait| !wait.is_over())
        })
        .unwrap_or(DEFAULT_WAIT);
    wait.min(LONGEST_WAIT)
}

/// The wait in "try again in 1.5s", "in 20 ms", "in 3 minutes".
pub fn told_wait(message: &str) -> Option<Span> {
    let text = message.to_ascii_lowercase();
    let rest = text.split("try again in ").nth(1)?.trim_start();
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let number: f64 = rest.get(..digits)?.trim_end_matches('.').parse().ok()?;
    let unit: String =
        rest.get(digits..)?.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let one = match unit.as_str() {
        "ms" | "millisecond" | "milliseconds" => Span::millis(1),
        "" | "s" | "sec" | "secs" | "second" | "seconds" => Span::seconds(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Span::minutes(1),
        "h" | "hr" | "hrs" | "hour" | "hours" => Span::hours(1),
        "d" | "day" | "days" => Span::days(1),
        _ => return None,
    };
    Some(one.scaled(number))
}

#[cfg(test)]
mod tests;
