//! The kernel's answer to "whose socket is this?" (`sock_diag(7)`, IPv4 and IPv6 over TCP): one exact question, one
//! short answer, the same at any number of sockets. Numbers are the kernel's own byte order, addresses and ports are
//! the network's.

use std::net::{IpAddr, SocketAddr};

/// Bytes of a question: the netlink header, then `inet_diag_req_v2`.
const ASKED: usize = 72;
/// Bytes of a netlink header.
const HEAD: usize = 16;
/// `NLMSG_ERROR`
const ERROR: u16 = 2;
/// `SOCK_DIAG_BY_FAMILY`
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`
const REQUEST: u16 = 1;
/// `TCP_LISTEN`: with no such connection the kernel names whoever listens at the address instead.
const LISTEN: u8 = 10;
/// `-ENOENT`
const MISSING: i32 = -2;

/// What the kernel says of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A program of this user holds it.
    User(u32),
    /// It is there, but no program holds it any more: its owner is gone.
    Nobody,
    /// There is no such connection.
    Missing,
    /// The question was refused, with this error number.
    Refused(i32),
}

/// Asks for the one socket that is at `near` and connected to `far`. `number` comes back with the answer.
pub fn ask(near: SocketAddr, far: SocketAddr, number: u32) -> Vec<u8> {
    let family: u8 = if near.is_ipv4() { 2 } else { 10 };
    let length = u32::try_from(ASKED).unwrap_or(u32::MAX);
    let mut asked = Vec::with_capacity(ASKED);
    asked.extend(length.to_ne_bytes());
    asked.extend(BY_FAMILY.to_ne_bytes());
    asked.extend(REQUEST.to_ne_bytes());
    asked.extend(number.to_ne_bytes());
    asked.extend(0_u32.to_ne_bytes());
    // Family, TCP, no extensions, padding; then every state.
    asked.extend([family, 6, 0, 0]);
    asked.extend(u32::MAX.to_ne_bytes());
    asked.extend(near.port().to_be_bytes());
    asked.extend(far.port().to_be_bytes());
    asked.extend(octets(near.ip()));
    asked.extend(octets(far.ip()));
    // Any interface, no cookie.
    asked.extend(0_u32.to_ne_bytes());
    asked.extend(u64::MAX.to_ne_bytes());
    asked
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(address) => address.octets(),
    }
}

/// Reads the answer to question `number`; `None` for anything else.
pub fn read(answer: &[u8], number: u32) -> Option<Owner> {
    if word(answer, 8)? != number {
        return None;
    }
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let body = answer.get(HEAD..)?;
    if kind == ERROR {
        let code = i32::from_ne_bytes(body.get(..4)?.try_into().ok()?);
        return Some(if code == MISSING { Owner::Missing } else { Owner::Refused(code.saturating_neg()) });
    }
    if kind != BY_FAMILY {
        return None;
    }
    // `inet_diag_msg`: family and state, the socket's id (48 bytes), timer, both queues, uid, inode.
    let state = *body.get(1)?;
    let (uid, inode) = (word(body, 64)?, word(body, 68)?);
    Some(match (state, inode) {
        (LISTEN, _) => Owner::Missing,
        (_, 0) => Owner::Nobody,
        (_, _) => Owner::User(uid),
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(state: u8, uid: u32, inode: u32) -> Vec<u8> {
        let mut bytes = vec![0; 88];
        bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
        bytes[8..12].copy_from_slice(&7_u32.to_ne_bytes());
        bytes[17] = state;
        bytes[80..84].copy_from_slice(&uid.to_ne_bytes());
        bytes[84..88].copy_from_slice(&inode.to_ne_bytes());
        bytes
    }

    fn refusal(code: i32) -> Vec<u8> {
        let mut bytes = vec![0; 36];
        bytes[4..6].copy_from_slice(&ERROR.to_ne_bytes());
        bytes[8..12].copy_from_slice(&7_u32.to_ne_bytes());
        bytes[16..20].copy_from_slice(&code.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_question_names_both_ends_in_the_networks_order() {
        let asked = ask("127.0.0.1:258".parse().unwrap(), "127.0.0.2:772".parse().unwrap(), 9);

        assert_eq!(asked.len(), ASKED);
        assert_eq!(asked[24..28], [1, 2, 3, 4], "ports");
        assert_eq!((&asked[28..32], &asked[44..48]), (&[127, 0, 0, 1][..], &[127, 0, 0, 2][..]));
    }

    #[test]
    fn an_answer_names_the_user_who_holds_the_socket() {
        for (bytes, owner) in [
            (answer(1, 1_000, 5), Some(Owner::User(1_000))),
            (answer(5, 1_000, 5), Some(Owner::User(1_000))),
            // Closed by its program, or waiting for the last bytes: the kernel says 0, which is not root.
            (answer(4, 0, 0), Some(Owner::Nobody)),
            (answer(LISTEN, 1_000, 5), Some(Owner::Missing)),
            (refusal(-2), Some(Owner::Missing)),
            (refusal(-1), Some(Owner::Refused(1))),
            (answer(1, 1_000, 5)[..80].to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(read(&bytes, 7), owner, "{bytes:?}");
        }
        assert_eq!(read(&answer(1, 1_000, 5), 8), None, "an answer to another question");
    }
}
