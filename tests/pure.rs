//! What needs neither sockets nor processes.

mod floors;
mod settings;
mod sessions;
mod storage;
pub(crate) mod turns;
