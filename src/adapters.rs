//! The outside world behind the ports: files, network, processes, clock.

pub mod attach;
pub mod audit;
pub mod auth;
pub mod bind;
pub mod callers;
pub mod checkup;
pub mod chronicle;
pub mod clipboard;
pub mod clock;
pub mod codex;
mod config;
pub mod disk;
pub mod editor;
pub mod entropy;
pub mod env;
pub mod fault;
pub mod launcher;
pub mod ledger;
pub mod leftovers;
pub mod login;
pub mod logs;
pub mod made;
pub mod peers;
pub mod places;
pub mod platform;
pub mod process;
pub mod question;
pub mod shelf;
pub mod startup;
pub mod stock;
pub mod store;
pub mod tmux;
pub mod uninstall;
pub mod upstream;
pub mod vault;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::adapters::auth::lease::Rules;
use crate::adapters::auth::{Parts, TokenServer};
use crate::adapters::clock::SystemClock;
use crate::adapters::codex::home::CodexHome;
use crate::adapters::entropy::SystemEntropy;
use crate::adapters::env::Env;
use crate::adapters::login::SignInDesk;
use crate::adapters::store::DiskStore;
use crate::adapters::upstream::BackEnd;
use crate::adapters::upstream::client::{Clients, Egress};
use crate::adapters::upstream::roots::RootSources;
use crate::domain::endpoints::Endpoints;
use crate::domain::places::Places;
use crate::domain::problem::{Exit, Problem};
use crate::ports::Ports;

/// The official home on this system.
pub type SystemHome = CodexHome<DiskStore<SystemClock>, SystemClock>;
/// The token server on this system.
pub type SystemAuth = TokenServer<DiskStore<SystemClock>, SystemHome, SystemClock, SystemEntropy>;

/// Where people sign in on this system.
pub type SystemSignIn = SignInDesk<SystemClock>;

/// The ports of a real process; cheap to clone.
#[derive(Clone)]
pub struct SystemPorts {
    store: DiskStore<SystemClock>,
    home: SystemHome,
    auth: SystemAuth,
    upstream: BackEnd<SystemClock>,
    clock: SystemClock,
    entropy: SystemEntropy,
    sign_in: SystemSignIn,
}

impl SystemPorts {
    /// Wires the adapters of one root. Reads the settings once, for the way out; nothing is connected yet.
    ///
    /// # Errors
    /// When an endpoint is no address.
    pub fn new(places: &Arc<Places>, env: &Env, endpoints: &Endpoints) -> Result<Self, Problem> {
        let clock = SystemClock::new();
        let store = DiskStore::new(Arc::clone(places), env, clock.clone());
        let home = CodexHome::new(store.clone(), Arc::clone(places), clock.clone());
        let settings = store.settings_now();
        let egress = Egress::choose(
            &settings.egress_proxy,
            env.https_proxy.as_deref(),
            env.all_proxy.as_deref(),
            env.no_proxy.as_deref(),
        );
        let clients = Clients::new(egress, roots(env), settings.connect_timeout);
        let parts = Parts {
            store: store.clone(),
            home: home.clone(),
            clock: clock.clone(),
            entropy: SystemEntropy,
            clients: clients.clone(),
            base: address(&endpoints.auth)?,
            leases: Rules::of(env),
        };
        let sign_in = SignInDesk::new(clients.clone(), &endpoints.auth, clock.clone(), places);
        let auth = TokenServer::new(parts, places);
        let upstream = BackEnd::new(clients, address(&endpoints.backend)?, clock.clone());
        Ok(Self { store, home, auth, upstream, clock, entropy: SystemEntropy, sign_in })
    }

    /// Signing in.
    pub fn sign_in(&self) -> &SystemSignIn {
        &self.sign_in
    }

    /// The official client's files.
    pub fn home(&self) -> &SystemHome {
        &self.home
    }
}

fn roots(env: &Env) -> RootSources {
    RootSources {
        file: env.ssl_cert_file.as_ref().map(PathBuf::from),
        dirs: env.ssl_cert_dir.as_ref().map(OsString::from),
        extra: env.codex_ca_certificate.as_ref().map(PathBuf::from),
    }
}

fn address(text: &str) -> Result<reqwest::Url, Problem> {
    reqwest::Url::parse(text)
        .map_err(|error| Problem::new("bad-endpoint", Exit::Usage, format!("{text} is no address: {error}")))
}

impl Ports for SystemPorts {
    type Store = DiskStore<SystemClock>;
    type Auth = SystemAuth;
    type Upstream = BackEnd<SystemClock>;
    type Clock = SystemClock;
    type Entropy = SystemEntropy;

    fn store(&self) -> &Self::Store {
        &self.store
    }

    fn auth(&self) -> &Self::Auth {
        &self.auth
    }

    fn upstream(&self) -> &Self::Upstream {
        &self.upstream
    }

    fn clock(&self) -> &Self::Clock {
        &self.clock
    }

    fn entropy(&self) -> &Self::Entropy {
        &self.entropy
    }
}
