//! What needs neither sockets nor processes.

mod floors;
mod settings;
mod storage;
mod turns;
