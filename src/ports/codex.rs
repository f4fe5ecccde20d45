//! The official CLI on this machine.

use std::future::Future;
use std::path::PathBuf;

use crate::base::Moment;
use crate::domain::launch::LaunchPlan;
use crate::domain::problem::Problem;

/// Where the official CLI is and what it calls itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Official {
    /// The native binary where one could be found, else the script.
    pub path: PathBuf,
    /// The interpreter, when the path is a script that must be run through one.
    pub through: Option<PathBuf>,
    /// The version, when it is known without asking the program.
    pub version: Option<String>,
    /// What the package's own start script would set for the native binary.
    pub set_env: Vec<(String, String)>,
    /// What it would remove.
    pub unset_env: Vec<String>,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Code(i32),
    /// By a signal, or after one that was relayed to it.
    Signal(i32),
}

impl Ended {
    /// The exit code that passes it on.
    pub const fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(number) => 128 + number,
        }
    }
}

/// Finds and runs the official CLI.
pub trait Codex: Clone + Send + Sync + 'static {
    /// Finds the official CLI (forwarder.md §6).
    fn find(&self) -> impl Future<Output = Result<Official, Problem>> + Send;
    /// Runs a plan; the child owns the terminal until it ends. To be polled on the main thread: the
    /// child's parent-death signal is bound to the thread that starts it.
    fn launch(&self, plan: LaunchPlan) -> impl Future<Output = Result<Ended, Problem>> + Send;
    /// Whether this workspace with this token (its hash) was seen alive since `since`.
    fn was_alive(
        &self,
        workspace: &str,
        token_hash: &str,
        since: Moment,
    ) -> impl Future<Output = bool> + Send;
    /// Remembers that it is alive.
    fn is_alive(&self, workspace: &str, token_hash: &str, at: Moment) -> impl Future<Output = ()> + Send;
}
