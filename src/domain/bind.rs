//! The persistent bind: one key in the official CLI's `config.toml` that sends desktop app and IDE through a router
//! of ours (forwarder.md §15).
//!
//! Pure: whose value stands there, what a bind would overwrite, what an unbind puts back, what a start of any of our
//! programs heals. Whatever the user wrote wins: it is never taken for ours, and ours is never kept as the original.

pub mod heal;
pub mod standing;

use std::path::PathBuf;

use crate::base::{Moment, Secret, Span};

/// The one key we ever write.
pub const KEY: &str = "openai_base_url";
/// What follows the secret in an address of ours.
const REST: &str = "backend-api/codex";
/// How long a bind may be under way, and how long a leased one stands without a sign of life.
pub const LEASE: Span = Span::minutes(10);
/// How often a router says that it lives, and renews its lease.
pub const HEARTBEAT: Span = Span::seconds(60);

/// How long a bind stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Until it is taken back.
    Persistent,
    /// As long as its router renews it.
    Leased,
}

impl Mode {
    /// The word in the state file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Persistent => "persistent",
            Self::Leased => "leased",
        }
    }
}

/// How far a bind has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Under way: a crash from here on is taken back.
    Binding,
    /// Complete.
    Bound,
}

/// What stood in the file before us.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Original {
    /// Source text of the value; `None` when there was none.
    pub raw: Option<String>,
    /// Whether the file existed.
    pub existed: bool,
}

/// Who made the bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Its process.
    pub pid: u32,
    /// When that process began, where the system says so.
    pub start: Option<Moment>,
}

/// A bind as its state file keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// How long it stands.
    pub mode: Mode,
    /// How far it has come.
    pub phase: Phase,
    /// The router's port.
    pub port: u16,
    /// First segment of every path.
    pub secret: Secret,
    /// The file that holds the key.
    pub config: PathBuf,
    /// What stood there before.
    pub original: Original,
    /// Who made it.
    pub owner: Owner,
    /// Until when it stands by itself; `None` = without end.
    pub lease_until: Option<Moment>,
    /// Tells our router from any other process.
    pub identity: String,
    /// Credential of paths without the secret, for the reference.
    pub client_key: Secret,
    /// When it was made first.
    pub created_at: Moment,
    /// When it was written last.
    pub updated_at: Moment,
}

impl Bind {
    /// The value of the key.
    pub fn url(&self) -> Secret {
        Secret::new(format!("http://127.0.0.1:{}/{}/{REST}", self.port, self.secret.expose()))
    }

    /// The value as it may be shown.
    pub fn shown(&self) -> String {
        format!("http://127.0.0.1:{}/<secret>/{REST}", self.port)
    }
}

/// An address of our shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Port.
    pub port: u16,
    /// First segment of the path.
    pub secret: Secret,
}

/// Reads an address of our shape: loopback by name or number, a port, a long url-safe segment, our path.
pub fn address(url: &str) -> Option<Address> {
    let rest = url.strip_prefix("http://")?;
    let rest = rest.strip_prefix("127.0.0.1:").or_else(|| rest.strip_prefix("localhost:"))?;
    let (port, rest) = rest.split_once('/')?;
    let (secret, rest) = rest.split_once('/')?;
    let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_secret = (32..=128).contains(&secret.len())
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let is_ours = is_port && is_secret && rest.strip_suffix('/').unwrap_or(rest) == REST;
    let port = port.parse().ok().filter(|_| is_ours)?;
    Some(Address { port, secret: Secret::new(secret) })
}

/// Whether a value is of the shape we write.
pub fn is_ours(url: &str) -> bool {
    address(url).is_some()
}

/// What a bind must not overwrite by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The user's own address: only after a yes.
    Theirs(String),
    /// Another provider: the key would have no effect.
    Provider(String),
}

