//! Serving the back end on any byte stream, so that tests can put a TLS front before it.
//!
//! A connection and everything that grows out of it (an upgraded socket, too) is one future: dropping it ends
//! all of it, and nothing runs detached.

use std::sync::{Arc, Mutex};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::rehearsal::backend::{Stage, route, socket};
use crate::rehearsal::locked;

/// Serves one connection to its end.
pub(super) async fn serve<S>(stage: Arc<Stage>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let upgraded: Arc<Mutex<Option<socket::Opening>>> = Arc::default();
    let service = service_fn(|request| {
        let stage = Arc::clone(&stage);
        let upgraded = Arc::clone(&upgraded);
        async move { route::answer(stage, request, &upgraded).await }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    // A broken connection is what half the scenarios are about; the record says how each request ended.
    let _ended = connection.await;
    let opening = locked(&upgraded).take();
    if let Some(opening) = opening {
        opening.run(stage).await;
    }
}

/// Accepts connections until told to stop.
pub(super) async fn accept(stage: Arc<Stage>, listener: TcpListener, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // Small writes must leave at once: the benches measure single events.
                let _ = stream.set_nodelay(true);
                connections.spawn(serve(Arc::clone(&stage), stream));
            }
        }
    }
    connections.shutdown().await;
}
