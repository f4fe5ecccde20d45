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

/// Options for a private file that must not be there yet, not even as a link.
pub fn new_file() -> OpenOptions {
    let mut options = private_file();
    options.create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Its bits fit: they are what the system's own call takes.
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
}

/// Eight random hex digits, for names nobody can guess.
pub fn random_hex() -> String {
    let mut random = [0_u8; 4];
    // Uniqueness comes from create-new; randomness only keeps names from being guessed.
    let _ = getrandom::fill(&mut random);
    format!("{:08x}", u32::from_le_bytes(random))
}

/// Whether a process of this machine lives; one that may not be asked counts as living.
#[cfg(unix)]
pub fn process_lives(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

/// Not asked here: age has to do.
#[cfg(not(unix))]
pub fn process_lives(_pid: u32) -> bool {
    true
}

/// The name of another user whose directory this is, when this process is root.
#[cfg(unix)]
pub fn owner_over_root(directory: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let owner = fs::metadata(directory).ok()?.uid();
    if !rustix::process::geteuid().is_root() || owner == 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(user_name(&users, owner))
}

/// There is no such user here.
#[cfg(not(unix))]
pub fn owner_over_root(_directory: &Path) -> Option<String> {
    None
}

/// The name of a user in the system's list, else his number.
#[cfg(unix)]
fn user_name(users: &str, uid: u32) -> String {
    let number = uid.to_string();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("user {uid}"))
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_as_the_system_lists_him() {
        let users = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n";

        assert_eq!(user_name(users, 1000), "alice");
        assert_eq!(user_name(users, 10), "user 10");
    }

    #[test]
    fn a_new_private_file_never_follows_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("target"), &link).unwrap();

        assert!(new_file().open(&link).is_err());
        assert!(!dir.path().join("target").exists());
    }
}
