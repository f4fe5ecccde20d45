//! Taking another pool in: merged into this one (import) or in its place (restore).
//!
//! Accounts meet by identity. An account that is here keeps its record id, so that everything else that names it
//! goes on; of two token sets the one known to be newer stays, because putting an old single-use refresh token
//! back would sign the account out. Members nobody knows survive from either side.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey, SwitchReason};
use crate::domain::backup;
use crate::domain::identity::{self, Fallback, Person};
use crate::domain::token;
use crate::domain::vault::Taking;
use crate::formats::accounts::row::{self, Row};
use crate::formats::accounts::{Document, Extent, RowText, edit};
use crate::formats::extension::Extension;
use crate::formats::lossless::Object;

/// What taking in did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// How far the edit reaches.
    pub extent: Extent,
    /// Each account of the other pool, in its order: who it is here, and what became of it.
    pub rows: Vec<(AccountKey, Taking)>,
    /// Accounts whose tokens here stayed, because the other pool's are not known to be newer.
    pub newer_kept: usize,
}

/// Which of two rows of one account gives the text, and which set of tokens is the one to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Theirs,
}

impl Document<'_> {
    /// Merges another pool in (storage.md §8): the row used last wins, accounts that are new are appended,
    /// selection, pin and generation stay.
    pub fn merge(&mut self, other: &Document<'_>, extension: &mut Extension<'_>, at: Moment) -> Taken {
        let was_empty = self.rows.is_empty();
        let mut persons: Vec<Person> = self.roster.accounts.iter().map(Person::of).collect();
        let mut used: HashSet<AccountKey> =
            self.roster.accounts.iter().map(|account| account.key.clone()).collect();
        let mut taken = Taken { extent: Extent::Nothing, rows: Vec::new(), newer_kept: 0 };
        for (theirs, text) in other.pairs() {
            let person = Person::of(theirs);
            let Some(place) = identity::find(&persons, &person, Fallback::Refused) else {
                let (account, row) = fresh(theirs, text, &mut used);
                extension.follow(None, &account, at);
                taken.rows.push((account.key.clone(), Taking::Added));
                taken.extent = Extent::Durable;
                persons.push(person);
                self.roster.accounts.push(account);
                self.rows.push(row);
                self.reshaped = true;
                continue;
            };
            let (Some(ours), Some(row)) = (self.roster.accounts.get(place), self.rows.get(place)) else {
                continue;
            };
            let later = persons.get(place).is_none_or(|known| is_later(&person, known));
            let base = if later { Side::Theirs } else { Side::Ours };
            let tokens = newer_tokens(ours, theirs, base);
            if tokens == Side::Ours && ours.credentials.refresh != theirs.credentials.refresh {
                taken.newer_kept += 1;
            }
            let Some((account, merged)) = joined((ours, row), (theirs, text), base, tokens, extension, at)
            else {
                continue;
            };
            let action = if same_members(&merged, &row.text) { Taking::Skipped } else { Taking::Updated };
            taken.rows.push((account.key.clone(), action));
            if action == Taking::Skipped {
                continue;
            }
            extension.follow(Some(ours), &account, at);
            taken.extent = Extent::Durable;
            if let Some(known) = persons.get_mut(place) {
                *known = Person::of(&account);
            }
            self.replace_row(place, account, merged);
        }
        if was_empty {
            self.take_selection(other, &taken);
            self.raise(extension);
        }
        taken.extent = taken.extent.max(self.write_positions());
        taken
    }

    /// Puts another pool in the place of this one. The pin stays when its account is in both; the selected
    /// account is the other pool's.
    pub fn replace(&mut self, other: &Document<'_>, extension: &mut Extension<'_>, at: Moment) -> Taken {
        let twins = backup::twins(&other.roster, &self.roster);
        let mut taken = Taken { extent: Extent::Durable, rows: Vec::new(), newer_kept: 0 };
        let mut used: HashSet<AccountKey> = twins
            .iter()
            .flatten()
            .filter_map(|place| Some(self.roster.accounts.get(*place)?.key.clone()))
            .collect();
        let mut met = HashSet::new();
        let (mut accounts, mut rows) = (Vec::new(), Vec::new());
        for ((theirs, text), twin) in other.pairs().zip(&twins) {
            let here = twin
                .filter(|place| met.insert(*place))
                .and_then(|place| Some((self.roster.accounts.get(place)?, self.rows.get(place)?)));
            let Some((ours, row)) = here else {
                let (account, row) = fresh(theirs, text, &mut used);
                extension.follow(None, &account, at);
                taken.rows.push((account.key.clone(), Taking::Added));
                accounts.push(account);
                rows.push(row);
                continue;
            };
            let tokens = if token::is_older(&ours.credentials, &theirs.credentials) {
                Side::Theirs
            } else {
                Side::Ours
            };
            if tokens == Side::Ours && ours.credentials.refresh != theirs.credentials.refresh {
                taken.newer_kept += 1;
            }
            let pair = ((ours, row), (theirs, text));
            let Some((account, merged)) = joined(pair.0, pair.1, Side::Theirs, tokens, extension, at) else {
                continue;
            };
            extension.follow(Some(ours), &account, at);
            taken.rows.push((account.key.clone(), Taking::Updated));
            rows.push(RowText { key: account.key.clone(), text: Cow::Owned(merged), keyed: true });
            accounts.push(account);
        }
        let stays: HashSet<&AccountKey> = accounts.iter().map(|account| &account.key).collect();
        for gone in self.roster.accounts.iter().filter(|account| !stays.contains(&account.key)) {
            extension.forget(&gone.key);
        }
        let pin = self.roster.pin.take().filter(|pin| stays.contains(pin));
        self.roster.pin = pin;
        self.roster.accounts = accounts;
        self.rows = rows;
        self.reshaped = true;
        self.take_selection(other, &taken);
        self.mark_restored();
        self.raise(extension);
        self.write_positions();
        taken
    }

    fn pairs(&self) -> impl Iterator<Item = (&Account, &RowText<'_>)> {
        self.roster.accounts.iter().zip(&self.rows)
    }

    fn replace_row(&mut self, place: usize, account: Account, text: String) {
        if let Some(row) = self.rows.get_mut(place) {
            row.keyed = has_record_id(&text);
            row.text = Cow::Owned(text);
        }
        if let Some(old) = self.roster.accounts.get_mut(place) {
            *old = account;
        }
    }

    /// The other pool's selection, in this pool's record ids.
    fn take_selection(&mut self, other: &Document<'_>, taken: &Taken) {
        let here: HashMap<&AccountKey, &AccountKey> = other
            .roster
            .accounts
            .iter()
            .map(|account| &account.key)
            .zip(taken.rows.iter().map(|(key, _)| key))
            .collect();
        let of = |key: &AccountKey| here.get(key).map(|key| (*key).clone());
        let first = self.roster.accounts.first().map(|account| account.key.clone());
        self.roster.active = other.roster.active.as_ref().and_then(of).or(first);
        self.roster.active_by_family = other
            .roster
            .active_by_family
            .iter()
            .filter_map(|(family, key)| Some((*family, of(key)?)))
            .collect::<BTreeMap<_, _>>();
    }

    fn mark_restored(&mut self) {
        let active = self.roster.active.clone();
        for (account, row) in self.roster.accounts.iter_mut().zip(&mut self.rows) {
            if Some(&account.key) != active.as_ref() {
                continue;
            }
            let old = account.clone();
            account.switch_reason = Some(SwitchReason::Restore);
            if let Some((text, _)) = edit::rewrite(&row.text, Some(&old), account) {
                row.text = Cow::Owned(text);
            }
        }
    }
}

