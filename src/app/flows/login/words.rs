//! What a sign-in says while it runs, at a terminal or to a script's reader.
//!
//! Link and code go to stdout, or to stderr when stdout is to carry one document.

use crate::app::effect::{Effect, Effects};
use crate::app::flows::Ticket;
use crate::app::flows::login::talk::{LoginEffect, Opened};
use crate::app::options::Form;
use crate::base::Secret;
use crate::domain::login::device::DeviceCode;
use crate::domain::login::paste::Typist;
use crate::domain::problem::{Hint, Problem};
use crate::domain::terms;

/// The text of the acknowledgement with its question.
pub(super) fn terms() -> Effects {
    let mut effects = notice();
    effects.push(tell("Type y if you understand, anything else to leave:"));
    effects
}

/// The text of the acknowledgement.
pub fn notice() -> Effects {
    let mut lines = terms::LINES.iter();
    let first = lines.next().copied().unwrap_or_default();
    std::iter::once(tell(first)).chain(lines.map(|line| tell(&format!("  - {line}")))).collect()
}

/// The sign-in page is on its way.
pub(super) fn browser(url: &Secret, port: u16, ticket: Ticket, form: Form) -> Effects {
    let head = "Opening the OpenAI sign-in page in your browser. Not opened? Open it yourself,\n\
                in a private window to choose another account:\n";
    vec![
        show(&Secret::new(format!("{head}\n{}\n", url.expose())), ticket, form),
        tell(&format!(
            "Waiting 5 minutes for the browser, listening on localhost:{port}. Signed in on another computer?\n\
             Paste the address its browser ended on and press Enter (it is not shown); Ctrl-C cancels."
        )),
    ]
}

/// Whether a browser took it.
pub(super) fn opened(opened: Opened) -> Effects {
    match opened {
        Opened::Yes => Effects::new(),
        Opened::No => vec![tell("No browser could be started here: open the address yourself")],
    }
}

/// Why there is no browser to try.
pub(super) fn no_browser(why: &str) -> Effect {
    tell(&format!(
        "Using a device code because {why}; `codex-multi-auth login --manual` takes a pasted callback instead"
    ))
}

/// The link for a browser elsewhere.
pub(super) fn paste_here(url: &Secret, typist: Typist, form: Form, ticket: Ticket) -> Effects {
    let mut effects = vec![show(url, ticket, form)];
    if typist == Typist::Person {
        effects.push(tell(
            "Open this address in any browser and sign in. The page it ends on cannot be shown: copy its whole\n\
             address, paste it here and press Enter (it is not shown). An empty line or q cancels.",
        ));
    }
    effects
}

/// The code for another device.
pub(super) fn device(code: &DeviceCode, ticket: Ticket, form: Form) -> Effects {
    let text = format!(
        "Open {} on any device and sign in with the account to add\nCode: {}",
        code.page,
        code.user_code.expose()
    );
    vec![
        show(&Secret::new(text), ticket, form),
        tell(&format!(
            "The code is good for {}. Never give it to anybody, and never type a code somebody sent you.",
            code.lifetime()
        )),
    ]
}

/// A paste that did not do; the flow stays open.
pub(super) fn again(problem: &Problem) -> Effects {
    let mut effects = vec![tell(problem.what.trim_start_matches("Login failed: "))];
    effects.extend(problem.because.iter().map(|cause| tell(&format!("  {cause}"))));
    effects.extend(problem.hints.iter().filter_map(|hint| match hint {
        Hint::Say(text) => Some(tell(text)),
        Hint::Run(_) | Hint::Press(_) => None,
    }));
    effects
}

/// Another workspace came than was required.
pub(super) fn other_workspace(wanted: Option<&str>, got: Option<&str>) -> Effects {
    vec![tell(&format!(
        "You signed in to workspace {}, but {} was required.\nKeep this one? Type y to add it, anything else to leave:",
        got.unwrap_or("(none)"),
        wanted.unwrap_or("another one")
    ))]
}

/// Another account signed in than was to.
pub(super) fn other_account(expected: &str, came: &str) -> Effects {
    vec![tell(&format!(
        "{came} signed in, not {expected}.\nAdd it as a new account instead? Type y to add it, anything else to leave:"
    ))]
}

fn show(text: &Secret, ticket: Ticket, form: Form) -> Effect {
    match form {
        Form::Text => Effect::Announce(text.clone()),
        Form::Json => Effect::Login(ticket, LoginEffect::Whisper(text.clone())),
    }
}

fn tell(line: &str) -> Effect {
    Effect::Tell(line.to_owned())
}
