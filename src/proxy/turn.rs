//! One HTTP request as a state machine without sockets: who serves it, when it is sent again, and when the client
//! may see the answer.
//!
//! The caller performs each [`Step`] and answers with an [`Event`]; the machine never waits, reads a clock or holds a
//! lock. Nothing is visible to the client before [`Step::Relay`], [`Step::Answer`] or [`Step::Refuse`]; after `Relay`
//! there is no other account. A turn may be dropped only after `Done`, `Cut`, or a step with [`Event::ClientGone`].

use bytes::Bytes;
use http::HeaderMap;

use crate::base::{Moment, Secret, Span};
use crate::domain::account::AccountKey;
use crate::domain::facts::{ProxyFact, TurnRow, Via};
use crate::domain::pool::Pool;
use crate::domain::refresh;
use crate::domain::selection::Ask;
use crate::domain::usage::entry::Entry;
use crate::domain::workspace::Routing;
use crate::formats::events::Fact;
use crate::ports::upstream::{ReadError, UpstreamError};
use crate::proxy::refusal::Refusal;

/// What kind of request it is (runtime.md §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `POST …/responses` and `…/responses/compact`.
    Responses,
    /// `GET …/models`: never marks an account, moves a cursor or counts.
    Models,
    /// `…/thread/goal/*`.
    ThreadGoal,
    /// Everything else below the prefix.
    Other,
}

/// Whether the request body can be sent more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// Held in memory or in a spool file.
    Kept,
    /// Streamed: gone after the first send.
    Once,
}

/// What is known of a request before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Unique in the process.
    pub id: u64,
    /// What it is.
    pub kind: Kind,
    /// Transport, for rows.
    pub via: Via,
    /// The question for the engine (session, model, forced account; `tried` is ours).
    pub ask: Ask,
    /// Whether the body can be sent again.
    pub replay: Replay,
    /// Length of the body on the wire.
    pub body_len: u64,
    /// `reasoning.effort`, when the body was read.
    pub effort: Option<String>,
    /// Project key of the client's folder, for the ledger.
    pub project: Option<String>,
    /// When the request arrived.
    pub arrived: Moment,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The first one.
    Start,
    /// Answer to [`Step::Refresh`].
    Refreshed(refresh::Outcome),
    /// Answer to [`Step::Discover`].
    Routed(Result<Routing, ReadError>),
    /// Answer to [`Step::Decode`]: the body as plain JSON; `None` when it cannot be decoded.
    Decoded(Option<Bytes>),
    /// Status and headers arrived.
    Head {
        /// Status.
        status: u16,
        /// Headers as received.
        headers: &'a HeaderMap,
    },
    /// Answer to [`Step::ReadBody`]: what arrived of an error body within 10 s and 1 MiB.
    Body(Bytes),
    /// An event of the stream; after `Relay` only those for which [`Turn::wants`] answers true.
    Said(&'a Fact),
    /// While holding: 64 KiB are held, or `sseHoldbackMs` passed.
    HeldEnough,
    /// The body ended cleanly.
    Ended,
    /// Transport failure: no connection, no headers in time, or a cut.
    Broke(UpstreamError),
    /// No byte for `streamStallTimeoutMs`.
    Stalled,
    /// Answer to [`Step::Wait`].
    WaitOver,
    /// `requestDeadlineMs` passed.
    DeadlinePassed,
    /// The client hung up.
    ClientGone,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Refresh this account's tokens (never cancelled once begun), then [`Event::Refreshed`].
    Refresh {
        /// Whose.
        account: AccountKey,
        /// Why.
        reason: refresh::Reason,
    },
    /// Ask for this account's routing, single-flight per account, then [`Event::Routed`].
    Discover {
        /// Whose.
        account: AccountKey,
    },
    /// Decode the kept body, then [`Event::Decoded`].
    Decode,
    /// Drop what is held of an earlier answer and send; then [`Event::Head`] or [`Event::Broke`].
    Send(Box<Sending>),
    /// Read the error body, then [`Event::Body`].
    ReadBody,
    /// Hold status, headers and bytes; report every event of the stream ([`Event::Said`]), [`Event::HeldEnough`],
    /// [`Event::Ended`], [`Event::Broke`], [`Event::Stalled`].
    Hold,
    /// Commit: send the upstream status and headers and everything held, then relay to the end.
    Relay,
    /// Nothing to do: go on with what is running.
    Go,
    /// Drop what is held and sleep, then [`Event::WaitOver`].
    Wait(Span),
    /// Answer with this upstream answer as it was, and be done.
    Answer(Box<Kept>),
    /// Answer with our own words, and be done.
    Refuse(Box<Refusal>),
    /// Reset the client's connection without forwarding the last event, and be done.
    Cut,
    /// All is said: finish the client's answer (or nothing, when the client is gone).
    Done,
}

