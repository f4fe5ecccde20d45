//! Saving edits of settings.
//!
//! Under the machine-wide lock: read, change the members in the text, keep a copy as `.bak`, stage, compare with
//! what was read, rename. A program that does not know the lock (the original) is noticed by the comparison, and
//! the edit starts over on its text. A damaged file goes into quarantine before it is replaced, and is never
//! copied over the backup.

use std::path::Path;

use crate::adapters::config::{backup, dashboard};
use crate::adapters::disk::atomic::{self, Staged};
use crate::adapters::disk::lock::FileLock;
use crate::adapters::fault;
use crate::adapters::store::{quarantine, unreadable};
use crate::base::Moment;
use crate::domain::places::Places;
use crate::domain::settings::edit::Edit;
use crate::domain::settings::schema::{Section, row};
use crate::formats::settings::write::{self, EditError};
use crate::ports::store::StoreError;

/// How often a save starts over when another program writes in between.
const ATTEMPTS: usize = 5;

/// Saves edits while the settings lock is held; returns what a person should know about it.
///
/// # Errors
/// When a file cannot be read or written, is of a newer version, or keeps changing. What was there is intact.
pub(in crate::adapters) fn save(
    places: &Places,
    edits: &[Edit],
    at: Moment,
    _held: &FileLock,
) -> Result<Vec<String>, StoreError> {
    let mut notes = Vec::new();
    let is_display = |edit: &&Edit| row(edit.key).is_some_and(|row| row.section == Section::Display);
    match places.config_path() {
        Some(flat) => {
            let (display, runtime): (Vec<Edit>, Vec<Edit>) =
                edits.iter().cloned().partition(|edit| is_display(&edit));
            if !runtime.is_empty() {
                save_flat(places, flat, &runtime, at, &mut notes)?;
            }
            if !display.is_empty() {
                save_unified(places, &display, at, &mut notes)?;
            }
        }
        None => save_unified(places, edits, at, &mut notes)?,
    }
    Ok(notes)
}

/// Puts a whole text in the place of the one it was made from, while the settings lock is held.
///
/// # Errors
/// When the file is another one by now, or cannot be written. What was there is intact.
pub(in crate::adapters) fn put(
    places: &Places,
    path: &Path,
    before: Option<&[u8]>,
    fresh: &str,
    at: Moment,
    _held: &FileLock,
) -> Result<Vec<String>, StoreError> {
    let mut notes = Vec::new();
    let sound = before.is_some_and(|bytes| write::flat(std::str::from_utf8(bytes).ok(), &[]).is_ok());
    if let (Some(before), false) = (before, sound) {
        keep_damaged(places, path, before, at)?;
        notes.push(format!("the damaged file is kept in {}", places.quarantine().display()));
    }
    let spare = if sound && path == places.settings() { Spare::Keep } else { Spare::Leave };
    if replace(places, path, before, fresh, spare)? {
        return Ok(notes);
    }
    Err(StoreError::Contended { path: path.display().to_string() })
}

/// Moves the display settings of `dashboard-settings.json` into `settings.json`, when nobody else is saving.
pub(in crate::adapters) fn migrate(places: &Places) -> Result<(), StoreError> {
    let lock = places.lock("settings");
    let Some(_held) = FileLock::try_now(&lock).map_err(|error| unreadable(&lock, &error))? else {
        return Ok(());
    };
    let Some(older) = text(&dashboard(places))? else { return Ok(()) };
    let path = places.settings();
    for _ in 0..ATTEMPTS {
        let bytes = bytes(&path)?;
        let current = bytes.as_deref().map(String::from_utf8_lossy);
        // A damaged or newer file is left to its owner; the older settings are read where they are.
        let Ok(Some(fresh)) = write::with_dashboard(current.as_deref(), &older) else { return Ok(()) };
        if replace(places, &path, bytes.as_deref(), &fresh, Spare::Keep)? {
            tracing::info!("display settings were moved into settings.json");
            return Ok(());
        }
    }
    Ok(())
}

