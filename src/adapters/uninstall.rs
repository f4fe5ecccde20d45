//! Removing what we and the reference leave: entries in files of others, caches, sign-ins, and the root itself.
//!
//! Every step looks first and says what it found. Nothing is followed through a link, and nothing of the official CLI is
//! touched but what we put there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::codex::rescue;
use crate::adapters::disk::atomic;
use crate::adapters::env::Env;
use crate::adapters::leftovers::{Gone, Leftovers};
use crate::adapters::made::Made;
use crate::base::Moment;
use crate::domain::leftover::{Kind, Leftover};
use crate::domain::places::{POOL_FILE, Places};
use crate::domain::uninstall::{State, Step};
use crate::formats::{plugins, refile};

/// Packages of the reference in its plugin cache.
const PACKAGES: [&str; 2] = ["codex-multi-auth", "@ndycode/codex-multi-auth"];
/// Files in the root that only help while we are installed, by the beginning of their names.
const HELPERS: [&str; 3] =
    ["first-run-setup.json", "runtime-rotation-app-helper", "status-quota-refresh.lock"];
/// Names in the root that can hold sign-ins, by their beginning.
const SIGN_INS: [&str; 4] = [
    POOL_FILE,
    "openai-codex-flagged-accounts.json",
    "openai-codex-blocked-accounts.json",
    "codex-accounts.json",
];
/// Folders in the root that can hold sign-ins.
const SIGN_IN_FOLDERS: [&str; 7] = [
    "backups",
    "snapshots",
    "quarantine",
    "refresh-leases",
    "projects",
    "ext/accounts.json",
    "device-login.json",
];

const SESSIONS_INSIDE: &str = "sessions of the official CLI lie in runtime-shadow-homes only: `codex-multi-auth history migrate` moves them";
const SESSIONS_APART: &str = "sessions that differ from yours under the same name are kept there: move them elsewhere, then run this again";

/// What is removed of one user.
#[derive(Debug, Clone)]
pub struct Remover<'a> {
    places: &'a Places,
    env: &'a Env,
    dry_run: bool,
}

impl<'a> Remover<'a> {
    /// For this user; with `dry_run` it only looks.
    pub const fn new(places: &'a Places, env: &'a Env, dry_run: bool) -> Self {
        Self { places, env, dry_run }
    }

