//! What goes back to the client: whole answers of upstream or our own, and relayed streams, in the one body type the
//! server sends.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};

use crate::ports::Ports;
use crate::proxy::headers;
use crate::proxy::refusal::Refusal;
use crate::proxy::relay::Relay;
use crate::proxy::turn::Kept;

/// The client's connection is reset: no terminator, no last words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer was cut")]
pub(super) struct Hangup;

/// The body of an answer.
pub(super) enum Out<P: Ports> {
    /// Whole.
    Whole(Bytes),
    /// A stream that is still running.
    Relay(Box<Relay<P>>),
}

impl<P: Ports> Out<P> {
    pub(super) fn empty() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl<P: Ports> Body for Out<P> {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Relay(relay) => relay.poll(context).map(|next| next.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Relay(_) => SizeHint::default(),
        }
    }
}

/// An upstream answer that was read whole, as it was.
pub(super) fn kept<P: Ports>(kept: Kept) -> Response<Out<P>> {
    let mut headers = headers::toward_client(&kept.headers);
    // The body may have been cut at its cap, and a length that lies would hang the client.
    headers.remove(header::CONTENT_LENGTH);
    whole(kept.status, headers, kept.body)
}

/// An answer of our own.
pub(super) fn refusal<P: Ports>(refusal: &Refusal) -> Response<Out<P>> {
    let mut headers = HeaderMap::with_capacity(refusal.headers.len() + 2);
    if !refusal.body.is_empty() {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, json);
    }
    for (name, value) in &refusal.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    whole(refusal.status, headers, refusal.body.clone())
}

/// An answer of our own after which the connection closes: to those who were not let in.
pub(super) fn turned_away<P: Ports>(refusal: &Refusal) -> Response<Out<P>> {
    let mut response = self::refusal(refusal);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// One line of JSON.
pub(super) fn json<P: Ports>(status: u16, body: impl Into<Bytes>) -> Response<Out<P>> {
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    whole(status, headers, body.into())
}

/// The metrics page.
pub(super) fn metrics<P: Ports>(page: String) -> Response<Out<P>> {
    let kind = HeaderValue::from_static(crate::formats::metrics::CONTENT_TYPE);
    whole(200, HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]), page.into())
}

/// Any whole answer.
pub(super) fn whole<P: Ports>(status: u16, headers: HeaderMap, body: Bytes) -> Response<Out<P>> {
    let mut response = Response::new(Out::Whole(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    *response.headers_mut() = headers;
    response
}

/// The answer to what should not happen.
pub(super) fn unexpected<P: Ports>() -> Response<Out<P>> {
    refusal(&Refusal::unexpected())
}
