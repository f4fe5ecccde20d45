//! The back end's client over loopback: streams, cuts, sockets, TLS with a private authority, an egress proxy.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use codex_multi_auth::adapters::clock::SystemClock;
use codex_multi_auth::adapters::upstream::BackEnd;
use codex_multi_auth::adapters::upstream::client::{Clients, Egress};
use codex_multi_auth::adapters::upstream::roots::RootSources;
use codex_multi_auth::base::Span;
use codex_multi_auth::ports::upstream::{
    Body, Chunks, Frame, Request, Response, Socket, Upgrade, Upstream, UpstreamError,
};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::tls::Front;

type Client = BackEnd<SystemClock>;

fn client(base: &str, egress: Egress, authority: Option<&Path>) -> Client {
    let roots = RootSources { file: authority.map(Path::to_owned), ..RootSources::default() };
    let clients = Clients::new(egress, roots, Span::seconds(10));
    BackEnd::new(clients, base.parse().expect("an address"), SystemClock::new())
}

fn plain(at: SocketAddr) -> Client {
    client(&format!("http://{at}/backend-api"), Egress::default(), None)
}

fn request(path: &str) -> Request {
    Request {
        method: Method::POST,
        origin: None,
        path: path.to_owned(),
        headers: HeaderMap::new(),
        body: Body::Bytes(Bytes::from_static(b"ping")),
        headers_within: Span::seconds(20),
    }
}

/// A server that handles one connection as told.
async fn serve<F, Fut, T>(handle: F) -> (SocketAddr, JoinHandle<T>)
where
    F: FnOnce(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send,
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let at = listener.local_addr().expect("bound");
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        handle(stream).await
    });
    (at, task)
}

/// Reads a request's head and the four bytes of its body.
async fn heard(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    while !seen.ends_with(b"ping") {
        let count = stream.read(&mut piece).await.expect("a request");
        assert!(count > 0, "the client left");
        seen.extend_from_slice(&piece[..count]);
    }
    String::from_utf8(seen).expect("text")
}

async fn next(response: &mut Response) -> Option<Result<Bytes, UpstreamError>> {
    poll_fn(|context| response.body.poll_chunk(context)).await
}

