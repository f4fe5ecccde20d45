//! The upstream of P1 and P3: plain loopback HTTP that answers a turn with events that carry their time of departure.
//!
//! A request says with `x-bench-events` and `x-bench-gap-us` how many events it wants and how far apart. Everything
//! else is answered as a healthy back end would, so that nothing but a turn costs anything.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use color_eyre::Result;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Marks the departure time inside an event, nanoseconds since the bench began.
pub(crate) const STAMP: &str = "\"stamp\":";

/// A server on a thread of its own, for as long as the bench runs.
pub(crate) struct Upstream {
    pub(crate) port: u16,
    pub(crate) began: Instant,
}

impl Upstream {
    pub(crate) fn start() -> Result<Self> {
        let began = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        std::thread::spawn(move || {
            runtime.block_on(async {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(serve(client, began));
                }
            });
        });
        Ok(Self { port, began })
    }
}

#[derive(Default)]
struct Asked {
    line: String,
    length: usize,
    account: String,
    events: u32,
    gap: Duration,
}

async fn serve(client: TcpStream, began: Instant) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    let filler: Arc<str> = "x".repeat(120).into();
    while let Some(asked) = read(&mut client).await? {
        if asked.line.starts_with("POST") && asked.line.contains("/responses") {
            stream(client.get_mut(), &asked, began, &filler).await?;
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
    let mut asked = Asked::default();
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

async fn stream(client: &mut TcpStream, asked: &Asked, began: Instant, filler: &str) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    client.write_all(head.as_bytes()).await?;
    for number in 0..asked.events {
        if number > 0 && !asked.gap.is_zero() {
            tokio::time::sleep(asked.gap).await;
        }
        let stamp = began.elapsed().as_nanos();
        let data = format!(
            "{{\"type\":\"response.output_text.delta\",{STAMP}{stamp},\"item_id\":\"msg_1\",\"delta\":\"{filler}\"}}"
        );
        send(client, "response.output_text.delta", &data).await?;
    }
    let usage = "{\"input_tokens\":10,\"output_tokens\":10,\"total_tokens\":20}";
    let data = format!(
        "{{\"type\":\"response.completed\",\"response\":{{\"id\":\"resp_1\",\"status\":\"completed\",\"usage\":{usage}}}}}"
    );
    send(client, "response.completed", &data).await?;
    client.write_all(b"0\r\n\r\n").await
}

async fn send(client: &mut TcpStream, name: &str, data: &str) -> std::io::Result<()> {
    let event = format!("event: {name}\ndata: {data}\n\n");
    client.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await
}
