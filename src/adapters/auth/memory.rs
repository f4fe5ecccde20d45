//! What became of refresh tokens, on disk: all our processes know what one of them learnt.
//!
//! Written only under the machine's turn, so no two processes write at once. A file that cannot be read is
//! copied aside before it is written anew.

use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::base::{Moment, calendar};
use crate::domain::places::Places;
use crate::domain::refresh::Past;
use crate::formats::token_past;

/// The file.
pub(super) struct Memory {
    path: PathBuf,
    quarantine: PathBuf,
}

impl Memory {
    pub(super) fn of(places: &Places) -> Self {
        Self { path: places.token_past(), quarantine: places.quarantine() }
    }

    /// Everything remembered; nothing when the file cannot be read.
    pub(super) fn recall(&self) -> Past {
        read(&self.path).ok().flatten().and_then(|text| token_past::parse(&text).ok()).unwrap_or_default()
    }

    /// Remembers more, durably.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn note<T>(&self, at: Moment, change: impl FnOnce(&mut Past) -> T) -> io::Result<T> {
        let text = read(&self.path)?;
        let mut past = match text.as_deref().map(token_past::parse) {
            None => Past::default(),
            Some(Ok(past)) => past,
            Some(Err(_)) => {
                let name = format!("{}-refresh-tokens.json", calendar::stamp(at));
                atomic::write(&self.quarantine.join(name), text.unwrap_or_default().as_bytes())?;
                Past::default()
            }
        };
        let before = past.clone();
        let answer = change(&mut past);
        if past != before {
            atomic::write(&self.path, token_past::print(&past).as_bytes())?;
        }
        Ok(answer)
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    atomic::read_text(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_memory_is_kept_aside_and_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path().join("codex"));
        let memory = Memory::of(&places);
        std::fs::create_dir_all(dir.path().join("ext")).unwrap();
        std::fs::write(places.token_past(), "{\"tokens\":").unwrap();

        assert_eq!(memory.recall(), Past::default());
        memory.note(Moment::from_secs(5), |past| past.spend("aa", Moment::from_secs(5))).unwrap();

        assert!(memory.recall().is_spent("aa"));
        let kept = std::fs::read_dir(places.quarantine()).unwrap().flatten().next().unwrap();
        assert_eq!(std::fs::read_to_string(kept.path()).unwrap(), "{\"tokens\":");
    }
}
