//! Lease files shared with the reference (storage.md §9.8): a lock per token that is being spent, and the answer
//! of a refresh until the pool has it.
//!
//! Exclusion between our own processes does not rest on these locks but on the turnstile; a running
//! reference removes lease files after a minute. They keep the reference from spending a token while we do,
//! and the result tells it, for a while, which token to use instead. An answer is always kept in the root, where
//! every process of ours looks; when the reference keeps its files elsewhere it gets a copy there.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::adapters::disk::{atomic, perms};
use crate::adapters::env::Env;
use crate::base::{Moment, Span};
use crate::domain::places::Places;
use crate::formats::leases::{self, Lease, Lock};

/// A result nobody adopted in this time never will be.
const FORGOTTEN: Span = Span::days(30);
/// A lock that cannot be read is young while its owner may still be writing it.
const UNREADABLE_LIFE: Span = Span::seconds(5);

/// How the reference is told to handle its leases (settings.md §6); ours follow suit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether lock files are taken at all.
    pub part: Part,
    /// How long a lock counts.
    pub life: Span,
    /// How long somebody else's lock is waited for.
    pub wait: Span,
    /// How often it is looked at meanwhile.
    pub poll: Span,
    /// How long the reference believes a result; after that an adopted one may go.
    pub result_life: Span,
}

/// Whether we take part in the reference's leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Locks and copies of results.
    Taken,
    /// Neither; our own exclusion and our own results stay.
    Declined,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            part: Part::Taken,
            life: Span::seconds(30),
            wait: Span::seconds(35),
            poll: Span::millis(150),
            result_life: Span::seconds(20),
        }
    }
}

impl Rules {
    /// From the variables; what is no number or out of range counts as unset.
    pub fn of(env: &Env) -> Self {
        let usual = Self::default();
        let span = |text: &Option<String>, least: i64, usual: Span| {
            let millis = text.as_deref().and_then(|text| text.trim().parse::<i64>().ok());
            millis.filter(|millis| *millis >= least).map_or(usual, Span::millis)
        };
        let word = env.refresh_lease.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
        let declined = ["0", "false", "no", "off"].contains(&word.as_str());
        Self {
            part: if declined { Part::Declined } else { Part::Taken },
            life: span(&env.refresh_lease_ttl_ms, 1_000, usual.life),
            wait: span(&env.refresh_lease_wait_ms, 0, usual.wait),
            poll: span(&env.refresh_lease_poll_ms, 50, usual.poll),
            result_life: span(&env.refresh_lease_result_ttl_ms, 1_000, usual.result_life),
        }
    }
}

/// The folders of one root.
pub(super) struct Leases {
    /// Ours: results that must not be lost.
    own: PathBuf,
    /// The reference's; the same one unless a variable moves it.
    shared: PathBuf,
    pub(super) rules: Rules,
}

/// The lease of one token; [`Held::release`] gives it back.
#[derive(Debug)]
pub(super) struct Held {
    lock: Option<(PathBuf, String)>,
}

impl Held {
    /// Removes the lock unless somebody took it over.
    pub(super) fn release(self) {
        let Some((path, nonce)) = self.lock else { return };
        let ours = read_lock(&path).is_some_and(|lock| lock.nonce.as_deref().is_none_or(|n| n == nonce));
        if ours {
            let _removed = fs::remove_file(&path);
        }
    }
}

impl Leases {
    pub(super) fn of(places: &Places, rules: Rules) -> Self {
        Self { own: places.own_leases(), shared: places.leases().to_owned(), rules }
    }

    fn folders(&self) -> impl Iterator<Item = &Path> {
        let shared = (self.shared != self.own).then_some(self.shared.as_path());
        std::iter::once(self.own.as_path()).chain(shared)
    }

    fn lock_path(&self, hash: &str) -> PathBuf {
        self.shared.join(format!("{hash}.lock"))
    }

