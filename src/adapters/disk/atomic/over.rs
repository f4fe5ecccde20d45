//! Replaces a file only if it still holds what its writer had read, also beside programs that take no lock.
//!
//! Comparing and then renaming leaves a moment in which somebody else may write and be lost. Where the system can
//! exchange two files at once, what was displaced is looked at afterwards: if it is not what was read, it goes back to
//! its place and the writer starts over. Elsewhere the comparison right before the rename has to do.

use std::io;
use std::path::Path;

use super::{Staged, read, replace, sync_dir};
use crate::adapters::fault;

/// Whether a file was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It was, durably.
    Done,
    /// Somebody else had written: the target holds what they wrote.
    Overtaken,
}

/// How an exchange ended.
enum Swapped {
    Done,
    /// The system cannot do it here.
    Unable,
}

/// Writers that come in between again and again are left alone after so many turns.
const TURNS: usize = 8;

impl Staged {
    /// Puts the file in its place if that still holds `expected`; `None` = if there is no file.
    ///
    /// # Errors
    /// Whatever the system says; the target is intact then.
    pub fn publish_over(mut self, expected: Option<&[u8]>) -> io::Result<Published> {
        self.sync()?;
        if read(&self.target)?.as_deref() != expected {
            return Ok(Published::Overtaken);
        }
        let Some(expected) = expected else { return self.publish_first() };
        let ours = read(&self.temp)?;
        let Swapped::Done = swap(&self.temp, &self.target)? else {
            return self.publish().map(|()| Published::Done);
        };
        fault::pass("disk.renamed")?;
        let displaced = read(&self.temp)?;
        if displaced.as_deref() == Some(expected) {
            self.sync_target()?;
            return Ok(Published::Done);
        }
        self.give_back(ours)?;
        self.sync_target()?;
        Ok(Published::Overtaken)
    }

    /// There was no file: a link fails where one has come into being.
    fn publish_first(self) -> io::Result<Published> {
        match std::fs::hard_link(&self.temp, &self.target) {
            Ok(()) => {
                fault::pass("disk.renamed")?;
                self.sync_target()?;
                Ok(Published::Done)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Published::Overtaken),
            // No links on this file system.
            Err(_) => self.publish().map(|()| Published::Done),
        }
    }

    /// Puts what was displaced back in its place. What comes out then has to be what was put in before; anything else
    /// is newer still and goes back in its turn.
    fn give_back(&self, ours: Option<Vec<u8>>) -> io::Result<()> {
        let mut inside = ours;
        for _ in 0..TURNS {
            let going_in = read(&self.temp)?;
            if let Swapped::Unable = swap(&self.temp, &self.target)? {
                return replace(&self.temp, &self.target);
            }
            if read(&self.temp)? == inside {
                return Ok(());
            }
            inside = going_in;
        }
        Ok(())
    }

    fn sync_target(&self) -> io::Result<()> {
        self.target.parent().map_or(Ok(()), sync_dir)
    }
}

#[cfg(target_os = "linux")]
fn swap(one: &Path, other: &Path) -> io::Result<Swapped> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(Swapped::Done),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOENT | Errno::PERM) => {
            Ok(Swapped::Unable)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "one signature for every system")]
fn swap(_one: &Path, _other: &Path) -> io::Result<Swapped> {
    Ok(Swapped::Unable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(target: &Path) -> Staged {
        Staged::write(target, b"ours").unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_is_replaced_only_while_it_is_what_was_read() {
        for (name, there, expected, end, left) in [
            ("unchanged", Some("then"), Some("then"), Published::Done, "ours"),
            ("changed", Some("news"), Some("then"), Published::Overtaken, "news"),
            ("made meanwhile", Some("news"), None, Published::Overtaken, "news"),
            ("still missing", None, None, Published::Done, "ours"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("file");
            if let Some(text) = there {
                std::fs::write(&target, text).unwrap();
            }

            let published = staged(&target).publish_over(expected.map(str::as_bytes)).unwrap();

            assert_eq!(published, end, "{name}");
            assert_eq!(std::fs::read_to_string(&target).unwrap(), left, "{name}");
            assert_eq!(names(folder.path()), ["file"], "{name}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_displaced_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        std::fs::write(&target, "theirs").unwrap();
        let mut staged = staged(&target);
        staged.sync().unwrap();
        assert!(matches!(swap(&staged.temp, &target).unwrap(), Swapped::Done));

        staged.give_back(Some(b"ours".to_vec())).unwrap();

        assert_eq!(std::fs::read_to_string(&target).unwrap(), "theirs");
    }
}
