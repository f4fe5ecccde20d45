//! Who gets in, and what everyone else is told.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use pretty_assertions::assert_eq;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use codex_multi_auth::formats::scenario::Scenario;
use codex_multi_auth::ports::callers::Caller;

use crate::support::stand::{PREFIX, Stand, turn, whole};

async fn raw(stand: &Stand, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", stand.port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().filter(|line| !line.starts_with("date:")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_wrong_prefix_gets_the_same_answer() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let mut answers = Vec::new();

    for (method, path, more) in [
        ("GET", "/".to_owned(), ""),
        ("GET", "/healthz".to_owned(), ""),
        ("POST", "/backend-api/codex/responses".to_owned(), "content-length: 0\r\n"),
        ("GET", format!("/{PREFIX}x/healthz"), ""),
        ("DELETE", format!("/{}/backend-api/codex/responses", PREFIX.replace('1', "2")), ""),
        ("GET", format!("/{PREFIX}/nothing"), ""),
        ("GET", "/x/backend-api/codex/responses".to_owned(), "upgrade: websocket\r\nconnection: upgrade\r\n"),
    ] {
        answers
            .push(raw(&stand, &format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{more}\r\n")).await);
    }

    assert!(answers[0].starts_with("HTTP/1.1 404"), "{}", answers[0]);
    assert!(answers[0].contains("runtime_rotation_proxy_not_found"), "{}", answers[0]);
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    assert!(stand.backend.record().entries().is_empty());
}

#[tokio::test]
async fn browsers_and_other_hosts_get_403_with_the_right_prefix() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;

    for head in [
        "host: evil.example",
        "host: 127.0.0.1\r\norigin: http://x",
        "host: localhost\r\nsec-fetch-site: cross-site",
    ] {
        let answer = raw(&stand, &format!("GET /{PREFIX}/healthz HTTP/1.1\r\n{head}\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{head}: {answer}");
        assert!(!answer.to_ascii_lowercase().contains("access-control"), "{answer}");
    }
}

#[tokio::test]
async fn health_and_status_answer_here_and_name_nobody() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let get = |path: &str| {
        Request::get(format!("/{PREFIX}/{path}"))
            .header("host", "127.0.0.1")
            .body(Full::<Bytes>::default())
            .unwrap()
    };

    let (status, _, health) = whole(stand.send(get("healthz")).await.unwrap()).await.unwrap();
    assert_eq!((status.as_u16(), health.as_str()), (200, "{\"ok\":true}\n"));
    let (status, _, text) = whole(stand.send(get("status")).await.unwrap()).await.unwrap();

    assert_eq!(status, 200);
    assert!(text.contains("\"totalRequests\":0"), "{text}");
    assert!(!text.contains("alpha") && !text.contains(PREFIX), "{text}");
}

#[tokio::test]
async fn requests_above_the_limit_are_told_to_wait_a_second() {
    let stand = Stand::with(Scenario::pool(["alpha"]), |settings| settings.max_concurrent_requests = 0).await;

    let response = stand.send(turn("s", "hello")).await.unwrap();

    assert_eq!(response.status(), 429);
    assert_eq!(response.headers().get("retry-after").unwrap(), "1");
}

#[tokio::test]
async fn connections_above_the_limit_are_told_to_wait_a_second() {
    let stand = Stand::with(Scenario::pool(["alpha"]), |settings| settings.max_client_sockets = 0).await;

    let response = stand.send(turn("s", "hello")).await.unwrap();

    assert_eq!(response.status(), 429);
}

#[tokio::test]
async fn a_body_above_the_cap_is_refused_before_it_is_read() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;

    let answer = raw(
        &stand,
        &format!(
            "POST {} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 67108865\r\n\r\n",
            Stand::path("responses")
        ),
    )
    .await;

    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_head_above_the_cap_is_refused() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let mut sender = stand.connect().await;
    let request = Request::builder()
        .method(Method::GET)
        .uri(format!("/{PREFIX}/healthz"))
        .header("host", "127.0.0.1")
        .header("x-big", "a".repeat(70 * 1024))
        .body(Full::<Bytes>::default())
        .unwrap();

    let status = sender.send_request(request).await.map(|response| response.status().as_u16());

    assert!(matches!(status, Ok(431) | Err(_)), "{status:?}");
}

#[tokio::test]
async fn the_metrics_page_is_there_only_when_asked_for_and_names_nobody() {
    let get = || {
        Request::get(format!("/{PREFIX}/metrics"))
            .header("host", "127.0.0.1")
            .body(Full::<Bytes>::default())
            .unwrap()
    };
    let off = Stand::start(Scenario::pool(["alpha"])).await;
    let on = Stand::with(Scenario::pool(["alpha"]), |settings| settings.metrics = true).await;
    on.turn("session-1", "hello").await;
    on.until(|kept| (!kept.entries.is_empty()).then_some(())).await;

    let (status, _, _) = whole(off.send(get()).await.unwrap()).await.unwrap();
    assert_eq!(status, 404);
    let (status, headers, page) = whole(on.send(get()).await.unwrap()).await.unwrap();

    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "codex_multi_auth_requests_total{operation=\"responses\",outcome=\"success\"} 1\n",
        "codex_multi_auth_attempts_total{class=\"ok\"} 1\n",
        "codex_multi_auth_first_byte_seconds_count 1\n",
        "codex_multi_auth_inflight 0\n",
    ] {
        assert!(page.contains(line), "{line}{page}");
    }
    assert!(!page.contains("alpha") && !page.contains(PREFIX) && !page.contains('@'), "{page}");
}

#[tokio::test]
async fn another_users_program_gets_what_a_wrong_prefix_gets_and_nothing_goes_upstream() {
    let stand = Stand::called_by(Caller::Foreign).await;
    let upgrade = format!(
        "GET /{PREFIX}/backend-api/codex/responses HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: \
         websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let wrong = raw(&stand, "GET /wrong/healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await;
    assert!(wrong.starts_with("HTTP/1.1 404"), "{wrong}");

    for request in [
        format!("GET /{PREFIX}/healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"),
        format!("GET /{PREFIX}/status HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"),
        format!("POST /{PREFIX}/backend-api/codex/responses HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n"),
        "POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: client-key\r\ncontent-length: 0\r\n\r\n".to_owned(),
        upgrade,
    ] {
        assert_eq!(raw(&stand, &request).await, wrong, "{request}");
    }
    let page = format!("GET /{PREFIX}/healthz HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: null\r\n\r\n");
    assert!(raw(&stand, &page).await.starts_with("HTTP/1.1 403"), "the guard comes first");
    assert!(stand.backend.record().entries().is_empty());
}

#[tokio::test]
async fn where_owners_are_not_to_be_seen_the_prefix_decides_and_the_status_says_so() {
    let stand = Stand::called_by(Caller::Unseen("no such luck")).await;

    let status = raw(
        &stand,
        &format!("GET /{PREFIX}/status HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"),
    )
    .await;
    assert!(status.starts_with("HTTP/1.1 200"), "{status}");
    assert!(status.contains("\"peerCheckOff\":\"no such luck\""), "{status}");

    let seen = Stand::start(Scenario::pool(["alpha"])).await;
    let status =
        raw(&seen, &format!("GET /{PREFIX}/status HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"))
            .await;
    assert!(cfg!(not(target_os = "linux")) || !status.contains("peerCheckOff"), "{status}");
}
