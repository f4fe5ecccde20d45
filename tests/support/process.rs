//! Starts programs with a cleared environment and waits for them with a deadline.
//!
//! Nothing here sleeps: output arrives over a channel, and so does the end of the child. A child that outlives its
//! deadline or its test is ended by its id.

use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long any wait may take before the test fails; generous, because test machines are busy.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// The manager, as cargo built it.
pub(crate) const MANAGER: &str = env!("CARGO_BIN_EXE_codex-multi-auth");

/// The short launcher.
pub(crate) const MCODEX: &str = env!("CARGO_BIN_EXE_mcodex");
/// The launcher of the desktop app.
pub(crate) const LAUNCHER: &str = env!("CARGO_BIN_EXE_codex-multi-auth-app-launcher");

/// The forwarder, as cargo built it.
pub(crate) const FORWARDER: &str = env!("CARGO_BIN_EXE_codex-multi-auth-codex");

/// The folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    let profile = Path::new(MANAGER).parent().expect("binaries stand in a profile folder");
    profile.parent().expect("profiles stand in the target folder").to_owned()
}

/// A command that knows nothing of this machine but where to find system programs.
pub(crate) fn bare(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null());
    command
}

/// What a finished program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The exit code, or 128 + n for signal n.
    pub(crate) fn code(&self) -> i32 {
        code(self.status)
    }

    /// Fails with everything it said unless it ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, expected: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.code(), expected, "exit code\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }
}

/// The exit code as a shell tells it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// Runs a program to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Ran {
    Running::start(command).finish()
}

/// A program under way; it is ended when dropped.
pub(crate) struct Running {
    name: String,
    child: Option<Child>,
    lines: Receiver<String>,
    seen: String,
    errors: Receiver<String>,
}

impl Running {
    /// Starts `command` with both outputs piped.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut stderr = child.stderr.take().expect("piped");
        let (line, lines) = channel();
        let (error, errors) = channel();
        std::thread::spawn(move || read_lines(stdout, |text| line.send(text).is_ok()));
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes);
            let _ = error.send(String::from_utf8_lossy(&bytes).into_owned());
        });
        Self { name, child: Some(child), lines, seen: String::new(), errors }
    }

    /// Process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// The next whole line of standard output.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(DEADLINE);
        let line =
            line.unwrap_or_else(|end| panic!("{}: no further line ({end}) after\n{}", self.name, self.seen));
        self.seen.push_str(&line);
        line.trim_end().to_owned()
    }

    /// Sends a signal to this process alone.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("a running child"), signal)
            .expect("the child can be signalled");
    }

    /// Waits for the end and returns everything it printed, lines already read included.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Ran {
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => self.seen.push_str(&line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    let (name, seen) = (self.name.clone(), self.seen.clone());
                    let said = self.stop().unwrap_or_default();
                    panic!("{name} did not end in time\n--- stdout\n{seen}\n--- stderr\n{said}");
                }
            }
        }
        let stderr = self.errors.recv_timeout(DEADLINE).unwrap_or_default();
        let status =
            self.child.take().expect("not yet waited for").wait().expect("the child can be waited for");
        Ran { status, stdout: std::mem::take(&mut self.seen), stderr }
    }

    fn stop(&mut self) -> Option<String> {
        let mut child = self.child.take()?;
        let _ = child.kill();
        let _ = child.wait();
        self.errors.recv_timeout(Duration::from_secs(5)).ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Hands over lines with their ends, and a last one without, until nobody listens.
fn read_lines(mut from: impl std::io::BufRead, mut hand: impl FnMut(String) -> bool) {
    let mut bytes = Vec::new();
    while from.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        if !hand(String::from_utf8_lossy(&bytes).into_owned()) {
            return;
        }
        bytes.clear();
    }
}
