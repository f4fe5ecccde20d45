//! One HTTP request driven through its turn: every step the machine asks for is carried out here, and nothing is
//! decided.
//!
//! The whole exchange lives in the future (later the body) that the server drops when the client hangs up; dropping
//! it ends the upstream request and tells the turn, so there is no way to go on for nobody.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Response, StatusCode, header};
use tokio::time::Instant;

use crate::domain::account::AccountKey;
use crate::domain::selection::SessionKey;
use crate::formats::events::Fact;
use crate::ports::upstream::{Body, Chunks, UpstreamError};
use crate::ports::{Auth as _, Ports, Upstream as _};
use crate::proxy::answer::{self, Hangup, Out};
use crate::proxy::goal::Wish;
use crate::proxy::hub::{Hub, Seat};
use crate::proxy::outbound::Template;
use crate::proxy::refusal::Refusal;
use crate::proxy::relay::Relay;
use crate::proxy::spool::{Payload, Through};
use crate::proxy::tap::Tap;
use crate::proxy::turn::{Event, Facts, Kind, Sending, Step, Turn};
use crate::proxy::{headers, inbound};

mod models;

/// Bytes held back before the first business event.
pub(super) const HELD_CAP: usize = 64 * 1024;
/// What is read of an error body, and for how long.
const ERROR_BODY: (usize, Duration) = (1024 * 1024, Duration::from_secs(10));

/// The client's body.
#[derive(Debug)]
pub(super) enum Carried {
    /// None.
    Nothing,
    /// Can be sent again.
    Kept(Payload),
    /// Goes through once.
    Once(Option<Through>),
}

/// A request that was let in.
pub(super) struct Order {
    /// What is known of it.
    pub(super) facts: Facts,
    /// What all its attempts share.
    pub(super) template: Template,
    /// Its body.
    pub(super) carried: Carried,
    /// The client in a word.
    pub(super) client: String,
    /// What is wanted of a thread's goal.
    pub(super) wish: Option<Wish>,
    /// Its place among the running ones.
    pub(super) seat: Option<Seat>,
}

/// See the module.
pub(super) struct Exchange<P: Ports> {
    pub(super) hub: Arc<Hub<P>>,
    pub(super) turn: Turn,
    kind: Kind,
    template: Template,
    carried: Carried,
    client: String,
    wish: Option<(Wish, Option<SessionKey>)>,
    account: Option<AccountKey>,
    head: Option<(StatusCode, HeaderMap)>,
    pub(super) body: Option<Box<dyn Chunks>>,
    pub(super) tap: Option<Tap>,
    pub(super) facts: VecDeque<Fact>,
    pub(super) held: VecDeque<Bytes>,
    held_size: usize,
    pub(super) deadline: Option<Instant>,
    state: State,
    _seat: Option<Seat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Over,
}

impl<P: Ports> Exchange<P> {
    /// An exchange that has not begun.
    pub(super) fn new(hub: Arc<Hub<P>>, order: Order) -> Self {
        let span = hub.setting(|settings| settings.request_deadline);
        let deadline = (!span.is_over()).then(|| Instant::now() + span.to_duration());
        Self {
            hub,
            kind: order.facts.kind,
            wish: order.wish.map(|wish| (wish, order.facts.ask.session.clone())),
            turn: Turn::new(order.facts),
            template: order.template,
            carried: order.carried,
            client: order.client,
            account: None,
            head: None,
            body: None,
            tap: None,
            facts: VecDeque::new(),
            held: VecDeque::new(),
            held_size: 0,
            deadline,
            state: State::Running,
            _seat: order.seat,
        }
    }

    /// Runs until there is an answer to begin with.
    ///
    /// # Errors
    /// When the client's connection is to be reset instead.
    pub(super) async fn run(mut self) -> Result<Response<Out<P>>, Hangup> {
        let mut step = self.step(Event::Start);
        // A turn that is sent at once is shown by its send.
        if !matches!(step, Step::Send(_)) {
            self.show();
        }
        loop {
            step = match step {
                Step::Refresh { account, reason } => {
                    let hub = Arc::clone(&self.hub);
                    let stale = hub.with_pool(|pool, _, _| {
                        pool.account(&account).and_then(|account| account.credentials.access.clone())
                    });
                    match self.in_time(hub.ports.auth().refresh(&account, reason, stale)).await {
                        Some(outcome) => {
                            hub.desk.refreshed(&outcome);
                            self.step(Event::Refreshed(outcome))
                        }
                        None => self.step(Event::DeadlinePassed),
                    }
                }
                Step::Discover { account } => self.discover(&account).await,
                Step::Decode => {
                    let plain = match &self.carried {
                        Carried::Kept(payload) => inbound::plain(payload, &self.template.headers).await,
                        Carried::Nothing | Carried::Once(_) => None,
                    };
                    self.step(Event::Decoded(plain))
                }
                Step::Send(sending) => self.send(&sending).await,
                Step::ReadBody => {
                    let body = match self.body.take() {
                        Some(body) => read_some(body).await,
                        None => Bytes::new(),
                    };
                    self.step(Event::Body(body))
                }
                Step::Hold => self.hold().await,
                Step::Wait(span) => {
                    self.let_go();
                    let hub = Arc::clone(&self.hub);
                    match self.in_time(hub.sleep(span)).await {
                        Some(()) => self.step(Event::WaitOver),
                        None => self.step(Event::DeadlinePassed),
                    }
                }
                Step::Relay => return Ok(self.relay()),
                Step::Answer(kept) => {
                    self.finish();
                    return Ok(self.stand_in(kept.status).unwrap_or_else(|| answer::kept(*kept)));
                }
                Step::Refuse(refusal) => {
                    self.finish();
                    return Ok(self.stand_in(refusal.status).unwrap_or_else(|| answer::refusal(&refusal)));
                }
                Step::Cut => {
                    self.finish();
                    return Err(Hangup);
                }
                // Both say "go on with what runs", and before a commit nothing runs but what is awaited above.
                Step::Go | Step::Done => {
                    self.finish();
                    return Ok(answer::unexpected());
                }
            };
        }
    }

