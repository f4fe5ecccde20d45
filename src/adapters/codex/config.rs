//! `config.toml` of the official CLI: one key set, or put back as it was (storage.md §11.4).
//!
//! The file belongs to the user and to another program. So a change is made on the bytes as they stand, under the
//! home's lock, compared once more right before the rename; it keeps mode, links and every other byte; and the
//! first time ever a copy is laid aside. What stood there before is recorded before the file changes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::adapters::disk::atomic::{self, Staged};
use crate::adapters::disk::lock::{FileLock, LockError};
use crate::base::{Moment, Span, calendar};
use crate::domain::places::Places;
use crate::formats::codex_config::edit::{self, EditError, Edited, Wanted};
use crate::formats::config_edits::{ConfigEdits, Record};

/// As for every lock of ours.
const LOCK_WITHIN: Span = Span::seconds(10);
/// How often a file that changes under our hands is tried again.
const TRIES: usize = 5;

/// What became of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It is changed; where its copy lies, when this was the first change ever.
    Changed {
        /// The copy.
        copy: Option<PathBuf>,
    },
    /// It said so already.
    Unchanged,
    /// The key was set or changed by somebody else since, and is left alone.
    NotOurs,
}

/// Why the file was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum ConfigEditError {
    /// Another process holds the home.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// It cannot be changed safely.
    #[error("{}: {source}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        source: EditError,
    },
    /// Somebody else keeps writing it.
    #[error("{} keeps changing", path.display())]
    Restless {
        /// The file.
        path: PathBuf,
    },
    /// The disk.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file in question.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// Changes `config.toml`.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    places: Arc<Places>,
    path: PathBuf,
    lock: PathBuf,
}

/// What a file becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Becomes {
    /// This text.
    Text(String),
    /// It goes.
    Gone,
    /// It stays as it is.
    Same,
}

/// When a copy of the file is laid aside before it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The first time ever.
    First,
    /// Now.
    Always,
}

impl ConfigFile {
    /// The file that `places` names.
    pub fn new(places: Arc<Places>) -> Self {
        let (path, lock) = (places.config_toml().to_owned(), places.codex_home_lock());
        Self { places, path, lock }
    }

    /// A file in any home of the official CLI.
    pub fn at(places: Arc<Places>, path: PathBuf) -> Self {
        let lock = places.home_lock(path.parent().unwrap_or(Path::new(".")));
        Self { places, path, lock }
    }

    /// Its text; `None` when there is no file.
    ///
    /// # Errors
    /// When it cannot be read or is no text.
    pub fn text(&self) -> Result<Option<String>, ConfigEditError> {
        let (bytes, text) = self.read()?;
        Ok(bytes.map(|_| text))
    }

    /// Makes of the file what `change` says of its text, which is `None` when there is none.
    ///
    /// # Errors
    /// The file is unchanged then.
    pub async fn alter<R>(
        &self,
        keep: Keep,
        at: Moment,
        mut change: impl FnMut(Option<&str>) -> Result<(Becomes, R), EditError>,
    ) -> Result<(Applied, R), ConfigEditError> {
        let _home = FileLock::acquire(&self.lock, LOCK_WITHIN).await?;
        for _ in 0..TRIES {
            let (bytes, text) = self.read()?;
            let (becomes, told) =
                change(bytes.as_ref().map(|_| text.as_str())).map_err(|source| self.refused(source))?;
            let fresh = match &becomes {
                Becomes::Same => return Ok((Applied::Unchanged, told)),
                Becomes::Text(fresh) if bytes.is_some() && *fresh == text => {
                    return Ok((Applied::Unchanged, told));
                }
                Becomes::Gone if bytes.is_none() => return Ok((Applied::Unchanged, told)),
                Becomes::Text(fresh) => Some(fresh.as_str()),
                Becomes::Gone => None,
            };
            let copy = bytes.as_deref().map(|bytes| self.keep(bytes, keep, at)).transpose()?.flatten();
            if self.publish(bytes.as_deref(), fresh)? {
                return Ok((Applied::Changed { copy }, told));
            }
        }
        Err(ConfigEditError::Restless { path: self.path().to_owned() })
    }

