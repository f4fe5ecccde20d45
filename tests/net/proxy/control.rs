//! The registry and the control socket of a live proxy.

use pretty_assertions::assert_eq;

use codex_multi_auth::adapters::peers::LivePeers;
use codex_multi_auth::domain::selection::Ask;
use codex_multi_auth::formats::control::{Answer, Request};
use codex_multi_auth::formats::scenario::Scenario;
use codex_multi_auth::ports::Peers as _;

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
