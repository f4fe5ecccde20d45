//! Repairs of files and of the pool. Each looks again at what it is about to change.

use std::fs;
use std::path::{Path, PathBuf};

use crate::adapters::checkup::files::{Files, is_loose, modified, names};
use crate::adapters::checkup::{Examiner, words};
use crate::adapters::codex::config::Applied;
use crate::adapters::disk::{atomic, perms};
use crate::adapters::store::quarantine;
use crate::base::Moment;
use crate::domain::account::Switch;
use crate::domain::change::Change;
use crate::domain::checkup::facts::Copy;
use crate::domain::checkup::repair::{Identity, Mended, Repair};
use crate::domain::places::{POOL_FILE, Places};
use crate::formats::accounts::Document;
use crate::formats::extension::Extension;
use crate::ports::Clock;
use crate::ports::home::Home;
use crate::ports::store::{Store as _, StoreError};

/// The credential store in which the official CLI writes `auth.json`.
const FILE_STORE: (&str, &str) = ("cli_auth_credentials_store", "file");

impl<H: Home, C: Clock> Examiner<H, C> {
    pub(super) async fn carry_out(&self, repair: &Repair) -> Result<Mended, String> {
        match repair {
            Repair::Restore { from, .. } => self.restore(from.clone()).await,
            Repair::Tighten(paths) => tighten(paths),
            Repair::Sweep(paths) => self.sweep(paths),
            Repair::CredentialStore { .. } => {
                let (key, value) = FILE_STORE;
                match self.config.set(key, value, "doctor", self.clock.now()).await {
                    Ok(Applied::Changed { .. }) => Ok(Mended::Done),
                    Ok(Applied::Unchanged | Applied::NotOurs) => Ok(Mended::Nothing),
                    Err(error) => Err(error.to_string()),
                }
            }
            Repair::ActiveIndex => {
                let roster = self.store.load().await.map_err(words)?.roster;
                let (active, pin, pinned_at) = (roster.active.clone(), roster.pin.clone(), roster.pinned_at);
                self.commit(vec![Change::SelectionRestored { active, pin, pinned_at }]).await
            }
            Repair::SwitchOff(who) => {
                let off = |one: &crate::domain::checkup::repair::Patient| Change::Switched {
                    key: one.key.clone(),
                    switch: Switch::Off,
                };
                self.commit(who.iter().map(off).collect()).await
            }
            Repair::SwitchOn(who) => {
                self.commit(vec![Change::Switched { key: who.key.clone(), switch: Switch::On }]).await
            }
            Repair::Emails(who) | Repair::Ids(who) => self.commit(who.iter().map(identified).collect()).await,
            Repair::Refresh(_)
            | Repair::Mirror(_)
            | Repair::StopHelpers(_)
            | Repair::Unbind { .. }
            | Repair::Retire { .. } => Ok(Mended::Nothing),
        }
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Mended, String> {
        self.store.commit(changes).await.map(|_| Mended::Done).map_err(|error| error.to_string())
    }

    /// Puts a copy in the pool's place. Under the pool's lock, and only while the pool is still the one nobody
    /// can read: a login in between has made it good again.
    async fn restore(&self, from: PathBuf) -> Result<Mended, String> {
        let done = self.store.locked(move |pool| -> Result<Mended, StoreError> {
            let (places, at) = (pool.places(), pool.now());
            if pool.open(|_, _| ()).is_ok() {
                return Ok(Mended::Nothing);
            }
            let io = |path: &Path| {
                let path = path.to_owned();
                move |error: std::io::Error| StoreError::Io {
                    path: path.display().to_string(),
                    code: None,
                    detail: words(error),
                }
            };
            let Some(bytes) = atomic::read(&from).map_err(io(&from))? else { return Ok(Mended::Nothing) };
            if accounts_in(&bytes, at).is_none() {
                let detail = "the copy cannot be read any more".to_owned();
                return Err(StoreError::Corrupt { path: from.display().to_string(), detail });
            }
            let target = places.pool();
            if let Some(damaged) = atomic::read(&target).map_err(io(&target))? {
                quarantine(places, POOL_FILE, &damaged, at).map_err(io(&target))?;
            }
            atomic::write(&target, &bytes).map_err(io(&target))?;
            Ok(Mended::Done)
        });
        done.await.map_err(|error| error.to_string())
    }

    /// Removes what still is a leftover.
    fn sweep(&self, paths: &[PathBuf]) -> Result<Mended, String> {
        let left = Files::new(&self.places, self.clock.now()).leftovers();
        let mut done = Mended::Nothing;
        for path in paths.iter().filter(|path| left.contains(path)) {
            let removed = if path.is_dir() { remove_lock_folder(path) } else { atomic::remove(path) };
            removed.map_err(|error| format!("{}: {}", path.display(), words(error)))?;
            done = Mended::Done;
        }
        Ok(done)
    }
}

/// Copies of the pool besides its rotating backups: snapshots and named ones.
pub(super) fn copies(places: &Places, at: Moment) -> Vec<Copy> {
    let folders = [places.snapshots(), places.pool_dir().join("backups")];
    let files = folders.iter().flat_map(|folder| names(folder).into_iter().map(|name| folder.join(name)));
    let jsons = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    jsons
        .filter_map(|path| {
            let accounts = accounts_in(&atomic::read(&path).ok()??, at)?;
            Some(Copy { at: modified(&path), path, accounts })
        })
        .collect()
}

/// How many accounts a copy has; `None` when it has none or is no pool.
fn accounts_in(bytes: &[u8], at: Moment) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let document = Document::parse(&text, &Extension::default(), at).ok()?;
    Some(document.roster().accounts.len()).filter(|accounts| *accounts > 0)
}

fn tighten(paths: &[PathBuf]) -> Result<Mended, String> {
    for path in paths {
        perms::tighten(path);
    }
    let open: Vec<String> =
        paths.iter().filter(|path| is_loose(path)).map(|path| path.display().to_string()).collect();
    if open.is_empty() {
        return Ok(Mended::Done);
    }
    Err(format!("the system did not take the rights away: {}", open.join(", ")))
}

fn identified(identity: &Identity) -> Change {
    Change::Identified {
        key: identity.who.key.clone(),
        email: identity.email.clone(),
        account_id: identity.account_id.clone(),
    }
}

/// The reference's lock is a folder with one file in it; anything more is not ours to remove.
fn remove_lock_folder(path: &Path) -> std::io::Result<()> {
    atomic::remove(&path.join("owner.json"))?;
    fs::remove_dir(path)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn rights_that_stay_are_no_success() {
        let stays = PathBuf::from("/proc/self/status");

        let told = tighten(&[stays]).unwrap_err();

        assert!(told.contains("/proc/self/status"), "{told}");
    }
}
