//! "Delete all accounts" (storage.md §6.5): a marker first, so that a cut between any two steps still reads as
//! the empty pool the user asked for and no backup is taken for an accident.

use std::fs;
use std::io;

use crate::adapters::disk::atomic;
use crate::adapters::fault;
use crate::adapters::store::load::{Backups, Primary, unreadable};
use crate::adapters::store::{Shared, load, recover};
use crate::adapters::vault::named;
use crate::base::Moment;
use crate::domain::backup::{Backup, Before};
use crate::domain::places::{POOL_FILE, Places};
use crate::domain::recovery::Health;
use crate::domain::roster::Roster;
use crate::domain::vault::Copies;
use crate::formats::extension::Extension;
use crate::formats::journal;
use crate::ports::store::{Loaded, StoreError};

/// Whether the marker counts. One that a later save was about to remove does not: the pool is missing, and the
/// journal of that save is there. With a pool beside it the reset itself was cut, and the marker counts.
pub(super) fn stands(places: &Places, primary: Option<&[u8]>, extension: &Extension<'_>, at: Moment) -> bool {
    let path = places.pool_with(".reset-intent");
    if primary.is_some() {
        return path.exists();
    }
    let text = match atomic::read_text(&path) {
        Ok(None) => return false,
        Ok(Some(text)) => text,
        Err(_) => return true,
    };
    let marked = journal::marked_at(&text).or_else(|| recover::modified(&path));
    let Some((_, made)) = recover::from_journal(places, extension, at) else { return true };
    made.zip(marked).is_none_or(|(made, marked)| made < marked)
}

impl Shared {
    /// Removes pool, journal and backups. Only under the pool lock.
    ///
    /// # Errors
    /// Whatever the system says; the marker may stand then, so the next try goes on where this one stopped.
    pub(super) fn clear(&self, copies: Copies, at: Moment) -> Result<(Loaded, Option<Backup>), StoreError> {
        let pool = self.places.pool();
        let (generation, kept) = self.look(copies, at)?;
        self.clear_files(copies, at).map_err(|error| unreadable(&pool, &error))?;
        // The accounts are gone: what follows may fail, and saying that nothing happened would be a lie.
        let generation = self.forget_extension(generation).unwrap_or_else(|error| {
            tracing::warn!(%error, "what was kept beside the pool stays after the reset");
            generation
        });
        let roster = Roster { generation, ..Roster::default() };
        Ok((self.remember(self.pool_stamps(), roster, Health::IntentionalReset, None), kept))
    }

    fn clear_files(&self, copies: Copies, at: Moment) -> io::Result<()> {
        let places = &self.places;
        atomic::write(&places.pool_with(".reset-intent"), journal::mark(at).as_bytes())?;
        fault::pass("reset.marked")?;
        atomic::remove(&places.pool())?;
        atomic::remove(&places.pool_with(".wal"))?;
        atomic::sync_dir(places.pool_dir())?;
        fault::pass("reset.removed")?;
        for path in recover::candidates(places) {
            if let Err(error) = atomic::remove(&path) {
                tracing::warn!(path = %path.display(), %error, "a backup stays after the reset");
            }
        }
        if copies == Copies::Purged
            && let Err(error) = fs::remove_dir_all(places.snapshots())
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the snapshots stay after the reset");
        }
        Ok(())
    }

    /// Reads the pool and keeps it as a named backup; a file nobody can read goes into quarantine instead, and
    /// so does every copy of it that cannot be counted then. Returns the generation the pool had.
    ///
    /// # Errors
    /// A pool of a newer version, or one that the system does not let us read, is nobody's to delete.
    fn look(&self, copies: Copies, at: Moment) -> Result<(u64, Option<Backup>), StoreError> {
        let places = &self.places;
        let seen = load::open(places, Backups::On, at, |opened, document, _| {
            let unusable = matches!(opened.primary, Primary::Unusable(_));
            let accounts = document.roster().accounts.len();
            let text = (accounts > 0).then(|| (document.to_export(), accounts));
            (document.roster().generation, text, unusable)
        });
        let (generation, text, unusable) = match seen {
            Ok(seen) => seen,
            Err(StoreError::Corrupt { .. }) => (0, None, true),
            Err(error) => return Err(error),
        };
        if copies == Copies::Purged {
            return Ok((generation, None));
        }
        let pool = places.pool();
        let failed = |error: io::Error| unreadable(&pool, &error);
        if unusable && let Some(bytes) = atomic::read(&pool).map_err(failed)? {
            recover::quarantine(places, POOL_FILE, &bytes, at).map_err(failed)?;
            if text.is_none() {
                self.keep_copies(at).map_err(failed)?;
            }
        }
        let kept = match text {
            Some((text, accounts)) => Some(named::write_before(places, Before::Reset, &text, accounts, at)?),
            None => None,
        };
        Ok((generation, kept))
    }

    /// Keeps what stands beside a pool nobody can read: a copy of a newer version is no copy to us, yet whole.
    fn keep_copies(&self, at: Moment) -> io::Result<()> {
        let places = &self.places;
        let journal = places.pool_with(".wal");
        for path in std::iter::once(journal).chain(recover::candidates(places)) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if let (Some(name), Some(bytes)) = (name, atomic::read(&path)?) {
                recover::quarantine(places, &name, &bytes, at)?;
            }
        }
        Ok(())
    }

    fn forget_extension(&self, generation: u64) -> Result<u64, StoreError> {
        let path = self.places.extension();
        let text = atomic::read_text(&path).ok().flatten().unwrap_or_default();
        let mut extension = Extension::parse(&text);
        extension.clear(generation);
        atomic::write(&path, extension.to_text().as_bytes()).map_err(|error| unreadable(&path, &error))?;
        Ok(extension.generation())
    }
}
