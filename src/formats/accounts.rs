//! The account pool, `openai-codex-accounts.json`, as the reference and we both keep it (storage.md §4).
//!
//! A [`Document`] is the file's own text plus the [`Roster`] it means. Reading drops nothing: unusable rows are
//! set aside, unknown members stay where they are, wrong-typed known members count as absent but remain in the
//! text. Editing applies [`Change`]s to the roster and then rewrites only the members that differ. Reading is
//! linear and copies each row once.

pub mod copy;
pub mod edit;
mod legacy;
pub mod listing;
pub mod merge;
pub mod row;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey, Credentials};
use crate::domain::change::Change;
use crate::domain::identity::{self, Fallback, Person};
use crate::domain::model::Family;
use crate::domain::roster::Roster;
use crate::formats::accounts::row::Row;
use crate::formats::extension::Extension;
use crate::formats::lossless::{self, Listing, Object};
use crate::formats::migrate;

/// The format we write.
pub(in crate::formats) const CURRENT: u64 = 3;

/// Why a text is not a usable pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAccountsError {
    /// Not JSON, or not an object.
    #[error("the file {detail}")]
    Damaged {
        /// Position and kind; never content.
        detail: String,
    },
    /// JSON of another shape.
    #[error("{detail}")]
    Shape {
        /// Which member is not what it must be.
        detail: &'static str,
    },
    /// Written by a newer version.
    #[error("the file has format {version}")]
    Newer {
        /// Its format.
        version: u64,
    },
}

/// A pool file and what it means.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    top: Object<'a>,
    /// Aligned with `roster.accounts`.
    rows: Vec<RowText<'a>>,
    roster: Roster,
    unusable: Vec<Cow<'a, str>>,
    /// Format the text had.
    version: u64,
    /// Rows were merged or set aside, so positions in the text are not those of the roster.
    reshaped: bool,
}

#[derive(Debug, Clone)]
struct RowText<'a> {
    key: AccountKey,
    text: Cow<'a, str>,
    /// Whether the text names the key already.
    keyed: bool,
}

/// What an edit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Nothing.
    Nothing,
    /// Only what changes all the time: last use, rests, limits, cursors.
    Volatile,
    /// Something a backup should keep.
    Durable,
}

impl<'a> Document<'a> {
    /// A pool without accounts that takes the place of one we wrote: its generation goes on.
    pub fn after(extension: &Extension<'_>) -> Self {
        let mut document = Self::empty();
        document.roster.generation = extension.generation();
        document
    }

    /// A pool without accounts.
    pub fn empty() -> Self {
        let mut top = Object::default();
        top.set("version", CURRENT);
        top.set_raw("accounts", "[]".to_owned());
        top.set("activeIndex", 0);
        Self {
            top,
            rows: Vec::new(),
            roster: Roster::default(),
            unusable: Vec::new(),
            version: CURRENT,
            reshaped: false,
        }
    }

