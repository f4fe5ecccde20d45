//! The journal: what is about to be spent, durable before it is (runtime.md DB-37).

use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::domain::refresh::Intent;
use crate::formats::leases;

fn path(folder: &Path) -> PathBuf {
    folder.join("intent.json")
}

/// Makes the entry durable.
pub(super) fn write(folder: &Path, intent: &Intent) -> io::Result<()> {
    atomic::write(&path(folder), leases::print_intent(intent).as_bytes())
}

/// The entry, if there is one that can be read. A torn one was never followed by a call.
pub(super) fn read(folder: &Path) -> Option<Intent> {
    let bytes = atomic::read(&path(folder)).ok().flatten()?;
    leases::parse_intent(std::str::from_utf8(&bytes).ok()?)
}

/// Removes the entry.
pub(super) fn clear(folder: &Path) {
    // An entry that stays is settled again at the next start, to the same end.
    let _removed = std::fs::remove_file(path(folder));
}
