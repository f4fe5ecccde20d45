//! Files below a root, by the names we know: their modes, what is left over, what was kept, who runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::adapters::disk::{atomic, perms};
use crate::adapters::peers;
use crate::base::{Moment, Span};
use crate::domain::places::{POOL_FILE, Places};
use crate::domain::roster::Roster;
use crate::domain::shelf::Store;
use crate::domain::token;
use crate::formats::{helper_status, leases};

/// Crashed writers finish within a minute or never.
const STALE: Span = Span::minutes(1);
/// A result nobody claims is kept this long (storage.md §9.8).
const RESULT_KEPT: Span = Span::days(30);
/// The reference's lock around its quota refresh (storage.md §3).
const STATUS_LOCK: Span = Span::minutes(10);
/// Folders deeper than this hold nothing of ours.
const DEEPEST: usize = 4;
/// Enough to see what is wrong, and an end for a folder somebody filled.
const MOST: usize = 5_000;

/// Folders of ours below the root.
const FOLDERS: [&str; 11] = [
    "ext",
    "locks",
    "quarantine",
    "snapshots",
    "run",
    "usage",
    "refresh-leases",
    "backups",
    "backups-official",
    "app-bind",
    "projects",
];
/// Other files of ours in the root, by the beginning of their names.
const FILES: [&str; 8] = [
    POOL_FILE,
    "openai-codex-flagged-accounts.json",
    "openai-codex-blocked-accounts.json",
    "settings.json",
    "runtime-affinity.json",
    "runtime-rotation-app-helper",
    "app-shortcuts.json",
    "keys.toml",
];

/// A look at the files of one root.
pub(super) struct Files<'a> {
    places: &'a Places,
    at: Moment,
}

impl<'a> Files<'a> {
    pub(super) fn new(places: &'a Places, at: Moment) -> Self {
        Self { places, at }
    }

    pub(super) fn reset_since(&self) -> Option<Moment> {
        modified(&self.places.pool_with(".reset-intent"))
    }

    /// Our files and folders that others may read or write.
    pub(super) fn loose(&self) -> Vec<PathBuf> {
        self.known().into_iter().filter(|path| is_loose(path)).collect()
    }

    /// Our files and folders that belong to somebody else.
    pub(super) fn foreign(&self) -> Vec<PathBuf> {
        self.known().into_iter().filter(|path| is_foreign(path)).collect()
    }

