//! Unix: a child that does not outlive us, the terminal's foreground group, and its modes.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal};
use rustix::termios::{OptionalActions, Termios};

/// Leaves the alternate screen, shows the cursor, turns bracketed paste, focus and mouse reports off.
const PLAIN_SCREEN: &[u8] =
    b"\x1b[?1049l\x1b[?25h\x1b[?2004l\x1b[?1004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[<u\x1b[0m";

/// Makes the kernel end the child when the thread that starts it ends (Linux; elsewhere nothing happens).
pub fn end_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        let parent = rustix::process::getpid();
        let in_child = move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
            // The parent may have died before the signal was armed.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::Error::from(rustix::io::Errno::SRCH));
            }
            Ok(())
        };
        #[expect(unsafe_code, reason = "the parent-death signal can only be armed between fork and exec")]
        // SAFETY: the closure runs in the forked child and makes two system calls; it neither allocates nor
        // takes a lock, and touches nothing but a copied process id.
        unsafe {
            command.pre_exec(in_child);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Stops this process as Ctrl-Z would, until it is continued.
pub fn stop_self() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::TSTP);
}

/// Whether our process group is the one the terminal sends its signals to.
pub fn is_foreground() -> bool {
    let Ok(terminal) = File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// How many files this process may open.
pub fn descriptors() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Raises the limit of open files to the most this user may have.
pub fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // A refusal leaves the limit as it was, which is what the listener goes by.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// Bytes free for this user on the file system of a path.
pub fn free_space(path: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(path).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

/// Sends a signal to a process; one that is gone is no error.
pub fn signal(pid: Pid, signal: Signal) {
    // ESRCH: it has ended by itself meanwhile.
    let _ = rustix::process::kill_process(pid, signal);
}

/// Sends a signal to ourselves.
pub fn signal_self(signal: Signal) {
    self::signal(rustix::process::getpid(), signal);
}

/// The terminal's modes before a child had it.
#[derive(Debug)]
pub struct Modes(Option<(File, Termios)>);

impl Modes {
    /// Reads them; nothing is kept where stdin is no terminal.
    pub fn save() -> Self {
        if !io::stdin().is_terminal() {
            return Self(None);
        }
        let saved =
            OpenOptions::new().read(true).write(true).open("/dev/tty").ok().and_then(|terminal| {
                rustix::termios::tcgetattr(&terminal).ok().map(|modes| (terminal, modes))
            });
        Self(saved)
    }

    /// Puts them back after a child that ended badly, and the screen with them.
    pub fn restore(&mut self) {
        let Some((terminal, modes)) = &mut self.0 else { return };
        let _ = rustix::termios::tcsetattr(&*terminal, OptionalActions::Now, modes);
        let _ = terminal.write_all(PLAIN_SCREEN);
    }
}

/// Lets a program live on by itself: a session of its own, so that no terminal's end is its end.
pub fn detach(command: &mut Command) {
    let in_child = || rustix::process::setsid().map(|_| ()).map_err(io::Error::from);
    #[expect(unsafe_code, reason = "a session can only be begun between fork and exec")]
    // SAFETY: the closure runs in the forked child and makes one system call; it neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(in_child);
    }
}
