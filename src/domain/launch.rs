//! What a forwarded launch will do, as data; decided here, carried out by `forward` and the codex adapter.

pub mod grammar;

use std::path::PathBuf;

/// A finished launch of the official CLI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchPlan {
    /// Program to start.
    pub program: PathBuf,
    /// All arguments, ours first.
    pub args: Vec<String>,
    /// Variables to set for the child.
    pub set_env: Vec<(String, String)>,
    /// Variables to remove from the child.
    pub unset_env: Vec<String>,
}