    /// Everything of ours that is there: the root, known files, known folders with what is in them.
    fn known(&self) -> Vec<PathBuf> {
        let root = self.places.root();
        let mut all = Vec::new();
        // The oldest layout puts the root into the official CLI's own home, whose mode is not ours to judge.
        if root.is_dir() && root != self.places.codex_home() {
            all.push(root.to_owned());
        }
        for name in names(root) {
            let is_store = Store::ALL.into_iter().any(|store| store.file() == name);
            if is_store || FILES.iter().any(|begin| name.starts_with(begin)) {
                all.push(root.join(&name));
            }
        }
        for folder in FOLDERS {
            walk(&root.join(folder), 0, &mut all);
        }
        all.retain(|path| fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_symlink()));
        all
    }

    /// What crashed programs left: temporary files, locks and helper files of processes that are gone.
    pub(super) fn leftovers(&self) -> Vec<PathBuf> {
        let root = self.places.root();
        let mut all = Vec::new();
        let pool = self.places.pool_dir();
        let below = ["ext", "usage", "cache", "run"].into_iter().map(|name| root.join(name));
        for folder in [root.to_owned(), pool.to_owned()].into_iter().chain(below) {
            let is_left = |name: &String| self.is_temporary(&folder.join(name), name);
            all.extend(names(&folder).into_iter().filter(is_left).map(|name| folder.join(name)));
        }
        all.extend(self.stale_leases());
        all.extend(self.stale_helpers());
        // Whoever has a claim renews it every ten seconds.
        let locks = self.places.locks();
        let claims = names(&locks).into_iter().filter(|name| name.strip_suffix(".claim").is_some());
        all.extend(claims.map(|name| locks.join(name)).filter(|claim| self.is_older(claim, STALE)));
        let ledger_lock = root.join("usage/usage-ledger.jsonl.lock");
        if self.is_older(&ledger_lock, Span::seconds(30)) {
            all.push(ledger_lock);
        }
        let status_lock = root.join("status-quota-refresh.lock");
        if self.is_older(&status_lock, STATUS_LOCK) {
            all.push(status_lock);
        }
        all.sort();
        all.dedup();
        all
    }

    /// A writer's temporary file that is older than a minute and whose writer is gone.
    fn is_temporary(&self, path: &Path, name: &str) -> bool {
        let Some(rest) = name.strip_suffix(".tmp") else { return false };
        let Some(pid) = writer(rest) else { return false };
        self.is_older(path, STALE) && (pid == std::process::id() || !perms::process_lives(pid))
    }

    fn stale_leases(&self) -> Vec<PathBuf> {
        let folder = self.places.leases();
        let is_stale = |name: &String| {
            let path = folder.join(name);
            if name.ends_with(".result.json") {
                return self.is_older(&path, RESULT_KEPT);
            }
            let is_lock = name.strip_suffix(".lock").is_some_and(|hash| hash.len() == 64);
            is_lock && self.is_older(&path, STALE) && !is_held(&path)
        };
        names(folder).into_iter().filter(is_stale).map(|name| folder.join(name)).collect()
    }

    /// Files of the reference's helpers whose process is gone or is another one by now.
    fn stale_helpers(&self) -> Vec<PathBuf> {
        let root = self.places.root();
        let is_stale = |name: &String| {
            let Some(pid) = helper_pid(name) else { return false };
            let helper = status(&root.join(name));
            let started = helper.and_then(|helper| helper.started_at);
            self.is_older(&root.join(name), STALE) && !is_same_process(pid, started)
        };
        names(root).into_iter().filter(is_stale).map(|name| root.join(name)).collect()
    }

    /// Helpers and routers of the reference that run.
    pub(super) fn helpers(&self) -> Vec<(u32, String)> {
        let root = self.places.root();
        let own = root.join("app-bind/runtime-rotation-app-bind-status.json");
        let files = names(root)
            .into_iter()
            .filter(|name| helper_pid(name).is_some() && !name.contains("-owner."))
            .map(|name| root.join(name))
            .chain([own]);
        let mut running: Vec<(u32, String)> = files
            .filter_map(|path| status(&path))
            .filter(|status| {
                status.pid != std::process::id() && is_same_process(status.pid, status.started_at)
            })
            .map(|status| {
                let kind = status.kind.strip_prefix("codex-app-runtime-rotation-").unwrap_or("proxy");
                (status.pid, kind.to_owned())
            })
            .collect();
        running.sort();
        running.dedup();
        running
    }

    /// Results of refreshes whose token no account holds.
    pub(super) fn unclaimed_results(&self, roster: &Roster) -> usize {
        let owned: Vec<String> =
            roster.accounts.iter().map(|account| token::hash(&account.credentials.refresh)).collect();
        let folder = self.places.leases();
        let is_unclaimed = |name: &String| {
            let text = name.ends_with(".result.json").then(|| atomic::read_text(&folder.join(name)));
            let lease = text.and_then(Result::ok).flatten().and_then(|text| leases::parse_result(&text));
            lease.is_some_and(|lease| {
                !owned.contains(&lease.token_hash) && !owned.contains(&token::hash(&lease.refresh))
            })
        };
        names(folder).iter().filter(|name| is_unclaimed(name)).count()
    }

    /// One of our lock files.
    pub(super) fn lock(&self) -> Option<PathBuf> {
        let folder = self.places.locks();
        names(&folder)
            .into_iter()
            .find(|name| name.strip_suffix(".lock").is_some())
            .map(|name| folder.join(name))
    }

    /// Why nothing can be written where our files are; what stands there may be no folder at all.
    pub(super) fn unwritable(&self) -> Option<String> {
        let folder = existing(self.places.root());
        if folder == self.places.root() && !folder.is_dir() {
            return Some("a file stands in place of the folder".to_owned());
        }
        let locks = self.places.locks();
        if locks.exists() && !locks.is_dir() {
            return Some(format!("a file stands in place of {}", locks.display()));
        }
        is_writable(folder).err()
    }

    pub(super) fn quarantine(&self) -> Vec<String> {
        let mut all = names(&self.places.quarantine());
        all.sort_by(|a, b| b.cmp(a));
        all
    }

    /// Files of older versions that are still there.
    pub(super) fn legacy(&self) -> Vec<PathBuf> {
        let root = self.places.root();
        let mut all: Vec<PathBuf> =
            ["dashboard-settings.json", "codex-accounts.json", "openai-codex-blocked-accounts.json"]
                .into_iter()
                .map(|name| root.join(name))
                .chain(self.places.legacy_configs())
                .filter(|path| path.is_file())
                .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Files that were written more than a day from now.
    pub(super) fn ahead_of_time(&self) -> Vec<PathBuf> {
        let ahead = |path: &PathBuf| modified(path).is_some_and(|at| self.at.until(at) > Span::days(1));
        [self.places.pool(), self.places.settings(), self.places.quota_cache(), self.places.ledger()]
            .into_iter()
            .filter(ahead)
            .collect()
    }

    fn is_older(&self, path: &Path, age: Span) -> bool {
        modified(path).is_some_and(|written| self.at.since(written) >= age)
    }
}

