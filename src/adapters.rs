//! The outside world behind the ports: files, network, processes, clock.

pub mod auth;
pub mod clock;
pub mod codex;
pub mod disk;
pub mod entropy;
pub mod env;
pub mod fault;
pub mod ledger;
pub mod peers;
pub mod places;
pub mod platform;
pub mod question;
pub mod store;
pub mod upstream;
