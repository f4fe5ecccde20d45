//! The loopback proxy that serves a running Codex session.

mod gate;
mod headers;
mod inspect;
mod route;
mod spool;
pub mod refusal;
pub mod session;
pub mod turn;
