//! The listener: loopback only, HTTP/1.1, one task per connection, and an end that lets running streams finish.
//!
//! Bounds of runtime.md §2 live here: connections, requests, the size and time of a head. Whatever is above them is
//! answered with the 429 that makes the client wait a second; nothing queues.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::ports::Ports;
use crate::ports::callers::Caller;
use crate::proxy::answer::{self, Hangup, Out};
use crate::proxy::hub::{Hub, Seat};
use crate::proxy::pump::Pump;
use crate::proxy::refusal::Refusal;
use crate::proxy::serve;

/// Largest request head.
const HEAD_CAP: usize = 64 * 1024;
/// Longest wait for the first head of a connection.
const FIRST_HEAD: Duration = Duration::from_secs(10);
/// Longest idle time of a kept connection.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Connections above the limit that are told so at the same time; further ones are closed.
const TURNED_AWAY: usize = 64;
/// Pause after the system refused another descriptor.
const NO_DESCRIPTOR: Duration = Duration::from_millis(50);

/// The bound sockets of one proxy.
#[derive(Debug)]
pub(super) struct Listeners {
    v4: TcpListener,
    v6: Option<TcpListener>,
    /// The port of both.
    pub(super) port: u16,
}

impl Listeners {
    /// Binds `127.0.0.1`, and `[::1]` on the same port where there is one.
    pub(super) async fn bind(port: u16) -> io::Result<Self> {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = v4.local_addr()?.port();
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        Ok(Self { v4, v6, port })
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.v6 {
            None => self.v4.accept().await,
            Some(v6) => tokio::select! {
                accepted = self.v4.accept() => accepted,
                accepted = v6.accept() => accepted,
            },
        }
    }
}

/// What an upgraded connection goes on with.
pub(super) type Handover<P> = Arc<Mutex<Option<Box<Pump<P>>>>>;

/// Serves until the hub stops, then drains: running answers get the grace of the settings, and what is left is cut.
pub(super) async fn serve<P: Ports>(hub: Arc<Hub<P>>, listeners: Listeners) {
    let mut connections = JoinSet::new();
    let turned_away: Arc<std::sync::atomic::AtomicUsize> = Arc::default();
    loop {
        tokio::select! {
            biased;
            () = hub.stop.cancelled() => break,
            accepted = listeners.accept() => match accepted {
                Ok((stream, client)) => {
                    let _ = stream.set_nodelay(true);
                    let limit = hub.setting(|settings| settings.max_client_sockets).min(hub.most_connections);
                    match hub.busy.connection(limit) {
                        Some(seat) => {
                            connections.spawn(connection(Arc::clone(&hub), stream, client, seat));
                        }
                        None => if turned_away.fetch_add(1, Ordering::Relaxed) < TURNED_AWAY {
                            connections.spawn(turn_away::<P>(stream, Arc::clone(&turned_away)));
                        } else {
                            turned_away.fetch_sub(1, Ordering::Relaxed);
                        },
                    }
                }
                // Out of descriptors: what runs goes on, and the queue of the system holds the newcomers.
                Err(_) => tokio::time::sleep(NO_DESCRIPTOR).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listeners);
    let grace = hub.setting(|settings| settings.shutdown_grace.to_duration());
    let drained =
        tokio::time::timeout(grace, async { while connections.join_next().await.is_some() {} }).await;
    hub.cut.cancel();
    if drained.is_err() {
        // Sockets say their farewell; whoever does not get it out in time is dropped.
        let farewell = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_millis(1_500), farewell).await;
        connections.shutdown().await;
    }
}

async fn connection<P: Ports>(hub: Arc<Hub<P>>, stream: TcpStream, client: SocketAddr, seat: Seat) {
    // Whoever cannot be looked up has left already.
    let caller = stream.local_addr().map_or(Caller::Foreign, |own| hub.caller(client, own));
    let handover: Handover<P> = Arc::default();
    let has_asked = Arc::new(AtomicBool::new(false));
    {
        let service = service_fn({
            let (hub, handover, has_asked) =
                (Arc::clone(&hub), Arc::clone(&handover), Arc::clone(&has_asked));
            move |request: Request<Incoming>| {
                has_asked.store(true, Ordering::Relaxed);
                boxed(serve::answer(Arc::clone(&hub), request, Arc::clone(&handover), caller))
            }
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(KEEP_ALIVE)
            .max_buf_size(HEAD_CAP)
            .max_header_size(HEAD_CAP)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut serving = pin!(serving);
        let mut is_draining = false;
        let mut first_head = Some(Box::pin(tokio::time::sleep(FIRST_HEAD)));
        loop {
            tokio::select! {
                biased;
                done = serving.as_mut() => {
                    if done.is_err() {
                        return;
                    }
                    break;
                }
                () = optional(first_head.as_mut()) => {
                    first_head = None;
                    if !has_asked.load(Ordering::Relaxed) {
                        return;
                    }
                }
                () = hub.stop.cancelled(), if !is_draining => {
                    is_draining = true;
                    serving.as_mut().graceful_shutdown();
                }
                () = hub.cut.cancelled() => return,
            }
        }
    }
    let pump = handover.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(pump) = pump {
        pump.run().await;
    }
    drop(seat);
}

async fn optional(timer: Option<&mut Pin<Box<tokio::time::Sleep>>>) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}

type Answering<P> = Pin<Box<dyn Future<Output = Result<Response<Out<P>>, Hangup>> + Send>>;

/// The server keeps the memory of its service's future for the life of the connection; a box is given back.
fn boxed<P: Ports>(
    answering: impl Future<Output = Result<Response<Out<P>>, Hangup>> + Send + 'static,
) -> Answering<P> {
    Box::pin(answering)
}

/// One answer to a connection above the limit.
async fn turn_away<P: Ports>(stream: TcpStream, count: Arc<std::sync::atomic::AtomicUsize>) {
    let service = service_fn(|_: Request<Incoming>| async {
        Ok::<Response<Out<P>>, Hangup>(answer::turned_away(&Refusal::overloaded()))
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(FIRST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = tokio::time::timeout(FIRST_HEAD, serving).await;
    count.fetch_sub(1, Ordering::Relaxed);
}
