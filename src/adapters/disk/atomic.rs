//! Whole files, replaced at once: temporary file beside the target, fsync, rename, fsync of the directory.
//!
//! A reader sees the old or the new file, never a part. The temporary name is the reference's
//! (`<target>.<digits>.<digits>.<hex>.tmp`), so either program may sweep what a crash left. A symlinked target
//! is written through: the link stays, the file behind it changes.

mod over;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::adapters::disk::perms;
use crate::adapters::fault;
use crate::base::{Moment, Span};

pub use over::Published;

/// A new file that stands ready beside its target; dropped unpublished, it disappears.
#[derive(Debug)]
pub struct Staged {
    file: Option<File>,
    temp: PathBuf,
    target: PathBuf,
}

impl Staged {
    /// Writes the bytes to a temporary file beside the target.
    ///
    /// # Errors
    /// Whatever the system says; nothing is left behind.
    pub fn write(target: &Path, bytes: &[u8]) -> io::Result<Self> {
        let target = resolved(target);
        if let Some(directory) = target.parent() {
            perms::private_dir(directory)?;
        }
        let temp = temp_name(&target);
        let file = perms::new_file().open(&temp)?;
        let mut staged = Self { file: Some(file), temp, target };
        if let Some(file) = &mut staged.file {
            let (begin, rest) = bytes.split_at(bytes.len() / 2);
            file.write_all(begin)?;
            fault::pass("disk.staged")?;
            file.write_all(rest)?;
        }
        fault::pass("disk.written")?;
        Ok(staged)
    }

    /// Takes over the mode of the file it will replace, for files whose mode is their owner's choice.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn keep_mode(&self) -> io::Result<()> {
        match fs::metadata(&self.target) {
            Ok(meta) => fs::set_permissions(&self.temp, meta.permissions()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes the bytes durable.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn sync(&mut self) -> io::Result<()> {
        match self.file.take() {
            Some(file) => file.sync_all().and_then(|()| fault::pass("disk.synced")),
            None => Ok(()),
        }
    }

    /// How long the file has become, as the file system says.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn size(&self) -> io::Result<u64> {
        Ok(fs::metadata(&self.temp)?.len())
    }

    /// Puts the file in its place; durable when this returns.
    ///
    /// # Errors
    /// Whatever the system says; the old file is intact then.
    pub fn publish(mut self) -> io::Result<()> {
        self.sync()?;
        replace(&self.temp, &self.target)?;
        let directory = self.target.parent().map(Path::to_path_buf);
        self.temp = PathBuf::new();
        fault::pass("disk.renamed")?;
        directory.as_deref().map_or(Ok(()), sync_dir)
    }

    /// Gives the file its name only where none has it yet; durable when this returns.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken, and whatever else the system says.
    pub fn publish_new(mut self) -> io::Result<()> {
        self.sync()?;
        match fs::hard_link(&self.temp, &self.target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // Not every file system has links: look, then rename.
            Err(_) if fs::symlink_metadata(&self.target).is_ok() => {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            Err(_) => {
                replace(&self.temp, &self.target)?;
                self.temp = PathBuf::new();
            }
        }
        fault::pass("disk.renamed")?;
        self.target.parent().map_or(Ok(()), sync_dir)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.temp.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.temp);
        }
    }
}

/// Replaces a file durably; directories are made as needed.
///
/// # Errors
/// Whatever the system says; the old file is intact then.
pub fn write(target: &Path, bytes: &[u8]) -> io::Result<()> {
    Staged::write(target, bytes)?.publish()
}

/// Reads a whole file; `None` when there is none.
///
/// # Errors
/// Whatever the system says, but for a missing file.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = file.metadata().map_or(0, |meta| meta.len());
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Reads a text file; what is not UTF-8 becomes U+FFFD, as in the reference.
///
/// # Errors
/// Whatever the system says, but for a missing file.
pub fn read_text(path: &Path) -> io::Result<Option<String>> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    Ok(Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    ))
}

/// When a file was last written.
pub fn modified(path: &Path) -> Option<Moment> {
    let time = fs::metadata(path).and_then(|meta| meta.modified()).ok()?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Some(Moment::EPOCH + Span::from(since))
}

/// Removes a file; a missing one is fine.
///
/// # Errors
/// Whatever the system says, but for a missing file.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes renames in a directory durable.
///
/// # Errors
/// Whatever the system says.
#[cfg(unix)]
pub fn sync_dir(directory: &Path) -> io::Result<()> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    match File::open(directory).and_then(|file| file.sync_all()) {
        // Some network and container file systems refuse to sync a directory; the rename itself is done.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

/// Directories cannot be synced here.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn sync_dir(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Renames over the target.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// The file behind a symlink; dangling links are followed, too, so that the link survives.
pub fn resolved(path: &Path) -> PathBuf {
    let mut current = path.to_path_buf();
    // Longer chains are loops; the system's own limit is forty.
    for _ in 0..40 {
        let Ok(link) = fs::read_link(&current) else { return current };
        current = match current.parent() {
            Some(parent) => parent.join(link),
            None => link,
        };
    }
    path.to_path_buf()
}

fn temp_name(target: &Path) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(
        "{name}.{}.{}.{}.tmp",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed),
        perms::random_hex()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut all: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        all.sort();
        all
    }

    #[test]
    fn a_write_replaces_the_file_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/file.json");

        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();

        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(names(path.parent().unwrap()), ["file.json"]);
    }

    #[test]
    fn an_unpublished_file_disappears() {
        let dir = tempfile::tempdir().unwrap();

        drop(Staged::write(&dir.path().join("a"), b"x").unwrap());

        assert!(names(dir.path()).is_empty());
        assert_eq!(read(&dir.path().join("a")).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private_and_links_are_written_through() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        write(&real, b"old").unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();

        write(&link, b"new").unwrap();

        assert_eq!(read(&real).unwrap().as_deref(), Some(&b"new"[..]));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
