//! Gathers the facts that decide where the root is, and which pool under it a process works on.

use std::fs;
use std::path::{Path, PathBuf};

use crate::adapters::env::Env;
use crate::domain::places::{PlaceFacts, Places, RootEvidence};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::scope::{self, Entry, Project, Scope, Tree, Wish};

/// A pointer file of a worktree is a line; whatever is longer is none.
const POINTER: u64 = 64 * 1024;

/// The directory this process was started in.
pub fn current_dir() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

/// Settles root and Codex home for this process; the pool is the user's own.
pub fn resolve(env: &Env) -> Places {
    let facts = PlaceFacts {
        user_home: env.user_home(),
        current_dir: current_dir(),
        multi_auth_dir: env.multi_auth_dir.clone(),
        codex_home: env.codex_home.clone(),
        cli_auth: env.cli_auth_path.clone(),
        cli_accounts: env.cli_accounts_path.clone(),
        cli_config: env.cli_config_path.clone(),
        config_path: env.config_path.clone(),
        lease_dir: env.refresh_lease_dir.clone(),
        companion: env.companion_dir.clone(),
    };
    let root = facts.root_choice().settle(look);
    facts.places(root)
}

/// Settles which pool this process works on: the project's when the user says so, or when projects have their
/// own pools and the official CLI is not kept in step (storage.md §2.1).
///
/// `per_project` is asked only when it matters, because the answer costs a reading of the settings.
///
/// # Errors
/// When a project's pool is asked for where there is no project.
pub fn scoped(
    places: Places,
    env: &Env,
    start: &Path,
    wish: Wish,
    per_project: impl FnOnce(&Places) -> bool,
) -> Result<Places, Problem> {
    let wanted = match wish {
        Wish::Global => false,
        Wish::Project => true,
        Wish::Usual => is_sync_off(env) && per_project(&places),
    };
    if !wanted {
        return Ok(places);
    }
    match project(&places, start) {
        Some(project) => Ok(places.scoped(Scope::Project(project))),
        None if wish == Wish::Project => {
            Err(Problem::new("bad-argument", Exit::Usage, "this folder belongs to no project")
                .because(format!("{} and the folders above it hold no marker of one", start.display()))
                .hint(Hint::Say("Leave out `--project`, or run it inside a project".to_owned())))
        }
        None => Ok(places),
    }
}

/// The project around a directory.
pub fn project(places: &Places, start: &Path) -> Option<Project> {
    let has_pool = |key: &str| look(&places.project_dir(key)).accounts;
    scope::find(&Disk, start, places.user_home(), has_pool)
}

fn is_sync_off(env: &Env) -> bool {
    let value = |name| env.settings.get(name).map(|value| value.trim());
    value("CODEX_MULTI_AUTH_SYNC_CODEX_CLI").or_else(|| value("CODEX_AUTH_SYNC_CODEX_CLI")) == Some("0")
}

fn look(directory: &Path) -> RootEvidence {
    let Ok(entries) = fs::read_dir(directory) else { return RootEvidence::default() };
    let names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    RootEvidence::of(names.iter().map(String::as_str))
}

/// The file system.
struct Disk;

impl Tree for Disk {
    fn entry(&self, path: &Path) -> Option<Entry> {
        let meta = fs::metadata(path).ok()?;
        Some(match (meta.is_file(), meta.is_dir()) {
            (true, _) => Entry::File,
            (_, true) => Entry::Directory,
            (false, false) => Entry::Other,
        })
    }

    fn read(&self, path: &Path) -> Option<String> {
        let short = fs::metadata(path).is_ok_and(|meta| meta.len() <= POINTER);
        short.then(|| fs::read(path).ok()).flatten().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn real(&self, path: &Path) -> PathBuf {
        fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
    }
}
