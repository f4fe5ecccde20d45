//! What `rotation` is asked for and what it sees: the bind, the services, the proxies that run.

use std::path::PathBuf;

use crate::base::Moment;
use crate::domain::bind::Mode;
use crate::domain::bind::standing::Standing;

/// What happens to a running background server of the official CLI, which sees a bind only after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Daemon {
    /// As the setting says.
    #[default]
    AsSet,
    /// It is started anew.
    Restart,
    /// It runs on.
    Leave,
}

/// How a bind is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// How long it stands.
    pub mode: Mode,
    /// Whether a value of the user's own may be replaced.
    pub replace: bool,
    /// What happens to the background server.
    pub daemon: Daemon,
    /// Nothing is changed.
    pub dry_run: bool,
}

/// An act on the start-up service of `serve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Write the entry.
    Install,
    /// Remove it.
    Remove,
    /// Start it now.
    Start,
    /// Stop it now.
    Stop,
    /// Only look.
    Status,
}

impl Verb {
    /// The command.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Install => "rotation service install",
            Self::Remove => "rotation service remove",
            Self::Start => "rotation service start",
            Self::Stop => "rotation service stop",
            Self::Status => "rotation service status",
        }
    }
}

/// The app helper of the reference, or the router of a leased bind under its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Helper {
    /// Its process.
    pub pid: u32,
    /// `running`, `stopped`, `idle-timeout`, `max-lifetime`, `error`.
    pub state: String,
    /// Requests of clients.
    pub total: u64,
    /// Moves to another account.
    pub rotations: u64,
    /// Who served last.
    pub last: Option<String>,
}

/// The start-up service of `serve`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceView {
    /// Its entry, if there is one.
    pub entry: Option<PathBuf>,
    /// Whether a `serve` of this root runs.
    pub running: bool,
    /// How it is started on this machine.
    pub way: &'static str,
}

/// Everything `rotation status` looks at beside the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// How the bind stands.
    pub standing: Standing,
    /// How long.
    pub mode: Option<Mode>,
    /// Until when, for a leased one.
    pub lease_until: Option<Moment>,
    /// The router's port.
    pub port: Option<u16>,
    /// The file with the key.
    pub config: PathBuf,
    /// The router's start-up entry.
    pub startup: Option<PathBuf>,
    /// What the router said last.
    pub router: Option<Helper>,
    /// Why the file cannot be read.
    pub trouble: Option<String>,
    /// The app helper.
    pub helper: Option<Helper>,
    /// The start-up service.
    pub service: ServiceView,
    /// Whether a background server of the official CLI runs on the bound home.
    pub daemon: bool,
    /// Whether a desktop app is there.
    pub desktop_app: bool,
    /// Whether `…_APP_BIND_INSTALL` forbids binding by itself.
    pub may_bind: bool,
}

/// What an act came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acted {
    /// Whether anything changed.
    pub changed: bool,
    /// Files that were changed, or would be.
    pub files: Vec<PathBuf>,
    /// What else there is to say, a line each.
    pub notes: Vec<String>,
    /// What went wrong without ending the act, a line each; the exit is a failure then.
    pub failed: Vec<String>,
    /// Proxies that confirmed a reset.
    pub acknowledged: Vec<u32>,
}
