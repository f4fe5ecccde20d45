//! The model list inside an exchange: answered from the catalog while it is fresh, or when upstream fails.

use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};

use super::Exchange;
use crate::ports::Ports;
use crate::ports::upstream::{Chunks, UpstreamError};
use crate::proxy::catalog::{self, Listed};
use crate::proxy::turn::{Event, Kept, Kind, Step};

impl<P: Ports> Exchange<P> {
    /// A list that needs no asking.
    pub(super) fn listed_fresh(&self) -> Option<Listed> {
        let account = self.account.as_ref().filter(|_| self.kind == Kind::Models)?;
        self.hub.catalog.fresh(account, &self.template.path, self.hub.now())
    }

    /// The last known list.
    pub(super) fn listed_stale(&self) -> Option<Listed> {
        let account = self.account.as_ref().filter(|_| self.kind == Kind::Models)?;
        self.hub.catalog.stale(account, &self.template.path)
    }

    /// Answers with a kept list as if upstream had just sent it.
    pub(super) fn take_listed(&mut self, listed: Listed) -> Step {
        let is_known = listed.is_known_to(&self.template.headers);
        let (status, body) =
            if is_known { (StatusCode::NOT_MODIFIED, Bytes::new()) } else { (StatusCode::OK, listed.body) };
        let _ = self.step(Event::Head { status: status.as_u16(), headers: &listed.headers });
        let _ = self.step(Event::Ended);
        let mut headers = listed.headers;
        if is_known {
            headers.remove(header::CONTENT_LENGTH);
        }
        Step::Answer(Box::new(Kept { status: status.as_u16(), headers, body }))
    }

    /// Reads a list whole, so that it can be kept; what is too long for that goes on as a stream.
    pub(super) async fn keep_list(&mut self) {
        let Some((StatusCode::OK, headers)) = self.head.clone() else { return };
        let Some(mut body) = self.body.take() else { return };
        let mut size = 0;
        loop {
            match std::future::poll_fn(|context| body.poll_chunk(context)).await {
                Some(Ok(chunk)) => {
                    size += chunk.len();
                    self.held.push_back(chunk);
                    if size > catalog::SIZE_CAP {
                        self.body = Some(body);
                        return;
                    }
                }
                Some(Err(error)) => {
                    self.body = Some(Box::new(Broken(Some(error))));
                    return;
                }
                None => break,
            }
        }
        let mut list = BytesMut::with_capacity(size);
        for chunk in &self.held {
            list.extend_from_slice(chunk);
        }
        if let Some(account) = self.account.clone() {
            let (path, at) = (self.template.path.clone(), self.hub.now());
            self.hub.catalog.keep(account, path, headers, list.freeze(), at);
        }
    }
}

/// A body that broke while it was looked at.
struct Broken(Option<UpstreamError>);

impl Chunks for Broken {
    fn poll_chunk(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, UpstreamError>>> {
        std::task::Poll::Ready(self.0.take().map(Err))
    }
}
