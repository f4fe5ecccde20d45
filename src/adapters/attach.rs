//! A launch that uses a shared proxy instead of one of its own (forwarder.md FW-65).
//!
//! The proxy is one of our registry, answers on its control socket, speaks our version, and proves on its port that it
//! holds the prefix it gave out. The prefix lives as long as the line it was asked over, so a killed launch leaves none
//! behind; while it lives, an entry of the registry says that a session of this home runs.

use std::path::{Path, PathBuf};

#[cfg(unix)]
use crate::adapters::peers::answers;
use crate::adapters::peers::{LivePeers, process_start};
use crate::base::{Moment, Secret};
use crate::domain::account::AccountKey;
use crate::domain::facts::Peer;
use crate::formats::control::{Answer, Request};
use crate::formats::registry::Registration;

/// Kind of the entry that stands for an attached launch.
pub const KIND: &str = "attached";

/// A launch on a shared proxy.
#[derive(Debug)]
pub struct Attached {
    /// The shared proxy.
    pub peer: Peer,
    /// Model base of this launch, prefix included.
    pub base: Secret,
    /// Refresh endpoint of this launch, prefix included.
    pub refresh: Secret,
    #[cfg(unix)]
    line: tokio::io::BufReader<tokio::net::UnixStream>,
    entry: Option<PathBuf>,
}

impl Attached {
    /// Says in the registry of `run_dir` that a session of this home runs here.
    pub fn register(&mut self, run_dir: &Path, now: Moment) {
        let pid = std::process::id();
        let mut entry = Registration::new(pid, now, KIND, self.peer.port);
        entry.process_start_time = process_start(pid).map(Moment::millis);
        entry.codex_home.clone_from(&self.peer.codex_home);
        let path = run_dir.join(format!("{pid}.json"));
        let written = crate::adapters::disk::atomic::write(&path, entry.print().as_bytes());
        self.entry = written.is_ok().then_some(path);
    }

    /// Ends when the shared proxy does.
    #[cfg(unix)]
    pub async fn lost(&mut self) {
        use tokio::io::AsyncBufReadExt as _;

        let mut line = String::new();
        while self.line.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            line.clear();
        }
    }

    /// Ends when the shared proxy does.
    #[cfg(not(unix))]
    pub async fn lost(&mut self) {
        std::future::pending().await
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            let _ = std::fs::remove_file(entry);
        }
    }
}

/// The shared proxy of this home, with a prefix for one launch; `None` when there is none that can be trusted.
#[cfg(unix)]
pub async fn attach(peers: &LivePeers, codex_home: &str, forced: Option<AccountKey>) -> Option<Attached> {
    use crate::ports::Peers as _;

    let shared = |peer: &Peer| peer.kind == "serve" && peer.codex_home == codex_home;
    for peer in peers.list().await.into_iter().filter(shared) {
        let dialled = tokio::time::timeout(PATIENCE, dial(&peer, forced.clone())).await;
        if let Ok(Some(attached)) = dialled {
            return Some(attached);
        }
    }
    None
}

/// Systems without control sockets have no shared proxy.
#[cfg(not(unix))]
pub async fn attach(_: &LivePeers, _: &str, _: Option<AccountKey>) -> Option<Attached> {
    None
}

#[cfg(unix)]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(unix)]
async fn dial(peer: &Peer, forced: Option<AccountKey>) -> Option<Attached> {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    let mut line = BufReader::new(tokio::net::UnixStream::connect(&peer.socket).await.ok()?);
    let request = format!("{}\n", Request::BaseUrl { forced }.print());
    line.get_mut().write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    line.read_line(&mut text).await.ok()?;
    let Some(Answer::BaseUrl { base, refresh, version }) = Answer::parse(&text) else { return None };
    if major(&version) != major(env!("CARGO_PKG_VERSION")) || !holds(peer.port, &base).await {
        return None;
    }
    Some(Attached { peer: peer.clone(), base, refresh, line, entry: None })
}

#[cfg(unix)]
fn major(version: &str) -> Option<&str> {
    version.split('.').next().filter(|digits| !digits.is_empty())
}

/// Whether the port of the registry answers under the prefix of the socket.
#[cfg(unix)]
async fn holds(port: u16, base: &Secret) -> bool {
    let prefix = base
        .expose()
        .strip_prefix(&format!("http://127.0.0.1:{port}/"))
        .and_then(|rest| rest.split_once('/'))
        .map(|(prefix, _)| Secret::new(prefix));
    match prefix {
        Some(prefix) => answers(port, &prefix).await,
        None => false,
    }
}
