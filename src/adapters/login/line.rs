//! One line from standard input while other things go on.
//!
//! The reading happens on a thread that looks every tenth of a second whether it is still wanted, because a read
//! from a terminal cannot be taken back.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use crate::base::Secret;
use crate::domain::login::paste::{Line, Typist};

/// Longest line that is taken; a callback address is far shorter.
const LONGEST: usize = 64 * 1024;

/// Reads one line. What a person pastes is not shown: it holds a code, and a terminal remembers what it showed.
pub async fn read(typist: Typist, echo: Echo) -> Line {
    if typist == Typist::Script && io::stdin().is_terminal() {
        return Line::Terminal;
    }
    let _quiet = (echo == Echo::Off).then(Quiet::begin);
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

/// Whether the terminal shows what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// It does.
    On,
    /// It does not.
    Off,
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

/// Keeps the terminal from showing what is typed, as long as it lives.
#[cfg(unix)]
struct Quiet(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Quiet {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO);
        let _ = tcsetattr(&stdin, OptionalActions::Now, &modes);
        Self(Some(before))
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(io::stdin(), now, before);
        }
    }
}

#[cfg(not(unix))]
struct Quiet;

#[cfg(not(unix))]
impl Quiet {
    fn begin() -> Self {
        Self
    }
}
