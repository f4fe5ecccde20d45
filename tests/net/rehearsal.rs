//! The fake back end itself: what it answers, what it remembers, how it fails.

mod client;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use codex_multi_auth::adapters::clock::SystemClock;
use codex_multi_auth::adapters::env::Env;
use codex_multi_auth::adapters::store::DiskStore;
use codex_multi_auth::base::Span;
use codex_multi_auth::domain::places::Places;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use codex_multi_auth::ports::{Clock as _, Store as _};
use codex_multi_auth::rehearsal::backend::{Backend, Entry, Issued, Options, Outcome, Violation};
use codex_multi_auth::rehearsal::home::Home;
use codex_multi_auth::rehearsal::scenario;

use crate::support::backend::{assert_clean, order, start, start_at};

async fn send(backend: &Backend, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, hyper::Error> {
    let stream = TcpStream::connect(backend.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await
}

fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

fn signed(mut request: Request<Full<Bytes>>, tokens: &Issued) -> Request<Full<Bytes>> {
    let headers = request.headers_mut();
    headers.insert("authorization", format!("Bearer {}", tokens.access.expose()).parse().unwrap());
    headers.insert("chatgpt-account-id", tokens.account_id.parse().unwrap());
    request
}

fn turn(input: &Value) -> String {
    json!({"model": "gpt-5.5", "stream": true, "store": false, "input": input, "prompt_cache_key": "thread"})
        .to_string()
}

fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
}

async fn post_turn(backend: &Backend, name: &str, input: &Value) -> Result<Response<Incoming>, hyper::Error> {
    let tokens = backend.tokens(name).unwrap();
    send(backend, signed(post("/backend-api/codex/responses", turn(input)), &tokens)).await
}

async fn text(response: Response<Incoming>) -> Result<String, hyper::Error> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

async fn json_of(response: Response<Incoming>) -> Value {
    serde_json::from_str(&text(response).await.unwrap()).unwrap()
}

fn events(stream: &str) -> Vec<Value> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|json| serde_json::from_str(json).unwrap())
        .collect()
}

fn output(events: &[Value]) -> Vec<Value> {
    events.last().unwrap()["response"]["output"].as_array().unwrap().clone()
}

fn refresh(token: &str) -> Request<Full<Bytes>> {
    let body = json!({"grant_type": "refresh_token", "refresh_token": token, "client_id": "x"});
    post("/oauth/token", body.to_string())
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_is_recorded() {
    let backend = start(Scenario::pool(["one"])).await;
    let tokens = backend.tokens("one").unwrap();

    let first = send(&backend, refresh(tokens.refresh.expose())).await.unwrap();
    let second = send(&backend, refresh(tokens.refresh.expose())).await.unwrap();

    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 401));
    assert_eq!(json_of(second).await["error"]["code"], "refresh_token_reused");
    assert_eq!(backend.record().violations(), [(2, Violation::ReusedRefreshToken)]);
}

