//! The sessions of a storm, and what became of their requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use codex_multi_auth::base::Secret;
use codex_multi_auth::domain::digest::sha256_hex;
use codex_multi_auth::rehearsal::backend::{Entry, Record};
use codex_multi_auth::rehearsal::client::{Client, Target, Transport, TurnError};
use fastrand::Rng;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Longer than any request may take.
const LONGEST: Duration = Duration::from_mins(2);
/// Turns of one conversation.
const TURNS: u32 = 6;
/// Codes of our own 429 and 400 answers that a storm may bring.
const OURS: [&str; 5] = [
    "codex_runtime_rotation_pool_exhausted",
    "codex_pinned_account_unavailable",
    "pool_exhaustion_cooldown",
    "server_burst_cooldown",
    "runtime_rotation_proxy_overloaded",
];
/// Statuses of upstream that reach the client as they are.
const AS_IS: [u16; 2] = [400, 403];

/// Where the proxy listens.
#[derive(Debug)]
pub(super) struct Place {
    base: String,
    authority: String,
    path: String,
}

impl Place {
    pub(super) fn of(base: &str) -> Self {
        let rest = base.strip_prefix("http://").expect("plain HTTP");
        let (authority, path) = rest.split_once('/').expect("a path");
        Self { base: base.to_owned(), authority: authority.to_owned(), path: format!("/{path}") }
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Whole, String> {
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.ok().map(http_body_util::Collected::to_bytes);
        connection.abort();
        Ok(Whole { status: parts.status.as_u16(), body })
    }
}

/// An answer; without a body when it was cut.
struct Whole {
    status: u16,
    body: Option<Bytes>,
}

/// How requests ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    ended: BTreeMap<String, u32>,
    wrong: Vec<String>,
}

impl Tally {
    fn note(&mut self, how: impl Into<String>) {
        *self.ended.entry(how.into()).or_default() += 1;
    }

    fn count(&self, start: &str) -> u32 {
        self.ended.iter().filter(|(how, _)| how.starts_with(start)).map(|(_, count)| count).sum()
    }

    #[track_caller]
    pub(super) fn assert_good(&self) {
        assert!(self.wrong.is_empty(), "{} wrong: {:#?}", self.wrong.len(), self.wrong);
        let (served, gave_up) = (self.count("served"), self.count("gave up"));
        assert!(served > 100, "hardly anything was served: {:?}", self.ended);
        // A client gives up after six cuts in a row, each of which is as specified; many of them are not.
        assert!(gave_up * 50 <= served, "{gave_up} gave up beside {served} served");
    }
}

/// Lets the sessions run side by side until `end`.
pub(super) async fn gather(
    sessions: u64,
    place: &Arc<Place>,
    record: &Record,
    end: Instant,
    stop: &CancellationToken,
) -> Tally {
    let tally = Arc::new(Mutex::new(Tally::default()));
    let mut running = JoinSet::new();
    for n in 0..sessions {
        let (place, tally, record) = (Arc::clone(place), Arc::clone(&tally), record.clone());
        match n % 4 {
            0 | 1 => running.spawn(converse(n, place, Transport::Socket, end, tally)),
            2 => running.spawn(converse(n, place, Transport::Http, end, tally)),
            _ => running.spawn(post(n, place, record, end, tally)),
        };
    }
    while let Some(joined) = running.join_next().await {
        joined.expect("no session panics");
    }
    stop.cancel();
    Arc::into_inner(tally).expect("all sessions ended").into_inner().expect("no session panicked")
}

async fn converse(n: u64, place: Arc<Place>, transport: Transport, end: Instant, tally: Arc<Mutex<Tally>>) {
    let mut rng = Rng::with_seed(n);
    for count in 0_u32.. {
        let target = Target {
            base_url: Secret::new(place.base.clone()),
            bearer: Secret::new("client-token"),
            account_id: "client-account".to_owned(),
            model: "gpt-5.5".to_owned(),
        };
        let mut client = Client::new(target, &format!("session-{n}-{count}"), transport).expect("a URL");
        for turn in 1..=TURNS {
            if Instant::now() >= end {
                return;
            }
            let prompt = format!("session {n}-{count} turn {turn} REHEARSE{{steps={}}}", rng.u8(0..3));
            let answered = timeout(LONGEST, client.turn(&prompt)).await;
            note(&tally, transport, &prompt, turn, answered.ok());
            tokio::time::sleep(Duration::from_millis(rng.u64(50..400))).await;
        }
    }
}

type Answered = Result<codex_multi_auth::rehearsal::client::TurnEnd, TurnError>;

