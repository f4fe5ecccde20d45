//! The upstream of all benches of traffic: plain loopback HTTP that answers a turn with events that carry their time of
//! departure.
//!
//! A request says what it wants: `x-bench-events` events of `x-bench-size` bytes, `x-bench-gap-us` apart, with numbers
//! instead of times when `x-bench-numbered` is there; `x-bench-fat` bytes as fast as they go; to be held after its events
//! until all are released (`x-bench-hold`); to be refused `x-bench-fail` times under one `x-bench-id`. A frame of a socket
//! says so in its member `bench`. Everything else is answered as a healthy back end would, so that nothing but a turn
//! costs anything.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use color_eyre::Result;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// Marks the departure time inside an event, nanoseconds since the bench began.
pub(crate) const STAMP: &str = "\"stamp\":";

/// Bytes of an event that asks for no other size.
pub(crate) const SIZE: usize = 260;
/// Bytes that a fat stream writes at a time.
const BLOCK: usize = 64 * 1024;

/// A server on a thread of its own, for as long as the bench runs.
pub(crate) struct Upstream {
    pub(crate) port: u16,
    pub(crate) began: Instant,
    released: watch::Sender<u64>,
}

/// What all connections share.
#[derive(Clone)]
struct Shared {
    began: Instant,
    released: watch::Receiver<u64>,
    refused: Arc<Mutex<HashMap<String, u32>>>,
}

impl Upstream {
    pub(crate) fn start() -> Result<Self> {
        let began = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        let (released, watched) = watch::channel(0);
        let shared = Shared { began, released: watched, refused: Arc::default() };
        std::thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    // Out of descriptors for a moment.
                    let Ok((client, _)) = listener.accept().await else {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        continue;
                    };
                    tokio::spawn(serve(client, shared.clone()));
                }
            });
        });
        Ok(Self { port, began, released })
    }

    /// Ends every stream that is held now.
    pub(crate) fn release(&self) {
        self.released.send_modify(|times| *times += 1);
    }
}

#[derive(Default)]
struct Asked {
    line: String,
    length: usize,
    account: String,
    events: u64,
    gap: Duration,
    size: usize,
    numbered: bool,
    fat: u64,
    hold: bool,
    fail: u32,
    id: String,
    key: Option<String>,
}

async fn serve(client: TcpStream, mut shared: Shared) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    while let Some(asked) = read(&mut client).await? {
        if let Some(key) = &asked.key {
            let accept = derive_accept_key(key.as_bytes());
            let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ";
            client.get_mut().write_all(format!("{head}{accept}\r\n\r\n").as_bytes()).await?;
            return socket(client, shared.began).await.map_err(std::io::Error::other);
        }
        if asked.line.starts_with("POST") && asked.line.contains("/responses") {
            if asked.fail > 0 && shared.refuses(&asked) {
                let body = "{\"error\":{\"type\":\"usage_limit_reached\",\"message\":\"limit\",\"resets_in_seconds\":1}}";
                let head =
                    "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: ";
                client.get_mut().write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await?;
            } else if asked.fat > 0 {
                fat(client.get_mut(), &asked).await?;
            } else {
                stream(client.get_mut(), &asked, &mut shared).await?;
            }
            continue;
        }
        let body = if asked.line.contains("/wham/accounts/check") {
            listed(&asked.account)
        } else {
            "{}".to_owned()
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
        client.get_mut().write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    }
    Ok(())
}

fn listed(account: &str) -> String {
    let open =
        "\"workspace_backend_origin\":\"NO_CONSTRAINT\",\"account_routing_override\":\"NO_CONSTRAINT\"";
    let state = "\"structure\":\"personal\",\"plan_type\":\"plus\",\"is_deactivated\":false,\"can_access_with_session\":true";
    format!(
        "{{\"accounts\":[{{\"id\":\"{account}\",{state},{open}}}],\"account_ordering\":[\"{account}\"],\
         \"default_account_id\":\"{account}\"}}"
    )
}

