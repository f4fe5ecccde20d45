//! `check`, `forecast`, `best`, `report`, `verify-flagged` and `workspace` as clap reads them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::app::flows::survey::Tokens;
use crate::app::goal::{
    Checking, Choosing, Forecasting, Identities, Named, Overlay, Probe, Reach, Reporting, Seating, Trying,
};
use crate::domain::model::table;
use crate::domain::problem::{Exit, Hint, Problem};

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
    /// Then carry out the safe repairs, as `fix --live` does
    #[arg(long, conflicts_with_all = ["accounts", "refresh", "include_disabled"])]
    pub fix: bool,
}

impl From<CheckArgs> for Checking {
    fn from(args: CheckArgs) -> Self {
        let tokens = if args.refresh { Tokens::Always } else { Tokens::WhenDue };
        Self { accounts: args.accounts, off_too: args.include_disabled, tokens }
    }
}

/// What a live look asks beside the usage endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Probing {
    /// A model, for a short answer; spends quota
    Model,
}

/// How a forecast looks ahead.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct LookArgs {
    /// Ask the usage endpoint about every account first; spends no quota
    #[arg(long, short = 'l')]
    live: bool,
    /// Look ahead for this model
    #[arg(long, short = 'm', value_name = "MODEL")]
    model: Option<String>,
    /// Take a model that nobody knows as it is typed
    #[arg(long, requires = "model")]
    allow_unknown: bool,
    /// With --live: also ask a model for an answer on each account, which spends quota (asks)
    #[arg(long, value_enum, value_name = "WHAT", requires = "live")]
    probe: Option<Probing>,
    /// Only what the files say, whatever a running proxy knows
    #[arg(long)]
    no_runtime_overlay: bool,
}

impl LookArgs {
    fn forecasting(self) -> Result<Forecasting, Problem> {
        let model = self.model.map(|model| named(&model, self.allow_unknown)).transpose()?;
        Ok(Forecasting {
            live: self.live,
            explain: false,
            overlay: if self.no_runtime_overlay { Overlay::Off } else { Overlay::On },
            model,
            probe: if self.probe.is_some() { Probe::Model } else { Probe::Off },
            reach: Reach::default(),
        })
    }
}

fn named(requested: &str, allow_unknown: bool) -> Result<Named, Problem> {
    let name = match table::known(requested) {
        Some(known) => known.name.to_owned(),
        None if allow_unknown && !requested.trim().is_empty() => requested.trim().to_owned(),
        None => {
            let all: Vec<&str> = table::ALL.iter().map(|profile| profile.name).collect();
            return Err(Problem::new(
                "unknown-model",
                Exit::Usage,
                format!("no model is called `{requested}`"),
            )
            .because(format!("known are {}", all.join(", ")))
            .hint(Hint::Say("Add --allow-unknown to take it as it is typed".to_owned())));
        }
    };
    Ok(Named { requested: requested.to_owned(), name })
}

/// Arguments of `forecast`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ForecastArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Show all reasons of every account with their points
    #[arg(long)]
    pub explain: bool,
}

impl ForecastArgs {
    /// What it asks for.
    ///
    /// # Errors
    /// `unknown-model`.
    pub fn forecasting(self) -> Result<Forecasting, Problem> {
        Ok(Forecasting { explain: self.explain, ..self.look.forecasting()? })
    }
}

/// Arguments of `best`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BestArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Only say whom it would use
    #[arg(long, conflicts_with = "apply")]
    pub dry_run: bool,
    /// Use it, also on a terminal without opening the dashboard
    #[arg(long)]
    pub apply: bool,
}

impl BestArgs {
    /// What it asks for.
    ///
    /// # Errors
    /// `unknown-model`.
    pub fn choosing(self) -> Result<Choosing, Problem> {
        Ok(Choosing { dry_run: self.dry_run, forecasting: self.look.forecasting()? })
    }
}

/// Arguments of `report`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Show all reasons of every account with their points
    #[arg(long)]
    pub explain: bool,
    /// With --live: ask about so many accounts at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_accounts: Option<u32>,
    /// With --live: make so many requests to the usage endpoint at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_probes: Option<u32>,
    /// With --live: leave out accounts whose tokens would have to be renewed
    #[arg(long)]
    pub cached_only: bool,
    /// Write the JSON document to this file, too
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
}

impl ReportArgs {
    /// What it asks for.
    ///
    /// # Errors
    /// `unknown-model`.
    pub fn reporting(self, identities: Identities) -> Result<Reporting, Problem> {
        let count = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
        let reach = Reach {
            accounts: count(self.max_accounts),
            questions: count(self.max_probes),
            cached_only: self.cached_only,
        };
        let forecasting = Forecasting { explain: self.explain, reach, ..self.look.forecasting()? };
        Ok(Reporting { forecasting, out: self.out, identities })
    }
}

/// Arguments of `verify-flagged`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct TryArgs {
    /// Only show what would be tried; never asks the token endpoint
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Leave accounts that work again flagged, with their new tokens
    #[arg(long)]
    pub no_restore: bool,
}

impl From<TryArgs> for Trying {
    fn from(args: TryArgs) -> Self {
        Self { dry_run: args.dry_run, no_restore: args.no_restore }
    }
}

/// Arguments of `workspace`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct WorkspaceArgs {
    /// Number, e-mail, label, id or a unique beginning of one
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// Use this workspace; without it they are listed
    #[arg(value_name = "WORKSPACE", value_parser = clap::value_parser!(u32).range(1..))]
    pub workspace: Option<u32>,
}

impl From<WorkspaceArgs> for Seating {
    fn from(args: WorkspaceArgs) -> Self {
        let workspace = args.workspace.and_then(|number| usize::try_from(number).ok());
        Self { account: args.account, workspace }
    }
}