    /// Reads a pool and normalises it (storage.md §4.4).
    ///
    /// # Errors
    /// When the text is no usable pool; see [`ParseAccountsError`].
    pub fn parse(text: &'a str, extension: &Extension<'_>, at: Moment) -> Result<Self, ParseAccountsError> {
        let Listing { object: mut top, elements } = Listing::parse(text, "accounts")
            .map_err(|error| ParseAccountsError::Damaged { detail: error.to_string() })?;
        let version = version(&top)?;
        let raw_rows = elements.ok_or(ParseAccountsError::Shape { detail: "`accounts` is not a list" })?;
        let texts: Vec<Cow<'a, str>> = if version == CURRENT {
            raw_rows.iter().map(|raw| Cow::Borrowed(*raw)).collect()
        } else {
            migrate::top_from_v1(&mut top);
            raw_rows.iter().map(|raw| migrate::row_from_v1(raw, at)).collect()
        };
        Ok(Self::normalised(top, &texts, version, extension, at))
    }

    fn normalised(
        top: Object<'a>,
        texts: &[Cow<'a, str>],
        version: u64,
        extension: &Extension<'_>,
        at: Moment,
    ) -> Self {
        if let Some((rows, accounts)) = plain(texts, extension, at) {
            let mut roster = Roster { accounts, ..Roster::default() };
            let places: Vec<Option<usize>> = (0..texts.len()).map(Some).collect();
            Positions { texts, places: &places }.read_into(&mut roster, &top, extension);
            return Self { top, rows, roster, unusable: Vec::new(), version, reshaped: false };
        }
        let mut views: Vec<Option<Row<'_>>> = texts.iter().map(|text| Row::parse(text)).collect();
        let usable: Vec<usize> =
            (0..views.len()).filter(|raw| matches!(views.get(*raw), Some(Some(_)))).collect();
        let persons: Vec<Person> = views.iter().flatten().map(|row| row.person(at)).collect();
        let kept = identity::deduplicate(&persons);

        let mut places: Vec<Option<usize>> = vec![None; texts.len()];
        let mut rows = Vec::with_capacity(kept.len());
        let mut accounts: Vec<Account> = Vec::with_capacity(kept.len());
        let mut used: HashSet<AccountKey> = HashSet::with_capacity(kept.len());
        let raw_of = |index: usize| usable.get(index).copied().unwrap_or(usize::MAX);
        for (place, one) in kept.iter().enumerate() {
            for index in std::iter::once(one.index).chain(one.absorbed.iter().copied()) {
                if let Some(known) = places.get_mut(raw_of(index)) {
                    *known = Some(place);
                }
            }
            let losers = one.absorbed.iter().filter_map(|index| texts.get(raw_of(*index)));
            let text = texts.get(raw_of(one.index)).cloned().unwrap_or_default();
            let merged = row::absorb(&text, losers.map(AsRef::as_ref));
            let view = match &merged {
                Some(merged) => Row::parse(merged),
                None => views.get_mut(raw_of(one.index)).and_then(Option::take),
            };
            let Some(view) = view else { continue };
            let (key, keyed) = view.key(&used);
            used.insert(key.clone());
            accounts.push(view.into_account(key.clone(), extension, at));
            rows.push(RowText { key, text: merged.map_or(text, Cow::Owned), keyed });
        }

        let unusable: Vec<Cow<'a, str>> = texts
            .iter()
            .zip(&places)
            .filter(|(_, place)| place.is_none())
            .map(|(text, _)| text.clone())
            .collect();
        let reshaped = rows.len() != texts.len();
        let mut roster = Roster { accounts, ..Roster::default() };
        Positions { texts, places: &places }.read_into(&mut roster, &top, extension);
        Self { top, rows, roster, unusable, version, reshaped }
    }

    /// The pool as data.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Ends the editing and keeps the pool.
    pub fn into_roster(self) -> Roster {
        self.roster
    }

    /// Raw rows that cannot be used (no refresh token); to be kept in quarantine before they are dropped.
    pub fn unusable(&self) -> impl Iterator<Item = &str> {
        self.unusable.iter().map(AsRef::as_ref)
    }

    /// The format the text had.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The older format the text had, when it is to be saved in the current one.
    pub fn migrated_from(&self) -> Option<u64> {
        (self.version != CURRENT).then_some(self.version)
    }

    /// Whether every row looks like one of the reference's own test fixtures.
    pub fn is_synthetic(&self) -> bool {
        !self.roster.accounts.is_empty() && self.roster.accounts.iter().all(row::is_synthetic)
    }

    /// Applies changes to the pool and to the text behind it, members that mean something else stay untouched.
    pub fn apply(&mut self, changes: &[Change], extension: &mut Extension<'_>, at: Moment) -> Extent {
        let touched: HashSet<AccountKey> =
            changes.iter().filter_map(|change| edit::subject(change, &self.roster)).collect();
        let before: HashMap<AccountKey, Account> = self
            .roster
            .accounts
            .iter()
            .filter(|account| touched.contains(&account.key))
            .map(|account| (account.key.clone(), account.clone()))
            .collect();
        let generation = self.roster.generation;
        for change in changes {
            self.roster.apply(change);
        }
        for gone in before.keys().filter(|key| self.roster.get(key).is_none()) {
            extension.forget(gone);
        }

        let mut extent = self.align_rows();
        for (account, row) in self.roster.accounts.iter_mut().zip(&mut self.rows) {
            if !touched.contains(&account.key) {
                continue;
            }
            edit::complete(account);
            let old = before.get(&account.key);
            if let Some((text, reach)) = edit::rewrite(&row.text, old, account) {
                row.text = Cow::Owned(text);
                extent = extent.max(reach);
            }
            extension.follow(old, account, at);
        }
        if self.roster.generation != generation {
            extension.set_pin(self.roster.pin.as_ref(), self.roster.pinned_at, self.roster.generation);
            extent = Extent::Durable;
        }
        extent.max(self.write_positions())
    }

    /// Puts in the tokens that the account's own refresh token was spent for: they win whatever their times say,
    /// because the stored token is dead.
    pub fn succeed(
        &mut self,
        key: &AccountKey,
        credentials: Credentials,
        extension: &mut Extension<'_>,
        at: Moment,
    ) -> Extent {
        let rows = self.roster.accounts.iter_mut().zip(&mut self.rows);
        let Some((account, row)) = rows.into_iter().find(|(account, _)| account.key == *key) else {
            return Extent::Nothing;
        };
        let old = account.clone();
        account.credentials = credentials.inheriting(&old.credentials);
        account.invalidation = None;
        account.uncertain_since = None;
        edit::complete(account);
        extension.follow(Some(&old), account, at);
        match edit::rewrite(&row.text, Some(&old), account) {
            Some((text, extent)) => {
                row.text = Cow::Owned(text);
                extent
            }
            None => Extent::Nothing,
        }
    }

    /// Lets the extension say nothing of a pin at this generation but what the pool says. A save that was cut may
    /// have left a pin there that never came to be, and the next save reaches its generation.
    pub fn settle_pin(&self, extension: &mut Extension<'_>) {
        let generation = self.roster.generation;
        if extension.pin(generation).is_some_and(|claimed| self.roster.pin.as_ref() != Some(&claimed)) {
            extension.set_pin(self.roster.pin.as_ref(), self.roster.pinned_at, generation);
        }
    }

    /// The text to be saved: two spaces of indentation, no newline at the end.
    pub fn to_text(&mut self) -> String {
        for row in self.rows.iter_mut().filter(|row| !row.keyed) {
            let text = Object::parse(&row.text).ok().map(|mut object| {
                object.set("recordId", row.key.as_str());
                object.to_text()
            });
            row.text = text.map_or_else(|| std::mem::take(&mut row.text), Cow::Owned);
            row.keyed = true;
        }
        self.write_positions();
        self.top.set("version", CURRENT);
        self.top.set_raw("accounts", lossless::joined(self.rows.iter().map(|row| row.text.as_ref())));
        self.top.to_pretty()
    }

    /// Brings the rows into the roster's order: new accounts get an empty row, removed ones lose theirs.
    fn align_rows(&mut self) -> Extent {
        let aligned = self.rows.len() == self.roster.accounts.len()
            && self.rows.iter().zip(&self.roster.accounts).all(|(row, account)| row.key == account.key);
        if aligned {
            return Extent::Nothing;
        }
        let mut by_key: HashMap<AccountKey, RowText<'a>> =
            self.rows.drain(..).map(|row| (row.key.clone(), row)).collect();
        self.rows = self
            .roster
            .accounts
            .iter()
            .map(|account| {
                by_key.remove(&account.key).unwrap_or_else(|| RowText {
                    key: account.key.clone(),
                    text: Cow::Borrowed("{}"),
                    keyed: false,
                })
            })
            .collect();
        self.reshaped = true;
        Extent::Durable
    }

    /// Writes selection, pin and generation where the text says something else.
    fn write_positions(&mut self) -> Extent {
        let places: HashMap<&AccountKey, usize> =
            self.roster.accounts.iter().enumerate().map(|(place, account)| (&account.key, place)).collect();
        let place = |key: Option<&AccountKey>| key.and_then(|key| places.get(key)).copied();
        let active = place(self.roster.active.as_ref()).unwrap_or(0);
        let pin = place(self.roster.pin.as_ref());
        let mut extent = if self.reshaped { Extent::Durable } else { Extent::Nothing };

        if self.top.number("activeIndex").is_none_or(|stored| stored.total_cmp(&float(active)).is_ne()) {
            self.top.set("activeIndex", active);
            extent = Extent::Durable;
        }
        let mut families =
            self.top.object("activeIndexByFamily").map(|object| object.to_text()).unwrap_or_default();
        let mut moved = Vec::new();
        {
            let stored = Object::parse(&families).unwrap_or_default();
            for family in Family::ALL {
                let wanted = place(self.roster.active_by_family.get(&family)).unwrap_or(active);
                let is = stored.number(family.word());
                if is.is_none_or(|is| is.total_cmp(&float(wanted)).is_ne())
                    && (is.is_some() || wanted != active)
                {
                    moved.push((family, wanted));
                }
            }
        }
        if !moved.is_empty() {
            if families.is_empty() {
                families.push_str("{}");
            }
            if let Ok(mut object) = Object::parse(&families) {
                for (family, wanted) in moved {
                    object.set(family.word(), wanted);
                }
                let text = object.to_text();
                self.top.set_raw("activeIndexByFamily", text);
            }
            extent = extent.max(Extent::Volatile);
        }
        let stored_pin = self.top.number("pinnedAccountIndex");
        match pin {
            Some(pin) if stored_pin.is_none_or(|stored| stored.total_cmp(&float(pin)).is_ne()) => {
                self.top.set("pinnedAccountIndex", pin);
                extent = Extent::Durable;
            }
            None if stored_pin.is_some() => {
                self.top.remove("pinnedAccountIndex");
                extent = Extent::Durable;
            }
            Some(_) | None => {}
        }
        // It lags behind the extension where a save was cut: no reason to save by itself.
        let generation = self.roster.generation;
        if generation > 0 && self.top.count("affinityGeneration") != Some(generation) {
            self.top.set("affinityGeneration", generation);
        }
        extent
    }
}

