//! Live proxies of this root: the registry under `<root>/run` and the control sockets it names.
//!
//! A registry entry is believed only while its process lives and began when the entry says; everything else is
//! what a killed proxy left behind and is swept. Answers are waited for a second at most: a peer that hangs is as
//! good as gone for a reader.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::base::{Moment, Secret};
use crate::domain::account::AccountKey;
use crate::domain::facts::{Peer, PeerStatus, Steer};
use crate::domain::selection::explain::Decision;
use crate::domain::selection::{Ask, SessionKey};
use crate::formats::control::{Answer, Request};
use crate::formats::registry::{self, Registration};
use crate::ports::Peers;

const PATIENCE: Duration = Duration::from_secs(1);

/// The registry of one root.
#[derive(Debug, Clone)]
pub struct LivePeers {
    run_dir: PathBuf,
}

impl LivePeers {
    /// Reads `<root>/run`.
    pub fn new(run_dir: impl Into<PathBuf>) -> Self {
        Self { run_dir: run_dir.into() }
    }

    /// Hands on every event of a peer, line by line, until it or the reader leaves.
    #[cfg(unix)]
    pub async fn follow(&self, peer: &Peer, lines: mpsc::Sender<String>) {
        use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

        let Ok(mut stream) = tokio::net::UnixStream::connect(&peer.socket).await else { return };
        let asked = format!("{}\n", Request::Events.print());
        if stream.write_all(asked.as_bytes()).await.is_err() {
            return;
        }
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = String::new();
            let read = tokio::select! {
                () = lines.closed() => return,
                read = reader.read_line(&mut line) => read,
            };
            if !read.is_ok_and(|read| read > 0) || !line.ends_with('\n') || lines.send(line).await.is_err() {
                return;
            }
        }
    }

    /// Systems without control sockets have no feed.
    #[cfg(not(unix))]
    pub async fn follow(&self, _: &Peer, lines: mpsc::Sender<String>) {
        lines.closed().await;
    }

    /// One request to one peer; `None` when it does not answer in time.
    pub async fn ask(&self, peer: &Peer, request: &Request) -> Option<Answer> {
        let line =
            tokio::time::timeout(PATIENCE, exchange(Path::new(&peer.socket), request)).await.ok()??;
        Answer::parse(&line)
    }
}

impl Peers for LivePeers {
    async fn list(&self) -> Vec<Peer> {
        if !self.run_dir.is_dir() {
            return Vec::new();
        }
        let run_dir = self.run_dir.clone();
        tokio::task::spawn_blocking(move || sweep(&run_dir)).await.unwrap_or_default()
    }

    async fn status(&self, peer: &Peer) -> Option<PeerStatus> {
        match self.ask(peer, &Request::Status).await? {
            Answer::Status { pulse, turns, sessions } => {
                Some(PeerStatus { peer: peer.clone(), pulse: *pulse, turns, sessions })
            }
            Answer::Decision(_)
            | Answer::BaseUrl { .. }
            | Answer::Sessions { .. }
            | Answer::Identity(_)
            | Answer::Done
            | Answer::Refused(_) => None,
        }
    }

    async fn next(&self, peer: &Peer, ask: &Ask) -> Option<Decision> {
        if let Answer::Decision(decision) = self.ask(peer, &Request::Next(ask.clone())).await? {
            Some(*decision)
        } else {
            None
        }
    }

    async fn reload(&self, peer: &Peer) -> bool {
        self.ask(peer, &Request::Reload).await == Some(Answer::Done)
    }

    async fn steer(&self, peer: &Peer, session: &str, steer: &Steer) -> Result<(), String> {
        let session = SessionKey::from_hash(session);
        let request = match steer {
            Steer::Pin(account) => Request::SessionPin(session, Some(account.clone())),
            Steer::Free => Request::SessionPin(session, None),
            Steer::Move => Request::SessionMove(session, None),
        };
        let answer = self.ask(peer, &request).await;
        if let Some(Answer::Refused(why)) = answer {
            return Err(why);
        }
        (answer == Some(Answer::Done)).then_some(()).ok_or_else(|| "its proxy does not answer".to_owned())
    }

    async fn owners(&self, peer: &Peer) -> Vec<AccountKey> {
        if let Some(Answer::Sessions { owners, .. }) = self.ask(peer, &Request::Sessions).await {
            owners
        } else {
            Vec::new()
        }
    }
}

