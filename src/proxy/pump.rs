//! The pump between the two sockets of a session: one task, both directions, every frame judged by the session first
//! (runtime.md §22.4–22.8).
//!
//! A leg is read only while the other leg takes what is read, so a slow reader slows the writer behind it and little
//! piles up here. Upstream is pinged when it is quiet, the client never.

mod leg;

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::base::Moment;
use crate::formats::events;
use crate::ports::Ports;
use crate::ports::upstream::{Frame, FrameReader, FrameWriter, Socket, UpstreamError};
use crate::proxy::exchange::HELD_CAP;
use crate::proxy::frames::{self, ClientSocket};
use crate::proxy::hub::Seat;
use crate::proxy::session::{Event, Step};
use crate::proxy::socket::{Driven, Life};

use leg::{Leg, Out, poll_out};

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Added to two ping intervals before upstream counts as dead.
const PONG_GRACE: Duration = Duration::from_secs(15);

/// Whether the frames of a socket are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Turns over `…/responses`.
    Judged,
    /// Any other path: spliced.
    Blind,
}

/// See the module.
pub(super) struct Pump<P: Ports> {
    driven: Driven<P>,
    upgraded: OnUpgrade,
    socket: Socket,
    reading: Reading,
}

impl<P: Ports> Pump<P> {
    pub(super) fn new(driven: Driven<P>, upgraded: OnUpgrade, socket: Socket, reading: Reading) -> Self {
        Self { driven, upgraded, socket, reading }
    }

    /// Runs until one of the two sides is gone.
    pub(super) async fn run(self) {
        let Ok(upgraded) = self.upgraded.await else { return };
        let hub = &self.driven.hub;
        let interval = hub.setting(|settings| settings.ws_ping_interval.to_duration());
        let now = Instant::now();
        let seat = hub.busy.socket();
        let (stop, cut) = (hub.stop.clone(), hub.cut.clone());
        Legs {
            driven: self.driven,
            reading: self.reading,
            client: Leg::default(),
            client_socket: ClientSocket::new(upgraded).await,
            upstream: Leg::default(),
            reader: self.socket.reader,
            writer: self.socket.writer,
            held: Vec::new(),
            held_size: 0,
            seats: Vec::new(),
            wait: None,
            alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
            alarm_for: None,
            ping: (!interval.is_zero()).then(|| Ping {
                interval,
                heard: now,
                next: Box::pin(tokio::time::sleep(interval)),
            }),
            stop: Some(Box::pin(stop.cancelled_owned())),
            cut: Some(Box::pin(cut.cancelled_owned())),
            _seat: seat,
        }
        .run()
        .await;
    }
}

struct Ping {
    interval: Duration,
    heard: Instant,
    next: Pin<Box<Sleep>>,
}

enum Heard {
    Client(Option<Result<Frame, UpstreamError>>),
    Upstream(Option<Result<Frame, UpstreamError>>),
    UpstreamDead,
    Tick,
    WaitOver,
    Stop,
}

/// What is left to do after an event.
enum Next {
    Pump,
    /// Say farewell: the code for the client; `None` when it is gone already.
    Farewell(Option<u16>),
}

struct Legs<P: Ports> {
    driven: Driven<P>,
    reading: Reading,
    client: Leg,
    client_socket: ClientSocket,
    upstream: Leg,
    reader: Box<dyn FrameReader>,
    writer: Box<dyn FrameWriter>,
    held: Vec<Frame>,
    held_size: usize,
    /// One for each turn that runs.
    seats: Vec<Seat>,
    wait: Option<Pin<Box<Sleep>>>,
    alarm: Pin<Box<Sleep>>,
    alarm_for: Option<Moment>,
    ping: Option<Ping>,
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    _seat: Option<Seat>,
}

impl<P: Ports> Legs<P> {
    async fn run(mut self) {
        let code = loop {
            self.arm();
            let heard = std::future::poll_fn(|context| self.poll_heard(context)).await;
            match self.take(heard) {
                Next::Pump => {}
                Next::Farewell(code) => break code,
            }
        };
        self.driven.life = Life::Over;
        self.farewell(code).await;
    }

    /// Sets the timer to the moment the session names, unless it stands there already.
    fn arm(&mut self) {
        let due = self.driven.session().due();
        if due == self.alarm_for {
            return;
        }
        self.alarm_for = due;
        if let Some(due) = due {
            let wait = self.driven.hub.now().until(due).to_duration();
            self.alarm.as_mut().reset(Instant::now() + wait);
        }
    }

