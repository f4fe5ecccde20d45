//! What the proxy must do, as its specification lists it (runtime.md §28), over real sockets. Cases that other groups
//! show are not shown twice.

mod bodies;
mod pins;
mod routing;
mod sockets;
mod streams;
mod waits;
