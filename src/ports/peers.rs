//! Live proxies of this root, reached over their control sockets.

use std::future::Future;

use crate::domain::account::AccountKey;
use crate::domain::facts::Steer;
pub use crate::domain::facts::{Peer, PeerStatus};
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;

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
    /// Tells a peer what the user wants of the session whose hash begins so; the reason when it will not.
    fn steer(
        &self,
        peer: &Peer,
        session: &str,
        steer: &Steer,
    ) -> impl Future<Output = Result<(), String>> + Send;
    /// Which accounts own live sessions of a peer.
    fn owners(&self, peer: &Peer) -> impl Future<Output = Vec<AccountKey>> + Send;
}