#[tokio::test]
async fn a_turn_with_tool_steps_ends_with_text_that_tells_who_answered() {
    let backend = start(Scenario::pool(["one"])).await;
    let mut input = vec![user("go REHEARSE{steps=1}")];

    let first = post_turn(&backend, "one", &json!(input)).await.unwrap();
    assert_eq!(first.headers()["x-codex-primary-used-percent"], "5");
    let call = output(&events(&text(first).await.unwrap()));
    assert_eq!(call[1]["arguments"], r#"{"cmd":"echo step-1"}"#);
    input.extend(call);
    input.push(json!({"type": "function_call_output", "call_id": "c", "output": "step-1"}));
    let last = post_turn(&backend, "one", &json!(input)).await.unwrap();
    let last = events(&text(last).await.unwrap());

    let message = &output(&last)[1]["content"][0]["text"];
    assert_eq!(
        message.as_str().unwrap(),
        "Rehearsed answer to: go REHEARSE{steps=1} [prompts=1 outputs=1 account=one]"
    );
    assert_eq!(order(&backend), ["one 200", "one 200"]);
    assert_clean(&backend);
}

#[tokio::test]
async fn a_zstd_body_is_read() {
    let backend = start(Scenario::pool(["one"])).await;
    let plain = turn(&json!([user("compressed")]));
    let body =
        ruzstd::encoding::compress_to_vec(plain.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    let mut request = signed(post("/backend-api/codex/responses", body), &backend.tokens("one").unwrap());
    request.headers_mut().insert("content-encoding", "zstd".parse().unwrap());

    let answer = text(send(&backend, request).await.unwrap()).await.unwrap();

    assert!(answer.contains("Rehearsed answer to: compressed"), "{answer}");
    assert_eq!(backend.record().turns()[0].encoding.as_deref(), Some("zstd"));
}

#[tokio::test]
async fn reasoning_of_another_account_is_refused() {
    let backend = start(Scenario::pool(["one", "two"])).await;
    let first = post_turn(&backend, "one", &json!([user("think")])).await.unwrap();
    let mut input = vec![user("think")];
    input.extend(output(&events(&text(first).await.unwrap())));
    input.push(user("again"));

    let own = post_turn(&backend, "one", &json!(input)).await.unwrap();
    let foreign = post_turn(&backend, "two", &json!(input)).await.unwrap();

    assert_eq!((own.status().as_u16(), foreign.status().as_u16()), (200, 400));
    assert_eq!(json_of(foreign).await["error"]["code"], "invalid_encrypted_content");
}

#[tokio::test]
async fn a_scripted_limit_comes_when_it_is_due_and_an_exhausted_account_stays_exhausted() {
    let limit = Rule::on("one", Endpoint::Turn, Action::usage_limit()).skip(1).once();
    let drained =
        Rule::on("two", Endpoint::Turn, Action::Exhaust { resets_in: Some(Span::minutes(30)) }).once();
    let backend = start(Scenario::pool(["one", "two"]).rule(limit).rule(drained)).await;

    for _ in 0..3 {
        post_turn(&backend, "one", &json!([user("x")])).await.unwrap();
    }
    let first = post_turn(&backend, "two", &json!([user("x")])).await.unwrap();
    let second = post_turn(&backend, "two", &json!([user("x")])).await.unwrap();

    assert_eq!(order(&backend), ["one 200", "one 429", "one 200", "two 429", "two 429"]);
    assert_eq!(first.headers()["x-codex-primary-used-percent"], "100");
    let error = json_of(second).await;
    assert_eq!(error["error"]["type"], "usage_limit_reached");
    assert_eq!(error["error"]["resets_in_seconds"], 1800);
}

#[tokio::test]
async fn a_stream_breaks_where_the_rule_says() {
    let cases = [
        (Action::Cut { events: 4 }, 4, false),
        (Action::Tear { events: 4 }, 4, false),
        (Action::Truncate { events: 3 }, 3, true),
        (Action::Truncate { events: 1_000 }, 23, true),
        (Action::Fail { events: 0, code: "server_error".to_owned(), message: String::new() }, 1, true),
    ];
    for (action, wanted, whole) in cases {
        let word = action.word();
        let backend = start(Scenario::pool(["one"]).rule(Rule::everywhere(Endpoint::Http, action))).await;

        let mut body = post_turn(&backend, "one", &json!([user("x")])).await.unwrap().into_body();
        let mut received = Vec::new();
        let mut ended_well = true;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => received.extend_from_slice(frame.data_ref().unwrap()),
                Err(_) => ended_well = false,
            }
        }

        let text = String::from_utf8(received).unwrap();
        let complete =
            text.split("\n\n").filter(|block| block.contains("\ndata: ") && block.ends_with('}')).count();
        assert_eq!((complete, ended_well), (wanted, whole), "{word}: {text}");
    }
}

