//! Folders outside the root that we make: noted before, removed when the last file of ours in them goes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::domain::places::Places;
use crate::formats::made_folders;

/// The note of one root.
#[derive(Debug, Clone)]
pub struct Made {
    note: PathBuf,
}

impl Made {
    /// Of this root.
    pub fn of(places: &Places) -> Self {
        Self { note: places.ext("folders.json") }
    }

    fn read(&self) -> BTreeSet<PathBuf> {
        atomic::read_text(&self.note).ok().flatten().map(|text| made_folders::read(&text)).unwrap_or_default()
    }

    fn write(&self, folders: &BTreeSet<PathBuf>) -> io::Result<()> {
        atomic::write(&self.note, made_folders::print(folders).as_bytes())
    }

    /// Notes the folders that a file needs and that are not there yet.
    ///
    /// # Errors
    /// What the system says; nothing is to be made then.
    pub fn note(&self, file: &Path) -> io::Result<()> {
        let missing = made_folders::missing(file, Path::exists);
        if missing.is_empty() {
            return Ok(());
        }
        let mut folders = self.read();
        folders.extend(missing);
        self.write(&folders)
    }

    /// Notes a folder that was not there when this program started.
    ///
    /// # Errors
    /// What the system says.
    pub fn note_folder(&self, folder: &Path) -> io::Result<()> {
        let mut folders = self.read();
        if folders.insert(folder.to_owned()) { self.write(&folders) } else { Ok(()) }
    }

    /// Whether we made this folder.
    pub fn is_ours(&self, folder: &Path) -> bool {
        self.read().contains(folder)
    }

    /// Removes the folders above a file that we made and that are empty now.
    pub fn prune(&self, file: &Path) {
        let mut folders = self.read();
        let before = folders.len();
        for folder in file.ancestors().skip(1) {
            // One that holds anything stays, and so do those above it.
            if !folders.contains(folder) || std::fs::remove_dir(folder).is_err() {
                break;
            }
            folders.remove(folder);
        }
        if folders.len() != before {
            let _ = if folders.is_empty() { atomic::remove(&self.note) } else { self.write(&folders) };
        }
    }
}
