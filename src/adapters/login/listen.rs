//! The callback listener: loopback only, one attempt, ends with it (login.md §3.3).
//!
//! The code is exchanged before the browser is answered, so the page says how it really ended. The exchange belongs
//! to the listener and not to the connection: a browser that goes away must not cut a call that spends a code.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::adapters::login::{SignInDesk, holder};
use crate::base::{Secret, Span};
use crate::domain::account::Door;
use crate::domain::login::PORTS;
use crate::domain::login::admission::SignIn;
use crate::domain::login::attempt::{Attempt, PATIENCE};
use crate::domain::login::callback::{self, CANCEL, Judgement, Knock};
use crate::domain::login::failure::Failure;
use crate::domain::login::page::{HEADERS, Page};
use crate::domain::problem::Hint;
use crate::ports::Clock;

/// How often a port is tried, and the pause between.
const TRIES: u32 = 10;
const PAUSE: Span = Span::millis(200);
/// How long another sign-in may take to give way.
const COURTESY: Duration = Duration::from_secs(2);
/// Longest request line.
const LONGEST_LINE: usize = 8 * 1024;
/// Longest wait for the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Connections at the same time; a browser opens two or three.
const CONNECTIONS: usize = 32;
/// How long the last page may take to reach the browser.
const FAREWELL: Duration = Duration::from_secs(2);

/// Whether another sign-in is asked to give the port up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Handover {
    /// It is, once.
    #[default]
    Ask,
    /// It keeps the port.
    Leave,
}

/// The bound port.
#[derive(Debug)]
pub struct Listener {
    v4: TcpListener,
    v6: Option<TcpListener>,
    /// 1455 or 1457.
    pub port: u16,
}

