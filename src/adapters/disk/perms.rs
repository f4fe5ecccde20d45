//! Modes of what we create: 0600 for files, 0700 for directories; loose ones of our own are tightened.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a directory (and those above it) that only its owner may enter.
///
/// # Errors
/// Whatever the system says.
pub fn private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Options for a file that only its owner may read.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Takes group and world rights off a file or directory of ours; where that is not allowed nothing happens,
/// because reading must go on and `doctor` reports it.
#[cfg(unix)]
pub fn tighten(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(meta) = fs::metadata(path) else { return };
    let mode = meta.permissions().mode();
    if mode & 0o077 != 0 {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700));
    }
}

/// Files inherit the list of the user's profile here.
#[cfg(not(unix))]
pub fn tighten(_path: &Path) {}
