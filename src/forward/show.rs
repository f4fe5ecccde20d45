//! `--print-launch`: what would be started, with the prefix masked.

use std::ffi::OsString;
use std::fmt::Write as _;

use crate::base::Secret;
use crate::domain::launch::inject::Environment;
use crate::domain::launch::{LaunchPlan, Through};
use crate::domain::problem::Problem;

/// The proxy of a launch that is only described.
pub(super) fn nobody() -> Through {
    Through {
        port: 0,
        base_url: Secret::from("http://127.0.0.1:<port>/<secret>/backend-api/codex"),
        refresh_url: Secret::from("http://127.0.0.1:<port>/<secret>/oauth/token"),
    }
}

/// The description.
pub(super) fn text(
    plan: &LaunchPlan,
    host: &str,
    account: &str,
    notes: &[String],
    preflight: &str,
) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "program: {}", plan.program.display());
    for arg in &plan.args {
        let _ = writeln!(out, "argument: {}", shown(arg));
    }
    for (name, value) in &plan.set_env {
        let _ =
            writeln!(out, "set: {name}={}", if name.ends_with("_SESSION") { "<pid>:<port>" } else { value });
    }
    for name in &plan.unset_env {
        let _ = writeln!(out, "unset: {name}");
    }
    let _ = writeln!(out, "host: {host}");
    let _ = writeln!(out, "account: {account}");
    for note in notes {
        let _ = writeln!(out, "note: {note}");
    }
    let _ = writeln!(out, "preflight: {preflight}");
    out
}

/// What the preflight would say.
pub(super) fn preflight(answer: &Result<Vec<String>, Problem>) -> String {
    match answer {
        Ok(notes) if notes.is_empty() => "the login in auth.json is alive".to_owned(),
        Ok(notes) => notes.join("; "),
        Err(problem) => problem.what.clone(),
    }
}

fn shown(arg: &OsString) -> String {
    arg.to_string_lossy().into_owned()
}

/// Environment changes as a plan carries them.
pub(super) fn join(environment: Environment, set: Vec<(String, String)>, unset: Vec<String>) -> Environment {
    let mut joined = environment;
    joined.set.splice(0..0, set);
    joined.unset.splice(0..0, unset);
    joined
}