impl Listener {
    /// Binds the first registered port that is, or becomes, free.
    ///
    /// # Errors
    /// `PortsBusy` or `CannotListen`.
    pub async fn bind<C: Clock>(clock: &C, handover: Handover, wsl: Option<&str>) -> Result<Self, Failure> {
        for (place, port) in PORTS.into_iter().enumerate() {
            let mut asked = place > 0 || handover == Handover::Leave;
            for attempt in 0..TRIES {
                match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                    Ok(v4) => {
                        // Only for a link typed with `localhost`; a machine without IPv6 does without.
                        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
                        return Ok(Self { v4, v6, port });
                    }
                    Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                        return Err(Failure::CannotListen { code: words(&error) });
                    }
                    Err(_) => {}
                }
                if place == 0 && handover == Handover::Leave {
                    break;
                }
                if !asked {
                    asked = true;
                    ask_for(port).await;
                }
                if attempt + 1 < TRIES {
                    clock.sleep(PAUSE).await;
                }
            }
        }
        let holders = PORTS.into_iter().filter_map(|port| Some((port, holder::holder(port)?))).collect();
        Err(Failure::PortsBusy { holders, inspect: holder::inspection(wsl) })
    }

    /// Whether somebody else listens on the first port.
    pub async fn is_taken() -> bool {
        TcpListener::bind((Ipv4Addr::LOCALHOST, PORTS[0]))
            .await
            .is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    }

    /// Who does, as far as the system tells.
    pub fn holder() -> Option<String> {
        holder::holder(PORTS[0])
    }

    /// Whether `[::1]` is listened on, too.
    pub fn has_v6(&self) -> bool {
        self.v6.is_some()
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

/// The courtesy the official client shows to its own instances.
async fn ask_for(port: u16) {
    let work = async {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        let request = Request::builder()
            .method(Method::GET)
            .uri(CANCEL)
            .header("host", format!("127.0.0.1:{port}"))
            .header(CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .ok()?;
        let answer = async { sender.send_request(request).await.ok().map(drop) };
        tokio::select! {
            answer = answer => answer,
            _ended = connection => None,
        }
    };
    let _ = tokio::time::timeout(COURTESY, work).await;
}

/// What a connection has to tell.
enum News {
    Code(Secret, oneshot::Sender<Page>),
    Ended(Failure),
}

impl<C: Clock> SignInDesk<C> {
    /// Waits for the browser, finishes the sign-in, answers the browser.
    ///
    /// # Errors
    /// Whatever ends a sign-in; `NobodyCame` after five minutes.
    pub async fn wait_for_browser(
        &self,
        listener: Listener,
        attempt: &Attempt,
        wsl: Option<&str>,
    ) -> Result<SignIn, Failure> {
        let (tell, mut news) = mpsc::channel(CONNECTIONS);
        let mut connections = JoinSet::new();
        let patience = self.0.clock.sleep(PATIENCE);
        tokio::pin!(patience);
        let (code, first) = loop {
            tokio::select! {
                biased;
                () = &mut patience => return Err(Failure::NobodyCame { inspect: holder::inspection(wsl) }),
                heard = news.recv() => match heard {
                    Some(News::Code(code, page)) => break (code, page),
                    Some(News::Ended(failure)) => {
                        finish(connections).await;
                        return Err(failure);
                    }
                    None => return Err(Failure::Cancelled),
                },
                accepted = listener.accept() => admit(accepted, &listener, attempt, &tell, &mut connections),
                Some(_) = connections.join_next() => {}
            }
        };
        let mut waiting = vec![first];
        let exchange = self.exchange(attempt, &code, Door::Browser);
        tokio::pin!(exchange);
        let result = loop {
            tokio::select! {
                biased;
                result = &mut exchange => break result,
                // The first code counts; who comes after it sees the same end.
                heard = news.recv() => match heard {
                    Some(News::Code(_, page)) => {
                        tracing::warn!("a second callback arrived; the first code is kept");
                        waiting.push(page);
                    }
                    Some(News::Ended(_)) | None => {}
                },
                accepted = listener.accept() => admit(accepted, &listener, attempt, &tell, &mut connections),
                Some(_) = connections.join_next() => {}
            }
        };
        let page = result.as_ref().map_or_else(failed, |_| Page::Done);
        for waits in waiting {
            // The browser may have gone.
            let _ = waits.send(page.clone());
        }
        drop(listener);
        finish(connections).await;
        result
    }
}

fn admit(
    accepted: io::Result<(TcpStream, SocketAddr)>,
    listener: &Listener,
    attempt: &Attempt,
    tell: &mpsc::Sender<News>,
    connections: &mut JoinSet<()>,
) {
    let Ok((stream, peer)) = accepted else { return };
    if connections.len() >= CONNECTIONS || !is_loopback(peer.ip()) {
        return;
    }
    let (port, state, tell) = (listener.port, attempt.state.clone(), tell.clone());
    connections.spawn(async move {
        let service = service_fn(move |request: Request<Incoming>| {
            let (state, tell) = (state.clone(), tell.clone());
            async move { Ok::<_, Infallible>(answer(&request, port, &state, &tell).await) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).keep_alive(false);
        // A browser that breaks off is no trouble of ours.
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    });
}

/// Lets the last pages reach the browser.
async fn finish(mut connections: JoinSet<()>) {
    let _ = tokio::time::timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
}

async fn answer(
    request: &Request<Incoming>,
    port: u16,
    state: &Secret,
    tell: &mpsc::Sender<News>,
) -> Response<Full<Bytes>> {
    let length = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    if length > LONGEST_LINE {
        return short(StatusCode::URI_TOO_LONG, "Too long");
    }
    let knock = Knock {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        host: request.headers().get("host").and_then(|host| host.to_str().ok()),
    };
    match callback::judge(knock, port, state) {
        Judgement::ForeignHost => short(StatusCode::BAD_REQUEST, "Bad host"),
        Judgement::WrongMethod => short(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        Judgement::NotFound => short(StatusCode::NOT_FOUND, "Not found"),
        Judgement::OtherState => short(StatusCode::BAD_REQUEST, "State mismatch"),
        Judgement::NoCode => short(StatusCode::BAD_REQUEST, "Missing authorization code"),
        Judgement::Cancel => {
            let _ = tell.send(News::Ended(Failure::Cancelled)).await;
            short(StatusCode::OK, "Login cancelled")
        }
        Judgement::Denied(denial) => {
            let failure = Failure::Denied(denial);
            let shown = page(&failed(&failure));
            let _ = tell.send(News::Ended(failure)).await;
            shown
        }
        Judgement::Code(code) => {
            let (reply, shown) = oneshot::channel();
            if tell.send(News::Code(code, reply)).await.is_err() {
                return short(StatusCode::GONE, "The sign-in is over");
            }
            match shown.await {
                Ok(shown) => page(&shown),
                Err(_) => short(StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
            }
        }
    }
}

/// The page for a failure: what the terminal says, too.
fn failed(failure: &Failure) -> Page {
    let problem = failure.problem();
    let hints = problem.hints.iter().filter_map(|hint| match hint {
        Hint::Say(text) => Some(text.clone()),
        Hint::Run(command) => Some(format!("In the terminal: codex-multi-auth {command}")),
        Hint::Press(_) => None,
    });
    Page::Failed { what: problem.what, lines: problem.because.into_iter().chain(hints).collect() }
}

fn page(page: &Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.html())));
    stamp(&mut response);
    response
}

fn short(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    stamp(&mut response);
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// The headers every answer carries.
fn stamp(response: &mut Response<Full<Bytes>>) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    headers.insert(CONNECTION, http::HeaderValue::from_static("close"));
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn words(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| format!("{} ({code})", error.kind()))
}