/// Whether something of ours answers on a loopback port under a prefix.
pub async fn answers(port: u16, prefix: &Secret) -> bool {
    tokio::time::timeout(PATIENCE, knock(port, prefix)).await.unwrap_or(false)
}

async fn knock(port: u16, prefix: &Secret) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else { return false };
    let head = format!(
        "GET /{}/healthz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n",
        prefix.expose()
    );
    if stream.write_all(head.as_bytes()).await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    let read = stream.take(4_096).read_to_end(&mut answer).await;
    read.is_ok() && answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"{\"ok\":true}\n")
}

#[cfg(unix)]
async fn exchange(socket: &Path, request: &Request) -> Option<String> {
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

    let mut stream = tokio::net::UnixStream::connect(socket).await.ok()?;
    let mut line = request.print();
    line.push('\n');
    stream.write_all(line.as_bytes()).await.ok()?;
    let cap = u64::try_from(crate::formats::control::LINE_CAP).unwrap_or(u64::MAX);
    let mut answer = String::new();
    BufReader::new(stream.take(cap)).read_line(&mut answer).await.ok()?;
    answer.ends_with('\n').then_some(answer)
}

#[cfg(not(unix))]
#[expect(clippy::unused_async, reason = "same shape as on systems with control sockets")]
async fn exchange(_socket: &Path, _request: &Request) -> Option<String> {
    None
}

/// Lists the registry and removes what dead processes left.
fn sweep(run_dir: &Path) -> Vec<Peer> {
    let mut peers = Vec::new();
    for entry in fs::read_dir(run_dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|kind| kind != "json") {
            continue;
        }
        let Some(registration) = fs::read_to_string(&path).ok().and_then(|text| Registration::parse(&text))
        else {
            continue;
        };
        let beside = run_dir.join(format!("{}.sock", registration.pid));
        let socket = registration.socket.clone().map_or(beside, PathBuf::from);
        if is_alive(&registration) {
            peers.push(Peer {
                pid: registration.pid,
                kind: registration.kind.clone(),
                port: registration.port,
                codex_home: registration.codex_home.clone(),
                socket: socket.to_string_lossy().into_owned(),
                started_at: registration.started_at(),
            });
        } else {
            let _ = fs::remove_file(&socket);
            if let (Some(_), Some(folder)) = (&registration.socket, socket.parent()) {
                let _ = fs::remove_dir(folder);
            }
            let _ = fs::remove_file(&path);
        }
    }
    peers.sort_by_key(|peer| (peer.started_at, peer.pid));
    peers
}

fn is_alive(registration: &Registration) -> bool {
    exists(registration.pid) && registration.is_of(process_start(registration.pid))
}

#[cfg(unix)]
fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // Not allowed to signal it means that it is there.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn exists(_pid: u32) -> bool {
    true
}

/// When a process began, where the system says so.
pub fn process_start(pid: u32) -> Option<Moment> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let system = fs::read_to_string("/proc/stat").ok()?;
    registry::linux_start(&stat, &system)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(dir: &Path, pid: u32, start: Option<i64>) -> PathBuf {
        let mut entry = Registration::new(pid, Moment::from_millis(5), "serve", 1);
        entry.process_start_time = start;
        let path = dir.join(format!("{pid}.json"));
        fs::write(&path, entry.print()).unwrap();
        path
    }

    #[tokio::test]
    async fn the_dead_are_swept_and_the_living_listed() {
        let dir = tempfile::tempdir().unwrap();
        let own = std::process::id();
        entry(dir.path(), own, process_start(own).map(Moment::millis));
        let dead = entry(dir.path(), 0x3fff_ffff, None);

        let peers = LivePeers::new(dir.path()).list().await;

        assert_eq!(peers.iter().map(|peer| peer.pid).collect::<Vec<_>>(), [own]);
        assert!(!dead.exists());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_reused_pid_is_not_taken_for_the_old_proxy() {
        let dir = tempfile::tempdir().unwrap();
        let path = entry(dir.path(), std::process::id(), Some(1_000));

        assert!(LivePeers::new(dir.path()).list().await.is_empty());
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_peer_that_does_not_answer_is_none() {
        let dir = tempfile::tempdir().unwrap();
        entry(dir.path(), std::process::id(), None);
        let peers = LivePeers::new(dir.path());
        let peer = peers.list().await.remove(0);

        assert_eq!(peers.status(&peer).await, None);
        assert!(!peers.reload(&peer).await);
    }
}
