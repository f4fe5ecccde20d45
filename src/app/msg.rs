//! What happened. Past tense, plain data; grouped by where it came from.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::flows::Ticket;
pub use crate::app::flows::login::LoginMsg;
use crate::app::input::Input;
use crate::app::keys::Table;
use crate::domain::account::AccountKey;
use crate::domain::capability::Capabilities;
use crate::domain::chronicle::Chronicle;
use crate::domain::facts::{PeerStatus, ProxyFact};
pub use crate::domain::launch::Planned;
use crate::domain::policy::account::{Changed, Policies};
use crate::domain::policy::compose::Governance;
use crate::domain::problem::Problem;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::recovery::Loaded;
use crate::domain::refresh::Outcome as Refreshed;
use crate::domain::selection::explain::Decision;
use crate::domain::selection::replay::Kept;
use crate::domain::settings::act::Done;
use crate::domain::settings::report::{Report, Saved};
use crate::domain::shelf::Found;
use crate::domain::stock::Item;
use crate::domain::survey::Unread;
use crate::domain::usage::entry::Entry;
use crate::domain::usage::reading::Reading;
use crate::domain::vault::Answer;

/// One message of the loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// The person did something.
    Input(Input),
    /// Time passed.
    Ticked,
    /// The time of `--timeout` is over.
    Elapsed,
    /// From the store.
    Store(StoreMsg),
    /// From the back end.
    Upstream(UpstreamMsg),
    /// From the token endpoint.
    Auth(AuthMsg),
    /// From the official CLI's home or process.
    Codex(CodexMsg),
    /// From a sign-in.
    Login(Ticket, LoginMsg),
    /// From live proxies.
    Peers(PeersMsg),
    /// The local bridge, or the keys of its clients.
    Bridge(Ticket, crate::app::bridge::Heard),
    /// Kept sessions of the official CLI were listed or filed anew.
    History(Ticket, crate::app::history::Heard),
    /// The switch, the bind and the services were looked at or changed.
    Rotation(Ticket, crate::app::rotation::Heard),
    /// A chore was done, or looked at.
    Chored(Ticket, Box<crate::domain::chore::Done>),
    /// What we put on this machine was removed, or looked at.
    Uninstalled(Ticket, Box<crate::domain::uninstall::Uninstalled>),
    /// From a look at everything, or its mending.
    Checkup(Ticket, crate::app::checkup::Heard),
    /// From services of this process.
    Service(ServiceMsg),
    /// A signal to this process.
    Signal(Signal),
    /// A question was answered, or nobody could be asked.
    Answered(Ticket, Reply),
    /// An outcome in words.
    Worded(Box<crate::app::outcome::Outcome>, String),
    /// The end of our own log was read.
    Log(Box<crate::domain::log::Tail>),
    /// A report was written to this file, or why not.
    Filed(std::path::PathBuf, Option<String>),
    /// No tool of the platform took this text for the clipboard.
    NotCopied(crate::base::Secret),
}

/// The answer to a question on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Do it; also when `--yes` answered in advance.
    Yes,
    /// Leave it.
    No,
    /// Nobody is there to ask.
    Nobody,
}

/// From the store.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreMsg {
    /// The pool was read or changed on disk.
    Loaded(Result<Loaded, Problem>),
    /// Settings were read.
    Settings(Arc<Report>),
    /// A change of settings ended.
    Configured(Ticket, Result<Saved, Problem>),
    /// The settings file was edited, or a template written.
    ConfigFile(Ticket, Result<Done, Problem>),
    /// The policies were read, or changed on disk.
    Policies(Found<Policies>),
    /// Profiles and budgets were read with what was used of them, or why they cannot be.
    Ruled(Result<Arc<Governance>, String>),
    /// A budget or a profile was changed; all of them, and whether anything changed.
    RuleSet(Ticket, Result<(Arc<Governance>, Changed), Problem>),
    /// A policy was changed; all of them, and whether anything changed.
    PolicySet(Ticket, Result<(Policies, Changed), Problem>),
    /// The quota cache was read.
    Quota(BTreeMap<AccountKey, Snapshot>),
    /// What is remembered of accounts was read.
    Chronicle(Box<Chronicle>),
    /// What traffic taught about models was read.
    Capabilities(Arc<Capabilities>),
    /// Files and folders were looked at.
    Stock(Vec<Item>),
    /// Ledger rows were read, oldest first.
    Usage(Vec<Entry>),
    /// The ledger was summed up; with what is wrong with the user's prices.
    Summed(Ticket, Box<Result<(Reading, Option<String>), Problem>>),
    /// An act on copies, deletions or the flagged pool ended.
    Vault(Ticket, Box<Result<Answer, Problem>>),
    /// The theme file or `keys.toml` is another one, or was read for the first time.
    Looks(Box<Looks>),
    /// A commit ended; the pool as it stands now.
    Committed(Ticket, Result<Loaded, Problem>),
}

