//! The client's end of a socket as plain frames, over a connection that was upgraded here. Pings are answered by the
//! transport while frames are read; messages are whole; nothing is compressed.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Sink as _, Stream as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::ports::upstream::{Frame, UpstreamError};

/// Largest message either way.
const MESSAGE_CAP: usize = 64 * 1024 * 1024;
/// An idle session must stay small; the library's own buffers start at 128 KiB.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 8 * 1024;

/// See the module.
pub(super) struct ClientSocket {
    stream: WebSocketStream<TokioIo<Upgraded>>,
}

impl ClientSocket {
    pub(super) async fn new(upgraded: Upgraded) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(2 * MESSAGE_CAP)
            .max_message_size(Some(MESSAGE_CAP))
            .max_frame_size(Some(MESSAGE_CAP));
        let stream =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        Self { stream }
    }

    /// The next frame; `None` after a close handshake.
    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame, UpstreamError>>> {
        let next = std::task::ready!(Pin::new(&mut self.stream).poll_next(context));
        Poll::Ready(next.map(|message| message.map(frame).map_err(|error| failure(&error))))
    }

    /// Ready to take one more frame.
    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Pin::new(&mut self.stream).poll_ready(context).map_err(|error| failure(&error))
    }

    /// Hands over one frame after [`Self::poll_ready`].
    pub(super) fn start_send(&mut self, frame: Frame) -> Result<(), UpstreamError> {
        Pin::new(&mut self.stream).start_send(message(frame)?).map_err(|error| failure(&error))
    }

    /// Everything handed over has left.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Pin::new(&mut self.stream).poll_flush(context).map_err(|error| failure(&error))
    }
}

/// How many bytes of content a frame carries.
pub(super) fn size(frame: &Frame) -> usize {
    match frame {
        Frame::Text(bytes) | Frame::Binary(bytes) | Frame::Ping(bytes) | Frame::Pong(bytes) => bytes.len(),
        Frame::Close(_) => 0,
    }
}

fn frame(message: Message) -> Frame {
    match message {
        Message::Text(text) => Frame::Text(text.into()),
        Message::Binary(bytes) => Frame::Binary(bytes),
        Message::Ping(bytes) => Frame::Ping(bytes),
        Message::Pong(bytes) => Frame::Pong(bytes),
        Message::Close(close) => {
            Frame::Close(close.map(|close| (close.code.into(), close.reason.as_str().to_owned())))
        }
        // Never handed out while reading.
        Message::Frame(raw) => Frame::Binary(raw.into_payload()),
    }
}

fn message(frame: Frame) -> Result<Message, UpstreamError> {
    Ok(match frame {
        Frame::Text(bytes) => Message::Text(text(bytes)?),
        Frame::Binary(bytes) => Message::Binary(bytes),
        Frame::Ping(bytes) => Message::Ping(bytes),
        Frame::Pong(bytes) => Message::Pong(bytes),
        Frame::Close(close) => Message::Close(
            close.map(|(code, reason)| CloseFrame { code: CloseCode::from(code), reason: reason.into() }),
        ),
    })
}

fn text(bytes: Bytes) -> Result<Utf8Bytes, UpstreamError> {
    Utf8Bytes::try_from(bytes).map_err(|_| UpstreamError::Cut("a text message is no text".to_owned()))
}

fn failure(error: &Error) -> UpstreamError {
    if let Error::Capacity(_) = error { UpstreamError::TooBig } else { UpstreamError::Cut(error.to_string()) }
}
