//! The files and folders of the program: what each is for, whether it is there, how large it is, and whether
//! somebody else may read it.

use std::path::PathBuf;

use crate::domain::places::Places;

/// One file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is, in a few words.
    pub what: &'static str,
    /// Where.
    pub path: String,
    /// Whether it holds sign-ins.
    pub holds: Holds,
    /// What was found there.
    pub found: Found,
}

/// Whether a file holds sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It does: nobody else may read it.
    Tokens,
    /// It does not.
    Nothing,
}

/// What was found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// A file of this many bytes, with its mode where there are modes.
    File(u64, Option<u32>),
    /// A folder with this many entries, with its mode where there are modes.
    Folder(usize, Option<u32>),
    /// Something that cannot be looked at; why.
    Unreadable(String),
}

impl Item {
    /// What is wrong with who may read it, in words.
    pub fn warning(&self) -> Option<String> {
        let (Found::File(_, Some(mode)) | Found::Folder(_, Some(mode))) = self.found else { return None };
        let others = mode & 0o077;
        if others == 0 || (self.holds == Holds::Nothing && others & 0o022 == 0) {
            return None;
        }
        let may = if others & 0o022 == 0 { "read" } else { "change" };
        Some(format!("others may {may} it: mode {:03o}", mode & 0o777))
    }
}

/// Every place in the order of the list.
pub fn places(places: &Places) -> Vec<(&'static str, PathBuf, Holds)> {
    use Holds::{Nothing, Tokens};
    let mut all = vec![
        ("root", places.root().to_path_buf(), Tokens),
        ("account pool", places.pool(), Tokens),
        ("pool journal", places.pool_with(".wal"), Tokens),
        ("automatic backup", places.pool_with(".bak"), Tokens),
        ("automatic backup 1", places.pool_with(".bak.1"), Tokens),
        ("automatic backup 2", places.pool_with(".bak.2"), Tokens),
        ("reset marker", places.pool_with(".reset-intent"), Nothing),
        ("flagged accounts", places.pool_dir().join("openai-codex-flagged-accounts.json"), Tokens),
        ("named backups", places.backups(), Tokens),
        ("snapshots", places.snapshots(), Tokens),
        ("quarantine", places.quarantine(), Tokens),
        ("extension", places.extension(), Tokens),
        ("settings", places.settings(), Nothing),
        ("settings backup", places.settings().with_extension("json.bak"), Nothing),
        ("themes", places.root().join("themes"), Nothing),
        ("limits, as seen last", places.quota_cache(), Nothing),
        ("sessions", places.affinity(), Nothing),
        ("usage", places.ledger(), Nothing),
        ("refresh results", places.leases().to_path_buf(), Tokens),
        ("live proxies", places.run(), Tokens),
        ("locks", places.locks(), Nothing),
        ("caches", places.cache(), Nothing),
        ("logs", places.logs(), Nothing),
        ("official files, copied", places.backups_official(), Tokens),
        ("official sign-in", places.auth_json().to_path_buf(), Tokens),
        ("official settings", places.config_toml().to_path_buf(), Nothing),
    ];
    if let Some(path) = places.config_path() {
        all.insert(12, ("settings by variable", path.to_path_buf(), Nothing));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_told_by_what_it_holds() {
        let item = |holds, found| Item { what: "x", path: "/x".to_owned(), holds, found };

        for (name, item, warning) in [
            ("private", item(Holds::Tokens, Found::File(1, Some(0o100_600))), None),
            (
                "tokens, readable",
                item(Holds::Tokens, Found::File(1, Some(0o100_644))),
                Some("others may read it: mode 644"),
            ),
            ("plain, readable", item(Holds::Nothing, Found::File(1, Some(0o100_644))), None),
            (
                "plain, writable",
                item(Holds::Nothing, Found::Folder(1, Some(0o777))),
                Some("others may change it: mode 777"),
            ),
            ("no modes", item(Holds::Tokens, Found::File(1, None)), None),
            ("missing", item(Holds::Tokens, Found::Missing), None),
        ] {
            assert_eq!(item.warning().as_deref(), warning, "{name}");
        }
    }
}
