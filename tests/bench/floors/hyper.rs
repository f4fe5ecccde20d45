//! The hyper floor: a bare pass-through without logic, one upstream connection per client connection.
//!
//! `hyper <upstream port>` prints the port it listens on. `hyper <upstream port> sockets` relays the messages of
//! WebSockets instead.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;

use futures_util::StreamExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

fn main() -> std::io::Result<()> {
    let Some(port) = std::env::args().nth(1).and_then(|word| word.parse().ok()) else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if std::env::args().nth(2).is_some() {
        runtime.block_on(relay(port))
    } else {
        runtime.block_on(serve(port))
    }
}

async fn serve(upstream: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        tokio::spawn(async move {
            let line = Arc::new(Mutex::new(None));
            let pass = service_fn(move |request| pass(request, upstream, Arc::clone(&line)));
            http1::Builder::new().serve_connection(TokioIo::new(client), pass).await
        });
    }
}

/// Messages of both ends, each as it comes.
async fn relay(upstream: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        tokio::spawn(async move {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).await?;
            stream.set_nodelay(true)?;
            let near = tokio_tungstenite::accept_async(client).await.map_err(std::io::Error::other)?;
            let url = format!("ws://127.0.0.1:{upstream}/backend-api/codex/responses");
            let far = tokio_tungstenite::client_async(url, stream).await.map_err(std::io::Error::other)?.0;
            let ((near_out, near_in), (far_out, far_in)) = (near.split(), far.split());
            futures_util::future::select(near_in.forward(far_out), far_in.forward(near_out)).await;
            std::io::Result::Ok(())
        });
    }
}

async fn pass(
    request: Request<Incoming>,
    upstream: u16,
    line: Arc<Mutex<Option<SendRequest<Incoming>>>>,
) -> std::io::Result<Response<Incoming>> {
    let mut line = line.lock().await;
    let mut sender = match line.take() {
        Some(sender) if !sender.is_closed() => sender,
        _ => dial(upstream).await?,
    };
    sender.ready().await.map_err(std::io::Error::other)?;
    let answer = sender.send_request(request).await.map_err(std::io::Error::other);
    *line = Some(sender);
    answer
}

async fn dial(upstream: u16) -> std::io::Result<SendRequest<Incoming>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}
