//! Text for the clipboard, through the platform's copy tool (login.md §6.3).
//!
//! The text goes in through the tool's standard input, never as an argument: arguments are seen by everybody on the
//! machine. Only a tool that ended well within a second counts; whoever asked sends the text through the terminal
//! otherwise (OSC 52), which works over SSH, too.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::adapters::env::Env;
use crate::adapters::login::opener;
use crate::base::Secret;

/// How long a tool may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often its end is looked for.
const LOOK: Duration = Duration::from_millis(10);
/// What powershell makes of its standard input.
const POWERSHELL: &[&str] =
    &["powershell.exe", "-NoLogo", "-NoProfile", "-Command", "$input | Set-Clipboard"];
const CLIP: &[&str] = &["clip.exe"];
const PBCOPY: &[&str] = &["pbcopy"];
const WAYLAND: &[&str] = &["wl-copy"];
const XCLIP: &[&str] = &["xclip", "-selection", "clipboard"];
const XSEL: &[&str] = &["xsel", "--clipboard", "--input"];

/// Where the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Windows.
    Windows,
    /// A distribution under Windows.
    Wsl,
    /// macOS.
    Mac,
    /// Linux and other systems with its tools.
    Linux,
}

impl System {
    /// This machine's.
    pub fn here(env: &Env) -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::Mac
        } else if opener::wsl_name(env).is_some() {
            Self::Wsl
        } else {
            Self::Linux
        }
    }

    /// Its tools, the best first.
    const fn tools(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Windows => &[POWERSHELL, CLIP],
            Self::Wsl => &[CLIP, POWERSHELL, WAYLAND, XCLIP, XSEL],
            Self::Mac => &[PBCOPY],
            Self::Linux => &[WAYLAND, XCLIP, XSEL],
        }
    }
}

/// Copies through the first tool that is there and works; whether one did.
pub async fn copy(env: &Env, text: &Secret) -> bool {
    copy_on(System::here(env), env.path.as_deref().unwrap_or_default(), text).await
}

async fn copy_on(system: System, path: &str, text: &Secret) -> bool {
    for words in system.tools() {
        let Some((name, rest)) = words.split_first() else { continue };
        if let Some(program) = program(path, name)
            && run(&program, rest, text).await
        {
            return true;
        }
    }
    false
}

/// The first file of that name in the folders of `path` that may be run.
pub fn program(path: &str, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let Ok(about) = std::fs::metadata(file) else { return false };
    #[cfg(unix)]
    let runs = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = true;
    about.is_file() && runs
}

/// Tools that keep what was copied stay behind as a process of their own; the one that was started ends at once.
async fn run(program: &Path, rest: &[&str], text: &Secret) -> bool {
    let child = Command::new(program)
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let Some(mut stdin) = child.stdin.take() else { return false };
    let text = text.clone();
    // A tool that does not read would hold whoever writes; its end breaks the pipe.
    let written = tokio::task::spawn_blocking(move || stdin.write_all(text.expose().as_bytes()).is_ok());
    let ended = tokio::time::timeout(PATIENCE, ended(&mut child)).await;
    let is_over = ended.is_ok();
    if !is_over {
        let _ = child.kill();
        let _ = child.wait();
    }
    let is_written = written.await.unwrap_or(false);
    is_over && is_written && ended.ok().flatten().is_some_and(|status| status.success())
}

async fn ended(child: &mut Child) -> Option<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().ok()? {
            return Some(status);
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A folder with fake tools: each notes its name, its arguments and its input, and ends as told.
    fn tools(all: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, end) in all {
            let path = folder.path().join(name);
            let note = folder.path().join("note");
            let script = format!(
                "#!/bin/sh\nprintf '%s' \"{name} $*|\" >> {note}\ncat >> {note}\nprintf ';' >> {note}\n{end}\n",
                note = note.display()
            );
            std::fs::write(&path, script).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    fn note(folder: &tempfile::TempDir) -> String {
        std::fs::read_to_string(folder.path().join("note")).unwrap_or_default()
    }

    #[tokio::test]
    async fn the_first_tool_that_is_there_and_works_gets_the_text_on_its_input() {
        for (name, system, there, copied, expected) in [
            ("wayland first", System::Linux, &[("xclip", ""), ("wl-copy", "")][..], true, "wl-copy |text;"),
            ("x11", System::Linux, &[("xsel", ""), ("xclip", "")], true, "xclip -selection clipboard|text;"),
            ("the last one", System::Linux, &[("xsel", "")], true, "xsel --clipboard --input|text;"),
            (
                "one that fails is passed over",
                System::Linux,
                &[("wl-copy", "exit 1"), ("xsel", "")],
                true,
                "wl-copy |text;xsel --clipboard --input|text;",
            ),
            ("macos", System::Mac, &[("pbcopy", "")], true, "pbcopy |text;"),
            (
                "windows beside linux",
                System::Wsl,
                &[("xclip", ""), ("clip.exe", "")],
                true,
                "clip.exe |text;",
            ),
            (
                "powershell",
                System::Windows,
                &[("powershell.exe", "")],
                true,
                "powershell.exe -NoLogo -NoProfile -Command $input | Set-Clipboard|text;",
            ),
            ("none", System::Linux, &[], false, ""),
            ("another system's", System::Mac, &[("xclip", "")], false, ""),
        ] {
            let folder = tools(there);
            let path = format!("{}:/bin:/usr/bin", folder.path().display());
            // What stands on this machine's own path must not answer.
            let path = if there.is_empty() { folder.path().display().to_string() } else { path };
            let own = copy_on(system, &path, &Secret::from("text")).await;

            assert_eq!((own, note(&folder).as_str()), (copied, expected), "{name}");
        }
    }

    #[tokio::test]
    async fn a_tool_that_hangs_counts_as_none_and_is_ended() {
        let folder = tools(&[("pbcopy", "exec sleep 30")]);
        let path = format!("{}:/bin:/usr/bin", folder.path().display());

        assert!(!copy_on(System::Mac, &path, &Secret::from("text")).await);
    }

    #[test]
    fn a_file_nobody_may_run_is_no_tool() {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("xclip");
        std::fs::write(&path, "").unwrap();

        assert!(!is_program(&path));
    }
}
