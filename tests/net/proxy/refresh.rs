//! The refresh endpoint that the official client is pointed at.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use pretty_assertions::assert_eq;
use serde_json::Value;

use codex_multi_auth::domain::account::AccountKey;
use codex_multi_auth::formats::scenario::Scenario;

use crate::support::stand::{PREFIX, Stand, whole};

fn ask(token: &str, reason: &str) -> Request<Full<Bytes>> {
    let body = serde_json::json!({
        "client_id": "app_EMoamEEZ73f0CkXaXp7hrann", "grant_type": "refresh_token",
        "refresh_token": token, "refresh_reason": reason,
    });
    Request::post(format!("/{PREFIX}/oauth/token"))
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .body(Full::new(body.to_string().into()))
        .unwrap()
}

async fn answer(stand: &Stand, request: Request<Full<Bytes>>) -> (u16, Value) {
    let (status, _, text) = whole(stand.send(request).await.unwrap()).await.unwrap();
    (status.as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn a_current_token_is_refreshed_through_the_pool_for_the_same_account() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    let before = stand.backend.tokens("bravo").unwrap();

    let (status, first) = answer(&stand, ask(before.refresh.expose(), "forced")).await;
    let after = stand.backend.tokens("bravo").unwrap();

    let granted = first["refresh_token"].as_str().unwrap().to_owned();
    if stand.ports.kept().refreshed.is_empty() {
        // The token was issued within the last minute: the store answers without a call.
        assert_eq!(granted, before.refresh.expose());
    } else {
        assert_eq!(stand.ports.kept().refreshed, [AccountKey::new("record:bravo")]);
        assert_eq!(granted, after.refresh.expose());
    }
    assert_eq!(status, 200);
    assert!(first["id_token"].is_string() && first["access_token"].is_string());
    assert_eq!(first["token_type"], "bearer");
}

#[tokio::test]
async fn an_unknown_token_is_forwarded_unchanged() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;

    let (status, text) = answer(&stand, ask("rt_foreign", "forced")).await;

    assert_eq!((status, text), (418, Value::String("forwarded".to_owned())));
    let forwarded = stand.ports.kept().forwarded.clone();
    assert!(String::from_utf8_lossy(&forwarded[0]).contains("rt_foreign"));
}
