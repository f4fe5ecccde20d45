//! The back end: plain requests with streaming bodies, and sockets of plain frames.

use std::future::Future;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::base::Span;
use crate::domain::account::Account;
use crate::domain::quota::snapshot::{Banked, Snapshot};
use crate::domain::workspace::Routing;

/// A request to send. The adapter puts the account's origin, or the base's, and the base's path (`/backend-api`)
/// before [`Request::path`].
#[derive(Debug)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Routing origin of the account (`scheme://host[:port]`), else the default base.
    pub origin: Option<String>,
    /// Path below `backend-api` (starts with `/`), query included; verbatim.
    pub path: String,
    /// Complete headers, credentials included; sent as they are.
    pub headers: HeaderMap,
    /// Body.
    pub body: Body,
    /// Time until response headers must have arrived.
    pub headers_within: Span,
}

/// A request body.
pub enum Body {
    /// None.
    Empty,
    /// Held in memory; cheap to clone for a retry.
    Bytes(Bytes),
    /// Streamed once: chunks as they come, with the total length when known.
    Stream(Box<dyn Chunks>, Option<u64>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(_, length) => write!(f, "Stream({length:?})"),
        }
    }
}

/// A sequence of body chunks.
pub trait Chunks: Send + Sync + 'static {
    /// The next chunk, `None` at the end. Cancel-safe.
    fn poll_chunk(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, UpstreamError>>>;
}

/// An answer whose body streams.
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Headers as received.
    pub headers: HeaderMap,
    /// Body. Dropping it ends the upstream request at once.
    pub body: Box<dyn Chunks>,
}

/// A text, binary or control frame without transport details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Text message, whole. Guaranteed UTF-8 by whoever made it.
    Text(Bytes),
    /// Binary message, whole.
    Binary(Bytes),
    /// Keep-alive request.
    Ping(Bytes),
    /// Keep-alive answer.
    Pong(Bytes),
    /// Close with code and reason.
    Close(Option<(u16, String)>),
}

/// One end of an open socket, readable and writable from two tasks.
pub struct Socket {
    /// Answer to the upgrade (101).
    pub headers: HeaderMap,
    /// Frames from upstream.
    pub reader: Box<dyn FrameReader>,
    /// Frames to upstream.
    pub writer: Box<dyn FrameWriter>,
}

/// The reading half. Pings are answered by the transport while frames are read, and are delivered, too.
pub trait FrameReader: Send + 'static {
    /// The next frame; `None` after a close handshake; an error on a cut. Cancel-safe.
    fn poll_frame(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame, UpstreamError>>>;
}

/// The writing half.
pub trait FrameWriter: Send + 'static {
    /// Ready to take one more frame (earlier ones may still be buffered).
    fn poll_ready(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), UpstreamError>>;
    /// Hands over one frame after `poll_ready`.
    ///
    /// # Errors
    /// When the socket is gone.
    fn start_send(&mut self, frame: Frame) -> Result<(), UpstreamError>;
    /// Everything handed over has left.
    fn poll_flush(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), UpstreamError>>;
}

/// The result of a socket upgrade.
pub enum Upgrade {
    /// 101.
    Open(Socket),
    /// Any other answer, with its body.
    Refused(Response),
}

/// Requests to the back end. No redirects, no cookies, no automatic retries; TLS, egress proxy and extra
/// roots are the adapter's matter.
pub trait Upstream: Clone + Send + Sync + 'static {
    /// Sends a request; answers when the response headers are here.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, UpstreamError>> + Send;
    /// Opens a socket with `request` (its method is `GET`).
    fn connect(&self, request: Request) -> impl Future<Output = Result<Upgrade, UpstreamError>> + Send;
    /// `GET …/wham/usage`.
    fn usage(&self, account: &Account) -> impl Future<Output = Result<Snapshot, ReadError>> + Send;
    /// `GET …/wham/rate-limit-reset-credits`: resets that were granted and not used yet.
    fn banked(&self, account: &Account) -> impl Future<Output = Result<Banked, ReadError>> + Send;
    /// `GET …/wham/accounts/check`.
    fn routing(&self, account: &Account) -> impl Future<Output = Result<Routing, ReadError>> + Send;
}

/// A transport failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// Nothing was sent, and nothing could be to anybody: the name does not resolve, the network is down.
    #[error("no network: {0}")]
    Offline(String),
    /// Nothing was sent: connection, TLS.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection broke after bytes were sent.
    #[error("the connection was cut: {0}")]
    Cut(String),
    /// A frame or message above the size limit.
    #[error("message too big")]
    TooBig,
}

/// Why a read for one account gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// 401.
    #[error("the token was refused")]
    Refused,
    /// The account or its workspace may not be used: 402, 403, not listed, deactivated.
    #[error("the workspace is not available: {0}")]
    Unavailable(String),
    /// Another status.
    #[error("the server answered {0}")]
    Status(u16),
    /// An answer nobody can read.
    #[error("unexpected answer: {0}")]
    Invalid(String),
    /// Transport failure.
    #[error(transparent)]
    Transport(#[from] UpstreamError),
    /// The account has no access token or no workspace id.
    #[error("the account has no usable token")]
    NoToken,
}
