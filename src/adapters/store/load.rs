//! Finding the pool on disk (storage.md §6.4): the file itself, a journal newer than it, or what replaces it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::adapters::store::recover::{self, Substitute};
use crate::adapters::store::reset;
use crate::base::{Moment, Secret};
use crate::domain::account::{AccountKey, Credentials, Tokens};
use crate::domain::places::Places;
use crate::domain::recovery::{Health, Recovery};
use crate::domain::roster::Roster;
use crate::domain::token;
use crate::formats::accounts::listing::Lister;
use crate::formats::accounts::{Document, ParseAccountsError};
use crate::formats::extension::Extension;
use crate::formats::{jwt, leases};
use crate::ports::store::StoreError;

/// Whether rotating backups are written and used (`storageBackupEnabled`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backups {
    On,
    Off,
}

/// The pool file as it stood when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primary<'a> {
    Missing,
    /// A pool; its bytes.
    Usable(&'a [u8]),
    /// Not a pool; its bytes, to be kept before anything is written.
    Unusable(&'a [u8]),
}

impl<'a> Primary<'a> {
    /// The bytes, to see whether somebody else wrote in between.
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Missing => None,
            Self::Usable(bytes) | Self::Unusable(bytes) => Some(bytes),
        }
    }
}

/// What was found, beside the document itself.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    pub(super) primary: Primary<'a>,
    pub(super) health: Health,
    /// Set when the document is not the primary's.
    pub(super) recovery: Option<Recovery>,
    /// Results of refreshes that never reached the pool.
    pub(super) results: Vec<(AccountKey, Credentials)>,
}

/// How much of the pool is read at once for a listing.
const PIECE: usize = 1 << 16;

