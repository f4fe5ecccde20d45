//! Whole-file locks between processes, on files that are never deleted.
//!
//! The kernel releases a lock when its process dies, so there are no staleness rules. Waiting is done on the
//! runtime's timer; the lock itself moves to wherever the work is done and is released when dropped. The file
//! holds the process id of whoever locked it last, for people. Where the file system knows no locks, a file made
//! beside it stands for the lock (`claim`).

mod claim;

use std::fs::{File, TryLockError};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::adapters::disk::lock::claim::Claim;
use crate::adapters::disk::perms;
use crate::base::Span;

/// A held lock.
#[derive(Debug)]
pub struct FileLock {
    held: Held,
}

#[derive(Debug)]
enum Held {
    System(#[expect(dead_code, reason = "held until dropped")] File),
    Claim(#[expect(dead_code, reason = "held until dropped")] Claim),
}

/// How a file is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By the system, which releases it when a process dies.
    System,
    /// By a file beside it, because the file system knows no locks; its owner renews it.
    Claim,
}

/// Why a lock was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody held it for the whole wait.
    #[error("{} is locked by another process{}", path.display(), named(*holder))]
    Timeout {
        /// The lock file.
        path: PathBuf,
        /// The process, where it can be told.
        holder: Option<u32>,
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

fn named(holder: Option<u32>) -> String {
    holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

/// Between two tries at first; doubled up to [`SLOWEST`].
const FIRST: Span = Span::millis(2);
const SLOWEST: Span = Span::millis(50);
/// After this long a person is told what is waited for.
const PATIENCE: Span = Span::seconds(1);

impl FileLock {
    /// Waits for the lock, at most `wait`.
    ///
    /// # Errors
    /// When the wait is over or the file cannot be locked.
    pub async fn acquire(path: &Path, wait: Span) -> Result<Self, LockError> {
        Self::acquire_telling(path, wait, |_| {}).await
    }

    /// The same; `tell` hears once, after a second, which process is waited for.
    ///
    /// # Errors
    /// When the wait is over or the file cannot be locked.
    pub async fn acquire_telling(
        path: &Path,
        wait: Span,
        tell: impl FnOnce(Option<u32>),
    ) -> Result<Self, LockError> {
        let mut tell = Some(tell);
        let mut pause = FIRST;
        let mut waited = Span::ZERO;
        loop {
            let target = path.to_path_buf();
            let attempt = tokio::task::spawn_blocking(move || Self::try_now(&target)).await;
            let attempt = attempt.unwrap_or_else(|error| Err(io::Error::other(error)));
            match attempt {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) if waited >= wait => {
                    return Err(LockError::Timeout { path: path.to_path_buf(), holder: holder(path) });
                }
                Ok(None) => {}
                Err(source) => return Err(LockError::Io { path: path.to_path_buf(), source }),
            }
            if waited >= PATIENCE
                && let Some(tell) = tell.take()
            {
                tell(holder(path));
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
        Self::try_with(path, File::try_lock)
    }

    /// The same with another way to ask the system, so that a file system without locks can be played.
    fn try_with(
        path: &Path,
        system: impl FnOnce(&File) -> Result<(), TryLockError>,
    ) -> io::Result<Option<Self>> {
        if let Some(directory) = path.parent() {
            perms::private_dir(directory)?;
        }
        let file = perms::private_file().create(true).truncate(false).open(path)?;
        match system(&file) {
            Ok(()) => {
                sign(&file);
                Ok(Some(Self { held: Held::System(file) }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if is_unsupported(&error) => {
                Ok(Claim::make(path)?.map(|claim| Self { held: Held::Claim(claim) }))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// How it is held.
    pub fn way(&self) -> Way {
        match self.held {
            Held::System(_) => Way::System,
            Held::Claim(_) => Way::Claim,
        }
    }
}

/// Whether the file system, not another process, stands in the way.
fn is_unsupported(error: &io::Error) -> bool {
    /// ENOLCK, ENOSYS and EOPNOTSUPP (the same as ENOTSUP on Linux; macOS has two numbers for them).
    #[cfg(target_os = "linux")]
    const NUMBERS: &[i32] = &[37, 38, 95];
    #[cfg(all(unix, not(target_os = "linux")))]
    const NUMBERS: &[i32] = &[77, 78, 45, 102];
    #[cfg(not(unix))]
    const NUMBERS: &[i32] = &[];
    error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error().is_some_and(|number| NUMBERS.contains(&number))
}

/// Leaves our process id in the file; the lock does not depend on it.
fn sign(mut file: &File) {
    let _ = file.set_len(0);
    let _ = file.seek(io::SeekFrom::Start(0));
    let _ = writeln!(file, "{}", std::process::id());
}

/// The process that holds a lock, as far as it said so.
fn holder(path: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(path).ok()?;
    claim::holder(path).or_else(|| text.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_held_by_one_and_free_after_drop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("locks/x.lock");
        let held = FileLock::acquire(&path, Span::ZERO).await.unwrap();

        let mut told = None;
        let refused = FileLock::acquire_telling(&path, Span::seconds(2), |pid| told = pid).await;
        drop(held);
        let free = FileLock::acquire(&path, Span::ZERO).await.unwrap();

        let us = Some(std::process::id());
        assert!(matches!(&refused, Err(LockError::Timeout { holder, .. }) if *holder == us));
        assert!(refused.unwrap_err().to_string().contains(&format!("(pid {})", std::process::id())));
        assert_eq!(told, us);
        assert_eq!(free.way(), Way::System);
        assert!(path.exists());
    }

    #[test]
    fn a_file_system_without_locks_is_told_from_other_trouble() {
        let number = |name| match name {
            "ENOLCK" if cfg!(target_os = "linux") => 37,
            "ENOLCK" => 77,
            "EOPNOTSUPP" if cfg!(target_os = "linux") => 95,
            "EOPNOTSUPP" => 102,
            _ => 13,
        };
        for (name, unsupported) in [("ENOLCK", true), ("EOPNOTSUPP", true), ("EACCES", false)] {
            assert_eq!(is_unsupported(&io::Error::from_raw_os_error(number(name))), unsupported, "{name}");
        }
    }

    #[test]
    fn where_the_file_system_knows_no_locks_a_file_beside_it_stands_for_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("locks/x.lock");
        let none = |_: &File| Err(TryLockError::Error(io::Error::from(io::ErrorKind::Unsupported)));
        let first = FileLock::try_with(&path, none).unwrap().unwrap();

        let second = FileLock::try_with(&path, none).unwrap();
        assert_eq!(holder(&path), Some(std::process::id()));
        drop(first);
        let third = FileLock::try_with(&path, none).unwrap();

        assert!(second.is_none());
        assert_eq!(third.map(|lock| lock.way()), Some(Way::Claim));
    }
}
