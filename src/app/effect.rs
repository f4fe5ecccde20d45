//! What to do. Imperative, plain data; grouped by the port that performs it.

use crate::app::flows::Ticket;
pub use crate::app::flows::login::LoginEffect;
use crate::app::options::Form;
use crate::app::outcome::Outcome;
use crate::base::{Moment, Secret};
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::facts::Steer;
pub use crate::domain::launch::Through;
use crate::domain::policy::account::PolicyEdit;
use crate::domain::policy::edit::RuleEdit;
use crate::domain::problem::Exit;
use crate::domain::refresh::Reason;
use crate::domain::selection::Ask;
use crate::domain::settings::act::Act;
use crate::domain::settings::edit::Edit;
use crate::domain::usage::reading;
use crate::domain::vault;

/// Effects of one update, in order.
pub type Effects = Vec<Effect>;

/// One effect.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Files.
    Store(StoreEffect),
    /// Token endpoint.
    Auth(AuthEffect),
    /// Back end.
    Upstream(UpstreamEffect),
    /// Official CLI.
    Codex(CodexEffect),
    /// Live proxies.
    Peers(PeersEffect),
    /// One question on the terminal, of a command that runs there.
    Ask(Ticket, Box<Query>),
    /// Signing in.
    Login(Ticket, LoginEffect),
    /// The desktop and the terminal.
    Desktop(DesktopEffect),
    /// Everything at once: looking and mending.
    Checkup(Ticket, crate::app::checkup::Act),
    /// The local bridge and the keys of its clients.
    Bridge(Ticket, crate::app::bridge::Order),
    /// Kept sessions of the official CLI.
    History(Ticket, crate::app::history::Act),
    /// The switch, the bind and the services.
    Rotation(Ticket, crate::app::rotation::Act),
    /// The launcher and the first-run set-up.
    Chore(Ticket, crate::domain::chore::Chore),
    /// Remove what we put on this machine, or look.
    Uninstall(Ticket, crate::domain::uninstall::Wish),
    /// A line on stderr, now (forwarder notes, recovery announcements).
    Tell(String),
    /// A line on stdout, now (`serve`'s address). Holds the prefix, hence secret.
    Announce(Secret),
    /// Abort what runs under a ticket.
    Cancel(Ticket),
    /// End the program.
    Exit(Exit),
}

/// One question on the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Yes or no; no is the default.
    YesNo {
        /// What it means, line by line.
        lines: Vec<String>,
        /// What a yes does.
        act: &'static str,
    },
    /// Whether a person agrees; `--yes` does not answer it.
    Agree {
        /// To what, line by line.
        lines: Vec<String>,
    },
    /// A word to be typed in full.
    Word {
        /// What it means, line by line.
        lines: Vec<String>,
        /// The word.
        word: &'static str,
    },
}

/// Files.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreEffect {
    /// Read the pool.
    Load,
    /// Read the settings.
    Settings,
    /// Change settings.
    Configure(Ticket, Vec<Edit>),
    /// Edit the settings file as a whole, or write a template.
    ConfigFile(Ticket, Act),
    /// Look which files and folders there are.
    Stock,
    /// Read the policies.
    Policies,
    /// Read profiles and budgets, with what was used of these.
    Rules,
    /// Change one account's policy.
    Policy(Ticket, AccountKey, PolicyEdit),
    /// Change a budget or a routing profile.
    Rule(Ticket, Box<RuleEdit>),
    /// Read the quota cache.
    Quota,
    /// Read what is remembered of accounts.
    Chronicle,
    /// Read what traffic taught about models.
    Capabilities,
    /// Read the ledger since a moment.
    Usage(Moment),
    /// Sum the ledger up.
    Sum(Ticket, Box<reading::Query>),
    /// Change the pool; one ordered queue, so two commits never overtake each other.
    Commit(Ticket, Vec<Change>),
    /// Keep, bring back, move or delete accounts and their copies.
    Vault(Ticket, Box<vault::Act>),
    /// Remember the screen's state (tab, sort).
    Remember(String),
}

/// Token endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum AuthEffect {
    /// Bring an account's tokens up to date.
    Refresh(Ticket, AccountKey, Reason),
}

/// Back end.
#[derive(Debug, Clone, PartialEq)]
pub enum UpstreamEffect {
    /// Ask the usage endpoint for one account.
    Usage(Ticket, AccountKey),
    /// Ask a model for a short answer on one account, any that the plan has when none is named; spends quota.
    Probe(Ticket, AccountKey, Option<String>),
}

/// Official CLI.
#[derive(Debug, Clone, PartialEq)]
pub enum CodexEffect {
    /// Write the selected account into the official CLI's files.
    Mirror(Ticket, AccountKey),
    /// Decide about a launch.
    Plan(Ticket, Vec<std::ffi::OsString>),
    /// Check `auth.json`'s account and repair or replace it.
    Preflight(Ticket),
    /// Start the child, through the proxy at these addresses or plainly; it owns the terminal until it ends.
    Launch(Ticket, Vec<std::ffi::OsString>, Option<Through>),
}

/// Live proxies.
#[derive(Debug, Clone, PartialEq)]
pub enum PeersEffect {
    /// Look once.
    Look,
    /// Ask a live proxy who would serve.
    Next(Ticket, Ask),
    /// Look for a kept decision.
    Recall(Ticket, String),
    /// Tell all to re-read the pool.
    Reload,
    /// Tell a proxy what the user wants of a session.
    Steer {
        /// The proxy's process.
        pid: u32,
        /// First characters of the session's hash.
        session: String,
        /// What.
        steer: Steer,
    },
}

/// The desktop and the terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum DesktopEffect {
    /// Put text on the clipboard, through a tool of the platform. Never a token.
    Copy(Secret),
    /// Put it there through the terminal (OSC 52), because no tool took it.
    CopyByTerminal(Secret),
    /// Put the document a command would print on the clipboard.
    CopyReport(Box<Outcome>),
    /// Have an outcome put into words; they come back as a message.
    Tell(Box<Outcome>),
    /// Write the report of an outcome to the file that was asked for.
    File(Box<Outcome>),
    /// Write what a command would print to a file that is not there yet.
    Save(Box<Outcome>, std::path::PathBuf, Form),
    /// Ring or notify.
    Bell,
    /// Stop the process until it is continued (Ctrl-Z).
    Suspend,
    /// Clear and draw everything anew.
    Redraw,
    /// Mouse capture on or off.
    Mouse(Capture),
}

/// Whether the mouse is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Capture {
    /// Ours.
    #[default]
    On,
    /// The terminal's.
    Off,
}
