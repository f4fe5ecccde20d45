//! The bridge's process, and the keys of its clients.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::adapters::entropy::SystemEntropy;
use crate::adapters::shelf::{Shelf, ShelfError};
use crate::app::bridge::{Changed, Heard, Order, Standing};
use crate::domain::bridge::{Access, Living};
use crate::domain::client_token::{ClientToken, Reach, State};
use crate::domain::facts::Peer;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::shelf::{Found, Store};
use crate::formats::client_tokens;
use crate::formats::control::Request;
use crate::ports::{Clock as _, Entropy as _, Peers as _};
use crate::runtime::host::Host;

/// How long a bridge may take to listen, or to end.
const PATIENCE: Duration = Duration::from_secs(8);
const LOOK: Duration = Duration::from_millis(50);

/// Carries out what the flow asked for.
pub async fn carry_out(host: &Host, order: Order) -> Heard {
    let done = match order {
        Order::Start { port, access } => start(host, port, access).await,
        Order::Stop => stop(host).await,
        Order::Status | Order::Integrations(_) => stand(host, Changed::No).await,
        Order::Create(wish) => mint(host, wish.label.as_deref(), wish.reach(host.clock.now()), None).await,
        Order::List => tokens(host).map(|tokens| Heard::Tokens(tokens, host.clock.now())),
        Order::Rotate(id) => match known(host, &id) {
            Ok(old) => mint(host, Some(&old.label), old.reach, Some(&old.id)).await,
            Err(problem) => Err(problem),
        },
        Order::Revoke(id) => match known(host, &id) {
            Ok(old) => revoke(host, &old.id).await.map(|()| Heard::Revoked(old.id)),
            Err(problem) => Err(problem),
        },
    };
    done.unwrap_or_else(Heard::Failed)
}

async fn living(host: &Host) -> Option<(Living, Peer)> {
    host.peers.list().await.into_iter().find_map(|peer| {
        let access = Access::of_kind(&peer.kind)?;
        Some((Living { pid: peer.pid, port: peer.port, access }, peer))
    })
}

async fn stand(host: &Host, changed: Changed) -> Result<Heard, Problem> {
    let all = tokens(host)?;
    let now = host.clock.now();
    let active = all.iter().filter(|token| token.state(now) == State::Active).count();
    Ok(Heard::Standing(Standing {
        living: living(host).await.map(|(living, _)| living),
        tokens: (active, all.len() - active),
        port: host.settings().await.bridge_port,
        changed,
    }))
}

async fn start(host: &Host, port: Option<u16>, access: Access) -> Result<Heard, Problem> {
    if living(host).await.is_some() {
        return stand(host, Changed::No).await;
    }
    let port = match port {
        Some(port) => port,
        None => host.settings().await.bridge_port,
    };
    // Its own process would have nobody to tell.
    if let Err(error) = std::net::TcpListener::bind(("127.0.0.1", port)) {
        return Err(Problem::new(
            "port-taken",
            Exit::Failed,
            format!("the bridge cannot listen on port {port}"),
        )
        .because(error.to_string())
        .hint(Hint::Say("Choose another with `bridge start --port N`, or set `bridgePort`".to_owned())));
    }
    let failed = |why: String| {
        Problem::new("bridge-failed", Exit::Failed, "the bridge could not be started").because(why)
    };
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(["bridge", "host", "--port", &port.to_string()]);
    if access == Access::Open {
        command.arg("--no-auth");
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Not of the terminal's foreground group: Ctrl-C there is not meant for it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let listens = async {
        loop {
            if living(host).await.is_some() {
                return Ok(());
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(failed(format!("its process ended at once ({status})")));
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, listens)
        .await
        .unwrap_or_else(|_| Err(failed("it does not listen after some seconds".to_owned())))?;
    stand(host, Changed::Yes).await
}

async fn stop(host: &Host) -> Result<Heard, Problem> {
    let Some((_, peer)) = living(host).await else { return stand(host, Changed::No).await };
    let _ = host.peers.ask(&peer, &Request::Shutdown).await;
    let ends = async {
        while living(host).await.is_some() {
            tokio::time::sleep(LOOK).await;
        }
    };
    if tokio::time::timeout(PATIENCE, ends).await.is_err() {
        let problem = Problem::new("bridge-failed", Exit::Failed, "the bridge does not end")
            .because(format!("process {} was asked to and still runs", peer.pid));
        return Err(problem);
    }
    stand(host, Changed::Yes).await
}

fn tokens(host: &Host) -> Result<Vec<ClientToken>, Problem> {
    match Shelf::new(host.places.clone()).client_tokens() {
        Ok(Found::Absent) => Ok(Vec::new()),
        Ok(Found::Whole(entries)) => Ok(entries.value),
        Ok(Found::Damaged { detail }) => Err(unreadable(detail)),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

fn unreadable(why: String) -> Problem {
    Problem::new("tokens-unreadable", Exit::Failed, "the keys of local clients cannot be read").because(why)
}

/// The working key of this id.
fn known(host: &Host, id: &str) -> Result<ClientToken, Problem> {
    let now = host.clock.now();
    let works = |token: &ClientToken| token.id == id && token.state(now) == State::Active;
    tokens(host)?.into_iter().find(works).ok_or_else(|| {
        Problem::new("unknown-token", Exit::Failed, format!("no working key has the id {id}"))
            .hint(Hint::Run("bridge token list".to_owned()))
    })
}

/// A new key, in place of an old one if there is one.
async fn mint(host: &Host, label: Option<&str>, reach: Reach, old: Option<&str>) -> Result<Heard, Problem> {
    let (mut key, mut id) = ([0; 32], [0; 16]);
    SystemEntropy.fill(&mut key);
    SystemEntropy.fill(&mut id);
    let (plain, now) = (client_tokens::mint(&key), host.clock.now());
    let token = ClientToken::new(client_tokens::uuid(id), label, &plain, reach, now);
    let edit = |text: Option<&str>| match (text, old) {
        (Some(text), Some(old)) => client_tokens::add(Some(&client_tokens::revoke(text, old, now)?), &token),
        (text, _) => client_tokens::add(text, &token),
    };
    change(host, edit).await?;
    Ok(Heard::Minted(token, plain))
}

async fn revoke(host: &Host, id: &str) -> Result<(), Problem> {
    let now = host.clock.now();
    change(host, |text| match text {
        Some(text) => client_tokens::revoke(text, id, now),
        None => Ok(String::new()),
    })
    .await
}

async fn change(
    host: &Host,
    edit: impl Fn(Option<&str>) -> Result<String, crate::formats::lossless::ParseJsonError>,
) -> Result<(), Problem> {
    let shelf = Shelf::new(host.places.clone());
    let done = shelf.change(Store::ClientTokens, host.clock.now(), edit).await;
    done.map(|_| ()).map_err(|error: ShelfError| {
        Problem::new("tokens-unwritable", Exit::Failed, "the keys of local clients cannot be saved")
            .because(error.to_string())
    })
}
