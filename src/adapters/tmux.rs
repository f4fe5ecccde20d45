//! Calls of tmux for `mcodex`.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::domain::mcodex::Calls;

/// Whether tmux can be started.
pub fn is_there() -> bool {
    let mut command = Command::new("tmux");
    command.arg("-V").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether a session of this name is taken.
pub fn has_session(name: &str) -> bool {
    let mut command = Command::new("tmux");
    command.args(["has-session", "-t", &format!("={name}")]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Makes the calls in order, until one fails; its words then.
///
/// # Errors
/// What tmux said.
pub fn make(calls: &Calls) -> Result<(), String> {
    for call in calls {
        let ran = Command::new("tmux")
            .args(call)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if !ran.status.success() {
            let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
            return Err(if said.is_empty() { format!("tmux ended with {}", ran.status) } else { said });
        }
    }
    Ok(())
}

/// Shows a session in this terminal until it is left; the exit code, 130 after an interrupt, 0 after any other signal.
pub fn attach(session: &str) -> i32 {
    let target: OsString = format!("={session}").into();
    match Command::new("tmux").arg("attach-session").arg("-t").arg(target).status() {
        Ok(status) => status.code().unwrap_or_else(|| if is_interrupt(status) { 130 } else { 0 }),
        Err(_) => 1,
    }
}

#[cfg(unix)]
fn is_interrupt(status: std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(2)
}

#[cfg(not(unix))]
fn is_interrupt(_status: std::process::ExitStatus) -> bool {
    false
}