    /// Whether a key stands as we set it.
    ///
    /// # Errors
    /// When the records or the file cannot be read.
    pub fn is_set_by_us(&self, key: &str) -> Result<bool, ConfigEditError> {
        let Some(record) = self.recorded(key)? else { return Ok(false) };
        Ok(self.source(key)?.as_deref() == Some(record.value.as_str()))
    }

    /// The source text of a top-level value as it stands.
    ///
    /// # Errors
    /// When the file cannot be read or is no TOML.
    pub fn source(&self, key: &str) -> Result<Option<String>, ConfigEditError> {
        let (_, text) = self.read()?;
        edit::source(&text, key).map_err(|source| self.refused(source))
    }

    /// Sets a top-level string; `by` says what for.
    ///
    /// # Errors
    /// The file is unchanged then.
    pub async fn set(
        &self,
        key: &str,
        value: &str,
        by: &str,
        at: Moment,
    ) -> Result<Applied, ConfigEditError> {
        let _locks = self.lock().await?;
        for _ in 0..TRIES {
            let (bytes, text) = self.read()?;
            let edited = self.edited(&text, key, Wanted::Text(value))?;
            if edited.text == text {
                return Ok(Applied::Unchanged);
            }
            let copy = bytes.as_deref().map(|bytes| self.keep(bytes, Keep::First, at)).transpose()?.flatten();
            self.record(key, &edited, bytes.is_some(), by, at)?;
            if self.publish(bytes.as_deref(), Some(&edited.text))? {
                return Ok(Applied::Changed { copy });
            }
        }
        Err(ConfigEditError::Restless { path: self.path().to_owned() })
    }

    /// Puts back what stood there before we set the key, unless somebody else changed it since.
    ///
    /// # Errors
    /// The file is unchanged then.
    pub async fn restore(&self, key: &str) -> Result<Applied, ConfigEditError> {
        let _locks = self.lock().await?;
        for _ in 0..TRIES {
            let Some(record) = self.recorded(key)? else { return Ok(Applied::NotOurs) };
            let (bytes, text) = self.read()?;
            if self.current(&text, key)?.as_deref() != Some(record.value.as_str()) {
                self.forget(key)?;
                return Ok(Applied::NotOurs);
            }
            let wanted = record.previous.as_deref().map_or(Wanted::Absent, Wanted::Source);
            let edited = self.edited(&text, key, wanted)?;
            let is_empty = edited.text.trim_start_matches('\u{feff}').is_empty();
            let text = (record.existed || !is_empty).then_some(edited.text.as_str());
            if self.publish(bytes.as_deref(), text)? {
                self.forget(key)?;
                return Ok(Applied::Changed { copy: None });
            }
        }
        Err(ConfigEditError::Restless { path: self.path().to_owned() })
    }

