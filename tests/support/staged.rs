//! A storage fixture as it stands on disk before the program starts: a copied home, its clock, its environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use codex_multi_auth::adapters::env::Env;
use codex_multi_auth::adapters::places;
use codex_multi_auth::adapters::store::DiskStore;
use codex_multi_auth::base::calendar::Zone;
use codex_multi_auth::base::{Moment, Span};
use codex_multi_auth::domain::places::Places;
use codex_multi_auth::domain::scope::Wish;
use codex_multi_auth::ports::Clock;
use serde_json::Value;
use tempfile::TempDir;

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Still(pub(crate) Moment);

impl Clock for Still {
    fn now(&self) -> Moment {
        self.0
    }

    async fn sleep(&self, span: Span) {
        tokio::time::sleep(span.to_duration()).await;
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }
}

/// A staged case.
#[derive(Debug)]
pub(crate) struct Staged {
    home: TempDir,
    pub(crate) case: Value,
}

impl Staged {
    /// Copies `tests/fixtures/storage/cases/<id>`.
    pub(crate) fn new(id: &str) -> Self {
        let folder = cases().join(id);
        let case: Value = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
        let home = TempDir::new().unwrap();
        let now = case["now"].as_u64().unwrap();
        if folder.join("home").is_dir() {
            copy(&folder.join("home"), home.path(), now - 1_000);
        }
        if id == HUGE {
            let pool = home.path().join(".codex/multi-auth/openai-codex-accounts.json");
            fs::create_dir_all(pool.parent().unwrap()).unwrap();
            fs::write(&pool, huge_pool(2_000)).unwrap();
            age(&pool, now - 1_000);
        }
        make_private(home.path());
        for (path, at) in case["mtimesMs"].as_object().into_iter().flatten() {
            age(&home.path().join(path), at.as_u64().unwrap());
        }
        Self { home, case }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::from_millis(self.case["now"].as_i64().unwrap())
    }

    /// Variables of the case; in project scope the official CLI is not synced, as the case was recorded.
    pub(crate) fn env(&self) -> Env {
        let home = self.home.path().to_string_lossy().into_owned();
        let scoped = self.current_dir().is_some();
        Env::from(|name| {
            let given = self.case["env"][name].as_str().map(|value| value.replace("$HOME", &home));
            given
                .or_else(|| (name == "HOME").then(|| home.clone()))
                .or_else(|| (scoped && name == "CODEX_MULTI_AUTH_SYNC_CODEX_CLI").then(|| "0".to_owned()))
        })
    }

    /// Where a case in project scope runs.
    pub(crate) fn current_dir(&self) -> Option<PathBuf> {
        let home = self.home.path().to_string_lossy();
        self.case["cwd"].as_str().map(|path| PathBuf::from(path.replace("$HOME", &home)))
    }

    pub(crate) fn places(&self) -> Places {
        let env = self.env();
        let places = places::resolve(&env);
        match self.current_dir() {
            Some(start) => places::scoped(places, &env, &start, Wish::Usual, |_| true).expect("a pool"),
            None => places,
        }
    }

    pub(crate) fn store(&self) -> DiskStore<Still> {
        DiskStore::new(Arc::new(self.places()), &self.env(), Still(self.now()))
    }

    /// All files below the home with their bytes, but for locks.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        walk(self.home.path(), &mut |path| {
            let name = path.strip_prefix(self.home.path()).unwrap().to_string_lossy().into_owned();
            if !name.contains("/locks/") {
                all.push((name, fs::read(path).unwrap()));
            }
        });
        all.sort();
        all
    }
}

/// The names of all cases whose id begins so.
pub(crate) fn ids(begin: &str) -> Vec<String> {
    let mut all: Vec<String> = fs::read_dir(cases())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|id| id.starts_with(begin))
        .collect();
    all.sort();
    all
}

/// One of the vector files.
pub(crate) fn vectors(name: &str) -> Value {
    let path = cases().with_file_name("vectors").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The case whose pool is made here instead of being stored.
const HUGE: &str = "b33-huge-pool-2000";

/// A pool with many rows, every twentieth one a later copy of the row before it.
pub(crate) fn huge_pool(rows: u64) -> String {
    let row = |n: u64| {
        let key = if n.is_multiple_of(20) { n - 1 } else { n };
        let mut row = serde_json::json!({
            "accountId": format!("acct-fixture-{key:05}"),
            "accountIdSource": "token",
            "email": format!("user{key}@example.com"),
            "refreshToken": format!("rt_fixture_{n:05}_AAAAbbbbCCCCdddd"),
            "addedAt": 1_780_000_000_000 + n,
            "lastUsed": 1_785_000_000_000 + n,
        });
        if n.is_multiple_of(7) {
            row["enabled"] = false.into();
        }
        if n.is_multiple_of(11) {
            row["rateLimitResetTimes"] = serde_json::json!({ "codex": 1_795_000_000_000 + n });
        }
        if n.is_multiple_of(13) {
            row["coolingDownUntil"] = (1_795_000_000_000 + n).into();
            row["cooldownReason"] = "network-error".into();
        }
        row
    };
    let families = ["gpt-5-codex", "codex-max", "codex", "gpt-5.2", "gpt-5.1"];
    let pool = serde_json::json!({
        "version": 3,
        "accounts": (1..=rows).map(row).collect::<Vec<_>>(),
        "activeIndex": rows / 2,
        "activeIndexByFamily": families.map(|family| (family.to_owned(), Value::from(rows / 2))).into_iter().collect::<serde_json::Map<_, _>>(),
    });
    serde_json::to_string_pretty(&pool).unwrap()
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/storage/cases")
}

fn copy(from: &Path, to: &Path, at: u64) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let target = to.join(if name == "dot-git" { ".git".into() } else { name });
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target, at);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
            age(&target, at);
        }
    }
}

/// Version control does not keep modes: folders 0700, files 0600.
fn make_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            make_private(&path);
        } else {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

fn age(path: &Path, at: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(at)).unwrap();
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, visit) } else { visit(&path) }
    }
}
