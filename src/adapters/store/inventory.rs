//! Looking at every file that holds or could replace the pool, without changing anything.

use std::fs;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::adapters::store::recover::{self, modified};
use crate::base::Moment;
use crate::domain::inventory::{Inventory, Pool, PoolFile, Role};
use crate::domain::places::Places;
use crate::formats::accounts::{Document, ParseAccountsError};
use crate::formats::extension::Extension;
use crate::formats::journal;

/// All files of the account pool.
pub(super) fn take(places: &Places, at: Moment) -> Inventory {
    let mut files = vec![look(Role::Primary, None, places.pool(), at)];
    files.push(look(Role::Journal, None, places.pool_with(".wal"), at));
    for (place, path) in recover::candidates(places).into_iter().enumerate() {
        // The first three candidates are the rotating backups, whether they are there or not.
        let (role, index) = match place {
            0 => (Role::Backup, None),
            1 | 2 => (Role::History, Some(place)),
            _ => (Role::Discovered, None),
        };
        files.push(look(role, index, path, at));
    }
    Inventory { storage_path: places.pool(), files }
}

fn look(role: Role, index: Option<usize>, path: PathBuf, at: Moment) -> PoolFile {
    let mut file = PoolFile {
        pool: Pool::Accounts,
        role,
        index,
        exists: path.exists(),
        valid: false,
        bytes: fs::metadata(&path).ok().map(|meta| meta.len()),
        modified: modified(&path),
        version: None,
        accounts: None,
        errors: Vec::new(),
        path,
    };
    match text_of(role, &file.path) {
        Ok(None) => {}
        Ok(Some(text)) => judge(&mut file, &text, at),
        Err(error) => file.errors.push(error),
    }
    file
}

fn text_of(role: Role, path: &Path) -> Result<Option<String>, String> {
    let text = atomic::read_text(path).map_err(|error| error.to_string())?;
    match (role, text) {
        (Role::Journal, Some(text)) => match journal::parse(&text) {
            Some(entry) => Ok(Some(entry.content)),
            None => Err("the journal is torn or its checksum is wrong".to_owned()),
        },
        (Role::Primary | Role::Journal | Role::Backup | Role::History | Role::Discovered, text) => Ok(text),
    }
}

fn judge(file: &mut PoolFile, text: &str, at: Moment) {
    match Document::parse(text, &Extension::default(), at) {
        Ok(document) => {
            file.valid = true;
            file.version = Some(document.version());
            file.accounts = Some(document.roster().accounts.len());
        }
        Err(error) => {
            if let ParseAccountsError::Newer { version } = &error {
                file.version = Some(*version);
            }
            file.errors.push(error.to_string());
        }
    }
}