async fn read(client: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut asked = Asked { size: SIZE, ..Asked::default() };
    let mut line = String::new();
    let mut chunked = false;
    while client.read_line(&mut line).await? > 0 {
        let text = line.trim_end();
        if text.is_empty() {
            if chunked {
                skip_chunks(client).await?;
            } else {
                let mut body = vec![0; asked.length];
                client.read_exact(&mut body).await?;
            }
            return Ok(Some(asked));
        }
        if asked.line.is_empty() {
            text.clone_into(&mut asked.line);
        } else if let Some((name, value)) = text.split_once(':') {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => asked.length = value.parse().unwrap_or(0),
                "transfer-encoding" => chunked = true,
                "chatgpt-account-id" => value.clone_into(&mut asked.account),
                "x-bench-events" => asked.events = value.parse().unwrap_or(1),
                "x-bench-size" => asked.size = value.parse().unwrap_or(SIZE),
                "x-bench-numbered" => asked.numbered = true,
                "x-bench-fat" => asked.fat = value.parse().unwrap_or(0),
                "x-bench-hold" => asked.hold = true,
                "x-bench-fail" => asked.fail = value.parse().unwrap_or(0),
                "x-bench-id" => value.clone_into(&mut asked.id),
                "sec-websocket-key" => asked.key = Some(value.to_owned()),
                "x-bench-gap-us" => asked.gap = Duration::from_micros(value.parse().unwrap_or(0)),
                _ => {}
            }
        }
        line.clear();
    }
    Ok(None)
}

async fn skip_chunks(client: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        client.read_line(&mut line).await?;
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        let mut body = vec![0; length + 2];
        client.read_exact(&mut body).await?;
        if length == 0 {
            return Ok(());
        }
    }
}

impl Shared {
    /// Whether a request is still to be refused.
    fn refuses(&self, asked: &Asked) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let times = refused.entry(asked.id.clone()).or_default();
        *times += 1;
        *times <= asked.fail
    }
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

async fn stream(client: &mut TcpStream, asked: &Asked, shared: &mut Shared) -> std::io::Result<()> {
    // Whoever is held waits for the next release, not for one before it came.
    shared.released.mark_unchanged();
    client.write_all(HEAD.as_bytes()).await?;
    for number in 0..asked.events {
        if number > 0 && !asked.gap.is_zero() {
            tokio::time::sleep(asked.gap).await;
        }
        let stamp = if asked.numbered { u128::from(number) } else { shared.began.elapsed().as_nanos() };
        client.write_all(chunk(&event(stamp, asked.size)).as_bytes()).await?;
    }
    if asked.hold {
        shared.released.changed().await.map_err(std::io::Error::other)?;
    }
    client.write_all(chunk(&completed()).as_bytes()).await?;
    client.write_all(b"0\r\n\r\n").await
}

/// The same event again and again, as fast as it is taken.
async fn fat(client: &mut TcpStream, asked: &Asked) -> std::io::Result<()> {
    client.write_all(HEAD.as_bytes()).await?;
    let one = event(0, asked.size);
    let block = chunk(&one).repeat((BLOCK / one.len()).max(1));
    let mut left = asked.fat;
    while left > 0 {
        client.write_all(block.as_bytes()).await?;
        left = left.saturating_sub((one.len() * (BLOCK / one.len()).max(1)) as u64);
    }
    client.write_all(chunk(&completed()).as_bytes()).await?;
    client.write_all(b"0\r\n\r\n").await
}

/// Turns over a socket, until it closes.
async fn socket(
    client: BufReader<TcpStream>,
    began: Instant,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let mut socket = WebSocketStream::from_raw_socket(client, Role::Server, None).await;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let asked: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let of = |name: &str| asked.pointer(&format!("/bench/{name}")).and_then(serde_json::Value::as_u64);
        let gap = Duration::from_micros(of("gap").unwrap_or_default());
        for number in 0..of("events").unwrap_or(1) {
            if number > 0 && !gap.is_zero() {
                tokio::time::sleep(gap).await;
            }
            socket.send(Message::text(data(began.elapsed().as_nanos(), SIZE))).await?;
        }
        socket.send(Message::text(END)).await?;
    }
    Ok(())
}

/// An event of about `size` bytes.
pub(crate) fn event(stamp: u128, size: usize) -> String {
    format!("event: response.output_text.delta\ndata: {}\n\n", data(stamp, size))
}

fn data(stamp: u128, size: usize) -> String {
    /// Bytes of an event that are not its text.
    const AROUND: usize = 140;
    let filler = "x".repeat(size.saturating_sub(AROUND));
    format!(
        "{{\"type\":\"response.output_text.delta\",{STAMP}{stamp},\"item_id\":\"msg_1\",\"delta\":\"{filler}\"}}"
    )
}

const END: &str = "{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\
                   \"usage\":{\"input_tokens\":10,\"output_tokens\":10,\"total_tokens\":20}}}";

/// The event that ends a turn.
pub(crate) fn completed() -> String {
    format!("event: response.completed\ndata: {END}\n\n")
}

fn chunk(event: &str) -> String {
    format!("{:x}\r\n{event}\r\n", event.len())
}
