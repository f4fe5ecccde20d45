//! `usage`, `usage rotate` and `models` as clap reads them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::app::checkup::{Order, Rotating};
use crate::app::flows::models;
use crate::app::flows::usage::{Asked, Shape};
use crate::domain::usage::reading;

/// Arguments of `usage`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct UsageArgs {
    /// What to do with the ledger
    #[command(subcommand)]
    pub act: Option<UsageAct>,
    /// Not before: 45m, 24h, 7d, 2w ago, a date (UTC) or Unix milliseconds
    #[arg(long, value_name = "TIME", visible_alias = "last")]
    pub since: Option<String>,
    /// Before: the same forms
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Group by model, account, project, outcome, day or hour
    #[arg(long, value_enum, default_value_t, value_name = "GROUP")]
    pub by: By,
    /// Leave the archives of rotated ledgers out
    #[arg(long)]
    pub current_only: bool,
    /// Comma-separated values with a header
    #[arg(long, conflicts_with_all = ["format", "ndjson"])]
    pub csv: bool,
    /// One JSON object per group and line
    #[arg(long, conflicts_with = "format")]
    pub ndjson: bool,
    /// Write the report to this file
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Print a new report every few seconds; with --json one document per line
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2",
        conflicts_with = "out",
        value_parser = clap::value_parser!(u32).range(1..=3_600)
    )]
    pub watch: Option<u32>,
}

/// What rows are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum By {
    /// Model
    #[default]
    Model,
    /// Account
    Account,
    /// Project
    Project,
    /// Success, failure, blocked, cancelled
    Outcome,
    /// Day, UTC
    Day,
    /// Hour, UTC
    Hour,
}

impl From<By> for reading::By {
    fn from(by: By) -> Self {
        match by {
            By::Model => Self::Model,
            By::Account => Self::Account,
            By::Project => Self::Project,
            By::Outcome => Self::Outcome,
            By::Day => Self::Day,
            By::Hour => Self::Hour,
        }
    }
}

/// Shape of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One document
    Json,
    /// Comma-separated values
    Csv,
    /// One JSON object per line
    Ndjson,
}

/// Rows of the ledger that a document holds; the groups hold all.
const ROWS: usize = 1_000;

impl UsageArgs {
    /// Whether rows for another program are wanted, by a flag of this command or by `--format`.
    pub fn shape(&self, format: Option<Format>) -> Shape {
        match format {
            Some(Format::Csv) => Shape::Csv,
            Some(Format::Ndjson) => Shape::Ndjson,
            Some(Format::Text | Format::Json) | None if self.csv => Shape::Csv,
            Some(Format::Text | Format::Json) | None if self.ndjson => Shape::Ndjson,
            Some(Format::Text | Format::Json) | None => Shape::Text,
        }
    }

    /// What is asked for.
    pub fn asked(self, json: bool, format: Option<Format>) -> Asked {
        Asked {
            rows: if json { ROWS } else { 0 },
            shape: self.shape(format),
            since: self.since,
            until: self.until,
            by: self.by.into(),
            current_only: self.current_only,
        }
    }
}

/// What to do with the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum UsageAct {
    /// Lay the usage ledger by under a name that says when
    Rotate {
        /// Only a ledger larger than this
        #[arg(long, value_name = "N", default_value_t = 0)]
        if_larger_than_bytes: u64,
    },
}

impl From<UsageAct> for Order {
    fn from(act: UsageAct) -> Self {
        let UsageAct::Rotate { if_larger_than_bytes } = act;
        Self::Rotate(Rotating { if_larger_than: if_larger_than_bytes })
    }
}

/// Arguments of `models`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ModelsArgs {
    /// Only these models, under any of their names
    #[arg(long = "model", value_name = "MODEL")]
    pub models: Vec<String>,
    /// Only this account: number, e-mail, label, id or a unique beginning of one
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Only what can be served now
    #[arg(long)]
    pub available: bool,
}

impl From<ModelsArgs> for models::Asked {
    fn from(args: ModelsArgs) -> Self {
        Self { models: args.models, account: args.account, available: args.available }
    }
}
