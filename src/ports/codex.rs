//! The official CLI on this machine.

use std::future::Future;
use std::path::PathBuf;

use crate::domain::launch::LaunchPlan;
use crate::domain::problem::Problem;

/// Where the official CLI is and what it calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Official {
    /// The native binary where one could be found, else the script.
    pub path: PathBuf,
    /// Its interpreter arguments, when a script must be run through `node`.
    pub through: Option<PathBuf>,
    /// `--version`, when known.
    pub version: Option<String>,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// Finds and runs the official CLI.
pub trait Codex: Clone + Send + Sync + 'static {
    /// Finds the official CLI (forwarder.md §6).
    fn find(&self) -> impl Future<Output = Result<Official, Problem>> + Send;
    /// Runs a plan; the child owns the terminal until it ends.
    fn launch(&self, plan: LaunchPlan) -> impl Future<Output = Result<Ended, Problem>> + Send;
}
