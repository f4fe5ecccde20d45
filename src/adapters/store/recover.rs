//! What to read when the pool file cannot be used: journal, backups, hand-made copies; and what becomes of the
//! unusable one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::adapters::disk::{atomic, perms};
use crate::base::{Moment, Span, calendar};
use crate::domain::places::{POOL_FILE, Places};
use crate::formats::accounts::Document;
use crate::formats::extension::Extension;
use crate::formats::journal;

/// Crashed writers finish within a minute or never.
const STALE: Span = Span::minutes(1);

/// Recovery candidates in the order they are tried: the three generations, then every other file with the
/// pool's name in front, by name without regard to case.
pub(super) fn candidates(places: &Places) -> Vec<PathBuf> {
    let generations = [".bak", ".bak.1", ".bak.2"];
    let mut all: Vec<PathBuf> = generations.iter().map(|suffix| places.pool_with(suffix)).collect();
    let prefix = format!("{POOL_FILE}.");
    let mut others: Vec<String> = names(places.pool_dir())
        .into_iter()
        .filter(|name| name.starts_with(&prefix))
        .filter(|name| {
            let rest = name.get(POOL_FILE.len()..).unwrap_or_default();
            let last = rest.rsplit('.').next().unwrap_or_default();
            !generations.contains(&rest)
                && !rest.contains(".cache")
                && !rest.contains(".rotate.")
                && !matches!(last, "tmp" | "wal" | "reset-intent")
        })
        .collect();
    others.sort_by_key(|name| name.to_lowercase());
    all.extend(others.into_iter().map(|name| places.pool_dir().join(name)));
    all
}

/// A copy that can stand in for the pool.
pub(super) struct Substitute {
    /// `wal` or `backup`.
    pub(super) source: &'static str,
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// The journal's content when it is whole and reads as a pool.
pub(super) fn from_journal(
    places: &Places,
    extension: &Extension<'_>,
    at: Moment,
) -> Option<(Substitute, Option<Moment>)> {
    let path = places.pool_with(".wal");
    let text = atomic::read_text(&path).ok().flatten()?;
    let entry = journal::parse(&text)?;
    Document::parse(&entry.content, extension, at).ok()?;
    Some((Substitute { source: "wal", path, text: entry.content }, entry.created_at))
}

/// The first copy with accounts; one without any only when nothing better exists.
pub(super) fn from_backups(places: &Places, extension: &Extension<'_>, at: Moment) -> Option<Substitute> {
    let mut empty = None;
    for path in candidates(places) {
        let Ok(Some(text)) = atomic::read_text(&path) else { continue };
        let accounts = match Document::parse(&text, extension, at) {
            Ok(document) if document.is_synthetic() => continue,
            Ok(document) => document.roster().accounts.len(),
            Err(_) => continue,
        };
        let found = Substitute { source: "backup", path, text };
        if accounts > 0 {
            return Some(found);
        }
        empty = empty.or(Some(found));
    }
    empty
}

/// Keeps bytes nobody can use, under a name that says when and what.
///
/// # Errors
/// Whatever the system says; then nothing may be dropped.
pub(in crate::adapters) fn quarantine(
    places: &Places,
    name: &str,
    bytes: &[u8],
    at: Moment,
) -> io::Result<()> {
    let directory = places.quarantine();
    perms::private_dir(&directory)?;
    let stamp = calendar::stamp(at);
    for attempt in 0..100 {
        let again = if attempt == 0 { String::new() } else { format!("{attempt}-") };
        let path = directory.join(format!("{stamp}-{again}{name}"));
        match perms::private_file().create_new(true).open(&path) {
            Ok(mut file) => {
                io::Write::write_all(&mut file, bytes)?;
                file.sync_all()?;
                return atomic::sync_dir(&directory);
            }
            // The same bytes were kept a moment ago: a load that could not save tries again and again.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(&path).is_ok_and(|kept| kept == bytes) {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// Removes what crashed writers left beside the pool, and in the folders that hold nothing but files of ours.
pub(super) fn sweep(places: &Places, now: Moment) {
    sweep_folder(places.pool_dir(), now, is_leftover);
    let is_temporary = |name: &str| name.rsplit('.').next() == Some("tmp") && writer(name).is_some();
    for folder in [places.ext("").as_path(), places.leases(), &places.root().join("refresh-leases")] {
        sweep_folder(folder, now, is_temporary);
    }
}

fn sweep_folder(folder: &Path, now: Moment, is_leftover: impl Fn(&str) -> bool) {
    for name in names(folder) {
        if !is_leftover(&name) {
            continue;
        }
        let path = folder.join(&name);
        let old = modified(&path).is_some_and(|written| now.since(written) >= STALE);
        if old && !writer_lives(&name) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes what our own crashed writers left, whatever its age. Only under the pool lock, where no writer of
/// ours but the caller can be at work; the reference's have thirteen digits of time in their names.
pub(super) fn sweep_ours(places: &Places) {
    for name in names(places.pool_dir()) {
        if name.starts_with(&format!("{POOL_FILE}.")) && is_leftover(&name) && is_numbered(&name) {
            let _ = fs::remove_file(places.pool_dir().join(&name));
        }
    }
}

/// When a file was last written.
pub(super) fn modified(path: &Path) -> Option<Moment> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok().map(moment)
}

fn moment(time: SystemTime) -> Moment {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Moment::EPOCH + Span::from(since)
}

/// The names in a directory; none when it cannot be read.
pub(super) fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A temporary file of the pool, its journal, its backups or the settings.
fn is_leftover(name: &str) -> bool {
    let ours = name.starts_with(&format!("{POOL_FILE}.")) || name.starts_with("settings.json.");
    ours && name.rsplit('.').next() == Some("tmp") && (name.contains(".rotate.") || writer(name).is_some())
}

/// Whether a temporary name carries our running number where the reference puts the time.
fn is_numbered(name: &str) -> bool {
    let number = name.rsplit('.').nth(2).unwrap_or_default();
    number.len() < 13 && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The process in `<target>.<pid>.<digits>[.<hex>].tmp`.
fn writer(name: &str) -> Option<u32> {
    let mut parts = name.rsplit('.').skip(1);
    let last = parts.next()?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |part: &str| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let before = parts.next()?;
    if hex(last) && digits(before) {
        return parts.next()?.parse().ok();
    }
    (digits(last) && digits(before)).then(|| before.parse().ok()).flatten()
}

/// Our own process is not at work on it now: it only has the same number as the one that was.
fn writer_lives(name: &str) -> bool {
    let Some(pid) = writer(name) else { return false };
    cfg!(unix) && pid != std::process::id() && perms::process_lives(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_told_from_backups_by_their_names() {
        for (name, leftover) in [
            ("openai-codex-accounts.json.4242.1790000000000.cafebabe.tmp", true),
            ("openai-codex-accounts.json.bak.1.rotate.123.1790000000000.deadbeef.slot-1.tmp", true),
            ("settings.json.4242.1790000000000.tmp", true),
            ("openai-codex-accounts.json.wal.12.0.00c0ffee.tmp", true),
            ("openai-codex-accounts.json.mine.tmp", false),
            ("openai-codex-accounts.json.bak", false),
            ("openai-codex-accounts.json", false),
            ("other.1.2.cafebabe.tmp", false),
        ] {
            assert_eq!(is_leftover(name), leftover, "{name}");
        }
    }
}
