//! A terminal to run a program in: keys go in, a screen comes out.
//!
//! `wait_for` has one deadline for everything; `settled` waits until the program has been silent for a while, which
//! is what must hold before a test may claim that something is *not* on the screen.

use std::ffi::OsStr;
use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};

use super::process::DEADLINE;

/// Silence after which a screen counts as settled.
const QUIET: Duration = Duration::from_millis(200);

/// What a user may see and what the program wrote to make it so.
struct Glass {
    parser: vt100::Parser,
    written: Vec<u8>,
    writes: usize,
    ended: bool,
}

struct Shared {
    glass: Mutex<Glass>,
    moved: Condvar,
}

impl Shared {
    fn glass(&self) -> MutexGuard<'_, Glass> {
        self.glass.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program in a terminal of its own; it is ended when dropped.
pub(crate) struct Terminal {
    shared: Arc<Shared>,
    master: Box<dyn MasterPty + Send>,
    // Kept open so that the terminal and its modes outlive the program and can be looked at.
    slave: Option<Box<dyn SlavePty + Send>>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
}

/// What a program must put back: line modes, screen, cursor and reporting modes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Modes {
    line: String,
    alternate_screen: bool,
    cursor_hidden: bool,
    bracketed_paste: bool,
    application_cursor: bool,
    application_keypad: bool,
    mouse: vt100::MouseProtocolMode,
    focus_events: bool,
}

impl Modes {
    /// Whether a full-screen program has the terminal.
    pub(crate) fn shows_an_application(&self) -> bool {
        self.alternate_screen
            || self.cursor_hidden
            || self.focus_events
            || self.mouse != vt100::MouseProtocolMode::None
    }
}

impl Terminal {
    /// Starts `program` with exactly `environment` in a terminal of `columns` by `rows`.
    pub(crate) fn start<A: AsRef<OsStr>>(
        program: &str,
        arguments: &[A],
        environment: &[(String, String)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).expect("a pseudo terminal");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(std::env::temp_dir());
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let (rows, columns) = (cells(rows), cells(columns));
        let glass = Glass {
            parser: vt100::Parser::new(rows, columns, 0),
            written: Vec::new(),
            writes: 0,
            ended: false,
        };
        let shared = Arc::new(Shared { glass: Mutex::new(glass), moved: Condvar::new() });
        let seen = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut bytes = [0_u8; 16 * 1024];
            loop {
                let count = reader.read(&mut bytes).unwrap_or(0);
                let mut glass = seen.glass();
                glass.parser.process(&bytes[..count]);
                glass.written.extend_from_slice(&bytes[..count]);
                glass.writes += 1;
                glass.ended = count == 0;
                seen.moved.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self { shared, master: pair.master, slave: Some(pair.slave), writer, child }
    }

    /// Types `keys`, escape sequences included.
    pub(crate) fn send(&mut self, keys: &str) {
        self.writer
            .write_all(keys.as_bytes())
            .and_then(|()| self.writer.flush())
            .expect("the terminal takes keys");
    }

    /// The screen as text.
    pub(crate) fn text(&self) -> String {
        self.shared.glass().parser.screen().contents()
    }

    /// Everything written so far.
    pub(crate) fn written(&self) -> Vec<u8> {
        self.shared.glass().written.clone()
    }

    /// Reads the screen.
    pub(crate) fn look<T>(&self, read: impl FnOnce(&vt100::Screen) -> T) -> T {
        read(self.shared.glass().parser.screen())
    }

    /// Waits until `text` stands on the screen.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_until(&format!("`{text}`"), |screen| screen.contents().contains(text));
    }

