//! What a rule makes the back end do, and where. The words are those of the scenario file.

use crate::base::Span;

/// A place of the back end that a rule can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Everything.
    Any,
    /// `POST /oauth/token` with a refresh token.
    Token,
    /// `POST /oauth/token` with an authorization code, or a token exchange.
    Code,
    /// `POST /oauth/revoke`.
    Revoke,
    /// `GET /oauth/authorize`.
    Authorize,
    /// Both device endpoints.
    Device,
    /// A turn, whichever way it comes: `Http` or `Frame`.
    Turn,
    /// A turn as `POST …/codex/responses`.
    Http,
    /// A turn as a frame of a socket.
    Frame,
    /// The prewarm frame (`generate: false`).
    Prewarm,
    /// The upgrade of `GET …/codex/responses`.
    Upgrade,
    /// `GET …/codex/models`.
    Models,
    /// `GET …/wham/accounts/check`.
    Check,
    /// `GET …/wham/usage`.
    Usage,
    /// Any other path.
    Other,
}

/// Every endpoint with its word.
pub const ENDPOINTS: [(&str, Endpoint); 15] = [
    ("any", Endpoint::Any),
    ("token", Endpoint::Token),
    ("code", Endpoint::Code),
    ("revoke", Endpoint::Revoke),
    ("authorize", Endpoint::Authorize),
    ("device", Endpoint::Device),
    ("turn", Endpoint::Turn),
    ("http", Endpoint::Http),
    ("frame", Endpoint::Frame),
    ("prewarm", Endpoint::Prewarm),
    ("upgrade", Endpoint::Upgrade),
    ("models", Endpoint::Models),
    ("check", Endpoint::Check),
    ("usage", Endpoint::Usage),
    ("other", Endpoint::Other),
];

impl Endpoint {
    /// The word in files and records.
    pub fn word(self) -> &'static str {
        ENDPOINTS.iter().find(|(_, it)| *it == self).map_or("other", |(word, _)| word)
    }

    /// The endpoint behind a word.
    pub fn from_word(word: &str) -> Option<Self> {
        ENDPOINTS.iter().find(|(it, _)| *it == word).map(|(_, endpoint)| *endpoint)
    }

    /// Whether a rule for `self` concerns a request that came to `actual`.
    pub fn covers(self, actual: Self) -> bool {
        self == Self::Any
            || self == actual
            || (self == Self::Turn && matches!(actual, Self::Http | Self::Frame))
    }
}

/// What happens instead of, before or within the ordinary answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// One 429 `usage_limit_reached` with its headers; the account's quota stays as it is.
    UsageLimit {
        /// Until the reset it declares.
        resets_in: Span,
    },
    /// Uses the first quota window up: this and every later turn meets the limit until the reset.
    Exhaust {
        /// Until the reset; none keeps the window's own.
        resets_in: Option<Span>,
    },
    /// A 429 that is no quota limit.
    Throttle {
        /// `Retry-After`; none leaves the header out.
        retry_after: Option<Span>,
    },
    /// 429 `usage_not_included`.
    PlanGap,
    /// 401 `token_expired`.
    Unauthorized,
    /// 401 without a body.
    UnauthorizedEmpty,
    /// 401 saying that the token has been invalidated.
    Invalidated,
    /// 402 `deactivated_workspace`.
    Deactivated,
    /// 403 with a JSON error.
    Forbidden,
    /// 403 `workspace_disabled`.
    WorkspaceDisabled,
    /// 403 of the edge: a challenge page.
    EdgeBlock,
    /// 400 saying that the plan cannot use the model.
    ModelUnsupported,
    /// 400 `invalid_encrypted_content`.
    ForeignContent,
    /// 400 `previous_response_not_found`.
    UnknownPrevious,
    /// 400 of another kind.
    BadRequest,
    /// 302 to elsewhere.
    Redirect,
    /// 426: this server speaks no WebSocket.
    UpgradeRequired,
    /// 404.
    NotFound,
    /// A 5xx.
    ServerError {
        /// The status.
        status: u16,
    },
    /// 503 `server_is_overloaded`.
    Overloaded,
    /// Any status with any error code; token endpoints answer in their own shape.
    Refuse {
        /// The status.
        status: u16,
        /// `error.code`.
        code: String,
        /// `error.message`.
        message: String,
    },
    /// The ordinary answer, later.
    Slow {
        /// How much later.
        delay: Span,
    },
    /// Takes the request and never answers.
    Hang,
    /// Takes the request and ends the connection without an answer.
    Drop,
    /// 200 with an empty body.
    Empty,
    /// 200 with a body that is not what it says it is.
    Garbage,
    /// The stream falls silent and stays open.
    Stall {
        /// After so many events.
        events: u32,
    },
    /// The connection breaks.
    Cut {
        /// After so many events.
        events: u32,
    },
    /// The connection breaks in the middle of an event or frame.
    Tear {
        /// After so many events.
        events: u32,
    },
    /// The stream ends in good order without its terminal event.
    Truncate {
        /// After so many events.
        events: u32,
    },
    /// Broken lines or frames between good ones.
    Malformed {
        /// After so many events.
        events: u32,
    },
    /// One oversized event or frame among ordinary ones.
    Huge {
        /// After so many events.
        events: u32,
        /// Its size.
        bytes: usize,
    },
    /// A binary frame; over HTTP the same as `Malformed`.
    Binary {
        /// After so many events.
        events: u32,
    },
    /// The socket is closed with a code; over HTTP the same as `Cut`.
    Close {
        /// After so many events.
        events: u32,
        /// The close code.
        code: u16,
    },
    /// A `response.failed` event ends the answer.
    Fail {
        /// After so many events; 0 makes it the first.
        events: u32,
        /// `error.code`.
        code: String,
        /// `error.message`.
        message: String,
    },
    /// An `error` event or frame ends the answer.
    ErrorEvent {
        /// After so many events; 0 makes it the first.
        events: u32,
        /// Its status.
        status: u16,
        /// `error.code`.
        code: String,
        /// `error.message`.
        message: String,
    },
    /// A `response.incomplete` event ends the answer.
    Incomplete {
        /// `incomplete_details.reason`.
        reason: String,
    },
    /// The workspace is missing from the list of `accounts/check`.
    NotListed,
    /// The tokens answered belong to another account.
    WrongIdentity {
        /// Whose tokens are handed out.
        account: String,
    },
}

