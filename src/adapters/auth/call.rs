//! One `POST` to the token endpoint, never repeated.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, StatusCode};

use crate::adapters::auth::{Shared, TURN_WITHIN};
use crate::adapters::fault;
use crate::adapters::upstream::body::collect;
use crate::adapters::upstream::client::{Speech, transport};
use crate::adapters::upstream::received;
use crate::base::calendar::http_date;
use crate::base::{Moment, Span};
use crate::ports::home::Home;
use crate::ports::upstream::UpstreamError;
use crate::ports::{Clock, Entropy, Store};

/// A call that takes longer has an unknown outcome.
const WITHIN: Span = Span::seconds(30);
/// Far above any real answer.
const LIMIT: usize = 1 << 20;

/// An answer, whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// When upstream wants to be asked again.
    pub(super) fn retry_after(&self, now: Moment) -> Option<Span> {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |name: &str| text(name)?.parse::<i64>().ok().filter(|number| *number > 0);
        let after = RETRY_AFTER.as_str();
        number("retry-after-ms")
            .map(Span::millis)
            .or_else(|| number(after).map(Span::seconds))
            .or_else(|| text(after).and_then(http_date).map(|then| now.until(then)))
            .filter(|wait| !wait.is_over())
    }
}

/// Sends `body` and reads the answer.
///
/// [`UpstreamError::Offline`] and [`UpstreamError::Unreachable`] alone mean that nothing was sent.
pub(super) async fn post<S: Store, H: Home, C: Clock, E: Entropy>(
    shared: &Shared<S, H, C, E>,
    body: Bytes,
    content_type: HeaderValue,
) -> Result<Answer, UpstreamError> {
    let client = shared.clients.of(&shared.endpoint, Speech::OneShot).await?;
    let mut request = reqwest::Request::new(Method::POST, shared.endpoint.clone());
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("codex-multi-auth/", env!("CARGO_PKG_VERSION"))),
    );
    *request.body_mut() = Some(reqwest::Body::from(body));
    let work = async {
        let response = client.execute(request).await.map_err(|error| transport(&error))?;
        fault::pass("refresh.sent").map_err(|error| UpstreamError::Cut(error.to_string()))?;
        let mut response = received(response);
        let body = collect(&mut response.body, LIMIT).await?;
        Ok(Answer { status: response.status, headers: response.headers, body })
    };
    tokio::time::timeout(WITHIN.to_duration(), work).await.unwrap_or(Err(UpstreamError::TimedOut))
}

/// Passes on a request for a token that is not ours, in its turn: the endpoint counts calls, not owners.
pub(super) async fn forward<S: Store, H: Home, C: Clock, E: Entropy>(
    shared: &Shared<S, H, C, E>,
    body: Bytes,
    content_type: Option<String>,
) -> Result<(StatusCode, HeaderMap, Bytes), String> {
    let content_type = content_type.as_deref().unwrap_or("application/json");
    let content_type = HeaderValue::from_str(content_type).map_err(|error| error.to_string())?;
    let mut turn = shared.turnstile.enter(TURN_WITHIN).await.map_err(|error| error.to_string())?;
    turn.space().await;
    let answer = post(shared, body, content_type).await;
    turn.called();
    let answer = answer.map_err(|error| error.to_string())?;
    Ok((answer.status, answer.headers, answer.body))
}