#[tokio::test]
async fn a_peer_that_goes_away_is_recorded_as_such() {
    let stall = Rule::everywhere(Endpoint::Http, Action::Hang);
    let backend = start(Scenario::pool(["one"]).rule(stall)).await;

    let waiting =
        tokio::time::timeout(std::time::Duration::from_millis(50), post_turn(&backend, "one", &json!([])))
            .await;
    assert!(waiting.is_err());
    backend.script(Rule::everywhere(Endpoint::Http, Action::NotListed));
    while backend.record().turns()[0].outcome == Outcome::Open {
        tokio::task::yield_now().await;
    }

    assert_eq!(backend.record().turns()[0].outcome, Outcome::Abandoned);
}

#[tokio::test]
async fn requests_without_or_with_the_wrong_credentials_are_violations() {
    let backend = start(Scenario::pool(["one", "two"])).await;
    let (one, two) = (backend.tokens("one").unwrap(), backend.tokens("two").unwrap());
    let mixed = Issued { account_id: two.account_id, ..one };

    let bare = send(&backend, post("/backend-api/codex/responses", turn(&json!([])))).await.unwrap();
    let wrong = send(&backend, signed(post("/backend-api/wham/usage", ""), &mixed)).await.unwrap();
    let side = send(&backend, post("/backend-api/ps/mcp", "{}")).await.unwrap();

    assert_eq!([bare.status(), wrong.status(), side.status()].map(|status| status.as_u16()), [401, 403, 200]);
    assert_eq!(
        backend.record().violations(),
        [(1, Violation::NoCredentials), (2, Violation::AccountMismatch)]
    );
}

#[tokio::test]
async fn usage_check_and_models_tell_of_the_account_that_asks() {
    let backend = start(Scenario::pool(["one"]).with("one", |one| one.routing = "us".to_owned())).await;
    let tokens = backend.tokens("one").unwrap();
    let get =
        |path: &str| signed(Request::get(path).header("host", "h").body(Full::default()).unwrap(), &tokens);

    let usage = json_of(send(&backend, get("/backend-api/wham/usage")).await.unwrap()).await;
    let check = json_of(send(&backend, get("/backend-api/wham/accounts/check")).await.unwrap()).await;
    let models = send(&backend, get("/backend-api/codex/models?client_version=0.169.0")).await.unwrap();

    assert_eq!(usage["rate_limit"]["primary_window"]["used_percent"], 5);
    assert_eq!(usage["account_id"], check["accounts"][0]["id"]);
    assert_eq!(check["accounts"][0]["account_routing_override"], "us");
    assert!(models.headers().contains_key("etag"));
}

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn open(backend: &Backend, name: &str) -> Result<Socket, Error> {
    let tokens = backend.tokens(name).unwrap();
    let url = format!("ws://{}/backend-api/codex/responses", backend.address());
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("authorization", format!("Bearer {}", tokens.access.expose()).parse().unwrap());
    headers.insert("chatgpt-account-id", tokens.account_id.parse().unwrap());
    let stream = TcpStream::connect(backend.address()).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
}

/// Sends a frame and collects its answer up to the terminal event or the end of the socket.
async fn ask(socket: &mut Socket, frame: &Value) -> Vec<Value> {
    socket.send(Message::text(frame.to_string())).await.unwrap();
    let mut events: Vec<Value> = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { break };
        events.push(serde_json::from_str(&text).unwrap());
        let kind = events.last().unwrap()["type"].as_str().unwrap();
        if ["response.completed", "response.failed", "error"].contains(&kind) {
            break;
        }
    }
    events
}

fn create(previous: Option<&Value>, input: &Value) -> Value {
    let mut frame: Value = serde_json::from_str(&turn(input)).unwrap();
    frame["type"] = json!("response.create");
    if let Some(previous) = previous {
        frame["previous_response_id"] = previous.clone();
    }
    frame
}

