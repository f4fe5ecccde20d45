//! Which account a session belongs to (runtime.md §15.1, §12.3).

use std::collections::BTreeMap;

use crate::base::Moment;
use crate::domain::account::AccountKey;

/// What is remembered of one session; persisted in `runtime-affinity.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bond {
    /// The account that serves it (`recordId`).
    pub owner: AccountKey,
    /// Last committed turn (`updatedAt`).
    pub at: Moment,
    /// Turns completed on any account; more than none makes the bond strong.
    pub turns: u32,
    /// Who issued the newest `x-codex-turn-state` (`turnStateOwner`).
    pub turn_state: Option<AccountKey>,
    /// Who produced the newest compaction item (`compactionOwner`).
    pub compaction: Option<AccountKey>,
    /// Per account, the newest reasoning item it could not read (`strippedUpTo`).
    pub stripped: BTreeMap<AccountKey, String>,
}
