//! Error answers, as a status with headers and body and as the frame a socket gets instead.

use serde_json::{Value, json};

use crate::base::Span;
use crate::formats::fake::quota::{Standing, Window};
use crate::formats::scenario::Action;

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// Headers beside `content-type`.
    pub headers: Vec<(String, String)>,
    /// `content-type`; none when there is no body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: String,
}

const JSON: &str = "application/json; charset=utf-8";

impl Refusal {
    fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), content_type: Some(JSON), body: body.to_string() }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// An error in the ordinary shape of the back end.
    pub fn error(status: u16, kind: &str, code: &str, message: &str) -> Self {
        Self::json(status, &json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
    }

    /// 429 with everything that belongs to a reached limit.
    pub fn usage_limit(standing: &Standing, window: Window) -> Self {
        let left = standing.at.until(window.reset_at).as_secs_ceil();
        let body = json!({"error": {
            "type": "usage_limit_reached",
            "message": "The usage limit has been reached",
            "plan_type": standing.plan,
            "resets_at": window.reset_at.secs(),
            "resets_in_seconds": left,
            "eligible_promo": null,
        }});
        let mut refusal = Self::json(429, &body);
        refusal.headers = standing.headers();
        refusal.with("x-codex-rate-limit-reached-type", "rate_limit_reached")
    }

    /// A 401 of the model and account endpoints.
    pub fn unauthorized(code: &str, message: &str) -> Self {
        Self::error(401, "invalid_request_error", code, message)
            .with("www-authenticate", "Bearer")
            .with("x-openai-authorization-error", code)
    }

    /// What stands in an action that answers with an error at once; `None` for the other actions.
    ///
    /// Limits are left out: they need the account's standing.
    pub fn of(action: &Action) -> Option<Self> {
        let invalid = |status, code, message| Self::error(status, "invalid_request_error", code, message);
        Some(match action {
            Action::Throttle { retry_after } => throttled(*retry_after),
            Action::PlanGap => Self::json(
                429,
                &json!({"error": {"type": "usage_not_included", "message": "Usage is not included in this plan"}}),
            ),
            Action::Unauthorized => Self::unauthorized(
                "token_expired",
                "Provided authentication token is expired. Please try signing in again.",
            ),
            Action::UnauthorizedEmpty => {
                Self { status: 401, headers: Vec::new(), content_type: None, body: String::new() }
            }
            Action::Invalidated => Self::unauthorized(
                "token_invalidated",
                "Your authentication token has been invalidated. Please try signing in again.",
            ),
            Action::Deactivated => Self::json(402, &json!({"detail": {"code": "deactivated_workspace"}})),
            Action::Forbidden => invalid(403, "forbidden", "You are not allowed to do this"),
            Action::WorkspaceDisabled => {
                invalid(403, "workspace_disabled", "This workspace has been disabled.")
            }
            Action::EdgeBlock => edge_block(),
            Action::ModelUnsupported => Self::json(
                400,
                &json!({"detail": "The 'requested' model is not supported when using Codex with a ChatGPT account."}),
            ),
            Action::ForeignContent => invalid(
                400,
                "invalid_encrypted_content",
                "The encrypted content could not be verified. Reason: Encrypted content organization_id did not match the target organization.",
            ),
            Action::UnknownPrevious => {
                invalid(400, "previous_response_not_found", "Previous response was not found.")
            }
            Action::BadRequest => invalid(400, "invalid_value", "Invalid value in `input`."),
            Action::Redirect => {
                Self { status: 302, headers: Vec::new(), content_type: None, body: String::new() }
                    .with("location", "https://example.invalid/")
            }
            Action::UpgradeRequired => invalid(426, "upgrade_required", "This server speaks no WebSocket."),
            Action::NotFound => Self::json(404, &json!({"detail": "Not Found"})),
            Action::ServerError { status } => Self::error(
                *status,
                "server_error",
                "server_error",
                "An error occurred while processing your request.",
            ),
            Action::Overloaded => Self::error(
                503,
                "service_unavailable_error",
                "server_is_overloaded",
                "Our servers are currently overloaded. Please try again later.",
            ),
            Action::Refuse { status, code, message } => invalid(*status, code, message),
            Action::UsageLimit { .. }
            | Action::Exhaust { .. }
            | Action::Slow { .. }
            | Action::Hang
            | Action::Drop
            | Action::Empty
            | Action::Garbage
            | Action::Stall { .. }
            | Action::Cut { .. }
            | Action::Tear { .. }
            | Action::Truncate { .. }
            | Action::Malformed { .. }
            | Action::Huge { .. }
            | Action::Binary { .. }
            | Action::Close { .. }
            | Action::Fail { .. }
            | Action::ErrorEvent { .. }
            | Action::Incomplete { .. }
            | Action::NotListed
            | Action::WrongIdentity { .. } => return None,
        })
    }

    /// The same answer as the error frame of a socket.
    pub fn frame(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        let error = body.get("error").cloned().unwrap_or_else(|| {
            let code = body.pointer("/detail/code").cloned().unwrap_or(Value::Null);
            let message = body.get("detail").and_then(Value::as_str).unwrap_or("The request failed.");
            json!({"type": "invalid_request_error", "code": code, "message": message})
        });
        let headers: serde_json::Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({"type": "error", "status": self.status, "error": error, "headers": headers}).to_string()
    }
}

fn throttled(retry_after: Option<Span>) -> Refusal {
    let seconds = retry_after.map_or(3, Span::as_secs_ceil);
    let message =
        format!("Rate limit reached for this model on tokens per min. Please try again in {seconds}s.");
    let refusal = Refusal::error(429, "tokens", "rate_limit_exceeded", &message);
    match retry_after {
        Some(wait) => refusal.with("retry-after", wait.as_secs_ceil().to_string()),
        None => refusal,
    }
}

fn edge_block() -> Refusal {
    Refusal {
        status: 403,
        headers: vec![("cf-mitigated".to_owned(), "challenge".to_owned())],
        content_type: Some("text/html; charset=utf-8"),
        body: "<html><head><title>Just a moment...</title></head><body>Cloudflare</body></html>".to_owned(),
    }
}
