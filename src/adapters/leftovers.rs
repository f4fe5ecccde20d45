//! What the original package left on this computer: found, and removed when nobody uses it (forwarder.md §13).
//!
//! Nothing is followed through a link. A home in which something was written lately, or that a process names in its
//! environment, stays; so does everything while a helper of the original package runs. Sessions in a home that goes
//! come to where they belong first.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::codex::{refile, rescue};
use crate::adapters::disk::atomic;
use crate::adapters::env::Env;
use crate::adapters::launcher;
use crate::adapters::peers::process_start;
use crate::adapters::process;
use crate::adapters::startup::{legacy_entries, run_out};
use crate::base::{Moment, Span};
use crate::domain::leftover::{Kind, Leftover, TEMPORARY_HOMES};
use crate::domain::places::Places;
use crate::formats::codex_config::legacy;
use crate::formats::helper_status::{self, HelperStatus};
use crate::formats::lossless::Object;

/// A home that was written to so lately may be in use.
const QUIET: Span = Span::minutes(10);
/// An end for a folder somebody filled.
const MOST: usize = 20_000;
/// A wrapper is a short script.
const SCRIPT: u64 = 64 * 1024;
/// The system's own clock of process starts is coarse (forwarder.md §13).
const SLACK: Span = Span::minutes(1);

/// A look at one user's computer.
#[derive(Debug, Clone)]
pub struct Leftovers<'a> {
    places: &'a Places,
    env: &'a Env,
    at: Moment,
}

/// What became of leftovers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gone {
    /// What was removed.
    pub removed: Vec<PathBuf>,
    /// How many sessions came to where they belong.
    pub rescued: usize,
    /// What could not be done, a line each.
    pub failed: Vec<String>,
}

impl<'a> Leftovers<'a> {
    /// At this moment.
    pub const fn new(places: &'a Places, env: &'a Env, at: Moment) -> Self {
        Self { places, env, at }
    }

    /// Everything that is there.
    pub fn look(&self) -> Vec<Leftover> {
        let mut all = Vec::new();
        let homes = self.homes();
        let helper = self.helpers().into_iter().next();
        let users = if homes.is_empty() { Vec::new() } else { environments() };
        for home in homes {
            let extent = measure(&home);
            let sessions = rescue::count(self.places, std::slice::from_ref(&home));
            let busy = self.why_busy(&home, &extent, helper.as_ref(), &users).or_else(|| {
                sessions.as_ref().err().map(|error| format!("it cannot be looked into: {error}"))
            });
            all.push(Leftover {
                kind: Kind::Home,
                path: home,
                bytes: extent.bytes,
                sessions: sessions.unwrap_or(0),
                busy,
            });
        }
        let stay = helper.map(|helper| format!("process {} of the original package runs", helper.pid));
        let plain = |kind, path: PathBuf, busy: Option<String>| Leftover {
            bytes: measure(&path).bytes,
            kind,
            path,
            sessions: 0,
            busy,
        };
        for path in self.sync() {
            let owner = sync_owner(&path).filter(|pid| process::runs(*pid));
            let busy = owner.map(|pid| format!("process {pid} works on it")).or_else(|| stay.clone());
            all.push(plain(Kind::Sync, path, busy));
        }
        for path in self.shims() {
            all.push(plain(Kind::Shim, path, None));
        }
        for path in legacy_entries(self.places.user_home(), self.env.app_data.as_deref().map(Path::new)) {
            all.push(plain(Kind::Startup, path, None));
        }
        if let Some(path) = self.launcher() {
            all.push(plain(Kind::Launcher, path, None));
        }
        let config = self.places.config_toml();
        let text = atomic::read_text(config).ok().flatten().unwrap_or_default();
        if legacy::find(&text).is_ok_and(|found| found.hooks > 0) {
            all.push(plain(Kind::Trust, config.to_owned(), None));
        }
        for path in self.wrappers() {
            all.push(plain(Kind::Wrapper, path, None));
        }
        all
    }

    /// Whether anything that costs no walk is there; for the start of every launch.
    pub fn glance(&self) -> bool {
        rescue::homes(self.places).iter().any(|home| is_named(home)) || !self.sync().is_empty()
    }

    fn homes(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> =
            rescue::homes(self.places).into_iter().filter(|home| is_named(home)).collect();
        let temporary = std::env::temp_dir();
        let own = names(&temporary).into_iter().filter(|name| name.starts_with(TEMPORARY_HOMES[1]));
        all.extend(own.map(|name| temporary.join(name)).filter(|path| is_real_folder(path) && is_own(path)));
        all
    }