    /// Waits until the screen shows what `fits` asks for.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, fits: impl Fn(&vt100::Screen) -> bool) {
        let glass = self.shared.glass();
        let waited =
            self.shared.moved.wait_timeout_while(glass, DEADLINE, |glass| !fits(glass.parser.screen()));
        let (glass, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "waited for {what} in vain\n{}", glass.parser.screen().contents());
    }

    /// Waits until the screen shows what `fits` asks for, or the program has ended; whether it shows it.
    pub(crate) fn waits_for(&self, fits: impl Fn(&vt100::Screen) -> bool) -> bool {
        let mut glass = self.shared.glass();
        for _ in 0..DEADLINE.as_millis() / QUIET.as_millis() {
            let waited =
                self.shared.moved.wait_timeout_while(glass, QUIET, |glass| !fits(glass.parser.screen()));
            let (now, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            glass = now;
            if !timeout.timed_out() {
                return true;
            }
            if !self.is_running() {
                return fits(glass.parser.screen());
            }
        }
        false
    }

    /// Whether the program has not ended yet.
    pub(crate) fn is_running(&self) -> bool {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw).expect("a process id");
        let ways = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        waitid(WaitId::Pid(id), ways).expect("a child").is_none()
    }

    /// Waits until nothing has been written for a while and returns the screen.
    #[track_caller]
    pub(crate) fn settled(&self) -> String {
        let mut glass = self.shared.glass();
        let mut rounds = 0;
        loop {
            let before = glass.writes;
            let waited = self.shared.moved.wait_timeout_while(glass, QUIET, |glass| glass.writes == before);
            let (now, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            glass = now;
            if timeout.timed_out() || glass.ended {
                return glass.parser.screen().contents();
            }
            rounds += 1;
            assert!(rounds < 2_000, "the screen never settles\n{}", glass.parser.screen().contents());
        }
    }

    /// How many times the program has written.
    pub(crate) fn writes(&self) -> usize {
        self.shared.glass().writes
    }

    /// Waits until the program has written more often than `writes` times.
    #[track_caller]
    pub(crate) fn wait_written(&self, writes: usize) {
        let glass = self.shared.glass();
        let waited = self.shared.moved.wait_timeout_while(glass, DEADLINE, |glass| glass.writes <= writes);
        let late = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        assert!(!late, "nothing was written");
    }

    /// Waits for `span` and tells whether nothing was written in it.
    pub(crate) fn silent_for(&self, span: Duration) -> bool {
        let before = self.shared.glass().writes;
        let over = Condvar::new();
        let wait = Mutex::new(());
        let held = wait.lock().unwrap_or_else(PoisonError::into_inner);
        let _unused = over.wait_timeout_while(held, span, |()| true);
        self.shared.glass().writes == before
    }

    /// Changes the size, as a user would by pulling at the window.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.shared.glass().parser.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).expect("the terminal can be resized");
    }

    /// Process id of the program.
    pub(crate) fn id(&self) -> u32 {
        self.child.process_id().expect("started")
    }

    /// Sends a signal to the program alone.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("a running child"), signal)
            .expect("the child can be signalled");
    }

    /// The modes as they are now.
    pub(crate) fn modes(&self) -> Modes {
        let line = format!("{:?}", self.master.get_termios());
        let glass = self.shared.glass();
        let screen = glass.parser.screen();
        Modes {
            line,
            alternate_screen: screen.alternate_screen(),
            cursor_hidden: screen.hide_cursor(),
            bracketed_paste: screen.bracketed_paste(),
            application_cursor: screen.application_cursor(),
            application_keypad: screen.application_keypad(),
            mouse: screen.mouse_protocol_mode(),
            focus_events: last_of(&glass.written, b"\x1b[?1004h", b"\x1b[?1004l"),
        }
    }

    /// Waits for the end; the rest of the output has been read when this returns.
    #[track_caller]
    pub(crate) fn finish(&mut self) -> ExitStatus {
        let (tell, ended) = std::sync::mpsc::channel();
        let id = self.id();
        let pid = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).expect("a process id");
        // Waits without reaping, so that the id stays ours until `wait` below.
        std::thread::spawn(move || {
            let ways = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
            let _ = rustix::process::waitid(rustix::process::WaitId::Pid(pid), ways);
            let _ = tell.send(());
        });
        assert!(ended.recv_timeout(DEADLINE).is_ok(), "process {id} did not end\n{}", self.text());
        let status = self.child.wait().expect("it has ended");
        self.settled();
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.slave = None;
    }
}

/// Whether `on` was written later than `off`.
fn last_of(written: &[u8], on: &[u8], off: &[u8]) -> bool {
    let last = |mark: &[u8]| written.windows(mark.len()).rposition(|window| window == mark);
    last(on) > last(off)
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}
