//! `monitor --watch --json`: the events of every live proxy of this root, one per line, until somebody ends it or stops
//! reading. A proxy that starts later is joined, one that ends is left; nothing is printed while nothing happens.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::domain::problem::Exit;
use crate::ports::Peers as _;
use crate::runtime::host::Host;
use crate::runtime::watch::ended;

/// How often new proxies are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// Lines that may wait for a slow reader before the proxies' own rings take over.
const WAITING: usize = 256;

/// Prints events; returns how the process ends.
pub(super) async fn print(host: &Host) -> Exit {
    let (sender, mut lines) = mpsc::channel::<String>(WAITING);
    let mut followed = BTreeSet::new();
    let mut tasks = JoinSet::new();
    let mut look = tokio::time::interval(LOOK);
    let end = ended();
    tokio::pin!(end);
    loop {
        tokio::select! {
            biased;
            number = &mut end => return Exit::Signal(number),
            Some(line) = lines.recv() => {
                // A reader that left is no failure.
                if write(&line).is_err() {
                    return Exit::Ok;
                }
            }
            _ = look.tick() => {
                for peer in host.peers.list().await {
                    if peer.kind != crate::adapters::attach::KIND && followed.insert(peer.pid) {
                        let (peers, sender) = (host.peers.clone(), sender.clone());
                        tasks.spawn(async move {
                            peers.follow(&peer, sender).await;
                            peer.pid
                        });
                    }
                }
            }
            Some(gone) = tasks.join_next(), if !tasks.is_empty() => {
                if let Ok(pid) = gone {
                    followed.remove(&pid);
                }
            }
        }
    }
}

fn write(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}
