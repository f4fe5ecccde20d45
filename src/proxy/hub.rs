//! What all connections of one proxy share: ports, gate, pool, caches and the desk that reports.
//!
//! The pool is behind one lock that is never held across an await; every look at it ends with its durable changes
//! on the desk, so none can be forgotten.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::bridge::Access;
use crate::domain::briefing::Briefing;
use crate::domain::chance::Rng;
use crate::domain::facts::ProxyPulse;
use crate::domain::policy::account::Policies;
use crate::domain::pool::Pool;
use crate::domain::roster::Roster;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;
use crate::domain::settings::Settings;
use crate::domain::usage::entry::Operation;
use crate::formats::metrics;
use crate::ports::callers::{Caller, Callers};
use crate::ports::{Clock as _, Ports};
use crate::proxy::catalog::Catalog;
use crate::proxy::facts::Desk;
use crate::proxy::gate::{Entrance, Gate};
use crate::proxy::goal::Goals;
use crate::proxy::issuers::Issuers;
use crate::proxy::record::{self, End};
use crate::proxy::routing::Routes;
use crate::proxy::spool::Budget;

/// See the module.
pub(super) struct Hub<P: Ports> {
    pub(super) ports: P,
    pub(super) gate: Gate,
    pub(super) desk: Desk,
    pub(super) routes: Routes,
    pub(super) catalog: Catalog,
    pub(super) goals: Goals,
    pub(super) issuers: Issuers,
    pub(super) bodies: Arc<Budget>,
    pub(super) busy: Busy,
    /// Cancelled when the proxy begins to end.
    pub(super) stop: CancellationToken,
    /// Cancelled when the grace is over.
    pub(super) cut: CancellationToken,
    /// Project of an inline proxy, for the ledger.
    pub(super) project: Option<String>,
    /// Whether it has the bridge's face, and for whom.
    pub(super) bridge: Option<Access>,
    /// Where it listens.
    pub(super) port: u16,
    /// What a router says it is.
    pub(super) identity: Option<String>,
    /// Most connections the process has descriptors for.
    pub(super) most_connections: usize,
    /// Since when.
    pub(super) started_at: Moment,
    callers: Arc<dyn Callers>,
    /// Why callers are not told apart, once that was seen.
    unseen: OnceLock<&'static str>,
    hot: Mutex<Hot>,
    ids: AtomicU64,
}

/// The pool with the generator it draws from.
struct Hot {
    pool: Pool,
    rng: Rng,
    forced: Option<AccountKey>,
    roster: Arc<Roster>,
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
    pub(super) briefing: Arc<Briefing>,
    pub(super) port: u16,
    pub(super) project: Option<String>,
    pub(super) bridge: Option<Access>,
    pub(super) goals: Goals,
    pub(super) callers: Arc<dyn Callers>,
    pub(super) descriptors: Option<u64>,
    pub(super) identity: Option<String>,
    pub(super) stop: CancellationToken,
}

/// Connections that leave enough descriptors for files, and to be able to answer whoever comes on top.
fn most_connections(descriptors: Option<u64>) -> usize {
    const KEPT_BACK: u64 = 64;
    descriptors
        .and_then(|most| usize::try_from(most.saturating_sub(KEPT_BACK)).ok())
        .map_or(usize::MAX, |most| most.max(1))
}