#[tokio::test]
async fn a_socket_carries_a_tool_loop_by_response_ids() {
    let backend = start(Scenario::pool(["one"])).await;
    let mut socket = open(&backend, "one").await.unwrap();
    let id = |events: &[Value]| events.last().unwrap()["response"]["id"].clone();

    let mut prewarm = create(None, &json!([]));
    prewarm["generate"] = json!(false);
    let warm = ask(&mut socket, &prewarm).await;
    let call = ask(&mut socket, &create(Some(&id(&warm)), &json!([user("go REHEARSE{steps=1}")]))).await;
    let done = json!([{"type": "function_call_output", "call_id": "c", "output": "step-1"}]);
    let last = ask(&mut socket, &create(Some(&id(&call)), &done)).await;

    assert_eq!(warm[0]["type"], "codex.rate_limits");
    assert_eq!(output(&call)[1]["type"], "function_call");
    assert_eq!(
        output(&last)[1]["content"][0]["text"],
        "Rehearsed answer to: go REHEARSE{steps=1} [prompts=1 outputs=1 account=one]"
    );
    let seen: Vec<_> = backend.record().entries().into_iter().map(|entry| entry.endpoint).collect();
    assert_eq!(seen, ["upgrade", "prewarm", "frame", "frame"]);
}

#[tokio::test]
async fn a_response_id_is_good_on_its_own_socket_only() {
    let backend = start(Scenario::pool(["one"])).await;
    let first = ask(&mut open(&backend, "one").await.unwrap(), &create(None, &json!([user("x")]))).await;
    let id = &first.last().unwrap()["response"]["id"];

    let answer = ask(&mut open(&backend, "one").await.unwrap(), &create(Some(id), &json!([]))).await;

    assert_eq!(answer[0]["error"]["code"], "previous_response_not_found");
}

#[tokio::test]
async fn a_socket_fails_as_the_rule_says() {
    let cases = [
        (Action::usage_limit(), "error"),
        (Action::Cut { events: 2 }, "response.in_progress"),
        (Action::Tear { events: 2 }, "response.in_progress"),
        (Action::Close { events: 1, code: 1011 }, "response.created"),
        (Action::fail("server_error", 0), "response.failed"),
        (
            Action::ErrorEvent {
                events: 0,
                status: 400,
                code: "websocket_connection_limit_reached".to_owned(),
                message: String::new(),
            },
            "error",
        ),
    ];
    for (action, wanted) in cases {
        let word = action.word();
        let backend = start(Scenario::pool(["one"]).rule(Rule::everywhere(Endpoint::Frame, action))).await;

        let answer = ask(&mut open(&backend, "one").await.unwrap(), &create(None, &json!([user("x")]))).await;

        assert_eq!(answer.last().unwrap()["type"], wanted, "{word}");
    }
}

#[tokio::test]
async fn an_upgrade_can_be_refused() {
    let backend =
        start(Scenario::pool(["one"]).rule(Rule::everywhere(Endpoint::Upgrade, Action::UpgradeRequired)))
            .await;

    let Err(Error::Http(response)) = open(&backend, "one").await else { panic!("it opened") };

    assert_eq!(response.status(), 426);
}

#[tokio::test]
async fn a_furnished_home_holds_private_files_that_name_the_same_tokens() {
    let scenario = scenario::find("tour").unwrap();
    let backend = start(scenario).await;
    let home = Home::throw_away(&backend).unwrap();
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap();

    let pool: Value = serde_json::from_str(&read(home.root().join("openai-codex-accounts.json"))).unwrap();
    let quota: Value = serde_json::from_str(&read(home.root().join("quota-cache.json"))).unwrap();
    let auth: Value = serde_json::from_str(&read(home.codex().join("auth.json"))).unwrap();
    let ledger = read(home.root().join("usage/usage-ledger.jsonl"));

    let alpha = backend.tokens("alpha").unwrap();
    assert_eq!(pool["accounts"].as_array().unwrap().len(), 6);
    assert_eq!(pool["accounts"][0]["refreshToken"], alpha.refresh.expose());
    assert_eq!(auth["tokens"]["account_id"], alpha.account_id);
    assert_eq!(quota["byAccountId"].as_object().unwrap().len(), 5);
    assert_eq!(quota["byAccountId"][&alpha.account_id]["primary"]["usedPercent"], 38.0);
    let times: Vec<i64> = ledger
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["createdAt"].as_i64().unwrap())
        .collect();
    assert_eq!(times.len(), 41 + 34 + 27 + 12 + 22);
    assert!(times.is_sorted());
    let folder = home.folder().to_owned();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&home.root())), (0o700, 0o700));
        assert_eq!(mode(&home.codex().join("auth.json")), 0o600);
    }
    drop(home);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_record_file_gets_a_line_for_every_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.jsonl");
    let options = Options {
        dump: Some(path.clone()),
        ..Options::new(Scenario::pool(["one"]), crate::support::backend::BEGIN)
    };
    let backend = Backend::start(options).await.unwrap();

    let answer = post_turn(&backend, "one", &json!([user("x")])).await.unwrap();
    text(answer).await.unwrap();

    let lines = std::fs::read_to_string(&path).unwrap();
    let entries: Vec<_> = lines.lines().filter_map(Entry::from_line).collect();
    assert_eq!(entries, backend.record().entries());
}

