//! The guardian as a task: in every process that hosts a proxy, and in the dashboard when background calls are
//! allowed. One process at a time looks, under a lock of its own, and nobody looks while nobody works.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::adapters::disk::lock::FileLock;
use crate::base::{Moment, Span};
use crate::domain::refresh::guardian::{Guardian, IDLE, JITTER};
use crate::domain::settings::{BackgroundNetwork, Settings};
use crate::ports::{Auth as _, Clock as _, Entropy as _, Ports, Store as _};

/// When a client last asked for anything; cheap to clone.
#[derive(Debug, Clone)]
pub struct Activity(Arc<AtomicI64>);

impl Activity {
    /// Something happened at `at`.
    pub fn since(at: Moment) -> Self {
        Self(Arc::new(AtomicI64::new(at.millis())))
    }

    /// Something happened again.
    pub fn note(&self, at: Moment) {
        self.0.store(at.millis(), Ordering::Relaxed);
    }

    fn is_idle(&self, at: Moment) -> bool {
        at.since(Moment::from_millis(self.0.load(Ordering::Relaxed))) > IDLE
    }
}

/// Where the guardian works.
#[derive(Debug, Clone)]
pub enum Post {
    /// Beside a proxy: while clients ask.
    Proxy(Activity),
    /// In the dashboard: while background calls are allowed.
    Dashboard,
}

impl Post {
    fn is_on_duty(&self, settings: &Settings, at: Moment) -> bool {
        settings.refresh_guardian
            && match self {
                Self::Proxy(activity) => !activity.is_idle(at),
                Self::Dashboard => settings.background_network == BackgroundNetwork::On,
            }
    }
}

/// Looks again and again until `stop`; a refresh under way is finished by its owner.
pub async fn watch<P: Ports>(ports: P, lock: PathBuf, post: Post, stop: CancellationToken) {
    let clock = ports.clock().clone();
    let mut guardian = Guardian::default();
    let mut pause = jitter(&ports);
    loop {
        let settings = ports.store().settings().await.unwrap_or_default();
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(settings.refresh_interval + pause.min(settings.refresh_interval)) => {}
        }
        pause = Span::ZERO;
        let settings = ports.store().settings().await.unwrap_or_default();
        if !post.is_on_duty(&settings, clock.now()) {
            continue;
        }
        // Whoever looks now looks for everybody.
        let Ok(Some(_leader)) = FileLock::try_now(&lock) else { continue };
        tokio::select! {
            () = stop.cancelled() => return,
            () = look(&ports, &mut guardian, settings.refresh_buffer) => {}
        }
    }
}

/// One look; accounts one after the other, as far apart as the owner of the endpoint keeps them.
async fn look<P: Ports>(ports: &P, guardian: &mut Guardian, buffer: Span) {
    let Ok(loaded) = ports.store().load().await else { return };
    for (key, reason) in guardian.due(&loaded.roster, ports.clock().now(), buffer) {
        // What is stored by now may be newer: then that is the answer.
        let stale = loaded.roster.get(&key).and_then(|account| account.credentials.access.clone());
        let outcome = ports.auth().refresh(&key, reason, stale).await;
        let rest = guardian.hear(&key, &outcome, ports.clock().now(), buffer);
        if let Some(change) = rest
            && let Err(error) = ports.store().commit(vec![change]).await
        {
            tracing::debug!(%error, "a rest after a failed refresh was not written down");
        }
    }
    let counts = &guardian.counts;
    tracing::debug!(
        runs = counts.runs,
        refreshed = counts.refreshed,
        failed = counts.failed,
        "the guardian looked"
    );
}

fn jitter<P: Ports>(ports: &P) -> Span {
    let mut byte = [0];
    ports.entropy().fill(&mut byte);
    let [byte] = byte;
    Span::millis(JITTER.as_millis() * i64::from(byte) / 255)
}
