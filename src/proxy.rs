//! The loopback proxy that serves a running Codex session.
//!
//! [`start`] binds and registers, then everything runs inside the returned [`Running::run`], which the host polls on
//! a runtime of its own. The proxy decides per request on the last briefing, without asking anyone, and reports what
//! it learnt as facts. What must survive is written through the store by the proxy itself, before it is announced.

mod answer;
mod approach;
mod bridge;
mod catalog;
mod company;
mod control;
mod exchange;
mod facts;
mod frames;
mod gate;
mod goal;
mod headers;
mod hub;
mod inbound;
mod inspect;
mod issuers;
mod keep;
mod log;
mod outbound;
mod pump;
mod record;
mod refresh;
pub mod refusal;
mod relay;
mod route;
mod routing;
mod serve;
mod server;
pub mod session;
mod socket;
mod spool;
mod tap;
pub mod turn;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::base::{Moment, Secret};
use crate::domain::bridge::Access;
use crate::domain::briefing::Briefing;
use crate::domain::chance;
use crate::domain::facts::{ProxyFact, ProxyPulse};
use crate::domain::pool::{Known, Pool};
use crate::domain::roster::Roster;
use crate::domain::usage::tally::Tail;
use crate::formats::affinity;
use crate::ports::callers::Callers;
use crate::ports::{Entropy as _, Ports, Store as _};
use crate::proxy::control::Registered;
use crate::proxy::facts::Desk;
use crate::proxy::gate::Gate;
use crate::proxy::goal::Goals;
use crate::proxy::hub::{Hub, Parts};
use crate::proxy::keep::Files;
use crate::proxy::server::Listeners;

/// What one proxy is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `127.0.0.1`, `localhost` or `::1`; anything else is refused.
    pub host: String,
    /// Port; 0 lets the system choose.
    pub port: u16,
    /// First segment of every path: at least 32 url-safe characters.
    pub prefix: Secret,
    /// Credential of unprefixed paths, for old binds and the bridge.
    pub client_key: Option<Secret>,
    /// What a router tells over its control socket, so that nobody takes another process for it.
    pub identity: Option<String>,
    /// Whether it has the bridge's face, and for whom.
    pub bridge: Option<Access>,
    /// `inline`, `serve` or `router`.
    pub kind: String,
    /// The Codex home of the client, for the registry.
    pub codex_home: String,
    /// Project key of an inline proxy.
    pub project: Option<String>,
    /// When this process began (`adapters::peers::process_start`).
    pub process_start: Option<Moment>,
    /// Tells callers of our own user from others.
    pub callers: Arc<dyn Callers>,
    /// How many files the process may open; `None` = no limit.
    pub descriptors: Option<u64>,
    /// Where its files are.
    pub places: Places,
}

/// Files and folders a proxy uses.
#[derive(Debug, Clone)]
pub struct Places {
    /// `<root>/run`
    pub run_dir: PathBuf,
    /// The control socket, at most 100 bytes long.
    pub socket: PathBuf,
    /// `<root>/runtime-affinity.json`
    pub affinity: PathBuf,
    /// `<root>/ext/capabilities.json`
    pub capabilities: PathBuf,
    /// `<root>/runtime-observability.json`
    pub observability: PathBuf,
    /// `<root>/ext/observability`
    pub shards: PathBuf,
}

/// Why a proxy could not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Not a loopback host.
    #[error("{0} is not a loopback address")]
    Host(String),
    /// Too short, or with characters that a URL would change.
    #[error("the path prefix needs at least 32 url-safe characters")]
    Prefix,
    /// Blank.
    #[error("the client key is blank")]
    ClientKey,
    /// The port is taken, or listening is not allowed.
    #[error("port {port} on 127.0.0.1: {detail}")]
    Bind {
        /// The wanted port.
        port: u16,
        /// The system's words.
        detail: String,
    },
}

/// A proxy that listens. Nothing is served until [`Running::run`] is polled.
pub struct Running<P: Ports> {
    /// Loopback port.
    pub port: u16,
    /// Model base for the client, prefix included.
    pub base_url: Secret,
    /// Refresh endpoint for the client, prefix included.
    pub refresh_url: Secret,
    hub: Arc<Hub<P>>,
    listeners: Listeners,
    briefing: watch::Receiver<Arc<Briefing>>,
    registered: Option<Registered>,
    files: Files,
    tail: Tail,
}

