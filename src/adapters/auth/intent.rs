//! The journal: what is about to be spent, durable before it is (runtime.md DB-37).
//!
//! One file per root, wherever lease files live: whoever holds the machine's turn finds it.

use std::io;
use std::path::Path;

use crate::adapters::disk::atomic;
use crate::domain::refresh::Intent;
use crate::formats::leases;

/// Makes the entry durable.
pub(super) fn write(path: &Path, intent: &Intent) -> io::Result<()> {
    atomic::write(path, leases::print_intent(intent).as_bytes())
}

/// The entry, if there is one that can be read. A torn one was never followed by a call.
pub(super) fn read(path: &Path) -> Option<Intent> {
    let bytes = atomic::read(path).ok().flatten()?;
    leases::parse_intent(std::str::from_utf8(&bytes).ok()?)
}

/// Removes the entry.
pub(super) fn clear(path: &Path) {
    // An entry that stays is settled again at the next start, to the same end.
    let _removed = std::fs::remove_file(path);
}
