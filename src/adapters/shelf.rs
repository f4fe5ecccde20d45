//! The small stores beside the pool: read as they are, changed under a lock on what stands there now.
//!
//! The reference writes the same files without any lock, so a change is compared once more right before the rename
//! and made again on the newer text. A file nobody can read is kept in quarantine before the first write, and a
//! reader is told that it is damaged: never that it is empty.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::adapters::disk::atomic::{self, Staged};
use crate::adapters::disk::lock::{FileLock, LockError};
use crate::adapters::disk::perms;
use crate::adapters::store::quarantine;
use crate::base::{Moment, Span};
use crate::domain::client_token::ClientToken;
use crate::domain::places::Places;
use crate::domain::policy::account::Policies;
use crate::domain::shelf::{Entries, Found, State, Store};
use crate::formats::budgets::{self, Budgets};
use crate::formats::client_tokens;
use crate::formats::first_run::{self, FirstRun};
use crate::formats::lossless::{Object, ParseJsonError};
use crate::formats::policies;
use crate::formats::profiles::{self, Profiles};
use crate::formats::update_check::{self, UpdateCheck};

/// As for every lock of ours.
const LOCK_WITHIN: Span = Span::seconds(10);
/// How often a store that changes under our hands is tried again.
const TRIES: usize = 5;

/// Why a store could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// Another process holds it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// Somebody else keeps writing it.
    #[error("{} keeps changing", path.display())]
    Restless {
        /// The file.
        path: PathBuf,
    },
    /// The disk.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Nothing: the store said so already.
    Nothing,
    /// It was written.
    Written,
    /// It was damaged: kept in quarantine and begun anew, so what it limited is no longer limited.
    Anew,
}

/// The stores of one root.
#[derive(Debug, Clone)]
pub struct Shelf {
    places: Arc<Places>,
}

impl Shelf {
    /// The stores below the root of `places`.
    pub fn new(places: Arc<Places>) -> Self {
        Self { places }
    }

    /// Where a store is.
    pub fn path(&self, store: Store) -> PathBuf {
        match store {
            Store::UpdateCheck => self.places.cache().join(store.file()),
            Store::Policies
            | Store::Profiles
            | Store::Budgets
            | Store::ClientTokens
            | Store::Quota
            | Store::Observability
            | Store::FirstRun => self.places.root().join(store.file()),
        }
    }

    /// Policies of accounts.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn policies(&self) -> Result<Found<Policies>, ShelfError> {
        self.read(Store::Policies, policies::read)
    }

    /// Profiles of projects.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn profiles(&self) -> Result<Found<Profiles>, ShelfError> {
        self.read(Store::Profiles, profiles::read)
    }

    /// Budgets.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn budgets(&self) -> Result<Found<Budgets>, ShelfError> {
        self.read(Store::Budgets, budgets::read)
    }

    /// Keys of local clients.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn client_tokens(&self) -> Result<Found<Vec<ClientToken>>, ShelfError> {
        self.read(Store::ClientTokens, client_tokens::read)
    }

    /// The record of the first run.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn first_run(&self) -> Result<Found<FirstRun>, ShelfError> {
        self.read(Store::FirstRun, |text| plain(first_run::read(text)))
    }

    /// The newest published version, as last heard.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn update_check(&self) -> Result<Found<UpdateCheck>, ShelfError> {
        self.read(Store::UpdateCheck, |text| plain(update_check::read(text)))
    }

    /// How a store looks, whichever it is.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn state(&self, store: Store) -> Result<State, ShelfError> {
        Ok(match store {
            Store::Policies => self.policies()?.state(),
            Store::Profiles => self.profiles()?.state(),
            Store::Budgets => self.budgets()?.state(),
            Store::ClientTokens => self.client_tokens()?.state(),
            Store::FirstRun => self.first_run()?.state(),
            Store::UpdateCheck => self.update_check()?.state(),
            Store::Quota => self.read(store, |text| plain(version_one(text)))?.state(),
            Store::Observability => self.read(store, |text| plain(object(text)))?.state(),
        })
    }

    /// Changes a store: `edit` gets its text, `None` for a new one, and may be asked again.
    ///
    /// # Errors
    /// The file is as it was then.
    pub async fn change(
        &self,
        store: Store,
        at: Moment,
        edit: impl Fn(Option<&str>) -> Result<String, ParseJsonError>,
    ) -> Result<Changed, ShelfError> {
        let name = store.file().trim_end_matches(".json");
        let _lock = FileLock::acquire(&self.places.lock(name), LOCK_WITHIN).await?;
        for _ in 0..TRIES {
            if let Some(changed) = self.attempt(store, at, &edit)? {
                return Ok(changed);
            }
        }
        Err(ShelfError::Restless { path: self.path(store) })
    }

    /// One attempt; `None` when somebody else wrote in between.
    fn attempt(
        &self,
        store: Store,
        at: Moment,
        edit: &impl Fn(Option<&str>) -> Result<String, ParseJsonError>,
    ) -> Result<Option<Changed>, ShelfError> {
        let path = self.path(store);
        let io_at = |source| ShelfError::Io { path: path.clone(), source };
        let old = atomic::read(&path).map_err(io_at)?;
        let text = old.as_deref().map(String::from_utf8_lossy);
        let (new, changed) = match edit(text.as_deref()) {
            Ok(new) => (new, Changed::Written),
            Err(error) => {
                let bytes = old.as_deref().unwrap_or_default();
                quarantine(&self.places, store.file(), bytes, at).map_err(io_at)?;
                (edit(None).map_err(|_| io_at(io::Error::other(error)))?, Changed::Anew)
            }
        };
        if old.as_deref() == Some(new.as_bytes()) {
            return Ok(Some(Changed::Nothing));
        }
        let publish = || -> io::Result<Option<Changed>> {
            let mut staged = Staged::write(&path, new.as_bytes())?;
            staged.sync()?;
            if atomic::read(&path)? != old {
                return Ok(None);
            }
            staged.publish()?;
            Ok(Some(changed))
        };
        publish().map_err(io_at)
    }

    fn read<T>(
        &self,
        store: Store,
        parse: impl FnOnce(&str) -> Result<Entries<T>, ParseJsonError>,
    ) -> Result<Found<T>, ShelfError> {
        let path = self.path(store);
        let text =
            atomic::read_text(&path).map_err(|source| ShelfError::Io { path: path.clone(), source })?;
        let Some(text) = text else { return Ok(Found::Absent) };
        perms::tighten(&path);
        Ok(match parse(&text) {
            Ok(entries) => Found::Whole(entries),
            Err(error) => Found::Damaged { detail: error.to_string() },
        })
    }
}

