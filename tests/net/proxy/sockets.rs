//! WebSockets end to end.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use codex_multi_auth::domain::digest::sha256_hex;
use codex_multi_auth::domain::usage::entry::Ending;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};

use crate::support::backend::{assert_clean, order};
use crate::support::stand::Stand;

pub(in crate::net) type Socket = WebSocketStream<TcpStream>;

pub(in crate::net) async fn open(stand: &Stand, session: &str) -> Result<Socket, Error> {
    let mut request =
        format!("ws://127.0.0.1:{}{}", stand.port, Stand::path("responses")).into_client_request()?;
    let headers = request.headers_mut();
    for (name, value) in [
        ("session-id", session),
        ("thread-id", session),
        ("x-codex-routing-hint", "model=gpt-5.5"),
        ("authorization", "Bearer client-token"),
        ("originator", "codex_exec"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(("127.0.0.1", stand.port)).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
}

pub(in crate::net) fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
}

pub(in crate::net) async fn create(socket: &mut Socket, more: Value) {
    let mut frame = json!({
        "type": "response.create", "model": "gpt-5.5", "stream": true, "store": false,
        "include": ["reasoning.encrypted_content"], "prompt_cache_key": "thread",
    });
    for (name, value) in more.as_object().unwrap() {
        frame[name] = value.clone();
    }
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

/// All frames up to the end of a response, an error, or the end of the socket.
pub(in crate::net) async fn answer(socket: &mut Socket) -> Vec<Value> {
    let mut frames: Vec<Value> = Vec::new();
    let reading = async {
        while let Some(message) = socket.next().await {
            match message {
                Ok(Message::Text(text)) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    let kind = frame["type"].as_str().unwrap_or_default().to_owned();
                    frames.push(frame);
                    if matches!(kind.as_str(), "response.completed" | "error" | "response.failed") {
                        return;
                    }
                }
                Ok(Message::Close(close)) => {
                    frames.push(json!({"closed": close.map(|close| u16::from(close.code))}));
                    return;
                }
                Ok(_) => {}
                Err(error) => {
                    frames.push(json!({"broken": error.to_string()}));
                    return;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("the answer did not end");
    frames
}

fn last(frames: &[Value]) -> &Value {
    frames.last().unwrap()
}

#[tokio::test]
async fn prewarm_and_turns_share_one_socket_on_one_account() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    let mut socket = open(&stand, "thread").await.unwrap();

    create(&mut socket, json!({"generate": false, "input": []})).await;
    let warm = answer(&mut socket).await;
    let id = last(&warm)["response"]["id"].clone();
    create(&mut socket, json!({"previous_response_id": id, "input": [user("one")]})).await;
    let first = answer(&mut socket).await;
    let id = last(&first)["response"]["id"].clone();
    create(&mut socket, json!({"previous_response_id": id, "input": [user("two")]})).await;
    let second = answer(&mut socket).await;

    for frames in [&warm, &first, &second] {
        assert_eq!(last(frames)["type"], "response.completed", "{frames:?}");
    }
    assert_clean(&stand.backend);
    let accounts: Vec<_> =
        stand.backend.record().turns().into_iter().filter_map(|entry| entry.account).collect();
    assert!(accounts.windows(2).all(|pair| pair[0] == pair[1]), "{accounts:?}");
    let rows = stand.until(|kept| (kept.entries.len() >= 2).then(|| kept.entries.clone())).await;
    assert!(rows.iter().all(|row| row.ending == Ending::Success), "{rows:?}");
}

#[tokio::test]
async fn a_limit_in_a_turn_makes_the_client_reconnect_to_the_next_account() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Frame, Action::usage_limit()).once());
    let mut socket = open(&stand, "thread").await.unwrap();

    create(&mut socket, json!({"input": [user("one")]})).await;
    let first = answer(&mut socket).await;
    assert_eq!(last(&first)["error"]["code"], "websocket_connection_limit_reached", "{first:?}");
    drop(socket);
    let mut socket = open(&stand, "thread").await.unwrap();
    create(&mut socket, json!({"input": [user("one")]})).await;
    let second = answer(&mut socket).await;

    assert_eq!(last(&second)["type"], "response.completed", "{second:?}");
    let order = order(&stand.backend);
    assert_eq!(order.len(), 2, "{order:?}");
    assert_ne!(order[0].split(' ').next(), order[1].split(' ').next(), "{order:?}");
}

#[tokio::test]
async fn with_websockets_switched_off_every_upgrade_is_426() {
    let stand = Stand::with(Scenario::pool(["alpha"]), |settings| settings.web_socket = false).await;

    let refused = open(&stand, "thread").await;

    let Err(Error::Http(response)) = refused else { panic!("{refused:?}") };
    assert_eq!(response.status(), 426);
}

#[tokio::test]
async fn an_exhausted_pool_answers_the_upgrade_with_the_final_429() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Upgrade, Action::usage_limit()));

    let refused = open(&stand, "thread").await;

    let Err(Error::Http(response)) = refused else { panic!("{refused:?}") };
    assert_eq!(response.status(), 429);
    let body = String::from_utf8(response.body().clone().unwrap_or_default()).unwrap();
    assert!(body.contains("usage_limit_reached"), "{body}");
}

