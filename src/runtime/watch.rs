//! `--watch`: the same report again and again, until somebody ends it or stops reading.

use std::io::{self, Write as _};

use crate::app::goal::{Command, Goal};
use crate::app::options::{Form, Options};
use crate::app::outcome::{Body, Outcome};
use crate::base::Span;
use crate::domain::problem::Exit;
use crate::ports::Clock as _;
use crate::report;
use crate::runtime::engine;
use crate::runtime::feed;
use crate::runtime::host::Host;
use crate::runtime::shell::headless::Headless;

/// Repeats the report of `goal` with `pause` between; returns how the process ends.
pub(super) async fn watch(host: &Host, goal: &Goal, options: &Options, pause: Span) -> Exit {
    if (goal, options.form) == (&Goal::Run(Command::Monitor), Form::Json) {
        return feed::print(host).await;
    }
    let mut place = Place::First;
    loop {
        let boot = super::boot(goal, host, options.form, super::NO_SCREEN).await;
        let (model, effects) = crate::app::init(goal.clone(), boot);
        let (exit, model) = engine::run(model, effects, host.clone(), &mut Headless).await;
        let Some(outcome) = &model.outcome else { return exit };
        if write(outcome, options.form, place).is_err() || matches!(outcome.body, Body::Problem(_)) {
            return exit;
        }
        place = Place::Later;
        tokio::select! {
            () = host.clock.sleep(pause) => {}
            number = ended() => return Exit::Signal(number),
        }
    }
}

#[derive(Clone, Copy)]
enum Place {
    First,
    Later,
}

fn write(outcome: &Outcome, form: Form, place: Place) -> io::Result<()> {
    let printed = report::print(outcome, form);
    let text = match (form, place) {
        (Form::Json, _) => report::print_line(outcome),
        (Form::Text, Place::First) => printed.out,
        (Form::Text, Place::Later) => format!("\n{}", printed.out),
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    io::stderr().lock().write_all(printed.err.as_bytes())
}

/// The number of the signal that asks us to end.
#[cfg(unix)]
pub(super) async fn ended() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let listeners =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)) = listeners else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
        _ = hang_up.recv() => 1,
    }
}

#[cfg(not(unix))]
pub(super) async fn ended() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => 2,
        Err(_) => std::future::pending().await,
    }
}
