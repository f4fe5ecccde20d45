//! One HTTP request as a state machine without sockets: who serves it, when it is sent again, and when the client
//! may see the answer.
//!
//! The caller performs each [`Step`] and answers with an [`Event`]; the machine never waits, reads a clock or holds a
//! lock. Nothing is visible to the client before [`Step::Relay`], [`Step::Answer`] or [`Step::Refuse`]; after `Relay`
//! there is no other account. A turn may be dropped only after `Done`, `Cut`, or a step with [`Event::ClientGone`].

pub(super) mod judge;
mod repair;
mod road;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::HeaderMap;

use crate::base::{Moment, Secret, Span};
use crate::domain::account::AccountKey;
use crate::domain::attempts::Budget;
use crate::domain::chance::Rng;
use crate::domain::facts::{ProxyFact, TurnRow, Via};
use crate::domain::failure::{Class, Verdict};
use crate::domain::pool::{Count, Observation, Pool};
use crate::domain::refresh;
use crate::domain::selection::Ask;
use crate::domain::usage::entry::{Ending, Entry, Operation};
use crate::domain::workspace::Routing;
use crate::formats::events::Fact;
use crate::ports::upstream::{ReadError, UpstreamError};
use crate::proxy::record::{CUT, Closing, End, Record};
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

impl Kind {
    /// Its word in the ledger.
    pub(super) const fn operation(self) -> Operation {
        match self {
            Self::Responses => Operation::Responses,
            Self::Models => Operation::Models,
            Self::ThreadGoal => Operation::ThreadGoal,
            Self::Other => Operation::Unknown,
        }
    }
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
    ask: Ask,
    record: Record,
    state: State,
    budget: Option<Budget>,
    current: Option<Current>,
    /// An answer worth giving when nobody does better.
    kept: Option<Box<Kept>>,
    plain: Plain,
    edited: Option<Bytes>,
    stripped: Stripped,
    status: u16,
    is_stream: bool,
    has_waited: bool,
    has_ended: bool,
    has_compacted: bool,
    was_forbidden: bool,
    overload: Overload,
    empties: u32,
    throttles: u32,
    repairs: u32,
    /// Upstream failed the turn in its own words, which the client has.
    doomed: Option<End>,
    producers: BTreeSet<AccountKey>,
}

#[derive(Debug)]
enum State {
    Fresh,
    Refreshing,
    Discovering,
    Decoding(For),
    Sending,
    Reading { status: u16, headers: HeaderMap },
    Holding,
    Relaying,
    Waiting(After),
    Over,
}

