//! The product without an account: a fake back end, its cast and its client (D3).
//!
//! It serves `--demo`, the tests and the benches alike and knows nothing of proxy or adapters: it is reached
//! through sockets and the endpoint overrides only, so what it proves holds for the real thing.

pub mod backend;
mod listen;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::base::{Moment, Span};

/// The time of a rehearsal: a given beginning, moved on by the runtime's own timer, which tests can pause.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Moment,
    started: Instant,
}

impl Clock {
    /// A clock that shows `origin` now.
    pub fn starting(origin: Moment) -> Self {
        Self { origin, started: Instant::now() }
    }

    /// The time.
    pub fn now(self) -> Moment {
        self.origin + self.elapsed()
    }

    /// Since the beginning.
    pub fn elapsed(self) -> Span {
        Span::from(self.started.elapsed())
    }
}

/// Nothing here panics with a lock held; should it, the state is as good as any for a rehearsal.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
