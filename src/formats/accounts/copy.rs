//! Copies of a pool for people: named backups and exports, and single rows that an undo may put back.

use crate::domain::account::AccountKey;
use crate::domain::model::Family;
use crate::domain::vault::Selection;
use crate::formats::accounts::row::Row;
use crate::formats::accounts::{Document, Extent, RowText};
use crate::formats::extension::Extension;
use crate::formats::lossless::{self, Object};

use std::borrow::Cow;
use std::collections::HashSet;

use crate::base::Moment;

impl Document<'_> {
    /// The text of a named backup or an export: rows and selection. Pin and generation mean nothing elsewhere.
    pub fn to_export(&self) -> String {
        let place = |key: Option<&AccountKey>| key.and_then(|key| self.roster.index_of(key));
        let active = place(self.roster.active.as_ref()).unwrap_or(0);
        let mut families = Object::default();
        for family in Family::ALL {
            let own = place(self.roster.active_by_family.get(&family)).unwrap_or(active);
            families.set(family.word(), own);
        }
        let mut top = Object::default();
        top.set("version", super::CURRENT);
        top.set_raw("accounts", lossless::joined(self.rows.iter().map(|row| row.text.as_ref())));
        top.set("activeIndex", active);
        top.set_object("activeIndexByFamily", &families);
        top.to_pretty()
    }

    /// An account's position and its row as it stands in the file.
    pub fn row(&self, key: &AccountKey) -> Option<(usize, &str)> {
        let place = self.rows.iter().position(|row| row.key == *key)?;
        Some((place, self.rows.get(place)?.text.as_ref()))
    }

    /// Selection and pin as they are.
    pub fn selection(&self) -> Selection {
        Selection {
            active: self.roster.active.clone(),
            by_family: self.roster.active_by_family.clone(),
            pin: self.roster.pin.clone(),
        }
    }

    /// Puts a row back at its position, byte for byte; `None` when the account is there or the row is no account.
    pub fn put_back(
        &mut self,
        key: &AccountKey,
        row: &str,
        place: usize,
        extension: &Extension<'_>,
        at: Moment,
    ) -> Option<Extent> {
        if self.roster.get(key).is_some() {
            return None;
        }
        let view = Row::parse(row)?;
        let (stored, keyed) = view.key(&HashSet::new());
        let account = view.into_account(key.clone(), extension, at);
        let place = place.min(self.rows.len());
        let keyed = keyed && stored == *key;
        let text = Cow::Owned(row.to_owned());
        self.rows.insert(place, RowText { key: key.clone(), text, keyed });
        self.roster.accounts.insert(place, account);
        self.reshaped = true;
        Some(Extent::Durable)
    }

    /// Takes an earlier selection and pin back, as far as its accounts are here; the generation grows.
    pub fn select(&mut self, selection: &Selection, extension: &mut Extension<'_>) -> Extent {
        let here = |key: &AccountKey| self.roster.get(key).is_some();
        let active = selection.active.clone().filter(here);
        let pin = selection.pin.clone().filter(here);
        let by_family: Vec<(Family, AccountKey)> = selection
            .by_family
            .iter()
            .filter(|(_, key)| here(key))
            .map(|(family, key)| (*family, key.clone()))
            .collect();
        if active.is_some() {
            self.roster.active = active;
        }
        self.roster.active_by_family.extend(by_family);
        if self.roster.pin != pin {
            self.roster.pinned_at = None;
        }
        self.roster.pin = pin;
        self.raise(extension);
        self.write_positions().max(Extent::Durable)
    }

    /// Raises the generation, so that running proxies forget whom their sessions belonged to.
    pub(super) fn raise(&mut self, extension: &mut Extension<'_>) {
        self.roster.generation = self.roster.generation.max(extension.generation()) + 1;
        extension.set_pin(self.roster.pin.as_ref(), self.roster.pinned_at, self.roster.generation);
    }
}