/// A row that is new here, under a record id nobody has.
fn fresh(
    theirs: &Account,
    text: &RowText<'_>,
    used: &mut HashSet<AccountKey>,
) -> (Account, RowText<'static>) {
    let mut account = theirs.clone();
    let mut number = 1_u32;
    while used.contains(&account.key) {
        number += 1;
        account.key = AccountKey::new(format!("{}-{number}", theirs.key.as_str()));
    }
    used.insert(account.key.clone());
    let kept = account.key == theirs.key;
    let row = match Object::parse(&text.text) {
        Ok(mut object) if !kept => {
            object.set("recordId", account.key.as_str());
            RowText { key: account.key.clone(), text: Cow::Owned(object.to_text()), keyed: true }
        }
        Ok(_) | Err(_) => RowText {
            key: account.key.clone(),
            text: Cow::Owned(text.text.as_ref().to_owned()),
            keyed: text.keyed,
        },
    };
    (account, row)
}

/// The later of two records of one account, as the reference decides it; of equals the one that comes in.
fn is_later(theirs: &Person, ours: &Person) -> bool {
    (theirs.last_used, theirs.added_at) >= (ours.last_used, ours.added_at)
}

/// Which tokens are kept: those known to be newer; where nothing is known, those of the row that wins; on
/// equality those on disk.
fn newer_tokens(ours: &Account, theirs: &Account, base: Side) -> Side {
    let (mine, other) = (&ours.credentials, &theirs.credentials);
    if mine.refresh == other.refresh {
        return if token::is_newer(other, mine) { Side::Theirs } else { Side::Ours };
    }
    if token::is_older(other, mine) {
        return Side::Ours;
    }
    if token::is_older(mine, other) {
        return Side::Theirs;
    }
    if mine.expires_at.is_some() && mine.expires_at == other.expires_at { Side::Ours } else { base }
}

