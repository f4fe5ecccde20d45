//! A tmux session of its own: the terminal that people run the client in, with a shell to come back to.
//!
//! The genuine client asks its terminal things that only a real one answers. Where tmux is missing the caller's test
//! passes with one printed notice.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Once;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::dirs::Home;
use super::process::{DEADLINE, bare};

/// How long between two looks at the screen.
const LOOK: Duration = Duration::from_millis(50);

/// One window with a plain shell in it; the server ends when this is dropped.
pub(crate) struct Mux {
    // The path of a socket is bounded, and the homes of tests stand too deep for it.
    folder: TempDir,
    /// The server and the shell in it.
    processes: Vec<String>,
}

impl Mux {
    /// A shell in `home`'s project folder; nothing where tmux is not installed.
    pub(crate) fn start(home: &Home, columns: u16, rows: u16) -> Option<Self> {
        if !installed() {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("mux-").tempdir().expect("a folder for a socket");
        let mut mux = Self { folder, processes: Vec::new() };
        let (width, height, work) = (columns.to_string(), rows.to_string(), home.work());
        let words = ["-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", &width, "-y", &height, "-c"];
        let mut command = mux.command();
        command.env_clear().envs(home.environment()).args(words).arg(work).arg("/bin/sh");
        let made = command.output().expect("tmux starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let told = mux.call(&["display-message", "-p", "-t", "t", "#{pid} #{pane_pid}"]);
        mux.processes = String::from_utf8_lossy(&told.stdout).split_whitespace().map(str::to_owned).collect();
        Some(mux)
    }

    fn command(&self) -> Command {
        let mut command = bare("tmux");
        command.arg("-S").arg(self.folder.path().join("s"));
        command
    }

    #[track_caller]
    fn call(&self, words: &[&str]) -> Output {
        let ended = self.command().args(words).output().expect("tmux runs");
        assert!(ended.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ended.stderr));
        ended
    }

    /// Types `text` as it stands.
    #[track_caller]
    pub(crate) fn text(&self, text: &str) {
        self.call(&["send-keys", "-t", "t", "-l", "--", text]);
    }

    /// Presses a key by tmux's name for it.
    #[track_caller]
    pub(crate) fn key(&self, name: &str) {
        self.call(&["send-keys", "-t", "t", name]);
    }

    /// Types a line and ends it.
    #[track_caller]
    pub(crate) fn line(&self, text: &str) {
        self.text(text);
        self.key("Enter");
    }

    /// What stands on the screen, and what has scrolled off it.
    #[track_caller]
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.call(&["capture-pane", "-p", "-J", "-S", "-", "-t", "t"]).stdout)
            .into_owned()
    }

    /// Whether a program has the whole screen, hides the cursor, or wants the mouse.
    #[track_caller]
    pub(crate) fn held(&self) -> String {
        let format = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{keypad_cursor_flag}";
        let told = self.call(&["display-message", "-p", "-t", "t", format]);
        String::from_utf8_lossy(&told.stdout).trim().to_owned()
    }

    /// Waits until the screen shows what `fits` asks for, and returns it.
    #[track_caller]
    #[expect(clippy::disallowed_methods, reason = "looks at another program's screen, with a deadline")]
    pub(crate) fn wait_until(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if fits(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < DEADLINE, "waited for {what} in vain\n{screen}");
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until `text` stands on the screen.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("`{text}`"), |screen| screen.contains(text))
    }
}

impl Drop for Mux {
    #[expect(clippy::disallowed_methods, reason = "waits for the end of other processes, with a deadline")]
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").output();
        let begun = Instant::now();
        let runs = |pid: &String| Path::new("/proc").join(pid).exists();
        while self.processes.iter().any(runs) && begun.elapsed() < DEADLINE {
            std::thread::sleep(LOOK);
        }
    }
}

fn installed() -> bool {
    static TOLD: Once = Once::new();
    let found = bare("tmux").arg("-V").output().is_ok_and(|ended| ended.status.success());
    if !found {
        TOLD.call_once(|| {
            // Past the capture of the test harness, so that the notice is seen.
            let _ = writeln!(std::io::stderr(), "tmux is not installed: the client's own screen is skipped");
        });
    }
    found
}