    /// One step of the machine, with all it leaves behind.
    pub(super) fn step(&mut self, event: Event<'_>) -> Step {
        let turn = &mut self.turn;
        let step = self.hub.with_pool(|pool, now, rng| turn.step(event, pool, now, rng));
        let facts = self.turn.take_facts();
        if !facts.is_empty() {
            self.hub.desk.announce(facts, Some(self.turn.id()), self.hub.now());
        }
        self.hub.desk.decided(self.turn.take_decisions());
        step
    }

    /// The turn has ended: its last row and its entry.
    pub(super) fn finish(&mut self) {
        if self.state == State::Over {
            return;
        }
        self.state = State::Over;
        self.let_go();
        self.show();
        if let Some(entry) = self.turn.take_entry() {
            self.hub.desk.enter(entry);
        }
    }

    /// Puts the row on the desk as it stands.
    pub(super) fn show(&self) {
        if self.kind == Kind::Responses {
            self.hub.desk.show_turn(self.turn.row(self.hub.now()), Some(&self.client));
        }
    }

    /// Our own word on a thread's goal, where upstream has none.
    fn stand_in(&self, status: u16) -> Option<Response<Out<P>>> {
        let (wish, session) = self.wish.as_ref()?;
        self.hub.goals.stand_in(status, wish, session.as_ref())
    }

    async fn discover(&mut self, key: &AccountKey) -> Step {
        let hub = Arc::clone(&self.hub);
        let account = hub.with_pool(|pool, _, _| pool.account(key).cloned());
        let Some(account) = account else {
            return self.step(Event::Routed(Err(crate::ports::upstream::ReadError::NoToken)));
        };
        let ask = hub.routes.discover(hub.ports.upstream(), &account, hub.now());
        match self.in_time(ask).await {
            Some(answer) => self.step(Event::Routed(answer)),
            None => self.step(Event::DeadlinePassed),
        }
    }

    async fn send(&mut self, sending: &Sending) -> Step {
        self.let_go();
        self.account = Some(sending.account.clone());
        self.show();
        if let Some(listed) = self.listed_fresh() {
            return self.take_listed(listed);
        }
        let original = match &mut self.carried {
            Carried::Nothing => Body::Empty,
            Carried::Kept(payload) => payload.to_body(),
            Carried::Once(through) => match through.take() {
                Some(through) => {
                    let length = through.length();
                    Body::Stream(Box::new(through), length)
                }
                None => return self.step(Event::Broke(UpstreamError::Cut("the body is spent".to_owned()))),
            },
        };
        let Some(request) = self.template.request(sending, original, &self.hub.issuers) else {
            return self.step(Event::Broke(UpstreamError::Unreachable("unusable credentials".to_owned())));
        };
        let hub = Arc::clone(&self.hub);
        let sent = self.in_time(hub.ports.upstream().send(request)).await;
        match sent {
            None => self.step(Event::DeadlinePassed),
            Some(Err(error)) if is_out_of_descriptors(&error) => self.turned_away(),
            Some(Err(error)) => match self.listed_stale() {
                Some(listed) => self.take_listed(listed),
                None => self.step(Event::Broke(error)),
            },
            Some(Ok(response)) => {
                self.hub.issuers.note(&response.headers, &sending.account);
                if response.status.is_server_error()
                    && let Some(listed) = self.listed_stale()
                {
                    return self.take_listed(listed);
                }
                let is_stream = response
                    .headers
                    .get(header::CONTENT_TYPE)
                    .and_then(|kind| kind.to_str().ok())
                    .is_some_and(|kind| {
                        kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
                    });
                self.tap = is_stream.then(Tap::default);
                self.body = Some(response.body);
                let step =
                    self.step(Event::Head { status: response.status.as_u16(), headers: &response.headers });
                self.head = Some((response.status, response.headers));
                if self.kind == Kind::Models && step == Step::Relay {
                    self.keep_list().await;
                }
                step
            }
        }
    }