impl<P: Ports> fmt::Debug for Running<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Binds, restores session ownership, registers.
///
/// # Errors
/// When the plan is unsafe or the port is not to be had.
pub async fn start<P: Ports>(
    ports: P,
    plan: Plan,
    briefing: watch::Receiver<Arc<Briefing>>,
    facts: mpsc::UnboundedSender<ProxyFact>,
    stop: CancellationToken,
) -> Result<Running<P>, StartError> {
    if !gate::is_loopback_name(&plan.host) {
        return Err(StartError::Host(plan.host));
    }
    if !gate::is_prefix(&plan.prefix) {
        return Err(StartError::Prefix);
    }
    if plan.client_key.as_ref().is_some_and(Secret::is_blank) {
        return Err(StartError::ClientKey);
    }
    let listeners = Listeners::bind(plan.port)
        .await
        .map_err(|error| StartError::Bind { port: plan.port, detail: error.to_string() })?;
    let port = listeners.port;
    let now = crate::ports::Clock::now(ports.clock());
    let current = Arc::clone(&briefing.borrow());
    let rng = chance::seeded(ports.entropy().seed());
    let memory = read_memory(plan.places.affinity.clone()).await;
    let quota = ports.store().quota(&current.roster).await.unwrap_or_default();
    let governed = keep::governance(&ports, now).await;
    let known = Known {
        roster: &current.roster,
        settings: &current.settings,
        policies: &current.policies,
        governed: governed.as_ref().map(|(governance, _)| governance).map_err(String::as_str),
        quota: &quota,
    };
    let mut pool = Pool::started(&known, now);
    pool.set_unread_policies(current.unread.clone());
    pool.restore_bonds(memory.bonds, now);
    pool.restore_capabilities(&ports.store().capabilities(&current.roster).await, now);
    let tail = governed.map(|(_, tail)| tail).unwrap_or_default();
    let hub = Arc::new(Hub::new(Parts {
        ports,
        gate: Gate::new(plan.prefix.clone(), plan.client_key),
        desk: Desk::new(facts),
        pool,
        rng,
        briefing: current,
        port,
        project: plan.project.clone(),
        bridge: plan.bridge,
        goals: Goals::restored(memory.goals),
        callers: plan.callers,
        descriptors: plan.descriptors,
        identity: plan.identity,
        stop,
    }));
    let registration =
        control::registration(&plan.kind, port, plan.codex_home, plan.project, now, plan.process_start);
    let registered = match Registered::new(&plan.places.run_dir, &plan.places.socket, registration) {
        Ok(registered) => Some(registered),
        Err(error) => {
            hub.desk.failed(format!("registry: {error}"));
            None
        }
    };
    let (base_url, refresh_url) = control::addresses(port, &plan.prefix);
    let files = Files {
        affinity: plan.places.affinity,
        capabilities: plan.places.capabilities,
        observability: plan.places.observability,
        shards: plan.places.shards,
        run: plan.places.run_dir.clone(),
        decisions: plan.places.run_dir.join("decisions.jsonl"),
    };
    hub.desk.announce(vec![ProxyFact::Listening { port }], None, hub.now());
    Ok(Running { port, base_url, refresh_url, hub, listeners, briefing, registered, files, tail })
}

/// What the host of a proxy sees of it, and may change, while it runs.
pub struct Overlook<P: Ports>(Arc<Hub<P>>);

impl<P: Ports> fmt::Debug for Overlook<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Overlook").field(&self.0.port).finish()
    }
}

impl<P: Ports> Overlook<P> {
    /// Counters and states as they stand.
    pub fn pulse(&self) -> ProxyPulse {
        self.0.pulse()
    }

    /// The pool it serves.
    pub fn roster(&self) -> Arc<Roster> {
        self.0.roster()
    }

    /// From now on clients come in by this prefix instead of the old one. Prefixes of attached launches stay.
    pub fn admit_by(&self, prefix: Secret) {
        if gate::is_prefix(&prefix) {
            self.0.gate.admit_by(prefix);
        }
    }
}

impl<P: Ports> Running<P> {
    /// A view of it that outlives this value.
    pub fn overlook(&self) -> Overlook<P> {
        Overlook(Arc::clone(&self.hub))
    }

    /// Serves until the stop token is cancelled; returns when everything is drained and flushed.
    pub async fn run(self) {
        let Self { hub, listeners, briefing, mut registered, files, tail, .. } = self;
        let door = registered.as_mut().and_then(Registered::take_door);
        let flushed = CancellationToken::new();
        let serving = async {
            server::serve(Arc::clone(&hub), listeners).await;
            flushed.cancel();
        };
        let controlling = async {
            if let Some(door) = door {
                control::listen(Arc::clone(&hub), door).await;
            }
        };
        tokio::join!(
            serving,
            controlling,
            obey(&hub, briefing),
            keep::keep(Arc::clone(&hub), files, tail, flushed.clone()),
        );
        drop(registered);
    }
}

/// Follows the briefing until the proxy is cut.
async fn obey<P: Ports>(hub: &Hub<P>, mut briefing: watch::Receiver<Arc<Briefing>>) {
    loop {
        tokio::select! {
            biased;
            () = hub.cut.cancelled() => return,
            changed = briefing.changed() => {
                if changed.is_err() {
                    // Nobody briefs any more; the last word stands.
                    hub.cut.cancelled().await;
                    return;
                }
                let newest = Arc::clone(&briefing.borrow_and_update());
                hub.obey(&newest);
            }
        }
    }
}

async fn read_memory(path: PathBuf) -> affinity::Memory {
    let text = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await;
    match text {
        Ok(Ok(text)) => affinity::parse(&text),
        Ok(Err(_)) | Err(_) => affinity::Memory::default(),
    }
}
