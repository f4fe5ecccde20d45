//! One WebSocket as a state machine without sockets: the upgrade, then turns, each judged like an HTTP request
//! (runtime.md §22).
//!
//! One upstream socket per client socket, one account for its life. Another account is reached by telling the client
//! to reconnect: it comes back with its whole context, and nothing is replayed by us.

mod fault;
mod frames;
mod timers;
mod upgrade;

use std::collections::VecDeque;

use bytes::Bytes;
use http::HeaderMap;

use crate::base::shape::Ring;
use crate::base::{Moment, Secret, Span};
use crate::domain::account::AccountKey;
use crate::domain::chance::Rng;
use crate::domain::facts::{ProxyFact, SessionRow, TURNS_PER_SOCKET, TurnRow, TurnStatus, Via};
use crate::domain::pool::{Count, Observation, Pool};
use crate::domain::refresh;
use crate::domain::selection::{Ask, replay};
use crate::domain::settings::Settings;
use crate::domain::usage::entry::{Ending, Entry, Operation};
use crate::domain::workspace::Routing;
use crate::formats::events::Fact;
use crate::formats::frames::Create;
use crate::ports::upstream::{ReadError, UpstreamError};
use crate::proxy::record::{Closing, End, Record};
use crate::proxy::refusal::Refusal;
use crate::proxy::turn::Sending;

use timers::Timers;

/// What is known of a socket before it is opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Unique in the process.
    pub id: u64,
    /// The question for the engine, from headers alone.
    pub ask: Ask,
    /// Originator in a word (`exec`, `tui`, …), for rows.
    pub client: String,
    /// Project key of the client's folder, for the ledger.
    pub project: Option<String>,
    /// When the upgrade arrived.
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
    /// Answer to [`Step::Connect`]: 101.
    Opened {
        /// Headers of the answer.
        headers: &'a HeaderMap,
    },
    /// Answer to [`Step::Connect`]: another status, with its body (10 s, 1 MiB).
    Declined {
        /// Status.
        status: u16,
        /// Headers.
        headers: &'a HeaderMap,
        /// Body.
        body: Bytes,
    },
    /// Answer to [`Step::Connect`]: no answer at all, in time or ever.
    Unanswered(UpstreamError),
    /// A text frame of the client.
    ClientText(Bytes),
    /// The same while the proxy serves as many turns as it may.
    ClientTextInExcess(Bytes),
    /// A text frame of upstream, with its fact (`formats::events::frame`).
    UpstreamText(&'a Fact),
    /// 64 KiB are held.
    HeldEnough,
    /// A binary frame of upstream.
    UpstreamBinary,
    /// Upstream closed; the code when it sent one.
    UpstreamClosed(Option<u16>),
    /// Upstream's connection broke, or it no longer answers pings.
    UpstreamCut,
    /// [`Session::due`] has come.
    Tick,
    /// Answer to [`Step::Wait`].
    WaitOver,
    /// The client closed or broke.
    ClientGone,
    /// The proxy stops; grace is over when it comes a second time.
    Shutdown,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// As in a turn.
    Refresh {
        /// Whose.
        account: AccountKey,
        /// Why.
        reason: refresh::Reason,
    },
    /// As in a turn.
    Discover {
        /// Whose.
        account: AccountKey,
    },
    /// Open an upstream socket (`headers_within` bounds it), then `Opened`, `Declined` or `Unanswered`.
    Connect(Box<Sending>),
    /// Answer the client's upgrade with 101 and upstream's headers; pump from here on.
    Accept,
    /// Answer the client's upgrade with this, and be done.
    Refuse(Box<Refusal>),
    /// Relay the frame just reported to the other side.
    Pass,
    /// Keep the upstream frame just reported behind those already held.
    Hold,
    /// Send everything held, then the frame just reported.
    Release,
    /// Send everything held (no frame belongs to this event).
    Flush,
    /// Relay this text to upstream instead of the client's frame.
    Rewrite(Bytes),
    /// Drop the frame just reported and everything held, and send this text upstream.
    Resend(Bytes),
    /// Drop the frame just reported and everything held, and send this text to the client.
    Tell(Bytes),
    /// Drop the frame just reported and everything held.
    Discard,
    /// Keep the frame just reported behind those already held, go on reading both sides; then [`Event::WaitOver`].
    Wait(crate::base::Span),
    /// Nothing to do.
    Go,
    /// Drop the frame just reported and everything held; close the client with this code and upstream with 1000.
    Close(u16),
    /// The client is gone: close upstream with 1000 and be done.
    Done,
}

