//! What all connections of one proxy share: ports, gate, pool, caches and the desk that reports.
//!
//! The pool is behind one lock that is never held across an await; every look at it ends with its durable changes
//! on the desk, so none can be forgotten.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::pool::{Pool, Rng};
use crate::domain::settings::Settings;
use crate::ports::{Clock as _, Ports};
use crate::proxy::catalog::Catalog;
use crate::proxy::facts::Desk;
use crate::proxy::gate::{Entrance, Gate};
use crate::proxy::routing::Routes;
use crate::proxy::spool::Budget;

/// See the module.
pub(super) struct Hub<P: Ports> {
    pub(super) ports: P,
    pub(super) gate: Gate,
    pub(super) desk: Desk,
    pub(super) routes: Routes,
    pub(super) catalog: Catalog,
    pub(super) bodies: Arc<Budget>,
    pub(super) busy: Busy,
    /// Cancelled when the proxy begins to end.
    pub(super) stop: CancellationToken,
    /// Cancelled when the grace is over.
    pub(super) cut: CancellationToken,
    /// Project of an inline proxy, for the ledger.
    pub(super) project: Option<String>,
    hot: Mutex<Hot>,
    ids: AtomicU64,
}

/// The pool with the generator it draws from.
struct Hot {
    pool: Pool,
    rng: Rng,
    forced: Option<AccountKey>,
}

/// How much runs now.
#[derive(Debug, Default)]
pub(super) struct Busy {
    requests: Arc<AtomicUsize>,
    sockets: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

/// One of a counted kind, for as long as it lives.
#[derive(Debug)]
pub(super) struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Busy {
    /// A seat for a request or socket turn, unless `limit` are taken.
    pub(super) fn request(&self, limit: usize) -> Option<Seat> {
        seat(&self.requests, limit)
    }

    /// A seat for a client connection, unless `limit` are taken.
    pub(super) fn connection(&self, limit: usize) -> Option<Seat> {
        seat(&self.connections, limit)
    }

    /// A seat for an open socket; counted, not limited.
    pub(super) fn socket(&self) -> Option<Seat> {
        seat(&self.sockets, usize::MAX)
    }

    /// Requests in flight and open sockets.
    pub(super) fn counts(&self) -> (u32, u32) {
        let of = |count: &AtomicUsize| u32::try_from(count.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        (of(&self.requests), of(&self.sockets))
    }
}

fn seat(count: &Arc<AtomicUsize>, limit: usize) -> Option<Seat> {
    let before = count.fetch_add(1, Ordering::Relaxed);
    let seat = Seat(Arc::clone(count));
    (before < limit).then_some(seat)
}

/// What a hub is made of.
pub(super) struct Parts<P: Ports> {
    pub(super) ports: P,
    pub(super) gate: Gate,
    pub(super) desk: Desk,
    pub(super) pool: Pool,
    pub(super) rng: Rng,
    pub(super) forced: Option<AccountKey>,
    pub(super) project: Option<String>,
    pub(super) stop: CancellationToken,
}

impl<P: Ports> Hub<P> {
    pub(super) fn new(parts: Parts<P>) -> Self {
        Self {
            ports: parts.ports,
            gate: parts.gate,
            desk: parts.desk,
            routes: Routes::default(),
            catalog: Catalog::default(),
            bodies: Arc::default(),
            busy: Busy::default(),
            stop: parts.stop,
            cut: CancellationToken::new(),
            project: parts.project,
            hot: Mutex::new(Hot { pool: parts.pool, rng: parts.rng, forced: parts.forced }),
            ids: AtomicU64::new(1),
        }
    }

    /// The time.
    pub(super) fn now(&self) -> Moment {
        self.ports.clock().now()
    }

    /// Waits on the hub's clock.
    pub(super) async fn sleep(&self, span: Span) {
        self.ports.clock().sleep(span).await;
    }

    /// A number no other request of this process has.
    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Looks at the pool, or changes it; its durable changes go to the desk.
    pub(super) fn with_pool<R>(&self, act: impl FnOnce(&mut Pool, Moment, &mut Rng) -> R) -> R {
        let now = self.now();
        let mut hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
        let Hot { pool, rng, .. } = &mut *hot;
        let answer = act(pool, now, rng);
        let due = pool.take_changes();
        drop(hot);
        self.desk.take_due(due);
        answer
    }

    /// A setting in force.
    pub(super) fn setting<R>(&self, of: impl FnOnce(&Settings) -> R) -> R {
        let hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
        of(hot.pool.settings())
    }

    /// The account a request insists on: the launch's, else the briefing's.
    pub(super) fn forced(&self, entrance: &Entrance) -> Option<AccountKey> {
        entrance.forced.clone().or_else(|| {
            let hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
            hot.forced.clone()
        })
    }

    /// Obeys a newer briefing.
    pub(super) fn obey(&self, briefing: &crate::domain::briefing::Briefing) {
        {
            let mut hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
            hot.forced.clone_from(&briefing.forced);
        }
        self.with_pool(|pool, now, _| {
            pool.replace(Arc::clone(&briefing.roster), Arc::clone(&briefing.settings), now);
        });
    }
}