#[tokio::test]
async fn a_login_in_the_browser_and_one_by_device_code_give_tokens_of_the_person_named() {
    let backend = start(Scenario::pool(["one", "two"])).await;
    backend.next_login("two");
    let form = |body: String| {
        let mut request = post("/oauth/token", body);
        request.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        request
    };

    let path = "/oauth/authorize?redirect_uri=http%3A%2F%2Flocalhost%3A1455%2Fauth%2Fcallback&state=s";
    let agreed =
        send(&backend, Request::get(path).header("host", "h").body(Full::default()).unwrap()).await.unwrap();
    let location = agreed.headers()["location"].to_str().unwrap().to_owned();
    let code = location.split(['=', '&']).nth(1).unwrap();
    let fields = format!(
        "grant_type=authorization_code&code={code}&code_verifier=v\
         &redirect_uri=http%3A%2F%2Flocalhost%3A1455%2Fauth%2Fcallback"
    );
    let browser = send(&backend, form(fields)).await.unwrap();
    backend.pending_polls(1);
    let begun = json_of(send(&backend, post("/api/accounts/deviceauth/usercode", "{}")).await.unwrap()).await;
    let poll = || {
        send(
            &backend,
            post(
                "/api/accounts/deviceauth/token",
                json!({"device_auth_id": begun["device_auth_id"]}).to_string(),
            ),
        )
    };
    let pending = poll().await.unwrap().status();
    let granted = json_of(poll().await.unwrap()).await;
    let fields = format!(
        "grant_type=authorization_code&code={}&code_verifier={}\
         &redirect_uri=http%3A%2F%2F127.0.0.1%2Fdeviceauth%2Fcallback",
        granted["authorization_code"].as_str().unwrap(),
        granted["code_verifier"].as_str().unwrap()
    );
    let device = send(&backend, form(fields)).await.unwrap();

    assert_eq!(pending, 403);
    assert!(location.ends_with("&state=s"), "{location}");
    for answer in [browser, device] {
        let token = json_of(answer).await["refresh_token"].as_str().unwrap().to_owned();
        assert!(token.starts_with("rt_two_"), "{token}");
    }
}

#[tokio::test]
async fn the_product_reads_a_furnished_home_like_any_other() {
    let now = SystemClock::new().now();
    let backend = start_at(scenario::find("tour").unwrap(), now).await;
    let home = Home::throw_away(&backend).unwrap();
    let places = Arc::new(Places::under(home.root(), home.codex()));
    let store = DiskStore::new(places, &Env::default(), SystemClock::new());

    let loaded = store.load().await.unwrap();
    let quota = store.quota(&loaded.roster).await.unwrap();
    let usage = store.usage(now - Span::days(1)).await.unwrap();

    let emails: Vec<_> = loaded.roster.accounts.iter().filter_map(|one| one.email.as_deref()).collect();
    assert_eq!(emails[..2], ["alpha@example.com", "bravo@example.com"]);
    assert_eq!((emails.len(), quota.len(), usage.len()), (6, 5, 136));
    let bravo = &quota[&loaded.roster.accounts[1].key];
    assert!(bravo.exhausted_until(now).is_some(), "{bravo:?}");
}