fn plain<T>(value: Result<T, ParseJsonError>) -> Result<Entries<T>, ParseJsonError> {
    value.map(|value| Entries { value, odd: Vec::new() })
}

fn object(text: &str) -> Result<(), ParseJsonError> {
    Object::parse(text).map(|_| ())
}

fn version_one(text: &str) -> Result<(), ParseJsonError> {
    let is_one = Object::parse(text)?.number("version") == Some(1.0);
    is_one.then_some(()).ok_or_else(|| ParseJsonError { detail: "has another version than 1".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::account::AccountPolicy;

    const AT: Moment = Moment::from_millis(1_790_000_010_000);

    fn shelf(dir: &tempfile::TempDir) -> Shelf {
        Shelf::new(Arc::new(Places::under(dir.path(), dir.path().join("codex"))))
    }

    fn pause(text: Option<&str>) -> Result<String, ParseJsonError> {
        let policy = AccountPolicy { paused: true, ..AccountPolicy::default() };
        policies::set(text, "sha256:a", Some(&policy))
    }

    #[tokio::test]
    async fn a_damaged_store_is_kept_before_it_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = shelf(&dir);
        std::fs::write(dir.path().join("account-policies.json"), "{\"version\":1,\"acc").unwrap();

        let before = shelf.policies().unwrap();
        let changed = shelf.change(Store::Policies, AT, pause).await.unwrap();
        let again = shelf.change(Store::Policies, AT, pause).await.unwrap();

        assert!(matches!(before, Found::Damaged { .. }));
        assert_eq!((changed, again), (Changed::Anew, Changed::Nothing));
        assert!(shelf.policies().unwrap().whole().unwrap().0["sha256:a"].paused);
        let kept = std::fs::read_dir(dir.path().join("quarantine")).unwrap().next().unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(kept.path()).unwrap(), "{\"version\":1,\"acc");
    }

    #[tokio::test]
    async fn a_change_is_made_again_on_what_somebody_else_wrote_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = shelf(&dir);
        let path = shelf.path(Store::Policies);
        let theirs = policies::set(None, "sha256:b", Some(&AccountPolicy::default())).unwrap();
        let meddled = std::cell::Cell::new(false);

        let changed = shelf
            .change(Store::Policies, AT, |text| {
                if !meddled.replace(true) {
                    std::fs::write(&path, &theirs).unwrap();
                }
                pause(text)
            })
            .await;

        assert_eq!(changed.unwrap(), Changed::Written);
        let found = shelf.policies().unwrap();
        assert_eq!(found.whole().unwrap().0.keys().collect::<Vec<_>>(), ["sha256:a", "sha256:b"]);
    }

    #[tokio::test]
    async fn changes_of_many_at_once_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = shelf(&dir);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..12 {
            let shelf = shelf.clone();
            tasks.spawn(async move {
                let key = format!("sha256:{number}");
                let set = |text: Option<&str>| policies::set(text, &key, Some(&AccountPolicy::default()));
                shelf.change(Store::Policies, AT, set).await.unwrap();
            });
        }
        tasks.join_all().await;

        assert_eq!(shelf.policies().unwrap().whole().unwrap().0.len(), 12);
    }
}
