//! Proxy, logins and quota against the rehearsal back end, over loopback sockets.

mod faults;
mod guardian;
mod proxy;
mod refresh;
mod rehearsal;
mod upstream;
