//! What a forwarded launch will do, as data; decided here, carried out by `forward` and the codex adapter.
//!
//! Arguments stay `OsString`: a path handed to the official CLI need not be UTF-8, and what the user typed
//! reaches it byte for byte.

pub mod config;
pub mod environment;
pub mod grammar;
pub mod guard;
pub mod inject;
pub mod own;
pub mod route;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::base::Secret;
use crate::domain::account::AccountKey;
use crate::domain::problem::Exit;

/// A finished launch of the official CLI.
#[derive(Clone, PartialEq, Eq)]
pub struct LaunchPlan {
    /// Program to start.
    pub program: PathBuf,
    /// All arguments, ours first. They may hold the proxy's path prefix.
    pub args: Vec<OsString>,
    /// Variables to set for the child. They may hold the proxy's path prefix.
    pub set_env: Vec<(String, String)>,
    /// Variables to remove from the child.
    pub unset_env: Vec<String>,
}

impl fmt::Debug for LaunchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaunchPlan")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("set_env", &self.set_env.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("unset_env", &self.unset_env)
            .finish()
    }
}

/// Addresses of the proxy a child is pointed at; the path prefix is inside the secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Through {
    /// Port, for `…_SESSION`.
    pub port: u16,
    /// Model base URL.
    pub base_url: Secret,
    /// Refresh URL.
    pub refresh_url: Secret,
}

/// What kind of launch it is, decided before a proxy exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Straight to the child: nothing to rotate. Lines for stderr.
    Plain(Vec<String>),
    /// Through the proxy, on this account only when forced.
    Rotated {
        /// `--account`.
        forced: Option<AccountKey>,
        /// Lines for stderr.
        notes: Vec<String>,
    },
    /// Nothing to launch (`--print-launch`): print and end.
    Printed(String, Exit),
}
