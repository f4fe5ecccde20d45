//! The local bridge as everybody speaks of it: an address of its own for programs that are not the official CLI.

/// Who may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Access {
    /// Whoever shows a key of ours.
    #[default]
    Keyed,
    /// Every program on this computer.
    Open,
}

/// A bridge that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Living {
    /// Its process.
    pub pid: u32,
    /// Its loopback port.
    pub port: u16,
    /// Who may use it.
    pub access: Access,
}

impl Living {
    /// What clients are given as their base.
    pub fn base_url(&self) -> String {
        base_url(self.port)
    }
}

/// The base of a bridge on this port.
pub fn base_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/v1")
}

/// Words of the registry for the two of them.
const KINDS: [(&str, Access); 2] = [("bridge", Access::Keyed), ("bridge-open", Access::Open)];

impl Access {
    /// The word in the registry of live proxies.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Keyed => "bridge",
            Self::Open => "bridge-open",
        }
    }

    /// What a registry entry says, if it is a bridge's.
    pub fn of_kind(kind: &str) -> Option<Self> {
        KINDS.into_iter().find(|(word, _)| *word == kind).map(|(_, access)| access)
    }
}