#[tokio::test]
async fn chunks_arrive_as_they_are_sent_and_nothing_is_decoded_or_followed() {
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let (at, server) = serve(async |mut stream| {
        let asked = heard(&mut stream).await;
        let head = "HTTP/1.1 307 Moved\r\nlocation: /elsewhere\r\ncontent-encoding: gzip\r\n";
        let start = format!("{head}transfer-encoding: chunked\r\n\r\n3\r\none\r\n");
        stream.write_all(start.as_bytes()).await.unwrap();
        wait.await.unwrap();
        stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
        asked
    })
    .await;

    let mut response = plain(at).send(request("/codex/responses?x=%2F")).await.unwrap();
    let first = next(&mut response).await;
    go.send(()).unwrap();
    let rest = [next(&mut response).await, next(&mut response).await];

    assert_eq!(response.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(response.headers.get("content-encoding"), Some(&HeaderValue::from_static("gzip")));
    assert_eq!(first, Some(Ok(Bytes::from_static(b"one"))));
    assert_eq!(rest, [Some(Ok(Bytes::from_static(b"two"))), None]);
    let heard = server.await.unwrap();
    assert!(heard.starts_with("POST /backend-api/codex/responses?x=%2F HTTP/1.1\r\n"), "{heard}");
    assert!(!heard.contains("accept-encoding"), "{heard}");
}

#[tokio::test]
async fn dropping_the_body_ends_the_request_at_once() {
    let (at, server) = serve(async |mut stream| {
        heard(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\none").await.unwrap();
        stream.read(&mut [0; 8]).await
    })
    .await;

    let mut response = plain(at).send(request("/codex/responses")).await.unwrap();
    next(&mut response).await.unwrap().unwrap();
    drop(response);

    assert!(matches!(server.await.unwrap(), Ok(0) | Err(_)), "the server must see the end");
}

#[tokio::test]
async fn failures_say_whether_anything_was_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (hangs_up, _task) = serve(async |mut stream| drop(heard(&mut stream).await)).await;
    let (silent, _task) = serve(async |mut stream| {
        heard(&mut stream).await;
        stream.read(&mut [0; 8]).await
    })
    .await;
    let (half, _task) = serve(async |mut stream| {
        heard(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\none").await
    })
    .await;

    let unreachable = plain(closed).send(request("/x")).await.err();
    // A label of 64 letters is refused before anybody is asked.
    let base = format!("http://{}.test:1/backend-api", "a".repeat(64));
    let nowhere = client(&base, Egress::default(), None).send(request("/x")).await.err();
    let cut = plain(hangs_up).send(request("/x")).await.err();
    let late = plain(silent).send(Request { headers_within: Span::millis(200), ..request("/x") }).await.err();
    let mut broken = plain(half).send(request("/x")).await.unwrap();
    next(&mut broken).await.unwrap().unwrap();
    let broken = next(&mut broken).await;

    assert!(matches!(unreachable, Some(UpstreamError::Unreachable(_))), "{unreachable:?}");
    assert!(matches!(nowhere, Some(UpstreamError::Offline(_))), "{nowhere:?}");
    assert!(matches!(cut, Some(UpstreamError::Cut(_))), "{cut:?}");
    assert_eq!(late, Some(UpstreamError::TimedOut));
    assert!(matches!(broken, Some(Err(UpstreamError::Cut(_)))), "{broken:?}");
}

struct Pieces(Vec<&'static str>);

impl Chunks for Pieces {
    fn poll_chunk(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, UpstreamError>>> {
        std::task::Poll::Ready(self.0.pop().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))))
    }
}

#[tokio::test]
async fn a_streamed_body_of_known_length_is_sent_with_its_length() {
    let (at, server) = serve(async |mut stream| {
        let heard = heard(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        heard
    })
    .await;
    let body = Body::Stream(Box::new(Pieces(vec!["ng", "pi"])), Some(4));

    let response = plain(at).send(Request { body, ..request("/x") }).await.unwrap();

    assert_eq!(response.status, StatusCode::NO_CONTENT);
    let heard = server.await.unwrap();
    assert!(heard.contains("content-length: 4\r\n") && heard.ends_with("\r\n\r\nping"), "{heard}");
}

/// A back end that echoes text frames, or refuses the upgrade when the path says so.
async fn echo() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let at = listener.local_addr().expect("bound");
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_socket(stream));
        }
    });
    (at, task)
}

