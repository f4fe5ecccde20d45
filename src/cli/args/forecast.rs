//! `check`, `forecast` and `best` as clap reads them.

use clap::Args;

use crate::app::flows::survey::Tokens;
use crate::app::goal::{Checking, Choosing, Forecasting};

/// Arguments of `check`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CheckArgs {
    /// Only these accounts: number, e-mail, label, id or a unique beginning of one
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// Renew the tokens of every account, also where they are not due; spends one refresh each
    #[arg(long)]
    pub refresh: bool,
    /// Also ask about accounts that are switched off
    #[arg(long)]
    pub include_disabled: bool,
}

impl From<CheckArgs> for Checking {
    fn from(args: CheckArgs) -> Self {
        let tokens = if args.refresh { Tokens::Always } else { Tokens::WhenDue };
        Self { accounts: args.accounts, off_too: args.include_disabled, tokens }
    }
}

/// Arguments of `forecast`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct ForecastArgs {
    /// Ask the usage endpoint about every account first; spends no quota
    #[arg(long, short = 'l')]
    pub live: bool,
    /// Show all reasons of every account with their points
    #[arg(long)]
    pub explain: bool,
}

impl From<ForecastArgs> for Forecasting {
    fn from(args: ForecastArgs) -> Self {
        Self { live: args.live, explain: args.explain }
    }
}

/// Arguments of `best`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct BestArgs {
    /// Ask the usage endpoint about every account first; spends no quota
    #[arg(long, short = 'l')]
    pub live: bool,
    /// Only say whom it would use
    #[arg(long, conflicts_with = "apply")]
    pub dry_run: bool,
    /// Use it (default)
    #[arg(long)]
    pub apply: bool,
}

impl From<BestArgs> for Choosing {
    fn from(args: BestArgs) -> Self {
        Self { live: args.live, dry_run: args.dry_run }
    }
}
