//! One line from standard input while other things go on.
//!
//! The reading happens on a thread that looks every tenth of a second whether it is still wanted, because a read
//! from a terminal cannot be taken back.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use crate::base::Secret;

/// Longest line that is taken; a callback address is far shorter.
const LONGEST: usize = 64 * 1024;

/// Who may type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A person at a terminal.
    Person,
    /// A pipe or file only.
    Script,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A line without its end.
    Text(Secret),
    /// The input ended.
    End,
    /// A terminal, where only a script may answer.
    Terminal,
}

/// Reads one line.
pub async fn read(from: From) -> Line {
    if from == From::Script && io::stdin().is_terminal() {
        return Line::Terminal;
    }
    let wanted = Wanted(Arc::new(AtomicBool::new(true)));
    let (tell, line) = oneshot::channel();
    let seen = Arc::clone(&wanted.0);
    let reader = std::thread::Builder::new().name("line".to_owned()).spawn(move || {
        while seen.load(Ordering::Relaxed) {
            if is_ready() {
                let _heard = tell.send(next_line());
                return;
            }
        }
    });
    if reader.is_err() {
        return Line::End;
    }
    line.await.unwrap_or(Line::End)
}

/// Tells the thread when nobody listens any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Waits a tenth of a second for something to read.
#[cfg(unix)]
fn is_ready() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = io::stdin();
    let wait = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    // A closed or broken input is "ready": the read tells.
    !matches!(poll(&mut fds, Some(&wait)), Ok(0) | Err(rustix::io::Errno::INTR))
}

/// There is no poll for consoles here: the read waits, and the end of the process ends it.
#[cfg(not(unix))]
fn is_ready() -> bool {
    true
}

fn next_line() -> Line {
    let mut bytes = Vec::new();
    let mut input = io::Read::take(io::stdin().lock(), LONGEST as u64);
    match input.read_until(b'\n', &mut bytes) {
        Ok(0) | Err(_) => Line::End,
        Ok(_) => Line::Text(Secret::new(String::from_utf8_lossy(&bytes).trim_end().to_owned())),
    }
}
