//! `backup`, `export`, `import`, `account`, `flagged` and `sync` as clap reads them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::app::flows::login::Request;
use crate::app::flows::policy::Order;
use crate::app::flows::vault::{Errand, label};
use crate::app::goal::Command;
use crate::app::options::Form;
use crate::cli::args::login::LoginArgs;
use crate::cli::args::policy::{self, Noted, PolicyWord, Tagged, Weighed, Whom};
use crate::domain::account::Switch;
use crate::domain::backup::Name;
use crate::domain::login::paste::Typist;
use crate::domain::policy::account::PolicyEdit;
use crate::domain::problem::{Exit, Problem};
use crate::domain::terms::{self, Consent};
use crate::domain::vault::{Copies, Existing, Run};

/// A word behind `backup`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum BackupWord {
    /// Show every copy of the pool: your own, hourly and daily ones, the last three saves
    List,
    /// Copy the pool under a name
    Create {
        /// Letters, digits, - and _; by date and time when left out
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Read copies again and say which are good
    Verify {
        /// Only this one
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Replace the pool by a copy; newer tokens stay and the pool is copied first (asks)
    Restore {
        /// Which copy, as `backup list` calls it
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Delete one of your own copies (asks)
    Delete {
        /// Which copy, as `backup list` calls it
        #[arg(value_name = "NAME")]
        name: String,
    },
}

impl BackupWord {
    /// What it asks for.
    ///
    /// # Errors
    /// `bad-argument` for a name that is none.
    pub fn errand(self) -> Result<Errand, Problem> {
        Ok(match self {
            Self::List => Errand::Backups,
            Self::Create { name } => Errand::Create(name.as_deref().map(Name::parse).transpose()?),
            Self::Verify { name } => Errand::Verify(name),
            Self::Restore { name } => Errand::Restore(name),
            Self::Delete { name } => Errand::Delete(name),
        })
    }
}

/// Arguments of `export`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExportArgs {
    /// Where to; a new file in this folder when left out. It holds tokens: keep it as you keep passwords
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// Replace a file that is already there
    #[arg(long)]
    pub force: bool,
}

impl From<ExportArgs> for Errand {
    fn from(args: ExportArgs) -> Self {
        Self::Export(args.path, if args.force { Existing::Replaced } else { Existing::Kept })
    }
}

/// Arguments of `import`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImportArgs {
    /// A pool file: an export, a backup, or the pool of another computer
    #[arg(value_name = "PATH", required_unless_present = "scan", conflicts_with = "scan")]
    pub path: Option<PathBuf>,
    /// Look for sign-ins of other programs on this computer, and take over those that are new or newer
    #[arg(long)]
    pub scan: bool,
    /// Look there instead of the usual places; may be repeated
    #[arg(long, value_name = "PATH", requires = "scan")]
    pub from: Vec<PathBuf>,
    /// Only say what would be added, updated and skipped
    #[arg(long, short = 'n')]
    pub dry_run: bool,
}

impl ImportArgs {
    /// What it asks for.
    pub fn errand(self, consent: Consent) -> Errand {
        let run = if self.dry_run { Run::Dry } else { Run::Real };
        match self.path {
            Some(path) => Errand::Import(path, run, consent),
            None => Errand::Scan(self.from, run, consent),
        }
    }
}

/// Arguments of `account relogin`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReloginArgs {
    /// Number, e-mail, label, id or a unique beginning of one
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// How to sign in.
    #[command(flatten)]
    pub login: LoginArgs,
}

impl ReloginArgs {
    /// What is asked for.
    ///
    /// # Errors
    /// `bad-argument` when the workspace cannot be required.
    pub fn request(self, consent: terms::Consent, typist: Typist, form: Form) -> Result<Request, Problem> {
        Ok(Request { whom: Some(self.account), ..self.login.request(consent, typist, form)? })
    }

    fn command(self) -> Result<Command, Problem> {
        Ok(Command::Login(self.request(terms::Consent::Unsaid, Typist::Script, Form::Text)?))
    }
}

