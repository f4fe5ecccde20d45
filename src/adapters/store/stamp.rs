//! What tells one state of a file from another without reading it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Size, time and number of a file; `None` = missing.
pub(super) type Stamp = Option<(u64, SystemTime, u64)>;

/// The state of a file now.
pub(super) fn stamp(path: &Path) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.len(), meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), inode(&meta)))
}

#[cfg(unix)]
fn inode(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

/// Files have no cheap number here; size and time have to do.
#[cfg(not(unix))]
fn inode(_meta: &fs::Metadata) -> u64 {
    0
}
