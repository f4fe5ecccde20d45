//! A selection that waits for the end of the last forwarded session of a home (forwarder.md §7.3).
//!
//! One small file under `<root>/run` per Codex home holds the record id. It survives a crash: the next session's
//! end finds it. A later selection replaces it, one that is written at once removes it.

use std::io;
use std::path::PathBuf;

use crate::adapters::disk::atomic;
use crate::domain::account::AccountKey;
use crate::domain::digest::sha256_hex;
use crate::domain::places::Places;

/// Remembers a selection for later.
///
/// # Errors
/// Whatever the system says.
pub fn keep(places: &Places, key: &AccountKey) -> io::Result<()> {
    atomic::write(&path(places), key.as_str().as_bytes())
}

/// The selection that waits, if any.
pub fn waiting(places: &Places) -> Option<AccountKey> {
    let bytes = atomic::read(&path(places)).ok().flatten()?;
    let text = String::from_utf8(bytes).ok()?;
    let id = text.trim();
    (!id.is_empty()).then(|| AccountKey::new(id))
}

/// Forgets it.
pub fn forget(places: &Places) {
    // Missing is what is wanted; anything else shows at the next look.
    let _ = std::fs::remove_file(path(places));
}

fn path(places: &Places) -> PathBuf {
    let hash = sha256_hex(places.codex_home().as_os_str().as_encoded_bytes());
    places.run().join(format!("selection-{}", hash.get(..16).unwrap_or(&hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_selection_waits_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path().join("codex"));

        keep(&places, &AccountKey::new("record:1")).unwrap();
        keep(&places, &AccountKey::new("record:2")).unwrap();

        assert_eq!(waiting(&places), Some(AccountKey::new("record:2")));
        forget(&places);
        assert_eq!(waiting(&places), None);
    }
}
