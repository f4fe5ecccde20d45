//! Seats: the workspaces a login knows, and where upstream wants their traffic.

use crate::base::Moment;

/// A workspace listed for a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Workspace account id, or an `org-` id kept for information only.
    pub id: String,
    /// Display name.
    pub name: Option<String>,
    /// Whether it may be used.
    pub enabled: bool,
    /// When upstream said it is gone.
    pub disabled_at: Option<Moment>,
    /// Upstream's default.
    pub is_default: bool,
}

/// What routing discovery said about one account (codex-client.md §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// Origin (`scheme://host[:port]`) for all `backend-api` requests; `None` = no constraint.
    pub origin: Option<String>,
    /// Value of `x-openai-account-routing-override`; `None` = no header.
    pub over: Option<String>,
    /// When it was learnt.
    pub checked_at: Moment,
}
