//! What the user wants of accounts, read and changed on the shelf.

use std::sync::Arc;

use crate::adapters::disk::lock::LockError;
use crate::adapters::ledger;
use crate::adapters::shelf::{Shelf, ShelfError};
use crate::adapters::store::blocking;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::places::Places;
use crate::domain::policy::account::{self, Changed, Policies, PolicyEdit};
use crate::domain::policy::compose::Rules;
use crate::domain::roster::Roster;
use crate::domain::shelf::{Found, Store};
use crate::formats::policies;
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

/// What the user rules for projects and money; `None` when a file of it is damaged.
pub(super) async fn rules_of(places: Arc<Places>) -> Option<Rules> {
    blocking(move || Ok::<_, StoreError>(rules(places))).await.ok().flatten()
}

/// What the user rules for projects and money; `None` when a file of it is damaged.
fn rules(places: Arc<Places>) -> Option<Rules> {
    fn whole<T: Default>(found: Found<T>) -> Option<T> {
        match found {
            Found::Whole(entries) => Some(entries.value),
            Found::Absent => Some(T::default()),
            Found::Damaged { .. } => None,
        }
    }
    let (prices, _) = ledger::prices(&places);
    let shelf = Shelf::new(places);
    Some(Rules { profiles: whole(shelf.profiles().ok()?)?, budgets: whole(shelf.budgets().ok()?)?, prices })
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