    /// The home, and the records, which several homes share.
    async fn lock(&self) -> Result<[FileLock; 2], ConfigEditError> {
        let home = FileLock::acquire(&self.lock, LOCK_WITHIN).await?;
        Ok([home, FileLock::acquire(&self.places.lock("config-edits"), LOCK_WITHIN).await?])
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn name(&self) -> String {
        self.path().to_string_lossy().into_owned()
    }

    fn refused(&self, source: EditError) -> ConfigEditError {
        ConfigEditError::Refused { path: self.path().to_owned(), source }
    }

    fn read(&self) -> Result<(Option<Vec<u8>>, String), ConfigEditError> {
        let bytes = atomic::read(self.path()).map_err(|source| io_at(self.path(), source))?;
        let text = String::from_utf8(bytes.clone().unwrap_or_default());
        let text = text.map_err(|_| self.refused(EditError::NotToml("it is no UTF-8 text".to_owned())))?;
        Ok((bytes, text))
    }

    fn edited(&self, text: &str, key: &str, wanted: Wanted<'_>) -> Result<Edited, ConfigEditError> {
        edit::apply(text, key, wanted).map_err(|source| self.refused(source))
    }

    fn current(&self, text: &str, key: &str) -> Result<Option<String>, ConfigEditError> {
        edit::source(text, key).map_err(|source| self.refused(source))
    }

    /// Lays a copy aside.
    fn keep(&self, bytes: &[u8], keep: Keep, at: Moment) -> Result<Option<PathBuf>, ConfigEditError> {
        let folder = self.places.backups_official();
        let has_copy = std::fs::read_dir(&folder).is_ok_and(|names| {
            names.flatten().any(|name| {
                let name = name.file_name();
                let name = Path::new(&name);
                name.to_string_lossy().starts_with("config.")
                    && name.extension().is_some_and(|end| end == "toml")
            })
        });
        if has_copy && keep == Keep::First {
            return Ok(None);
        }
        let copy = folder.join(format!("config.{}.toml", calendar::stamp(at)));
        atomic::write(&copy, bytes).map_err(|source| io_at(&copy, source))?;
        Ok(Some(copy))
    }

    /// Notes what stands there now; a value of our own from before is no news, what it replaced is.
    fn record(
        &self,
        key: &str,
        edited: &Edited,
        existed: bool,
        by: &str,
        at: Moment,
    ) -> Result<(), ConfigEditError> {
        let earlier = self.recorded(key)?.filter(|record| Some(&record.value) == edited.previous.as_ref());
        let (previous, existed) = match earlier {
            Some(record) => (record.previous, record.existed),
            None => (edited.previous.clone(), existed),
        };
        let value = self.current(&edited.text, key)?.unwrap_or_default();
        let record = Record {
            path: self.name(),
            key: key.to_owned(),
            value,
            previous,
            existed,
            by: by.to_owned(),
            at,
        };
        self.change_edits(|edits| edits.put(&record))
    }

    fn recorded(&self, key: &str) -> Result<Option<Record>, ConfigEditError> {
        let path = self.edits();
        let text = atomic::read_text(&path).map_err(|source| io_at(&path, source))?.unwrap_or_default();
        Ok(ConfigEdits::parse(&text).ok().and_then(|edits| edits.find(&self.name(), key)))
    }

    fn forget(&self, key: &str) -> Result<(), ConfigEditError> {
        let name = self.name();
        self.change_edits(|edits| edits.forget(&name, key))
    }

    fn edits(&self) -> PathBuf {
        self.places.ext("config-edits.json")
    }

    fn change_edits(&self, change: impl FnOnce(&mut ConfigEdits<'_>)) -> Result<(), ConfigEditError> {
        let path = self.edits();
        let text = atomic::read_text(&path).map_err(|source| io_at(&path, source))?.unwrap_or_default();
        // A damaged record is worth nothing to anybody: it is written anew.
        let mut edits = ConfigEdits::parse(&text).unwrap_or_default();
        change(&mut edits);
        atomic::write(&path, edits.to_text().as_bytes()).map_err(|source| io_at(&path, source))
    }

    /// Puts the text in place, or removes the file; `false` when it changed since it was read as `old`.
    fn publish(&self, old: Option<&[u8]>, text: Option<&str>) -> Result<bool, ConfigEditError> {
        let path = self.path();
        let publish = || -> io::Result<bool> {
            let is_same = |path: &Path| Ok::<_, io::Error>(atomic::read(path)?.as_deref() == old);
            let Some(text) = text else {
                return if is_same(path)? { atomic::remove(path).map(|()| true) } else { Ok(false) };
            };
            let mut staged = Staged::write(path, text.as_bytes())?;
            staged.keep_mode()?;
            staged.sync()?;
            if !is_same(path)? {
                return Ok(false);
            }
            staged.publish().map(|()| true)
        };
        publish().map_err(|source| io_at(path, source))
    }
}

fn io_at(path: &Path, source: io::Error) -> ConfigEditError {
    ConfigEditError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Moment = Moment::from_millis(1_790_000_010_000);
    const KEY: &str = "cli_auth_credentials_store";

    struct Home {
        dir: tempfile::TempDir,
        file: ConfigFile,
    }

    impl Home {
        fn with(text: &str) -> Self {
            let home = Self::empty();
            std::fs::write(home.config(), text).unwrap();
            home
        }

        fn empty() -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join("codex")).unwrap();
            let places = Places::under(dir.path().join("root"), dir.path().join("codex"));
            Self { dir, file: ConfigFile::new(Arc::new(places)) }
        }

        fn config(&self) -> PathBuf {
            self.dir.path().join("codex/config.toml")
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.config()).unwrap()
        }

