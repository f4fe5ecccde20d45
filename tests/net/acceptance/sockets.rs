//! 9: what a socket carries and when it ends, beyond the turns that `net::proxy::sockets` shows.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use codex_multi_auth::base::Span;
use codex_multi_auth::domain::account::AccountKey;
use codex_multi_auth::domain::digest::sha256_hex;
use codex_multi_auth::domain::usage::entry::Ending;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};

use crate::net::proxy::sockets::{Socket, answer, create, open, user};
use crate::support::stand::Stand;

fn kind(frames: &[Value]) -> &str {
    frames.last().and_then(|frame| frame["type"].as_str()).unwrap_or_default()
}

fn code(frames: &[Value]) -> &Value {
    &frames.last().expect("a frame")["error"]["code"]
}

/// Whether a message of that kind comes before the end; 64 MiB take their time in a build for tests.
async fn until(socket: &mut Socket, fits: impl Fn(&Message) -> bool) -> bool {
    let reading = async {
        while let Some(Ok(message)) = socket.next().await {
            if fits(&message) {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(Duration::from_mins(2), reading).await.expect("an end")
}

/// A create frame of exactly so many bytes.
fn create_of(bytes: usize) -> String {
    let empty = json!({"type": "response.create", "model": "gpt-5.5", "input": [user("")]}).to_string();
    let text = "x".repeat(bytes - empty.len());
    json!({"type": "response.create", "model": "gpt-5.5", "input": [user(&text)]}).to_string()
}

#[tokio::test]
async fn the_largest_message_goes_through_and_one_byte_more_is_too_much() {
    const MOST: usize = 64 << 20;
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let mut socket = open(&stand, "thread").await.unwrap();
    let frame = create_of(MOST);
    let sent = sha256_hex(&frame);

    socket.send(Message::text(frame)).await.unwrap();
    let completed = until(
        &mut socket,
        |message| matches!(message, Message::Text(text) if text.contains("\"response.completed\"")),
    );
    assert!(completed.await, "the answer comes");
    let seen = stand.backend.record().turns();
    assert_eq!((seen[0].body_length, &seen[0].body_sha256), (MOST, &sent));

    // The proxy stops reading in the middle of it, so the sending may fail as well.
    let sent = socket.send(Message::text(create_of(MOST + 1))).await.is_ok();
    let closed = until(
        &mut socket,
        |message| matches!(message, Message::Close(Some(close)) if close.code == CloseCode::Size),
    );
    assert!(closed.await || !sent, "1009");
    assert_eq!(stand.backend.record().turns().len(), 1);
}

#[tokio::test]
async fn a_message_in_fragments_arrives_whole() {
    let stand = Stand::start(Scenario::pool(["alpha"])).await;
    let mut socket = open(&stand, "thread").await.unwrap();
    let frame = json!({"type": "response.create", "model": "gpt-5.5", "input": [user("hello")]}).to_string();
    let piece = |bytes: &[u8], opcode, is_final| {
        let header = FrameHeader {
            is_final,
            opcode: OpCode::Data(opcode),
            mask: Some([1, 2, 3, 4]),
            ..FrameHeader::default()
        };
        Message::Frame(Frame::from_payload(header, bytes.to_vec().into()))
    };
    let bytes = frame.as_bytes();

    socket.send(piece(&bytes[..10], Data::Text, false)).await.unwrap();
    socket.send(Message::Ping(Vec::new().into())).await.unwrap();
    socket.send(piece(&bytes[10..20], Data::Continue, false)).await.unwrap();
    socket.send(piece(&bytes[20..], Data::Continue, true)).await.unwrap();
    let frames = answer(&mut socket).await;

    assert_eq!(kind(&frames), "response.completed", "{frames:?}");
    assert_eq!(stand.backend.record().turns()[0].body_sha256, sha256_hex(&frame));
}

#[tokio::test]
async fn an_upstream_that_answers_no_ping_is_given_up_and_harms_the_client_only_by_a_reconnect() {
    // Speaks the handshake and never reads again, so that no pong is ever sent.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dead = tokio::spawn(async move {
        let mut kept: Vec<tokio_tungstenite::WebSocketStream<TcpStream>> = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
                kept.push(socket);
            }
        }
    });
    let origin = format!("http://127.0.0.1:{port}");
    let scenario = Scenario::pool(["alpha", "bravo"]).with("alpha", |player| player.origin = origin);
    let stand = Stand::with(scenario, |settings| settings.ws_ping_interval = Span::millis(500)).await;
    stand.brief(|briefing| {
        briefing.revision += 1;
        let mut roster = (*briefing.roster).clone();
        roster.get_mut(&AccountKey::new("record:bravo")).unwrap().switch =
            codex_multi_auth::domain::account::Switch::Off;
        briefing.roster = std::sync::Arc::new(roster);
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut socket = open(&stand, "thread").await.unwrap();
    stand.brief(|briefing| {
        briefing.revision += 1;
        let mut roster = (*briefing.roster).clone();
        roster.get_mut(&AccountKey::new("record:bravo")).unwrap().switch =
            codex_multi_auth::domain::account::Switch::On;
        briefing.roster = std::sync::Arc::new(roster);
    });
    tokio::time::sleep(Duration::from_millis(50)).await;

    create(&mut socket, json!({"input": [user("one")]})).await;
    // Two intervals and fifteen seconds.
    let message = tokio::time::timeout(Duration::from_secs(25), socket.next()).await.expect("given up");

    let text = message.unwrap().unwrap().into_text().unwrap().to_string();
    assert!(text.contains("websocket_connection_limit_reached"), "{text}");
    drop(socket);
    let mut socket = open(&stand, "thread").await.unwrap();
    create(&mut socket, json!({"input": [user("one")]})).await;
    assert_eq!(kind(&answer(&mut socket).await), "response.completed");
    assert_eq!(stand.backend.record().turns()[0].account.as_deref(), Some("bravo"));
    dead.abort();
}

#[tokio::test]
async fn a_switch_acts_on_the_next_turn_of_a_living_socket() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    let mut socket = open(&stand, "thread").await.unwrap();
    create(&mut socket, json!({"input": [user("one")]})).await;
    assert_eq!(kind(&answer(&mut socket).await), "response.completed");
    let first = stand.backend.record().turns()[0].account.clone().unwrap();
    let other = if first == "alpha" { "bravo" } else { "alpha" };

    stand.brief(|briefing| {
        briefing.revision += 1;
        let mut roster = (*briefing.roster).clone();
        roster.pin = Some(AccountKey::new(format!("record:{other}")));
        roster.generation += 1;
        briefing.roster = std::sync::Arc::new(roster);
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    create(&mut socket, json!({"input": [user("two")]})).await;
    let told = answer(&mut socket).await;
    let mut socket = open(&stand, "thread").await.unwrap();
    create(&mut socket, json!({"input": [user("two")]})).await;

    assert_eq!(code(&told), "websocket_connection_limit_reached", "{told:?}");
    assert_eq!(kind(&answer(&mut socket).await), "response.completed");
    assert_eq!(stand.backend.record().turns()[1].account.as_deref(), Some(other));
}

#[tokio::test]
async fn the_age_limit_of_upstream_is_passed_on_and_charges_nobody() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    let age = Action::ErrorEvent {
        events: 0,
        status: 400,
        code: "websocket_connection_limit_reached".to_owned(),
        message: "Create a new connection.".to_owned(),
    };
    stand.backend.script(Rule::everywhere(Endpoint::Frame, age).once());
    let mut socket = open(&stand, "thread").await.unwrap();

    create(&mut socket, json!({"input": [user("one")]})).await;
    let told = answer(&mut socket).await;
    let mut socket = open(&stand, "thread").await.unwrap();
    create(&mut socket, json!({"input": [user("one")]})).await;
    let served = answer(&mut socket).await;

    assert_eq!(code(&told), "websocket_connection_limit_reached", "{told:?}");
    assert_eq!(kind(&served), "response.completed");
    let turns = stand.backend.record().turns();
    assert_eq!(turns[0].account, turns[1].account, "no rotation");
    let kept = stand.ports.kept();
    assert!(kept.roster.accounts.iter().all(|one| one.cooldown.is_none() && one.limits.is_empty()));
}

#[tokio::test]
async fn a_close_while_idle_reaches_the_client_with_its_code_and_is_nobodys_fault() {
    // Serves one turn and closes a moment later.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let upstream = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let _ = socket.next().await;
        for frame in [
            json!({"type": "response.created", "response": {"id": "resp_1"}}),
            json!({"type": "response.completed", "response": {"id": "resp_1", "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}}),
        ] {
            socket.send(Message::text(frame.to_string())).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let close = CloseFrame { code: CloseCode::Restart, reason: "restart".into() };
        let _ = socket.close(Some(close)).await;
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
    });
    let origin = format!("http://127.0.0.1:{port}");
    let stand = Stand::start(Scenario::pool(["alpha"]).with("alpha", |player| player.origin = origin)).await;
    let mut socket = open(&stand, "thread").await.unwrap();

    create(&mut socket, json!({"input": [user("one")]})).await;
    let frames = answer(&mut socket).await;
    let end = answer(&mut socket).await;

    assert_eq!(kind(&frames), "response.completed", "{frames:?}");
    assert_eq!(end.last(), Some(&json!({"closed": 1012})), "{end:?}");
    let row = stand.until(|kept| kept.entries.first().cloned()).await;
    assert_eq!(row.ending, Ending::Success);
    assert!(stand.ports.kept().roster.accounts[0].cooldown.is_none());
    upstream.await.unwrap();
}

#[tokio::test]
async fn a_turn_that_fails_everywhere_ends_with_one_last_word() {
    let stand = Stand::start(Scenario::pool(["a", "b", "c", "d", "e"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Frame, Action::usage_limit()));
    let mut told = Vec::new();

    // As the client does it: back at once with the whole context, until it is told the limit.
    for _ in 0..10 {
        let Ok(mut socket) = open(&stand, "thread").await else {
            told.push("refused".to_owned());
            break;
        };
        create(&mut socket, json!({"input": [user("one")]})).await;
        let frames = answer(&mut socket).await;
        let is_last = frames.last().unwrap()["error"]["type"] == "usage_limit_reached";
        told.push(code(&frames).as_str().unwrap_or_default().to_owned());
        if is_last {
            break;
        }
    }

    assert_eq!(told.len(), 5, "{told:?}");
    assert!(told[..4].iter().all(|code| code == "websocket_connection_limit_reached"), "{told:?}");
    assert_ne!(told[4], "websocket_connection_limit_reached");
    assert_eq!(stand.backend.record().turns().len(), 5);
}
