//! The client over HTTP: the whole context in a zstd body, the answer as a stream of events.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::Fuse;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Answer, Client, IDLE, Step, TurnError, judged};
use crate::formats::fake::client::{self as wire, Carriage, Heard};

/// Asks with everything said so far.
pub(super) async fn ask(client: &Client) -> Step {
    let body = wire::request(&client.target.model, &client.session, &client.history, Carriage::Body);
    match timeout(IDLE, exchange(client, &body)).await {
        Ok(Some((200, _, body))) => streamed(body).await,
        Ok(Some((status, headers, body))) => refused(status, &headers, body).await,
        Ok(None) | Err(_) => Step::Again(Duration::ZERO),
    }
}

/// One request on a connection of its own; `None` when the connection failed.
async fn exchange(client: &Client, body: &str) -> Option<(u16, HeaderMap, Answering)> {
    let stream = TcpStream::connect(&client.place.authority).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let mut connection = Box::pin(connection.fuse());
    let packed =
        ruzstd::encoding::compress_to_vec(body.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    let mut builder = Request::post(client.place.responses())
        .header("host", &client.place.authority)
        .header("accept", "text/event-stream")
        .header("content-type", "application/json")
        .header("content-encoding", "zstd");
    for (name, value) in client.headers() {
        builder = builder.header(name, value);
    }
    let request = builder.body(Full::new(Bytes::from(packed))).ok()?;
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    let response = tokio::select! {
        response = &mut answer => response.ok()?,
        // The connection may end right after a short answer, which is then there already.
        _ = &mut connection => answer.await.ok()?,
    };
    let (parts, body) = response.into_parts();
    Some((parts.status.as_u16(), parts.headers, Answering { body, connection, _sender: sender }))
}

type Connection = Fuse<hyper::client::conn::http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>;

/// A body and the connection that has to be driven for it to arrive.
struct Answering {
    body: Incoming,
    connection: std::pin::Pin<Box<Connection>>,
    /// Dropped early, it would end the connection.
    _sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
}

impl Answering {
    /// The next bytes; `None` at the end, good or bad.
    async fn chunk(&mut self) -> Option<Bytes> {
        loop {
            let frame = tokio::select! {
                frame = self.body.frame() => frame,
                _ = &mut self.connection => continue,
            };
            match frame?.ok()?.into_data() {
                Ok(data) => return Some(data),
                Err(_trailers) => {}
            }
        }
    }
}

async fn streamed(mut body: Answering) -> Step {
    let mut answer = Answer::default();
    let mut pending = Vec::new();
    while let Ok(Some(chunk)) = timeout(IDLE, body.chunk()).await {
        pending.extend_from_slice(&chunk);
        while let Some(end) = pending.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = pending.drain(..end + 2).collect();
            let heard = heard(&block);
            if let Some(step) = judged(&heard) {
                return step;
            }
            if let Heard::Completed { .. } = heard {
                return Step::Done(answer);
            }
            answer.hear(heard);
        }
    }
    Step::Again(Duration::ZERO)
}

fn heard(block: &[u8]) -> Heard {
    let text = String::from_utf8_lossy(block);
    text.lines().find_map(|line| line.strip_prefix("data: ")).map_or(Heard::Other, wire::hear)
}

impl Answer {
    pub(super) fn hear(&mut self, heard: Heard) {
        if let Heard::Item { raw, call, text } = heard {
            self.items.push(raw);
            self.calls.extend(call);
            if let Some(text) = text {
                self.text = text;
            }
        }
    }
}

async fn refused(status: u16, headers: &HeaderMap, mut body: Answering) -> Step {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = timeout(IDLE, body.chunk()).await {
        bytes.extend_from_slice(&chunk);
    }
    let heard = wire::refusal(status, &String::from_utf8_lossy(&bytes));
    let seconds = headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    if let (429, Some(seconds), false) = (status, seconds, is_limit(&heard)) {
        return Step::Again(Duration::from_secs(seconds));
    }
    let refused = match &heard {
        Heard::Failed { code, message, .. } => {
            TurnError::Refused { status, code: code.clone(), message: message.clone() }
        }
        Heard::Item { .. } | Heard::Completed { .. } | Heard::Incomplete | Heard::Other => {
            TurnError::Refused { status, code: String::new(), message: String::new() }
        }
    };
    match status {
        400 | 401 | 429 if !is_limit(&heard) => Step::Over(refused),
        _ => judged(&heard).unwrap_or(Step::Over(refused)),
    }
}

fn is_limit(heard: &Heard) -> bool {
    matches!(heard, Heard::Failed { code, .. } if code == "usage_limit_reached")
}
