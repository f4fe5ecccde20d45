//! The loopback proxy that serves a running Codex session.

mod gate;
mod headers;
mod inspect;
pub mod refusal;
mod route;
pub mod session;
mod spool;
pub mod turn;
