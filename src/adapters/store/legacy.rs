//! Pools that older versions kept for a project elsewhere: merged into its pool, and deleted only after that is
//! saved (storage.md §2.5).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::adapters::store::load::{shown, unreadable};
use crate::adapters::store::{Locked, Ruin, Shared};
use crate::domain::places::Places;
use crate::domain::recovery::Recovery;
use crate::formats::accounts::Document;
use crate::formats::extension::Extension;
use crate::ports::store::{Loaded, StoreError};

/// Files that are there and wait to be merged.
pub(super) fn pending(places: &Places) -> Vec<PathBuf> {
    places.legacy_pools().into_iter().filter(|path| path.is_file()).collect()
}

impl Locked<'_> {
    /// Merges what waits. A file that is no pool stays where it is; so does one whose accounts could not be
    /// saved.
    pub(super) fn take_legacy(&self) -> Option<Loaded> {
        let mut last = None;
        for path in pending(self.places()) {
            match self.take_one(&path) {
                Ok(Some(loaded)) => last = Some(loaded),
                Ok(None) => {}
                Err(error) => tracing::warn!(path = %path.display(), %error, "an older pool was not merged"),
            }
        }
        last
    }

    fn take_one(&self, path: &Path) -> Result<Option<Loaded>, StoreError> {
        let Some(text) = atomic::read_text(path).map_err(|error| unreadable(path, &error))? else {
            return Ok(None);
        };
        let Ok(legacy) = Document::parse(&text, &Extension::default(), self.now()) else { return Ok(None) };
        let accounts = legacy.roster().accounts.len();
        if accounts > 0 {
            self.commit(Ruin::Refused, |document, extension, at| {
                Ok::<_, StoreError>(document.take_legacy(&legacy, extension, at))
            })?;
        }
        atomic::remove(path).map_err(|error| unreadable(path, &error))?;
        if let Some(root) = in_tree(self.places(), path)
            && let Err(error) = ignore(&root)
        {
            tracing::warn!(%error, "the .gitignore of the project could not be changed");
        }
        let recovery = Recovery { source: "legacy-project", path: shown(path), accounts, quarantined: 0 };
        self.shared.announce(recovery);
        self.shared.load(self.now()).map(|(loaded, _)| Some(loaded))
    }
}

impl Shared {
    /// Keeps news for whoever tells a person.
    fn announce(&self, recovery: Recovery) {
        if let Some((known, loaded)) = &mut self.state().pool {
            loaded.recovery = Some(recovery);
            known.clear();
        }
    }
}

/// The project's root, when the file lay inside it.
fn in_tree(places: &Places, path: &Path) -> Option<PathBuf> {
    let root = &places.scope().project()?.root;
    path.starts_with(root).then(|| root.clone())
}

/// Adds `.codex/` to the project's `.gitignore`, so that what other tools keep there is not committed.
fn ignore(root: &Path) -> io::Result<()> {
    const LINE: &str = ".codex/";
    if !root.join(".git").exists() {
        return Ok(());
    }
    let path = root.join(".gitignore");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if text.lines().any(|line| matches!(line.trim(), ".codex" | ".codex/" | "/.codex" | "/.codex/")) {
        return Ok(());
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    fs::write(path, format!("{text}{gap}{LINE}\n"))
}

/// Whether a load has to be followed by a merge.
pub(super) fn waits(places: &Places) -> bool {
    !pending(places).is_empty()
}