/// What a helper says of itself.
fn status(path: &Path) -> Option<helper_status::HelperStatus> {
    let is_short = fs::metadata(path).is_ok_and(|meta| meta.len() <= helper_status::LONGEST);
    let text = if is_short { atomic::read_text(path).ok().flatten()? } else { return None };
    helper_status::read(&text)
}

/// The path itself, or the first folder above it that is there.
pub(super) fn existing(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(path)
}

/// When a file was last written.
pub(super) fn modified(path: &Path) -> Option<Moment> {
    let time = fs::metadata(path).and_then(|meta| meta.modified()).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Some(Moment::EPOCH + Span::from(since))
}

/// The names in a folder; none when it cannot be read.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn walk(path: &Path, depth: usize, all: &mut Vec<PathBuf>) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    if depth > DEEPEST || all.len() >= MOST {
        return;
    }
    all.push(path.to_owned());
    if meta.is_dir() {
        for name in names(path) {
            walk(&path.join(name), depth + 1, all);
        }
    }
}

/// The process in `<target>.<pid>.<digits>[.<hex>]`, or in the reference's names for rotating backups.
fn writer(name: &str) -> Option<u32> {
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((_, rest)) = name.split_once(".rotate.") {
        return rest.split('.').next().filter(digits)?.parse().ok();
    }
    let mut parts = name.rsplit('.').peekable();
    let is_hex = |part: &&str| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.next_if(is_hex);
    parts.next().filter(digits)?;
    parts.next().filter(digits)?.parse().ok()
}

/// The process in `runtime-rotation-app-helper[-owner].<pid>.json`.
fn helper_pid(name: &str) -> Option<u32> {
    let rest = name.strip_prefix("runtime-rotation-app-helper")?.strip_suffix(".json")?;
    rest.strip_prefix("-owner").unwrap_or(rest).strip_prefix('.')?.parse().ok()
}

/// Whether a process runs and is the one that began at `started`, as far as the system says when it began.
fn is_same_process(pid: u32, started: Option<Moment>) -> bool {
    /// The system's own clock of process starts is coarse.
    const SLACK: Span = Span::minutes(1);
    let began = peers::process_start(pid);
    let is_other = began.zip(started).is_some_and(|(began, started)| began > started + SLACK);
    perms::process_lives(pid) && !is_other
}

/// Whether the process that holds a lease lock runs.
fn is_held(path: &Path) -> bool {
    let lock = atomic::read_text(path).ok().flatten().and_then(|text| leases::parse_lock(&text));
    lock.is_some_and(|lock| perms::process_lives(lock.pid))
}

#[cfg(unix)]
pub(super) fn is_loose(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o077 != 0)
}

#[cfg(unix)]
fn is_writable(folder: &Path) -> Result<(), String> {
    use rustix::fs::{Access, access};
    access(folder, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| super::words(std::io::Error::from(error)))
}

/// The list of the user's profile decides here; only a write would tell.
#[cfg(not(unix))]
fn is_writable(_folder: &Path) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
fn is_foreign(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).is_ok_and(|meta| meta.uid() != rustix::process::geteuid().as_raw())
}

/// Files inherit the list of the user's profile here.
#[cfg(not(unix))]
fn is_loose(_path: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn is_foreign(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_and_helpers_are_known_by_their_names() {
        for (name, pid) in [
            ("openai-codex-accounts.json.4242.1790000000000.cafebabe", Some(4242)),
            ("openai-codex-accounts.json.bak.1.rotate.123.1790000000000.deadbeef.slot-1", Some(123)),
            ("settings.json.4242.1790000000000", Some(4242)),
            ("accounts.json.12.0.00c0ffee", Some(12)),
            ("mine", None),
            ("notes.json.old", None),
        ] {
            assert_eq!(writer(name), pid, "{name}");
        }
        assert_eq!(helper_pid("runtime-rotation-app-helper.77.json"), Some(77));
        assert_eq!(helper_pid("runtime-rotation-app-helper-owner.77.json"), Some(77));
        assert_eq!(helper_pid("runtime-rotation-app-helper.json"), None);
    }

    #[test]
    fn a_process_that_began_later_is_another_one() {
        let own = std::process::id();

        assert!(is_same_process(own, None));
        assert!(is_same_process(own, peers::process_start(own)));
        assert!(!is_same_process(0x3fff_ffff, None));
        if peers::process_start(own).is_some() {
            assert!(!is_same_process(own, Some(Moment::EPOCH)));
        }
    }
}
