//! `POST …/codex/responses`, and what an answer consists of on either way.

use std::io::{self, Read as _};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;

use crate::formats::fake::catalogue::MODELS_ETAG;
use crate::formats::fake::events::{self, Draft, Event, Part, Tokens, Wire, turn_state};
use crate::formats::fake::hex_id;
use crate::formats::fake::quota::Standing;
use crate::formats::fake::refusal::Refusal;
use crate::formats::fake::turn::{self, Context, Item, SealKind, Sealed, TurnRequest};
use crate::formats::scenario::{Action, Break, Script};
use crate::rehearsal::backend::Stage;
use crate::rehearsal::backend::playback::{Beat, Playback};
use crate::rehearsal::backend::record::{Outcome, Ticket};
use crate::rehearsal::backend::route::{Asked, Body, Dropped, Gate, act, gate, refuse, stamped};
use crate::rehearsal::locked;
use std::sync::Arc;

/// Events that are ready leave together up to this size; single ones leave at once.
const CHUNK: usize = 16 * 1024;

/// Nobody sends more than this; a zstd bomb would.
const LARGEST_BODY: u64 = 256 * 1024 * 1024;

/// One composed answer.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) draft: Draft,
    pub(super) playback: Playback,
    pub(super) tokens: Tokens,
    pub(super) standing: Standing,
    pub(super) index: usize,
}

pub(super) async fn answer(stage: &Arc<Stage>, mut asked: Asked) -> Result<Response<Body>, Dropped> {
    let request = decoded(&asked).as_deref().and_then(turn::parse);
    let context = request.as_ref().map(|request| Context::default().extended(request));
    if let (Some(request), Some(context)) = (&request, &context) {
        note(&mut asked.entry, request, context);
    }
    let ticket = stage.record.begin(asked.entry.clone());
    let (index, action) = match gate(stage, &asked) {
        Gate::Shut { refusal, action } => return refuse(stage, ticket, &refusal, action),
        Gate::Open { index, action } => (index, action),
    };
    let (Some(request), Some(context)) = (request, context) else {
        let refusal =
            Refusal::error(400, "invalid_request_error", "invalid_json", "The body could not be read.");
        return refuse(stage, ticket, &refusal, None);
    };
    if let Some(refusal) = objection(stage, index, &request) {
        return refuse(stage, ticket, &refusal, None);
    }
    // Over HTTP nothing is kept between requests (`store: false`), so no earlier response can be named.
    if let (Some(_), Some(refusal)) = (&request.previous, Refusal::of(&Action::UnknownPrevious)) {
        return refuse(stage, ticket, &refusal, None);
    }
    if let Some(action) = &action
        && matches!(action, Action::Slow { .. } | Action::Hang | Action::Drop)
    {
        act(&ticket, Some(action)).await?;
    }
    let turn = compose(stage, index, &request, &context, Wire::Sse, action.as_ref()).ok_or(Dropped)?;
    ticket.change(|entry| {
        entry.status = 200;
        entry.action = action.as_ref().map(|action| action.word().to_owned());
        entry.response = Some(turn.draft.id.clone());
    });
    streamed(stage, ticket, turn, asked.name().unwrap_or_default())
}

/// Takes down what the body says.
pub(super) fn note(entry: &mut super::Entry, request: &TurnRequest, context: &Context) {
    entry.model = Some(request.model.clone());
    entry.previous.clone_from(&request.previous);
    entry.session = entry.session.take().or_else(|| request.session.clone());
    entry.context = Some((context.prompts, context.outputs));
}

fn decoded(asked: &Asked) -> Option<Vec<u8>> {
    match asked.header("content-encoding") {
        None | Some("identity") => Some(asked.body.to_vec()),
        Some("zstd") => unzstd(&asked.body),
        Some(_) => None,
    }
}

/// Decodes all frames of a zstd body; the decoder stops after each one.
fn unzstd(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body;
    let mut plain = Vec::new();
    while !rest.is_empty() {
        let decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest).ok()?;
        decoder.take(LARGEST_BODY).read_to_end(&mut plain).ok()?;
    }
    Some(plain)
}

