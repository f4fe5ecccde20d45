//! At most one call to the token endpoint at a time on this machine, and calls at least a second apart (runtime.md
//! DB-35).
//!
//! The lock is the operating system's, so a crash releases it. The end of the last call is the modification
//! time of the lock file: all processes see it, and the file stays empty.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::adapters::disk::lock::{FileLock, LockError};
use crate::adapters::disk::perms;
use crate::base::{Moment, Span};
use crate::ports::Clock;

/// Sibling refreshes close together have been seen to revoke a whole family of sessions.
const SPACING: Span = Span::seconds(1);

pub(super) struct Turnstile<C> {
    path: PathBuf,
    clock: C,
}

/// The right to make calls; given back when dropped.
pub(super) struct Turn<C> {
    _lock: FileLock,
    path: PathBuf,
    clock: C,
    last: Option<Moment>,
}

impl<C: Clock> Turnstile<C> {
    pub(super) fn new(path: PathBuf, clock: C) -> Self {
        Self { path, clock }
    }

    pub(super) async fn enter(&self, within: Span) -> Result<Turn<C>, LockError> {
        prepare(&self.path);
        let lock = FileLock::acquire(&self.path, within).await?;
        let last = modified(&self.path);
        Ok(Turn { _lock: lock, path: self.path.clone(), clock: self.clock.clone(), last })
    }
}

impl<C: Clock> Turn<C> {
    /// Waits until the last call is long enough ago.
    pub(super) async fn space(&self) {
        let Some(last) = self.last else { return };
        let left = self.clock.now().until(last + SPACING);
        // A time in the far future means that the clock was set back.
        self.clock.sleep(left.min(SPACING)).await;
    }

    /// Notes that a call ended now.
    pub(super) fn called(&mut self) {
        let now = self.clock.now();
        self.last = Some(now);
        let time = SystemTime::UNIX_EPOCH + now.since(Moment::EPOCH).to_duration();
        // Losing the spacing to a file system without times is no reason to fail a refresh.
        let _noted = File::options().write(true).open(&self.path).and_then(|file| file.set_modified(time));
    }
}

/// A new file gets its time from being made, not from a call: whoever makes it says so.
fn prepare(path: &Path) {
    if path.exists() {
        return;
    }
    let made = path.parent().map_or(Ok(()), perms::private_dir);
    let made = made.and_then(|()| perms::private_file().create_new(true).open(path));
    // Another process may have been faster, or the lock itself will tell what is wrong.
    let _prepared = made.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH));
}

fn modified(path: &Path) -> Option<Moment> {
    let time = path.metadata().and_then(|metadata| metadata.modified()).ok()?;
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Moment::EPOCH + Span::from(since_epoch))
}
