//! An answer as a sequence of beats: events, pauses, and the break that a scenario put in.
//!
//! Sockets and streams play the same sequence; each turns the beats into its own bytes.

use std::collections::VecDeque;

use crate::base::Span;
use crate::formats::fake::events::{self, Draft, Event, Tokens};
use crate::formats::scenario::{Action, Bench, Break};

#[derive(Debug)]
pub(super) enum Beat {
    Pause(Span),
    Event(Event),
    Break(Break),
    End,
}

#[derive(Debug)]
pub(super) struct Playback {
    source: Source,
    fault: Option<(u32, Break)>,
    think: Span,
    gap: Span,
    paused: bool,
    sent: u64,
}

#[derive(Debug)]
enum Source {
    List(VecDeque<Event>),
    Bench { delta: Event, left: u64, last: Option<Event> },
}

impl Playback {
    pub(super) fn new(events: Vec<Event>, think: Span, gap: Span) -> Self {
        Self { source: Source::List(events.into()), fault: None, think, gap, paused: false, sent: 0 }
    }

    pub(super) fn bench(bench: Bench, draft: &Draft, tokens: Tokens, think: Span, gap: Span) -> Self {
        let source = Source::Bench {
            delta: events::bench_delta(bench.bytes),
            left: bench.events,
            last: Some(events::completed(draft, tokens)),
        };
        Self { source, fault: None, think, gap, paused: false, sent: 0 }
    }

    /// Puts the break or the failing end of `action` in.
    pub(super) fn broken_by(&mut self, action: &Action, draft: &Draft, tokens: Tokens) {
        if let Some(fault) = action.fault() {
            self.fault = Some(fault);
        } else if let Action::Fail { events, code, message } = action {
            self.end_with(*events, events::failed(draft, code, message));
        } else if let Action::ErrorEvent { events, status, code, message } = action {
            self.end_with(*events, events::error(draft.wire, *status, code, message));
        } else if let Action::Incomplete { reason } = action {
            self.end_with(u32::MAX, events::incomplete(draft, reason, tokens));
        }
    }

    /// Keeps `events` events before the terminal one and ends with `last` instead.
    fn end_with(&mut self, events: u32, last: Event) {
        if let Source::List(list) = &mut self.source {
            let keep = usize::try_from(events).unwrap_or(usize::MAX).min(list.len().saturating_sub(1));
            list.truncate(keep);
            list.push_back(last);
        } else {
            self.source = Source::List(VecDeque::from([last]));
        }
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn is_done(&self) -> bool {
        self.remaining() == 0
    }

    fn remaining(&self) -> u64 {
        match &self.source {
            Source::List(list) => list.len() as u64,
            Source::Bench { left, last, .. } => left.saturating_add(u64::from(last.is_some())),
        }
    }

    pub(super) fn next(&mut self) -> Beat {
        if !self.think.is_over() {
            return Beat::Pause(std::mem::take(&mut self.think));
        }
        // A break that lies beyond the answer happens before its terminal event: it must happen.
        let (sent, ending) = (self.sent, self.remaining() <= 1);
        if let Some((_, kind)) = self.fault.take_if(|(events, _)| ending || sent >= u64::from(*events)) {
            return Beat::Break(kind);
        }
        if !self.gap.is_over() && self.sent > 0 && !self.paused && !self.is_done() {
            self.paused = true;
            return Beat::Pause(self.gap);
        }
        self.paused = false;
        match self.source.take() {
            Some(event) => {
                self.sent += 1;
                Beat::Event(event)
            }
            None => Beat::End,
        }
    }
}

impl Source {
    fn take(&mut self) -> Option<Event> {
        match self {
            Self::List(list) => list.pop_front(),
            Self::Bench { delta, left, last } => match left.checked_sub(1) {
                Some(fewer) => {
                    *left = fewer;
                    Some(delta.clone())
                }
                None => last.take(),
            },
        }
    }
}
