//! Kept sessions, over the real home.

use std::io;

use crate::adapters::codex::{refile, rescue, sessions};
use crate::app::history::{Act, Heard};
use crate::domain::history::{Filter, Session};
use crate::domain::problem::{Exit, Problem};
use crate::ports::{Clock as _, Peers as _};
use crate::runtime::host::Host;

/// Carries out what the flow asked for.
pub async fn carry_out(host: &Host, act: Act) -> Heard {
    let (places, now) = (host.places.clone(), host.clock.now());
    let folders =
        refile::index_folders(&places, host.env.codex_sqlite_home.as_deref().map(std::ffi::OsStr::new));
    match act {
        Act::List(filter) => Heard::Listed(list(host, filter).await),
        Act::Migrate(how) => {
            if !how.dry_run
                && let Err(problem) = idle(host).await
            {
                return Heard::Migrated(Err(problem));
            }
            let done =
                blocking(move || refile::migrate(&places, &folders, &rescue::homes(&places), how, now)).await;
            Heard::Migrated(done)
        }
        Act::Undo => {
            if let Err(problem) = idle(host).await {
                return Heard::Restored(Err(problem));
            }
            Heard::Restored(blocking(move || refile::undo(&places)).await)
        }
    }
}

/// The sessions a filter wants, newest first.
async fn list(host: &Host, filter: Filter) -> Result<Vec<Session>, Problem> {
    let (places, now) = (host.places.clone(), host.clock.now());
    blocking(move || {
        sessions::list(&places, &filter, now).map_err(|error: io::Error| {
            Problem::new("codex-home-unreadable", Exit::Failed, "the Codex home cannot be read")
                .because(format!("{}: {error}", places.codex_home().display()))
        })
    })
    .await
}

async fn idle(host: &Host) -> Result<(), Problem> {
    let (places, now) = (host.places.clone(), host.clock.now());
    blocking(move || refile::must_be_idle(&places, now)).await?;
    let home = host.places.codex_home().display().to_string();
    match host.peers.list().await.into_iter().find(|peer| peer.codex_home == home) {
        Some(peer) => {
            Err(Problem::new("codex-home-in-use", Exit::Failed, "the official CLI uses this Codex home now")
                .because(format!("process {} runs a session on it", peer.pid)))
        }
        None => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Problem::new("internal", Exit::Failed, "the work was interrupted")))
}
