//! The token endpoint: the one owner of single-use refresh tokens (decisions.md D22).
//!
//! In this process callers for one account share one flight; between processes a lock lets one call through at
//! a time. A flight is a task of its own, so a caller who goes away never cuts a call that was sent;
//! [`TokenServer::shutdown`] waits for the flights before the runtime ends. [`TokenServer::recover`] brings
//! what a crash left behind in order and stands at every start.

mod call;
mod intent;
pub mod lease;
mod memory;
mod recover;
mod refresh;
mod renewal;
mod spend;
mod turnstile;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use reqwest::Url;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::adapters::auth::lease::{Leases, Rules};
use crate::adapters::auth::memory::Memory;
use crate::adapters::auth::turnstile::Turnstile;
use crate::adapters::upstream::client::Clients;
use crate::base::{Secret, Span};
use crate::domain::account::AccountKey;
use crate::domain::login::limit::Attempts;
use crate::domain::places::Places;
use crate::domain::refresh::{Outcome, Past, Reason};
use crate::formats::leases::Lease;
use crate::ports::home::Home;
use crate::ports::{Auth, Clock, Entropy, Store};

/// `ports::Auth` over the token endpoint, the pool and `auth.json`; cheap to clone.
pub struct TokenServer<S, H, C, E>(Arc<Shared<S, H, C, E>>);

struct Shared<S, H, C, E> {
    store: S,
    home: H,
    clock: C,
    entropy: E,
    clients: Clients,
    endpoint: Url,
    leases: Leases,
    intent: PathBuf,
    quarantine: PathBuf,
    /// Where each account came from, among other things.
    extension: PathBuf,
    turnstile: Turnstile<C>,
    flights: Mutex<HashMap<AccountKey, Flight>>,
    tasks: Mutex<JoinSet<()>>,
    memory: Memory,
    /// What could not be written into the memory.
    past: Mutex<Past>,
    /// Failed calls of the last minute, by account.
    attempts: Mutex<Attempts>,
    /// Answers that neither result file nor pool took (disk full), by the hash of the token they are for: tried
    /// again before anything else, and until they are safe.
    unsaved: Mutex<HashMap<String, Lease>>,
    stopping: CancellationToken,
}

type Flight = watch::Receiver<Option<Outcome>>;

/// What a token server is made of.
pub struct Parts<S, H, C, E> {
    /// The pool.
    pub store: S,
    /// `auth.json` of the official client.
    pub home: H,
    /// Time.
    pub clock: C,
    /// Nonces.
    pub entropy: E,
    /// The process's HTTP clients.
    pub clients: Clients,
    /// `https://auth.openai.com` or its loopback override (decisions.md D25).
    pub base: Url,
    /// How leases are handled.
    pub leases: Rules,
}

impl<S: Store, H: Home, C: Clock, E: Entropy> TokenServer<S, H, C, E> {
    /// The token server of the root that `places` names.
    pub fn new(parts: Parts<S, H, C, E>, places: &Places) -> Self {
        let mut endpoint = parts.base;
        let path = format!("{}/oauth/token", endpoint.path().trim_end_matches('/'));
        endpoint.set_path(&path);
        Self(Arc::new(Shared {
            store: parts.store,
            home: parts.home,
            turnstile: Turnstile::new(places.refresh_lock(), parts.clock.clone()),
            clock: parts.clock,
            entropy: parts.entropy,
            clients: parts.clients,
            endpoint,
            leases: Leases::of(places, parts.leases),
            intent: places.refresh_intent(),
            quarantine: places.quarantine(),
            extension: places.extension(),
            flights: Mutex::default(),
            tasks: Mutex::default(),
            memory: Memory::of(places),
            past: Mutex::default(),
            attempts: Mutex::default(),
            unsaved: Mutex::default(),
            stopping: CancellationToken::new(),
        }))
    }

