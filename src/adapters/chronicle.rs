//! What is remembered of accounts: figures of the last hours, and the end of the audit log. Nothing depends on it, so
//! whatever cannot be read counts as nothing, and what cannot be kept is told to our own log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::chronicle::{Act, Point};
use crate::domain::places::Places;
use crate::domain::quota::snapshot::Snapshot;
use crate::formats::{audit, quota_past};

/// How much of the audit log is looked at: some hundred lines.
const TAIL: u64 = 64 * 1024;

/// Figures of short windows, beside the pool they are about.
fn past(places: &Places) -> PathBuf {
    places.pool_dir().join("ext/quota-past.json")
}

/// Figures by account, and what was done to accounts.
pub fn read(places: &Places) -> (BTreeMap<AccountKey, Vec<Point>>, Vec<Act>) {
    let figures = atomic::read_text(&past(places)).ok().flatten();
    let acts = tail(&places.audit_log()).unwrap_or_default();
    (figures.as_deref().map(quota_past::read).unwrap_or_default(), audit::acts(&acts))
}

/// Keeps figures for later; the caller holds the lock of the quota cache.
pub(super) fn keep(places: &Places, observations: &[(AccountKey, Snapshot)], at: Moment) {
    let path = past(places);
    let kept = atomic::read_text(&path).and_then(|text| {
        let merged = quota_past::merge(text.as_deref(), observations, at);
        merged.map_or(Ok(()), |text| atomic::write(&path, text.as_bytes()))
    });
    if let Err(error) = kept {
        tracing::debug!(%error, "figures for the chart were not kept");
    }
}

/// The end of a file; the first line of it may be torn.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_long_log_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        std::fs::write(&path, "x".repeat(100_000) + "\nlast").unwrap();

        let text = tail(&path).unwrap();

        assert_eq!(text.len(), 64 * 1024);
        assert!(text.ends_with("\nlast"));
        assert!(tail(&dir.path().join("none")).is_err());
    }

    #[test]
    fn nothing_kept_is_nothing_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path().join("root"), dir.path().join("codex"));

        assert_eq!(read(&places), (BTreeMap::new(), Vec::new()));
    }
}
