//! The hyper floor: a bare pass-through without logic, one upstream connection per client connection.
//!
//! `hyper <upstream port>` prints the port it listens on.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;

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
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(port))
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