/// One socket pair.
#[derive(Debug)]
pub struct Session {
    facts: Facts,
    ask: Ask,
    state: State,
    current: Option<Current>,
    /// Turns the client asked for and upstream has not ended, the running one first.
    turns: VecDeque<Going>,
    /// Ids of responses that came over this socket.
    ids: Ring<String, 64>,
    /// A frame went by unread, so that not every id is known.
    has_gap: bool,
    has_waited: bool,
    is_stopping: bool,
    /// Generation of the roster when the account was chosen.
    generation: u64,
    upgrades: u32,
    /// Rows and announcements of the upgrade, before there are turns.
    record: Record,
    timers: Timers,
    last_data: Moment,
    held: u32,
    held_since: Moment,
    served: u32,
    tokens: u64,
    rows: Vec<TurnRow>,
    entries: Vec<Entry>,
    announced: Vec<ProxyFact>,
    born: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Opening,
    Idle,
    Pending,
    Streaming,
    /// A failed turn waits for somebody to come back.
    Waiting(Hopeless),
    Retiring {
        until: Moment,
    },
    Over,
}

/// What the client gets when waiting did not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hopeless {
    /// Upstream's own frame.
    Flush,
    /// A close.
    Close,
}

#[derive(Debug)]
struct Current {
    key: AccountKey,
    token: Secret,
    holds_seat: bool,
}

/// Whether one more turn may run in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Left,
    Gone,
}

/// A turn on its way.
#[derive(Debug)]
struct Going {
    create: Create,
    /// Kept until commit, for account-bound content.
    message: Option<Bytes>,
    record: Record,
    repairs: u32,
    has_compacted: bool,
    holds_seat: bool,
}

/// Turns the client may have open at once.
const MOST_OPEN: usize = 8;

/// How long a client that was told to reconnect is given to do so.
const FAREWELL: Span = Span::seconds(1);

impl Session {
    /// A session whose upgrade has not begun.
    pub fn new(facts: Facts) -> Self {
        let ask = facts.ask.clone();
        Self {
            record: Record::new(facts.id, Via::Ws, &ask, facts.arrived),
            timers: Timers::of(&Settings::default()),
            last_data: facts.arrived,
            held_since: facts.arrived,
            facts,
            ask,
            state: State::Opening,
            current: None,
            turns: VecDeque::new(),
            ids: Ring::default(),
            has_gap: false,
            has_waited: false,
            is_stopping: false,
            generation: 0,
            upgrades: 0,
            held: 0,
            served: 0,
            tokens: 0,
            rows: Vec::new(),
            entries: Vec::new(),
            announced: Vec::new(),
            born: 0,
        }
    }

