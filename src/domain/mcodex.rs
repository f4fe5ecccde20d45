//! `mcodex`: the forwarder under a short name, our live pane, and both side by side in tmux (forwarder.md §22).
//!
//! Pure: which calls of tmux are made, in which order. Only our own session is configured: no key of the whole server is
//! bound anew, and the history limit stands before the window that it is for.

use std::ffi::OsString;
use std::path::Path;

/// Hidden first word: whatever follows is for the official CLI.
const PLAIN: &str = "__codex";

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The live pane.
    Monitor,
    /// The official CLI in tmux.
    Tmux {
        /// With the live pane beside it.
        live: bool,
        /// Its arguments.
        args: Vec<OsString>,
    },
    /// The official CLI here.
    Forward(Vec<OsString>),
}

/// Reads the arguments: the first one decides.
pub fn read(args: &[OsString]) -> Asked {
    match args.split_first() {
        Some((word, _)) if word == "--monitor" => Asked::Monitor,
        Some((word, rest)) if word == PLAIN => Asked::Forward(rest.to_vec()),
        Some((word, rest)) if word == "--tmux" || word == "-t" => match rest.split_first() {
            Some((word, rest)) if word == "--live-accounts" => {
                Asked::Tmux { live: true, args: rest.to_vec() }
            }
            Some(_) | None => Asked::Tmux { live: false, args: rest.to_vec() },
        },
        Some(_) | None => Asked::Forward(args.to_vec()),
    }
}

/// What the variables say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knobs {
    /// Seconds between two reports where there is no screen.
    pub interval: u32,
    /// Lines that tmux keeps.
    pub history: u32,
    /// Name of the tmux session.
    pub session: String,
}

/// Reads the variables; lines about those that do not count.
pub fn knobs(interval: Option<&str>, history: Option<&str>, session: Option<&str>) -> (Knobs, Vec<String>) {
    let mut said = Vec::new();
    let mut wrong = |name: &str, value: &str, usual: &str| {
        said.push(format!("{name}={value} cannot be used; it is {usual} now"));
    };
    let filled =
        |value: Option<&'_ str>| value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned);
    let interval = filled(interval).map_or(5, |value| {
        seconds(&value).unwrap_or_else(|| {
            wrong("MCODEX_MONITOR_INTERVAL", &value, "5");
            5
        })
    });
    let history = filled(history).map_or(50_000, |value| {
        digits(&value).unwrap_or_else(|| {
            wrong("MCODEX_TMUX_HISTORY_LIMIT", &value, "50000");
            50_000
        })
    });
    // tmux reads a point and a colon in a name as window and pane.
    let session = filled(session).map_or_else(
        || "mcodex".to_owned(),
        |value| {
            if value.contains(['.', ':']) {
                wrong("MCODEX_TMUX_SESSION", &value, "mcodex");
                return "mcodex".to_owned();
            }
            value
        },
    );
    (Knobs { interval, history, session }, said)
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Whole seconds, at least one; a fraction counts as a whole one.
fn seconds(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    if part.is_some_and(|part| digits(part).is_none()) {
        return None;
    }
    let more = u32::from(part.and_then(digits).is_some_and(|part| part > 0));
    digits(whole).filter(|_| !whole.is_empty()).map(|whole| whole.saturating_add(more).clamp(1, 3_600))
}

/// How a program of ours is started as the forwarder and as the live pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// As the forwarder, arguments to follow.
    pub forwarder: Vec<OsString>,
    /// As the live pane.
    pub pane: Vec<OsString>,
}

impl Own {
    /// By the name of its file, which says who it is.
    pub fn of(program: &Path) -> Self {
        let stem = program.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let (forwarder, pane): (&[&str], &[&str]) = match stem.as_str() {
            "mcodex" => (&[PLAIN], &["--monitor"]),
            "codex-multi-auth-codex" => (&[], &["auth", "monitor", "--pane"]),
            _ => (&["codex"], &["monitor", "--pane"]),
        };
        let words = |more: &[&str]| {
            std::iter::once(program.as_os_str().to_owned()).chain(more.iter().map(OsString::from)).collect()
        };
        Self { forwarder: words(forwarder), pane: words(pane) }
    }
}

/// Calls of tmux that set our session up, each an argument vector.
pub type Calls = Vec<Vec<OsString>>;

/// Inside tmux: options of this session, and the pane; the official CLI then runs where we are.
pub fn inside(knobs: &Knobs, live: bool, own: &Own) -> Calls {
    let mut calls = vec![
        words(&["set-option", "mouse", "on"]),
        words(&["set-option", "history-limit", &knobs.history.to_string()]),
    ];
    if live {
        calls.push(followed(&["split-window", "-h", "-d", "-l", "40%"], &own.pane));
    }
    calls
}