    fn why_busy(
        &self,
        home: &Path,
        extent: &Extent,
        helper: Option<&HelperStatus>,
        users: &[(u32, String)],
    ) -> Option<String> {
        if let Some(helper) = helper {
            return Some(format!("process {} of the original package runs", helper.pid));
        }
        let name = home.to_string_lossy();
        if let Some((pid, _)) = users.iter().find(|(_, text)| text.contains(name.as_ref())) {
            return Some(format!("process {pid} uses it"));
        }
        let is_recent = extent.newest.is_some_and(|newest| self.at.since(newest) < QUIET);
        if is_recent {
            return Some("something was written in it within the last ten minutes".to_owned());
        }
        extent.cut.then(|| "it holds too many files to be sure that nobody uses it".to_owned())
    }

    fn sync(&self) -> Vec<PathBuf> {
        let home = self.places.codex_home();
        let both = [".codex-multi-auth-shadow-sync.lock", ".codex-multi-auth-shadow-sync-state.json"];
        both.into_iter().map(|name| home.join(name)).filter(|path| path.symlink_metadata().is_ok()).collect()
    }

    /// Stand-ins of helpers that are gone.
    fn shims(&self) -> Vec<PathBuf> {
        let folder = self.places.root().join("app-server-shims");
        let is_dead = |name: &String| {
            let pid = name.strip_prefix("helper-").and_then(|pid| pid.parse().ok());
            pid.is_some_and(|pid: u32| !process::runs(pid))
        };
        names(&folder).into_iter().filter(is_dead).map(|name| folder.join(name)).collect()
    }

    /// A launcher that starts nothing any more.
    fn launcher(&self) -> Option<PathBuf> {
        let data = self
            .env
            .xdg_data_home
            .as_ref()
            .map_or_else(|| self.places.user_home().join(".local/share"), PathBuf::from);
        let file = data.join("applications").join(launcher::ENTRY);
        let text = atomic::read_text(&file).ok().flatten()?;
        let exec = text.lines().find_map(|line| line.strip_prefix("Exec="))?;
        let program = exec.trim_start_matches('"').split(['"', ' ']).next()?;
        let is_missing = Path::new(program).is_absolute() && !Path::new(program).exists();
        (text.contains("codex-multi-auth") && is_missing).then_some(file)
    }