/// What the back end itself has against a turn, scripted or not.
pub(super) fn objection(stage: &Stage, index: usize, request: &TurnRequest) -> Option<Refusal> {
    let accounts = locked(&stage.accounts);
    let member = accounts.member(index)?;
    if member.player.models.as_ref().is_some_and(|own| !own.contains(&request.model)) {
        return Refusal::of(&Action::ModelUnsupported);
    }
    let standing = accounts.standing(index, stage.now())?;
    if let Some(window) = standing.exhausted() {
        return Some(Refusal::usage_limit(&standing, window));
    }
    let foreign = request.items.iter().any(|item| {
        matches!(item, Item::Sealed(sealed)
            if sealed.as_ref().is_none_or(|sealed| sealed.account != member.player.name))
    });
    if foreign { Refusal::of(&Action::ForeignContent) } else { None }
}

/// Composes the answer to a turn.
pub(super) fn compose(
    stage: &Stage,
    index: usize,
    request: &TurnRequest,
    context: &Context,
    wire: Wire,
    action: Option<&Action>,
) -> Option<Turn> {
    let (name, standing) = {
        let accounts = locked(&stage.accounts);
        (accounts.member(index)?.player.name.clone(), accounts.standing(index, stage.now())?)
    };
    let script = turn::directed(&locked(&stage.script), &context.prompt);
    let serial = stage.serial();
    let draft = Draft {
        id: format!("resp_{}", hex_id(serial, 48)),
        created: stage.now(),
        model: request.model.clone(),
        effort: request.effort.clone(),
        previous: request.previous.clone(),
        session: request.session.clone(),
        wire,
    };
    let parts = parts(&name, request, context, &script, serial);
    let tokens = tokens(request, context, &script, &parts);
    let mut playback = match script.bench {
        Some(bench) if !request.prewarm => Playback::bench(bench, &draft, tokens, script.think, script.gap),
        Some(_) | None => {
            let events = events::answer(&draft, &parts, tokens, serial);
            Playback::new(events, script.think, script.gap)
        }
    };
    if let Some(action) = action {
        playback.broken_by(action, &draft, tokens);
    }
    Some(Turn { draft, playback, tokens, standing, index })
}

fn parts(name: &str, request: &TurnRequest, context: &Context, script: &Script, serial: u64) -> Vec<Part> {
    let sealed = |kind| turn::seal(&Sealed { account: name.to_owned(), steps: context.steps, kind }, serial);
    if request.prewarm {
        return Vec::new();
    }
    if request.items.contains(&Item::CompactionTrigger) {
        return vec![Part::Compaction(sealed(SealKind::Compaction))];
    }
    let thought = Part::Reasoning(sealed(SealKind::Reasoning));
    if context.steps < script.steps {
        let command = script.command.replace("{n}", &(context.steps + 1).to_string());
        return vec![thought, Part::Call { tool: request.tool, command }];
    }
    vec![thought, Part::Message(text(name, context, script))]
}

/// The final text: so many words, or what the back end saw, so that a test can read it from the client.
fn text(name: &str, context: &Context, script: &Script) -> String {
    const WORDS: [&str; 8] = ["every", "turn", "ends", "well", "on", "the", "next", "account"];
    if let Some(words) = script.words {
        let count = usize::try_from(words).unwrap_or(usize::MAX);
        return WORDS.iter().cycle().take(count).copied().collect::<Vec<_>>().join(" ");
    }
    let prompt: String = context.prompt.chars().take(80).collect();
    let (prompts, outputs) = (context.prompts, context.outputs);
    format!("Rehearsed answer to: {prompt} [prompts={prompts} outputs={outputs} account={name}]")
}

fn tokens(request: &TurnRequest, context: &Context, script: &Script, parts: &[Part]) -> Tokens {
    if request.prewarm {
        return Tokens::default();
    }
    let input = script.overhead.saturating_add(context.bytes as u64 / 4);
    // The first request of a conversation finds little in the cache, later ones nearly everything.
    let cached = if context.prompts + context.outputs > 1 { input / 4 * 3 } else { 0 };
    let written: usize = parts
        .iter()
        .map(|part| match part {
            Part::Message(text) => text.len() / 4,
            Part::Call { .. } => 20,
            Part::Reasoning(_) | Part::Compaction(_) => 0,
        })
        .sum();
    Tokens { input, cached, output: written as u64 + 20, reasoning: 20 }
}