/// Reads the pool for a listing, tokens left out; `None` when there is more to it than an ordinary file, which
/// [`open`] then judges.
pub(super) fn list(places: &Places, at: Moment) -> Option<Roster> {
    let beside = [places.pool_with(".wal"), places.pool_with(".reset-intent")];
    if beside.iter().any(|path| path.exists()) || result_files(places).next().is_some() {
        return None;
    }
    let extension_text = atomic::read_text(&places.extension()).ok().flatten().unwrap_or_default();
    let extension = Extension::parse(&extension_text);
    let mut file = File::open(places.pool()).ok()?;
    let mut lister = Lister::new(&extension, at, file.metadata().map_or(0, |meta| meta.len()));
    loop {
        match file.read(lister.room(PIECE)) {
            Ok(0) => return lister.finish(),
            Ok(length) => lister.feed(length).ok()?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Opens the pool and hands it on. The document borrows its text, so it lives no longer than `then`.
///
/// # Errors
/// When the file cannot be read, is newer than we are, or is damaged with nothing to replace it.
pub(super) fn open<R>(
    places: &Places,
    backups: Backups,
    at: Moment,
    then: impl FnOnce(Opened<'_>, Document<'_>, Extension<'_>) -> R,
) -> Result<R, StoreError> {
    let extension_text = atomic::read_text(&places.extension()).ok().flatten().unwrap_or_default();
    let extension = Extension::parse(&extension_text);
    let pool = places.pool();
    let bytes = atomic::read(&pool).map_err(|error| unreadable(&pool, &error))?;
    let reset = reset::stands(places, bytes.as_deref(), &extension, at);
    let Some(bytes) = bytes else {
        let instead = if reset { None } else { replacement(places, backups, &extension, at) };
        return match instead {
            Some(found) => Ok(hand_on(places, Primary::Missing, &found, extension, at, then)),
            None => Ok(then(empty(Primary::Missing, reset), Document::after(&extension), extension)),
        };
    };

    let text = std::str::from_utf8(&bytes).map_or_else(|_| String::from_utf8_lossy(&bytes), Cow::Borrowed);
    let fault = match Document::parse(&text, &extension, at) {
        Ok(_) if reset => {
            return Ok(then(empty(Primary::Usable(&bytes), reset), Document::after(&extension), extension));
        }
        Ok(document) => {
            if let Some(found) = better(places, backups, &document, &extension, at) {
                return Ok(hand_on(places, Primary::Usable(&bytes), &found, extension, at, then));
            }
            let health = if document.roster().accounts.is_empty() { Health::Empty } else { Health::Healthy };
            let results = unclaimed(places, document.roster());
            let primary = Primary::Usable(&bytes);
            return Ok(then(Opened { primary, health, recovery: None, results }, document, extension));
        }
        Err(ParseAccountsError::Newer { version }) => {
            return Err(StoreError::Newer { path: shown(&pool), version });
        }
        Err(fault) => fault,
    };
    if reset {
        return Ok(then(empty(Primary::Unusable(&bytes), reset), Document::after(&extension), extension));
    }
    match replacement(places, backups, &extension, at) {
        Some(found) => Ok(hand_on(places, Primary::Unusable(&bytes), &found, extension, at, then)),
        None => Err(StoreError::Corrupt { path: shown(&pool), detail: fault.to_string() }),
    }
}

/// Journal, then backups.
fn replacement(
    places: &Places,
    backups: Backups,
    extension: &Extension<'_>,
    at: Moment,
) -> Option<Substitute> {
    recover::from_journal(places, extension, at)
        .map(|(found, _)| found)
        .or_else(|| (backups == Backups::On).then(|| recover::from_backups(places, extension, at)).flatten())
}

/// What beats a readable primary: a journal of a save that was cut, or a real pool behind a test fixture.
fn better(
    places: &Places,
    backups: Backups,
    document: &Document<'_>,
    extension: &Extension<'_>,
    at: Moment,
) -> Option<Substitute> {
    if let Some((found, created)) = recover::from_journal(places, extension, at) {
        let written = recover::modified(&places.pool());
        let later = created.zip(written).is_some_and(|(created, written)| created >= written);
        let newer_tokens = || {
            Document::parse(&found.text, extension, at)
                .is_ok_and(|journal| has_newer_tokens(journal.roster(), document.roster()))
        };
        if later || newer_tokens() {
            return Some(found);
        }
    }
    let fixture = backups == Backups::On && document.is_synthetic();
    fixture.then(|| recover::from_backups(places, extension, at)).flatten().filter(|found| {
        Document::parse(&found.text, extension, at).is_ok_and(|copy| !copy.roster().accounts.is_empty())
    })
}

fn has_newer_tokens(journal: &Roster, primary: &Roster) -> bool {
    journal.accounts.iter().any(|account| {
        primary.get(&account.key).is_some_and(|stored| {
            account.credentials.expires_at > stored.credentials.expires_at
                && account.credentials.refresh != stored.credentials.refresh
        })
    })
}

fn hand_on<R>(
    places: &Places,
    primary: Primary<'_>,
    found: &Substitute,
    extension: Extension<'_>,
    at: Moment,
    then: impl FnOnce(Opened<'_>, Document<'_>, Extension<'_>) -> R,
) -> R {
    // It was parsed when it was chosen, so the other arm is never taken.
    let document =
        Document::parse(&found.text, &extension, at).unwrap_or_else(|_| Document::after(&extension));
    let recovery = Recovery {
        source: found.source,
        path: shown(&found.path),
        accounts: document.roster().accounts.len(),
        quarantined: usize::from(matches!(primary, Primary::Unusable(_))) + document.unusable().count(),
    };
    let results = unclaimed(places, document.roster());
    let opened = Opened { primary, health: Health::Recoverable, recovery: Some(recovery), results };
    then(opened, document, extension)
}

fn empty(primary: Primary<'_>, reset: bool) -> Opened<'_> {
    let health = if reset { Health::IntentionalReset } else { Health::Empty };
    Opened { primary, health, recovery: None, results: Vec::new() }
}

/// Refresh results whose spent token is still the stored one: a process ended between the answer and the save
/// (storage.md §9.8). Their age does not matter.
fn unclaimed(places: &Places, roster: &Roster) -> Vec<(AccountKey, Credentials)> {
    let mut found: Vec<_> = result_files(places)
        .filter_map(|path| leases::parse_result(&atomic::read_text(&path).ok()??))
        .collect();
    if found.is_empty() {
        return Vec::new();
    }
    found.sort_by_key(|lease| lease.created_at);
    roster
        .accounts
        .iter()
        .filter_map(|account| {
            let mut hash = token::hash(&account.credentials.refresh);
            let mut newest = None;
            // A result may itself have been spent by the next refresh: follow the chain to its end.
            for lease in &found {
                if lease.token_hash == hash {
                    hash = token::hash(&lease.refresh);
                    newest = Some(lease);
                }
            }
            let lease = newest?;
            let credentials = Credentials {
                refresh: lease.refresh.clone(),
                access: Some(lease.access.clone()),
                id_token: lease.id_token.clone(),
                expires_at: Some(lease.expires),
                claims: jwt::claims(Some(lease.access.expose()), lease.id_token.as_ref().map(Secret::expose))
                    .into(),
                tokens: Tokens::Here,
            };
            Some((account.key.clone(), credentials))
        })
        .collect()
}

/// Answers of the token endpoint that were kept.
fn result_files(places: &Places) -> impl Iterator<Item = PathBuf> {
    places
        .result_folders()
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(std::iter::Iterator::flatten)
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".result.json"))
        .map(|entry| entry.path())
}

/// A path in words.
pub(in crate::adapters) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A read or write that the system refused.
pub(in crate::adapters) fn unreadable(path: &Path, error: &std::io::Error) -> StoreError {
    let detail = match in_the_way(path, error) {
        Some(file) => format!("{} is a file, and a folder has to be there", shown(&file)),
        None => detail(error),
    };
    StoreError::Io { path: shown(path), code: code(error), detail }
}

/// The file that stands where a folder above `path` has to be.
fn in_the_way(path: &Path, error: &std::io::Error) -> Option<PathBuf> {
    if error.kind() != std::io::ErrorKind::NotADirectory {
        return None;
    }
    path.ancestors().skip(1).find(|above| above.is_file()).map(Path::to_owned)
}

/// The system's name of an error.
fn code(error: &std::io::Error) -> Option<String> {
    if error.kind() == std::io::ErrorKind::WriteZero {
        return Some("EEMPTY".to_owned());
    }
    let name = match error.raw_os_error()? {
        1 => "EPERM",
        2 => "ENOENT",
        5 => "EIO",
        13 => "EACCES",
        16 => "EBUSY",
        17 => "EEXIST",
        20 => "ENOTDIR",
        21 => "EISDIR",
        26 => "ETXTBSY",
        28 => "ENOSPC",
        30 => "EROFS",
        122 => "EDQUOT",
        _ => return None,
    };
    cfg!(unix).then(|| name.to_owned())
}

fn detail(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