/// Positions in the text, resolved to accounts by the identity of the raw row they point at.
struct Positions<'p, 't> {
    /// The raw rows; none when all of them can be used.
    texts: &'p [Cow<'t, str>],
    /// The place of each raw row; `None` for rows that cannot be used.
    places: &'p [Option<usize>],
}

impl Positions<'_, '_> {
    fn read_into(&self, roster: &mut Roster, top: &Object<'_>, extension: &Extension<'_>) {
        let key_at = |place: usize| roster.accounts.get(place).map(|account| account.key.clone());
        let mut memory: BTreeMap<usize, Option<AccountKey>> = BTreeMap::new();
        let mut active_key = |raw: usize| {
            memory
                .entry(raw)
                .or_insert_with(|| {
                    let last = roster.accounts.len().checked_sub(1)?;
                    key_at(self.place(raw, roster).unwrap_or(raw.min(last)))
                })
                .clone()
        };
        let raw_active = self.raw_index(top.number("activeIndex")).unwrap_or(0);
        let active = active_key(raw_active);
        let families = top.object("activeIndexByFamily").unwrap_or_default();
        let by_family: BTreeMap<Family, AccountKey> = Family::ALL
            .into_iter()
            .filter_map(|family| {
                let raw = self.raw_index(families.number(family.word())).unwrap_or(raw_active);
                Some((family, active_key(raw)?))
            })
            .collect();
        let stored_generation = top.count("affinityGeneration").unwrap_or(0);
        let pin = match extension.pin(stored_generation) {
            Some(key) if roster.get(&key).is_some() => Some(key),
            Some(_) | None => top
                .count("pinnedAccountIndex")
                .and_then(|index| usize::try_from(index).ok())
                .filter(|raw| *raw < self.places.len())
                .and_then(|raw| self.place(raw, roster))
                .and_then(key_at),
        };
        roster.active = active;
        roster.active_by_family = by_family;
        // A pin that the reference moved is of no known time.
        let since = extension.pinned_at(stored_generation);
        roster.pinned_at = since.filter(|_| pin.is_some() && extension.pin(stored_generation) == pin);
        roster.pin = pin;
        roster.generation = stored_generation.max(extension.generation());
    }

