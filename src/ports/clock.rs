//! Time.

use std::future::Future;

use crate::base::calendar::Zone;
use crate::base::{Moment, Span};

/// Reads the time and waits for it; paused in tests.
pub trait Clock: Clone + Send + Sync + 'static {
    /// Wall-clock time.
    fn now(&self) -> Moment;
    /// Ends after `span`.
    fn sleep(&self, span: Span) -> impl Future<Output = ()> + Send;
    /// The system's time zone, read once.
    fn zone(&self) -> Zone;
}