/// Everything needed to send one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Sending {
    /// Serving account.
    pub account: AccountKey,
    /// Bearer.
    pub token: Secret,
    /// `chatgpt-account-id`.
    pub workspace: String,
    /// Routing origin (`scheme://host[:port]`), when constrained.
    pub origin: Option<String>,
    /// `x-openai-account-routing-override`, when set.
    pub over: Option<String>,
    /// Which body.
    pub body: Payload,
    /// Time until headers.
    pub headers_within: Span,
    /// Whether the client's `x-codex-turn-state` may go along (DB-10).
    pub turn_state: TurnState,
}

/// Which body goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// The client's bytes with their encoding.
    Original,
    /// This plain JSON, without `Content-Encoding`.
    Edited(Bytes),
}

/// What happens to the client's `x-codex-turn-state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnState {
    /// It goes along.
    Keep,
    /// Another account issued it.
    Drop,
}

/// An upstream answer kept for the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Status.
    pub status: u16,
    /// Headers as received.
    pub headers: HeaderMap,
    /// Body as far as it was read; whatever is left of the stream is dropped.
    pub body: Bytes,
}

/// One HTTP request.
#[derive(Debug)]
pub struct Turn {
    facts: Facts,
}

impl Turn {
    /// A turn that has not begun.
    pub fn new(facts: Facts) -> Self {
        Self { facts }
    }

    /// Takes one event and says what to do.
    pub fn step(
        &mut self,
        event: Event<'_>,
        pool: &mut Pool,
        now: Moment,
        rng: &mut crate::domain::chance::Rng,
    ) -> Step {
        let _ = (event, pool, now, rng);
        Step::Done
    }

    /// Whether [`Event::Said`] with this fact must be reported after `Relay`; the others only cost a lock.
    pub fn wants(&self, fact: &Fact) -> bool {
        !matches!(fact, Fact::Output | Fact::Lifecycle)
    }

    /// Counts bytes that went to the client.
    pub fn relayed(&mut self, bytes: u64) {
        let _ = bytes;
    }

    /// The row of this turn as it stands.
    pub fn row(&self, now: Moment) -> TurnRow {
        TurnRow {
            id: self.facts.id,
            at: self.facts.arrived,
            account: None,
            model: self.facts.ask.model.clone(),
            via: self.facts.via,
            status: crate::domain::facts::TurnStatus::Running,
            took: Some(now.since(self.facts.arrived)),
            first_byte: None,
            tokens: None,
            session: None,
            turn: 0,
            note: String::new(),
            attempts: Vec::new(),
            bytes_out: 0,
        }
    }

    /// Facts to announce since the last call (rotations, quota).
    pub fn take_facts(&mut self) -> Vec<ProxyFact> {
        Vec::new()
    }

    /// The ledger row, once, after the last step; `None` for requests that keep none.
    pub fn take_entry(&mut self) -> Option<Entry> {
        None
    }
}
