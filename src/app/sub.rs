//! What to listen to. The value is the identity: it holds nothing that changes while it runs.

use crate::base::Span;
use crate::domain::account::AccountKey;
use crate::domain::bridge::Access;

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sub {
    /// Keys, mouse, paste, size.
    Input,
    /// Lines, where lines are typed instead of keys.
    Lines,
    /// Theme files and `keys.toml`.
    Looks,
    /// A tick every so often; only while something moves.
    Tick(Span),
    /// The end of this time, once.
    Limit(Span),
    /// The pool on disk.
    Store,
    /// The settings on disk.
    Settings,
    /// The policies on disk.
    Policies,
    /// Signals to this process.
    Signals,
    /// Live proxies, looked at every so often.
    Peers(Span),
    /// The quota cache and the ledger, read every so often.
    Figures(Span),
    /// The end of our own log, looked at every so often.
    Logs(Span),
    /// `auth.json`: the official CLI renews its tokens by itself, and the pool takes them over.
    Official,
    /// Tokens refreshed ahead of their end, without a proxy.
    Guardian,
    /// Our own proxy.
    Proxy(ProxySpec),
}

/// What our own proxy is to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProxySpec {
    /// Port; 0 = ephemeral.
    pub port: u16,
    /// Kind in the registry.
    pub kind: ProxyKind,
    /// `--account`.
    pub forced: Option<AccountKey>,
}

/// Kinds of proxy hosts in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProxyKind {
    /// Inside a forwarder.
    Inline,
    /// `serve`, and the rehearsal's.
    Serve,
    /// The local bridge.
    Bridge(Access),
    /// The router of a bind.
    Router,
}

impl ProxyKind {
    /// The word in the registry.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Serve => "serve",
            Self::Bridge(access) => access.kind(),
            Self::Router => "router",
        }
    }
}
