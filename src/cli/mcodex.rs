//! What `mcodex` does before anything else: its modes, and tmux.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use crate::adapters::clock::SystemClock;
use crate::adapters::env::Env;
use crate::adapters::tmux;
use crate::base::calendar;
use crate::cli::exit;
use crate::domain::mcodex::{self, Asked, Own};
use crate::ports::Clock as _;

/// How the program goes on.
pub(super) enum Next {
    /// It is done.
    Ended(ExitCode),
    /// As the manager with these words.
    Manager(Vec<OsString>),
    /// As the forwarder with these arguments.
    Forwarder(Vec<OsString>),
}

/// Reads the arguments behind `mcodex`.
pub(super) fn start(args: &[OsString], env: &Env) -> Next {
    let (knobs, said) = mcodex::knobs(
        env.mcodex_monitor_interval.as_deref(),
        env.mcodex_tmux_history_limit.as_deref(),
        env.mcodex_tmux_session.as_deref(),
    );
    match mcodex::read(args) {
        Asked::Forward(args) => Next::Forwarder(args),
        Asked::Monitor => {
            tell(&said);
            let watch = format!("--watch={}", knobs.interval);
            Next::Manager(["monitor", "--pane", watch.as_str()].into_iter().map(OsString::from).collect())
        }
        Asked::Tmux { live, args } => {
            tell(&said);
            if !tmux::is_there() {
                tell(&["tmux was not found; the official CLI runs here".to_owned()]);
                return Next::Forwarder(args);
            }
            let own = Own::of(&std::env::current_exe().unwrap_or_default());
            if env.tmux.as_deref().is_some_and(|value| !value.is_empty()) {
                if let Err(why) = tmux::make(&mcodex::inside(&knobs, live, &own)) {
                    tell(&[format!("tmux: {why}")]);
                }
                return Next::Forwarder(args);
            }
            let session = if tmux::has_session(&knobs.session) {
                let label = calendar::label(SystemClock::new().now());
                format!("{}-{}", knobs.session, label.rsplit('-').next().unwrap_or("2"))
            } else {
                knobs.session.clone()
            };
            let carried: Vec<(String, String)> =
                [("CODEX_HOME", &env.codex_home), ("CODEX_MULTI_AUTH_DIR", &env.multi_auth_dir)]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
                    .collect();
            let calls = mcodex::outside(&session, &knobs, live, &own, &args, &carried);
            if let Err(why) = tmux::make(&calls) {
                tell(&[format!("tmux: {why}; the official CLI runs here")]);
                return Next::Forwarder(args);
            }
            Next::Ended(exit::code(tmux::attach(&session)))
        }
    }
}

fn tell(lines: &[String]) {
    let mut err = std::io::stderr().lock();
    for line in lines {
        let _ = writeln!(err, "mcodex: {line}");
    }
}
