//! Which program am I? One binary answers to two names, and `codex …` is the forwarder under either.
//!
//! What belongs to the official CLI is cut off here, before any parser of ours can look at it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Name of the short launcher's binary.
const MCODEX: &str = "mcodex";
/// Name of the desktop launcher's binary, and its hidden word.
const LAUNCHER: (&str, &str) = ("codex-multi-auth-app-launcher", "__launcher");
/// Name of the forwarder's binary.
const FORWARDER: &str = "codex-multi-auth-codex";

/// Words after `auth` that the forwarder answers itself; all others belong to the official CLI.
const KNOWN_AUTH: [&str; 40] = [
    "login",
    "list",
    "status",
    "switch",
    "unpin",
    "workspace",
    "best",
    "check",
    "features",
    "usage",
    "verify-flagged",
    "verify",
    "forecast",
    "report",
    "fix",
    "doctor",
    "uninstall",
    "account",
    "budget",
    "bridge",
    "integrations",
    "models",
    "monitor",
    "rotation",
    "why-selected",
    "history",
    "config",
    "init-config",
    "debug",
    "serve",
    "session",
    "completions",
    "backup",
    "export",
    "import",
    "sync",
    "profile",
    "update",
    "setup",
    "flagged",
];

/// The hidden word of a bind's router.
const ROUTER_WORD: &str = "__router";

/// Global flags of ours whose value is the next argument.
const TAKES_VALUE: [&str; 4] = ["--color", "--fields", "--timeout", "--format"];

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Persona {
    /// The manager, with these arguments (without the program's name and a leading `auth`).
    Manager(Vec<OsString>),
    /// The short launcher, with these arguments.
    Mcodex(Vec<OsString>),
    /// The forwarder.
    Forwarder {
        /// Global flags that stood before `codex`.
        global: Vec<OsString>,
        /// Arguments of the official CLI, with `--account`, `--print-launch` and `--yes` of ours among them.
        args: Vec<OsString>,
    },
}

/// Whether `…_BYPASS=1` hands every word to the official CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bypass {
    /// Not set.
    Off,
    /// Set.
    On,
}

/// Reads an argument vector, the program's name first.
pub fn read(argv: &[OsString], bypass: Bypass) -> Persona {
    let Some((program, rest)) = argv.split_first() else { return Persona::Manager(Vec::new()) };
    match stem(program).as_str() {
        FORWARDER => forwarder(&[], rest, bypass),
        // The router of a bind is started by whichever of our programs made it.
        MCODEX if rest.first().is_none_or(|word| word != ROUTER_WORD) => Persona::Mcodex(rest.to_vec()),
        name if name == LAUNCHER.0 && rest.first().is_none_or(|word| word != ROUTER_WORD) => {
            Persona::Manager(
                std::iter::once(OsString::from(LAUNCHER.1)).chain(rest.iter().cloned()).collect(),
            )
        }
        _ => manager(rest, bypass),
    }
}

/// What the forwarder's own name makes of these arguments.
pub fn forwarded(args: &[OsString], bypass: Bypass) -> Persona {
    forwarder(&[], args, bypass)
}

fn stem(name: &OsStr) -> String {
    let file = Path::new(name).file_name().unwrap_or(name).to_string_lossy().to_ascii_lowercase();
    file.strip_suffix(".exe").unwrap_or(&file).to_owned()
}

fn manager(args: &[OsString], bypass: Bypass) -> Persona {
    let Some(at) = first_word(args) else { return Persona::Manager(args.to_vec()) };
    let (before, rest) = args.split_at(at);
    match rest.split_first() {
        Some((word, rest)) if word == "codex" => forwarder(before, rest, bypass),
        Some((word, rest)) if word == "auth" => {
            Persona::Manager(before.iter().chain(rest).chain(alone(rest)).cloned().collect())
        }
        Some(_) | None => Persona::Manager(args.to_vec()),
    }
}

