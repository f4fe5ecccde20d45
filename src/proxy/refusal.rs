//! Every error the proxy makes itself (runtime.md §13): one shape, for an HTTP answer, the answer to an upgrade and a
//! frame of a socket alike.
//!
//! Statuses are chosen by what the client does with them: 400 ends the turn and shows the body, a 429 of type
//! `usage_limit_reached` ends it with the limit text, any other 429 is waited out. Never a 401, never a 5xx for
//! exhaustion.

use bytes::Bytes;

use crate::base::{Moment, Span, calendar};
use crate::domain::account::CooldownReason;
use crate::domain::policy::account::Rein;
use crate::domain::policy::compose::{self, Ruling};
use crate::domain::pool::{Exhaustion, PinTrouble, Shortage};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::selection::eligible::Bar;
use crate::domain::selection::pin::PinSource;
use crate::formats::openai::{ErrorBody, Member};

/// An answer of our own.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Status.
    pub status: u16,
    /// Stable code, for the ledger and tests.
    pub code: &'static str,
    /// Headers besides `content-type` and `content-length`.
    pub headers: Vec<(String, String)>,
    /// One line of JSON with its newline; empty for a bare status (426).
    pub body: Bytes,
    error: Option<ErrorBody>,
}

/// Which memory of an earlier failure answered, if any (runtime.md §20.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The pool itself.
    Pool,
    /// It was found exhausted a moment ago.
    Cooldown,
    /// Several accounts met server errors at once.
    Burst,
}

impl Cause {
    const fn code(self) -> &'static str {
        match self {
            Self::Pool => "codex_runtime_rotation_pool_exhausted",
            Self::Cooldown => "pool_exhaustion_cooldown",
            Self::Burst => "server_burst_cooldown",
        }
    }
}

impl Refusal {
    /// Wrong or missing prefix, unknown local path.
    pub fn not_found() -> Self {
        Self::plain(404, "invalid_request_error", "runtime_rotation_proxy_not_found", "Not found")
    }

    /// Host, Origin or fetch-site guard.
    pub fn forbidden_origin() -> Self {
        let message = "Only local programs that were given this address may use it";
        Self::plain(403, "invalid_request_error", "runtime_rotation_proxy_forbidden_origin", message)
    }

    /// More than 64 MiB.
    pub fn too_large() -> Self {
        let message = "The request body is larger than 64 MiB";
        Self::plain(413, "invalid_request_error", "runtime_rotation_proxy_payload_too_large", message)
    }

    /// Too many requests, sockets or bytes at once; `Retry-After: 1`.
    pub fn overloaded() -> Self {
        let message = "Too many requests are running through this proxy; try again in 1s";
        Self::plain(429, "server_error", "runtime_rotation_proxy_overloaded", message)
            .with("retry-after", "1".to_owned())
    }

    /// Something unexpected before headers.
    pub fn unexpected() -> Self {
        let message = "The proxy met an unexpected error; see `codex-multi-auth status`";
        Self::plain(500, "server_error", "codex_runtime_rotation_proxy_error", message)
    }

    /// Upstream redirected; only the host of the target is named.
    pub fn redirected(host: &str) -> Self {
        Self::of(
            400,
            ErrorBody {
                kind: "server_error",
                code: "runtime_rotation_proxy_upstream_redirect",
                message: "The back end answered with a redirect, which is never followed with your token"
                    .into(),
                members: vec![("location", Member::Text(host.to_owned()))],
            },
        )
    }

    /// The client shall go on over HTTP.
    pub fn upgrade_required() -> Self {
        Self { status: 426, code: "upgrade_required", headers: Vec::new(), body: Bytes::new(), error: None }
    }

    /// Not a WebSocket handshake.
    pub fn bad_upgrade() -> Self {
        Self::plain(400, "invalid_request_error", "bad_upgrade", "Not a WebSocket handshake")
    }

    /// The user's own policies keep every account from serving (decisions.md D13: 400, which ends the turn).
    pub fn policy(pool: &Exhaustion) -> Self {
        let reasons: Vec<(String, String)> =
            pool.skips.iter().map(|(index, word)| (index.to_string(), (*word).to_owned())).collect();
        Self::of(
            400,
            ErrorBody {
                kind: "policy_error",
                code: "policy_blocked",
                message: "Every account is paused or drained by your own policies; \
                          run `codex-multi-auth account policy list`"
                    .into(),
                members: vec![("reasons", Member::Map(reasons))],
            },
        )
    }

