//! `GET …/wham/accounts/check`: where upstream wants an account's traffic (codex-client.md §4).
//!
//! Asked at the base's own host: it is the answer that may name another one.

use crate::adapters::upstream::{BackEnd, usage};
use crate::domain::account::Account;
use crate::domain::workspace::Routing;
use crate::formats::routing_wire::{self, Origins};
use crate::ports::Clock;
use crate::ports::upstream::ReadError;

/// Discovers the routing of `account`.
pub(super) async fn read<C: Clock>(back_end: &BackEnd<C>, account: &Account) -> Result<Routing, ReadError> {
    let workspace = account.workspace_id().ok_or(ReadError::NoToken)?;
    let body = usage::get(back_end, account, None, None, "/wham/accounts/check").await?;
    // Only an override has a clear base; then the rehearsal may send its accounts elsewhere on this machine.
    let origins = if back_end.base.scheme() == "http" { Origins::OrLoopback } else { Origins::Secure };
    routing_wire::parse(&body, workspace, origins, back_end.clock.now()).map_err(|error| match error {
        routing_wire::RoutingError::Gone(why) => ReadError::Unavailable(why),
        routing_wire::RoutingError::Invalid(why) => ReadError::Invalid(why),
    })
}
