//! The registry and the control socket of a live proxy.

use pretty_assertions::assert_eq;

use codex_multi_auth::adapters::peers::LivePeers;
use codex_multi_auth::domain::account::AccountKey;
use codex_multi_auth::domain::facts::{Peer, SessionRow, Steer};
use codex_multi_auth::domain::selection::Ask;
use codex_multi_auth::formats::control::{Answer, Request};
use codex_multi_auth::formats::scenario::Scenario;
use codex_multi_auth::ports::Peers as _;

use super::sockets::{answer, create, open, user};
use crate::support::backend::order;
use crate::support::stand::Stand;

#[tokio::test]
async fn a_live_proxy_is_found_asked_and_gone_after_its_end() {
    let mut stand = Stand::start(Scenario::pool(["alpha"])).await;
    let peers = LivePeers::new(stand.dir.path().join("run"));

    let found = peers.list().await;
    assert_eq!(found.len(), 1);
    let peer = &found[0];
    assert_eq!((peer.kind.as_str(), peer.port), ("serve", stand.port));
    let status = peers.status(peer).await.unwrap();
    assert_eq!(status.pulse.port, stand.port);
    assert!(peers.next(peer, &Ask::plain()).await.is_some());
    assert!(peers.reload(peer).await);

    stand.stop().await;
    assert!(peers.list().await.is_empty());
    assert!(!std::path::Path::new(&peer.socket).exists());
}

#[tokio::test]
async fn the_registry_entry_holds_no_secret() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let entry = stand.dir.path().join("run").join(format!("{}.json", std::process::id()));

    let text = std::fs::read_to_string(entry).unwrap();

    assert!(!text.contains("stand-stand"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn files_of_the_proxy_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let run = stand.dir.path().join("run");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let peers = LivePeers::new(&run);
    let peer = peers.list().await.remove(0);
    assert!(peers.status(&peer).await.is_some());

    assert_eq!(mode(&run), 0o700);
    assert_eq!(mode(&run.join(format!("{}.json", std::process::id()))), 0o600);
    assert_eq!(mode(std::path::Path::new(&peer.socket)), 0o600);
}

#[tokio::test]
async fn shutdown_over_the_socket_ends_the_proxy() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let peers = LivePeers::new(stand.dir.path().join("run"));
    let peer = peers.list().await.remove(0);

    assert_eq!(peers.ask(&peer, &Request::Shutdown).await, Some(Answer::Done));

    let gone = async {
        while !peers.list().await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.unwrap();
}

/// The one session that a live proxy lists.
async fn listed(peers: &LivePeers, peer: &Peer) -> SessionRow {
    let mut status = peers.status(peer).await.expect("it answers");
    assert_eq!(status.sessions.len(), 1, "{:?}", status.sessions);
    status.sessions.remove(0)
}

fn served(stand: &Stand) -> Vec<String> {
    order(&stand.backend).into_iter().filter(|line| line.ends_with(" 200")).collect()
}

#[tokio::test]
async fn a_session_moves_at_its_next_turn_and_is_held_by_a_pin() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    let peers = LivePeers::new(stand.dir.path().join("run"));
    let peer = peers.list().await.remove(0);
    stand.turn("thread", "one").await;
    let row = listed(&peers, &peer).await;
    let home = row.account.clone().expect("it was served");

    peers.steer(&peer, &row.id, &Steer::Move).await.unwrap();
    stand.turn("thread", "two").await;
    stand.turn("thread", "three").await;
    let moved = listed(&peers, &peer).await;
    peers.steer(&peer, &row.id, &Steer::Pin(home.clone())).await.unwrap();
    let pinned = listed(&peers, &peer).await;
    stand.turn("thread", "four").await;
    peers.steer(&peer, &row.id, &Steer::Free).await.unwrap();
    let free = listed(&peers, &peer).await;

    let served = served(&stand);
    assert_eq!(served.len(), 4, "{served:?}");
    assert!(served[1] == served[2] && served[0] != served[1] && served[0] == served[3], "{served:?}");
    assert_ne!(moved.account, Some(home));
    assert_eq!(
        [row.is_pinned, moved.is_pinned, pinned.is_pinned, free.is_pinned],
        [false, false, true, false]
    );
    assert!(row.rate > 0, "{row:?}");
}

#[tokio::test]
async fn an_open_socket_is_told_to_reconnect_for_the_turn_that_goes_elsewhere() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    let peers = LivePeers::new(stand.dir.path().join("run"));
    let peer = peers.list().await.remove(0);
    let mut socket = open(&stand, "thread").await.unwrap();
    create(&mut socket, serde_json::json!({"input": [user("one")]})).await;
    let first = answer(&mut socket).await;
    let row = listed(&peers, &peer).await;

    peers.steer(&peer, &row.id, &Steer::Move).await.unwrap();
    create(&mut socket, serde_json::json!({"input": [user("one"), user("two")]})).await;
    let told = answer(&mut socket).await;
    let mut again = open(&stand, "thread").await.unwrap();
    create(&mut again, serde_json::json!({"input": [user("one"), user("two")]})).await;
    let second = answer(&mut again).await;

    assert_eq!(first.last().unwrap()["type"], "response.completed", "{first:?}");
    let code = told.last().unwrap()["error"]["code"].clone();
    assert_eq!(code, "websocket_connection_limit_reached", "{told:?}");
    assert_eq!(second.last().unwrap()["type"], "response.completed", "{second:?}");
    let served = served(&stand);
    assert!(served.len() == 2 && served[0] != served[1], "{served:?}");
}

#[tokio::test]
async fn wishes_that_cannot_be_are_refused_with_a_reason() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let peers = LivePeers::new(stand.dir.path().join("run"));
    let peer = peers.list().await.remove(0);
    stand.turn("thread", "one").await;
    let id = listed(&peers, &peer).await.id;

    let nobody = peers.steer(&peer, "xyz", &Steer::Move).await.unwrap_err();
    let alone = peers.steer(&peer, &id, &Steer::Move).await.unwrap_err();
    let gone = peers.steer(&peer, &id, &Steer::Pin(AccountKey::new("gone"))).await.unwrap_err();

    assert!(nobody.contains("begins with xyz"), "{nobody}");
    assert_eq!((alone.as_str(), gone.as_str()), ("nobody can take it over now", "no such account"));
}