    /// The key a client of the bridge showed does not stand for this model.
    pub fn foreign_model(model: Option<&str>) -> Self {
        let model = model.unwrap_or("a request that names no model");
        let reason = format!("this key may not ask for {model}");
        let error = ErrorBody {
            kind: "policy_error",
            code: "policy_blocked",
            message: format!("Refused by your own key for local clients: {reason}").into(),
            members: vec![("reasons", Member::Map(vec![("0".to_owned(), reason)]))],
        };
        Self::of(400, error)
    }

    /// A budget or a profile of the user stands against the request (runtime.md §13).
    pub fn ruled(ruling: &Ruling, now: Moment) -> Self {
        let reasons =
            ruling.reasons.iter().enumerate().map(|(number, text)| (number.to_string(), text.clone()));
        let mut members = vec![("reasons", Member::Map(reasons.collect()))];
        let why = ruling.reasons.join("; ");
        let (code, message, ends) = match ruling.cause {
            compose::Cause::Unreadable => (
                "runtime_policy_unavailable",
                format!(
                    "Refused, because your own rules cannot be read: {why}. Run `codex-multi-auth doctor`"
                ),
                None,
            ),
            compose::Cause::Profile => {
                ("policy_blocked", format!("Refused by your own routing profile: {why}"), None)
            }
            compose::Cause::Budget(ends) => {
                ("budget_blocked", format!("Refused by your own budget: {why}"), Some(ends))
            }
        };
        let Some(ends) = ends else {
            let error = ErrorBody { kind: "policy_error", code, message: message.into(), members };
            return Self::of(400, error);
        };
        add_reset(&mut members, Some(ends), None, now);
        let error = ErrorBody { kind: "usage_limit_reached", code, message: message.into(), members };
        Self::of(429, error)
    }

    /// Nobody in the pool can serve.
    pub fn exhausted(pool: &Exhaustion, reason: &'static str, cause: Cause, now: Moment) -> Self {
        let wait = pool.returns_at.map(|at| now.until(at));
        let skips = pool.skips.iter().map(|(index, word)| (index.to_string(), (*word).to_owned())).collect();
        let mut members = vec![
            ("reason", Member::Text(reason.to_owned())),
            ("retry_after_ms", Member::Number(wait.unwrap_or(Span::ZERO).as_millis())),
            ("account_skip_reasons", Member::Map(skips)),
            ("hint", Member::Text(hint(pool, reason).to_owned())),
        ];
        if pool.class == Shortage::Transient {
            return Self::transient(
                cause.code(),
                format!("No account is free right now ({reason})"),
                members,
                wait,
            );
        }
        add_reset(&mut members, pool.returns_at, pool.plan.as_deref(), now);
        let message = if pool.returns_at.is_some() {
            format!(
                "The usage limit has been reached on every account of the pool ({} in all)",
                pool.accounts
            )
        } else {
            "No account can be used; run `codex-multi-auth status` to see what each one needs".to_owned()
        };
        Self::last_word(cause.code(), message, members, pool.quota.as_ref(), pool.plan.as_deref(), now)
    }

    /// The pinned account cannot serve.
    pub fn pinned(trouble: &PinTrouble, now: Moment) -> Self {
        const CODE: &str = "codex_pinned_account_unavailable";
        let is_lasting = trouble.bar.is_some_and(is_lasting);
        let returns_at = trouble.returns_at.filter(|_| !is_lasting);
        let wait = returns_at.map(|at| now.until(at));
        let number = trouble.index.and_then(|index| i64::try_from(index).ok());
        let or_null = |number: Option<i64>| number.map_or(Member::Null, Member::Number);
        let text_or_null = |text: Option<String>| text.map_or(Member::Null, Member::Text);
        let skips =
            trouble.skips.iter().map(|(index, word)| (index.to_string(), (*word).to_owned())).collect();
        let mut members = vec![
            ("pinnedAccountIndex", or_null(number)),
            ("reason", text_or_null(trouble.bar.map(|bar| bar.word().to_owned()))),
            ("pin_source", Member::Text(trouble.source.word().to_owned())),
            ("reset_at", text_or_null(returns_at.map(calendar::rfc3339))),
            ("retry_after_ms", or_null(wait.map(Span::as_millis))),
            ("account_skip_reasons", Member::Map(skips)),
            ("pinned_account", or_null(number.map(|index| index + 1))),
        ];
        let message = pinned_message(trouble, returns_at);
        if trouble.class == Shortage::Transient {
            return Self::transient(CODE, message, members, wait);
        }
        let is_limited = matches!(trouble.bar, Some(Bar::Limited(_)));
        add_reset(&mut members, returns_at.filter(|_| is_limited), trouble.plan.as_deref(), now);
        Self::last_word(CODE, message, members, trouble.quota.as_ref(), trouble.plan.as_deref(), now)
    }