/// What goes wrong within an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// Silence.
    Stall,
    /// The connection breaks.
    Cut,
    /// The connection breaks in the middle of an event.
    Tear,
    /// A good end without the terminal event.
    Truncate,
    /// Broken lines.
    Malformed,
    /// An oversized event.
    Huge(usize),
    /// A binary frame.
    Binary,
    /// A close frame.
    Close(u16),
}

impl Action {
    /// After how many events the answer breaks, and how.
    pub fn fault(&self) -> Option<(u32, Break)> {
        if let Self::Stall { events } = self {
            return Some((*events, Break::Stall));
        }
        if let Self::Cut { events } = self {
            return Some((*events, Break::Cut));
        }
        if let Self::Tear { events } = self {
            return Some((*events, Break::Tear));
        }
        if let Self::Truncate { events } = self {
            return Some((*events, Break::Truncate));
        }
        if let Self::Malformed { events } = self {
            return Some((*events, Break::Malformed));
        }
        if let Self::Huge { events, bytes } = self {
            return Some((*events, Break::Huge(*bytes)));
        }
        if let Self::Binary { events } = self {
            return Some((*events, Break::Binary));
        }
        if let Self::Close { events, code } = self {
            return Some((*events, Break::Close(*code)));
        }
        if self == &Self::Empty {
            return Some((0, Break::Truncate));
        }
        (self == &Self::Garbage).then_some((0, Break::Malformed))
    }

    /// A usage limit that resets in an hour.
    pub fn usage_limit() -> Self {
        Self::UsageLimit { resets_in: Span::hours(1) }
    }

    /// A short throttle of two seconds.
    pub fn throttle() -> Self {
        Self::Throttle { retry_after: Some(Span::seconds(2)) }
    }

    /// A plain 500.
    pub fn server_error() -> Self {
        Self::ServerError { status: 500 }
    }

    /// A refused refresh with the code of the token endpoint.
    pub fn refuse_token(code: &str) -> Self {
        Self::Refuse { status: 401, code: code.to_owned(), message: format!("The session ended: {code}.") }
    }

    /// A failed answer after `events` events.
    pub fn fail(code: &str, events: u32) -> Self {
        Self::Fail { events, code: code.to_owned(), message: format!("The answer failed: {code}.") }
    }

    /// The word in files and records.
    pub fn word(&self) -> &'static str {
        match self {
            Self::UsageLimit { .. } => "usage-limit",
            Self::Exhaust { .. } => "exhaust",
            Self::Throttle { .. } => "throttle",
            Self::PlanGap => "plan-gap",
            Self::Unauthorized => "unauthorized",
            Self::UnauthorizedEmpty => "unauthorized-empty",
            Self::Invalidated => "invalidated",
            Self::Deactivated => "deactivated",
            Self::Forbidden => "forbidden",
            Self::WorkspaceDisabled => "workspace-disabled",
            Self::EdgeBlock => "edge-block",
            Self::ModelUnsupported => "model-unsupported",
            Self::ForeignContent => "foreign-content",
            Self::UnknownPrevious => "unknown-previous",
            Self::BadRequest => "bad-request",
            Self::Redirect => "redirect",
            Self::UpgradeRequired => "upgrade-required",
            Self::NotFound => "not-found",
            Self::ServerError { .. } => "server-error",
            Self::Overloaded => "overloaded",
            Self::Refuse { .. } => "refuse",
            Self::Slow { .. } => "slow",
            Self::Hang => "hang",
            Self::Drop => "drop",
            Self::Empty => "empty",
            Self::Garbage => "garbage",
            Self::Stall { .. } => "stall",
            Self::Cut { .. } => "cut",
            Self::Tear { .. } => "tear",
            Self::Truncate { .. } => "truncate",
            Self::Malformed { .. } => "malformed",
            Self::Huge { .. } => "huge",
            Self::Binary { .. } => "binary",
            Self::Close { .. } => "close",
            Self::Fail { .. } => "fail",
            Self::ErrorEvent { .. } => "error-event",
            Self::Incomplete { .. } => "incomplete",
            Self::NotListed => "not-listed",
            Self::WrongIdentity { .. } => "wrong-identity",
        }
    }
}