fn streamed(stage: &Arc<Stage>, ticket: Ticket, turn: Turn, name: &str) -> Result<Response<Body>, Dropped> {
    let mut builder = stamped(stage, 200)
        .header("content-type", "text/event-stream; charset=utf-8")
        .header("cache-control", "no-cache")
        .header("openai-model", &turn.draft.model)
        .header("x-models-etag", MODELS_ETAG)
        .header("x-reasoning-included", "true")
        .header("x-codex-turn-state", turn_state(name, stage.serial()));
    for (name, value) in turn.standing.headers() {
        builder = builder.header(name, value);
    }
    let show =
        Show { stage: Arc::clone(stage), ticket, turn, ahead: None, buffer: BytesMut::new(), over: false };
    let body = StreamBody::new(stream::unfold(show, Show::next)).boxed_unsync();
    builder.body(body).map_err(|_| Dropped)
}

/// A stream being sent.
struct Show {
    stage: Arc<Stage>,
    ticket: Ticket,
    turn: Turn,
    ahead: Option<Beat>,
    buffer: BytesMut,
    over: bool,
}

impl Show {
    async fn next(mut self) -> Option<(io::Result<Frame<Bytes>>, Self)> {
        while !self.over {
            let beat = self.ahead.take().unwrap_or_else(|| self.turn.playback.next());
            let waits = matches!(beat, Beat::Pause(_) | Beat::Break(_) | Beat::End);
            if self.buffer.len() >= CHUNK || (waits && !self.buffer.is_empty()) {
                self.ahead = Some(beat);
                let chunk = self.buffer.split().freeze();
                return Some((Ok(Frame::data(chunk)), self));
            }
            match beat {
                Beat::Pause(span) => super::route::pause(span).await,
                Beat::Event(event) => {
                    block(&mut self.buffer, &event);
                    if self.turn.playback.is_done() {
                        self.settle();
                    }
                }
                Beat::End => self.over = true,
                Beat::Break(kind) => {
                    if let Some(error) = self.broken(kind).await {
                        return Some((Err(error), self));
                    }
                }
            }
        }
        None
    }

    /// The end is taken down before it is sent: who reads it finds it in the record.
    fn settle(&mut self) {
        let sent = self.turn.playback.sent();
        self.ticket.change(|entry| entry.events = sent);
        locked(&self.stage.accounts).spend(self.turn.index, self.turn.tokens.total(), self.stage.now());
        self.ticket.finish(Outcome::Answered);
    }

    async fn broken(&mut self, kind: Break) -> Option<io::Error> {
        match kind {
            Break::Malformed | Break::Binary => {
                self.buffer.put_slice(b"event: response.output_text.delta\ndata: {\"type\":\"resp\n\n");
                self.buffer.put_slice(b": a comment\ndata\nnonsense: x\n\ndata: [1,2\n\n");
                return None;
            }
            Break::Huge(bytes) => {
                block(&mut self.buffer, &events::huge(bytes));
                return None;
            }
            Break::Tear if !self.over => {
                self.buffer.put_slice(b"event: response.output_text.delta\ndata: {\"type\":\"respo");
                self.ahead = Some(Beat::Break(Break::Cut));
                return None;
            }
            Break::Stall | Break::Cut | Break::Truncate | Break::Close(_) | Break::Tear => {}
        }
        let sent = self.turn.playback.sent();
        self.ticket.change(|entry| entry.events = sent);
        self.ticket.finish(Outcome::Broken);
        if kind == Break::Stall {
            std::future::pending::<()>().await;
        }
        self.over = true;
        if kind == Break::Truncate {
            return None;
        }
        // Lets what was written before leave; an error would take it along.
        tokio::task::yield_now().await;
        Some(io::Error::other("cut by the scenario"))
    }
}

fn block(buffer: &mut BytesMut, event: &Event) {
    buffer.reserve(event.name.len() + event.json.len() + 16);
    for piece in ["event: ", event.name, "\ndata: ", &event.json, "\n\n"] {
        buffer.put_slice(piece.as_bytes());
    }
}
