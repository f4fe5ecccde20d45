//! The WebSocket of `GET …/codex/responses`: one account per socket, one answer at a time, response ids that
//! are good on this socket only.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::base::Span;
use crate::domain::digest::sha256_hex;
use crate::formats::fake::catalogue::MODELS_ETAG;
use crate::formats::fake::events::{self, Wire, turn_state};
use crate::formats::fake::refusal::Refusal;
use crate::formats::fake::turn::{self, Context, TurnRequest};
use crate::formats::scenario::{Action, Break, Endpoint};
use crate::rehearsal::backend::Stage;
use crate::rehearsal::backend::playback::Beat;
use crate::rehearsal::backend::record::{Outcome, Ticket};
use crate::rehearsal::backend::responses::{Turn, compose, note, objection};
use crate::rehearsal::backend::route::{Asked, Body, Dropped, Gate, act, gate, refuse, stamped, whole};
use crate::rehearsal::locked;

/// As the real one; bigger messages than the library's default pass.
const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;

/// A socket about to open.
pub(in crate::rehearsal) struct Opening {
    upgrade: OnUpgrade,
    asked: Asked,
    index: usize,
    number: u64,
}

/// Answers an upgrade.
pub(super) async fn open(
    stage: &Stage,
    mut request: Request<Incoming>,
    mut asked: Asked,
    upgraded: &Mutex<Option<Opening>>,
) -> Result<Response<Body>, Dropped> {
    let mut ticket = stage.record.begin(asked.entry.clone());
    let (index, action) = match gate(stage, &asked) {
        Gate::Shut { refusal, action } => return refuse(stage, ticket, &refusal, action),
        Gate::Open { index, action } => (index, action),
    };
    act(&ticket, action.as_ref()).await?;
    let Some(key) = asked.header("sec-websocket-key").map(|key| derive_accept_key(key.as_bytes())) else {
        let refusal = Refusal::error(400, "invalid_request_error", "bad_handshake", "No key.");
        return refuse(stage, ticket, &refusal, None);
    };
    let number = stage.sockets.fetch_add(1, Ordering::Relaxed);
    ticket.change(|entry| {
        entry.status = 101;
        entry.socket = number;
        "socket".clone_into(&mut entry.transport);
    });
    ticket.finish(Outcome::Answered);
    let model = asked
        .header("x-codex-routing-hint")
        .and_then(|hint| hint.strip_prefix("model="))
        .or(stage.models.first().map(String::as_str))
        .unwrap_or_default();
    let response = stamped(stage, 101)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", key)
        .header("openai-model", model)
        .header("x-models-etag", MODELS_ETAG)
        .header("x-reasoning-included", "true")
        .header("x-codex-turn-state", turn_state(asked.name().unwrap_or_default(), stage.serial()))
        .body(whole(""))
        .map_err(|_| Dropped)?;
    asked.entry.socket = number;
    let upgrade = hyper::upgrade::on(&mut request);
    *locked(upgraded) = Some(Opening { upgrade, asked, index, number });
    Ok(response)
}

impl Opening {
    /// Plays the socket to its end.
    pub(in crate::rehearsal) async fn run(self, stage: Arc<Stage>) {
        let Ok(upgraded) = self.upgrade.await else { return };
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        let io = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        let mut socket = Socket {
            stage,
            io,
            asked: self.asked,
            index: self.index,
            number: self.number,
            contexts: HashMap::new(),
            waiting: VecDeque::new(),
        };
        while let Some(text) = socket.next_text().await {
            if socket.frame(&text).await.is_none() {
                break;
            }
        }
    }
}

struct Socket {
    stage: Arc<Stage>,
    io: WebSocketStream<TokioIo<Upgraded>>,
    asked: Asked,
    index: usize,
    number: u64,
    contexts: HashMap<String, Context>,
    waiting: VecDeque<Utf8Bytes>,
}

/// The socket goes on (`Some`) or is over (`None`).
type Goes = Option<()>;

