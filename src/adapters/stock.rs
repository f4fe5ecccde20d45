//! Looks at the files and folders of the program without reading or changing any.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::Path;

use crate::domain::places::Places;
use crate::domain::stock::{Found, Item, places};

/// Every place and what is there.
pub fn take_stock(all: &Places) -> Vec<Item> {
    places(all)
        .into_iter()
        .map(|(what, path, holds)| Item { what, found: look(&path), path: path.display().to_string(), holds })
        .collect()
}

fn look(path: &Path) -> Found {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Found::Missing,
        Err(error) => return Found::Unreadable(error.to_string()),
    };
    if !meta.is_dir() {
        return Found::File(meta.len(), mode(&meta));
    }
    match fs::read_dir(path) {
        Ok(entries) => Found::Folder(entries.count(), mode(&meta)),
        Err(error) => Found::Unreadable(error.to_string()),
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "there is none on other systems")]
fn mode(meta: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(meta.permissions().mode())
}

/// Who may read a file is not told by a mode here.
#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<u32> {
    None
}