/// What a decoded body is wanted for.
#[derive(Debug)]
enum For {
    /// The session's mark of reasoning this account cannot read.
    Mark,
    /// Account-bound content upstream just refused.
    Repair(Box<Fault>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// The same account again.
    Again,
    /// Anybody.
    Choose,
}

#[derive(Debug)]
struct Current {
    key: AccountKey,
    token: Secret,
    holds_seat: bool,
}

#[derive(Debug)]
enum Plain {
    Unknown,
    Undecodable,
    Known(Bytes),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stripped {
    Nothing,
    Reasoning,
    Ids,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overload {
    Never,
    Retried,
    Rotated,
}

/// A failure before anything went to the client.
#[derive(Debug)]
struct Fault {
    verdict: Verdict,
    /// Upstream's answer; `None` for events of a held stream and for transport failures.
    kept: Option<Box<Kept>>,
    /// Whether a held stream could be shown as it is.
    from: From,
    /// The message says that an item misses its reasoning.
    misses_reasoning: bool,
    /// Target of a redirect.
    location: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Answer,
    Stream,
    Nothing,
}

impl Fault {
    fn bare(class: Class) -> Self {
        Self {
            verdict: Verdict::bare(class),
            kept: None,
            from: From::Nothing,
            misses_reasoning: false,
            location: None,
        }
    }
}

impl Turn {
    /// A turn that has not begun.
    pub fn new(facts: Facts) -> Self {
        let ask = facts.ask.clone();
        Self {
            record: Record::new(facts.id, facts.via, &ask, facts.arrived),
            facts,
            ask,
            state: State::Fresh,
            budget: None,
            current: None,
            kept: None,
            plain: Plain::Unknown,
            edited: None,
            stripped: Stripped::Nothing,
            status: 200,
            is_stream: false,
            has_waited: false,
            has_ended: false,
            has_compacted: false,
            was_forbidden: false,
            overload: Overload::Never,
            empties: 0,
            throttles: 0,
            repairs: 0,
            doomed: None,
            producers: BTreeSet::new(),
        }
    }

    /// Takes one event and says what to do.
    pub fn step(&mut self, event: Event<'_>, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if matches!(self.state, State::Over) {
            return Step::Done;
        }
        match event {
            Event::Start => self.start(pool, now, rng),
            Event::Refreshed(outcome) => self.refreshed(&outcome, pool, now, rng),
            Event::Routed(answer) => self.routed(answer, pool, now, rng),
            Event::Decoded(plain) => self.decoded(plain, pool, now, rng),
            Event::Head { status, headers } => self.head(status, headers, pool, now, rng),
            Event::Body(body) => self.body(body, pool, now, rng),
            Event::Said(fact) => self.said(fact, pool, now, rng),
            Event::HeldEnough => self.commit(now),
            Event::Ended => self.ended(pool, now, rng),
            Event::Broke(error) => self.broke(judge::class_of(&error), pool, now, rng),
            Event::Stalled => self.broke(Class::Network, pool, now, rng),
            Event::WaitOver => self.wait_over(pool, now, rng),
            Event::DeadlinePassed => self.out_of_time(pool, now, rng),
            Event::ClientGone => self.gone(pool, now, rng),
        }
    }

    /// Whether [`Event::Said`] with this fact must be reported after `Relay`; the others only cost a lock.
    pub fn wants(&self, fact: &Fact) -> bool {
        !matches!(fact, Fact::Output | Fact::Opaque | Fact::Lifecycle)
    }

    /// Counts bytes that went to the client.
    pub fn relayed(&mut self, bytes: u64) {
        self.record.row.bytes_out = self.record.row.bytes_out.saturating_add(bytes);
    }

    /// The row of this turn as it stands.
    pub fn row(&self, now: Moment) -> TurnRow {
        self.record.row(now)
    }

    /// Facts to announce since the last call (rotations, quota).
    pub fn take_facts(&mut self) -> Vec<ProxyFact> {
        std::mem::take(&mut self.record.facts)
    }

    /// The ledger row, once, after the last step.
    pub fn take_entry(&mut self) -> Option<Entry> {
        self.record.take_entry()
    }

    fn is_committed(&self) -> bool {
        matches!(self.state, State::Relaying)
    }

    fn gone(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let end = if self.has_ended { End::good(self.status) } else { End::gone() };
        if let Some(current) = self.current.as_ref().filter(|_| !self.has_ended) {
            pool.observe(&current.key, &self.ask, Observation::Neutral, now);
            self.record.judged("client left");
        }
        self.close(&end, pool, now, rng);
        Step::Done
    }

    /// Nothing more happens: the seat is free, the record complete.
    fn close(&mut self, end: &End, pool: &mut Pool, now: Moment, rng: &mut Rng) {
        self.leave(pool);
        self.state = State::Over;
        if self.facts.kind != Kind::Models {
            match end.ending {
                Ending::Success => pool.count(Count::Ok),
                Ending::Failure | Ending::Blocked => pool.count(Count::Failed),
                Ending::Cancelled => {}
            }
        }
        let operation = self.facts.kind.operation();
        let end = if operation == Operation::ThreadGoal { &end.of_a_goal() } else { end };
        let closing = Closing {
            operation,
            ask: &self.ask,
            project: self.facts.project.as_deref(),
            sends: self.budget.map_or(0, |budget| budget.sends()),
            end,
        };
        self.record.close(&closing, pool, now, rng);
        pool.spend(self.record.entry(), now);
    }

    /// Gives the seat on the current account back.
    fn leave(&mut self, pool: &mut Pool) {
        if let Some(current) = self.current.take()
            && current.holds_seat
        {
            pool.release(&current.key, &self.ask);
        }
    }

    fn broke(&mut self, class: Class, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if !self.is_committed() {
            return self.failed(Fault::bare(class), pool, now, rng);
        }
        self.cut(pool, now, rng)
    }

    /// The stream broke in front of the client.
    fn cut(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let end = match self.doomed.take() {
            Some(end) => end,
            None if self.has_ended => End::good(self.status),
            None => {
                self.learn(&Verdict::bare(Class::Network), pool, now);
                self.record.last = Some(Class::Network);
                self.record.judged("cut");
                End::bad(self.status, CUT)
            }
        };
        self.close(&end, pool, now, rng);
        Step::Cut
    }

    fn out_of_time(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if self.is_committed() {
            if let Some(current) = &self.current {
                pool.observe(&current.key, &self.ask, Observation::Neutral, now);
            }
            self.close(&End::bad(self.status, CUT), pool, now, rng);
            return Step::Cut;
        }
        if let Some(current) = &self.current {
            pool.observe(&current.key, &self.ask, Observation::Neutral, now);
        }
        self.refuse_for_now("budget", pool, now, rng)
    }
}
