//! The pool while its lock is held: what one process of ours may do with it and all others wait for.

use std::cell::RefCell;

use crate::adapters::audit;
use crate::adapters::store::{Shared, load};
use crate::base::Moment;
use crate::domain::audit::{is_noted, of_changes};
use crate::domain::backup::Backup;
use crate::domain::change::Change;
use crate::domain::places::Places;
use crate::domain::roster::Roster;
use crate::domain::vault::Copies;
use crate::formats::accounts::{Document, Extent};
use crate::formats::extension::Extension;
use crate::ports::store::{Loaded, StoreError};

/// The pool while its lock is held.
pub(in crate::adapters) struct Locked<'a> {
    pub(super) shared: &'a Shared,
    pub(super) now: &'a dyn Fn() -> Moment,
}

impl Locked<'_> {
    /// Where its files are.
    pub(in crate::adapters) fn places(&self) -> &Places {
        &self.shared.places
    }

    /// Effective settings.
    pub(in crate::adapters) fn settings(&self) -> std::sync::Arc<crate::domain::settings::Settings> {
        self.shared.settings()
    }

    /// The time.
    pub(in crate::adapters) fn now(&self) -> Moment {
        (self.now)()
    }

    /// Shows the pool as it stands, recovered if need be; nothing is written.
    pub(in crate::adapters) fn open<R>(
        &self,
        then: impl FnOnce(&mut Document<'_>, &Extension<'_>) -> R,
    ) -> Result<R, StoreError> {
        let places = &self.shared.places;
        load::open(places, self.shared.backups(), self.now(), |_, mut document, extension| {
            then(&mut document, &extension)
        })
    }

    /// Edits the pool as it stands and saves it. The edit runs again when the reference wrote in between.
    pub(in crate::adapters) fn commit<E: From<StoreError>>(
        &self,
        ruin: Ruin,
        edit: impl Fn(&mut Document<'_>, &mut Extension<'_>, Moment) -> Result<Extent, E>,
    ) -> Result<Loaded, E> {
        self.shared.commit(ruin, edit, self.now)
    }

    /// Applies changes, and saves what they did.
    pub(super) fn apply(&self, changes: &[Change]) -> Result<Loaded, StoreError> {
        let before: RefCell<Option<Roster>> = RefCell::default();
        let loaded = self.carry_out(changes, &before)?;
        if let Some(before) = before.into_inner()
            && self.settings().audit_log
        {
            let records = of_changes(changes, &before, &loaded.roster, self.now());
            audit::append(self.places(), &records);
        }
        Ok(loaded)
    }

    fn carry_out(&self, changes: &[Change], before: &RefCell<Option<Roster>>) -> Result<Loaded, StoreError> {
        let changes = match cleared(changes) {
            Some((copies, rest)) => {
                let (loaded, _) = self.clear(copies)?;
                if rest.is_empty() {
                    return Ok(loaded);
                }
                rest
            }
            None => changes,
        };
        let ruin = if adds(changes) { Ruin::Replaced } else { Ruin::Refused };
        self.commit(ruin, |document, extension, at| {
            if changes.iter().any(is_noted) {
                *before.borrow_mut() = Some(document.roster().clone());
            }
            let extent = document.apply(changes, extension, at);
            // An empty commit only writes down what was recovered.
            let idle = changes.is_empty() && extent < Extent::Durable;
            Ok(if idle { Extent::Nothing } else { extent })
        })
    }

    /// Deletes every account (storage.md §6.5).
    pub(in crate::adapters) fn clear(&self, copies: Copies) -> Result<(Loaded, Option<Backup>), StoreError> {
        self.shared.clear(copies, self.now())
    }
}

/// What an edit may do to a pool that nothing can repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::adapters) enum Ruin {
    /// Nothing.
    Refused,
    /// Quarantine it and begin anew.
    Replaced,
}

fn adds(changes: &[Change]) -> bool {
    changes.iter().any(|change| matches!(change, Change::Added(_)))
}

/// The last clearing among the changes and what comes behind it; whatever stood before it is gone anyway.
fn cleared(changes: &[Change]) -> Option<(Copies, &[Change])> {
    changes.iter().enumerate().rev().find_map(|(place, change)| {
        let Change::Cleared { copy } = change else { return None };
        Some((*copy, changes.get(place + 1..).unwrap_or_default()))
    })
}