    /// Takes the lease of `hash`; `None` while somebody alive has it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn claim(&self, hash: &str, nonce: &str, now: Moment) -> io::Result<Option<Held>> {
        if self.rules.part == Part::Declined {
            return Ok(Some(Held { lock: None }));
        }
        perms::private_dir(&self.shared)?;
        let path = self.lock_path(hash);
        let text = leases::print_lock(&Lock {
            token_hash: hash.to_owned(),
            pid: std::process::id(),
            acquired_at: now.millis(),
            expires_at: (now + self.rules.life).millis(),
            nonce: Some(nonce.to_owned()),
        });
        // The second round follows the removal of a stale lock.
        for _ in 0..2 {
            match create(&path, text.as_bytes()) {
                Ok(()) => return Ok(Some(Held { lock: Some((path, nonce.to_owned())) })),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !self.is_stale(&path, now) {
                        return Ok(None);
                    }
                    let _removed = fs::remove_file(&path);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn is_stale(&self, path: &Path, now: Moment) -> bool {
        let age = age(path, now);
        match read_lock(path) {
            Some(lock) => lock.expires_at <= now.millis() || age > self.rules.life || !is_alive(lock.pid),
            None => age > UNREADABLE_LIFE,
        }
    }

    /// Makes an answer durable in the root, and shows it to the reference.
    ///
    /// # Errors
    /// When the root cannot be written.
    pub(super) fn keep(&self, lease: &Lease) -> io::Result<()> {
        let text = leases::print_result(lease);
        let name = result_name(&lease.token_hash);
        if self.rules.part == Part::Taken && self.shared != self.own {
            // A copy for others; what counts is the one below.
            let _copied = atomic::write(&self.shared.join(&name), text.expose().as_bytes());
        }
        atomic::write(&self.own.join(&name), text.expose().as_bytes())
    }

    /// The answer to the token with this hash, whatever its age.
    pub(super) fn result_of(&self, hash: &str) -> Option<Lease> {
        self.folders().find_map(|folder| {
            let bytes = atomic::read(&folder.join(result_name(hash))).ok().flatten()?;
            leases::parse_result(std::str::from_utf8(&bytes).ok()?).filter(|lease| lease.token_hash == hash)
        })
    }

    /// Removes the answer to the token with this hash.
    pub(super) fn forget(&self, hash: &str) {
        for folder in self.folders() {
            let _removed = fs::remove_file(folder.join(result_name(hash)));
        }
    }

    /// All answers that are kept.
    pub(super) fn results(&self) -> Vec<Lease> {
        let paths = self.entries().filter(|(name, _)| name.ends_with(RESULT)).map(|(_, path)| path);
        paths.filter_map(|path| leases::parse_result(&atomic::read_text(&path).ok()??)).collect()
    }

    /// Whether any answer is kept.
    pub(super) fn has_results(&self) -> bool {
        self.entries().any(|(name, _)| name.ends_with(RESULT))
    }

    fn entries(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let listed = self.folders().filter_map(|folder| fs::read_dir(folder).ok());
        listed
            .flat_map(Iterator::flatten)
            .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
    }

    /// Removes what has served: locks far beyond their life, forgotten results, and results the pool has taken
    /// once the reference no longer believes them. `is_adopted` says whether the pool has, or had, the refresh
    /// token that a result brought.
    pub(super) fn sweep(&self, now: Moment, is_adopted: impl Fn(&Lease) -> bool) {
        let artefact = self.rules.life.max(self.rules.result_life);
        let artefact = artefact + artefact;
        for (name, path) in self.entries() {
            let age = age(&path, now);
            let goes = if name.ends_with(RESULT) {
                let lease =
                    atomic::read_text(&path).ok().flatten().and_then(|text| leases::parse_result(&text));
                age > FORGOTTEN
                    || (age > self.rules.result_life && lease.is_some_and(|lease| is_adopted(&lease)))
            } else {
                path.extension().is_some_and(|kind| kind == "lock") && age > artefact
            };
            if goes {
                let _removed = fs::remove_file(path);
            }
        }
    }
}

const RESULT: &str = ".result.json";

fn result_name(hash: &str) -> String {
    format!("{hash}{RESULT}")
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    perms::private_file().create_new(true).open(path)?.write_all(bytes)
}

fn read_lock(path: &Path) -> Option<Lock> {
    leases::parse_lock(&fs::read_to_string(path).ok()?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use pretty_assertions::assert_eq;

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

    struct Stage {
        dir: tempfile::TempDir,
        leases: Leases,
    }

    impl Stage {
        fn new() -> Self {
            Self::with(Rules::default(), "refresh-leases")
        }

        fn with(rules: Rules, shared: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let own = dir.path().join("refresh-leases");
            let shared = dir.path().join(shared);
            Self { leases: Leases { own, shared, rules }, dir }
        }

        fn claim(&self, nonce: &str, now: Moment) -> Option<Held> {
            self.leases.claim(HASH, nonce, now).unwrap()
        }

        fn put_lock(&self, text: &str) {
            fs::create_dir_all(&self.leases.shared).unwrap();
            fs::write(self.leases.lock_path(HASH), text).unwrap();
        }
    }

    #[test]
    fn a_lease_is_had_by_one_at_a_time_and_given_back() {
        let stage = Stage::new();

        let first = stage.claim("one", now()).unwrap();
        assert!(stage.claim("two", now()).is_none());
        first.release();

        assert!(stage.claim("two", now()).is_some());
    }

    #[test]
    fn a_lease_of_long_ago_is_taken_over_and_left_to_the_new_owner() {
        let stage = Stage::new();
        let old = stage.claim("old", now()).unwrap();

        let new = stage.claim("new", now() + Span::seconds(31)).unwrap();
        old.release();

        assert!(stage.leases.lock_path(HASH).exists());
        new.release();
        assert!(!stage.leases.lock_path(HASH).exists());
    }

    #[test]
    fn a_lock_is_stale_when_its_time_or_its_process_is_over() {
        let at = now();
        let lock = |pid: u32, expires: Moment| {
            leases::print_lock(&Lock {
                token_hash: HASH.to_owned(),
                pid,
                acquired_at: at.millis(),
                expires_at: expires.millis(),
                nonce: None,
            })
        };
        let own = std::process::id();
        // No system gives out ids this high.
        let nobody = 0x3fff_fff1;
        for (name, text, later, free) in [
            ("alive", lock(own, at + Span::minutes(1)), Span::ZERO, false),
            ("expired", lock(own, at - Span::millis(1)), Span::ZERO, true),
            ("its process is gone", lock(nobody, at + Span::minutes(1)), Span::ZERO, true),
            ("written long ago", lock(own, at + Span::hours(1)), Span::seconds(32), true),
            ("empty and young", String::new(), Span::seconds(3), false),
            ("empty and old", String::new(), Span::seconds(7), true),
            ("torn and young", "{\"tokenHash\":".to_owned(), Span::seconds(3), false),
            ("torn and old", "{\"tokenHash\":".to_owned(), Span::seconds(7), true),
        ] {
            let stage = Stage::new();
            stage.put_lock(&text);
            assert_eq!(stage.claim("n", at + later).is_some(), free, "{name}");
        }
    }

    #[test]
    fn whoever_declines_the_leases_neither_waits_nor_leaves_a_lock() {
        let stage = Stage::with(Rules { part: Part::Declined, ..Rules::default() }, "elsewhere");
        stage.put_lock("");

        assert!(stage.claim("n", now()).is_some());
        stage.leases.keep(&lease()).unwrap();

        assert!(stage.leases.result_of(HASH).is_some());
        assert!(!stage.leases.shared.join(result_name(HASH)).exists());
    }

    #[test]
    fn a_result_is_kept_in_the_root_and_shown_where_the_reference_looks() {
        let stage = Stage::with(Rules::default(), "elsewhere");
        stage.leases.keep(&lease()).unwrap();

        assert!(stage.dir.path().join("refresh-leases/00aa.result.json").exists());
        assert!(stage.dir.path().join("elsewhere/00aa.result.json").exists());
        stage.leases.forget(HASH);
        assert_eq!((stage.leases.result_of(HASH), stage.leases.has_results()), (None, false));
    }

    #[test]
    fn a_result_stays_until_the_pool_has_it_and_the_reference_has_seen_it() {
        let (soon, month) = (Span::seconds(1), Span::days(31));
        for (name, later, adopted, stays) in [
            ("young", soon, true, true),
            ("adopted", Span::hours(1), true, false),
            ("not adopted", Span::days(29), false, true),
            ("not adopted for a month", month, false, false),
        ] {
            let stage = Stage::new();
            stage.leases.keep(&lease()).unwrap();
            stage.leases.sweep(now() + later, |_| adopted);
            assert_eq!(stage.leases.result_of(HASH).is_some(), stays, "{name}");
        }
    }

    #[test]
    fn old_locks_are_swept_and_the_journal_is_not() {
        let stage = Stage::new();
        stage.put_lock("");
        fs::write(stage.leases.own.join("intent.json"), "{}").unwrap();

        stage.leases.sweep(now() + Span::seconds(50), |_| true);
        assert!(stage.leases.lock_path(HASH).exists());
        stage.leases.sweep(now() + Span::days(60), |_| true);

        assert!(!stage.leases.lock_path(HASH).exists());
        assert!(stage.leases.own.join("intent.json").exists());
    }

    #[test]
    fn the_variables_of_the_reference_are_obeyed_within_their_bounds() {
        let of = |pairs: &[(&str, &str)]| {
            Rules::of(&Env::from(|name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            }))
        };
        let usual = Rules::default();

        assert_eq!(of(&[]), usual);
        assert_eq!(of(&[("CODEX_AUTH_REFRESH_LEASE", "off")]).part, Part::Declined);
        assert_eq!(
            of(&[
                ("CODEX_AUTH_REFRESH_LEASE", "1"),
                ("CODEX_AUTH_REFRESH_LEASE_TTL_MS", "1000"),
                ("CODEX_AUTH_REFRESH_LEASE_WAIT_MS", "0"),
                ("CODEX_AUTH_REFRESH_LEASE_POLL_MS", "50"),
                ("CODEX_AUTH_REFRESH_LEASE_RESULT_TTL_MS", " 2000 "),
            ]),
            Rules {
                part: Part::Taken,
                life: Span::seconds(1),
                wait: Span::ZERO,
                poll: Span::millis(50),
                result_life: Span::seconds(2),
            }
        );
        assert_eq!(
            of(&[
                ("CODEX_AUTH_REFRESH_LEASE_TTL_MS", "999"),
                ("CODEX_AUTH_REFRESH_LEASE_WAIT_MS", "-1"),
                ("CODEX_AUTH_REFRESH_LEASE_POLL_MS", "49"),
                ("CODEX_AUTH_REFRESH_LEASE_RESULT_TTL_MS", "soon"),
            ]),
            usual
        );
    }
}
