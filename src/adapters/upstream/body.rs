//! Bodies in both directions, chunk by chunk, without copying.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};

use crate::adapters::upstream::client::transport;
use crate::ports::upstream::{Body, Chunks, UpstreamError};

/// Our request body as the client's.
pub(super) fn outgoing(body: Body) -> Option<reqwest::Body> {
    match body {
        Body::Empty => None,
        Body::Bytes(bytes) => Some(reqwest::Body::from(bytes)),
        Body::Stream(chunks, length) => {
            Some(reqwest::Body::wrap(Outgoing { chunks, left: length, done: false }))
        }
    }
}

struct Outgoing {
    chunks: Box<dyn Chunks>,
    left: Option<u64>,
    done: bool,
}

impl hyper::body::Body for Outgoing {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let Some(chunk) = ready!(self.chunks.poll_chunk(context)) else {
            self.done = true;
            return Poll::Ready(None);
        };
        let chunk = chunk?;
        let sent = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.left = self.left.map(|left| left.saturating_sub(sent));
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.done || self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The client's response body as ours. Dropping it closes the connection or resets the stream.
pub(super) struct Incoming(pub(super) reqwest::Body);

impl Chunks for Incoming {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(transport(&error)))),
                // Trailers say nothing we use.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}

/// Reads a whole small body, at most `limit` bytes of it.
///
/// # Errors
/// When the connection breaks before the end.
pub(in crate::adapters) async fn collect(
    body: &mut Box<dyn Chunks>,
    limit: usize,
) -> Result<Bytes, UpstreamError> {
    let mut all = bytes::BytesMut::new();
    while let Some(chunk) = std::future::poll_fn(|context| body.poll_chunk(context)).await {
        let chunk = chunk?;
        let room = limit.saturating_sub(all.len());
        all.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if chunk.len() > room {
            break;
        }
    }
    Ok(all.freeze())
}
