//! What one look at the files, the accounts and the machine saw. Facts only: judging them is for the findings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::leftover::{Bound, Leftover};
use crate::domain::official::Login;
use crate::domain::problem::Problem;
use crate::domain::recovery::Health;
use crate::domain::roster::Roster;
use crate::domain::shelf::{State, Store};

/// Everything one look saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// When.
    pub at: Moment,
    /// Where things are.
    pub paths: Paths,
    /// The pool.
    pub pool: PoolFacts,
    /// Files around it.
    pub files: FileFacts,
    /// The official CLI.
    pub official: OfficialFacts,
    /// Settings and the small stores.
    pub stores: StoreFacts,
    /// The machine.
    pub machine: MachineFacts,
}

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// The pool file.
    pub pool: PathBuf,
    /// Its directory's root.
    pub root: PathBuf,
    /// The user's home.
    pub home: PathBuf,
    /// The official login.
    pub auth: PathBuf,
    /// The official configuration.
    pub config: PathBuf,
}

/// The pool.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolFacts {
    /// Its accounts, as they are used.
    pub roster: Arc<Roster>,
    /// State of its files.
    pub health: Health,
    /// Why it cannot be read.
    pub trouble: Option<Problem>,
    /// Whether the positions stored in the file point at accounts; `None` when the file says nothing.
    pub positions: Option<Positions>,
    /// The newest copy that could take its place.
    pub copy: Option<Copy>,
    /// Whom the engine would use next; `None` when it was not asked.
    pub next: Option<AccountKey>,
    /// Accounts ready by the files that no live proxy would use, with its words.
    pub out_of_step: BTreeMap<AccountKey, String>,
}

/// Whether stored positions point at accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// All of them.
    InRange,
    /// One of them does not.
    OutOfRange,
}

/// A copy of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The file.
    pub path: PathBuf,
    /// Accounts in it.
    pub accounts: usize,
    /// When it was written.
    pub at: Option<Moment>,
}

/// Files around the pool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileFacts {
    /// How many copies of the pool could take its place: rotating ones, snapshots, named backups.
    pub copies: usize,
    /// Whether the pool file exists, and its size.
    pub size: Option<Result<u64, String>>,
    /// Why nothing can be written where they are, if so.
    pub unwritable: Option<String>,
    /// Since when everything is deleted on purpose.
    pub reset_since: Option<Moment>,
    /// Files and folders of ours that others may read or write.
    pub loose: Vec<PathBuf>,
    /// Files and folders that belong to somebody else.
    pub foreign: Vec<PathBuf>,
    /// What crashed programs left.
    pub leftovers: Vec<PathBuf>,
    /// Results of refreshes that no account took yet.
    pub unclaimed_results: usize,
    /// What was kept because nobody could read it: names.
    pub quarantine: Vec<String>,
    /// Whether the file system locks files; why not.
    pub locking: Option<Result<(), String>>,
    /// Bytes free where the pool is.
    pub free: Option<u64>,
    /// Files of older versions that are still there.
    pub legacy: Vec<PathBuf>,
    /// Files from the future: the clock was set back.
    pub from_the_future: Vec<PathBuf>,
}

/// The official CLI.
#[derive(Debug, Clone, PartialEq)]
pub struct OfficialFacts {
    /// Whether `auth.json` exists.
    pub has_auth: bool,
    /// Its login.
    pub login: Login,
    /// Its configuration.
    pub config: Config,
    /// Whether `doctor --fix` may offer to change the credential store.
    pub may_set_store: bool,
    /// Whether official files may be written at all.
    pub may_write: bool,
    /// The program: path and version, or why it was not found; `None` when it was not looked for.
    pub program: Option<Result<String, String>>,
}

/// `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config {
    /// There is none.
    Absent,
    /// It cannot be read: where and why.
    Unreadable(String),
    /// It can.
    Read {
        /// `cli_auth_credentials_store` at top level.
        store: Option<String>,
        /// `openai_base_url` at top level.
        base_url: Option<String>,
        /// `model_provider` at top level.
        provider: Option<String>,
    },
}

/// Settings and the small stores.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreFacts {
    /// What is wrong with the settings files as a whole.
    pub settings: Vec<String>,
    /// Whether the settings can be read.
    pub settings_state: SettingsState,
    /// Values that do not count as they stand.
    pub faults: Vec<String>,
    /// Each small store, or why it cannot be read at all.
    pub shelf: Vec<(Store, Result<State, String>)>,
}

/// Whether the settings can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SettingsState {
    /// They can, or there are none.
    #[default]
    Readable,
    /// They cannot: defaults count.
    Unreadable,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MachineFacts {
    /// Helpers and routers of the reference: process and kind.
    pub reference: Vec<(u32, String)>,
    /// What the reference left.
    pub leftovers: Vec<Leftover>,
    /// Its bind.
    pub bound: Option<Bound>,
    /// Sessions filed under its provider, or in its temporary homes only.
    pub misfiled: usize,
    /// Our own live proxies: process, kind, port.
    pub proxies: Vec<(u32, String, u16, Answer)>,
    /// Active endpoint overrides: upstream, auth.
    pub overrides: (Option<String>, Option<String>),
    /// How many files this process may open.
    pub descriptors: Option<u64>,
    /// Whether the port of the login is free.
    pub login_port: Option<Port>,
    /// On macOS the official CLI may use the keychain.
    pub has_keychain: bool,
}

/// Whether a live proxy answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It does.
    Given,
    /// It is registered and silent.
    Missing,
}

/// Whether a port can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Free.
    Free,
    /// Somebody listens on it.
    Taken,
}
