//! Who stands at the other end of a loopback connection (forwarder.md FW-64).

use std::fmt::Debug;
use std::net::SocketAddr;

/// Tells callers of our own user from others. Asked once per accepted connection, so it must not wait.
pub trait Callers: Debug + Send + Sync {
    /// Whose program holds the socket at `client` that is connected to us at `own`.
    fn whose(&self, client: SocketAddr, own: SocketAddr) -> Caller;
}

/// Whose program calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// One of our own user.
    Ours,
    /// One of another user, or one that is gone already.
    Foreign,
    /// This system does not say, for this reason: the prefix alone decides.
    Unseen(&'static str),
}
