//! HTTP turns end to end.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use pretty_assertions::assert_eq;

use codex_multi_auth::domain::usage::entry::Ending;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};

use crate::support::backend::{assert_clean, order};
use crate::support::stand::{Stand, post, turn, whole};

#[tokio::test]
async fn a_turn_streams_through_and_leaves_one_row() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;

    let (status, headers, text) = stand.turn("thread-1", "hello").await;

    assert_eq!(status, 200);
    assert!(headers.get("content-type").unwrap().to_str().unwrap().starts_with("text/event-stream"));
    assert!(text.contains("event: response.completed"), "{text}");
    assert_clean(&stand.backend);
    let row = stand.until(|kept| kept.entries.first().cloned()).await;
    assert_eq!((row.ending, row.status), (Ending::Success, Some(200)));
    assert_eq!(row.model.as_deref(), Some("gpt-5.5"));
    assert!(row.tokens.total > 0);
}

#[tokio::test]
async fn the_request_arrives_with_the_accounts_credentials_and_its_own_bytes() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let body = ruzstd::encoding::compress_to_vec(
        &br#"{"model":"gpt-5.5","stream":true,"store":false,"input":[],"prompt_cache_key":"t"}"#[..],
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    let request = post(&Stand::path("responses"))
        .header("session-id", "t")
        .header("x-odd", "one")
        .header("content-encoding", "zstd")
        .header("authorization", "Bearer client-token")
        .body(Full::new(Bytes::from(body.clone())))
        .unwrap();

    let (status, _, _) = whole(stand.send(request).await.unwrap()).await.unwrap();

    assert_eq!(status, 200);
    let entry = stand.backend.record().turns().remove(0);
    assert_eq!(entry.account.as_deref(), Some("alpha"));
    assert_eq!(entry.account_id, stand.backend.tokens("alpha").map(|tokens| tokens.account_id));
    assert_eq!(entry.encoding.as_deref(), Some("zstd"));
    assert_eq!(entry.body_length, body.len());
    assert!(entry.header_names.contains(&"x-odd".to_owned()));
}

#[tokio::test]
async fn a_limited_account_is_passed_over_before_the_client_notices() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::usage_limit()).once());

    let (status, _, text) = stand.turn("thread-1", "hello").await;

    assert_eq!(status, 200);
    assert!(text.contains("response.completed"));
    let order = order(&stand.backend);
    assert_eq!(order.len(), 2, "{order:?}");
    assert!(order[0].ends_with("429") && order[1].ends_with("200"), "{order:?}");
}

#[tokio::test]
async fn a_pool_without_a_usable_account_is_one_final_429() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::usage_limit()));

    let (status, _, text) = stand.turn("thread-1", "hello").await;

    assert_eq!(status, 429);
    let body: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["error"]["type"], "usage_limit_reached", "{text}");
    assert!(body["error"]["resets_at"].is_number(), "{text}");
    assert_eq!(order(&stand.backend).len(), 2);
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once_on_the_same_account() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::Unauthorized).once());

    let (status, _, _) = stand.turn("thread-1", "hello").await;

    assert_eq!(status, 200);
    assert_eq!(stand.ports.kept().refreshed.len(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_upstream_request_and_harms_nobody() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::Hang));
    let mut sender = stand.connect().await;

    let asking = sender.send_request(turn("thread-1", "hello"));
    let _ = tokio::time::timeout(std::time::Duration::from_millis(300), asking).await;
    drop(sender);

    let row = stand.until(|kept| kept.entries.first().cloned()).await;
    assert_eq!((row.ending, row.status), (Ending::Cancelled, Some(499)));
    assert!(stand.ports.kept().roster.accounts[0].cooldown.is_none());
}

#[tokio::test]
async fn any_other_path_reaches_the_back_end_verbatim() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let request = Request::get(format!("{}?a=%20b", Stand::path("somewhere/else")))
        .header("host", "127.0.0.1")
        .body(Full::<Bytes>::default())
        .unwrap();

    let _ = whole(stand.send(request).await.unwrap()).await.unwrap();

    let paths: Vec<_> = stand.backend.record().entries().into_iter().map(|entry| entry.path).collect();
    assert!(paths.contains(&"/backend-api/codex/somewhere/else".to_owned()), "{paths:?}");
}

#[tokio::test]
async fn the_model_list_is_kept_for_its_account() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let get = || {
        Request::get(Stand::path("models?client_version=0.169.0"))
            .header("host", "127.0.0.1")
            .body(Full::<Bytes>::default())
            .unwrap()
    };

    let (status, headers, first) = whole(stand.send(get()).await.unwrap()).await.unwrap();
    let (_, _, second) = whole(stand.send(get()).await.unwrap()).await.unwrap();

    assert_eq!(status, 200);
    assert!(headers.contains_key("etag"));
    assert_eq!(first, second);
    assert_eq!(stand.backend.record().at("models").len(), 1);
}
