//! What needs neither sockets nor processes.

mod floors;
mod storage;
mod turns;
