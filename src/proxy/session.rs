//! One WebSocket as a state machine without sockets: the upgrade, then turns, each judged like an HTTP request
//! (runtime.md §22).
//!
//! One upstream socket per client socket, one account for its life. Another account is reached by telling the client
//! to reconnect: it comes back with its whole context, and nothing is replayed by us.

use bytes::Bytes;
use http::HeaderMap;

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::facts::{ProxyFact, SessionRow, TurnRow};
use crate::domain::pool::Pool;
use crate::domain::refresh;
use crate::domain::selection::Ask;
use crate::domain::usage::entry::Entry;
use crate::domain::workspace::Routing;
use crate::formats::events::Fact;
use crate::ports::upstream::{ReadError, UpstreamError};
use crate::proxy::refusal::Refusal;
use crate::proxy::turn::Sending;

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
    /// A text frame of upstream, with its fact (`formats::events::frame`).
    UpstreamText(&'a Fact),
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
    /// Keep reading both sides without relaying upstream frames; then [`Event::WaitOver`].
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
}

impl Session {
    /// A session whose upgrade has not begun.
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

    /// Whether an upstream frame may be relayed without a step (and without the pool): most frames of a running turn.
    /// Notes that data arrived.
    pub fn passes(&mut self, fact: &Fact, now: Moment) -> bool {
        let _ = (fact, now);
        false
    }

    /// When [`Event::Tick`] is wanted next; asked again after every step. A tick that comes early does no harm.
    pub fn due(&self) -> Option<Moment> {
        None
    }

    /// Counts bytes that went to the client.
    pub fn relayed(&mut self, bytes: u64) {
        let _ = bytes;
    }

    /// The account of this socket, once chosen.
    pub fn account(&self) -> Option<&AccountKey> {
        None
    }

    /// Rows of turns that changed since the last call.
    pub fn take_rows(&mut self, now: Moment) -> Vec<TurnRow> {
        let _ = now;
        Vec::new()
    }

    /// The row of this session as it stands.
    pub fn row(&self, now: Moment) -> SessionRow {
        SessionRow {
            id: String::new(),
            kind: self.facts.client.clone(),
            via: crate::domain::facts::Via::Ws,
            account: None,
            turns: 0,
            tokens: 0,
            since: self.facts.arrived,
            last: now,
            in_turn: false,
            moved: None,
        }
    }

    /// Facts to announce since the last call.
    pub fn take_facts(&mut self) -> Vec<ProxyFact> {
        Vec::new()
    }

    /// Ledger rows since the last call.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        Vec::new()
    }
}
