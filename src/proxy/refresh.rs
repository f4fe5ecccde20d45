//! The client's own token refresh (runtime.md §14.6): the pool is the one owner of the single-use token in
//! `auth.json`, so the client is served from the pool, always with tokens of the very same record. This is the one
//! endpoint that may answer 401: its caller expects it, and it is the truth.

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use crate::base::Span;
use crate::domain::account::{AccountKey, Credentials};
use crate::domain::refresh::{Held, Outcome, Reason};
use crate::domain::token;
use crate::formats::client_refresh::{self, Asked};
use crate::ports::{Auth as _, Ports, Store as _};
use crate::proxy::answer::{self, Out};
use crate::proxy::headers;
use crate::proxy::hub::Hub;

/// Longest body this endpoint reads.
pub(super) const BODY_CAP: usize = 64 * 1024;
/// An access token this young needs no other.
const YOUNG: Span = Span::seconds(60);
/// What a proactive refresh still wants to have left.
const ENOUGH: Span = Span::minutes(5);

/// Answers one refresh.
pub(super) async fn answer<P: Ports>(
    hub: &Hub<P>,
    body: Bytes,
    content_type: Option<String>,
) -> Response<Out<P>> {
    hub.desk.count_refresh_endpoint();
    let Some(asked) = client_refresh::parse(&body) else { return forward(hub, body, content_type).await };
    let hash = token::hash(&asked.refresh);
    match hub.ports.store().owner_of_refresh(&hash).await {
        Some((key, held)) => ours(hub, &key, held, &asked).await,
        None => forward(hub, body, content_type).await,
    }
}

async fn ours<P: Ports>(hub: &Hub<P>, key: &AccountKey, held: Held, asked: &Asked) -> Response<Out<P>> {
    let stored = hub.ports.store().load().await.ok().and_then(|loaded| loaded.roster.get(key).cloned());
    let Some(account) = stored else { return later(Span::seconds(5)) };
    if is_enough(&account.credentials, held, asked, hub.now())
        && let Some(body) = client_refresh::granted(&account.credentials, hub.now())
    {
        return answer::json(200, body);
    }
    let reason = match asked.reason.as_deref() {
        // Only a person's own request may spend a token whose last refresh was cut, so the client's "forced" is a
        // recovery here.
        Some("unauthorized_recovery" | "forced") => Reason::UnauthorizedRecovery,
        Some("scheduled") => Reason::Scheduled,
        _ => Reason::ProactiveExpiry,
    };
    let outcome = hub.ports.auth().refresh(key, reason, account.credentials.access).await;
    hub.desk.refreshed(&outcome);
    match outcome {
        Outcome::Renewed(credentials) | Outcome::Adopted(credentials) => {
            client_refresh::granted(&credentials, hub.now())
                .map_or_else(|| later(Span::seconds(30)), |body| answer::json(200, body))
        }
        Outcome::Dead { code } => {
            let message = "Your session has ended. Sign in to this account again.";
            answer::json(401, client_refresh::refused(client_code(&code), message))
        }
        Outcome::Transient { wait, .. } => later(wait),
        Outcome::Refused { .. } | Outcome::Missing => later(Span::seconds(30)),
        Outcome::Uncertain { .. } => later(Span::seconds(60)),
    }
}

/// Whether the stored set serves without a call.
fn is_enough(credentials: &Credentials, held: Held, asked: &Asked, now: crate::base::Moment) -> bool {
    let left = credentials.expires_at.map_or(Span::ZERO, |end| now.until(end));
    if left.is_over() {
        return false;
    }
    let is_young = credentials.claims.issued_at.is_some_and(|issued| now.since(issued) < YOUNG);
    let is_proactive = asked.reason.as_deref() == Some("proactive_expiry") && left >= ENOUGH;
    held == Held::Earlier || is_young || is_proactive
}

/// The client knows three codes as final; any other would make it try again.
fn client_code(code: &str) -> &str {
    match code {
        "refresh_token_expired" | "refresh_token_reused" | "refresh_token_invalidated" => code,
        _ => "refresh_token_invalidated",
    }
}

fn later<P: Ports>(wait: Span) -> Response<Out<P>> {
    let body = client_refresh::refused("temporarily_unavailable", "The token cannot be refreshed just now.");
    let mut response = answer::json(503, body);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs_ceil().max(1)));
    response
}

/// A token of nobody here: unchanged to the token endpoint, unchanged back, never kept.
async fn forward<P: Ports>(hub: &Hub<P>, body: Bytes, content_type: Option<String>) -> Response<Out<P>> {
    match hub.ports.auth().forward(body, content_type).await {
        Ok((status, upstream, body)) => {
            let mut headers = headers::toward_client(&upstream);
            headers.remove(header::CONTENT_LENGTH);
            answer::whole(status.as_u16(), headers, body)
        }
        Err(_) => later(Span::seconds(5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;

    fn credentials(issued: i64, end: i64) -> Credentials {
        let mut credentials =
            Credentials { expires_at: Some(Moment::from_secs(end)), ..Credentials::default() };
        credentials.claims.issued_at = Some(Moment::from_secs(issued));
        credentials
    }

    #[test]
    fn the_store_answers_whenever_its_tokens_serve() {
        let now = Moment::from_secs(10_000);
        let asked = |reason: &str| Asked { refresh: "r".into(), reason: Some(reason.to_owned()) };
        let rows = [
            ("an earlier token", credentials(0, 20_000), Held::Earlier, "forced", true),
            ("an earlier token, all expired", credentials(0, 9_000), Held::Earlier, "forced", false),
            (
                "a young access token",
                credentials(9_950, 20_000),
                Held::Current,
                "unauthorized_recovery",
                true,
            ),
            ("an old one after a 401", credentials(0, 20_000), Held::Current, "unauthorized_recovery", false),
            ("proactive with enough left", credentials(0, 10_300), Held::Current, "proactive_expiry", true),
            ("proactive with too little", credentials(0, 10_299), Held::Current, "proactive_expiry", false),
        ];
        for (case, credentials, held, reason, expected) in rows {
            assert_eq!(is_enough(&credentials, held, &asked(reason), now), expected, "{case}");
        }
    }
}
