//! Opening the sign-in page, and the facts that say whether a browser would be seen (login.md §6).
//!
//! The address goes as one argument, never through a shell on POSIX; the program is left alone once it runs.

use std::process::{Command, Stdio};

use crate::adapters::env::Env;
use crate::base::Secret;
use crate::domain::login::browser::{Desk, Display, Remote};

/// What the environment says about browsers.
pub fn desk(env: &Env) -> Desk {
    let remote = if env.ssh.is_some() { Remote::Ssh } else { Remote::No };
    let shown = !cfg!(target_os = "linux") || env.display.is_some() || is_wsl(env);
    Desk {
        no_browser: env.no_browser.clone(),
        browser: env.browser.clone(),
        remote,
        display: if shown { Display::There } else { Display::None },
    }
}

/// Opens an address; `true` when a program took it.
pub fn open_page(desk: &Desk, url: &Secret) -> bool {
    match desk.opener(url.expose()) {
        Some(words) => spawn(&words),
        // Tries the system's openers in their order and tells a failing one from a running one.
        None => open::that_detached(url.expose()).is_ok(),
    }
}

fn spawn(words: &[String]) -> bool {
    let Some((program, rest)) = words.split_first() else { return false };
    let child = Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    // Nobody waits for a browser, but its end must be collected or it stays behind as a zombie.
    std::thread::Builder::new().name("browser".to_owned()).spawn(move || child.wait()).is_ok()
}

/// The name of the WSL distribution, where this is one.
pub fn wsl_name(env: &Env) -> Option<String> {
    is_wsl(env).then(|| env.wsl.clone().unwrap_or_else(|| "this distribution".to_owned()))
}

fn is_wsl(env: &Env) -> bool {
    if !cfg!(target_os = "linux") {
        return false;
    }
    env.wsl.is_some()
        || std::fs::read_to_string("/proc/version").is_ok_and(|version| {
            let version = version.to_lowercase();
            version.contains("microsoft") || version.contains("wsl")
        })
}
