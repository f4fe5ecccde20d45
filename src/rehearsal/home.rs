//! A home to rehearse in: a root and a Codex home with ordinary files, in a folder that goes when it is dropped.
//!
//! The real home is never looked at. A rehearsal that was killed leaves its folder behind; the next one removes it:
//! a living rehearsal holds a lock in its folder, which ends with the process however it ends.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::base::Moment;
use crate::formats::fake::pool::{self, Seated};
use crate::formats::registry::Registration;
use crate::formats::scenario::Presence;
use crate::rehearsal::backend::Backend;

/// How throw-away folders are called.
const PREFIX: &str = "codex-multi-auth-demo-";

/// The file in a throw-away folder whose lock says that its rehearsal lives.
const ALIVE: &str = ".alive";

/// A furnished home.
#[derive(Debug)]
pub struct Home {
    folder: PathBuf,
    /// Removes the folder when dropped; none when somebody else owns it.
    _guard: Option<(TempDir, File)>,
}

impl Home {
    /// Furnishes a throw-away home with the accounts of a back end.
    ///
    /// # Errors
    /// When the folder or its files cannot be written.
    pub fn throw_away(backend: &Backend) -> io::Result<Self> {
        sweep(&std::env::temp_dir());
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let guard = builder.tempdir()?;
        let alive = File::create(guard.path().join(ALIVE))?;
        alive.lock()?;
        let folder = guard.path().to_owned();
        furnish(&folder, backend)?;
        Ok(Self { folder, _guard: Some((guard, alive)) })
    }

    /// Furnishes a given folder, which stays.
    ///
    /// # Errors
    /// When the folder or its files cannot be written.
    pub fn within(folder: &Path, backend: &Backend) -> io::Result<Self> {
        furnish(folder, backend)?;
        Ok(Self { folder: folder.to_owned(), _guard: None })
    }

    /// What `HOME` may be set to.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The Codex home (`CODEX_HOME`).
    pub fn codex(&self) -> PathBuf {
        codex(&self.folder)
    }

    /// The root of the product (`CODEX_MULTI_AUTH_DIR`); where the product looks below that Codex home anyway.
    pub fn root(&self) -> PathBuf {
        root(&self.folder)
    }
}

/// Removes the folders of rehearsals that were killed. One without its lock file is just being made.
fn sweep(temporary: &Path) {
    let entries = std::fs::read_dir(temporary).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let folder = entry.path();
        let Ok(alive) = File::open(folder.join(ALIVE)) else { continue };
        if alive.try_lock().is_ok() {
            sweep_sockets(temporary, &root(&folder).join("run"));
            // Somebody else's folder, or one in use elsewhere, stays: that is what the error means.
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
}

/// Sockets whose path in the folder would have been too long stand beside it, in a folder of their own.
fn sweep_sockets(temporary: &Path, registry: &Path) {
    let entries = std::fs::read_dir(registry).into_iter().flatten().flatten();
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    for socket in texts.filter_map(|text| Registration::parse(&text)?.socket).map(PathBuf::from) {
        if let Some(folder) = socket.parent().filter(|folder| folder.parent() == Some(temporary)) {
            let _ = std::fs::remove_file(&socket);
            let _ = std::fs::remove_dir(folder);
        }
    }
}

fn codex(folder: &Path) -> PathBuf {
    folder.join(".codex")
}

fn root(folder: &Path) -> PathBuf {
    codex(folder).join("multi-auth")
}

fn furnish(folder: &Path, backend: &Backend) -> io::Result<()> {
    let now = backend.clock().now();
    let root = root(folder);
    let usage = root.join("usage");
    private_folder(&usage)?;
    let seated = seated(backend, now);
    if seated.is_empty() {
        return Ok(());
    }
    let model = backend.models().first().map(String::as_str).unwrap_or_default();
    private_file(&root.join("openai-codex-accounts.json"), &pool::accounts(&seated, now))?;
    private_file(&root.join("quota-cache.json"), &pool::quota_cache(&seated, model, now))?;
    private_file(&usage.join("usage-ledger.jsonl"), &pool::ledger(&seated, model, now))?;
    let current = seated.iter().find(|account| account.row.current).or(seated.first());
    if let Some(account) = current {
        private_file(&codex(folder).join("auth.json"), &pool::auth_json(account, now))?;
    }
    Ok(())
}

fn seated(backend: &Backend, now: Moment) -> Vec<Seated> {
    let players = backend.players().into_iter().filter(|player| player.row.presence == Presence::InPool);
    players
        .filter_map(|player| {
            let tokens = backend.tokens(&player.name)?;
            let standing = backend.standing_at(&player.name, now)?;
            let begun = |quota: Option<crate::formats::scenario::Quota>| {
                quota.is_some_and(|quota| quota.resets_in.is_some())
            };
            Some(Seated {
                account_id: tokens.account_id,
                email: tokens.email,
                access: tokens.access,
                refresh: tokens.refresh,
                id_token: tokens.id_token,
                expires_at: tokens.expires_at,
                standing,
                begun: (begun(player.primary), begun(player.secondary)),
                row: player.row,
            })
        })
        .collect()
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_rehearsal_is_swept_and_a_living_one_is_not() {
        let temporary = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            let folder = temporary.path().join(format!("{PREFIX}{name}"));
            std::fs::create_dir(&folder).unwrap();
            folder
        };
        let (dead, alive, young) = (made("dead"), made("alive"), made("young"));
        File::create(dead.join(ALIVE)).unwrap();
        let held = File::create(alive.join(ALIVE)).unwrap();
        held.lock().unwrap();

        sweep(temporary.path());

        assert_eq!([dead.exists(), alive.exists(), young.exists()], [false, true, true]);
    }
}
