//! Advisory whole-file locks between processes, on files that are never deleted.
//!
//! The kernel releases them when a process dies, so there are no staleness rules. Waiting is done on the
//! runtime's timer; the lock itself moves to wherever the work is done and is released when dropped.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::disk::perms;
use crate::base::Span;

/// A held lock.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// Why a lock was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody held it for the whole wait.
    #[error("{} is locked by another process", path.display())]
    Timeout {
        /// The lock file.
        path: PathBuf,
    },
    /// The file cannot be made or locked.
    #[error("{}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// Between two tries at first; doubled up to [`SLOWEST`].
const FIRST: Span = Span::millis(2);
const SLOWEST: Span = Span::millis(50);

impl FileLock {
    /// Waits for the lock, at most `wait`.
    ///
    /// # Errors
    /// When the wait is over or the file cannot be locked.
    pub async fn acquire(path: &Path, wait: Span) -> Result<Self, LockError> {
        let mut pause = FIRST;
        let mut waited = Span::ZERO;
        loop {
            let target = path.to_path_buf();
            let attempt = tokio::task::spawn_blocking(move || Self::try_now(&target)).await;
            let attempt = attempt.unwrap_or_else(|error| Err(io::Error::other(error)));
            match attempt {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) if waited >= wait => return Err(LockError::Timeout { path: path.to_path_buf() }),
                Ok(None) => {}
                Err(source) => return Err(LockError::Io { path: path.to_path_buf(), source }),
            }
            tokio::time::sleep(pause.to_duration()).await;
            waited = waited + pause;
            pause = SLOWEST.min(pause + pause);
        }
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub fn try_now(path: &Path) -> io::Result<Option<Self>> {
        if let Some(directory) = path.parent() {
            perms::private_dir(directory)?;
        }
        let file = perms::private_file().create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_is_held_by_one_and_free_after_drop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("locks/x.lock");
        let held = FileLock::acquire(&path, Span::ZERO).await.unwrap();

        let refused = FileLock::acquire(&path, Span::millis(5)).await;
        drop(held);
        let free = FileLock::acquire(&path, Span::ZERO).await;

        assert!(matches!(refused, Err(LockError::Timeout { .. })));
        assert!(free.is_ok());
        assert!(path.exists());
    }
}
