//! What the original package leaves on a computer, and what may be done about each of it (forwarder.md §13).

use std::path::PathBuf;

/// Names of the homes in which the original package ran the official CLI, by their beginning.
pub const TEMPORARY_HOMES: [&str; 2] = ["codex-multi-auth-runtime-home-", "codex-multi-auth-home-"];

/// Whether a text names something in such a home.
pub fn is_in_temporary_home(text: &str) -> bool {
    TEMPORARY_HOMES.iter().any(|name| text.contains(name))
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A home in which it ran the official CLI, in its root or in the system's temporary folder.
    Home,
    /// What it noted while it copied such a home back.
    Sync,
    /// Stand-ins for the official app server, for a helper that is gone.
    Shim,
    /// What started its router with the user's session.
    Startup,
    /// A launcher in the desktop's menu that starts nothing any more.
    Launcher,
    /// Trust in hooks of a temporary home, in `config.toml`.
    Trust,
    /// A wrapper around the official CLI on the search path: whose it is cannot be told, so it is only named.
    Wrapper,
}

impl Kind {
    /// One of them, and several.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Home => ("temporary Codex home", "temporary Codex homes"),
            Self::Sync => ("note of a copy back", "notes of a copy back"),
            Self::Shim => ("app-server stand-in", "app-server stand-ins"),
            Self::Startup => ("start-up entry", "start-up entries"),
            Self::Launcher => ("launcher", "launchers"),
            Self::Trust => ("file with trusted hooks of it", "files with trusted hooks of it"),
            Self::Wrapper => ("wrapper around the official CLI", "wrappers around the official CLI"),
        }
    }
}

/// One thing it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: Kind,
    /// The file or folder.
    pub path: PathBuf,
    /// Bytes in it.
    pub bytes: u64,
    /// Sessions of the official CLI in it that its real home lacks.
    pub sessions: usize,
    /// Why it has to stay for now.
    pub busy: Option<String>,
}

impl Leftover {
    /// Whether it can go.
    pub fn can_go(&self) -> bool {
        self.busy.is_none() && self.kind != Kind::Wrapper
    }
}

/// The bind of the original package, as far as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The file it changed.
    pub config: PathBuf,
    /// Its provider is the active one.
    pub active: bool,
    /// Its state is there.
    pub state: bool,
}
