//! Who issued which `x-codex-turn-state` (runtime.md DB-10): a client echoes the one of a turn's first answer for the
//! whole turn, also after the turn has moved, and only its issuer can read it. Values are opaque and may be long, so
//! only their hashes are kept.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;

use crate::domain::account::AccountKey;

/// The header.
pub(super) const TURN_STATE: &str = "x-codex-turn-state";

/// Turns of a busy person in some hours.
const KEPT: usize = 4_096;

/// The issuers of one proxy.
#[derive(Debug, Default)]
pub(super) struct Issuers {
    state: RandomState,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    issuers: HashMap<u64, AccountKey>,
    order: VecDeque<u64>,
}

impl Issuers {
    /// Remembers what `account` issued with an answer.
    pub(super) fn note(&self, answer: &HeaderMap, account: &AccountKey) {
        let Some(value) = answer.get(TURN_STATE) else { return };
        let hash = self.state.hash_one(value.as_bytes());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.issuers.insert(hash, account.clone()).is_none() {
            kept.order.push_back(hash);
        }
        if kept.order.len() > KEPT
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.issuers.remove(&oldest);
        }
    }

    /// Who issued what the client sends; `None` when it sends nothing, or something nobody here issued.
    pub(super) fn of(&self, client: &HeaderMap) -> Option<AccountKey> {
        let value = client.get(TURN_STATE)?;
        let hash = self.state.hash_one(value.as_bytes());
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.issuers.get(&hash).cloned()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(TURN_STATE), HeaderValue::from_static(value))])
    }

    #[test]
    fn a_turn_state_belongs_to_whoever_issued_it() {
        let issuers = Issuers::default();
        issuers.note(&headers("a"), &AccountKey::new("one"));
        issuers.note(&headers("b"), &AccountKey::new("two"));

        assert_eq!(issuers.of(&headers("a")), Some(AccountKey::new("one")));
        assert_eq!(issuers.of(&headers("b")), Some(AccountKey::new("two")));
        assert_eq!(issuers.of(&headers("c")), None);
        assert_eq!(issuers.of(&HeaderMap::new()), None);
    }
}
