//! What the program needs from the outside, as traits without logic.
//!
//! Futures are `Send` so that tasks may be spawned; dispatch is static (`P: Ports`), so a fake in a test is an
//! ordinary struct.

pub mod auth;
pub mod callers;
pub mod checkup;
pub mod clock;
pub mod codex;
pub mod entropy;
pub mod home;
pub mod peers;
pub mod question;
pub mod store;
pub mod upstream;
pub mod vault;

pub use auth::Auth;
pub use checkup::Checkup;
pub use clock::Clock;
pub use codex::Codex;
pub use entropy::Entropy;
pub use home::Home;
pub use peers::Peers;
pub use question::Question;
pub use store::Store;
pub use upstream::Upstream;
pub use vault::Vault;

/// The set of ports a process runs on. Handles are cheap to clone and share their state.
pub trait Ports: Clone + Send + Sync + 'static {
    /// Files of the pool and its neighbours.
    type Store: Store;
    /// Token endpoint.
    type Auth: Auth;
    /// The back end.
    type Upstream: Upstream;
    /// Time.
    type Clock: Clock;
    /// Secure randomness.
    type Entropy: Entropy;

    /// Files of the pool and its neighbours.
    fn store(&self) -> &Self::Store;
    /// Token endpoint.
    fn auth(&self) -> &Self::Auth;
    /// The back end.
    fn upstream(&self) -> &Self::Upstream;
    /// Time.
    fn clock(&self) -> &Self::Clock;
    /// Secure randomness.
    fn entropy(&self) -> &Self::Entropy;
}
