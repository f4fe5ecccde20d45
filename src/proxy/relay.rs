//! The stream to the client after the commit: upstream's bytes as they come (runtime.md §12.1).
//!
//! Chunks are read only when the client takes them, so a slow reader slows upstream and nothing piles up here. Small
//! chunks that are ready together leave together; the moment upstream is quiet everything leaves, and no timer ever
//! holds a byte. A failure resets the connection: an end that looks clean would end the client's turn.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, Sleep};

use crate::ports::Ports;
use crate::proxy::answer::Hangup;
use crate::proxy::exchange::Exchange;
use crate::proxy::turn::{Event, Step};

/// Chunks up to this size are worth copying together.
const SMALL: usize = 4 * 1024;
/// Where gathering stops.
const GATHERED: usize = 32 * 1024;

/// A committed exchange; the body of its answer.
pub(super) struct Relay<P: Ports> {
    exchange: Exchange<P>,
    /// Declared bytes that have not left yet.
    left: Option<u64>,
    stall: Duration,
    last: Instant,
    alarm: Pin<Box<Sleep>>,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Clean,
    Cut,
}

impl<P: Ports> Relay<P> {
    pub(super) fn new(exchange: Exchange<P>, length: Option<u64>) -> Self {
        let stall = exchange.hub.setting(|settings| settings.stream_stall.to_duration());
        let last = Instant::now();
        let first = exchange.deadline.map_or(last + stall, |deadline| deadline.min(last + stall));
        let alarm = Box::pin(tokio::time::sleep_until(first));
        Self { exchange, left: length, stall, last, alarm, end: None }
    }

    /// The next bytes for the client.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Hangup>>> {
        let mut gathered = Gathered::default();
        while self.end.is_none() {
            match self.poll_piece(context) {
                Poll::Ready(Some(piece)) => {
                    if let Err(big) = gathered.add(piece) {
                        self.exchange.held.push_front(big);
                        break;
                    }
                    if gathered.is_full() {
                        break;
                    }
                }
                Poll::Pending if gathered.is_empty() => return self.poll_alarm(context),
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if gathered.is_empty() {
            self.exchange.finish();
            return Poll::Ready(if self.end == Some(End::Cut) { Some(Err(Hangup)) } else { None });
        }
        let bytes = gathered.into_bytes();
        self.count(&bytes);
        Poll::Ready(Some(Ok(bytes)))
    }

    /// The next piece: what was held first, then upstream. `None` when the stream has ended one way or the other.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(cut) = self.heed_facts() {
            self.end = Some(cut);
            return Poll::Ready(None);
        }
        if let Some(held) = self.exchange.held.pop_front() {
            return Poll::Ready(Some(held));
        }
        let Some(body) = self.exchange.body.as_mut() else {
            self.ended(Event::Ended);
            return Poll::Ready(None);
        };
        match std::task::ready!(body.poll_chunk(context)) {
            Some(Ok(chunk)) => {
                self.last = Instant::now();
                self.exchange.take_in(&chunk);
                if let Some(cut) = self.heed_facts() {
                    // The event that ends the stream this way must not reach the client.
                    self.end = Some(cut);
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(chunk))
            }
            Some(Err(error)) => {
                self.exchange.body = None;
                self.ended(Event::Broke(error));
                Poll::Ready(None)
            }
            None => {
                self.exchange.body = None;
                self.ended(Event::Ended);
                Poll::Ready(None)
            }
        }
    }

    /// Reports what the tap read; most facts of a running stream are of no interest any more.
    fn heed_facts(&mut self) -> Option<End> {
        while let Some(fact) = self.exchange.facts.pop_front() {
            if !self.exchange.turn.wants(&fact) {
                continue;
            }
            if self.exchange.step(Event::Said(&fact)) == Step::Cut {
                return Some(End::Cut);
            }
        }
        None
    }

    fn ended(&mut self, event: Event<'_>) {
        let is_clean = matches!(event, Event::Ended);
        let step = self.exchange.step(event);
        self.end = Some(if is_clean && step != Step::Cut { End::Clean } else { End::Cut });
    }

    /// Counts what leaves. A body of declared length is over with its last byte: the server does not ask again.
    fn count(&mut self, bytes: &Bytes) {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.exchange.turn.relayed(size);
        let Some(left) = &mut self.left else { return };
        *left = left.saturating_sub(size);
        if *left == 0 && self.end.is_none() {
            self.ended(Event::Ended);
            self.exchange.finish();
        }
    }

    /// Upstream is quiet; too long a silence ends the stream.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Hangup>>> {
        while self.alarm.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            let event = if self.exchange.deadline.is_some_and(|deadline| deadline <= now) {
                Event::DeadlinePassed
            } else if self.last + self.stall <= now {
                Event::Stalled
            } else {
                let next = self.last + self.stall;
                self.alarm.as_mut().reset(self.exchange.deadline.map_or(next, |deadline| deadline.min(next)));
                continue;
            };
            self.ended(event);
            self.exchange.finish();
            return Poll::Ready(Some(Err(Hangup)));
        }
        Poll::Pending
    }
}

/// Ready pieces on their way to one write.
#[derive(Default)]
struct Gathered {
    first: Option<Bytes>,
    many: BytesMut,
}

impl Gathered {
    /// Adds a piece; gives it back when it is too big to be copied behind another.
    fn add(&mut self, piece: Bytes) -> Result<(), Bytes> {
        if piece.is_empty() {
            return Ok(());
        }
        if self.is_empty() {
            self.first = Some(piece);
            return Ok(());
        }
        if piece.len() > SMALL {
            return Err(piece);
        }
        if let Some(first) = self.first.take() {
            self.many.reserve(GATHERED.min(8 * (first.len() + piece.len())));
            self.many.extend_from_slice(&first);
        }
        self.many.extend_from_slice(&piece);
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.first.is_none() && self.many.is_empty()
    }

    /// Whether looking for more is not worth it.
    fn is_full(&self) -> bool {
        self.many.len() >= GATHERED || self.first.as_ref().is_some_and(|first| first.len() > SMALL)
    }

    fn into_bytes(self) -> Bytes {
        self.first.unwrap_or_else(|| self.many.freeze())
    }
}