    /// The next event. Frames of upstream that are ready together are taken together, up to what may be queued,
    /// before anything is written: one write for a burst. Then both legs get their turn, so neither starves.
    fn poll_heard(&mut self, context: &mut Context<'_>) -> Poll<Heard> {
        if let Poll::Ready(heard) = self.poll_upstream(context) {
            return Poll::Ready(heard);
        }
        let had_room = self.client.has_room();
        if let Poll::Ready(Err(error)) = self.poll_client_out(context) {
            self.client.close();
            return Poll::Ready(Heard::Client(Some(Err(error))));
        }
        if let Poll::Ready(Err(error)) = self.poll_upstream_out(context) {
            self.upstream.close();
            return Poll::Ready(Heard::Upstream(Some(Err(error))));
        }
        if self.upstream.has_room()
            && let Poll::Ready(frame) = self.client_socket.poll_frame(context)
        {
            return Poll::Ready(Heard::Client(frame));
        }
        if !had_room && let Poll::Ready(heard) = self.poll_upstream(context) {
            return Poll::Ready(heard);
        }
        self.poll_timers(context)
    }

    /// A frame of upstream, while the client's leg takes one.
    fn poll_upstream(&mut self, context: &mut Context<'_>) -> Poll<Heard> {
        if self.wait.is_some() || !self.client.has_room() || self.upstream.state == Out::Gone {
            return Poll::Pending;
        }
        let frame = std::task::ready!(self.reader.poll_frame(context));
        if let Some(ping) = &mut self.ping {
            ping.heard = Instant::now();
        }
        Poll::Ready(Heard::Upstream(frame))
    }

    fn poll_timers(&mut self, context: &mut Context<'_>) -> Poll<Heard> {
        if let Some(wait) = &mut self.wait
            && wait.as_mut().poll(context).is_ready()
        {
            self.wait = None;
            return Poll::Ready(Heard::WaitOver);
        }
        if self.alarm_for.is_some() && self.alarm.as_mut().poll(context).is_ready() {
            self.alarm_for = None;
            return Poll::Ready(Heard::Tick);
        }
        for token in [&mut self.stop, &mut self.cut] {
            if token.as_mut().is_some_and(|token| token.as_mut().poll(context).is_ready()) {
                *token = None;
                return Poll::Ready(Heard::Stop);
            }
        }
        if let Some(ping) = &mut self.ping
            && self.upstream.state != Out::Gone
        {
            while ping.next.as_mut().poll(context).is_ready() {
                let now = Instant::now();
                if now >= ping.heard + ping.interval * 2 + PONG_GRACE {
                    return Poll::Ready(Heard::UpstreamDead);
                }
                if now >= ping.heard + ping.interval && self.upstream.is_empty() {
                    self.upstream.push(Frame::Ping(Bytes::new()));
                    context.waker().wake_by_ref();
                }
                let due = ping.heard + ping.interval;
                ping.next.as_mut().reset(if due > now { due } else { now + ping.interval });
            }
        }
        Poll::Pending
    }

    fn poll_client_out(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        poll_out(
            &mut self.client,
            &mut self.client_socket,
            context,
            ClientSocket::poll_ready,
            ClientSocket::start_send,
            ClientSocket::poll_flush,
        )
    }

    fn poll_upstream_out(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        poll_out(
            &mut self.upstream,
            &mut self.writer,
            context,
            |writer, context| writer.poll_ready(context),
            |writer, frame| writer.start_send(frame),
            |writer, context| writer.poll_flush(context),
        )
    }

    fn take(&mut self, heard: Heard) -> Next {
        match heard {
            Heard::Upstream(Some(Ok(frame))) => self.take_upstream(frame),
            Heard::Upstream(Some(Err(error))) => {
                self.upstream.close();
                if self.reading == Reading::Blind {
                    return Next::Farewell(Some(if error == UpstreamError::TooBig { 1009 } else { 1011 }));
                }
                self.judge(Event::UpstreamCut, None)
            }
            Heard::Upstream(None) => self.upstream_closed(None),
            Heard::UpstreamDead => {
                self.upstream.close();
                self.judge(Event::UpstreamCut, None)
            }
            Heard::Client(Some(Ok(frame))) => self.take_client(frame),
            Heard::Client(Some(Err(error))) => {
                let _ = self.driven.step(Event::ClientGone);
                Next::Farewell((error == UpstreamError::TooBig).then_some(1009))
            }
            Heard::Client(None) => {
                let _ = self.driven.step(Event::ClientGone);
                Next::Farewell(None)
            }
            Heard::Tick => self.judge(Event::Tick, None),
            Heard::WaitOver => self.judge(Event::WaitOver, None),
            Heard::Stop if self.reading == Reading::Blind => Next::Farewell(Some(1001)),
            Heard::Stop => self.judge(Event::Shutdown, None),
        }
    }

    fn take_upstream(&mut self, frame: Frame) -> Next {
        match frame {
            Frame::Text(bytes) if self.reading == Reading::Judged => {
                let now = self.driven.hub.now();
                let fact = events::frame(&bytes, now);
                if self.driven.session().passes(&fact, now) {
                    self.forward(Frame::Text(bytes));
                    return Next::Pump;
                }
                self.judge(Event::UpstreamText(&fact), Some(Frame::Text(bytes)))
            }
            Frame::Binary(bytes) if self.reading == Reading::Judged => {
                self.judge(Event::UpstreamBinary, Some(Frame::Binary(bytes)))
            }
            Frame::Text(_) | Frame::Binary(_) => {
                self.forward(frame);
                Next::Pump
            }
            // Each leg answers its own pings.
            Frame::Ping(_) | Frame::Pong(_) => Next::Pump,
            Frame::Close(close) => self.upstream_closed(close.map(|(code, _)| code)),
        }
    }