/// A word behind `account`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AccountWord {
    /// Delete an account, or all of them; a backup is made first (asks)
    Remove {
        /// Number, e-mail, label, id or a unique beginning of one
        #[arg(value_name = "ACCOUNT", required_unless_present = "all", conflicts_with = "all")]
        account: Option<String>,
        /// Delete every account
        #[arg(long)]
        all: bool,
        /// With --all: make no backup, and delete the snapshots, too
        #[arg(long, requires = "all", conflicts_with = "account")]
        purge: bool,
    },
    /// Let an account take part again
    Enable {
        /// Number, e-mail, label, id or a unique beginning of one
        #[arg(value_name = "ACCOUNT")]
        account: String,
    },
    /// Take an account out of rotation without deleting it
    Disable {
        /// Number, e-mail, label, id or a unique beginning of one
        #[arg(value_name = "ACCOUNT")]
        account: String,
    },
    /// Give an account a name of your own
    Label {
        /// Number, e-mail, label, id or a unique beginning of one
        #[arg(value_name = "ACCOUNT")]
        account: String,
        /// The name
        #[arg(value_name = "TEXT", required_unless_present = "clear", conflicts_with = "clear")]
        text: Vec<String>,
        /// Take the name away
        #[arg(long)]
        clear: bool,
    },
    /// Sign in to an account again: its place, name and wishes stay, only its session is new
    Relogin(ReloginArgs),
    /// No traffic on an account until it is unpaused
    Pause(Whom),
    /// Traffic again
    Unpause(Whom),
    /// No new sessions on an account; those on it may finish
    Drain(Whom),
    /// New sessions again
    Undrain(Whom),
    /// Give an account a tag
    Tag(Tagged),
    /// Take a tag away
    Untag(Tagged),
    /// Prefer an account, or the others
    Weight(Weighed),
    /// Keep a note on an account
    Note(Noted),
    /// Show what is wanted of accounts
    #[command(subcommand)]
    Policy(PolicyWord),
}

impl AccountWord {
    /// What it asks for.
    ///
    /// # Errors
    /// `bad-argument` for a label or a tag that is none, `out-of-range` for a weight that is none.
    pub fn command(self) -> Result<Command, Problem> {
        Ok(Command::Vault(match self {
            Self::Remove { account: Some(account), .. } => Errand::Remove(account),
            Self::Remove { account: None, purge, .. } => {
                Errand::Clear(if purge { Copies::Purged } else { Copies::Kept })
            }
            Self::Enable { account } => Errand::Turn(account, Switch::On),
            Self::Disable { account } => Errand::Turn(account, Switch::Off),
            Self::Label { account, clear: true, .. } => Errand::Label(account, None),
            Self::Label { account, text, .. } => match label(&text.join(" "))? {
                Some(label) => Errand::Label(account, Some(label)),
                None => return Err(Problem::new("bad-argument", Exit::Usage, "the label is empty")),
            },
            // It is a sign-in: the dispatcher makes one of it before it comes here.
            Self::Relogin(again) => return again.command(),
            Self::Pause(whom) => return Ok(ruled(policy::held(whom, PolicyEdit::Pause, Switch::On))),
            Self::Unpause(whom) => return Ok(ruled(policy::held(whom, PolicyEdit::Pause, Switch::Off))),
            Self::Drain(whom) => return Ok(ruled(policy::held(whom, PolicyEdit::Drain, Switch::On))),
            Self::Undrain(whom) => return Ok(ruled(policy::held(whom, PolicyEdit::Drain, Switch::Off))),
            Self::Tag(tagged) => return Ok(ruled(policy::tagged(tagged, PolicyEdit::Tag)?)),
            Self::Untag(tagged) => return Ok(ruled(policy::tagged(tagged, PolicyEdit::Untag)?)),
            Self::Weight(weighed) => return Ok(ruled(policy::weighed(weighed)?)),
            Self::Note(noted) => return Ok(ruled(policy::noted(noted))),
            Self::Policy(PolicyWord::List) => {
                return Ok(Command::Policy(Order::List, "account policy list"));
            }
        }))
    }
}

fn ruled(order: Order) -> Command {
    Command::Policy(order, "account")
}

/// A word behind `flagged`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum FlaggedWord {
    /// Show the accounts that were set aside because their sign-in was refused
    List,
    /// Delete accounts that were set aside (asks)
    Remove {
        /// Number in `flagged list`, e-mail, label, id or a unique beginning of one
        #[arg(value_name = "ACCOUNT", required = true)]
        accounts: Vec<String>,
    },
}

impl From<FlaggedWord> for Errand {
    fn from(word: FlaggedWord) -> Self {
        match word {
            FlaggedWord::List => Self::Flagged,
            FlaggedWord::Remove { accounts } => Self::Unflag(accounts),
        }
    }
}

/// A word behind `sync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum SyncWord {
    /// Say what would be added and updated there; nothing is written
    Preview,
    /// Write it, after a copy of the pool there (asks)
    Apply,
}

impl From<SyncWord> for Errand {
    fn from(word: SyncWord) -> Self {
        Self::Sync(match word {
            SyncWord::Preview => Run::Dry,
            SyncWord::Apply => Run::Real,
        })
    }
}
