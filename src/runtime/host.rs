//! The adapters a process runs on, put together once.
//!
//! The loop and the proxy each get their own set over the same files: the proxy lives on a thread and runtime
//! of its own, and connections must not be driven by the other's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Url;

use crate::adapters::auth::{Parts, TokenServer};
use crate::adapters::clock::SystemClock;
use crate::adapters::codex::OfficialCli;
use crate::adapters::codex::home::CodexHome;
use crate::adapters::entropy::SystemEntropy;
use crate::adapters::env::Env;
use crate::adapters::peers::{LivePeers, process_start};
use crate::adapters::store::DiskStore;
use crate::adapters::upstream::BackEnd;
use crate::adapters::upstream::client::{Clients, Egress};
use crate::adapters::upstream::roots::RootSources;
use crate::app::sub::ProxySpec;
use crate::base::Secret;
use crate::domain::digest::sha256_hex;
use crate::domain::endpoints::Endpoints;
use crate::domain::places::Places;
use crate::domain::problem::{Exit, Problem};
use crate::domain::settings::Settings;
use crate::formats::path_prefix::path_prefix;
use crate::ports::{Entropy as _, Ports, Store as _};
use crate::proxy;
use crate::runtime::demo::Demo;
use crate::runtime::launch;

/// The pool on disk.
pub type Disk = DiskStore<SystemClock>;
/// The official CLI's files.
pub type OfficialHome = CodexHome<Disk, SystemClock>;
/// Token server over both.
pub type Tokens = TokenServer<Disk, OfficialHome, SystemClock, SystemEntropy>;

/// One set of ports.
#[derive(Clone)]
pub struct SystemPorts {
    store: Disk,
    auth: Tokens,
    upstream: BackEnd<SystemClock>,
    clock: SystemClock,
    entropy: SystemEntropy,
}

impl Ports for SystemPorts {
    type Store = Disk;
    type Auth = Tokens;
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

/// Everything the loop's effects are performed on.
#[derive(Clone)]
pub struct Host {
    /// Roots and files.
    pub places: Arc<Places>,
    /// The environment as read at the start.
    pub env: Arc<Env>,
    /// Validated hosts.
    pub endpoints: Arc<Endpoints>,
    /// Settings as read at the start; what is built from them (egress) stays for the process.
    pub settings: Arc<Settings>,
    /// The pool.
    pub store: Disk,
    /// The official CLI's files.
    pub home: OfficialHome,
    /// The token endpoint.
    pub auth: Tokens,
    /// The back end.
    pub upstream: BackEnd<SystemClock>,
    /// The official CLI.
    pub official: OfficialCli,
    /// Live proxies.
    pub peers: LivePeers,
    /// Time.
    pub clock: SystemClock,
    /// The rehearsal, if this is one.
    pub demo: Option<Arc<Demo>>,
    /// Whether a person may be asked.
    pub asks: bool,
}

impl Host {
    /// Puts the adapters together.
    ///
    /// # Errors
    /// `unsafe-override` for an endpoint override that is not plain loopback (D25).
    pub async fn build(
        places: Places,
        env: Env,
        endpoints: Endpoints,
        clock: SystemClock,
        demo: Option<Arc<Demo>>,
        asks: bool,
    ) -> Result<Self, Problem> {
        let (places, env) = (Arc::new(places), Arc::new(env));
        let store = DiskStore::new(places.clone(), &env, clock.clone());
        let settings = store.settings().await.unwrap_or_default();
        let home = CodexHome::new(store.clone(), places.clone(), clock.clone());
        let (auth, upstream) = network(&places, &env, &endpoints, &settings, &store, &home, &clock)?;
        Ok(Self {
            official: OfficialCli::new(launch::search(&places, &env), places.preflight_cache()),
            peers: LivePeers::new(places.run()),
            endpoints: Arc::new(endpoints),
            settings: Arc::new(settings),
            places,
            env,
            store,
            home,
            auth,
            upstream,
            clock,
            demo,
            asks,
        })
    }

