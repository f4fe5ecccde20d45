//! The persistent bind on disk: its state files, its lock, the key in `config.toml`, its router process.
//!
//! What happens is decided in `domain::bind`; here it is done, in the order of forwarder.md §15.2, so that a crash after
//! any step leaves a state from which the next start of any of our programs finds back (§15.4). Nothing here asks.

mod apply;
mod heal;
mod legacy;
mod release;
mod router;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::adapters::codex::config::{ConfigEditError, ConfigFile};
use crate::adapters::disk::atomic;
use crate::adapters::disk::lock::{FileLock, LockError};
use crate::adapters::env::Env;
use crate::adapters::peers::{self, LivePeers, process_start};
use crate::adapters::startup::{Service, Startup};
use crate::adapters::{places, process};
use crate::base::Span;
use crate::domain::bind::heal::Life;
use crate::domain::bind::standing::{Signs, Standing};
use crate::domain::bind::{Address, Bind, Mode, Owner, address};
use crate::domain::places::Places;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::formats::app_bind::{self, Around, State, Told};
use crate::formats::codex_config::bind::{self as key, Current};

pub use apply::{Done, Refused, Wish};
pub use legacy::Retired;
pub use release::{Freed, Stopped};
pub use router::{ROUTER_WORD, trim_log};

/// The state.
pub const STATE: &str = "runtime-rotation-app-bind.json";
/// What the router says of itself.
pub const STATUS: &str = "runtime-rotation-app-bind-status.json";
/// What the router writes to its standard outputs.
pub const LOG: &str = "runtime-rotation-app-router.log";
/// The first copy of the file.
const BACKUP: &str = "codex-config-backup.json";
/// When the router was started again last.
const RESTARTED: &str = "restarted";
/// The longest a bind waits for another one.
const LOCK_WITHIN: Span = Span::seconds(10);

/// The bind of one root.
#[derive(Debug, Clone)]
pub struct Binder {
    places: Arc<Places>,
    home: PathBuf,
    peers: LivePeers,
    startup: Startup,
    program: PathBuf,
    app_data: Option<PathBuf>,
}

/// How the bind stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// In one word.
    pub standing: Standing,
    /// The bind, when its state can be read.
    pub bind: Option<Bind>,
    /// What the router said last.
    pub told: Option<Told>,
    /// The file that holds the key, or would.
    pub config: PathBuf,
    /// The address in that file, when it is of our shape.
    pub address: Option<Address>,
    /// The start-up entry, if there is one.
    pub startup: Option<PathBuf>,
    /// Why the file cannot be read.
    pub trouble: Option<String>,
}

impl Binder {
    /// The bind of a root, in the home that the desktop app reads.
    pub fn new(places: &Arc<Places>, env: &Env, program: PathBuf) -> Self {
        let usual = || places.user_home().join(".codex");
        let given = env.app_bind_codex_home.as_deref().map(str::trim).filter(|path| !path.is_empty());
        let home = given.map_or_else(usual, |path| match path.strip_prefix("~/") {
            Some(rest) => places.user_home().join(rest),
            None => places::current_dir().join(path),
        });
        Self {
            places: Arc::clone(places),
            home,
            peers: LivePeers::new(places.run()),
            startup: Startup::new(env, places),
            program,
            app_data: env.app_data.as_ref().map(PathBuf::from),
        }
    }

    /// The home that is bound.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The file that holds the key.
    pub fn config_path(&self) -> PathBuf {
        self.home.join("config.toml")
    }

    /// Start-up entries of this user.
    pub const fn startup(&self) -> &Startup {
        &self.startup
    }

    /// The state file.
    pub fn state_path(&self) -> PathBuf {
        self.places.app_bind(STATE)
    }

    /// The status file.
    pub fn status_path(&self) -> PathBuf {
        self.places.app_bind(STATUS)
    }

    /// What the router of a leased bind says of itself, where the reference's helper said it.
    pub fn helper_path(&self) -> PathBuf {
        self.places.root().join("runtime-rotation-app-helper.json")
    }

    /// The router's log.
    pub fn log_path(&self) -> PathBuf {
        self.places.app_bind(LOG)
    }

    fn config(&self, path: &Path) -> ConfigFile {
        ConfigFile::at(Arc::clone(&self.places), path.to_owned())
    }

    fn lock_path(&self) -> PathBuf {
        self.places.lock("app-bind")
    }

    async fn lock(&self) -> Result<FileLock, Problem> {
        FileLock::acquire(&self.lock_path(), LOCK_WITHIN).await.map_err(|error| busy(&error))
    }

    /// What the state file is; `None` when there is none.
    pub fn state(&self) -> Option<State> {
        let text = atomic::read_text(&self.state_path()).ok().flatten()?;
        Some(app_bind::read(&text))
    }

    /// The bind, when there is one of ours.
    pub fn known(&self) -> Option<Bind> {
        match self.state()? {
            State::Ours(bind) => Some(*bind),
            State::Legacy(_) | State::Unreadable => None,
        }
    }