    /// Scripts under the official CLI's name, as the reference laid them on Windows.
    fn wrappers(&self) -> Vec<PathBuf> {
        let path = self.env.path.clone().unwrap_or_default();
        let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
        let files = folders
            .flat_map(|folder| ["codex.cmd", "codex.ps1"].into_iter().map(move |name| folder.join(name)));
        let is_one = |file: &PathBuf| {
            let is_short = fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.len() <= SCRIPT);
            let text = if is_short { atomic::read_text(file).ok().flatten() } else { None };
            text.is_some_and(|text| text.contains("codex-multi-auth"))
        };
        files.filter(is_one).collect()
    }

    /// Helpers of the reference that run.
    fn helpers(&self) -> Vec<HelperStatus> {
        let root = self.places.root();
        let is_status = |name: &String| {
            name.strip_prefix("runtime-rotation-app-helper.")
                .and_then(|rest| rest.strip_suffix(".json"))
                .is_some_and(|pid| pid.parse::<u32>().is_ok())
        };
        names(root)
            .iter()
            .filter(|name| is_status(name))
            .filter_map(|name| {
                let path = root.join(name);
                let is_short = fs::metadata(&path).is_ok_and(|meta| meta.len() <= helper_status::LONGEST);
                if !is_short {
                    return None;
                }
                helper_status::read(&atomic::read_text(&path).ok().flatten()?)
            })
            .filter(|status| {
                let began = process_start(status.pid);
                let is_other =
                    began.zip(status.started_at).is_some_and(|(began, started)| began > started + SLACK);
                process::runs(status.pid) && !is_other && status.pid != std::process::id()
            })
            .collect()
    }

    /// Ends the helpers among these processes that carry the token their own file names; the others are left alone.
    pub async fn stop(&self, pids: &[u32]) -> Vec<(u32, bool)> {
        let mut told = Vec::new();
        for helper in self.helpers().into_iter().filter(|helper| pids.contains(&helper.pid)) {
            let is_it = helper.identity.as_deref().is_some_and(|token| {
                token.len() == 48
                    && token.bytes().all(|byte| byte.is_ascii_hexdigit())
                    && process::says(helper.pid, &[token])
            });
            let ended = is_it && process::end(helper.pid, process_start(helper.pid)).await;
            told.push((helper.pid, ended));
        }
        told
    }

    /// Removes what still is a leftover and free to go.
    pub fn remove(&self, wanted: &[PathBuf]) -> Gone {
        let mut gone = Gone::default();
        let all: Vec<Leftover> =
            self.look().into_iter().filter(|one| one.can_go() && wanted.contains(&one.path)).collect();
        let homes: Vec<PathBuf> =
            all.iter().filter(|one| one.kind == Kind::Home).map(|one| one.path.clone()).collect();
        let is_safe = match refile::rescue(self.places, &homes, self.at) {
            Ok(told) => {
                gone.rescued = told.rescued;
                let is_safe = told.failed.is_empty();
                gone.failed.extend(told.failed);
                is_safe
            }
            Err(problem) => {
                gone.failed.push(format!("{}: {}", problem.what, problem.because.join(": ")));
                false
            }
        };
        for one in all.into_iter().filter(|one| is_safe || one.kind != Kind::Home) {
            match self.take(&one) {
                Ok(()) => gone.removed.push(one.path),
                Err(error) => gone.failed.push(format!("{}: {error}", one.path.display())),
            }
        }
        for folder in ["runtime-shadow-homes", "app-server-shims"] {
            // What still holds something stays.
            let _ = fs::remove_dir(self.places.root().join(folder));
        }
        gone
    }

    fn take(&self, one: &Leftover) -> io::Result<()> {
        match one.kind {
            Kind::Startup => run_out(&one.path),
            Kind::Trust => self.distrust(&one.path),
            Kind::Home | Kind::Sync | Kind::Shim | Kind::Launcher => unlink(&one.path),
            Kind::Wrapper => Ok(()),
        }
    }

    fn distrust(&self, config: &Path) -> io::Result<()> {
        let Some(text) = atomic::read_text(config)? else { return Ok(()) };
        let fresh = legacy::without_hooks(&text).map_err(io::Error::other)?;
        let stamp = crate::base::calendar::stamp(self.at);
        let copy = self.places.backups_official().join(format!("config.{stamp}.toml"));
        atomic::write(&copy, text.as_bytes())?;
        let mut staged = atomic::Staged::write(config, fresh.as_bytes())?;
        staged.keep_mode()?;
        staged.sync()?;
        if atomic::read_text(config)?.as_deref() != Some(text.as_str()) {
            return Err(io::Error::other("it changed meanwhile"));
        }
        staged.publish()
    }
}

fn is_named(home: &Path) -> bool {
    let name = home.file_name().unwrap_or_default().to_string_lossy();
    TEMPORARY_HOMES.iter().any(|begin| name.starts_with(begin))
}

/// Removes a file, a link or a folder with what is in it; what links in it lead to stays.
fn unlink(path: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(path)?;
    if meta.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// How much is in a folder, and when something in it was written last.
#[derive(Debug, Default)]
struct Extent {
    bytes: u64,
    newest: Option<Moment>,
    seen: usize,
    cut: bool,
}

fn measure(path: &Path) -> Extent {
    let mut extent = Extent::default();
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        extent.seen += 1;
        if extent.seen > MOST {
            extent.cut = true;
            return extent;
        }
        if meta.is_file() {
            extent.bytes = extent.bytes.saturating_add(meta.len());
        }
        let written = meta.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let written = written.map(|since| Moment::EPOCH + Span::from(since));
        extent.newest = extent.newest.max(written);
        if meta.is_dir() {
            open.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    extent
}

/// What every process of this user has in its environment, where the system shows it.
fn environments() -> Vec<(u32, String)> {
    let own = std::process::id();
    let pids = names(Path::new("/proc")).into_iter().filter_map(|name| name.parse::<u32>().ok());
    pids.filter(|pid| *pid != own)
        .filter_map(|pid| {
            let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
            Some((pid, String::from_utf8_lossy(&bytes).into_owned()))
        })
        .collect()
}

/// Who works on a copy back; the second file belongs to the same one.
fn sync_owner(path: &Path) -> Option<u32> {
    let lock = path.with_file_name(".codex-multi-auth-shadow-sync.lock").join("owner.json");
    let text = atomic::read_text(&lock).ok().flatten()?;
    let object = Object::parse(&text).ok()?;
    object.count("pid").and_then(|pid| u32::try_from(pid).ok())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn is_real_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// Whether a path in a folder that all users share is this user's.
#[cfg(unix)]
fn is_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path).is_ok_and(|meta| meta.uid() == rustix::process::geteuid().as_raw())
}

/// The temporary folder is the user's own here.
#[cfg(not(unix))]
fn is_own(_path: &Path) -> bool {
    true
}
