//! Owners of loopback sockets, from the kernel: one exact question per connection over a socket that stays open, since
//! `/proc/net/tcp` would cost megabytes per connection at ten thousand of them.

use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicU32, Ordering};

use crate::ports::callers::{Caller, Callers};

/// The kernel's knowledge of sockets.
#[derive(Debug)]
pub struct SocketOwners {
    #[cfg(target_os = "linux")]
    line: Option<rustix::fd::OwnedFd>,
    #[cfg(target_os = "linux")]
    asked: AtomicU32,
}

#[cfg(target_os = "linux")]
impl SocketOwners {
    /// Opens the line to the kernel; where a sandbox forbids it, every caller is unseen.
    pub fn new() -> Self {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink, socket_with};

        let protocol = Some(netlink::SOCK_DIAG);
        let line = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, protocol);
        Self { line: line.ok(), asked: AtomicU32::new(1) }
    }

    fn owner(&self, near: SocketAddr, far: SocketAddr) -> Option<crate::formats::sock_diag::Owner> {
        use crate::formats::sock_diag;
        use rustix::net::{RecvFlags, SendFlags, netlink::SocketAddrNetlink, recv, sendto};

        let line = self.line.as_ref()?;
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        sendto(line, &sock_diag::ask(near, far, number), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))
            .ok()?;
        // Only the proxy's one thread asks: two at once could take each other's answer.
        // The kernel has answered before `sendto` returns. Whatever stands before our answer is for nobody any more.
        for _ in 0..8 {
            let mut answer = [0; 512];
            let (length, _) = recv(line, &mut answer[..], RecvFlags::DONTWAIT).ok()?;
            if let Some(owner) = sock_diag::read(answer.get(..length)?, number) {
                return Some(owner);
            }
        }
        None
    }
}

#[cfg(not(target_os = "linux"))]
impl SocketOwners {
    /// Nothing to open here.
    pub fn new() -> Self {
        Self {}
    }
}

impl Default for SocketOwners {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(target_os = "linux")]
impl Callers for SocketOwners {
    fn whose(&self, client: SocketAddr, own: SocketAddr) -> Caller {
        use crate::formats::sock_diag::Owner;

        const REFUSED: &str = "the system does not tell whose sockets are whose";
        match self.owner(client, own) {
            Some(Owner::User(user)) if user == rustix::process::getuid().as_raw() => Caller::Ours,
            Some(Owner::User(_) | Owner::Nobody) => Caller::Foreign,
            // A kernel without this service gives the same answer for every socket, our own end included.
            Some(Owner::Missing) => match self.owner(own, client) {
                Some(Owner::User(_) | Owner::Nobody) => Caller::Foreign,
                Some(Owner::Missing | Owner::Refused(_)) | None => Caller::Unseen(REFUSED),
            },
            Some(Owner::Refused(_)) | None => Caller::Unseen(REFUSED),
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Callers for SocketOwners {
    fn whose(&self, _: SocketAddr, _: SocketAddr) -> Caller {
        Caller::Unseen("only Linux is asked whose sockets are whose")
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn our_own_caller_is_known_over_both_families_and_a_gone_one_is_not_taken_for_ours() {
        let owners = SocketOwners::new();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let own = listener.local_addr().unwrap();
            let client = TcpStream::connect(own).unwrap();
            let (_kept, from) = listener.accept().unwrap();

            assert_eq!(owners.whose(from, own), Caller::Ours, "{address}");
            drop(client);
            assert_eq!(owners.whose(from, own), Caller::Foreign, "{address}");
        }
    }

    #[test]
    fn without_a_line_to_the_kernel_nobody_is_refused() {
        let owners = SocketOwners { line: None, asked: AtomicU32::new(1) };
        let any = "127.0.0.1:9".parse().unwrap();

        assert!(matches!(owners.whose(any, any), Caller::Unseen(_)));
    }
}
