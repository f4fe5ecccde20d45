//! What the services report upwards: facts that must never be lost, a pulse that may be sampled, and rows
//! for live lists. Shared by proxy, forwarder, loop and screens, hence plain data here.

use std::collections::BTreeMap;

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::quota::snapshot::Snapshot;

/// Something a proxy learnt that others must hear about. Never dropped.
#[derive(Debug, Clone, PartialEq)]
pub enum ProxyFact {
    /// The proxy listens.
    Listening {
        /// Loopback port.
        port: u16,
    },
    /// Durable changes, already committed through the store.
    Changed(Vec<Change>),
    /// A quota observation of one account.
    Quota(AccountKey, Box<Snapshot>),
    /// A turn moved to another account, or its session was told to reconnect.
    Rotated {
        /// From which account.
        from: AccountKey,
        /// To which account, when already known.
        to: Option<AccountKey>,
        /// Why, as a short phrase ("5h window empty").
        why: String,
    },
    /// The listener failed or something unexpected happened; masked text.
    Failed(String),
}

/// How one turn travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// WebSocket.
    Ws,
    /// HTTP with SSE.
    Http,
    /// The local bridge.
    Bridge,
}

/// How a turn ended, or that it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnStatus {
    /// Still running.
    Running,
    /// Completed.
    Ok,
    /// Passed-through HTTP or frame status.
    Status(u16),
    /// Usage limit: the turn moved or the client was told to reconnect.
    Limit,
    /// Prewarm of a socket.
    Warm,
    /// Ended without `response.completed`.
    Cut,
    /// Network failure.
    Net,
    /// The client left.
    Gone,
}

/// Tokens of one turn as upstream declared them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TurnTokens {
    /// Input, cached included.
    pub input: u64,
    /// Output, reasoning included.
    pub output: u64,
    /// Cached part of the input.
    pub cached: u64,
    /// Reasoning part of the output.
    pub reasoning: u64,
    /// Upstream's total.
    pub total: u64,
}

/// One attempt of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// On which account.
    pub account: AccountKey,
    /// Verdict in a word or two ("limit", "401", "network", "ok").
    pub verdict: String,
    /// Time to the first byte of upstream's answer.
    pub first_byte: Option<Span>,
}

/// Turn numbers of one socket stay apart from those of requests: a turn's number is its socket's, times this, and on.
pub const TURNS_PER_SOCKET: u64 = 1 << 20;

/// One proxied turn for the live list; a later row with the same `id` replaces the earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRow {
    /// Request id, unique in the process.
    pub id: u64,
    /// When it began.
    pub at: Moment,
    /// Serving (last tried) account.
    pub account: Option<AccountKey>,
    /// Model slug.
    pub model: Option<String>,
    /// Transport.
    pub via: Via,
    /// State or end.
    pub status: TurnStatus,
    /// From start to end; `None` while running.
    pub took: Option<Span>,
    /// From start to the first business event.
    pub first_byte: Option<Span>,
    /// Tokens, once known.
    pub tokens: Option<TurnTokens>,
    /// First four characters of the session id's hash, for people.
    pub session: Option<String>,
    /// Number of this turn in its session.
    pub turn: u32,
    /// Note for people ("moved from bravo", "5h empty, reconnect").
    pub note: String,
    /// All attempts, first to last.
    pub attempts: Vec<AttemptRow>,
    /// Bytes relayed to the client.
    pub bytes_out: u64,
}

/// One conversation of a client for the live list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// First four characters of the hash of the session id.
    pub id: String,
    /// `exec`, `tui`, `app`, … from the originator header.
    pub kind: String,
    /// Transport of the newest turn.
    pub via: Via,
    /// Owner.
    pub account: Option<AccountKey>,
    /// Turns so far.
    pub turns: u32,
    /// Tokens so far.
    pub tokens: u64,
    /// First seen.
    pub since: Moment,
    /// Last activity.
    pub last: Moment,
    /// Whether a turn runs now.
    pub in_turn: bool,
    /// Last move: from whom, when and why.
    pub moved: Option<(AccountKey, Moment, String)>,
    /// Tokens of the last minute.
    pub rate: u64,
    /// Whether the user pinned it to an account.
    pub is_pinned: bool,
    /// How the conversation began, where its rollout is known.
    pub title: Option<String>,
}

/// What the user wants of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Steer {
    /// This account alone serves it.
    Pin(AccountKey),
    /// Whoever is chosen serves it.
    Free,
    /// Somebody else serves it from its next turn on.
    Move,
}

/// Health of one account as a live proxy sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountPulse {
    /// 0…100.
    pub health: f64,
    /// Local token bucket, 0…50.
    pub bucket: f64,
    /// `closed`, `open`, `half-open`.
    pub circuit: &'static str,
    /// Requests in flight on it.
    pub in_flight: u32,
}

/// The newest final word about a whole pool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exhausted {
    /// When.
    pub at: Moment,
    /// Why.
    pub reason: String,
    /// How long until the first account was back.
    pub retry_after: Span,
    /// What stood against each account; one that has served since is gone.
    pub skips: BTreeMap<AccountKey, String>,
}

/// Counters and states of one proxy, sampled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProxyPulse {
    /// When the proxy began to listen.
    pub started_at: Moment,
    /// Loopback port; 0 while not listening.
    pub port: u16,
    /// Routed requests and socket turns.
    pub total: u64,
    /// Ended well.
    pub ok: u64,
    /// Ended badly.
    pub failed: u64,
    /// Moves to another account.
    pub rotated: u64,
    /// In flight now.
    pub in_flight: u32,
    /// Upstream sends.
    pub upstream: u64,
    /// Open client sockets (WebSocket).
    pub sockets: u32,
    /// Sessions known.
    pub sessions: u32,
    /// Same-account retries.
    pub retries: u64,
    /// Token endpoint calls made.
    pub refreshes: u64,
    /// Reasoning strips.
    pub reasoning_strips: u64,
    /// Newest served account.
    pub last_account: Option<AccountKey>,
    /// When it was served.
    pub last_account_at: Option<Moment>,
    /// Per account.
    pub accounts: BTreeMap<AccountKey, AccountPulse>,
    /// Masked text of the last error.
    pub last_error: Option<String>,
    /// Why callers of other users are not told apart, where they are not.
    pub unseen: Option<String>,
    /// Requests that were answered from the memory of an exhausted pool.
    pub pool_fast_fails: u64,
    /// Requests that were answered from the memory of a burst of server errors.
    pub burst_fast_fails: u64,
    /// Until when those memories hold.
    pub closed_until: (Option<Moment>, Option<Moment>),
    /// The newest exhaustion.
    pub exhaustion: Option<Box<Exhausted>>,
    /// When everything learnt was forgotten on demand.
    pub reset_at: Option<Moment>,
    /// When the pool was read anew.
    pub reloaded_at: Option<Moment>,
}

/// A registered live proxy (forwarder.md §9.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Process id.
    pub pid: u32,
    /// `inline`, `serve` or `router`.
    pub kind: String,
    /// Loopback port.
    pub port: u16,
    /// Its Codex home.
    pub codex_home: String,
    /// Its control socket.
    pub socket: String,
    /// When it started, epoch ms.
    pub started_at: Moment,
}

/// What a peer says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerStatus {
    /// Who.
    pub peer: Peer,
    /// Counters.
    pub pulse: ProxyPulse,
    /// Newest turns, oldest first.
    pub turns: Vec<TurnRow>,
    /// Live sessions.
    pub sessions: Vec<SessionRow>,
}
