//! Whose refresh token somebody shows: the one an account has, or one it had before.

use crate::adapters::disk::atomic;
use crate::domain::account::{Account, AccountKey};
use crate::domain::places::Places;
use crate::domain::refresh::Held;
use crate::domain::roster::Roster;
use crate::domain::token;
use crate::formats::extension::Extension;

/// The account whose refresh token has this hash, and whether it is its present one or an earlier one.
pub(super) fn of(places: &Places, roster: &Roster, wanted: &str) -> Option<(AccountKey, Held)> {
    let current = roster.accounts.iter().find(|account| token::hash(&account.credentials.refresh) == wanted);
    if let Some(account) = current {
        return Some((account.key.clone(), Held::Current));
    }
    let text = atomic::read_text(&places.extension()).ok().flatten()?;
    let extension = Extension::parse(&text);
    let spent =
        |account: &&Account| extension.history_of(&account.key).iter().any(|(hash, _)| hash == wanted);
    roster.accounts.iter().find(spent).map(|account| (account.key.clone(), Held::Earlier))
}
