//! What a process runs on: roots, environment, hosts and the adapters over them, put together once.
//!
//! The loop and the proxy each get their own set of ports over the same files: the proxy lives on a thread and
//! runtime of its own, and connections must not be driven by the other's (docs/decisions/003).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::adapters::bind::Binder;
use crate::adapters::callers::SocketOwners;
use crate::adapters::chronicle;
use crate::adapters::clock::SystemClock;
use crate::adapters::codex::OfficialCli;
use crate::adapters::entropy::SystemEntropy;
use crate::adapters::env::Env;
use crate::adapters::peers::{LivePeers, process_start};
use crate::adapters::places::{current_dir, project};
use crate::adapters::platform;
use crate::adapters::stock;
use crate::adapters::store::DiskStore;
use crate::adapters::upstream::BackEnd;
use crate::adapters::{SystemAuth, SystemHome, SystemPorts, SystemSignIn};
use crate::app::options::Consent;
use crate::app::sub::{ProxyKind, ProxySpec};
use crate::base::Secret;
use crate::domain::chronicle::{Chronicle, Official, Session};
use crate::domain::digest::sha256_hex;
use crate::domain::endpoints::Endpoints;
use crate::domain::official::Login;
use crate::domain::places::Places;
use crate::domain::problem::Problem;
use crate::domain::settings::Settings;
use crate::domain::settings::report::Report;
use crate::domain::stock::Item;
use crate::formats::path_prefix::path_prefix;
use crate::ports::home::Home as _;
use crate::ports::{Entropy as _, Ports as _, Store as _};
use crate::proxy;
use crate::runtime::demo::Demo;
use crate::runtime::launch;

/// What surrounds a process, real or rehearsed.
#[derive(Debug)]
pub struct Surroundings {
    /// Roots and files.
    pub places: Places,
    /// The environment as read at the start.
    pub env: Env,
    /// Validated hosts.
    pub endpoints: Endpoints,
    /// The rehearsal, if this is one.
    pub demo: Option<Arc<Demo>>,
}

/// Everything the loop's effects are performed on; cheap to clone.
#[derive(Clone)]
pub struct Host {
    /// Roots and files.
    pub places: Arc<Places>,
    /// The environment as read at the start.
    pub env: Arc<Env>,
    /// Validated hosts.
    pub endpoints: Arc<Endpoints>,
    /// The loop's own ports.
    pub ports: SystemPorts,
    /// The pool.
    pub store: DiskStore<SystemClock>,
    /// The official CLI's files.
    pub home: SystemHome,
    /// The token endpoint.
    pub auth: SystemAuth,
    /// Signing in.
    pub sign_in: SystemSignIn,
    /// The back end.
    pub upstream: BackEnd<SystemClock>,
    /// The official CLI.
    pub official: OfficialCli,
    /// Live proxies.
    pub peers: LivePeers,
    /// The persistent bind.
    pub binder: Binder,
    /// Time.
    pub clock: SystemClock,
    /// The rehearsal, if this is one.
    pub demo: Option<Arc<Demo>>,
    /// Whether a person may be asked.
    pub asks: Asks,
    /// Whether questions are answered in advance.
    pub consent: Consent,
}

/// Whether a person may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// On a terminal.
    Person,
    /// Headless: a question without an answering flag is refused.
    Nobody,
}

impl Host {
    /// Puts the adapters together; nothing is connected yet.
    ///
    /// # Errors
    /// When an endpoint is no address.
    pub fn build(around: Surroundings, asks: Asks) -> Result<Self, Problem> {
        let places = Arc::new(around.places);
        let ports = SystemPorts::new(&places, &around.env, &around.endpoints)?;
        Ok(Self {
            official: OfficialCli::new(launch::search(&places, &around.env), places.preflight_cache()),
            peers: LivePeers::new(places.run()),
            binder: Binder::new(&places, &around.env, std::env::current_exe().unwrap_or_default()),
            store: ports.store().clone(),
            home: ports.home().clone(),
            auth: ports.auth().clone(),
            sign_in: ports.sign_in().clone(),
            upstream: ports.upstream().clone(),
            clock: ports.clock().clone(),
            endpoints: Arc::new(around.endpoints),
            env: Arc::new(around.env),
            demo: around.demo,
            ports,
            places,
            asks,
            consent: Consent::NotGiven,
        })
    }

