//! The proxy over real sockets, between a scripted client and the rehearsal back end.

mod control;
mod entrance;
mod refresh;
mod rows;
pub(super) mod sockets;
mod streams;
mod turns;
