//! Live proxies of this root, reached over their control sockets.

use std::future::Future;

use crate::domain::account::AccountKey;
use crate::domain::facts::{ProxyPulse, SessionRow, TurnRow};
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;

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
    pub started_at: crate::base::Moment,
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

/// Reads live proxies.
pub trait Peers: Clone + Send + Sync + 'static {
    /// Registered proxies whose process lives; dead entries are swept.
    fn list(&self) -> impl Future<Output = Vec<Peer>> + Send;
    /// Status of one peer; `None` when it does not answer within a second.
    fn status(&self, peer: &Peer) -> impl Future<Output = Option<PeerStatus>> + Send;
    /// The engine's answer of one peer for an ask.
    fn next(&self, peer: &Peer, ask: &Ask) -> impl Future<Output = Option<Decision>> + Send;
    /// Asks a peer to reload the pool now.
    fn reload(&self, peer: &Peer) -> impl Future<Output = bool> + Send;
    /// Which accounts own live sessions of a peer.
    fn owners(&self, peer: &Peer) -> impl Future<Output = Vec<AccountKey>> + Send;
}