        fn copies(&self) -> Vec<String> {
            let folder = self.dir.path().join("root/backups-official");
            let Ok(all) = std::fs::read_dir(folder) else { return Vec::new() };
            all.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
        }
    }

    #[tokio::test]
    async fn a_key_is_set_once_and_put_back_byte_for_byte() {
        let before = "# top\r\ncli_auth_credentials_store = 'keyring' # mine\r\n[t]";
        let home = Home::with(before);

        let first = home.file.set(KEY, "file", "doctor", AT).await.unwrap();
        let second = home.file.set(KEY, "file", "doctor", AT).await.unwrap();
        let third = home.file.set(KEY, "auto", "doctor", AT).await.unwrap();
        let changed = home.text();
        let back = home.file.restore(KEY).await.unwrap();
        let again = home.file.restore(KEY).await.unwrap();

        assert!(matches!(first, Applied::Changed { copy: Some(_) }));
        assert_eq!(second, Applied::Unchanged);
        assert_eq!(third, Applied::Changed { copy: None });
        assert_eq!(changed, before.replace("'keyring'", "\"auto\""));
        assert_eq!((back, again), (Applied::Changed { copy: None }, Applied::NotOurs));
        assert_eq!(home.text(), before);
        assert_eq!(home.copies(), [before]);
    }

    #[tokio::test]
    async fn a_value_the_user_set_since_is_left_alone() {
        let home = Home::with("a = 1\n");
        home.file.set(KEY, "file", "doctor", AT).await.unwrap();
        std::fs::write(home.config(), format!("{KEY} = \"keyring\"\n")).unwrap();

        let back = home.file.restore(KEY).await.unwrap();

        assert_eq!(back, Applied::NotOurs);
        assert_eq!(home.text(), format!("{KEY} = \"keyring\"\n"));
    }

    #[tokio::test]
    async fn a_file_we_made_goes_again_and_one_the_user_filled_stays() {
        let home = Home::empty();
        home.file.set(KEY, "file", "bind", AT).await.unwrap();
        let made = home.text();

        home.file.restore(KEY).await.unwrap();

        assert_eq!(made, format!("{KEY} = \"file\"\n"));
        assert!(!home.config().exists());
        home.file.set(KEY, "file", "bind", AT).await.unwrap();
        std::fs::write(home.config(), format!("{made}b = 2\n")).unwrap();
        home.file.restore(KEY).await.unwrap();
        assert_eq!(home.text(), "b = 2\n");
    }

    #[tokio::test]
    async fn what_is_no_toml_stays_as_it_is() {
        for bytes in [&b"a = [\n"[..], b"a = \"\xff\"\n"] {
            let home = Home::empty();
            std::fs::write(home.config(), bytes).unwrap();

            let error = home.file.set(KEY, "file", "doctor", AT).await.unwrap_err();

            assert!(matches!(error, ConfigEditError::Refused { .. }), "{error}");
            assert_eq!(std::fs::read(home.config()).unwrap(), bytes);
            assert!(home.copies().is_empty());
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_are_written_through_and_modes_stay() {
        use std::os::unix::fs::PermissionsExt;
        let home = Home::empty();
        let real = home.dir.path().join("dotfiles.toml");
        std::fs::write(&real, "a = 1\n").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, home.config()).unwrap();

        home.file.set(KEY, "file", "doctor", AT).await.unwrap();

        assert!(std::fs::symlink_metadata(home.config()).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&real).unwrap(), format!("a = 1\n{KEY} = \"file\"\n"));
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