/// One account out of two records: the base's row, the chosen tokens, and what was learnt here.
fn joined(
    (ours, our_row): (&Account, &RowText<'_>),
    (theirs, their_row): (&Account, &RowText<'_>),
    base: Side,
    tokens: Side,
    extension: &Extension<'_>,
    at: Moment,
) -> Option<(Account, String)> {
    let (winner, loser) = match base {
        Side::Ours => (our_row, their_row),
        Side::Theirs => (their_row, our_row),
    };
    let text = row::absorb(&winner.text, std::iter::once(loser.text.as_ref()));
    let mut text = text.unwrap_or_else(|| winner.text.as_ref().to_owned());
    if our_row.keyed || has_record_id(&text) {
        let mut object = Object::parse(&text).ok()?;
        if object.text("recordId").as_deref() != Some(ours.key.as_str()) {
            object.set("recordId", ours.key.as_str());
            text = object.to_text();
        }
    }
    let before = Row::parse(&text)?.into_account(ours.key.clone(), extension, at);
    let mut account = before.clone();
    match tokens {
        Side::Ours => {
            account.credentials = ours.credentials.clone();
            account.invalidation.clone_from(&ours.invalidation);
            account.uncertain_since = ours.uncertain_since;
        }
        Side::Theirs => {
            account.credentials = theirs.credentials.clone().inheriting(&ours.credentials);
            account.invalidation.clone_from(&theirs.invalidation);
            account.uncertain_since = None;
        }
    }
    if ours.credentials.refresh == theirs.credentials.refresh {
        // A mark of a dead token goes with the token, not with the record that happens to be newer.
        account.invalidation = ours.invalidation.clone().or_else(|| theirs.invalidation.clone());
        account.uncertain_since = ours.uncertain_since;
    }
    account.routing.clone_from(&ours.routing);
    for (bucket, until) in &ours.limits {
        let known = account.limits.entry(bucket.clone()).or_insert(*until);
        *known = (*known).max(*until);
    }
    if ours.cooldown.is_some_and(|mine| account.cooldown.is_none_or(|other| other.until < mine.until)) {
        account.cooldown = ours.cooldown;
    }
    account.last_used = account.last_used.max(ours.last_used);
    if let Some((rewritten, _)) = edit::rewrite(&text, Some(&before), &account) {
        text = rewritten;
    }
    Some((account, text))
}

fn has_record_id(text: &str) -> bool {
    Object::parse(text).is_ok_and(|object| object.has("recordId"))
}

/// Whether two rows say the same, whatever their white space.
fn same_members(one: &str, other: &str) -> bool {
    let flat = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || flat(one) == flat(other)
}

#[cfg(test)]
mod tests;
