//! What the user wants of accounts, read and changed on the shelf.

use std::sync::Arc;

use crate::adapters::disk::lock::LockError;
use crate::adapters::ledger;
use crate::adapters::shelf::{Shelf, ShelfError};
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::places::Places;
use crate::domain::policy::account::{self, Changed, Policies, PolicyEdit};
use crate::domain::policy::budget::Limit;
use crate::domain::policy::compose::Rules;
use crate::domain::policy::edit::RuleEdit;
use crate::domain::roster::Roster;
use crate::domain::shelf::{Found, Store};
use crate::domain::usage::pricing::Prices;
use crate::formats::{budgets, policies, profiles};
use crate::ports::store::StoreError;

/// Reads them.
pub(super) fn read(places: Arc<Places>) -> Result<Found<Policies>, StoreError> {
    Shelf::new(places).policies().map_err(trouble)
}

/// Changes the policy of one account; a policy that says nothing any more is removed.
pub(super) async fn change(
    places: &Arc<Places>,
    roster: &Roster,
    key: &AccountKey,
    edit: &PolicyEdit,
    at: Moment,
) -> Result<(Policies, Changed), StoreError> {
    let shelf = Shelf::new(Arc::clone(places));
    let gone = || StoreError::Io {
        path: shelf.path(Store::Policies).display().to_string(),
        code: None,
        detail: "the account declares neither a workspace nor an e-mail, or is gone".to_owned(),
    };
    let account = roster.get(key).ok_or_else(gone)?;
    let name = account::key_for(account, roster).ok_or_else(gone)?;
    let before = shelf.policies().map_err(trouble)?.whole().cloned().unwrap_or_default();
    let old = before.of(account).cloned().unwrap_or_default();
    if edit.apply(old.clone(), at) == old {
        return Ok((before, Changed::No));
    }
    shelf
        .change(Store::Policies, at, |text| {
            let known =
                text.map(policies::read).transpose()?.map(|entries| entries.value).unwrap_or_default();
            let policy = edit.apply(known.of(account).cloned().unwrap_or_default(), at);
            policies::set(text, &name, (!policy.is_plain()).then_some(&policy))
        })
        .await
        .map_err(trouble)?;
    let after = shelf.policies().map_err(trouble)?.whole().cloned().unwrap_or_default();
    Ok((after, Changed::Yes))
}

/// Changes a budget or a routing profile; what is as wanted already is not written anew.
pub(super) async fn change_rule(
    places: &Arc<Places>,
    edit: &RuleEdit,
    at: Moment,
) -> Result<Changed, StoreError> {
    let shelf = Shelf::new(Arc::clone(places));
    let is_news = match edit {
        RuleEdit::Limit(limit) => {
            let known = shelf.budgets().map_err(trouble)?;
            let old = known.whole().and_then(|all| all.get(&limit.key)).cloned();
            old.is_none_or(|old| Limit { updated_at: limit.updated_at, ..old } != *limit)
        }
        RuleEdit::NoLimit(key) => {
            let known = shelf.budgets().map_err(trouble)?;
            known.whole().is_some_and(|all| all.contains_key(key))
        }
        RuleEdit::Profile(project, edit) => {
            let known = shelf.profiles().map_err(trouble)?;
            let old = known.whole().and_then(|all| all.get(&project.key));
            old != Some(&edit.apply(old, project, at))
        }
        RuleEdit::NoProfile(key) => {
            let known = shelf.profiles().map_err(trouble)?;
            known.whole().is_some_and(|all| all.contains_key(key))
        }
    };
    if !is_news {
        return Ok(Changed::No);
    }
    let store = match edit {
        RuleEdit::Limit(_) | RuleEdit::NoLimit(_) => Store::Budgets,
        RuleEdit::Profile(..) | RuleEdit::NoProfile(_) => Store::Profiles,
    };
    let change = |text: Option<&str>| match edit {
        RuleEdit::Limit(limit) => {
            budgets::set(text, &limit.key, Some(&Limit { updated_at: at, ..limit.clone() }))
        }
        RuleEdit::NoLimit(key) => budgets::set(text, key, None),
        RuleEdit::Profile(project, edit) => {
            let known = text.map(profiles::read).transpose()?.map(|all| all.value).unwrap_or_default();
            let profile = edit.apply(known.get(&project.key), project, at);
            profiles::set(text, &project.key, Some(&profile))
        }
        RuleEdit::NoProfile(key) => profiles::set(text, key, None),
    };
    shelf.change(store, at, change).await.map_err(trouble)?;
    Ok(Changed::Yes)
}

/// What the user rules for projects and money, or which file of it cannot be read, and why.
pub(super) fn rules(places: &Arc<Places>) -> Result<Rules, String> {
    fn whole<T: Default>(store: Store, found: Result<Found<T>, ShelfError>) -> Result<T, String> {
        match found {
            Ok(Found::Whole(entries)) => Ok(entries.value),
            Ok(Found::Absent) => Ok(T::default()),
            Ok(Found::Damaged { detail }) => Err(format!("{} cannot be read ({detail})", store.file())),
            Err(error) => Err(format!("{} cannot be read ({})", store.file(), trouble(error))),
        }
    }
    let shelf = Shelf::new(Arc::clone(places));
    let profiles = whole(Store::Profiles, shelf.profiles())?;
    let budgets = whole(Store::Budgets, shelf.budgets())?;
    // Nothing is counted without budgets, so nothing has a price.
    let prices = if budgets.is_empty() { Prices::default() } else { ledger::prices(places).0 };
    Ok(Rules { profiles, budgets, prices })
}

fn trouble(error: ShelfError) -> StoreError {
    match error {
        ShelfError::Locked(LockError::Timeout { path, holder }) => {
            StoreError::Locked { path: path.display().to_string(), holder }
        }
        ShelfError::Locked(LockError::Io { path, source }) => {
            crate::adapters::store::load::unreadable(&path, &source)
        }
        ShelfError::Restless { path } => StoreError::Contended { path: path.display().to_string() },
        ShelfError::Io { path, source } => crate::adapters::store::load::unreadable(&path, &source),
    }
}