/// How screens look and what keys mean, as files of the user say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looks {
    /// The keys.
    pub keys: Table,
    /// What is wrong with the files, for people.
    pub notes: Vec<String>,
}

/// From the back end.
#[derive(Debug, Clone, PartialEq)]
pub enum UpstreamMsg {
    /// The usage endpoint answered for an account.
    Usage(Ticket, AccountKey, Box<Result<Snapshot, Unread>>),
    /// A model answered for an account, with the quota that its headers told, or not.
    Probed(Ticket, AccountKey, Result<Vec<Snapshot>, Unread>),
}

/// From the token endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum AuthMsg {
    /// A refresh ended.
    Refreshed(Ticket, AccountKey, Refreshed),
}

/// What became of writing the selection into the official CLI's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirrored {
    /// `auth.json` holds the account now.
    Written,
    /// It does, but the official CLI's own setting makes plain launches read another store, named here; forwarded
    /// sessions use the file.
    WrittenBeside(String),
    /// It already did.
    Unchanged,
    /// A forwarded session runs on that home: written when the last one ends.
    Deferred,
    /// Not allowed by setting, or nothing complete to write; why.
    Skipped(String),
    /// It went wrong; the file is as it was.
    Failed(String),
}

/// From the official CLI's home or process.
#[derive(Debug, Clone, PartialEq)]
pub enum CodexMsg {
    /// The selection was written, or not.
    Mirrored(Ticket, Mirrored),
    /// A launch was decided before the proxy exists.
    Planned(Ticket, Result<Planned, Problem>),
    /// The preflight ended; a line for stderr, if any.
    Preflighted(Ticket, Result<Vec<String>, Problem>),
    /// The child ended with this exit code (128 + n for a signal), or could not be started.
    Ended(Ticket, Result<i32, Problem>),
}

/// From live proxies.
#[derive(Debug, Clone, PartialEq)]
pub enum PeersMsg {
    /// All live proxies of this root, with their state.
    Seen(Vec<PeerStatus>),
    /// A kept decision by the name that was asked for; `None` when none has it.
    Recalled(Ticket, String, Option<Box<Kept>>),
    /// A live proxy's answer to a question; `None` when none is alive.
    Next(Ticket, Option<Decision>),
    /// What a live proxy made of a wish for a session, in words: done, or why not.
    Steered(Result<String, String>),
}

/// From services of this process.
#[derive(Debug, Clone, PartialEq)]
pub enum ServiceMsg {
    /// A fact of our own proxy.
    Fact(ProxyFact),
    /// Our own proxy ended; masked text when it failed.
    Exited(Result<(), String>),
    /// Our own proxy listens under this address; the prefix is inside the secrets.
    Listening {
        /// Port.
        port: u16,
        /// `http://127.0.0.1:PORT/<secret>/backend-api/codex`
        base_url: crate::base::Secret,
        /// `http://127.0.0.1:PORT/<secret>/oauth/token`
        refresh_url: crate::base::Secret,
    },
}

/// A signal to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    HangUp,
    /// SIGCONT after a stop.
    Continued,
}

impl Signal {
    /// Its number on Unix.
    pub const fn number(self) -> u8 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
            Self::HangUp => 1,
            Self::Continued => 18,
        }
    }
}