    /// A set of ports for a service on its own runtime.
    ///
    /// # Errors
    /// When an endpoint is no address.
    pub fn service_ports(&self) -> Result<SystemPorts, Problem> {
        SystemPorts::new(&self.places, &self.env, &self.endpoints)
    }

    /// Effective settings, read anew; defaults when they cannot be read.
    pub async fn settings(&self) -> Settings {
        self.store.settings().await.unwrap_or_default()
    }

    /// Every setting with its value and source, read anew; defaults when the reading broke off.
    pub async fn config(&self) -> Arc<Report> {
        self.store.config().await.unwrap_or_default()
    }

    /// Looks which files and folders there are.
    pub async fn take_stock(&self) -> Vec<Item> {
        let places = Arc::clone(&self.places);
        tokio::task::spawn_blocking(move || stock::take_stock(&places)).await.unwrap_or_default()
    }

    /// What is remembered of accounts beyond their present state.
    pub async fn chronicle(&self) -> Chronicle {
        let login = self.home.login().await;
        let Ok(loaded) = self.store.load().await else { return Chronicle::default() };
        let official = if let Login::ChatGpt(login) = &login {
            loaded.roster.accounts.iter().find(|row| login.is(row)).map(|row| {
                let is_same = login.refresh.as_ref() == Some(&row.credentials.refresh);
                let session = if is_same { Session::Same } else { Session::Differs };
                Official { key: row.key.clone(), session }
            })
        } else {
            None
        };
        let places = Arc::clone(&self.places);
        let read = tokio::task::spawn_blocking(move || chronicle::read(&places));
        let (figures, acts) = read.await.unwrap_or_default();
        Chronicle { figures, acts, official }
    }

    /// What the screens remembered from the last run.
    pub async fn remembered(&self) -> String {
        self.store.ui_state().await
    }

    /// Keeps what the screens want to remember; losing it loses nothing.
    pub async fn remember(&self, text: String) {
        let _ = self.store.remember(text).await;
    }

    /// What the proxy of this process is to be.
    pub fn proxy_plan(&self, spec: &ProxySpec) -> proxy::Plan {
        let pid = std::process::id();
        let run_dir = self.places.run();
        let duty = self.binder.known().filter(|_| spec.kind == ProxyKind::Router);
        proxy::Plan {
            host: "127.0.0.1".to_owned(),
            port: duty.as_ref().map_or(spec.port, |bind| bind.port),
            prefix: duty.as_ref().map_or_else(prefix, |bind| bind.secret.clone()),
            bridge: match spec.kind {
                ProxyKind::Bridge(access) => Some(access),
                ProxyKind::Inline | ProxyKind::Serve | ProxyKind::Router => None,
            },
            client_key: duty.as_ref().map(|bind| bind.client_key.clone()),
            identity: duty.map(|bind| bind.identity),
            kind: spec.kind.word().to_owned(),
            codex_home: self.places.codex_home().display().to_string(),
            project: match spec.kind {
                ProxyKind::Inline => project(&self.places, &current_dir()).map(|project| project.key),
                // One for all clients: only what is global holds (DB-50).
                ProxyKind::Serve | ProxyKind::Bridge(_) | ProxyKind::Router => None,
            },
            process_start: process_start(pid),
            callers: Arc::new(SocketOwners::new()),
            descriptors: platform::descriptors(),
            places: proxy::Places {
                socket: socket(&run_dir, self.places.root(), pid),
                run_dir,
                affinity: self.places.affinity(),
                capabilities: self.places.capabilities(),
                observability: self.places.observability(),
                shards: self.places.observability_shards(),
            },
        }
    }
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
    std::env::temp_dir().join(format!("cma-{}", hash.get(..16).unwrap_or(&hash))).join(format!("{pid}.sock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_socket_stays_short_enough_for_the_system() {
        let deep = PathBuf::from(format!("/{}", "d".repeat(120)));

        assert_eq!(socket(Path::new("/r/run"), Path::new("/r"), 7), Path::new("/r/run/7.sock"));
        assert!(socket(&deep, &deep, 7).as_os_str().len() <= 100);
    }
}