fn save_unified(
    places: &Places,
    edits: &[Edit],
    at: Moment,
    notes: &mut Vec<String>,
) -> Result<(), StoreError> {
    let path = places.settings();
    for _ in 0..ATTEMPTS {
        let bytes = bytes(&path)?;
        let current = bytes.as_deref().map(String::from_utf8_lossy);
        let legacy = legacy(places)?;
        let displaced = current.as_deref().map(|text| write::displaced(text, edits)).unwrap_or_default();
        if !displaced.is_empty() {
            keep_damaged(places, &path, bytes.as_deref().unwrap_or_default(), at)?;
            let note = format!(
                "{} in settings.json was no object: it was begun anew, the file from before is kept in {}",
                displaced.join(" and "),
                places.quarantine().display()
            );
            tracing::warn!("{note}");
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        let (fresh, spare) = match write::unified(current.as_deref(), edits, legacy.as_deref()) {
            Ok(fresh) => (fresh, Spare::Keep),
            Err(EditError::Newer(version)) => {
                return Err(StoreError::Newer { path: path.display().to_string(), version });
            }
            Err(EditError::Damaged(error)) => {
                keep_damaged(places, &path, bytes.as_deref().unwrap_or_default(), at)?;
                let rescued = text(&backup(places))?.and_then(|text| {
                    write::unified(Some(&text), edits, None).ok().map(|fresh| (text, fresh))
                });
                let note = match &rescued {
                    Some(_) => "settings.json was damaged: it was rebuilt from settings.json.bak",
                    None => "settings.json was damaged: it was begun anew",
                };
                tracing::warn!(%error, "{note}");
                notes.push(format!("{note}, the damaged one is kept in {}", places.quarantine().display()));
                let fresh = match rescued {
                    // Nothing to change still means that the good text takes the place of the damaged one.
                    Some((text, fresh)) => Some(fresh.unwrap_or(text)),
                    None => write::unified(None, edits, legacy.as_deref()).ok().flatten(),
                };
                (fresh, Spare::Leave)
            }
        };
        let Some(fresh) = fresh else { return Ok(()) };
        if replace(places, &path, bytes.as_deref(), &fresh, spare)? {
            return Ok(());
        }
    }
    Err(StoreError::Contended { path: path.display().to_string() })
}

fn save_flat(
    places: &Places,
    path: &Path,
    edits: &[Edit],
    at: Moment,
    notes: &mut Vec<String>,
) -> Result<(), StoreError> {
    for _ in 0..ATTEMPTS {
        let bytes = bytes(path)?;
        let mut note = None;
        let current = if let Some(bytes) = bytes.as_deref() {
            String::from_utf8_lossy(bytes).into_owned()
        } else {
            // A file with only this change would hide everything that is stored elsewhere.
            let copied = write::copied(text(&places.settings())?.as_deref(), legacy(places)?.as_deref());
            note = Some(format!(
                "{} was created with {} settings stored so far, because CODEX_MULTI_AUTH_CONFIG_PATH names it",
                path.display(),
                write::known_members(&copied)
            ));
            copied
        };
        let fresh = match write::flat(Some(&current), edits) {
            Ok(fresh) => fresh,
            Err(error) => {
                keep_damaged(places, path, bytes.as_deref().unwrap_or_default(), at)?;
                tracing::warn!(%error, "a damaged settings file is begun anew");
                note = Some(format!(
                    "{} was damaged: it was begun anew, the damaged one is kept in {}",
                    path.display(),
                    places.quarantine().display()
                ));
                write::flat(None, edits).ok().flatten()
            }
        };
        let fresh = fresh.or_else(|| bytes.is_none().then(|| current.clone()));
        let Some(fresh) = fresh else { return Ok(()) };
        if replace(places, path, bytes.as_deref(), &fresh, Spare::Leave)? {
            notes.extend(note);
            return Ok(());
        }
    }
    Err(StoreError::Contended { path: path.display().to_string() })
}

/// Whether the text that is replaced becomes the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spare {
    Keep,
    Leave,
}

/// Puts a text in the place of the one that was read; `false` = somebody else wrote in between.
fn replace(
    places: &Places,
    path: &Path,
    before: Option<&[u8]>,
    fresh: &str,
    spare: Spare,
) -> Result<bool, StoreError> {
    let io = |error: &std::io::Error| unreadable(path, error);
    fault::pass("settings.locked").map_err(|error| io(&error))?;
    if let (Spare::Keep, Some(before)) = (spare, before) {
        let target = backup(places);
        atomic::write(&target, before).map_err(|error| unreadable(&target, &error))?;
    }
    fault::pass("settings.backed").map_err(|error| io(&error))?;
    let mut staged = Staged::write(path, fresh.as_bytes()).map_err(|error| io(&error))?;
    fault::pass("settings.written").map_err(|error| io(&error))?;
    staged.sync().map_err(|error| io(&error))?;
    if bytes(path)?.as_deref() != before {
        return Ok(false);
    }
    staged.publish().map_err(|error| io(&error))?;
    fault::pass("settings.renamed").map_err(|error| io(&error))?;
    Ok(true)
}

fn keep_damaged(places: &Places, path: &Path, bytes: &[u8], at: Moment) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    quarantine(places, &name, bytes, at).map_err(|error| unreadable(&places.quarantine(), &error))
}

/// The text of the first legacy flat file.
fn legacy(places: &Places) -> Result<Option<String>, StoreError> {
    for path in places.legacy_configs() {
        if let Some(text) = text(&path)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

fn bytes(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    atomic::read(path).map_err(|error| unreadable(path, &error))
}

fn text(path: &Path) -> Result<Option<String>, StoreError> {
    atomic::read_text(path).map_err(|error| unreadable(path, &error))
}
