//! `doctor`, `fix` and `verify` as clap reads them.

use clap::Args;

use crate::app::checkup::{Doctoring, Fixing, Mode, Order, Part, Verifying};

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
#[group(required = true, multiple = false)]
pub struct VerifyArgs {
    /// How the current directory's project and its paths are found
    #[arg(long)]
    pub paths: bool,
}

impl From<VerifyArgs> for Order {
    fn from(_: VerifyArgs) -> Self {
        Self::Verify(Verifying { part: Part::Paths })
    }
}
