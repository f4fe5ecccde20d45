//! Routing discovery, asked once however many turns wait for it (runtime.md §5.4). When it is due and what an answer
//! means is decided by the turn and the pool; here is only the single flight.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey};
use crate::domain::workspace::Routing;
use crate::ports::Upstream;
use crate::ports::upstream::ReadError;

type Answer = Result<Routing, ReadError>;
type Flight = Arc<tokio::sync::Mutex<Option<(Moment, Answer)>>>;

/// The flights of one proxy, one per account.
#[derive(Debug, Default)]
pub(super) struct Routes {
    flights: Mutex<BTreeMap<AccountKey, Flight>>,
    asked: AtomicU64,
}

impl Routes {
    /// How often the back end was asked.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Asks for an account, or shares the answer to a question put after `asked`.
    pub(super) async fn discover(
        &self,
        upstream: &impl Upstream,
        account: &Account,
        asked: Moment,
    ) -> Answer {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(flights.entry(account.key.clone()).or_default())
        };
        let mut newest = flight.lock().await;
        if let Some((put, answer)) = &*newest
            && *put >= asked
        {
            return answer.clone();
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = upstream.routing(account).await;
        *newest = Some((asked, answer.clone()));
        answer
    }
}
