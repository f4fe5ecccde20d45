//! P16: how late every frame arrives through a socket of the proxy, beside a bare relay, and what an idle one costs.

use std::net::Ipv4Addr;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::stage::{Other, Ours, Way, on_runtime, resident};
use crate::traffic::{compare, stamp};
use crate::upstream::Upstream;
use crate::{Figure, Plan};

/// Frames of a turn, and how far apart.
const FRAMES: usize = 100;
const GAP: Duration = Duration::from_millis(5);
/// Sockets that are held.
const IDLE: usize = 1_000;
const SETTLED: Duration = Duration::from_secs(2);

/// P16.
pub(crate) fn frames(plan: &Plan) -> Result<Vec<Figure>> {
    let upstream = Upstream::start()?;
    let ours = Ours::start(&upstream, 10)?;
    let floor = Other::floor(&upstream, &["sockets"], "tungstenite relay")?;
    let take = |way: &Way| {
        on_runtime(async {
            let mut socket = open(way, "frames").await?;
            turn(&mut socket, FRAMES, GAP, &upstream).await
        })
    };
    let [half, end] = compare(plan.pairs.min(21), &ours.way, &floor.way, take)?;
    let each = on_runtime(async {
        let empty = resident(ours.way.pid)?;
        let mut held = Vec::with_capacity(IDLE);
        for number in 0..IDLE {
            let mut socket = open(&ours.way, &format!("idle-{number}")).await?;
            turn(&mut socket, 1, Duration::ZERO, &upstream).await?;
            held.push(socket);
        }
        tokio::time::sleep(SETTLED).await;
        Ok((resident(ours.way.pid)? - empty) / 1_024.0 / f64::from(u32::try_from(held.len())?))
    })?;
    let what = |part: &str| format!("delay per frame {part} ÷ tungstenite relay");
    let idle = format!("memory per idle session, {IDLE} sessions");
    Ok(vec![
        Figure::ratio("P16", &what("p50"), "≤ 1.5", half),
        Figure::ratio("P16", &what("p99"), "≤ 1.5", end),
        Figure::plain("P16", &idle, "≤ 48 KiB", &format!("{each:.1} KiB")),
    ])
}

type Socket = WebSocketStream<TcpStream>;

async fn open(way: &Way, session: &str) -> Result<Socket> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, way.port)).await?;
    stream.set_nodelay(true)?;
    let head = format!(
        "GET {} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsession-id: {session}\r\n\
         authorization: Bearer bench\r\nopenai-beta: responses_websockets=2026-02-06\r\n\r\n",
        way.path, way.port
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await?);
    }
    ensure!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
}

/// Delays of the frames of one turn, in milliseconds.
async fn turn(socket: &mut Socket, frames: usize, gap: Duration, upstream: &Upstream) -> Result<Vec<f64>> {
    let create = format!(
        "{{\"type\":\"response.create\",\"model\":\"gpt-5-codex\",\"input\":[],\"bench\":{{\"events\":{frames},\"gap\":{}}}}}",
        gap.as_micros()
    );
    socket.send(Message::text(create)).await?;
    let mut delays = Vec::with_capacity(frames);
    loop {
        let message = socket.next().await.ok_or_eyre("the socket ended in a turn")??;
        let now = upstream.began.elapsed();
        let Message::Text(text) = message else { continue };
        if let Some(left) = stamp(text.as_bytes()) {
            delays.push(now.saturating_sub(left).as_secs_f64() * 1_000.0);
        } else if text.contains("response.completed") {
            ensure!(delays.len() == frames, "{} of {frames} frames arrived", delays.len());
            return Ok(delays);
        } else {
            bail!("{text}");
        }
    }
}
