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

    pub(crate) fn env(&self) -> Env {
        let home = self.home.path().to_string_lossy().into_owned();
        Env::from(|name| {
            let given = self.case["env"][name].as_str().map(|value| value.replace("$HOME", &home));
            given.or_else(|| (name == "HOME").then(|| home.clone()))
        })
    }

    pub(crate) fn places(&self) -> Places {
        places::resolve(&self.env())
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
