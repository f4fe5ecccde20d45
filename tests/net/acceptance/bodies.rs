//! 1: what arrives upstream, whoever the origin is.

use std::io::Write as _;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use pretty_assertions::assert_eq;

use codex_multi_auth::domain::digest::sha256_hex;
use codex_multi_auth::formats::scenario::Scenario;

use crate::support::origin::{Origin, turn};
use crate::support::stand::{Stand, post, whole};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

async fn behind(origin: &Origin) -> Stand {
    let url = origin.url();
    Stand::start(Scenario::pool(["alpha"]).with("alpha", |player| player.origin = url)).await
}

#[tokio::test]
async fn every_encoding_and_every_nonsense_arrives_as_it_was_sent() {
    let origin = Origin::start(|_| turn()).await;
    let stand = behind(&origin).await;
    let json = br#"{"model":"gpt-5.5","stream":true,"store":false,"input":[],"prompt_cache_key":"t"}"#;
    let zstd = ruzstd::encoding::compress_to_vec(&json[..], ruzstd::encoding::CompressionLevel::Fastest);

    for (case, encoding, body) in [
        ("nothing", None, Vec::new()),
        ("one byte", None, vec![0xff]),
        ("no JSON", None, b"{\"model\": ".to_vec()),
        ("gzip", Some("gzip"), gzip(json)),
        ("zstd", Some("zstd"), zstd),
        ("gzip that is none", Some("gzip"), b"plain".to_vec()),
        ("zstd that ends early", Some("zstd"), vec![0x28, 0xb5, 0x2f, 0xfd, 0x04]),
    ] {
        let mut request = post(&Stand::path("responses")).header("session-id", "t");
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let request = request.body(Full::new(Bytes::from(body.clone()))).unwrap();
        let (status, _, text) = whole(stand.send(request).await.unwrap()).await.unwrap();

        assert_eq!(status, 200, "{case}: {text}");
        let came = origin.came().pop().unwrap();
        assert_eq!((came.length, &came.sha256), (body.len(), &sha256_hex(&body)), "{case}");
        assert_eq!(came.all("content-encoding"), encoding.into_iter().collect::<Vec<_>>(), "{case}");
    }
}

#[tokio::test]
async fn every_route_reaches_the_same_path_of_the_accounts_origin() {
    let origin = Origin::start(|_| turn()).await;
    let stand = behind(&origin).await;

    for (method, path) in [
        (Method::POST, "codex/responses"),
        (Method::POST, "codex/responses/compact"),
        (Method::GET, "codex/models?client_version=0.169.0&x=%20y"),
        (Method::GET, "codex/thread/goal/get?threadId=t"),
        (Method::POST, "codex/images/edits"),
        (Method::DELETE, "codex/files/1"),
        (Method::POST, "codex/alpha/search?q=a%2Fb"),
        (Method::GET, "wham/settings/user"),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri(Stand::path("responses").replace("codex/responses", path))
            .header("host", "127.0.0.1")
            .header("session-id", "t")
            .body(Full::<Bytes>::default())
            .unwrap();

        let status = stand.send(request).await.unwrap().status();

        assert_eq!(status, 200, "{path}");
        assert_eq!(origin.came().pop().unwrap().line, format!("{method} /backend-api/{path} HTTP/1.1"));
    }
    // Nothing but the question for the origin itself went to the usual host.
    let elsewhere = stand.backend.record().entries();
    assert!(elsewhere.iter().all(|entry| entry.path.ends_with("accounts/check")), "{elsewhere:?}");
}

#[tokio::test]
async fn the_clients_headers_pass_but_for_what_is_the_accounts_or_local() {
    let origin = Origin::start(|_| turn()).await;
    let stand = behind(&origin).await;
    let mine = stand.backend.tokens("alpha").unwrap();
    let request = post(&Stand::path("responses"))
        .header("session-id", "t")
        .header("x-odd", "one")
        .header("x-odd", "two")
        .header("originator", "codex_exec")
        .header("user-agent", "codex_exec/0.169.0 (x)")
        .header("version", "0.169.0")
        .header("openai-beta", "mine")
        .header("accept", "text/event-stream")
        .header("accept-encoding", "gzip, br")
        .header("authorization", "Bearer client-token")
        .header("chatgpt-account-id", "client-account")
        .header("x-openai-account-routing-override", "us")
        .header("cookie", "a=b")
        .header("referer", "http://x")
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-codex-multi-auth-trace", "1")
        .header("openai-organization", "org")
        .header("connection", "keep-alive, x-hop")
        .header("x-hop", "1")
        .header("te", "trailers")
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap();

    let (status, _, _) = whole(stand.send(request).await.unwrap()).await.unwrap();

    assert_eq!(status, 200);
    let came = origin.came().pop().unwrap();
    let bearer = format!("Bearer {}", mine.access.expose());
    for (name, expected) in [
        ("x-odd", vec!["one", "two"]),
        ("originator", vec!["codex_exec"]),
        ("user-agent", vec!["codex_exec/0.169.0 (x)"]),
        ("version", vec!["0.169.0"]),
        ("session-id", vec!["t"]),
        ("openai-beta", vec!["mine"]),
        ("accept", vec!["text/event-stream"]),
        ("accept-encoding", vec!["identity"]),
        ("authorization", vec![bearer.as_str()]),
        ("chatgpt-account-id", vec![mine.account_id.as_str()]),
        ("x-openai-account-routing-override", vec![]),
        ("cookie", vec![]),
        ("referer", vec![]),
        ("x-forwarded-for", vec![]),
        ("x-codex-multi-auth-trace", vec![]),
        ("openai-organization", vec![]),
        ("x-hop", vec![]),
        ("te", vec![]),
    ] {
        assert_eq!(came.all(name), expected, "{name}");
    }
}
