//! Taking in a pool that an older version kept elsewhere for the same project (storage.md §2.5).

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::formats::accounts::{Document, Extent};
use crate::formats::extension::Extension;

impl Document<'_> {
    /// Merges the older pool in. A pool with accounts keeps its selection, pin and generation; in the place of an
    /// empty one the older pool is taken whole.
    pub fn take_legacy(
        &mut self,
        legacy: &Document<'_>,
        extension: &mut Extension<'_>,
        at: Moment,
    ) -> Extent {
        let was_empty = self.rows.is_empty();
        let taken = self.merge(legacy, extension, at);
        if was_empty {
            let here = |key: &AccountKey| {
                let theirs = legacy.roster.index_of(key)?;
                taken.rows.get(theirs).map(|(key, _)| key.clone())
            };
            self.roster.pin = legacy.roster.pin.as_ref().and_then(here);
            self.roster.pinned_at = self.roster.pin.as_ref().and(legacy.roster.pinned_at);
            self.roster.generation = self.roster.generation.max(legacy.roster.generation);
            extension.set_pin(self.roster.pin.as_ref(), self.roster.pinned_at, self.roster.generation);
        }
        taken.extent.max(self.write_positions())
    }
}