    /// The same answer as an error frame of a socket.
    pub fn frame(&self) -> Bytes {
        self.error
            .as_ref()
            .map_or_else(Bytes::new, |error| Bytes::from(error.to_frame(self.status, &self.headers)))
    }

    /// Whether the client ends its turn on this answer.
    pub fn is_final(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.kind == "usage_limit_reached")
    }

    fn transient(
        code: &'static str,
        message: String,
        members: Vec<(&'static str, Member)>,
        wait: Option<Span>,
    ) -> Self {
        let seconds = wait.unwrap_or(Span::ZERO).as_secs_ceil().max(1);
        let error = ErrorBody { kind: "server_error", code, message: message.into(), members };
        Self::of(429, error).with("retry-after", seconds.to_string())
    }

    fn last_word(
        code: &'static str,
        message: String,
        members: Vec<(&'static str, Member)>,
        quota: Option<&Snapshot>,
        plan: Option<&str>,
        now: Moment,
    ) -> Self {
        let mut refusal =
            Self::of(429, ErrorBody { kind: "usage_limit_reached", code, message: message.into(), members });
        refusal.headers.extend(quota.into_iter().flat_map(|quota| quota_headers(quota, now)));
        refusal.headers.extend(plan.map(|plan| ("x-codex-plan-type".to_owned(), plan.to_owned())));
        refusal
    }

    pub(super) fn plain(status: u16, kind: &'static str, code: &'static str, message: &'static str) -> Self {
        Self::of(status, ErrorBody { kind, code, message: message.into(), members: Vec::new() })
    }

    fn of(status: u16, error: ErrorBody) -> Self {
        Self {
            status,
            code: error.code,
            headers: Vec::new(),
            body: Bytes::from(error.to_line()),
            error: Some(error),
        }
    }

    fn with(mut self, name: &str, value: String) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }
}

/// The frame that makes the client reconnect with its whole context (**rotation frame**).
pub fn rotation_frame() -> Bytes {
    let error = ErrorBody {
        kind: "invalid_request_error",
        code: "websocket_connection_limit_reached",
        message: "This connection is done; open another one".into(),
        members: Vec::new(),
    };
    Bytes::from(error.to_frame(400, &[]))
}

/// The frame that makes the client send its whole context once more.
pub fn unknown_response_frame() -> Bytes {
    let error = ErrorBody {
        kind: "invalid_request_error",
        code: "previous_response_not_found",
        message: "The previous response is not known on this connection".into(),
        members: vec![("param", Member::Text("previous_response_id".to_owned()))],
    };
    Bytes::from(error.to_frame(400, &[]))
}

fn hint(pool: &Exhaustion, reason: &str) -> &'static str {
    if reason == "no-account" && pool.accounts > 0 {
        "codex-multi-auth report --json, or codex-multi-auth rotation reset-runtime"
    } else {
        "codex-multi-auth rotation status"
    }
}