fn forwarder(global: &[OsString], args: &[OsString], bypass: Bypass) -> Persona {
    let plain = |args: &[OsString]| Persona::Forwarder { global: global.to_vec(), args: args.to_vec() };
    // A router is started by whichever of our programs made the bind.
    if args.first().is_some_and(|word| word == ROUTER_WORD) {
        return Persona::Manager(args.to_vec());
    }
    if bypass == Bypass::On {
        return plain(args);
    }
    let Some(rest) = after_auth(args) else { return plain(args) };
    let is_ours = match rest.first().and_then(|word| word.to_str()) {
        None => rest.is_empty(),
        Some(word) => word.starts_with('-') || KNOWN_AUTH.contains(&word),
    };
    if is_ours {
        Persona::Manager(global.iter().chain(rest).chain(alone(rest)).cloned().collect())
    } else {
        plain(&spelt_out(rest))
    }
}

/// What follows `auth`, `multi auth`, `multi-auth` or `multiauth`.
fn after_auth(args: &[OsString]) -> Option<&[OsString]> {
    match args {
        [one, two, rest @ ..] if one == "multi" && two == "auth" => Some(rest),
        [one, rest @ ..] if one == "auth" || one == "multi-auth" || one == "multiauth" => Some(rest),
        _ => None,
    }
}

/// `auth` by itself is `login`.
fn alone(rest: &[OsString]) -> Option<&'static OsString> {
    static LOGIN: std::sync::LazyLock<OsString> = std::sync::LazyLock::new(|| OsString::from("login"));
    rest.is_empty().then(|| &*LOGIN)
}

fn spelt_out(rest: &[OsString]) -> Vec<OsString> {
    std::iter::once(OsString::from("auth")).chain(rest.iter().cloned()).collect()
}

fn first_word(args: &[OsString]) -> Option<usize> {
    let mut index = 0;
    while let Some(arg) = args.get(index) {
        let text = arg.to_string_lossy();
        if TAKES_VALUE.contains(&text.as_ref()) {
            index += 2;
        } else if text.starts_with('-') {
            index += 1;
        } else {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn manages(line: &str) -> Persona {
        Persona::Manager(words(line))
    }

    fn forwards(global: &str, args: &str) -> Persona {
        Persona::Forwarder { global: words(global), args: words(args) }
    }

    #[test]
    fn the_name_and_the_first_word_decide() {
        for (line, persona) in [
            ("codex-multi-auth", manages("")),
            ("codex-multi-auth status --json", manages("status --json")),
            ("codex-multi-auth auth status", manages("status")),
            ("codex-multi-auth --json auth list", manages("--json list")),
            ("codex-multi-auth auth", manages("login")),
            ("/usr/bin/codex-multi-auth codex exec --json", forwards("", "exec --json")),
            ("codex-multi-auth --color never codex --help", forwards("--color never", "--help")),
            ("codex-multi-auth codex auth status", manages("status")),
            ("codex-multi-auth switch codex", manages("switch codex")),
            ("codex-multi-auth-codex", forwards("", "")),
            ("CODEX-MULTI-AUTH-CODEX.EXE status", forwards("", "status")),
            ("codex-multi-auth-codex doctor", forwards("", "doctor")),
            ("codex-multi-auth-codex auth", manages("login")),
            ("codex-multi-auth-codex auth --json status", manages("--json status")),
            ("codex-multi-auth-codex multi auth status", manages("status")),
            ("codex-multi-auth-codex multi-auth switch 2", manages("switch 2")),
            ("codex-multi-auth-codex multiauth unpin", manages("unpin")),
            ("codex-multi-auth-codex auth token", forwards("", "auth token")),
            ("codex-multi-auth-codex multi word", forwards("", "multi word")),
            ("something-else status", manages("status")),
            ("codex-multi-auth-codex __router --state x", manages("__router --state x")),
            ("mcodex __router --state x", manages("__router --state x")),
            ("/opt/mcodex.exe --tmux exec", Persona::Mcodex(words("--tmux exec"))),
            ("codex-multi-auth-app-launcher --remove", manages("__launcher --remove")),
        ] {
            assert_eq!(read(&words(line), Bypass::Off), persona, "{line}");
        }
    }

    #[test]
    fn a_bypass_hands_everything_to_the_official_program() {
        let line = words("codex-multi-auth-codex auth status");

        assert_eq!(read(&line, Bypass::On), forwards("", "auth status"));
    }
}
