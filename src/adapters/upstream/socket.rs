//! Sockets to the back end: upgraded connections of the HTTP/1.1 twin, so that TLS, egress proxy and
//! certificates stay in one place.
//!
//! No extension is offered. Frames that arrive together with the 101 are kept. Pings are answered while frames
//! are read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, Stream, StreamExt};
use http::HeaderMap;
use http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use crate::adapters::upstream::client::transport;
use crate::ports::upstream::{Frame, FrameReader, FrameWriter, Socket, UpstreamError};

/// An idle session must stay small; the library's own buffers start at 128 KiB.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 8 * 1024;
/// Both ways; anything bigger closes the socket (runtime.md §22.8).
const BIGGEST_MESSAGE: usize = 64 << 20;

/// What makes a `GET` an upgrade; returns the key whose echo proves that the server understood.
pub(super) fn ask(headers: &mut HeaderMap) -> Result<String, UpstreamError> {
    let key = generate_key();
    let value =
        HeaderValue::from_str(&key).map_err(|_| UpstreamError::Unreachable("no random key".to_owned()))?;
    headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, value);
    Ok(key)
}

/// Turns a 101 into a socket.
pub(super) async fn open(response: reqwest::Response, key: &str) -> Result<Socket, UpstreamError> {
    let headers = response.headers().clone();
    let accepted =
        headers.get(SEC_WEBSOCKET_ACCEPT).is_some_and(|accept| accept == &derive_accept_key(key.as_bytes()));
    if !accepted {
        return Err(UpstreamError::Cut("the server answered the upgrade with a wrong key".to_owned()));
    }
    if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return Err(UpstreamError::Cut("the server chose an extension that was not offered".to_owned()));
    }
    let upgraded = response.upgrade().await.map_err(|error| transport(&error))?;
    let limits = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(BIGGEST_MESSAGE))
        .max_frame_size(Some(BIGGEST_MESSAGE));
    let stream = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await;
    let (writer, reader) = stream.split();
    Ok(Socket { headers, reader: Box::new(Reader(reader)), writer: Box::new(Writer(writer)) })
}

struct Reader(SplitStream<WebSocketStream<reqwest::Upgraded>>);

impl FrameReader for Reader {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame, UpstreamError>>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_next(context)) {
                None | Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(failure(&error)))),
                // Raw frames are never read, only whole messages.
                Some(Ok(message)) => {
                    if let Some(frame) = received(message) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
            }
        }
    }
}

struct Writer(SplitSink<WebSocketStream<reqwest::Upgraded>, Message>);

impl FrameWriter for Writer {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Pin::new(&mut self.0).poll_ready(context).map_err(|error| failure(&error))
    }

    fn start_send(&mut self, frame: Frame) -> Result<(), UpstreamError> {
        Pin::new(&mut self.0).start_send(sent(frame)?).map_err(|error| failure(&error))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Pin::new(&mut self.0).poll_flush(context).map_err(|error| failure(&error))
    }
}

fn received(message: Message) -> Option<Frame> {
    Some(match message {
        Message::Text(text) => Frame::Text(Bytes::from(text)),
        Message::Binary(bytes) => Frame::Binary(bytes),
        Message::Ping(bytes) => Frame::Ping(bytes),
        Message::Pong(bytes) => Frame::Pong(bytes),
        Message::Close(close) => {
            Frame::Close(close.map(|close| (close.code.into(), close.reason.to_string())))
        }
        Message::Frame(_) => return None,
    })
}

fn sent(frame: Frame) -> Result<Message, UpstreamError> {
    Ok(match frame {
        Frame::Text(bytes) => Message::Text(
            Utf8Bytes::try_from(bytes)
                .map_err(|_| UpstreamError::Cut("a text frame that is no text".to_owned()))?,
        ),
        Frame::Binary(bytes) => Message::Binary(bytes),
        Frame::Ping(bytes) => Message::Ping(bytes),
        Frame::Pong(bytes) => Message::Pong(bytes),
        Frame::Close(close) => Message::Close(
            close.map(|(code, reason)| CloseFrame { code: CloseCode::from(code), reason: reason.into() }),
        ),
    })
}

fn failure(error: &Error) -> UpstreamError {
    if matches!(error, Error::Capacity(_)) {
        return UpstreamError::TooBig;
    }
    UpstreamError::Cut(error.to_string())
}