    /// Takes one event and says what to do.
    pub fn step(&mut self, event: Event<'_>, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if self.state == State::Over {
            return Step::Done;
        }
        self.timers = Timers::of(pool.settings());
        match event {
            Event::Start => self.start(pool, now, rng),
            Event::Refreshed(outcome) => self.refreshed(&outcome, pool, now, rng),
            Event::Routed(answer) => self.routed(answer, pool, now, rng),
            Event::Opened { headers } => self.opened(headers, pool, now),
            Event::Declined { status, headers, body } => {
                self.declined(status, headers, &body, pool, now, rng)
            }
            Event::Unanswered(error) => self.unanswered(&error, pool, now, rng),
            Event::ClientText(text) => self.client_text(text, Room::Left, pool, now, rng),
            Event::ClientTextInExcess(text) => self.client_text(text, Room::Gone, pool, now, rng),
            Event::UpstreamText(fact) => self.upstream_text(fact, pool, now, rng),
            Event::HeldEnough if self.state == State::Pending => self.commit(now, Step::Flush),
            Event::HeldEnough => Step::Go,
            Event::UpstreamBinary => self.upstream_binary(pool, now, rng),
            Event::UpstreamClosed(code) => self.upstream_closed(code, pool, now, rng),
            Event::UpstreamCut => self.upstream_cut(pool, now, rng),
            Event::Tick => self.tick(pool, now, rng),
            Event::WaitOver => self.wait_over(pool, now, rng),
            Event::ClientGone => self.client_gone(pool, now, rng),
            Event::Shutdown => self.shutdown(pool, now, rng),
        }
    }

    /// Whether an upstream frame may be relayed without a step (and without the pool): most frames of a running turn.
    /// Notes that data arrived.
    pub fn passes(&mut self, fact: &Fact, now: Moment) -> bool {
        let is_plain = self.state == State::Streaming && matches!(fact, Fact::Output | Fact::Lifecycle);
        if is_plain {
            self.last_data = now;
        }
        is_plain
    }

    /// Counts bytes that went to the client.
    pub fn relayed(&mut self, bytes: u64) {
        if let Some(going) = self.turns.front_mut() {
            going.record.row.bytes_out = going.record.row.bytes_out.saturating_add(bytes);
        }
    }

    /// The account of this socket, once chosen.
    pub fn account(&self) -> Option<&AccountKey> {
        self.current.as_ref().map(|current| &current.key)
    }

    /// Turns that run now.
    pub fn open_turns(&self) -> usize {
        self.turns.len()
    }

    /// Rows of turns that changed since the last call.
    pub fn take_rows(&mut self, now: Moment) -> Vec<TurnRow> {
        let _ = now;
        std::mem::take(&mut self.rows)
    }

    /// The row of this session as it stands.
    pub fn row(&self, now: Moment) -> SessionRow {
        SessionRow {
            id: self.facts.ask.session.as_ref().map(|session| session.short().to_owned()).unwrap_or_default(),
            kind: self.facts.client.clone(),
            via: Via::Ws,
            account: self.account().cloned(),
            turns: self.served,
            tokens: self.tokens,
            since: self.facts.arrived,
            last: self.last_data.min(now),
            in_turn: self.turns.iter().any(|going| !going.create.prewarm),
            moved: None,
            rate: 0,
            is_pinned: false,
            title: None,
        }
    }

    /// Facts to announce since the last call.
    pub fn take_facts(&mut self) -> Vec<ProxyFact> {
        std::mem::take(&mut self.announced)
    }

    /// Choices made since the last call, with all that led to them.
    pub fn take_decisions(&mut self) -> Vec<replay::Kept> {
        std::mem::take(&mut self.record.decisions)
    }

    /// Ledger rows since the last call.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// Begins a turn the client asked for.
    fn begin(&mut self, create: Create, message: Bytes, pool: &mut Pool, now: Moment) {
        let Some(key) = self.account().cloned() else { return };
        self.born += 1;
        let id = self.facts.id.saturating_mul(TURNS_PER_SOCKET).saturating_add(self.born);
        let mut record = Record::new(id, Via::Ws, &self.ask, now);
        record.row.turn = self.served + 1;
        if create.prewarm {
            record.row.status = TurnStatus::Warm;
        } else {
            pool.count(Count::Request);
            pool.count(Count::Upstream);
        }
        record.attempt(&key, pool, now);
        pool.begin(&key, &self.ask, now);
        if self.turns.is_empty() {
            self.state = State::Pending;
            self.held = 0;
            self.held_since = now;
        }
        self.last_data = now;
        self.rows.push(record.row(now));
        self.turns.push_back(Going {
            create,
            message: Some(message),
            record,
            repairs: 0,
            has_compacted: false,
            holds_seat: true,
        });
    }

    /// Ends the running turn; the next one, if the client sent it already, is pending.
    fn finish(&mut self, end: Option<&End>, pool: &mut Pool, now: Moment, rng: &mut Rng) {
        let Some(mut going) = self.turns.pop_front() else { return };
        if let Some(current) = self.current.as_ref().filter(|_| going.holds_seat) {
            pool.release(&current.key, &self.ask);
        }
        let is_warm = going.create.prewarm && end.is_none_or(|end| end.ending != Ending::Failure);
        if let Some(end) = end {
            let closing = Closing {
                operation: Operation::Responses,
                ask: &self.ask,
                project: self.facts.project.as_deref(),
                sends: 1 + going.repairs,
                end,
            };
            going.record.close(&closing, pool, now, rng);
            if !is_warm {
                pool.spend(going.record.entry(), now);
                self.entries.extend(going.record.take_entry());
            }
            if !going.create.prewarm {
                match end.ending {
                    Ending::Success => pool.count(Count::Ok),
                    Ending::Failure | Ending::Blocked => pool.count(Count::Failed),
                    Ending::Cancelled => {}
                }
            }
        }
        if is_warm {
            going.record.row.status = TurnStatus::Warm;
        }
        self.announced.append(&mut going.record.facts);
        self.rows.push(going.record.row(now));
        self.last_data = self.last_data.max(now);
        self.held = 0;
        self.held_since = now;
        self.state = if self.turns.is_empty() { State::Idle } else { State::Pending };
    }

    /// Gives a seat taken for the upgrade back.
    fn leave(&mut self, pool: &mut Pool) {
        if let Some(current) = &mut self.current
            && std::mem::replace(&mut current.holds_seat, false)
        {
            pool.release(&current.key, &self.ask);
        }
    }

    fn client_gone(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        self.leave(pool);
        self.end_all(&End::gone(), pool, now, rng);
        self.state = State::Over;
        Step::Done
    }

    /// Every open turn ends so, and nobody is to blame.
    fn end_all(&mut self, end: &End, pool: &mut Pool, now: Moment, rng: &mut Rng) {
        while !self.turns.is_empty() {
            if let Some(current) = &self.current {
                pool.observe(&current.key, &self.ask, Observation::Neutral, now);
            }
            self.finish(Some(end), pool, now, rng);
        }
    }

    fn shutdown(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        if self.turns.is_empty() {
            self.leave(pool);
            self.state = State::Over;
            return Step::Close(1001);
        }
        if !std::mem::replace(&mut self.is_stopping, true) {
            return Step::Go;
        }
        self.end_all(&End::bad(503, "shutdown"), pool, now, rng);
        self.state = State::Over;
        Step::Close(1011)
    }
}
