//! Tells when something in a few directories may have changed: system notifications, with a poll beside them.
//!
//! Notifications are hints only: they are lost on network mounts and when the queue overflows. Whoever waits
//! here compares afterwards.

use std::path::{Path, PathBuf};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::watch;

use crate::base::Span;

/// Watches directories for as long as it lives.
#[derive(Debug)]
pub struct Watch {
    _watcher: Option<RecommendedWatcher>,
    hints: watch::Receiver<u64>,
}

impl Watch {
    /// Watches directories for names that begin with one of `names`; where the system cannot notify, the poll
    /// of `Waiter::hint` is all there is.
    pub fn new(directories: &[PathBuf], names: Vec<String>) -> Self {
        let (sender, hints) = watch::channel(0);
        let on_event = move |event: notify::Result<notify::Event>| {
            let meant = event.is_ok_and(|event| {
                !event.kind.is_access() && event.paths.iter().any(|path| begins_with_any(path, &names))
            });
            if meant {
                sender.send_modify(|count| *count += 1);
            }
        };
        let watcher = notify::recommended_watcher(on_event).ok().map(|mut watcher| {
            for directory in directories {
                let _ = watcher.watch(directory, RecursiveMode::NonRecursive);
            }
            watcher
        });
        Self { _watcher: watcher, hints }
    }

    /// A place to wait at; hints from before are not seen.
    pub fn waiter(&self) -> Waiter {
        let mut hints = self.hints.clone();
        hints.mark_unchanged();
        Waiter { hints }
    }
}

/// Waits for hints of one [`Watch`].
#[derive(Debug)]
pub struct Waiter {
    hints: watch::Receiver<u64>,
}

impl Waiter {
    /// Ends at a hint (after `debounce`, so that one change is one hint) or after `poll`.
    pub async fn hint(&mut self, debounce: Span, poll: Span) {
        let changed = async {
            if self.hints.changed().await.is_err() {
                // No notifications on this system: leave it to the poll.
                std::future::pending::<()>().await;
            }
        };
        if tokio::time::timeout(poll.to_duration(), changed).await.is_ok() {
            tokio::time::sleep(debounce.to_duration()).await;
            self.hints.mark_unchanged();
        }
    }
}

fn begins_with_any(path: &Path, names: &[String]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    names.iter().any(|begin| name.starts_with(begin.as_str()))
}
