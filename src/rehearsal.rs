//! The product without an account: a fake back end, its cast and its client (D3).
//!
//! It serves `--demo`, the tests and the benches alike and knows nothing of proxy or adapters: it is reached
//! through sockets and the endpoint overrides only, so what it proves holds for the real thing.

pub mod backend;
pub mod browser;
pub mod cast;
pub mod client;
pub mod home;
mod listen;
pub mod scenario;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::base::{Moment, Span};
use backend::{Backend, Options};
use home::Home;

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

/// What a rehearsal in a process of its own needs to know.
#[derive(Debug, Clone)]
pub struct Serve {
    /// A built-in name or a file.
    pub scenario: String,
    /// The loopback port; 0 lets the system choose.
    pub port: u16,
    /// A file that gets every recorded request as a line of JSON.
    pub record: Option<PathBuf>,
    /// A folder to furnish as home; it stays.
    pub home: Option<PathBuf>,
    /// The time it is.
    pub now: Moment,
}

/// A rehearsal under way: its back end and, where one was asked for, its home.
#[derive(Debug)]
pub struct Serving {
    /// The back end.
    pub backend: Backend,
    /// The home.
    pub home: Option<Home>,
}

/// Why a rehearsal cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No such scenario.
    #[error(transparent)]
    Scenario(#[from] scenario::FindError),
    /// No port, no record file or no home.
    #[error("the rehearsal cannot be set up")]
    Io(#[from] std::io::Error),
}

/// Starts the back end of a rehearsal and furnishes its home; whoever asked says where it listens.
///
/// # Errors
/// When the scenario, the port or a file is not to be had.
pub async fn serve(asked: Serve) -> Result<Serving, ServeError> {
    let scenario = scenario::find(&asked.scenario)?;
    let options = Options { scenario, port: asked.port, dump: asked.record, now: asked.now };
    let backend = Backend::start(options).await?;
    let home = asked.home.map(|folder| Home::within(&folder, &backend)).transpose()?;
    Ok(Serving { backend, home })
}
