//! Proxy, logins and quota against the rehearsal back end, over loopback sockets.

mod acceptance;
mod faults;
mod guardian;
mod login;
mod proxy;
mod refresh;
mod rehearsal;
mod upstream;
