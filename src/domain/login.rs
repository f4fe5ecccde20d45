//! Signing in: everything about it that needs no socket (login.md).
//!
//! An [`Attempt`](attempt::Attempt) is minted once and finished once; what comes back, by callback or by paste, is
//! judged here against its state, and a granted session becomes a [`SignIn`](admission::SignIn) that a roster
//! takes in under its own lock.

pub mod admission;
pub mod attempt;
pub mod browser;
pub mod callback;
pub mod device;
pub mod failure;
pub mod limit;
pub mod page;
pub mod paste;
pub mod query;

/// What every sign-in asks for (decisions.md D17).
pub const SCOPES: [&str; 6] =
    ["openid", "profile", "email", "offline_access", "api.connectors.read", "api.connectors.invoke"];

/// Who asks, as the server's statistics know it.
pub const ORIGINATOR: &str = "codex_cli_rs";

/// The ports registered for callbacks, in the order they are tried.
pub const PORTS: [u16; 2] = [1455, 1457];
