//! `ext/folders.json`: folders outside the root that were not there before us. With it an uninstall removes them again
//! when nobody uses them, and leaves an empty folder alone that was there before.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::formats::lossless::Object;
use crate::formats::shelf;

/// Reads the list; one that cannot be read is empty, so that nothing is removed by mistake.
pub fn read(text: &str) -> BTreeSet<PathBuf> {
    let object = shelf::open(text).unwrap_or_default();
    shelf::texts(&object, "folders").into_iter().map(PathBuf::from).collect()
}

/// The list's text; a folder whose name is no Unicode is left out.
pub fn print(folders: &BTreeSet<PathBuf>) -> String {
    let mut object = Object::default();
    object.set("version", 1);
    object.set("folders", folders.iter().filter_map(|folder| folder.to_str()).collect::<Vec<_>>());
    shelf::print(&object)
}

/// The folders above a file that would have to be made, by what `exists` says, the uppermost last.
pub fn missing(file: &Path, exists: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let above =
        file.ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty() && !exists(folder));
    above.map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_survives_the_file_and_a_damaged_one_is_empty() {
        let folders = BTreeSet::from([PathBuf::from("/h/.config"), PathBuf::from("/h/.config/autostart")]);

        assert_eq!(read(&print(&folders)), folders);
        assert_eq!(read("{"), BTreeSet::new());
    }

    #[test]
    fn only_folders_that_are_not_there_are_made() {
        let exists = |folder: &Path| folder == Path::new("/h") || folder == Path::new("/");

        assert_eq!(
            missing(Path::new("/h/.config/autostart/x.desktop"), exists),
            [PathBuf::from("/h/.config/autostart"), PathBuf::from("/h/.config")]
        );
        assert_eq!(missing(Path::new("/h/x"), exists), Vec::<PathBuf>::new());
    }
}
