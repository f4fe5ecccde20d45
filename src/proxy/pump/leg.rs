//! One way out of the pump: a short queue before a sink.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use crate::ports::upstream::{Frame, UpstreamError};
use crate::proxy::frames;

/// Most that waits for one leg; one larger message alone is let through.
const QUEUED: (usize, usize) = (16, 1024 * 1024);

/// Frames on their way out of one leg.
#[derive(Default)]
pub(super) struct Leg {
    queue: VecDeque<Frame>,
    size: usize,
    pub(super) state: Out,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Out {
    /// Nothing unsent.
    #[default]
    Clean,
    /// Handed over, not flushed.
    Dirty,
    /// No more frames can be sent.
    Gone,
}

impl Leg {
    pub(super) fn push(&mut self, frame: Frame) {
        if self.state != Out::Gone {
            self.size += frames::size(&frame);
            self.queue.push_back(frame);
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < QUEUED.0 && self.size < QUEUED.1
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Forgets what has not left.
    pub(super) fn empty(&mut self) {
        self.queue.clear();
        self.size = 0;
    }

    pub(super) fn close(&mut self) {
        self.state = Out::Gone;
        self.empty();
    }
}

/// Moves what is queued into a sink; ready when everything has left.
pub(super) fn poll_out<S>(
    leg: &mut Leg,
    sink: &mut S,
    context: &mut Context<'_>,
    ready: impl Fn(&mut S, &mut Context<'_>) -> Poll<Result<(), UpstreamError>>,
    send: impl Fn(&mut S, Frame) -> Result<(), UpstreamError>,
    flush: impl Fn(&mut S, &mut Context<'_>) -> Poll<Result<(), UpstreamError>>,
) -> Poll<Result<(), UpstreamError>> {
    if leg.state == Out::Gone {
        return Poll::Ready(Ok(()));
    }
    while !leg.queue.is_empty() {
        std::task::ready!(ready(sink, context))?;
        let Some(frame) = leg.queue.pop_front() else { break };
        leg.size -= frames::size(&frame);
        leg.state = Out::Dirty;
        send(sink, frame)?;
    }
    if leg.state == Out::Dirty {
        std::task::ready!(flush(sink, context))?;
        leg.state = Out::Clean;
    }
    Poll::Ready(Ok(()))
}