    /// A set of ports for a service on its own runtime.
    ///
    /// # Errors
    /// When the hosts are not addresses.
    pub fn service_ports(&self) -> Result<SystemPorts, Problem> {
        let store = DiskStore::new(self.places.clone(), &self.env, self.clock.clone());
        let home = CodexHome::new(store.clone(), self.places.clone(), self.clock.clone());
        let (auth, upstream) = network(
            &self.places,
            &self.env,
            &self.endpoints,
            &self.settings,
            &store,
            &home,
            &self.clock,
        )?;
        Ok(SystemPorts { store, auth, upstream, clock: self.clock.clone(), entropy: SystemEntropy })
    }

    /// What the proxy of this process is to be.
    pub fn proxy_plan(&self, spec: &ProxySpec) -> proxy::Plan {
        let pid = std::process::id();
        let run_dir = self.places.run();
        proxy::Plan {
            host: "127.0.0.1".to_owned(),
            port: spec.port,
            prefix: prefix(),
            client_key: None,
            kind: spec.kind.word().to_owned(),
            codex_home: self.places.codex_home().display().to_string(),
            project: None,
            process_start: process_start(pid),
            places: proxy::Places {
                socket: socket(&run_dir, self.places.root(), pid),
                run_dir,
                affinity: self.places.affinity(),
                observability: self.places.observability(),
                shards: self.places.observability_shards(),
            },
        }
    }

    /// The loop's own set of ports.
    pub fn ports(&self) -> SystemPorts {
        SystemPorts {
            store: self.store.clone(),
            auth: self.auth.clone(),
            upstream: self.upstream.clone(),
            clock: self.clock.clone(),
            entropy: SystemEntropy,
        }
    }

    /// What the screens remembered from the last run.
    pub async fn remembered(&self) -> String {
        self.store.ui_state().await
    }

    /// Keeps what the screens want to remember; losing it loses nothing.
    pub async fn remember(&self, text: String) {
        let _ = self.store.remember(text).await;
    }

    /// Effective settings, read anew.
    pub async fn settings(&self) -> Settings {
        self.store.settings().await.unwrap_or_default()
    }
}

fn network(
    places: &Places,
    env: &Env,
    endpoints: &Endpoints,
    settings: &Settings,
    store: &Disk,
    home: &OfficialHome,
    clock: &SystemClock,
) -> Result<(Tokens, BackEnd<SystemClock>), Problem> {
    let egress = Egress::choose(
        &settings.egress_proxy,
        env.https_proxy.as_deref(),
        env.all_proxy.as_deref(),
        env.no_proxy.as_deref(),
    );
    let roots = RootSources {
        file: env.ssl_cert_file.clone().map(PathBuf::from),
        dirs: env.ssl_cert_dir.clone().map(OsString::from),
        extra: env.codex_ca_certificate.clone().map(PathBuf::from),
    };
    let clients = Clients::new(egress, roots, settings.connect_timeout);
    let parts = Parts {
        store: store.clone(),
        home: home.clone(),
        clock: clock.clone(),
        entropy: SystemEntropy,
        clients: clients.clone(),
        base: address(&endpoints.auth)?,
    };
    let upstream = BackEnd::new(clients, address(&endpoints.backend)?, clock.clone());
    Ok((TokenServer::new(parts, places), upstream))
}

fn address(text: &str) -> Result<Url, Problem> {
    Url::parse(text)
        .map_err(|error| Problem::new("unsafe-override", Exit::Usage, format!("{text} is not an address: {error}")))
}

/// A fresh path prefix: 32 random bytes, base64url, 43 characters (decisions.md D11).
fn prefix() -> Secret {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    path_prefix(&bytes)
}

/// The control socket; a path over 100 bytes is replaced by a short one in the temporary directory, because
/// the system's limit is 104 to 108 (forwarder.md §9.2).
fn socket(run_dir: &Path, root: &Path, pid: u32) -> PathBuf {
    let near = run_dir.join(format!("{pid}.sock"));
    if near.as_os_str().len() <= 100 {
        return near;
    }
    let hash = sha256_hex(root.as_os_str().as_encoded_bytes());
    let short = hash.get(..16).unwrap_or(&hash).to_owned();
    std::env::temp_dir().join(format!("cma-{short}")).join(format!("{pid}.sock"))
}