    /// An index into the raw rows, cut and clamped; `None` when it is no number.
    fn raw_index(&self, number: Option<f64>) -> Option<usize> {
        let last = self.places.len().saturating_sub(1);
        let whole = lossless::millis(&number?.trunc().max(0.0).to_string())?;
        Some(usize::try_from(whole).unwrap_or(last).min(last))
    }

    /// Where the row went: itself, the row that absorbed it, or whoever matches an unusable row.
    fn place(&self, raw: usize, roster: &Roster) -> Option<usize> {
        if let Some(place) = self.places.get(raw).copied().flatten() {
            return Some(place);
        }
        let lost = row::person_of(self.texts.get(raw)?)?;
        let standing: Vec<Person> = roster.accounts.iter().map(row::stored_person).collect();
        identity::find(&standing, &lost, Fallback::Allowed)
    }
}

/// Rows of which all can be used and no two share a part of an identity, which is the rule: nothing to match, so
/// each becomes an account as it is read. `None` when it is not so.
fn plain<'t>(
    texts: &[Cow<'t, str>],
    extension: &Extension<'_>,
    at: Moment,
) -> Option<(Vec<RowText<'t>>, Vec<Account>)> {
    let mut traces = HashSet::with_capacity(texts.len() * 3);
    let mut used = HashSet::with_capacity(texts.len());
    let mut rows = Vec::with_capacity(texts.len());
    let mut accounts = Vec::with_capacity(texts.len());
    for text in texts {
        let view = Row::parse(text)?;
        if !view.traces().all(|trace| traces.insert(trace)) {
            return None;
        }
        let (key, keyed) = view.key(&used);
        used.insert(key.clone());
        rows.push(RowText { key: key.clone(), text: text.clone(), keyed });
        accounts.push(view.into_account(key, extension, at));
    }
    Some((rows, accounts))
}

fn version(top: &Object<'_>) -> Result<u64, ParseAccountsError> {
    match top.raw("version").filter(|_| top.number("version").is_some()).and_then(lossless::count) {
        Some(version @ (1 | CURRENT)) => Ok(version),
        Some(version) if version > CURRENT => Err(ParseAccountsError::Newer { version }),
        Some(_) | None => {
            Err(ParseAccountsError::Shape { detail: "`version` is not one that was ever written" })
        }
    }
}

fn float(index: usize) -> f64 {
    f64::from(u32::try_from(index).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
