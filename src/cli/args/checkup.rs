//! `doctor`, `fix` and `verify` as clap reads them.

use clap::{ArgGroup, Args};

use crate::app::checkup::{Doctoring, Fixing, Mode, Order, Part, Verifying};
use crate::app::goal::Trying;

/// Arguments of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DoctorArgs {
    /// Put right what can be put right, after showing it
    #[arg(long)]
    pub fix: bool,
    /// With --fix: only show what would be done
    #[arg(long, short = 'n', requires = "fix")]
    pub dry_run: bool,
    /// Only these findings, by their words
    #[arg(long, value_name = "FINDING", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Not these findings
    #[arg(long, value_name = "FINDING", value_delimiter = ',')]
    pub skip: Vec<String>,
}

impl From<DoctorArgs> for Order {
    fn from(args: DoctorArgs) -> Self {
        let mode = match (args.fix, args.dry_run) {
            (false, _) => Mode::Look,
            (true, true) => Mode::Show,
            (true, false) => Mode::Mend,
        };
        Self::Doctor(Doctoring { mode, only: args.only, skip: args.skip })
    }
}

/// Arguments of `fix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct FixArgs {
    /// Change nothing and never ask the token endpoint
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Ask the usage endpoint about every account, too; spends no quota
    #[arg(long, short = 'l')]
    pub live: bool,
}

impl From<FixArgs> for Order {
    fn from(args: FixArgs) -> Self {
        Self::Fix(Fixing { dry_run: args.dry_run, live: args.live })
    }
}

/// Arguments of `verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
#[command(group(ArgGroup::new("part").required(true).args(["paths", "flagged", "all"])))]
pub struct VerifyArgs {
    /// How the current directory's project and its paths are found
    #[arg(long)]
    pub paths: bool,
    /// Whether accounts that were set aside work again, as `verify-flagged` does
    #[arg(long)]
    pub flagged: bool,
    /// Both
    #[arg(long)]
    pub all: bool,
    /// Only show which flagged accounts would be tried; never asks the token endpoint
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Leave accounts that work again flagged, with their new tokens
    #[arg(long)]
    pub no_restore: bool,
}

impl From<VerifyArgs> for Order {
    fn from(args: VerifyArgs) -> Self {
        let part = match (args.all, args.flagged) {
            (true, _) => Part::All,
            (false, true) => Part::Flagged,
            (false, false) => Part::Paths,
        };
        let trying = Trying { dry_run: args.dry_run, no_restore: args.no_restore };
        Self::Verify(Verifying { part, trying })
    }
}