/// Outside: a session of its own, its options, the window with the official CLI, and the pane. `carried` are variables
/// that a running server does not know.
pub fn outside(
    session: &str,
    knobs: &Knobs,
    live: bool,
    own: &Own,
    args: &[OsString],
    carried: &[(String, String)],
) -> Calls {
    let window = format!("{session}:codex");
    let exact = format!("={session}:");
    let first = format!("={session}:first");
    let environment = |mut call: Vec<OsString>| {
        for (name, value) in carried {
            call.extend([OsString::from("-e"), OsString::from(format!("{name}={value}"))]);
        }
        call
    };
    let command: Vec<OsString> = own.forwarder.iter().chain(args).cloned().collect();
    let start = environment(words(&["new-window", "-t", &exact, "-n", "codex"]));
    let mut calls = vec![
        words(&["new-session", "-d", "-s", session, "-n", "first"]),
        words(&["set-option", "-t", &exact, "mouse", "on"]),
        words(&["set-option", "-t", &exact, "history-limit", &knobs.history.to_string()]),
        start.into_iter().chain(command).collect(),
        words(&["kill-window", "-t", &first]),
    ];
    if live {
        let split = environment(words(&["split-window", "-h", "-d", "-l", "40%", "-t", &window]));
        calls.push(split.into_iter().chain(own.pane.iter().cloned()).collect());
    }
    calls
}

fn words(all: &[&str]) -> Vec<OsString> {
    all.iter().map(OsString::from).collect()
}

fn followed(all: &[&str], more: &[OsString]) -> Vec<OsString> {
    words(all).into_iter().chain(more.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(call: &[OsString]) -> String {
        call.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_first_argument_decides() {
        for (args, expected) in [
            (&["--monitor", "x"][..], Asked::Monitor),
            (&["-t", "exec", "-t"], Asked::Tmux { live: false, args: words(&["exec", "-t"]) }),
            (&["--tmux", "--live-accounts", "hi"], Asked::Tmux { live: true, args: words(&["hi"]) }),
            (&["exec", "--tmux"], Asked::Forward(words(&["exec", "--tmux"]))),
            (&["__codex", "--tmux"], Asked::Forward(words(&["--tmux"]))),
            (&[], Asked::Forward(Vec::new())),
        ] {
            assert_eq!(read(&words(args)), expected, "{args:?}");
        }
    }

    #[test]
    fn odd_variables_are_named_and_do_not_count() {
        let usual = Knobs { interval: 5, history: 50_000, session: "mcodex".to_owned() };
        for (interval, history, session, expected, said) in [
            (None, None, Some(" "), usual.clone(), 0),
            (
                Some("2.5"),
                Some("100"),
                Some("mine"),
                Knobs { interval: 3, history: 100, session: "mine".to_owned() },
                0,
            ),
            (Some("0"), None, None, Knobs { interval: 1, ..usual.clone() }, 0),
            (Some("soon"), Some("-1"), Some("a:b"), usual.clone(), 3),
            (Some("1."), Some("1e3"), None, usual.clone(), 2),
        ] {
            let (knobs, lines) = knobs(interval, history, session);

            assert_eq!((knobs, lines.len()), (expected, said), "{interval:?} {history:?} {session:?}");
        }
    }

    #[test]
    fn the_history_limit_stands_before_the_window_and_nothing_of_the_server_is_changed() {
        let own = Own::of(Path::new("/opt/codex-multi-auth"));
        let (knobs, _) = knobs(None, None, None);
        let carried = [("CODEX_HOME".to_owned(), "/h".to_owned())];

        let calls: Vec<String> = outside("mcodex", &knobs, true, &own, &words(&["exec", "a b"]), &carried)
            .iter()
            .map(|call| line(call))
            .collect();

        assert_eq!(
            calls,
            [
                "new-session -d -s mcodex -n first",
                "set-option -t =mcodex: mouse on",
                "set-option -t =mcodex: history-limit 50000",
                "new-window -t =mcodex: -n codex -e CODEX_HOME=/h /opt/codex-multi-auth codex exec a b",
                "kill-window -t =mcodex:first",
                "split-window -h -d -l 40% -t mcodex:codex -e CODEX_HOME=/h /opt/codex-multi-auth monitor --pane",
            ]
        );
        assert!(calls.iter().all(|call| !call.contains(" -g")), "{calls:?}");
    }

    #[test]
    fn each_of_our_programs_knows_how_to_start_itself() {
        for (program, forwarder, pane) in [
            ("/x/mcodex", "/x/mcodex __codex", "/x/mcodex --monitor"),
            (
                "/x/codex-multi-auth-codex",
                "/x/codex-multi-auth-codex",
                "/x/codex-multi-auth-codex auth monitor --pane",
            ),
            ("/x/cma", "/x/cma codex", "/x/cma monitor --pane"),
        ] {
            let own = Own::of(Path::new(program));

            assert_eq!((line(&own.forwarder), line(&own.pane)), (forwarder.to_owned(), pane.to_owned()));
        }
    }
}