    fn upstream_closed(&mut self, code: Option<u16>) -> Next {
        self.upstream.close();
        match self.reading {
            Reading::Judged => self.judge(Event::UpstreamClosed(code), None),
            Reading::Blind => Next::Farewell(Some(code.unwrap_or(1011))),
        }
    }

    fn take_client(&mut self, frame: Frame) -> Next {
        match frame {
            Frame::Text(bytes) if self.reading == Reading::Judged => {
                let limit = self.driven.hub.setting(|settings| settings.max_concurrent_requests);
                let seat = self.driven.hub.busy.request(limit);
                let event = if seat.is_some() { Event::ClientText } else { Event::ClientTextInExcess };
                let before = self.driven.session().open_turns();
                let step = self.driven.step(event(bytes.clone()));
                if self.driven.session().open_turns() > before {
                    self.seats.extend(seat);
                }
                if step == Step::Pass {
                    self.upstream.push(Frame::Text(bytes));
                    return Next::Pump;
                }
                self.carry_out(step, None)
            }
            Frame::Text(_) | Frame::Binary(_) => {
                self.upstream.push(frame);
                Next::Pump
            }
            Frame::Ping(_) | Frame::Pong(_) => Next::Pump,
            Frame::Close(_) => {
                let _ = self.driven.step(Event::ClientGone);
                Next::Farewell(None)
            }
        }
    }

    fn judge(&mut self, event: Event<'_>, frame: Option<Frame>) -> Next {
        let step = self.driven.step(event);
        self.carry_out(step, frame)
    }

    /// Does what the session says with an upstream frame, or with none.
    fn carry_out(&mut self, step: Step, frame: Option<Frame>) -> Next {
        self.seats.truncate(self.driven.session().open_turns());
        match step {
            Step::Pass => frame.into_iter().for_each(|frame| self.forward(frame)),
            Step::Hold => {
                self.held_size += frame.as_ref().map_or(0, frames::size);
                self.held.extend(frame);
                if self.held_size >= HELD_CAP {
                    self.held_size = 0;
                    return self.judge(Event::HeldEnough, None);
                }
            }
            Step::Release | Step::Flush => {
                self.held_size = 0;
                for frame in std::mem::take(&mut self.held).into_iter().chain(frame) {
                    self.forward(frame);
                }
            }
            Step::Rewrite(text) | Step::Resend(text) => {
                self.drop_held();
                self.upstream.push(Frame::Text(text));
            }
            Step::Tell(text) => {
                self.drop_held();
                self.forward(Frame::Text(text));
            }
            Step::Discard => self.held.clear(),
            Step::Wait(span) => {
                self.held.extend(frame);
                self.wait = Some(Box::pin(tokio::time::sleep(span.to_duration())));
            }
            Step::Go => {}
            Step::Close(code) => return Next::Farewell(Some(code)),
            // The other three belong to an upgrade that has not been answered yet.
            Step::Done
            | Step::Refresh { .. }
            | Step::Discover { .. }
            | Step::Connect(_)
            | Step::Accept
            | Step::Refuse(_) => {
                return Next::Farewell(None);
            }
        }
        Next::Pump
    }

    fn drop_held(&mut self) {
        self.held.clear();
        self.held_size = 0;
    }

    fn forward(&mut self, frame: Frame) {
        self.driven.session().relayed(u64::try_from(frames::size(&frame)).unwrap_or(u64::MAX));
        self.client.push(frame);
    }

    /// Sends what is decided, closes both legs, and gives them a moment to take it.
    async fn farewell(mut self, code: Option<u16>) {
        if let Some(code) = code {
            self.client.push(Frame::Close(Some((code, String::new()))));
        } else {
            self.client.close();
        }
        self.upstream.empty();
        self.upstream.push(Frame::Close(Some((1000, String::new()))));
        let leaving = std::future::poll_fn(|context| {
            let client = self.poll_client_out(context).is_ready();
            let upstream = self.poll_upstream_out(context).is_ready();
            // The client's answer to our close is awaited, so that the close is not lost to a reset.
            let answered = self.client.state == Out::Gone
                || loop {
                    match self.client_socket.poll_frame(context) {
                        Poll::Ready(None | Some(Err(_))) => break true,
                        Poll::Ready(Some(Ok(_))) => {}
                        Poll::Pending => break false,
                    }
                };
            if client && upstream && answered { Poll::Ready(()) } else { Poll::Pending }
        });
        let _ = tokio::time::timeout(FAREWELL, leaving).await;
    }
}
