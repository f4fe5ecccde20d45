//! The router process: started apart from us, known by its token, and ended only when it is surely ours.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Binder, Stopped};
use crate::adapters::disk::perms;
use crate::adapters::peers::{self, process_start};
use crate::adapters::{platform, process};
use crate::base::Moment;
use crate::domain::bind::Bind;
use crate::domain::facts::Peer;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::formats::control::{Answer, Request};
use crate::ports::Peers as _;

/// The word that makes a program of ours a router.
pub const ROUTER_WORD: &str = "__router";
/// How long a router may take until it answers (forwarder.md §15.2).
const READY: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(30);
/// How often a port that somebody else took meanwhile is replaced.
const PORTS: usize = 3;
/// A longer log is emptied.
const LOG_CAP: u64 = 1_048_576;

/// A router that answers.
#[derive(Debug)]
pub(super) enum Raised {
    /// It ran already.
    Found,
    /// We started it.
    Started(Child),
}

impl Binder {
    /// Makes the router of `bind` answer: one that runs takes the state over by itself, else one is started. The
    /// port in `bind` is another one afterwards when somebody else listens on the wanted one.
    pub(super) async fn raise(&self, bind: &mut Bind) -> Result<Raised, Problem> {
        if self.peer(&bind.identity).await.is_some() {
            if self.waited(bind, None).await.is_ok() {
                return Ok(Raised::Found);
            }
            self.stop(&bind.identity).await;
        }
        let mut last = None;
        for _ in 0..PORTS {
            if is_taken(bind.port) {
                bind.port = free_port().map_err(|error| failed(&error.to_string(), self))?;
            }
            self.save(bind).map_err(|error| super::disk(&self.state_path(), &error))?;
            let mut child = self.spawn().map_err(|error| failed(&error.to_string(), self))?;
            match self.waited(bind, Some(&mut child)).await {
                Ok(()) => return Ok(Raised::Started(child)),
                Err(why) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    last = Some(why);
                }
            }
            if !is_taken(bind.port) {
                break;
            }
        }
        Err(failed(&last.unwrap_or_default(), self))
    }

    /// Waits until the address of `bind` answers.
    async fn waited(&self, bind: &Bind, mut child: Option<&mut Child>) -> Result<(), String> {
        let answering = async {
            loop {
                if peers::answers(bind.port, &bind.secret).await {
                    return Ok(());
                }
                if let Some(child) = child.as_deref_mut()
                    && let Ok(Some(status)) = child.try_wait()
                {
                    let said = self.told().and_then(|told| told.error);
                    return Err(said.unwrap_or_else(|| format!("the router ended with {status}")));
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let late = || Err("the router did not answer within 15 s".to_owned());
        tokio::time::timeout(READY, answering).await.unwrap_or_else(|_| late())
    }

    fn spawn(&self) -> io::Result<Child> {
        let log = self.log_path();
        trim_log(&log);
        let out = open_log(&log)?;
        let mut command = Command::new(&self.program);
        command
            .arg(ROUTER_WORD)
            .arg("--state")
            .arg(self.state_path())
            .current_dir(self.places.root())
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        platform::detach(&mut command);
        command.spawn()
    }

    /// The live router that names this token.
    pub(super) async fn peer(&self, identity: &str) -> Option<Peer> {
        for peer in self.peers.list().await.into_iter().filter(|peer| peer.kind == "router") {
            if self.peers.ask(&peer, &Request::Identify).await
                == Some(Answer::Identity(Some(identity.to_owned())))
            {
                return Some(peer);
            }
        }
        None
    }

    /// Ends the router of a bind. One that cannot be told from another process is left alone.
    pub(super) async fn stop(&self, identity: &str) -> Stopped {
        if let Some(peer) = self.peer(identity).await {
            let started = process_start(peer.pid);
            let _ = self.peers.ask(&peer, &Request::Shutdown).await;
            if process::ended(peer.pid, started).await || process::end(peer.pid, started).await {
                return Stopped::Stopped(peer.pid);
            }
            return Stopped::Stays(peer.pid);
        }
        let Some((pid, started)) = self.told().and_then(|told| Some((told.pid?, told.started_at))) else {
            return Stopped::NotRunning;
        };
        if !process::runs(pid) {
            return Stopped::NotRunning;
        }
        let state = self.state_path();
        if process::is_same(pid, started) && process::says(pid, &[&state.to_string_lossy(), identity]) {
            return if process::end(pid, process_start(pid)).await {
                Stopped::Stopped(pid)
            } else {
                Stopped::Stays(pid)
            };
        }
        Stopped::NotOurs(pid)
    }
}

fn failed(why: &str, binder: &Binder) -> Problem {
    Problem::new("router-failed", Exit::Failed, "the router of the bind does not run")
        .because(why.to_owned())
        .hint(Hint::Say(format!("Its log: {}", binder.log_path().display())))
}

fn is_taken(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_err()
}

pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn open_log(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        perms::private_dir(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Empties a log that has grown too long, and says so in it.
pub fn trim_log(path: &Path) {
    if std::fs::metadata(path).is_ok_and(|meta| meta.len() > LOG_CAP)
        && let Ok(mut log) = open_log(path)
        && log.set_len(0).is_ok()
    {
        let _ = writeln!(log, "earlier lines were dropped: the log was longer than 1 MiB");
    }
}

/// Whether a moment is within the last minute before another.
pub(super) fn is_recent(then: Option<Moment>, now: Moment) -> bool {
    then.is_some_and(|then| now.since(then) < crate::base::Span::minutes(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_emptied_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app-bind/router.log");
        drop(open_log(&path).unwrap());
        std::fs::write(&path, vec![b'x'; 1_048_577]).unwrap();

        trim_log(&path);
        let text = std::fs::read_to_string(&path).unwrap();

        assert_eq!(text.lines().count(), 1, "{}", text.len());
        std::fs::write(&path, "short").unwrap();
        trim_log(&path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "short");
    }
}
