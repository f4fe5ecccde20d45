//! The system's time and zone; the only place that reads them.

use std::path::{Component, Path};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use crate::base::calendar::Zone;
use crate::base::{Moment, Span};
use crate::ports::Clock;

/// `ports::Clock` over the system. The zone is read when somebody asks for it: most commands never do.
#[derive(Debug, Clone)]
pub struct SystemClock {
    zone: Arc<OnceLock<Zone>>,
}

impl SystemClock {
    /// A clock whose zone is read once, when it is first asked for.
    pub fn new() -> Self {
        Self { zone: Arc::default() }
    }
}

/// Where the zones of a system are.
const ZONES: &str = "/usr/share/zoneinfo";

/// The zone that `TZ` names, or that of `/etc/localtime`, from the file's own bytes. The library's way first lists
/// the whole zone database to learn the zone's name, which nobody here asks for and every start would pay for; it
/// is taken where that is not enough.
fn local_zone() -> jiff::tz::TimeZone {
    let named = super::env::time_zone();
    let file = match &named {
        None => Some(Path::new("/etc/localtime").to_path_buf()),
        Some(name) if is_plain(name) => Some(Path::new(ZONES).join(name)),
        Some(_) => None,
    };
    if let Some(bytes) = file.and_then(|file| std::fs::read(file).ok())
        && let Ok(zone) = jiff::tz::TimeZone::tzif(named.as_deref().unwrap_or("localtime"), &bytes)
    {
        return zone;
    }
    jiff::tz::TimeZone::system()
}

/// Whether a value of `TZ` is the name of a zone, not a path or a rule of its own.
fn is_plain(name: &str) -> bool {
    !name.starts_with(':') && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
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
        self.zone.get_or_init(|| Zone::new(local_zone())).clone()
    }
}
