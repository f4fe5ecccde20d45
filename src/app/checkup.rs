//! What `doctor`, `fix` and `verify` are asked, what they ask for, and what they end with.

use crate::app::flows::{Flow, Ticket, doctor, fix, verify};
use crate::app::goal::Trying;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::checkup::Finding;
use crate::domain::checkup::facts::Facts;
use crate::domain::checkup::repair::{Carried, Repair};

/// One of the commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// `doctor`.
    Doctor(Doctoring),
    /// `fix`.
    Fix(Fixing),
    /// `verify`.
    Verify(Verifying),
    /// `usage rotate`.
    Rotate(Rotating),
}

impl Order {
    /// Its flow.
    pub fn flow(&self, ticket: Ticket) -> Flow {
        match self {
            Self::Doctor(order) => Flow::Doctor(Box::new(doctor::Flow::new(ticket, order.clone()))),
            Self::Fix(order) => Flow::Fix(Box::new(fix::Flow::new(ticket, *order))),
            Self::Verify(order) => {
                Flow::Verify(Box::new(verify::Flow::new(ticket, verify::Kind::Verify(*order))))
            }
            Self::Rotate(order) => {
                Flow::Verify(Box::new(verify::Flow::new(ticket, verify::Kind::Rotate(*order))))
            }
        }
    }

    /// Whether it is asked for what it does, not for what it says.
    pub const fn is_act(&self) -> bool {
        matches!(self, Self::Rotate(_))
    }

    /// The command's word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Doctor(_) => "doctor",
            Self::Fix(_) => "fix",
            Self::Verify(_) => "verify",
            Self::Rotate(_) => "usage rotate",
        }
    }
}

/// How `doctor` looks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Doctoring {
    /// What happens to what it finds.
    pub mode: Mode,
    /// Only these findings; none = all.
    pub only: Vec<String>,
    /// Not these findings.
    pub skip: Vec<String>,
}

/// What happens to findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They are shown.
    #[default]
    Look,
    /// Their repairs are shown (`--fix --dry-run`).
    Show,
    /// Their repairs are carried out (`--fix`).
    Mend,
}

/// How `fix` works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fixing {
    /// Nothing is changed, and the token endpoint is not asked.
    pub dry_run: bool,
    /// The usage endpoint is asked, too.
    pub live: bool,
}

/// What `verify` verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verifying {
    /// Which part.
    pub part: Part,
    /// How flagged accounts are tried.
    pub trying: Trying,
}

/// A part of `verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `--paths`.
    Paths,
    /// `--flagged`.
    Flagged,
    /// `--all`.
    All,
}

impl Part {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paths => "paths",
            Self::Flagged => "flagged",
            Self::All => "all",
        }
    }
}

/// When `usage rotate` lays the ledger by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotating {
    /// A ledger up to this size stays.
    pub if_larger_than: u64,
}

/// What a flow asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Look at everything.
    Examine,
    /// Ask a person, if one is there.
    Ask(Question),
    /// Carry repairs out, in order.
    Carry(Vec<Repair>),
    /// Resolve the paths of the current directory.
    Paths,
    /// Lay the ledger by.
    Rotate(Rotating),
}

/// A question with a safe answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is about to happen.
    pub lines: Vec<String>,
    /// What yes does.
    pub yes: &'static str,
    /// What no does.
    pub no: &'static str,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Everything was looked at.
    Examined(Box<Facts>),
    /// The question was answered.
    Answered(Reply),
    /// Repairs were carried out.
    Carried(Vec<Carried>),
    /// Paths were resolved.
    Paths(Paths),
    /// The ledger was laid by as this file, or there was nothing to lay by.
    Rotated(Result<Option<String>, String>),
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Yes, now or by `--yes`.
    Yes,
    /// No.
    No,
    /// Nobody is there.
    Nobody,
}

/// The paths of the current directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// Each step of their resolution.
    pub steps: Vec<PathStep>,
    /// Paths that must and must not be accepted.
    pub sandbox: Vec<SandboxTest>,
}

/// One step of the resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStep {
    /// What was resolved.
    pub name: &'static str,
    /// From what.
    pub input: Option<String>,
    /// To what; `None` outside a project.
    pub output: Option<String>,
    /// Why not.
    pub error: Option<String>,
}

/// One try at the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxTest {
    /// Its name.
    pub name: &'static str,
    /// The path.
    pub input: String,
    /// Whether it was refused.
    pub rejected: bool,
    /// Whether that is right.
    pub ok: bool,
}

/// What a command ended with.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// `doctor`.
    Doctor(Diagnosis),
    /// `fix`.
    Fix(Fixed),
    /// `verify`.
    Verify(Verified),
    /// `usage rotate`: the archive.
    Rotate(Option<String>),
}

/// What `doctor` found and did.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// The pool file.
    pub storage_path: String,
    /// What happened to the findings.
    pub mode: Mode,
    /// The findings as they stand at the end.
    pub findings: Vec<Finding>,
    /// Repairs that are needed and were not carried out.
    pub open: Vec<Repair>,
    /// Repairs that were.
    pub carried: Vec<Carried>,
    /// Whether a person said no to them.
    pub declined: bool,
    /// Active endpoint overrides: upstream, auth.
    pub overrides: (Option<String>, Option<String>),
}

/// How an account came out of `fix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It works.
    Healthy,
    /// It must sign in again and is switched off.
    Disabled,
    /// Something is wrong, and nothing was changed.
    Warning,
    /// It was switched off before.
    AlreadyDisabled,
}

impl Ending {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Disabled => "disabled-hard-failure",
            Self::Warning => "warning-soft-failure",
            Self::AlreadyDisabled => "already-disabled",
        }
    }
}

/// One account of `fix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedRow {
    /// Which.
    pub key: AccountKey,
    /// 0-based stored position.
    pub index: usize,
    /// As lists show it.
    pub label: String,
    /// How it came out.
    pub ending: Ending,
    /// Kind of the failure (commands.md §1.7).
    pub code: Option<String>,
    /// In words.
    pub message: String,
}

/// What `fix` found and did.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixed {
    /// How it was to work.
    pub fixing: Fixing,
    /// Every account.
    pub rows: Vec<FixedRow>,
    /// Whether tokens or switches changed.
    pub changed: bool,
    /// Whether fresh quota was kept.
    pub measured: bool,
    /// Whom to use, and why.
    pub recommended: (Option<(AccountKey, usize)>, String),
    /// Who was kept on although it is dead, because it is the last one.
    pub kept: Option<String>,
    /// The moment.
    pub at: Moment,
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Which part.
    pub part: Part,
    /// The paths, if asked.
    pub paths: Option<Paths>,
    /// How the flagged accounts came out, if asked.
    pub flagged: Option<Box<crate::app::outcome::Outcome>>,
}
