//! What a socket waits for: the end of the hold-back, a stall, an idle close, the farewell. Moments are compared, no
//! timer is owned here.

use crate::base::{Moment, Span};
use crate::domain::chance::Rng;
use crate::domain::failure::Class;
use crate::domain::pool::Pool;
use crate::domain::settings::Settings;

use super::{Session, State, Step};

impl Session {
    /// When `Event::Tick` is wanted next, under the settings of the last step; asked again after every step. A tick
    /// that comes early does no harm.
    pub fn due(&self) -> Option<Moment> {
        match self.state {
            State::Opening | State::Waiting(_) | State::Over => None,
            State::Retiring { until } => Some(until),
            State::Idle => self.timers.idle.map(|idle| self.last_data + idle),
            State::Pending | State::Streaming => {
                let hold = (self.held > 0).then(|| self.held_since + self.timers.hold);
                let stall = self.timers.stall.map(|stall| self.last_data + stall);
                hold.into_iter().chain(stall).min()
            }
        }
    }

    pub(super) fn tick(&mut self, pool: &mut Pool, now: Moment, rng: &mut Rng) -> Step {
        let is_due = |since: Moment, span: Option<Span>| span.is_some_and(|span| now.since(since) >= span);
        match self.state {
            State::Retiring { until } if now >= until => {
                self.state = State::Over;
                Step::Close(1000)
            }
            State::Idle if is_due(self.last_data, self.timers.idle) => {
                self.state = State::Over;
                Step::Close(1000)
            }
            State::Pending | State::Streaming if is_due(self.last_data, self.timers.stall) => {
                self.broken(Class::Network, pool, now, rng)
            }
            State::Pending if self.held > 0 && is_due(self.held_since, Some(self.timers.hold)) => {
                self.commit(now, Step::Flush)
            }
            State::Opening
            | State::Idle
            | State::Pending
            | State::Streaming
            | State::Waiting(_)
            | State::Retiring { .. }
            | State::Over => Step::Go,
        }
    }
}

/// Timers of an open socket; `None` = off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timers {
    pub(super) hold: Span,
    stall: Option<Span>,
    idle: Option<Span>,
}

impl Timers {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            hold: settings.sse_holdback,
            stall: Some(settings.stream_stall).filter(|stall| !stall.is_over()),
            idle: Some(settings.ws_idle_close).filter(|idle| !idle.is_over()),
        }
    }
}