fn add_reset(members: &mut Vec<(&'static str, Member)>, at: Option<Moment>, plan: Option<&str>, now: Moment) {
    if let Some(at) = at {
        members.push(("resets_at", Member::Number(at.secs())));
        members.push(("resets_in_seconds", Member::Number(now.until(at).as_secs_ceil())));
    }
    if let Some(plan) = plan {
        members.push(("plan_type", Member::Text(plan.to_owned())));
    }
}

fn quota_headers(quota: &Snapshot, now: Moment) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (place, window) in [("primary", quota.primary), ("secondary", quota.secondary)] {
        let Some(window) = window else { continue };
        let mut add = |field: &str, value: Option<String>| {
            headers.extend(value.map(|value| (format!("x-codex-{place}-{field}"), value)));
        };
        add("used-percent", window.used.map(|used| used.value().to_string()));
        add("window-minutes", window.minutes.map(|minutes| minutes.to_string()));
        add("reset-after-seconds", window.resets_at.map(|at| now.until(at).as_secs_ceil().to_string()));
        add("reset-at", window.resets_at.map(|at| at.secs().to_string()));
    }
    headers
}

const fn is_lasting(bar: Bar) -> bool {
    matches!(
        bar,
        Bar::Missing
            | Bar::Disabled
            | Bar::WorkspaceDisabled
            | Bar::Invalidated
            | Bar::Uncertain
            | Bar::Held(_)
            | Bar::Unreadable
            | Bar::Ruled
    )
}