/// What stands in the way of a bind.
pub fn obstacle(value: Option<&str>, provider: Option<&str>, legacy: &str) -> Option<Obstacle> {
    if let Some(provider) = provider.filter(|provider| *provider != "openai" && *provider != legacy) {
        return Some(Obstacle::Provider(provider.to_owned()));
    }
    value.filter(|value| !is_ours(value)).map(|value| Obstacle::Theirs(value.to_owned()))
}

/// What a bind notes as the original: never a value of our own, and over an earlier bind what that one replaced.
pub fn original(
    raw: Option<String>,
    value: Option<&str>,
    exists: bool,
    earlier: Option<&Original>,
) -> Original {
    match (value.is_some_and(is_ours), earlier) {
        (true, Some(earlier)) => earlier.clone(),
        (true, None) => Original { raw: None, existed: true },
        (false, _) => Original { raw, existed: exists },
    }
}

/// What an unbind does to the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Puts the original back.
    PutBack,
    /// Leaves it: the user changed or removed it meanwhile.
    Leave,
}

/// Whether the key is still ours to put back.
pub fn release(value: Option<&str>) -> Release {
    if value.is_some_and(is_ours) { Release::PutBack } else { Release::Leave }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef-_ABCDEFGHI";

    fn url(host: &str, port: &str, secret: &str, rest: &str) -> String {
        format!("http://{host}:{port}/{secret}/{rest}")
    }

    #[test]
    fn only_addresses_of_our_shape_are_ours() {
        for (value, ours) in [
            (url("127.0.0.1", "4455", SECRET, REST), true),
            (url("localhost", "1", SECRET, "backend-api/codex/"), true),
            (url("127.0.0.1", "99999", SECRET, REST), false),
            (url("127.0.0.1", "", SECRET, REST), false),
            (url("127.0.0.1", "4455", "short", REST), false),
            (url("127.0.0.1", "4455", &"a".repeat(129), REST), false),
            (url("127.0.0.1", "4455", &format!("{SECRET}%20"), REST), false),
            (url("127.0.0.1", "4455", SECRET, "v1"), false),
            (url("127.0.0.1", "4455", SECRET, "backend-api/codex//"), false),
            (url("example.com", "4455", SECRET, REST), false),
            (format!("https://127.0.0.1:4455/{SECRET}/{REST}"), false),
            ("http://127.0.0.1:8080/v1".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_ours(&value), ours, "{value}");
        }
    }

    #[test]
    fn what_the_user_set_stands_in_the_way() {
        let ours = url("127.0.0.1", "4455", SECRET, REST);
        let theirs = Obstacle::Theirs("https://gateway".to_owned());
        for (value, provider, expected) in [
            (None, None, None),
            (Some(ours.as_str()), None, None),
            (Some("https://gateway"), None, Some(theirs)),
            (None, Some("openai"), None),
            (None, Some("legacy"), None),
            (None, Some("azure"), Some(Obstacle::Provider("azure".to_owned()))),
        ] {
            assert_eq!(obstacle(value, provider, "legacy"), expected, "{value:?} {provider:?}");
        }
    }

    #[test]
    fn our_own_value_is_never_noted_as_the_original() {
        let ours = url("127.0.0.1", "4455", SECRET, REST);
        let first = Original { raw: Some("'https://gateway'".to_owned()), existed: true };

        let again = original(Some(format!("\"{ours}\"")), Some(&ours), true, Some(&first));
        let orphan = original(Some(format!("\"{ours}\"")), Some(&ours), true, None);
        let changed = original(Some("'x'".to_owned()), Some("x"), true, Some(&first));
        let fresh = original(None, None, false, None);

        assert_eq!(again, first);
        assert_eq!(orphan, Original { raw: None, existed: true });
        assert_eq!(changed, Original { raw: Some("'x'".to_owned()), existed: true });
        assert_eq!(fresh, Original { raw: None, existed: false });
    }

    #[test]
    fn only_a_value_of_ours_is_put_back() {
        assert_eq!(release(Some(&url("127.0.0.1", "1", SECRET, REST))), Release::PutBack);
        assert_eq!(release(Some("https://gateway")), Release::Leave);
        assert_eq!(release(None), Release::Leave);
    }
}