fn note(tally: &Mutex<Tally>, way: Transport, prompt: &str, turn: u32, answered: Option<Answered>) {
    let mut tally = tally.lock().expect("no session panicked");
    match answered {
        None => tally.wrong.push(format!("{way:?} {prompt}: no end")),
        Some(Ok(end)) => {
            let asked = prompt.split(" REHEARSE").next().unwrap_or_default();
            if !end.text.contains(asked) || !end.text.contains(&format!("[prompts={turn} ")) {
                tally.wrong.push(format!("{way:?} {prompt}: answered {}", end.text));
            }
            tally.note(format!("served {way:?}"));
        }
        Some(Err(TurnError::Limit(_))) => tally.note(format!("limit {way:?}")),
        Some(Err(TurnError::Exhausted(_))) => tally.note(format!("gave up {way:?}")),
        Some(Err(TurnError::Refused { status, code, .. }))
            if OURS.contains(&code.as_str()) || AS_IS.contains(&status) || status == 503 =>
        {
            tally.note(format!("refused {way:?} {status} {code}"));
        }
        Some(Err(error)) => tally.wrong.push(format!("{way:?} {prompt}: {error:?}")),
    }
}

/// Posts bodies of every kind and looks whether they arrive as they are.
async fn post(n: u64, place: Arc<Place>, record: Record, end: Instant, tally: Arc<Mutex<Tally>>) {
    let mut rng = Rng::with_seed(n);
    for count in 0_u32.. {
        if Instant::now() >= end {
            return;
        }
        let session = format!("body-{n}-{count}");
        let (body, encoding) = body(&session, &mut rng);
        let hash = sha256_hex(&body);
        let mut request = Request::post(format!("{}/responses", place.path))
            .header("host", &place.authority)
            .header("content-type", "application/json")
            .header("accept", "text/event-stream")
            .header("authorization", "Bearer client-token")
            .header("x-codex-routing-hint", "model=gpt-5.5")
            .header("session-id", &session);
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let request = request.body(Full::new(body)).expect("a request");
        let answered = timeout(LONGEST, place.ask(request)).await;
        let arrived = record.of_session(&session);
        settle(&tally, &session, &hash, &arrived, answered.ok());
        tokio::time::sleep(Duration::from_millis(rng.u64(50..400))).await;
    }
}

fn settle(
    tally: &Mutex<Tally>,
    session: &str,
    hash: &str,
    arrived: &[Entry],
    answered: Option<Result<Whole, String>>,
) {
    let mut tally = tally.lock().expect("no session panicked");
    for entry in arrived.iter().filter(|entry| entry.endpoint == "http") {
        if entry.body_sha256 != hash {
            tally.wrong.push(format!("{session}: other bytes arrived at {:?}", entry.account));
        }
    }
    match answered {
        None => tally.wrong.push(format!("{session}: no end")),
        Some(Err(error)) => tally.wrong.push(format!("{session}: {error}")),
        Some(Ok(whole)) => judge(&mut tally, session, &whole),
    }
}

fn judge(tally: &mut Tally, session: &str, whole: &Whole) {
    let Some(body) = &whole.body else { return tally.note(format!("cut {}", whole.status)) };
    let code = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|body| body["error"]["code"].as_str().map(str::to_owned))
        .unwrap_or_default();
    match whole.status {
        200 if String::from_utf8_lossy(body).contains("response.") => tally.note("served body"),
        status if AS_IS.contains(&status) => tally.note(format!("as it is {status}")),
        429 if OURS.contains(&code.as_str()) => tally.note(format!("refused body {code}")),
        status => {
            let body = String::from_utf8_lossy(body);
            tally.wrong.push(format!("{session}: {status} {}", body.chars().take(200).collect::<String>()));
        }
    }
}

fn body(session: &str, rng: &mut Rng) -> (Bytes, Option<&'static str>) {
    let text = "word ".repeat(rng.usize(0..20_000));
    let turn = serde_json::json!({
        "model": "gpt-5.5", "stream": true, "store": false, "prompt_cache_key": session,
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}],
    })
    .to_string();
    match rng.u8(0..6) {
        0..3 => (turn.into(), None),
        3 | 4 => {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            (ruzstd::encoding::compress_to_vec(turn.as_bytes(), level).into(), Some("zstd"))
        }
        _ => {
            let size = [0, 1, 1_000, 200_000][rng.usize(0..4)];
            ((0..size).map(|_| rng.u8(..)).collect::<Vec<_>>().into(), None)
        }
    }
}

/// Requests and sockets that are open once everybody has left.
pub(super) async fn quiet(place: &Place) -> (i64, i64) {
    let path = place.path.replace("/backend-api/codex", "/status");
    let mut open = (-1, -1);
    for _ in 0..100 {
        let request =
            Request::get(&path).header("host", &place.authority).body(Full::default()).expect("a request");
        let answer = place.ask(request).await.ok().and_then(|whole| whole.body);
        let status: Value = serde_json::from_slice(&answer.unwrap_or_default()).unwrap_or_default();
        let count = |name: &str| status[name].as_i64().unwrap_or(-1);
        open = (count("inFlight"), count("sockets"));
        if open == (0, 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    open
}
