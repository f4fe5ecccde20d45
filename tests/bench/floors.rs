//! Where cargo put the floors that were built beside this program.

use std::path::PathBuf;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, eyre};

/// The newest build of `floor-<name>`.
pub(crate) fn floor(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().ok_or_eyre("a program stands in a folder")?;
    let stem = format!("floor_{name}-");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let fits = path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&stem));
        if fits && path.extension().is_none() {
            found.push((path.metadata()?.modified()?, path));
        }
    }
    found.sort();
    found
        .pop()
        .map(|(_, path)| path)
        .ok_or_else(|| eyre!("floor-{name} is not built: run `cargo bench` for all targets"))
}