    /// This process is out of descriptors, which is no account's fault.
    fn turned_away(&mut self) -> Step {
        let _ = self.step(Event::ClientGone);
        Step::Refuse(Box::new(Refusal::overloaded()))
    }

    /// Holds the beginning of a stream until the machine has made up its mind.
    async fn hold(&mut self) -> Step {
        let (holdback, stall) =
            self.hub.setting(|settings| (settings.sse_holdback, settings.stream_stall.to_duration()));
        let hold_until = Instant::now() + holdback.to_duration();
        let mut has_held_enough = false;
        loop {
            while let Some(fact) = self.facts.pop_front() {
                let step = self.step(Event::Said(&fact));
                if !goes_on(&step) {
                    return step;
                }
            }
            if !has_held_enough && self.held_size >= HELD_CAP {
                has_held_enough = true;
                let step = self.step(Event::HeldEnough);
                if !goes_on(&step) {
                    return step;
                }
            }
            let Some(body) = self.body.as_mut() else { return self.step(Event::Ended) };
            // What is there already costs no timers.
            let ready = std::future::poll_fn(|context| {
                std::task::Poll::Ready(match body.poll_chunk(context) {
                    std::task::Poll::Ready(chunk) => Some(chunk),
                    std::task::Poll::Pending => None,
                })
            });
            let ready = ready.await;
            let next = std::future::poll_fn(|context| body.poll_chunk(context));
            let heard = if let Some(chunk) = ready {
                Heard::Chunk(chunk)
            } else {
                tokio::select! {
                    biased;
                    chunk = next => Heard::Chunk(chunk),
                    () = tokio::time::sleep(stall) => Heard::Silence,
                    () = tokio::time::sleep_until(hold_until), if !has_held_enough => Heard::Patience,
                    () = passed(self.deadline) => Heard::Deadline,
                }
            };
            let step = match heard {
                Heard::Chunk(Some(Ok(chunk))) => {
                    self.take_in(&chunk);
                    self.held_size += chunk.len();
                    self.held.push_back(chunk);
                    Step::Hold
                }
                Heard::Chunk(Some(Err(error))) => {
                    self.body = None;
                    self.step(Event::Broke(error))
                }
                Heard::Chunk(None) => {
                    self.body = None;
                    self.step(Event::Ended)
                }
                Heard::Silence => self.step(Event::Stalled),
                Heard::Patience => {
                    has_held_enough = true;
                    self.step(Event::HeldEnough)
                }
                Heard::Deadline => self.step(Event::DeadlinePassed),
            };
            if !goes_on(&step) {
                return step;
            }
        }
    }

    /// Lets the tap read a chunk.
    pub(super) fn take_in(&mut self, chunk: &[u8]) {
        if let Some(tap) = &mut self.tap {
            tap.read(chunk, self.hub.now(), &mut self.facts);
        }
    }

    /// The answer begins; from here on the body is the exchange.
    fn relay(mut self) -> Response<Out<P>> {
        self.show();
        let (status, upstream) = self.head.take().unwrap_or((StatusCode::OK, HeaderMap::new()));
        let mut response = Response::new(Out::empty());
        *response.status_mut() = status;
        *response.headers_mut() = headers::toward_client(&upstream);
        let is_bare = self.template.method == Method::HEAD
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED;
        if is_bare {
            let _ = self.step(Event::Ended);
            self.finish();
            return response;
        }
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length =
            length.and_then(|length| length.to_str().ok()).and_then(|length| length.trim().parse().ok());
        *response.body_mut() = Out::Relay(Box::new(Relay::new(self, length)));
        response
    }

    /// Drops what is left of an earlier answer.
    fn let_go(&mut self) {
        self.body = None;
        self.head = None;
        self.facts.clear();
        self.held.clear();
        self.held_size = 0;
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = passed(self.deadline) => None,
        }
    }
}

impl<P: Ports> Drop for Exchange<P> {
    fn drop(&mut self) {
        if self.state == State::Running {
            let _ = self.step(Event::ClientGone);
            self.finish();
        }
    }
}

enum Heard {
    Chunk(Option<Result<Bytes, UpstreamError>>),
    Silence,
    Patience,
    Deadline,
}

/// Whether a connection failed for want of a descriptor here.
fn is_out_of_descriptors(error: &UpstreamError) -> bool {
    matches!(error, UpstreamError::Unreachable(why) if why.contains("os error 24") || why.contains("os error 23"))
}

fn goes_on(step: &Step) -> bool {
    matches!(step, Step::Go | Step::Hold)
}

/// Ends when the deadline does; never without one.
pub(super) async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What arrives of an error body in time, up to its cap.
pub(super) async fn read_some(mut body: Box<dyn Chunks>) -> Bytes {
    let (cap, patience) = ERROR_BODY;
    let mut read = BytesMut::new();
    let reading = async {
        while let Some(Ok(chunk)) = std::future::poll_fn(|context| body.poll_chunk(context)).await {
            let room = cap - read.len();
            read.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if read.len() >= cap {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(patience, reading).await;
    read.freeze()
}