    fn gone(&self, step: &'static str, path: &Path) -> Step {
        let there = fs::symlink_metadata(path);
        match there {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Step::new(step, path.display().to_string(), State::Absent)
            }
            Err(error) => {
                Step::new(step, path.display().to_string(), State::Failed).saying(error.to_string())
            }
            Ok(_) if self.dry_run => Step::new(step, path.display().to_string(), State::Removed),
            Ok(meta) => {
                let removed = if meta.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
                match removed {
                    Ok(()) => Step::new(step, path.display().to_string(), State::Removed),
                    Err(error) => {
                        Step::new(step, path.display().to_string(), State::Failed).saying(error.to_string())
                    }
                }
            }
        }
    }

    /// Shortcuts that the reference changed on Windows: only the system's shell interface could put them back.
    pub fn shortcuts(&self) -> Vec<Step> {
        let kept = self.places.root().join("app-shortcuts.json");
        let is_there = kept.exists() && cfg!(windows);
        let step = Step::new("launcher", kept.display().to_string(), State::Skipped)
            .saying("shortcuts were changed by the original package; what they were stands in this file");
        is_there.then_some(step).into_iter().collect()
    }

    /// The reference's entry among the plugins of `Codex.json`.
    pub fn config_entry(&self) -> Step {
        const STEP: &str = "config-entry";
        let file = self.codex_json();
        let text = match atomic::read_text(&file) {
            Ok(Some(text)) => text,
            Ok(None) => return Step::new(STEP, file.display().to_string(), State::Absent),
            Err(error) => {
                return Step::new(STEP, file.display().to_string(), State::Failed).saying(error.to_string());
            }
        };
        match plugins::without(&text, &PACKAGES) {
            Ok(None) => Step::new(STEP, file.display().to_string(), State::Absent),
            Ok(Some(_)) if self.dry_run => Step::new(STEP, file.display().to_string(), State::Removed),
            Ok(Some(fresh)) => match replaced(&file, &text, &fresh) {
                Ok(()) => Step::new(STEP, file.display().to_string(), State::Removed),
                Err(error) => {
                    Step::new(STEP, file.display().to_string(), State::Failed).saying(error.to_string())
                }
            },
            Err(why) => Step::new(STEP, file.display().to_string(), State::Failed)
                .saying(format!("it cannot be read: {why}")),
        }
    }

    /// The reference's packages in the plugin cache, and its lock file when no plugin needs it.
    pub fn cache(&self) -> Vec<Step> {
        const STEP: &str = "cache";
        let cache =
            self.env.xdg_cache_home.as_ref().map_or_else(|| self.home(".cache"), PathBuf::from).join("Codex");
        let cache = match &self.env.local_app_data {
            Some(local) if cfg!(windows) => PathBuf::from(local).join("Codex"),
            Some(_) | None => cache,
        };
        let modules = cache.join("node_modules");
        let mut steps: Vec<Step> =
            PACKAGES.into_iter().map(|name| self.gone(STEP, &modules.join(name))).collect();
        let needs = match atomic::read_text(&self.codex_json()) {
            Ok(Some(text)) => plugins::count_without(&text, &PACKAGES),
            Ok(None) => Some(0),
            Err(_) => None,
        };
        let lock = cache.join("bun.lock");
        if needs == Some(0) {
            steps.push(self.gone(STEP, &lock));
        } else if lock.exists() {
            steps.push(
                Step::new(STEP, lock.display().to_string(), State::Skipped)
                    .saying("other plugins may need it"),
            );
        }
        if !self.dry_run && steps.iter().any(|step| step.state == State::Removed) {
            for folder in [modules.join("@ndycode"), modules, cache] {
                // What still holds something stays.
                let _ = fs::remove_dir(folder);
            }
        }
        steps
    }

    /// Files in the root that only help while we are installed.
    pub fn helpers(&self) -> Vec<Step> {
        const STEP: &str = "leftovers";
        let root = self.places.root();
        let mut paths = vec![self.places.cache()];
        for name in names(root) {
            if HELPERS.iter().any(|begin| name.starts_with(begin)) {
                paths.push(root.join(name));
            }
        }
        let all = paths.iter().map(|path| self.gone(STEP, path));
        all.filter(|step| step.state != State::Absent).collect()
    }

    /// What the original package left; sessions in it come to where they belong first.
    pub fn reference(&self, at: Moment) -> Vec<Step> {
        const STEP: &str = "leftovers";
        let leftovers = Leftovers::new(self.places, self.env, at);
        let all: Vec<Leftover> =
            leftovers.look().into_iter().filter(|one| one.kind != Kind::Wrapper).collect();
        let wanted: Vec<PathBuf> =
            all.iter().filter(|one| one.can_go()).map(|one| one.path.clone()).collect();
        let gone = if self.dry_run {
            Gone { removed: wanted, ..Gone::default() }
        } else {
            leftovers.remove(&wanted)
        };
        let mut steps: Vec<Step> = all
            .iter()
            .map(|one| {
                let target = one.path.display().to_string();
                match &one.busy {
                    Some(why) => Step::new(STEP, target, State::Skipped).saying(why.clone()),
                    None if gone.removed.contains(&one.path) => Step::new(STEP, target, State::Removed),
                    None => Step::new(STEP, target, State::Failed),
                }
            })
            .collect();
        if gone.rescued > 0 {
            let sessions = self.places.codex_home().join("sessions").display().to_string();
            steps.push(
                Step::new(STEP, sessions, State::Restored)
                    .saying(format!("{} sessions of a temporary home are in it now", gone.rescued)),
            );
        }
        steps.extend(gone.failed.into_iter().map(|why| Step::new(STEP, why, State::Failed)));
        steps
    }

    /// Every file of ours that can hold a sign-in; the official `auth.json` is the official CLI's.
    pub fn accounts(&self) -> Vec<Step> {
        const STEP: &str = "accounts";
        let root = self.places.root();
        let mut paths: Vec<PathBuf> = SIGN_IN_FOLDERS.iter().map(|name| root.join(name)).collect();
        for name in names(root) {
            if SIGN_INS.iter().any(|begin| name.starts_with(begin)) {
                paths.push(root.join(name));
            }
        }
        for folder in self.places.result_folders() {
            if !folder.starts_with(root) {
                paths.push(folder);
            }
        }
        let kept = self.places.backups_official();
        paths.extend(
            names(&kept).into_iter().filter(|name| name.starts_with("auth")).map(|name| kept.join(name)),
        );
        paths.sort();
        paths.dedup();
        paths.iter().map(|path| self.gone(STEP, path)).filter(|step| step.state != State::Absent).collect()
    }

    /// The root with everything in it. One that others share loses only what is known to be ours.
    pub fn purge(&self) -> Vec<Step> {
        const STEP: &str = "purge";
        let root = self.places.root();
        let homes = rescue::homes(self.places);
        let lost = rescue::count(self.places, &homes);
        if !matches!(lost, Ok(0)) {
            return vec![Step::new(STEP, root.display().to_string(), State::Failed).saying(SESSIONS_INSIDE)];
        }
        if let Some(folder) = self.kept_apart() {
            return vec![Step::new(STEP, folder.display().to_string(), State::Failed).saying(SESSIONS_APART)];
        }
        let is_shared = root == self.places.codex_home()
            || root == self.places.user_home()
            || ["auth.json", "config.toml", "sessions"].iter().any(|name| root.join(name).exists());
        if !is_shared {
            let is_ours = Made::of(self.places).is_ours(self.places.codex_home());
            let step = self.gone(STEP, root);
            if !self.dry_run && is_ours {
                // A home that we made for it and nobody used.
                let _ = fs::remove_dir(self.places.codex_home());
            }
            return vec![step];
        }
        let own = crate::domain::stock::places(self.places);
        let official = [self.places.auth_json(), self.places.config_toml(), root];
        let own = own.into_iter().map(|(_, path, _)| path).filter(|path| !official.contains(&path.as_path()));
        let more = ["ext", "app-bind", "usage"].into_iter().map(|name| root.join(name));
        let mut steps: Vec<Step> = own
            .chain(more)
            .map(|path| self.gone(STEP, &path))
            .filter(|step| step.state != State::Absent)
            .collect();
        steps.push(
            Step::new(STEP, root.display().to_string(), State::Skipped)
                .saying("the official CLI keeps its own files in this folder"),
        );
        steps
    }

    /// Files of ours in which one of these texts still stands.
    pub fn holding(&self, secrets: &[crate::base::Secret]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.places.root().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() && holds(&entry.path(), secrets) {
                    found.push(entry.path());
                }
            }
        }
        found.retain(|path| path != self.places.auth_json());
        found
    }

    /// A folder with sessions that are nowhere else: rescued ones that stand in nobody's place.
    fn kept_apart(&self) -> Option<PathBuf> {
        let kept = self.places.backups_official();
        let folders = names(&kept).into_iter().filter(|name| name.ends_with(".sessions"));
        let lone = |folder: &PathBuf| {
            let backup = folder.with_extension("jsonl");
            let text = atomic::read_text(&backup).ok().flatten().unwrap_or_default();
            refile::read(&text).iter().any(|entry| match entry {
                refile::Entry::Rescued { path, replaced: None, .. } => {
                    path.starts_with(folder) && path.exists()
                }
                refile::Entry::Rescued { .. }
                | refile::Entry::Session { .. }
                | refile::Entry::Index { .. } => false,
            })
        };
        folders.map(|name| kept.join(name)).find(lone)
    }

    fn home(&self, below: &str) -> PathBuf {
        self.places.user_home().join(below)
    }

    fn codex_json(&self) -> PathBuf {
        match &self.env.app_data {
            Some(data) if cfg!(windows) => PathBuf::from(data).join("Codex/Codex.json"),
            Some(_) | None => {
                let config =
                    self.env.xdg_config_home.as_ref().map_or_else(|| self.home(".config"), PathBuf::from);
                config.join("Codex/Codex.json")
            }
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn holds(path: &Path, secrets: &[crate::base::Secret]) -> bool {
    let Ok(bytes) = fs::read(path) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    secrets.iter().any(|secret| !secret.is_blank() && text.contains(secret.expose()))
}

/// Replaces a file of somebody else's, unless it changed meanwhile.
fn replaced(path: &Path, old: &str, fresh: &str) -> io::Result<()> {
    let mut staged = atomic::Staged::write(path, fresh.as_bytes())?;
    staged.keep_mode()?;
    staged.sync()?;
    if atomic::read_text(path)?.as_deref() != Some(old) {
        return Err(io::Error::other("it changed meanwhile"));
    }
    staged.publish()
}
