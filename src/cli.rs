//! Arguments, personalities and exit codes.
//!
//! Nothing here starts a runtime, reads a root or opens a socket before it is known that a command needs it:
//! `--version`, help, completions and refused arguments end in this floor.

pub mod args;
pub mod dispatch;
pub mod exit;
pub mod man;
mod mcodex;
pub mod personality;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use crate::adapters::env::Env;
use crate::cli::dispatch::{Invocation, Preference, Started, Surroundings, Terminal};
use crate::cli::mcodex::Next;
use crate::cli::personality::{Bypass, Persona};
use crate::domain::launch::environment::truth;
use crate::domain::problem::Exit;
use crate::report;

/// Runs the program named by the first argument and returns its exit code.
pub fn run() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    let env = Env::read();
    let bypass = if env.bypass.as_deref() == Some("1") { Bypass::On } else { Bypass::Off };
    let persona = match personality::read(&argv, bypass) {
        Persona::Mcodex(args) => match mcodex::start(&args, &env) {
            Next::Ended(code) => return code,
            Next::Manager(words) => {
                Persona::Manager(words.into_iter().chain(args.into_iter().skip(1)).collect())
            }
            Next::Forwarder(args) => personality::forwarded(&args, bypass),
        },
        persona @ (Persona::Manager(_) | Persona::Forwarder { .. }) => persona,
    };
    match dispatch::dispatch(persona, surroundings(&env)) {
        Invocation::Print(text) => {
            // A reader that has gone away is no failure of ours.
            let _ = std::io::stdout().write_all(&text);
            ExitCode::SUCCESS
        }
        Invocation::Write(files) => man::write(&files),
        Invocation::Refuse(refusal) => {
            let printed = report::refusal(&refusal.problem, &refusal.command, refusal.form);
            let _ = std::io::stdout().write_all(printed.out.as_bytes());
            let _ = std::io::stderr().write_all(printed.err.as_bytes());
            exit::code(exit::number(refusal.problem.exit, &refusal.command, refusal.numbers))
        }
        Invocation::Start(started) => {
            // Only a second installation fails, and this is the only one.
            let _ = color_eyre::config::HookBuilder::default().display_env_section(false).install();
            // A panic has been reported by its hook, after the terminal was restored; it is a defect of ours: exit 1.
            let Started { goal, options, command, numbers } = *started;
            let run = AssertUnwindSafe(|| crate::runtime::run(goal, options));
            let exit = std::panic::catch_unwind(run).unwrap_or(Exit::Failed);
            exit::code(exit::number(exit, command, numbers))
        }
    }
}

fn surroundings(env: &Env) -> Surroundings {
    let preference = match env.settings.get("CODEX_MULTI_AUTH_HEADLESS").and_then(|value| truth(value)) {
        Some(true) => Preference::Headless,
        Some(false) | None => Preference::Screen,
    };
    Surroundings { terminal: terminal(env), preference }
}

/// A person sits there when both ends are terminals and nothing says that another program drives us.
fn terminal(env: &Env) -> Terminal {
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return Terminal::Absent;
    }
    let is_one = |value: &Option<String>| value.as_deref().map(str::trim) == Some("1");
    if is_one(&env.force_interactive) {
        return Terminal::Interactive;
    }
    let driven = is_one(&env.codex_tui)
        || is_one(&env.codex_desktop)
        || is_one(&env.electron_run_as_node)
        || env.term_program.as_deref().is_some_and(|program| program.trim().eq_ignore_ascii_case("codex"));
    if driven { Terminal::Absent } else { Terminal::Interactive }
}
