//! The system's time and zone; the only place that reads them.

use std::time::{Duration, SystemTime};

use crate::base::calendar::Zone;
use crate::base::{Moment, Span};
use crate::ports::Clock;

/// `ports::Clock` over the system.
#[derive(Debug, Clone)]
pub struct SystemClock {
    zone: Zone,
}

impl SystemClock {
    /// Reads the system's zone once.
    pub fn new() -> Self {
        Self { zone: Zone::new(local_zone()) }
    }
}

/// The zone of `/etc/localtime`, from its own bytes. The library's way first lists the whole zone database to
/// learn the zone's name, which nobody here asks for and every status line would pay for; it is taken where
/// `TZ` is set or the file cannot be read.
fn local_zone() -> jiff::tz::TimeZone {
    if super::env::time_zone().is_none()
        && let Ok(bytes) = std::fs::read("/etc/localtime")
        && let Ok(zone) = jiff::tz::TimeZone::tzif("localtime", &bytes)
    {
        return zone;
    }
    jiff::tz::TimeZone::system()
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the system's time")]
    fn now(&self) -> Moment {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Moment::EPOCH + Span::from(since_epoch)
    }

    async fn sleep(&self, span: Span) {
        tokio::time::sleep(span.to_duration()).await;
    }

    fn zone(&self) -> Zone {
        self.zone.clone()
    }
}
