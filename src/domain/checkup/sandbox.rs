//! Where files named by a person may lie: below the home, the current directory or the temporary directory.

use std::path::{Path, PathBuf};

use crate::domain::places::clean;

/// Directories below which a path is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sandbox {
    /// The user's home.
    pub home: PathBuf,
    /// The current directory.
    pub current: PathBuf,
    /// The system's temporary directory.
    pub temporary: PathBuf,
}

impl Sandbox {
    /// Whether a path lies below one of the directories; `..` is resolved before it is compared.
    pub fn accepts(&self, path: &Path) -> bool {
        let path = clean(path);
        path.is_absolute()
            && [&self.home, &self.current, &self.temporary]
                .into_iter()
                .any(|folder| folder.parent().is_some() && path.starts_with(clean(folder)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_detour_leads_out_of_the_sandbox() {
        let sandbox = Sandbox { home: "/home/u".into(), current: "/".into(), temporary: "/tmp".into() };

        for (path, expected) in [
            ("/home/u/a", true),
            ("/home/u/../v/a", false),
            ("/home/user/a", false),
            ("/tmp/x", true),
            ("/etc/passwd", false),
            ("relative", false),
        ] {
            assert_eq!(sandbox.accepts(Path::new(path)), expected, "{path}");
        }
    }
}
