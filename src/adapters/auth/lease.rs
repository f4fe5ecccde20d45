//! Lease files shared with the reference (storage.md §9.8): a lock per token that is being spent, and the answer
//! of a refresh until the pool has it.
//!
//! Exclusion between our own processes does not rest on these locks but on [`super::turnstile`]; a running
//! reference removes lease files after a minute. They keep the reference from spending a token while we do,
//! and the result tells it, for 20 s, which token to use instead.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::adapters::disk::{atomic, perms};
use crate::base::{Moment, Span};
use crate::formats::leases::{self, Lease, Lock};

/// How long a lock counts.
const LIFE: Span = Span::seconds(30);
/// How long the reference believes a result; after that it is ours to remove.
const RESULT_LIFE: Span = Span::seconds(20);
/// A result nobody adopted in this time never will be.
const FORGOTTEN: Span = Span::days(30);
/// A lock that cannot be read is young while its owner may still be writing it.
const UNREADABLE_LIFE: Span = Span::seconds(5);

fn lock_path(folder: &Path, hash: &str) -> PathBuf {
    folder.join(format!("{hash}.lock"))
}

fn result_path(folder: &Path, hash: &str) -> PathBuf {
    folder.join(format!("{hash}.result.json"))
}

/// The lease of one token; [`Held::release`] gives it back.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    nonce: String,
}

impl Held {
    /// Removes the lock unless somebody took it over.
    pub(super) fn release(self) {
        let ours =
            read_lock(&self.path).is_some_and(|lock| lock.nonce.as_deref().is_none_or(|n| n == self.nonce));
        if ours {
            let _removed = fs::remove_file(&self.path);
        }
    }
}

/// Takes the lease of `hash`; `None` while somebody alive has it.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn claim(folder: &Path, hash: &str, nonce: &str, now: Moment) -> io::Result<Option<Held>> {
    perms::private_dir(folder)?;
    let path = lock_path(folder, hash);
    let text = leases::print_lock(&Lock {
        token_hash: hash.to_owned(),
        pid: std::process::id(),
        acquired_at: now.millis(),
        expires_at: (now + LIFE).millis(),
        nonce: Some(nonce.to_owned()),
    });
    // The second round follows the removal of a stale lock.
    for _ in 0..2 {
        match create(&path, text.as_bytes()) {
            Ok(()) => return Ok(Some(Held { path, nonce: nonce.to_owned() })),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !is_stale(&path, now) {
                    return Ok(None);
                }
                let _removed = fs::remove_file(&path);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    perms::private_file().create_new(true).open(path)?.write_all(bytes)
}

fn read_lock(path: &Path) -> Option<Lock> {
    leases::parse_lock(&fs::read_to_string(path).ok()?)
}

fn is_stale(path: &Path, now: Moment) -> bool {
    let age = age(path, now);
    match read_lock(path) {
        Some(lock) => lock.expires_at <= now.millis() || age > LIFE || !is_alive(lock.pid),
        None => age > UNREADABLE_LIFE,
    }
}

/// Whether a process of this machine has this id; where that cannot be asked, it may.
#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn is_alive(_pid: u32) -> bool {
    true
}

fn age(path: &Path, now: Moment) -> Span {
    let modified = path.metadata().and_then(|metadata| metadata.modified()).ok();
    let since_epoch = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    now.since(Moment::EPOCH + since_epoch.map_or(Span::ZERO, Span::from))
}

/// Makes an answer durable.
///
/// # Errors
/// When it cannot be written.
pub(super) fn keep(folder: &Path, lease: &Lease) -> io::Result<()> {
    atomic::write(&result_path(folder, &lease.token_hash), leases::print_result(lease).expose().as_bytes())
}

/// The answer to the token with this hash, whatever its age.
pub(super) fn result_of(folder: &Path, hash: &str) -> Option<Lease> {
    let bytes = atomic::read(&result_path(folder, hash)).ok().flatten()?;
    leases::parse_result(std::str::from_utf8(&bytes).ok()?).filter(|lease| lease.token_hash == hash)
}

/// Removes the answer to the token with this hash.
pub(super) fn forget(folder: &Path, hash: &str) {
    let _removed = fs::remove_file(result_path(folder, hash));
}

/// Whether any answer is kept.
pub(super) fn has_results(folder: &Path) -> bool {
    let is_result =
        |entry: fs::DirEntry| entry.file_name().to_str().is_some_and(|name| name.ends_with(".result.json"));
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(is_result))
}

/// Removes results that have served: adopted ones the reference no longer believes, and forgotten ones.
/// `is_waiting` says whether a hash still names a refresh token of the pool.
pub(super) fn sweep(folder: &Path, now: Moment, is_waiting: impl Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(hash) = name.to_str().and_then(|name| name.strip_suffix(".result.json")) else { continue };
        let age = age(&entry.path(), now);
        if age > FORGOTTEN || (age > RESULT_LIFE && !is_waiting(hash)) {
            let _removed = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    const HASH: &str = "00aa";

    fn now() -> Moment {
        use crate::ports::Clock as _;
        crate::adapters::clock::SystemClock::new().now()
    }

    fn lease() -> Lease {
        Lease {
            token_hash: HASH.to_owned(),
            created_at: now(),
            access: Secret::from("a"),
            refresh: Secret::from("r"),
            expires: now() + Span::hours(1),
            id_token: None,
        }
    }

    #[test]
    fn a_lease_is_had_by_one_at_a_time_and_given_back() {
        let dir = tempfile::tempdir().unwrap();

        let first = claim(dir.path(), HASH, "one", now()).unwrap().unwrap();
        assert!(claim(dir.path(), HASH, "two", now()).unwrap().is_none());
        first.release();

        assert!(claim(dir.path(), HASH, "two", now()).unwrap().is_some());
    }

    #[test]
    fn a_lease_of_long_ago_is_taken_over_and_left_to_the_new_owner() {
        let dir = tempfile::tempdir().unwrap();
        let old = claim(dir.path(), HASH, "old", now()).unwrap().unwrap();

        let new = claim(dir.path(), HASH, "new", now() + Span::seconds(31)).unwrap().unwrap();
        old.release();

        assert!(lock_path(dir.path(), HASH).exists());
        new.release();
        assert!(!lock_path(dir.path(), HASH).exists());
    }

    #[test]
    fn an_unreadable_lock_counts_for_five_seconds() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(lock_path(dir.path(), HASH), "").unwrap();

        assert!(claim(dir.path(), HASH, "n", now()).unwrap().is_none());
        assert!(claim(dir.path(), HASH, "n", now() + Span::seconds(7)).unwrap().is_some());
    }

    #[test]
    fn a_result_stays_until_it_is_adopted() {
        let dir = tempfile::tempdir().unwrap();
        keep(dir.path(), &lease()).unwrap();

        sweep(dir.path(), now() + Span::hours(1), |_| true);
        assert!(result_of(dir.path(), HASH).is_some());
        sweep(dir.path(), now(), |_| false);
        assert!(result_of(dir.path(), HASH).is_some());
        sweep(dir.path(), now() + Span::hours(1), |_| false);

        assert_eq!(result_of(dir.path(), HASH), None);
    }
}