fn pinned_message(trouble: &PinTrouble, returns_at: Option<Moment>) -> String {
    let name = trouble
        .index
        .map_or_else(|| "The pinned account".to_owned(), |index| format!("Pinned account {}", index + 1));
    let (blocker, noun) = match trouble.bar {
        None => ("it was not available a moment ago", "expected available"),
        Some(Bar::Missing) => ("it is not in the pool any more", "expected available"),
        Some(Bar::Disabled) => ("it is switched off", "expected available"),
        Some(Bar::WorkspaceDisabled) => ("its workspace is disabled", "expected available"),
        Some(Bar::Invalidated) => ("token-invalid — re-login needed", "expected available"),
        Some(Bar::Held(Rein::Drained | Rein::Free)) => {
            ("it is drained: no new sessions", "expected available")
        }
        Some(Bar::Held(_)) => ("it is paused", "expected available"),
        Some(Bar::OverBudget(_) | Bar::Spent(_)) => ("your budget is used up", "expected available"),
        Some(Bar::Unreadable) => ("your own rules cannot be read", "expected available"),
        Some(Bar::Ruled) => ("your routing profile forbids this request", "expected available"),
        Some(Bar::Uncertain) => ("the outcome of its last token refresh is unknown", "expected available"),
        Some(Bar::Limited(_) | Bar::NearExhaustion(_)) => ("it is rate-limited", "rate limit resets"),
        Some(Bar::Cooling(Some(CooldownReason::AuthFailure), _)) => ("its sign-in failed", "cooldown ends"),
        Some(Bar::Cooling(_, _)) => ("it is cooling down", "cooldown ends"),
        Some(Bar::CircuitOpen(_) | Bar::Guarded(_)) => ("it failed several times", "next attempt allowed"),
        Some(Bar::NotEntitled(_)) => ("it may not use this model", "next attempt allowed"),
        Some(Bar::Attempted) => ("it failed for this request", "expected available"),
    };
    let when = returns_at.map(calendar::rfc3339).map(|at| format!("; {noun} at {at}")).unwrap_or_default();
    let remedy = match trouble.source {
        PinSource::Forced => "Start again without `--account`, or with another one",
        PinSource::Session => {
            "This session is pinned to it: press `p` on it in the dashboard's Monitor to let it go"
        }
        PinSource::Manual => {
            "Run `codex-multi-auth status`, or `codex-multi-auth unpin` to use the whole pool"
        }
    };
    format!("{name} is unavailable ({blocker}){when}. {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Percent;
    use crate::domain::quota::snapshot::Source;
    use crate::domain::quota::window::Window;

    const NOW: Moment = Moment::from_secs(1_795_360_000);

    fn exhaustion(class: Shortage, wait: Option<i64>) -> Exhaustion {
        Exhaustion {
            class,
            reason: "rate-limit",
            returns_at: wait.map(|secs| NOW + Span::seconds(secs)),
            skips: vec![(0, "rate-limited"), (1, "disabled")],
            plan: Some("plus".to_owned()),
            quota: Some(Snapshot {
                primary: Some(Window {
                    used: Some(Percent::FULL),
                    minutes: Some(300),
                    resets_at: wait.map(|secs| NOW + Span::seconds(secs)),
                    ..Window::default()
                }),
                secondary: None,
                plan: Some("plus".to_owned()),
                limit_id: None,
                credits: None,
                status: 429,
                model: None,
                at: NOW,
                source: Source::Headers,
                ..Snapshot::default()
            }),
            accounts: 2,
        }
    }

    fn text(refusal: &Refusal) -> &str {
        std::str::from_utf8(&refusal.body).unwrap()
    }

    #[test]
    fn a_final_shortage_tells_the_earliest_reset_and_its_windows() {
        let refusal =
            Refusal::exhausted(&exhaustion(Shortage::Final, Some(3_600)), "rate-limit", Cause::Pool, NOW);

        assert_eq!(refusal.status, 429);
        assert!(refusal.is_final());
        let body = text(&refusal);
        assert!(
            body.contains(r#""type":"usage_limit_reached","code":"codex_runtime_rotation_pool_exhausted""#),
            "{body}"
        );
        assert!(
            body.contains(r#""resets_at":1795363600,"resets_in_seconds":3600,"plan_type":"plus""#),
            "{body}"
        );
        assert!(body.contains(r#""account_skip_reasons":{"0":"rate-limited","1":"disabled"}"#), "{body}");
        assert!(refusal.headers.contains(&("x-codex-primary-reset-at".to_owned(), "1795363600".to_owned())));
        assert!(refusal.frame().starts_with(br#"{"type":"error","status":429,"#));
    }

    #[test]
    fn a_shortage_without_an_end_names_what_helps_and_no_time() {
        let refusal =
            Refusal::exhausted(&exhaustion(Shortage::Final, None), "auth-failure", Cause::Pool, NOW);

        let body = text(&refusal);
        assert!(refusal.is_final() && !body.contains("resets_at"), "{body}");
        assert!(body.contains("codex-multi-auth status"), "{body}");
    }

    #[test]
    fn a_brief_shortage_is_waited_out_by_the_client() {
        let refusal =
            Refusal::exhausted(&exhaustion(Shortage::Transient, Some(0)), "server-error", Cause::Burst, NOW);

        assert_eq!(refusal.headers, [("retry-after".to_owned(), "1".to_owned())]);
        assert!(text(&refusal).contains(r#""type":"server_error","code":"server_burst_cooldown""#));
        assert!(!refusal.is_final());
    }

    #[test]
    fn a_pinned_account_says_what_stands_against_it_and_what_to_do() {
        let until = NOW + Span::hours(1);
        let trouble = PinTrouble {
            class: Shortage::Final,
            index: Some(1),
            bar: Some(Bar::Limited(until)),
            source: PinSource::Manual,
            returns_at: Some(until),
            skips: vec![(1, "rate-limited")],
            plan: None,
            quota: None,
        };

        let limited = Refusal::pinned(&trouble, NOW);
        let dead = Refusal::pinned(
            &PinTrouble { bar: Some(Bar::Invalidated), source: PinSource::Forced, ..trouble },
            NOW,
        );

        let body = text(&limited);
        assert!(
            body.contains(r#""pinnedAccountIndex":1,"reason":"rate-limited","pin_source":"manual""#),
            "{body}"
        );
        assert!(body.contains(r#""resets_at":1795363600"#) && body.contains("unpin"), "{body}");
        assert!(body.contains(r#""reset_at":"2026-11-22T16:06:40.000Z","retry_after_ms":3600000"#), "{body}");
        let body = text(&dead);
        assert!(body.contains(r#""reset_at":null"#) && !body.contains("resets_at"), "{body}");
        assert!(body.contains("without `--account`"), "{body}");
    }

    #[test]
    fn no_answer_of_ours_is_a_401() {
        for refusal in [
            Refusal::not_found(),
            Refusal::forbidden_origin(),
            Refusal::too_large(),
            Refusal::overloaded(),
            Refusal::unexpected(),
            Refusal::redirected("example.test"),
            Refusal::upgrade_required(),
            Refusal::bad_upgrade(),
        ] {
            assert_ne!(refusal.status, 401, "{}", refusal.code);
            assert!(refusal.body.is_empty() || refusal.body.ends_with(b"\n"), "{}", refusal.code);
        }
    }
}
