//! The person's editor on a copy of a file; it owns the terminal until it is closed.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::adapters::disk::perms;

/// What is opened where neither `VISUAL` nor `EDITOR` is set.
const USUAL: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// A private copy in a directory of ours, for an editor; the name tells what it is.
///
/// # Errors
/// Whatever the system says.
pub fn copy(directory: &Path, text: &str) -> io::Result<PathBuf> {
    perms::private_dir(directory)?;
    let mut file =
        tempfile::Builder::new().prefix("settings-edit-").suffix(".json").tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

/// Opens a file in an editor and waits until it is closed. The editor is a command line, as `EDITOR` usually is.
///
/// # Errors
/// When it cannot be started.
pub async fn open(editor: Option<&str>, path: &Path) -> io::Result<ExitStatus> {
    let mut command = command(editor.unwrap_or(USUAL), path);
    tokio::task::spawn_blocking(move || command.status())
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(unix)]
fn command(editor: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path);
    command
}

#[cfg(not(unix))]
fn command(editor: &str, path: &Path) -> Command {
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(USUAL));
    command.args(words).arg(path);
    command
}
