//! Opening the sign-in page, and the facts that say whether a browser would be seen (login.md §6).
//!
//! The address goes as one argument, never through a shell on POSIX; the program is left alone once it runs.

use std::process::{Command, Stdio};

use crate::adapters::clipboard::{self, System};
use crate::adapters::env::Env;
use crate::base::Secret;
use crate::domain::login::browser::{Desk, Display, Remote};

const WSLVIEW: &str = "wslview";
const POWERSHELL: &str = "powershell.exe";

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
pub fn open_page(env: &Env, url: &Secret) -> bool {
    let path = env.path.as_deref().unwrap_or_default();
    let own = desk(env).opener(url.expose()).or_else(|| windows(System::here(env), path, url.expose()));
    match own {
        Some(words) => spawn(&words),
        // Tries the system's openers in their order and tells a failing one from a running one.
        None => open::that_detached(url.expose()).is_ok(),
    }
}

/// The opener on the Windows side, where there is one; a distribution without it does as any other Linux.
fn windows(system: System, path: &str, url: &str) -> Option<Vec<String>> {
    let words = |all: &[&str]| Some(all.iter().map(|word| (*word).to_owned()).collect());
    match system {
        System::Mac | System::Linux => None,
        System::Wsl if clipboard::program(path, WSLVIEW).is_some() => words(&[WSLVIEW, url]),
        System::Wsl | System::Windows => {
            clipboard::program(path, POWERSHELL)?;
            let command = format!("Start-Process \"{}\"", quoted(url));
            words(&[POWERSHELL, "-NoLogo", "-NoProfile", "-Command", &command])
        }
    }
}

/// What means something to powershell inside double quotes, made to mean itself.
fn quoted(url: &str) -> String {
    url.chars().fold(String::new(), |mut text, letter| {
        if matches!(letter, '`' | '$' | '"') {
            text.push('`');
        }
        text.push(letter);
        text
    })
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A folder with programs of these names.
    fn programs(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::write(&path, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    #[test]
    fn a_distribution_opens_the_page_on_the_windows_side_where_it_can() {
        let url = "http://127.0.0.1:1/a?b=c&d=$e`f\"g";
        let shell = "Start-Process \"http://127.0.0.1:1/a?b=c&d=`$e``f`\"g\"";
        let shell = [POWERSHELL, "-NoLogo", "-NoProfile", "-Command", shell].map(str::to_owned).to_vec();
        for (name, system, there, expected) in [
            (
                "wslview",
                System::Wsl,
                &[WSLVIEW, POWERSHELL][..],
                Some(vec![WSLVIEW.to_owned(), url.to_owned()]),
            ),
            ("powershell", System::Wsl, &[POWERSHELL], Some(shell.clone())),
            ("neither", System::Wsl, &["xdg-open"], None),
            ("windows", System::Windows, &[POWERSHELL], Some(shell)),
            ("linux", System::Linux, &[WSLVIEW, POWERSHELL], None),
            ("macos", System::Mac, &[POWERSHELL], None),
        ] {
            let folder = programs(there);

            assert_eq!(windows(system, &folder.path().display().to_string(), url), expected, "{name}");
        }
    }
}
