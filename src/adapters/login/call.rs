//! Calls to the sign-in service. The request of the exchange is the OAuth library's; its answer is read by our own
//! formats, because the service's errors are none of the library's shapes.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use oauth2::basic::BasicClient;
use oauth2::{AuthType, AuthorizationCode, ClientId, HttpRequest, HttpResponse, PkceCodeVerifier};
use oauth2::{RedirectUrl, TokenUrl};
use reqwest::{Method, Url};

use crate::adapters::login::{Inner, lost};
use crate::adapters::upstream::body::collect;
use crate::adapters::upstream::client::{Speech, transport};
use crate::adapters::upstream::received;
use crate::base::calendar::http_date;
use crate::base::{Moment, Secret, Span};
use crate::domain::login::failure::Failure;
use crate::domain::refresh::Refusal;
use crate::formats::oauth_wire;
use crate::ports::Clock;
use crate::ports::upstream::UpstreamError;

/// No call may take longer.
const WITHIN: Span = Span::seconds(30);
/// Far above any real answer.
const LIMIT: usize = 1 << 20;
const AGENT: &str = concat!("codex-multi-auth/", env!("CARGO_PKG_VERSION"));

/// An answer, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Span>,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The server's no, with its words.
    pub(super) fn refusal(&self) -> Refusal {
        oauth_wire::parse_refusal(self.status, self.retry_after, &self.body)
    }
}

impl<C: Clock> Inner<C> {
    /// Sends a JSON body and reads the answer.
    pub(super) async fn post(&self, url: Url, body: Vec<u8>) -> Result<Answer, UpstreamError> {
        let mut request = reqwest::Request::new(Method::POST, url);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        self.send(request).await
    }

    /// Gives a code up at the token endpoint.
    pub(super) async fn exchange(
        &self,
        redirect_uri: &str,
        code: &Secret,
        verifier: &Secret,
    ) -> Result<Answer, Failure> {
        let wrong = |error: oauth2::url::ParseError| Failure::Network(error.to_string());
        let client = BasicClient::new(ClientId::new(oauth_wire::CLIENT_ID.to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(self.url("/oauth/token")?))
            .set_redirect_uri(RedirectUrl::new(redirect_uri.to_owned()).map_err(wrong)?);
        let slot: Mutex<Option<HttpRequest>> = Mutex::default();
        let take = |request: HttpRequest| -> Result<HttpResponse, Taken> {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
            Err(Taken)
        };
        // The library writes the request and gets no answer: its shapes are not the service's.
        let written = client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
            .request(&take);
        drop(written);
        let request = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        let request = request.ok_or(Failure::Unreadable("the request could not be made"))?;
        let request = reqwest::Request::try_from(request).map_err(|error| lost(&transport(&error)))?;
        self.send(request).await.map_err(|error| lost(&error))
    }

    async fn send(&self, mut request: reqwest::Request) -> Result<Answer, UpstreamError> {
        let client = self.clients.of(request.url(), Speech::OneShot).await?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let work = async {
            let response = client.execute(request).await.map_err(|error| transport(&error))?;
            let mut response = received(response);
            let body = collect(&mut response.body, LIMIT).await?;
            Ok(Answer {
                status: response.status.as_u16(),
                retry_after: retry_after(&response.headers, self.clock.now()),
                body,
            })
        };
        tokio::time::timeout(WITHIN.to_duration(), work).await.unwrap_or(Err(UpstreamError::TimedOut))
    }
}

/// The request went to us.
#[derive(Debug, thiserror::Error)]
#[error("taken")]
struct Taken;

/// Seconds or an HTTP date.
fn retry_after(headers: &HeaderMap, now: Moment) -> Option<Span> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let span = match text.parse::<i64>() {
        Ok(seconds) => Span::seconds(seconds),
        Err(_) => now.until(http_date(text)?),
    };
    Some(span).filter(|span| span.as_millis() >= 0)
}
