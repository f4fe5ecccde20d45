//! Writing the pool (storage.md §6.3). Everything here happens under the pool lock.
//!
//! Order: quarantine, backups, journal, new file, comparison, rename. A crash leaves either the old pool, or the
//! old pool with a journal that the next load replays, or the new pool. The reference takes no lock, so the file
//! is replaced only if it still is what was read.

use std::io;

use crate::adapters::disk::atomic::{self, Published, Staged};
use crate::adapters::fault;
use crate::adapters::store::load::{Backups, Primary, shown, unreadable};
use crate::adapters::store::snapshots::{self, Keep};
use crate::adapters::store::{recover, retention};
use crate::base::{Moment, Span};
use crate::domain::places::{POOL_FILE, Places};
use crate::formats::accounts::Extent;
use crate::formats::journal;
use crate::ports::store::StoreError;

/// Routine saves push no useful backup out while the newest one is younger.
const FRESH_BACKUP: Span = Span::seconds(60);

/// What became of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saved {
    Done,
    /// Somebody else wrote the file: read again and start over.
    Overtaken,
}

/// One save.
pub(super) struct Save<'a> {
    pub(super) places: &'a Places,
    pub(super) backups: Backups,
    /// The file as it was read.
    pub(super) primary: Primary<'a>,
    /// The new text.
    pub(super) text: &'a str,
    pub(super) extent: Extent,
    /// How many snapshots there may be.
    pub(super) keep: Keep,
    /// Rows that are about to disappear.
    pub(super) unusable: &'a [String],
    pub(super) at: Moment,
}

impl Save<'_> {
    /// Carries it out.
    ///
    /// # Errors
    /// Whatever the system says; the old pool is intact then.
    pub(super) fn carry_out(&self) -> Result<Saved, StoreError> {
        let pool = self.places.pool();
        self.steps().inspect_err(|_| self.forget_journal()).map_err(|error| unreadable(&pool, &error))
    }

    fn steps(&self) -> io::Result<Saved> {
        fault::pass("save.locked")?;
        recover::sweep_ours(self.places);
        self.keep_unusable()?;
        self.rotate()?;
        fault::pass("save.rotated")?;
        let pool = self.places.pool();
        let entry = journal::print(&shown(&pool), self.text, self.at);
        atomic::write(&self.places.pool_with(".wal"), entry.as_bytes())?;
        fault::pass("save.journalled")?;
        let mut staged = Staged::write(&pool, self.text.as_bytes())?;
        fault::pass("save.written")?;
        staged.sync()?;
        if self.text.is_empty() || staged.size()? != u64::try_from(self.text.len()).unwrap_or(u64::MAX) {
            return Err(io::Error::new(io::ErrorKind::WriteZero, "what was written is not there"));
        }
        fault::pass("save.synced")?;
        // Before the rename: a marker beside a pool hides it, and from here on the journal stands in for it.
        atomic::remove(&self.places.pool_with(".reset-intent"))?;
        if staged.publish_over(self.primary.bytes())? == Published::Overtaken {
            self.forget_journal();
            return Ok(Saved::Overtaken);
        }
        fault::pass("save.renamed")?;
        // The pool is saved: what follows may fail, an old journal is passed over by its age.
        self.forget_journal();
        let _ = fault::pass("save.cleaned");
        snapshots::keep(self.places, self.text, self.keep, self.at);
        retention::sweep_quarantine(self.places, self.at);
        Ok(Saved::Done)
    }

    /// A journal of a save that failed must not be replayed later: its caller was told that nothing changed.
    pub(super) fn forget_journal(&self) {
        let _ = atomic::remove(&self.places.pool_with(".wal"));
    }

    fn keep_unusable(&self) -> io::Result<()> {
        if let Primary::Unusable(bytes) = self.primary {
            recover::quarantine(self.places, POOL_FILE, bytes, self.at)?;
        }
        for row in self.unusable {
            recover::quarantine(self.places, "account-row.json", row.as_bytes(), self.at)?;
        }
        Ok(())
    }

    /// `.bak.1` → `.bak.2`, `.bak` → `.bak.1`, a copy of the pool → `.bak`. An unusable pool is never rotated
    /// over good backups. All copies stand ready before the first rename, and every rename replaces: a cut
    /// leaves each name with its old or its new content, never without.
    fn rotate(&self) -> io::Result<()> {
        let Primary::Usable(bytes) = self.primary else { return Ok(()) };
        let newest = self.places.pool_with(".bak");
        let fresh =
            || recover::modified(&newest).is_some_and(|written| self.at.since(written) < FRESH_BACKUP);
        if self.backups == Backups::Off || (self.extent < Extent::Durable && fresh()) {
            return Ok(());
        }
        let mut ready = Vec::with_capacity(3);
        for (from, to) in [(".bak.1", ".bak.2"), (".bak", ".bak.1")] {
            if let Some(old) = atomic::read(&self.places.pool_with(from))? {
                ready.push(Staged::write(&self.places.pool_with(to), &old)?);
            }
        }
        ready.push(Staged::write(&newest, bytes)?);
        for staged in &mut ready {
            staged.sync()?;
        }
        fault::pass("backup.staged")?;
        for staged in ready {
            staged.publish()?;
            fault::pass("backup.shifted")?;
        }
        Ok(())
    }
}