async fn answer_socket(mut stream: TcpStream) {
    let mut peeked = [0; 64];
    let count = stream.peek(&mut peeked).await.unwrap_or(0);
    if String::from_utf8_lossy(&peeked[..count]).contains("/refuse") {
        stream.write_all(b"HTTP/1.1 429 Too Many\r\ncontent-length: 4\r\n\r\nfull").await.expect("a client");
        let _left = stream.read(&mut [0; 1024]).await;
        return;
    }
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() && socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn upgrade(client: &Client, path: &str) -> Result<Upgrade, UpstreamError> {
    client.connect(Request { method: Method::GET, body: Body::Empty, ..request(path) }).await
}

async fn opened(client: &Client) -> Socket {
    match upgrade(client, "/codex/responses").await.expect("an answer") {
        Upgrade::Open(socket) => socket,
        Upgrade::Refused(response) => panic!("refused with {}", response.status),
    }
}

async fn say(socket: &mut Socket, frame: Frame) -> Option<Result<Frame, UpstreamError>> {
    poll_fn(|context| socket.writer.poll_ready(context)).await.expect("room");
    socket.writer.start_send(frame).expect("an open socket");
    poll_fn(|context| socket.writer.poll_flush(context)).await.expect("an open socket");
    poll_fn(|context| socket.reader.poll_frame(context)).await
}

fn text(words: &'static str) -> Frame {
    Frame::Text(Bytes::from_static(words.as_bytes()))
}

#[tokio::test]
async fn a_socket_carries_frames_both_ways_and_closes_in_order() {
    let (at, _server) = echo().await;

    let mut socket = opened(&plain(at)).await;
    let echoed = say(&mut socket, text("hello")).await;
    let pong = say(&mut socket, Frame::Ping(Bytes::from_static(b"p"))).await;
    let closed = say(&mut socket, Frame::Close(Some((1000, "done".to_owned())))).await;
    let end = poll_fn(|context| socket.reader.poll_frame(context)).await;

    assert_eq!(echoed, Some(Ok(text("hello"))));
    assert_eq!(pong, Some(Ok(Frame::Pong(Bytes::from_static(b"p")))));
    assert_eq!(closed, Some(Ok(Frame::Close(Some((1000, "done".to_owned()))))));
    assert_eq!(end, None);
}

#[tokio::test]
async fn a_refused_upgrade_keeps_its_answer() {
    let (at, _server) = echo().await;

    let Ok(Upgrade::Refused(mut response)) = upgrade(&plain(at), "/refuse").await else {
        panic!("not refused")
    };

    assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(next(&mut response).await, Some(Ok(Bytes::from_static(b"full"))));
}

#[tokio::test]
async fn a_socket_that_is_cut_is_an_error() {
    let (at, _server) = serve(async |stream| drop(tokio_tungstenite::accept_async(stream).await)).await;

    let mut socket = opened(&plain(at)).await;
    let end = poll_fn(|context| socket.reader.poll_frame(context)).await;

    assert!(matches!(end, Some(Err(UpstreamError::Cut(_)))), "{end:?}");
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named_and_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let (behind, _server) = echo().await;
    let front = Front::before(behind, dir.path());
    let base = format!("https://127.0.0.1:{}/backend-api", front.port());
    let other = dir.path().join("other.pem");
    std::fs::write(&other, another_authority()).unwrap();
    let missing = dir.path().join("missing.pem");

    let mut socket = opened(&client(&base, Egress::default(), Some(front.authority()))).await;
    let echoed = say(&mut socket, text("over TLS")).await;
    let stranger = upgrade(&client(&base, Egress::default(), Some(&other)), "/x").await.err();
    let unreadable = upgrade(&client(&base, Egress::default(), Some(&missing)), "/x").await.err();

    assert_eq!(echoed, Some(Ok(text("over TLS"))));
    assert!(matches!(stranger, Some(UpstreamError::Unreachable(_))), "{stranger:?}");
    let unreadable = unreadable.expect("an error").to_string();
    assert!(unreadable.contains("SSL_CERT_FILE names") && unreadable.contains("missing.pem"), "{unreadable}");
}

fn another_authority() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem()
}

/// A CONNECT proxy for one connection; tells what it was asked for and leads to `to` whatever that was.
async fn tunnel(to: SocketAddr) -> (SocketAddr, JoinHandle<String>) {
    serve(async move |mut stream| {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.expect("a request"));
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("a client");
        let mut onward = TcpStream::connect(to).await.expect("a listener");
        // Ends with an error when either side simply goes away.
        let _ended = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
        String::from_utf8(asked).expect("text")
    })
    .await
}

#[tokio::test]
async fn an_egress_proxy_is_used_for_the_world_and_never_for_loopback() {
    let dir = tempfile::tempdir().unwrap();
    let (behind, _server) = echo().await;
    let front = Front::before(behind, dir.path());
    let (proxy, tunnel) = tunnel(SocketAddr::from(([127, 0, 0, 1], front.port()))).await;
    let egress = Egress::choose(&format!("http://me:pw@{proxy}"), None, None, None);

    let world = client("https://chatgpt.com/backend-api", egress.clone(), Some(front.authority()));
    let mut socket = opened(&world).await;
    let echoed = say(&mut socket, text("through")).await;
    drop(socket);
    let asked = tunnel.await.unwrap();
    let mut direct = opened(&client(&format!("http://{behind}/backend-api"), egress, None)).await;

    assert_eq!(echoed, Some(Ok(text("through"))));
    assert!(asked.starts_with("CONNECT chatgpt.com:443 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("proxy-authorization: basic bwu6chc="), "{asked}");
    assert_eq!(say(&mut direct, text("direct")).await, Some(Ok(text("direct"))));
}