impl<P: Ports> Hub<P> {
    pub(super) fn new(parts: Parts<P>) -> Self {
        let started_at = parts.ports.clock().now();
        Self {
            ports: parts.ports,
            gate: parts.gate,
            desk: parts.desk,
            routes: Routes::default(),
            catalog: Catalog::default(),
            goals: parts.goals,
            issuers: Issuers::default(),
            bodies: Arc::default(),
            busy: Busy::default(),
            stop: parts.stop,
            cut: CancellationToken::new(),
            project: parts.project,
            bridge: parts.bridge,
            port: parts.port,
            identity: parts.identity,
            most_connections: most_connections(parts.descriptors),
            started_at,
            callers: parts.callers,
            unseen: OnceLock::new(),
            hot: Mutex::new(Hot {
                pool: parts.pool,
                rng: parts.rng,
                forced: parts.briefing.forced.clone(),
                roster: Arc::clone(&parts.briefing.roster),
            }),
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

    /// Writes down a request that ended before it could become a turn.
    pub(super) fn enter_aside(&self, operation: Operation, end: &End, arrived: Moment) {
        let entry = self.with_pool(|_, now, rng| {
            record::aside(operation, end, self.project.as_deref(), (arrived, now), rng)
        });
        self.desk.enter(entry);
    }

    /// A setting in force.
    pub(super) fn setting<R>(&self, of: impl FnOnce(&Settings) -> R) -> R {
        let hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
        of(hot.pool.settings())
    }

    /// The roster as the last briefing brought it.
    pub(super) fn roster(&self) -> Arc<Roster> {
        let hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&hot.roster)
    }

    /// Who would serve an ask, and why; changes nothing.
    pub(super) fn explain(&self, ask: &Ask) -> Decision {
        self.with_pool(|pool, now, rng| pool.explain(ask, now, rng))
    }

    /// Whose program holds the other end of a connection (FW-64). Where that is not to be seen, it is said once.
    pub(super) fn caller(&self, client: SocketAddr, own: SocketAddr) -> Caller {
        let caller = self.callers.whose(client, own);
        if let Caller::Unseen(why) = caller
            && self.unseen.set(why).is_ok()
        {
            tracing::warn!(part = "gate", why, "callers of other users are kept out by the prefix alone");
        }
        caller
    }

    /// Counters and states as they stand.
    pub(super) fn pulse(&self) -> ProxyPulse {
        let mut pulse = self.with_pool(|pool, now, _| pool.pulse(now));
        (pulse.in_flight, pulse.sockets) = self.busy.counts();
        pulse.started_at = self.started_at;
        pulse.port = self.port;
        pulse.unseen = self.unseen.get().map(|why| (*why).to_owned());
        pulse.sessions = u32::try_from(self.desk.sessions(self.now()).len()).unwrap_or(u32::MAX);
        pulse.last_error = self.desk.last_error().or(pulse.last_error);
        pulse
    }

    /// The account a request insists on: the launch's, else the briefing's.
    pub(super) fn forced(&self, entrance: &Entrance) -> Option<AccountKey> {
        entrance.forced.clone().or_else(|| {
            let hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
            hot.forced.clone()
        })
    }

    /// The metrics page.
    pub(super) fn metrics(&self) -> String {
        let decision = self.explain(&Ask::plain());
        let (in_flight, sockets) = self.busy.counts();
        let quota = self.with_pool(|pool, _, _| {
            let keys = decision.candidates.iter().map(|one| &one.key);
            keys.filter_map(|key| Some((key.clone(), pool.quota(key)?.clone()))).collect()
        });
        self.desk.with_meter(|meter| {
            metrics::print(&metrics::Figures {
                meter,
                in_flight,
                sockets,
                candidates: &decision.candidates,
                quota: &quota,
                at: decision.at,
            })
        })
    }

    /// The policies in force, or why there are none to be had.
    pub(super) fn policies(&self) -> (Arc<Policies>, Option<String>) {
        self.with_pool(|pool, _, _| (pool.policies(), pool.unread_policies().map(str::to_owned)))
    }

    /// Obeys a newer briefing.
    pub(super) fn obey(&self, briefing: &Briefing) {
        {
            let mut hot = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
            hot.forced.clone_from(&briefing.forced);
            let (old, new) = (&hot.roster, &briefing.roster);
            if (old.generation, old.accounts.len()) != (new.generation, new.accounts.len()) {
                tracing::info!(
                    part = "sync",
                    accounts = new.accounts.len(),
                    "the pool was changed, read anew"
                );
            }
            hot.roster = Arc::clone(&briefing.roster);
        }
        self.with_pool(|pool, now, _| {
            pool.replace(Arc::clone(&briefing.roster), Arc::clone(&briefing.settings), now);
            pool.set_policies(Arc::clone(&briefing.policies));
            pool.set_unread_policies(briefing.unread.clone());
            pool.reconsider(now);
        });
    }
}
