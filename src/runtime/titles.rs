//! How running conversations began: rollouts of the official CLI, matched by the hash that a proxy lists.
//!
//! A proxy keeps no word of what was said, so whoever shows its sessions looks them up; the rollouts are read again
//! only for a session that is not known yet, and not more often than every half minute.

use std::collections::BTreeMap;

use crate::adapters::codex::sessions;
use crate::base::{Moment, Span};
use crate::domain::facts::PeerStatus;
use crate::domain::history::Filter;
use crate::domain::selection::SessionKey;
use crate::ports::Clock as _;
use crate::runtime::host::Host;

/// How long a look that did not find a session counts.
const AGAIN: Span = Span::seconds(30);
/// The newest rollouts are enough for what runs now.
const NEWEST: usize = 200;

/// Beginnings by the first characters of their session's hash.
#[derive(Debug, Default)]
pub struct Titles {
    known: BTreeMap<String, String>,
    read: Option<Moment>,
}

impl Titles {
    /// Fills in what is known of these sessions.
    pub async fn fill(&mut self, host: &Host, seen: &mut [PeerStatus]) {
        let is_missing =
            |status: &PeerStatus| status.sessions.iter().any(|row| !self.known.contains_key(&row.id));
        let now = host.clock.now();
        if seen.iter().any(is_missing) && self.read.is_none_or(|read| now.since(read) >= AGAIN) {
            self.read = Some(now);
            let places = host.places.clone();
            let filter = Filter { limit: Some(NEWEST), ..Filter::default() };
            let found = tokio::task::spawn_blocking(move || sessions::list(&places, &filter, now)).await;
            for session in found.ok().and_then(Result::ok).unwrap_or_default() {
                self.known.insert(SessionKey::of(&session.id).short().to_owned(), session.thread);
            }
        }
        for row in seen.iter_mut().flat_map(|status| &mut status.sessions) {
            row.title = self.known.get(&row.id).filter(|title| !title.is_empty()).cloned();
        }
    }
}