    /// Writes the state.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn save(&self, bind: &Bind) -> io::Result<()> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let around = Around {
            state: text(self.state_path()),
            status: text(self.status_path()),
            log: text(self.log_path()),
            program: self.program.to_string_lossy().into_owned(),
            word: ROUTER_WORD.to_owned(),
            startup: (bind.mode == Mode::Persistent)
                .then(|| self.startup.entry(Service::Router))
                .filter(|_| self.startup.is_installed(Service::Router))
                .map(text),
            platform: platform(),
            version: env!("CARGO_PKG_VERSION"),
        };
        atomic::write(&self.state_path(), app_bind::print(bind, &around).expose().as_bytes())
    }

    /// What the router said last.
    pub fn told(&self) -> Option<Told> {
        atomic::read_text(&self.status_path()).ok().flatten().and_then(|text| app_bind::read_status(&text))
    }

    /// Looks, and changes nothing.
    pub async fn look(&self) -> Sight {
        let state = self.state();
        let bind = self.known();
        let config = bind.as_ref().map_or_else(|| self.config_path(), |bind| bind.config.clone());
        let (current, trouble) = match self.current(&config) {
            Ok(current) => (current, None),
            Err(error) => (Current::default(), Some(error.to_string())),
        };
        let address = current.value.as_deref().and_then(address);
        let router = match &address {
            Some(address) => answers(address).await,
            None => Life::Gone,
        };
        let signs = Signs {
            key: address.is_some(),
            state: bind.is_some(),
            legacy: current.is_legacy() || (matches!(state, Some(State::Legacy(_))) && address.is_none()),
            router,
        };
        Sight {
            standing: Standing::of(signs),
            bind,
            told: self.told(),
            config,
            address,
            startup: self.startup.installed(Service::Router).into_iter().next(),
            trouble,
        }
    }

    fn current(&self, path: &Path) -> Result<Current, ConfigEditError> {
        let text = self.config(path).text()?;
        Self::read_key(path, text.as_deref())
    }

    fn read_key(path: &Path, text: Option<&str>) -> Result<Current, ConfigEditError> {
        let refused = |source| ConfigEditError::Refused { path: path.to_owned(), source };
        key::current(text.unwrap_or_default()).map_err(refused)
    }

    /// Whether a daemon of the bound home answers: it sees the key only after a restart.
    pub fn has_daemon(&self) -> bool {
        crate::adapters::codex::refile::daemon_answers(&self.home.join("app-server-control"))
    }

    /// Removes the files of the bind; a router that still writes leaves nothing that lasts.
    fn forget(&self) -> io::Result<()> {
        for name in [STATE, STATUS, BACKUP, LOG, RESTARTED] {
            atomic::remove(&self.places.app_bind(name))?;
        }
        let folder = self.places.root().join("app-bind");
        match std::fs::remove_dir(&folder) {
            Ok(()) => Ok(()),
            // Whatever else lies there is not ours to remove.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(_) if folder.is_dir() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn me() -> Owner {
        let pid = std::process::id();
        Owner { pid, start: process_start(pid) }
    }
}

/// Whether the process that made a bind lives.
fn owner_life(owner: Owner) -> Life {
    let lives = match owner.start {
        Some(start) => process::is_same(owner.pid, Some(start)),
        None => process::runs(owner.pid),
    };
    if lives { Life::Alive } else { Life::Gone }
}

async fn answers(address: &Address) -> Life {
    if peers::answers(address.port, &address.secret).await { Life::Alive } else { Life::Gone }
}

/// The name of this system, as the reference writes it.
const fn platform() -> &'static str {
    if cfg!(windows) {
        "win32"
    } else if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    }
}

fn busy(error: &LockError) -> Problem {
    Problem::new("bind-busy", Exit::Failed, "another process is changing the bind")
        .because(error.to_string())
        .hint(Hint::Say("Wait until it has ended, then run the command again".to_owned()))
}

fn unchanged(error: &ConfigEditError) -> Problem {
    match error {
        ConfigEditError::Refused { path, source } => Problem::new(
            "config-unparsable",
            Exit::Failed,
            "config.toml of the official CLI cannot be changed safely",
        )
        .because(format!("{}: {source}", path.display()))
        .hint(Hint::Say("Mend the file; it is never rewritten while it cannot be read".to_owned())),
        ConfigEditError::Locked(_) | ConfigEditError::Restless { .. } | ConfigEditError::Io { .. } => {
            Problem::new(
                "config-unwritable",
                Exit::Failed,
                "config.toml of the official CLI could not be changed",
            )
            .because(error.to_string())
        }
    }
}

fn disk(path: &Path, error: &io::Error) -> Problem {
    Problem::new("storage-unwritable", Exit::Failed, format!("{} cannot be written", path.display()))
        .because(error.to_string())
}