    /// Adopts answers that a crashed process made durable, marks accounts whose answer it lost, and adopts what
    /// the official client got by itself. Stands at the start of every process, before the pool is used.
    pub async fn recover(&self) {
        self.0.recover().await;
    }

    /// Lets calls that were sent finish, and starts no others.
    pub async fn shutdown(&self) {
        self.0.stopping.cancel();
        let mut tasks = std::mem::take(&mut *lock(&self.0.tasks));
        while tasks.join_next().await.is_some() {}
    }

    /// The running flight of `key`, or a new one.
    fn flight(&self, key: &AccountKey, reason: Reason, stale: Option<Secret>) -> (Flight, Boarded) {
        let mut flights = lock(&self.0.flights);
        // A sender that is gone without an outcome died with its runtime.
        if let Some(flight) = flights.get(key).filter(|flight| flight.has_changed().is_ok()) {
            return (flight.clone(), Boarded::Joined);
        }
        let (tell, flight) = watch::channel(None);
        flights.insert(key.clone(), flight.clone());
        let (shared, key) = (Arc::clone(&self.0), key.clone());
        self.spawn(async move {
            let outcome = shared.refresh(&key, reason, stale).await;
            lock(&shared.flights).remove(&key);
            let is_uncertain = matches!(outcome, Outcome::Uncertain { .. });
            tell.send_replace(Some(outcome));
            shared.rescue().await;
            if is_uncertain {
                shared.look_again_later().await;
            }
        });
        (flight, Boarded::Started)
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.0.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Boarded {
    Started,
    Joined,
}

impl<S: Store, H: Home, C: Clock, E: Entropy> Auth for TokenServer<S, H, C, E> {
    async fn refresh(&self, key: &AccountKey, reason: Reason, stale: Option<Secret>) -> Outcome {
        loop {
            let (mut flight, boarded) = self.flight(key, reason, stale.clone());
            let landed = match flight.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone(),
                Err(_) => None,
            };
            let Some(outcome) = landed else {
                return later("the refresh was interrupted");
            };
            // Somebody else's flight may have ended in what this caller already knows to be stale, or have been
            // too careful for a caller whom the user sent.
            if boarded == Boarded::Started || answers(&outcome, reason, stale.as_ref()) {
                return outcome;
            }
        }
    }

    async fn adopt(&self) -> bool {
        let adopted = self.0.adopt().await;
        adopted.unwrap_or_else(|error| {
            tracing::warn!(%error, "newer tokens of auth.json could not be taken over yet");
            false
        })
    }

    async fn forward(
        &self,
        body: Bytes,
        content_type: Option<String>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        let (tell, answer) = oneshot::channel();
        let shared = Arc::clone(&self.0);
        self.spawn(async move {
            // Nobody may be left to hear the answer; the call is finished all the same.
            let _heard = tell.send(call::forward(&shared, body, content_type).await);
        });
        answer.await.unwrap_or_else(|_| Err("the call was interrupted".to_owned()))
    }
}

fn answers(outcome: &Outcome, reason: Reason, stale: Option<&Secret>) -> bool {
    match outcome {
        Outcome::Renewed(tokens) | Outcome::Adopted(tokens) => {
            stale.is_none() || tokens.access.as_ref() != stale
        }
        Outcome::Uncertain { .. } => reason != Reason::Forced,
        Outcome::Dead { .. } | Outcome::Transient { .. } | Outcome::Refused { .. } | Outcome::Missing => true,
    }
}

impl<S, H, C, E> Clone for TokenServer<S, H, C, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// An outcome for trouble on our side of the call.
fn later(why: impl Into<String>) -> Outcome {
    Outcome::Transient { wait: crate::domain::refresh::DEFAULT_WAIT, why: why.into() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The maps are consistent between any two statements, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a caller waits for its turn: another process may be in a call of 30 s, and one more before it.
const TURN_WITHIN: Span = Span::seconds(65);
