//! Bytes on their way: whole, in order, bounded, and cut where a clean end would lie.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use pretty_assertions::assert_eq;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use codex_multi_auth::base::Span;
use codex_multi_auth::domain::digest::sha256_hex;
use codex_multi_auth::domain::usage::entry::Ending;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use codex_multi_auth::rehearsal::backend::Outcome;

use crate::support::backend::order;
use crate::support::stand::{PREFIX, Stand, post, turn, whole};

#[tokio::test]
async fn bodies_of_every_size_arrive_byte_for_byte() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;

    for size in [0_usize, 1, 300 * 1024, 9 * 1024 * 1024, 64 * 1024 * 1024] {
        let body: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        stand.backend.record().clear();
        let request = post(&Stand::path("responses"))
            .header("session-id", "thread")
            .header("x-codex-routing-hint", "model=gpt-5.5")
            .body(Full::new(Bytes::from(body.clone())))
            .unwrap();

        let _ = whole(stand.send(request).await.unwrap()).await;

        let entry =
            stand.backend.record().entries().into_iter().rfind(|entry| entry.method == "POST").unwrap();
        assert_eq!(entry.body_length, size);
        assert_eq!(entry.body_sha256, sha256_hex(&body), "{size} bytes");
    }
}

#[tokio::test]
async fn a_cut_after_output_resets_the_connection() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::Cut { events: 5 }).once());

    let response = stand.send(turn("thread", "hello")).await.unwrap();
    assert_eq!(response.status(), 200);
    let read = response.into_body().collect().await;

    assert!(read.is_err(), "a clean end would end the client's turn");
    assert_eq!(order(&stand.backend).len(), 1);
    let (status, _, _) = stand.turn("thread", "hello").await;
    assert_eq!(status, 200);
    let accounts: Vec<_> =
        stand.backend.record().turns().into_iter().filter_map(|entry| entry.account).collect();
    assert_ne!(accounts[0], accounts[1], "the cut account rests");
}

#[tokio::test]
async fn a_failure_before_output_is_not_seen_by_the_client() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::fail("usage_limit_reached", 1)).once());

    let (status, _, text) = stand.turn("thread", "hello").await;

    assert_eq!(status, 200);
    assert!(text.contains("response.completed") && !text.contains("response.failed"), "{text}");
    assert_eq!(text.matches("event: response.created").count(), 1, "{text}");
}

#[tokio::test]
async fn a_client_that_leaves_in_mid_stream_ends_upstream_within_200_ms() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::Stall { events: 5 }));
    let mut stream = raw_turn(&stand).await;
    let mut first = [0; 1_024];
    stream.read_exact(&mut first).await.unwrap();

    drop(stream);

    let row = stand.until(|kept| kept.entries.first().cloned()).await;
    assert_eq!(row.ending, Ending::Cancelled);
    assert!(row.took < Some(Span::millis(200)), "{row:?}");
}

#[tokio::test]
async fn a_slow_reader_stops_upstream_instead_of_filling_memory() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    stand
        .backend
        .script(Rule::everywhere(Endpoint::Http, Action::Huge { events: 4, bytes: 16 * 1024 * 1024 }));
    let mut stream = raw_turn(&stand).await;
    let mut first = [0; 1_024];
    stream.read_exact(&mut first).await.unwrap();

    tokio::time::sleep(Duration::from_millis(500)).await;

    assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first));
    // The sockets between hold some megabytes; the rest waits where it comes from.
    assert_eq!(stand.backend.record().turns()[0].outcome, Outcome::Open);
}

/// A turn on a bare connection, so that the test decides what is read and when it ends.
async fn raw_turn(stand: &Stand) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", stand.port)).await.unwrap();
    let body = r#"{"model":"gpt-5.5","stream":true,"store":false,"input":[],"prompt_cache_key":"t"}"#;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\nsession-id: t\r\n\r\n{body}",
        Stand::path("responses"),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_kept_connection_serves_many_requests() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let mut sender = stand.connect().await;

    for _ in 0..3 {
        let (status, _, text) =
            whole(sender.send_request(turn("thread", "hello")).await.unwrap()).await.unwrap();
        assert_eq!(status, 200);
        assert!(text.contains("response.completed"));
    }
    let health = Request::get(format!("/{PREFIX}/healthz"))
        .header("host", "127.0.0.1")
        .body(Full::<Bytes>::default())
        .unwrap();
    assert_eq!(sender.send_request(health).await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_end_lets_a_running_stream_finish_and_flushes() {
    let mut stand = Stand::start(Scenario::pool(["alpha"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::Slow { delay: Span::millis(300) }));
    let response = stand.send(turn("thread", "hello")).await.unwrap();

    let (read, ()) = tokio::join!(response.into_body().collect(), stand.stop());

    let text = read.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("response.completed"));
    assert_eq!(stand.ports.kept().entries.len(), 1);
    assert!(stand.dir.path().join("runtime-affinity.json").exists());
    assert!(stand.dir.path().join("runtime-observability.json").exists());
}

#[tokio::test]
async fn a_briefing_acts_on_the_next_request() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    let (_, _, _) = stand.turn("thread", "one").await;
    let first = stand.backend.record().turns()[0].account.clone().unwrap();

    stand.brief(|briefing| {
        briefing.revision += 1;
        let mut roster = (*briefing.roster).clone();
        for account in &mut roster.accounts {
            if account.key.as_str() == format!("record:{first}") {
                account.switch = codex_multi_auth::domain::account::Switch::Off;
            }
        }
        briefing.roster = std::sync::Arc::new(roster);
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (status, _, _) = stand.turn("thread", "two").await;

    assert_eq!(status, 200);
    assert_ne!(stand.backend.record().turns()[1].account.as_ref(), Some(&first));
}
