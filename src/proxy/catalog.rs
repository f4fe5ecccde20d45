//! The model list, kept per account and query (runtime.md §22.1). A list is never merged over accounts: what it names
//! must be servable by the account that gave it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, header};

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;

const FRESH: Span = Span::minutes(5);
const ENTRIES: usize = 64;
/// Longest list that is kept; it is some hundred kilobytes today.
pub(super) const SIZE_CAP: usize = 4 * 1024 * 1024;

/// One answer as it came.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    at: Moment,
    /// Headers as received.
    pub(super) headers: HeaderMap,
    /// Body as received.
    pub(super) body: Bytes,
}

impl Listed {
    /// Whether the client holds this very list already.
    pub(super) fn is_known_to(&self, client: &HeaderMap) -> bool {
        let etag = self.headers.get(header::ETAG);
        etag.is_some() && client.get(header::IF_NONE_MATCH) == etag
    }
}

/// The lists of one proxy.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    lists: Mutex<BTreeMap<(AccountKey, String), Listed>>,
}

impl Catalog {
    /// A list that needs no asking.
    pub(super) fn fresh(&self, account: &AccountKey, path: &str, at: Moment) -> Option<Listed> {
        self.stale(account, path).filter(|listed| at.since(listed.at) < FRESH)
    }

    /// The last known list, for when upstream fails.
    pub(super) fn stale(&self, account: &AccountKey, path: &str) -> Option<Listed> {
        self.lists().get(&(account.clone(), path.to_owned())).cloned()
    }

    /// Keeps a list.
    pub(super) fn keep(
        &self,
        account: AccountKey,
        path: String,
        headers: HeaderMap,
        body: Bytes,
        at: Moment,
    ) {
        let mut lists = self.lists();
        if lists.len() >= ENTRIES {
            let oldest = lists.iter().min_by_key(|(_, listed)| listed.at).map(|(key, _)| key.clone());
            oldest.map(|key| lists.remove(&key));
        }
        lists.insert((account, path), Listed { at, headers, body });
    }

    fn lists(&self) -> MutexGuard<'_, BTreeMap<(AccountKey, String), Listed>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