impl Socket {
    async fn next_text(&mut self) -> Option<Utf8Bytes> {
        if let Some(text) = self.waiting.pop_front() {
            return Some(text);
        }
        loop {
            match self.io.next().await?.ok()? {
                Message::Text(text) => return Some(text),
                Message::Close(_) => return None,
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Lets time pass and still answers pings, keeps frames for later and notices the peer going.
    async fn wait(&mut self, span: Span) -> Goes {
        let until = tokio::time::sleep(span.to_duration());
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return Some(()),
                message = self.io.next() => match message?.ok()? {
                    Message::Text(text) => self.waiting.push_back(text),
                    Message::Close(_) => return None,
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                },
            }
        }
    }

    async fn silence(&mut self) -> Goes {
        loop {
            self.wait(Span::hours(1)).await?;
        }
    }

    async fn send(&mut self, text: String) -> Goes {
        self.io.send(Message::text(text)).await.ok()
    }

    async fn frame(&mut self, text: &str) -> Goes {
        let Some(request) = turn::parse(text.as_bytes()) else {
            let error = events::error(Wire::Socket, 400, "invalid_json", "The frame could not be read.");
            return self.send(error.json).await;
        };
        let earlier = match &request.previous {
            Some(id) => self.contexts.get(id).cloned(),
            None => Some(Context::default()),
        };
        let context = earlier.as_ref().map(|earlier| earlier.extended(&request));
        let ticket = self.begin(text, &request, context.as_ref());
        let action = match gate_frame(self, &request, context.is_some()) {
            Ok(action) => action,
            Err((refusal, action)) => return self.refused(ticket, &refusal, action).await,
        };
        let Some(context) = context else { return Some(()) };
        if let Some(action) = &action {
            ticket.change(|entry| entry.action = Some(action.word().to_owned()));
            if let Action::Slow { delay } = action {
                self.wait(*delay).await?;
            } else if action == &Action::Hang {
                self.silence().await?;
            } else if action == &Action::Drop {
                return broken(ticket, 0);
            }
        }
        let turn = compose(&self.stage, self.index, &request, &context, Wire::Socket, action.as_ref())?;
        ticket.change(|entry| {
            entry.status = 200;
            entry.response = Some(turn.draft.id.clone());
        });
        self.play(ticket, turn, context).await
    }

    fn begin(&self, text: &str, request: &TurnRequest, context: Option<&Context>) -> Ticket {
        let mut entry = self.asked.entry.clone();
        entry.at = self.stage.now().millis();
        "FRAME".clone_into(&mut entry.method);
        "socket".clone_into(&mut entry.transport);
        endpoint(request).word().clone_into(&mut entry.endpoint);
        entry.socket = self.number;
        entry.body_length = text.len();
        entry.body_sha256 = sha256_hex(text);
        entry.violations.clear();
        note(&mut entry, request, context.unwrap_or(&Context::default()));
        self.stage.record.begin(entry)
    }

    async fn refused(&mut self, mut ticket: Ticket, refusal: &Refusal, action: Option<&'static str>) -> Goes {
        ticket.change(|entry| {
            entry.status = refusal.status;
            entry.action = action.map(str::to_owned);
        });
        ticket.finish(Outcome::Refused);
        self.send(refusal.frame()).await
    }

    async fn play(&mut self, mut ticket: Ticket, mut turn: Turn, context: Context) -> Goes {
        let quota = turn.standing.frame();
        let mut told = false;
        loop {
            match turn.playback.next() {
                Beat::Pause(span) => {
                    self.io.flush().await.ok()?;
                    self.wait(span).await?;
                }
                Beat::Event(event) => {
                    // Quota comes first, as seen, but never before an answer that is an error.
                    if !told && event.name == "response.created" {
                        told = true;
                        self.io.feed(Message::text(quota.clone())).await.ok()?;
                    }
                    if turn.playback.is_done() {
                        self.settle(&mut ticket, &turn, &context);
                    }
                    self.io.feed(Message::text(event.json)).await.ok()?;
                }
                Beat::End => {
                    self.io.flush().await.ok()?;
                    return Some(());
                }
                Beat::Break(kind) => {
                    self.io.flush().await.ok()?;
                    if let Some(ended) = self.broken(&mut ticket, kind, turn.playback.sent()).await {
                        return ended;
                    }
                }
            }
        }
    }

    fn settle(&mut self, ticket: &mut Ticket, turn: &Turn, context: &Context) {
        let sent = turn.playback.sent();
        ticket.change(|entry| entry.events = sent);
        locked(&self.stage.accounts).spend(turn.index, turn.tokens.total(), self.stage.now());
        self.contexts.insert(turn.draft.id.clone(), context.clone());
        ticket.finish(Outcome::Answered);
    }

    /// `None`: the answer goes on after the break. `Some(..)`: it is over, and maybe the socket, too.
    async fn broken(&mut self, ticket: &mut Ticket, kind: Break, sent: u64) -> Option<Goes> {
        match kind {
            Break::Malformed => {
                let sent = self.send("{\"type\":\"response.output_te".to_owned()).await;
                return if sent.is_some() { None } else { Some(None) };
            }
            Break::Binary => {
                let sent = self.io.send(Message::binary(vec![0_u8, 159, 146, 150])).await;
                return if sent.is_ok() { None } else { Some(None) };
            }
            Break::Huge(bytes) => {
                let sent = self.send(events::huge(bytes).json).await;
                return if sent.is_some() { None } else { Some(None) };
            }
            Break::Stall | Break::Cut | Break::Tear | Break::Truncate | Break::Close(_) => {}
        }
        ticket.change(|entry| entry.events = sent);
        ticket.finish(Outcome::Broken);
        match kind {
            Break::Stall => {
                self.silence().await;
            }
            Break::Tear => {
                // The head of a text frame of 1,000 bytes, and the first few of them.
                let mut torn = vec![0x81, 126, 0x03, 0xe8];
                torn.extend_from_slice(b"{\"type\":\"response.output_text.delta\"");
                let _ = self.io.get_mut().write_all(&torn).await;
                let _ = self.io.get_mut().flush().await;
            }
            Break::Truncate => self.close(1000).await,
            Break::Close(code) => self.close(code).await,
            Break::Cut | Break::Malformed | Break::Binary | Break::Huge(_) => {}
        }
        Some(None)
    }

    async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static("rehearsed") };
        let _ = self.io.close(Some(frame)).await;
        // The peer's own close frame ends the handshake.
        while let Some(Ok(_)) = self.io.next().await {}
    }
}

fn broken(mut ticket: Ticket, sent: u64) -> Goes {
    ticket.change(|entry| entry.events = sent);
    ticket.finish(Outcome::Broken);
    None
}

fn endpoint(request: &TurnRequest) -> Endpoint {
    if request.prewarm { Endpoint::Prewarm } else { Endpoint::Frame }
}

/// What the script and the back end have against a frame. Credentials were looked at when the socket opened.
fn gate_frame(
    socket: &Socket,
    request: &TurnRequest,
    known: bool,
) -> Result<Option<Action>, (Refusal, Option<&'static str>)> {
    let stage = &socket.stage;
    let action = locked(&stage.director).ask(socket.asked.name(), endpoint(request), stage.clock.elapsed());
    let scripted =
        action.as_ref().and_then(|action| super::route::scripted_refusal(stage, &socket.asked, action));
    if let Some(refusal) = scripted {
        return Err((refusal, action.map(|action| action.word())));
    }
    if !known && let Some(refusal) = Refusal::of(&Action::UnknownPrevious) {
        return Err((refusal, None));
    }
    match objection(stage, socket.index, request) {
        Some(refusal) => Err((refusal, None)),
        None => Ok(action),
    }
}
