//! The opening of a WebSocket: the client's upgrade is answered only once an upstream socket is there, so that an
//! account that cannot serve is passed over before the client has noticed (runtime.md §22.3).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::domain::account::AccountKey;
use crate::ports::upstream::{Body, ReadError, Socket, Upgrade, UpstreamError};
use crate::ports::{Auth as _, Ports, Upstream as _};
use crate::proxy::answer::{self, Out};
use crate::proxy::exchange::read_some;
use crate::proxy::headers::{self, Purpose};
use crate::proxy::hub::Hub;
use crate::proxy::outbound::Template;
use crate::proxy::pump::{Pump, Reading};
use crate::proxy::refusal::Refusal;
use crate::proxy::session::{Event, Facts, Session, Step};
use crate::proxy::turn::Sending;

/// A session whose machine is told when nobody drives it any more.
pub(super) struct Driven<P: Ports> {
    pub(super) hub: Arc<Hub<P>>,
    id: u64,
    session: Session,
    /// Whether the machine knows that it is over.
    pub(super) life: Life,
}

/// Whether a session still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    Over,
}

/// How an upgrade ended.
pub(super) enum Opening<P: Ports> {
    /// 101 for the client, and the pump that takes over the connection.
    Open(Response<Out<P>>, Box<Pump<P>>),
    /// Any other answer.
    Refused(Response<Out<P>>),
}

impl<P: Ports> Driven<P> {
    /// One step of the machine, with all it leaves behind.
    pub(super) fn step(&mut self, event: Event<'_>) -> Step {
        let session = &mut self.session;
        let step = self.hub.with_pool(|pool, now, rng| session.step(event, pool, now, rng));
        let desk = &self.hub.desk;
        let now = self.hub.now();
        desk.announce(self.session.take_facts(), Some(self.id), now);
        desk.decided(self.session.take_decisions());
        let rows = self.session.take_rows(now);
        if !rows.is_empty() {
            desk.show_session(self.id, self.session.row(now));
        }
        for row in rows {
            desk.show_turn(row, None);
        }
        for entry in self.session.take_entries() {
            desk.enter(entry);
        }
        step
    }

    /// The machine itself, for what needs no pool.
    pub(super) fn session(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl<P: Ports> Drop for Driven<P> {
    fn drop(&mut self) {
        if self.life == Life::Running {
            let _ = self.step(Event::ClientGone);
        }
        if self.session.account().is_some() {
            let row = self.session.row(self.hub.now());
            self.hub.desk.close_session(self.id, row);
        }
    }
}

/// Opens a socket for `request`; `reading` says whether its frames are judged.
pub(super) async fn open<P: Ports>(
    hub: Arc<Hub<P>>,
    mut request: Request<Incoming>,
    path: String,
    facts: Facts,
    reading: Reading,
) -> Opening<P> {
    let Some(key) = handshake_key(&request) else {
        return Opening::Refused(answer::refusal(&Refusal::bad_upgrade()));
    };
    let template = Template {
        method: Method::GET,
        path,
        headers: headers::toward_upstream(request.headers(), purpose(reading)),
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let mut driven = Driven { id: facts.id, session: Session::new(facts), hub, life: Life::Running };
    let mut socket = None;
    let mut step = driven.step(Event::Start);
    loop {
        step = match step {
            Step::Refresh { account, reason } => {
                let hub = Arc::clone(&driven.hub);
                let stale = hub.with_pool(|pool, _, _| {
                    pool.account(&account).and_then(|account| account.credentials.access.clone())
                });
                let outcome = hub.ports.auth().refresh(&account, reason, stale).await;
                hub.desk.refreshed(&outcome);
                driven.step(Event::Refreshed(outcome))
            }
            Step::Discover { account } => discover(&mut driven, &account).await,
            Step::Connect(sending) => connect(&mut driven, &template, &sending, &mut socket).await,
            Step::Wait(span) => {
                let hub = Arc::clone(&driven.hub);
                hub.sleep(span).await;
                driven.step(Event::WaitOver)
            }
            Step::Accept => {
                let Some(socket) = socket.take() else { return refused(driven, &Refusal::unexpected()) };
                let response = switching(&socket.headers, &key);
                return Opening::Open(response, Box::new(Pump::new(driven, upgraded, socket, reading)));
            }
            Step::Refuse(refusal) => return refused(driven, &refusal),
            // Steps of an open socket; none of them belongs here.
            Step::Pass
            | Step::Hold
            | Step::Release
            | Step::Flush
            | Step::Rewrite(_)
            | Step::Resend(_)
            | Step::Tell(_)
            | Step::Discard
            | Step::Go
            | Step::Close(_)
            | Step::Done => return refused(driven, &Refusal::unexpected()),
        };
    }
}

fn refused<P: Ports>(mut driven: Driven<P>, refusal: &Refusal) -> Opening<P> {
    driven.life = Life::Over;
    Opening::Refused(answer::refusal(refusal))
}

async fn discover<P: Ports>(driven: &mut Driven<P>, key: &AccountKey) -> Step {
    let hub = Arc::clone(&driven.hub);
    let account = hub.with_pool(|pool, _, _| pool.account(key).cloned());
    let answer = match account {
        Some(account) => hub.routes.discover(hub.ports.upstream(), &account, hub.now()).await,
        None => Err(ReadError::NoToken),
    };
    driven.step(Event::Routed(answer))
}

async fn connect<P: Ports>(
    driven: &mut Driven<P>,
    template: &Template,
    sending: &Sending,
    socket: &mut Option<Socket>,
) -> Step {
    let Some(request) = template.request(sending, Body::Empty, &driven.hub.issuers) else {
        let error = UpstreamError::Unreachable("unusable credentials".to_owned());
        return driven.step(Event::Unanswered(error));
    };
    let hub = Arc::clone(&driven.hub);
    match hub.ports.upstream().connect(request).await {
        Ok(Upgrade::Open(open)) => {
            hub.issuers.note(&open.headers, &sending.account);
            let step = driven.step(Event::Opened { headers: &open.headers });
            *socket = Some(open);
            step
        }
        Ok(Upgrade::Refused(response)) => {
            let body: Bytes = read_some(response.body).await;
            let status = response.status.as_u16();
            driven.step(Event::Declined { status, headers: &response.headers, body })
        }
        Err(error) => driven.step(Event::Unanswered(error)),
    }
}

fn purpose(reading: Reading) -> Purpose {
    match reading {
        Reading::Judged => Purpose::Socket,
        Reading::Blind => Purpose::Plain,
    }
}

/// The client's handshake key, when its request is a proper handshake.
fn handshake_key(request: &Request<Incoming>) -> Option<HeaderValue> {
    let headers = request.headers();
    let is_13 = headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    // 16 bytes in base64.
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| key.len() == 24 && key.as_bytes().ends_with(b"=="))?;
    (is_13 && request.method() == Method::GET && wants_upgrade(headers)).then(|| key.clone())
}

/// Whether a request asks for a WebSocket.
pub(super) fn wants_upgrade(headers: &HeaderMap) -> bool {
    let has = |name: header::HeaderName, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade")
}

fn switching<P: Ports>(upstream: &HeaderMap, key: &HeaderValue) -> Response<Out<P>> {
    let mut response = Response::new(Out::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let mut headers = headers::toward_client(upstream);
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    *response.headers_mut() = headers;
    response
}
