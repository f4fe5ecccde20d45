//! Other processes of the same person: whether one is the one that was meant, and its end.
//!
//! A pid alone names nobody: it is used again. So every act takes the moment at which the process began along, and
//! is not done when that is another one by now, or where the system does not say.

use std::fs;
use std::time::Duration;

use crate::adapters::disk::perms;
use crate::adapters::peers::process_start;
use crate::base::{Moment, Span};

/// How far two readings of one start may lie apart (forwarder.md §15.4).
const SLACK: Span = Span::seconds(5);
/// How long each way of ending a process is given.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at a process that is to end.
const LOOK: Duration = Duration::from_millis(20);

/// How a process is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It may tidy up.
    Terminate,
    /// It may not.
    Kill,
}

/// Whether a process runs; one that has ended and waits for its parent does not.
pub fn runs(pid: u32) -> bool {
    if !perms::process_lives(pid) {
        return false;
    }
    // The state is the first field behind the name, which may hold anything.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().next());
    !matches!(state, Some("Z" | "X"))
}

/// Whether a process runs and began when it is said to have; where the system does not say when, it is not.
pub fn is_same(pid: u32, started: Option<Moment>) -> bool {
    let is_near = |began: Moment, started: Moment| {
        (began.millis() - started.millis()).unsigned_abs() <= SLACK.as_millis().unsigned_abs()
    };
    runs(pid) && process_start(pid).zip(started).is_some_and(|(began, started)| is_near(began, started))
}

/// Whether the command line of a process holds one of these texts. Only where the system shows it.
pub fn says(pid: u32, texts: &[&str]) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let line = String::from_utf8_lossy(&line).into_owned();
    texts.iter().any(|text| !text.is_empty() && line.contains(text))
}

/// Waits until a process has ended, any of that pid where its start is not known; `false` when it does not.
pub async fn ended(pid: u32, started: Option<Moment>) -> bool {
    let gone = async {
        while is_same(pid, started) || (started.is_none() && runs(pid)) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.is_ok()
}

/// Ends a process that began at `started`: asks, and when it does not listen, insists. `false` when it stays.
pub async fn end(pid: u32, started: Option<Moment>) -> bool {
    for how in [End::Terminate, End::Kill] {
        if !is_same(pid, started) {
            return true;
        }
        signal(pid, how);
        if ended(pid, started).await {
            return true;
        }
    }
    !is_same(pid, started)
}

#[cfg(unix)]
fn signal(pid: u32, how: End) {
    use rustix::process::Signal;

    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let signal = match how {
        End::Terminate => Signal::TERM,
        End::Kill => Signal::KILL,
    };
    if let Some(pid) = pid {
        crate::adapters::platform::unix::signal(pid, signal);
    }
}

/// Without a handle there is nothing safe to end.
#[cfg(not(unix))]
fn signal(_pid: u32, _how: End) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_pid_that_is_used_again_is_never_ended() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        let began = process_start(pid).unwrap();

        assert!(!is_same(pid, Some(began + Span::seconds(6))));
        assert!(!is_same(pid, None));
        assert!(end(pid, Some(began + Span::minutes(1))).await);
        assert!(child.try_wait().unwrap().is_none(), "it was ended");
        assert!(end(pid, Some(began)).await);

        child.wait().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_known_by_its_words() {
        let own = std::process::id();
        let program = std::env::args().next().unwrap();

        assert!(says(own, &[&program]));
        assert!(!says(own, &["", "no-such-word-anywhere"]));
    }
}
