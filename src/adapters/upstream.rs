//! The back end over HTTP: plain requests with streaming bodies, sockets, and two small reads per account.
//!
//! A request's path stands below `backend-api`. The account's routing origin, when it has one, takes the place
//! of the base's scheme and host; the base's own path stays. Nothing is retried or followed here.

pub(in crate::adapters) mod body;
pub mod client;
pub mod probe;
pub mod roots;
mod routing;
mod socket;
mod usage;

use http::StatusCode;
use reqwest::Url;

use crate::adapters::upstream::body::{Incoming, outgoing};
use crate::adapters::upstream::client::{Clients, Speech, transport};
use crate::base::Span;
use crate::domain::account::Account;
use crate::domain::quota::snapshot::{Banked, Snapshot};
use crate::domain::workspace::Routing;
use crate::ports::Clock;
use crate::ports::upstream::{ReadError, Request, Response, Upgrade, Upstream, UpstreamError};

/// `ports::Upstream` over reqwest.
#[derive(Debug, Clone)]
pub struct BackEnd<C> {
    clients: Clients,
    base: Url,
    clock: C,
}

impl<C: Clock> BackEnd<C> {
    /// The back end below `base`, which ends in `/backend-api` (or is a loopback override, decisions.md D25).
    pub fn new(clients: Clients, base: Url, clock: C) -> Self {
        Self { clients, base, clock }
    }

    /// The address of `path` for an account with this routing origin.
    fn url(&self, origin: Option<&str>, path: &str) -> Result<Url, UpstreamError> {
        let base_path = self.base.path().trim_end_matches('/');
        let origin = origin.map_or_else(|| self.base.origin().ascii_serialization(), str::to_owned);
        Url::parse(&format!("{}{base_path}{path}", origin.trim_end_matches('/')))
            .map_err(|error| UpstreamError::Unreachable(format!("not an address: {error}")))
    }

    async fn execute(
        &self,
        request: reqwest::Request,
        speech: Speech,
        within: Span,
    ) -> Result<reqwest::Response, UpstreamError> {
        let work = async {
            let client = self.clients.of(request.url(), speech).await?;
            client.execute(request).await.map_err(|error| transport(&error))
        };
        tokio::time::timeout(within.to_duration(), work).await.unwrap_or(Err(UpstreamError::TimedOut))
    }

    fn prepare(&self, request: Request) -> Result<reqwest::Request, UpstreamError> {
        let url = self.url(request.origin.as_deref(), &request.path)?;
        let mut prepared = reqwest::Request::new(request.method, url);
        *prepared.headers_mut() = request.headers;
        *prepared.body_mut() = outgoing(request.body);
        Ok(prepared)
    }
}

impl<C: Clock> Upstream for BackEnd<C> {
    async fn send(&self, request: Request) -> Result<Response, UpstreamError> {
        let within = request.headers_within;
        let prepared = self.prepare(request)?;
        Ok(received(self.execute(prepared, Speech::Any, within).await?))
    }

    async fn connect(&self, request: Request) -> Result<Upgrade, UpstreamError> {
        let within = request.headers_within;
        let mut prepared = self.prepare(request)?;
        let key = socket::ask(prepared.headers_mut())?;
        let response = self.execute(prepared, Speech::OneShot, within).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Upgrade::Open(socket::open(response, &key).await?));
        }
        Ok(Upgrade::Refused(received(response)))
    }

    async fn usage(&self, account: &Account) -> Result<Snapshot, ReadError> {
        usage::read(self, account).await
    }

    async fn banked(&self, account: &Account) -> Result<Banked, ReadError> {
        usage::banked(self, account).await
    }

    async fn routing(&self, account: &Account) -> Result<Routing, ReadError> {
        routing::read(self, account).await
    }
}

/// The client's answer as ours.
pub(in crate::adapters) fn received(response: reqwest::Response) -> Response {
    let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    Response { status: parts.status, headers: parts.headers, body: Box::new(Incoming(body)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::clock::SystemClock;
    use crate::adapters::upstream::client::Egress;
    use crate::adapters::upstream::roots::RootSources;

    fn back_end(base: &str) -> BackEnd<SystemClock> {
        let clients = Clients::new(Egress::default(), RootSources::default(), Span::seconds(10));
        BackEnd::new(clients, Url::parse(base).unwrap(), SystemClock::new())
    }

    #[test]
    fn the_origin_of_an_account_replaces_scheme_and_host_and_keeps_the_path_of_the_base() {
        let real = back_end("https://chatgpt.com/backend-api");
        let rehearsal = back_end("http://127.0.0.1:4000/u/backend-api/");
        let of = |at: &BackEnd<SystemClock>, origin, path| at.url(origin, path).unwrap().to_string();

        assert_eq!(
            of(&real, None, "/codex/responses?a=%2F&b"),
            "https://chatgpt.com/backend-api/codex/responses?a=%2F&b"
        );
        assert_eq!(
            of(&real, Some("https://us.chatgpt.com:8443"), "/codex/models"),
            "https://us.chatgpt.com:8443/backend-api/codex/models"
        );
        assert_eq!(of(&rehearsal, None, "/wham/usage"), "http://127.0.0.1:4000/u/backend-api/wham/usage");
    }
}