#[tokio::test]
async fn a_cut_after_output_closes_the_client_with_1011() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Frame, Action::Cut { events: 4 }).once());
    let mut socket = open(&stand, "thread").await.unwrap();

    create(&mut socket, json!({"input": [user("one")]})).await;
    let frames = answer(&mut socket).await;

    assert_eq!(last(&frames), &json!({"closed": 1011}), "{frames:?}");
}

#[tokio::test]
async fn a_client_that_leaves_closes_upstream_at_once() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Frame, Action::Stall { events: 1 }));
    let mut socket = open(&stand, "thread").await.unwrap();
    create(&mut socket, json!({"input": [user("one")]})).await;
    tokio::time::sleep(Duration::from_millis(100)).await;

    drop(socket);

    let row = stand.until(|kept| kept.entries.first().cloned()).await;
    assert_eq!(row.ending, Ending::Cancelled);
    assert!(stand.ports.kept().roster.accounts[0].cooldown.is_none());
}

#[tokio::test]
async fn an_unknown_previous_response_is_not_guessed() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let mut socket = open(&stand, "thread").await.unwrap();

    create(&mut socket, json!({"previous_response_id": "resp_unknown", "input": [user("one")]})).await;
    let frames = answer(&mut socket).await;

    assert_eq!(last(&frames)["error"]["code"], "previous_response_not_found", "{frames:?}");
    assert!(stand.backend.record().turns().is_empty());
}

#[tokio::test]
async fn turns_on_sockets_count_against_the_limit_of_requests() {
    let stand = Stand::with(Scenario::pool(["alpha"]), |settings| settings.max_concurrent_requests = 1).await;
    stand.backend.script(Rule::everywhere(Endpoint::Frame, Action::Stall { events: 5 }).once());
    let mut busy = open(&stand, "thread-1").await.unwrap();
    let mut second = open(&stand, "thread-2").await.unwrap();
    create(&mut busy, json!({"input": [user("one")]})).await;
    busy.next().await.unwrap().unwrap();

    create(&mut second, json!({"input": [user("two")]})).await;
    let refused = answer(&mut second).await;
    drop(busy);
    stand.until(|kept| (!kept.entries.is_empty()).then_some(())).await;
    create(&mut second, json!({"input": [user("two")]})).await;
    let served = answer(&mut second).await;

    let error = last(&refused);
    assert_eq!((&error["status"], &error["error"]["type"]), (&json!(429), &json!("server_error")), "{error}");
    assert_eq!(error["headers"]["retry-after"], "1", "{error}");
    assert_eq!(last(&served)["type"], "response.completed", "{served:?}");
}

#[tokio::test]
async fn a_message_of_many_mebibytes_goes_through_byte_for_byte() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let mut socket = open(&stand, "thread").await.unwrap();
    let text = "x".repeat(20 << 20);
    let frame = json!({"type": "response.create", "model": "gpt-5.5", "input": [user(&text)]}).to_string();
    let sent = sha256_hex(&frame);

    socket.send(Message::text(frame)).await.unwrap();
    let frames = answer(&mut socket).await;

    assert_eq!(last(&frames)["type"], "response.completed", "{:?}", last(&frames));
    assert_eq!(stand.backend.record().turns()[0].body_sha256, sent);
}
