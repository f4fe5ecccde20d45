//! The official CLI as our child: it owns the terminal, gets the signals meant for it, and its end is ours
//! (forwarder.md §10).
//!
//! A `std::process::Command` started on the thread that polls this future, because the parent-death signal is
//! bound to the starting thread; a thread of its own waits with `waitpid(…, UNTRACED)`, because tokio's child
//! cannot report stops.

use std::process::Command;

use crate::domain::launch::LaunchPlan;
use crate::domain::problem::{Exit, Problem};
#[cfg(not(unix))]
use crate::ports::codex::Ended;

fn command(plan: &LaunchPlan) -> Command {
    let mut command = Command::new(&plan.program);
    command.args(&plan.args);
    for name in &plan.unset_env {
        command.env_remove(name);
    }
    command.envs(plan.set_env.iter().map(|(name, value)| (name, value)));
    command
}

fn cannot(plan: &LaunchPlan, error: &std::io::Error) -> Problem {
    Problem::new("official-cli-missing", Exit::Failed, "the official Codex CLI could not be started")
        .because(format!("{}: {error}", plan.program.display()))
}

#[cfg(unix)]
pub(super) use unix::run;

#[cfg(unix)]
mod unix {
    use std::time::Duration;

    use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
    use tokio::signal::unix::{Signal as Listener, SignalKind, signal};
    use tokio::sync::mpsc;

    use super::{cannot, command};
    use crate::adapters::platform::unix as platform;
    use crate::domain::launch::LaunchPlan;
    use crate::domain::problem::Problem;
    use crate::ports::codex::Ended;

    /// A child that was told to end has this long.
    const GRACE: Duration = Duration::from_secs(10);
    /// A stop that is over within this time was the terminal's, and we have been continued together.
    const TOGETHER: Duration = Duration::from_millis(20);

    enum Event {
        Stopped(i32),
        Continued,
        Ended(Ended),
    }

    /// Runs a plan to its end.
    ///
    /// # Errors
    /// When the program cannot be started or its end cannot be learnt.
    pub(in super::super) async fn run(plan: &LaunchPlan) -> Result<Ended, Problem> {
        let listeners = Listeners::new().map_err(|error| cannot(plan, &error))?;
        let mut modes = platform::Modes::save();
        let mut command = command(plan);
        platform::end_with_parent(&mut command);
        let child = command.spawn().map_err(|error| cannot(plan, &error))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| cannot(plan, &std::io::Error::other("it has no process id")))?;
        let events = wait_apart(pid);
        let ended = attend(pid, events, listeners).await;
        if matches!(ended, Ended::Signal(_)) {
            modes.restore();
        }
        Ok(ended)
    }

    /// Signals that concern the child.
    struct Listeners {
        interrupt: Listener,
        quit: Listener,
        terminate: Listener,
        hang_up: Listener,
        proceed: Listener,
    }

    impl Listeners {
        fn new() -> std::io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                quit: signal(SignalKind::quit())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                proceed: signal(SignalKind::from_raw(Signal::CONT.as_raw()))?,
            })
        }
    }

    /// Waits on a thread of its own; the thread ends with the child.
    fn wait_apart(pid: Pid) -> mpsc::UnboundedReceiver<Event> {
        let (events, receiver) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            loop {
                let options = WaitOptions::UNTRACED | WaitOptions::CONTINUED;
                let event = match rustix::process::waitpid(Some(pid), options) {
                    Ok(Some((_, status))) => event(status),
                    Ok(None) | Err(rustix::io::Errno::INTR) => None,
                    // Somebody else reaped it: its code is lost.
                    Err(_) => Some(Event::Ended(Ended::Code(1))),
                };
                let Some(event) = event else { continue };
                let is_last = matches!(event, Event::Ended(_));
                if events.send(event).is_err() || is_last {
                    return;
                }
            }
        });
        receiver
    }

    fn event(status: WaitStatus) -> Option<Event> {
        if let Some(code) = status.exit_status() {
            return Some(Event::Ended(Ended::Code(code)));
        }
        if let Some(number) = status.terminating_signal() {
            return Some(Event::Ended(Ended::Signal(number)));
        }
        if status.continued() {
            return Some(Event::Continued);
        }
        status.stopping_signal().map(Event::Stopped)
    }

    /// Passes signals on until the child has ended.
    async fn attend(pid: Pid, mut events: mpsc::UnboundedReceiver<Event>, mut on: Listeners) -> Ended {
        let mut ending: Option<Signal> = None;
        let mut deadline = None;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(Event::Ended(ended)) => {
                        return ending.map_or(ended, |signal| Ended::Signal(signal.as_raw()));
                    }
                    Some(Event::Stopped(number)) => {
                        if let Some(ended) = stop_too(number, &mut events).await {
                            return ended;
                        }
                    }
                    Some(Event::Continued) => {}
                    None => return Ended::Code(1),
                },
                Some(()) = on.interrupt.recv() => relay_unless_foreground(pid, Signal::INT),
                Some(()) = on.quit.recv() => relay_unless_foreground(pid, Signal::QUIT),
                Some(()) = on.terminate.recv() => {
                    if ending == Some(Signal::TERM) {
                        platform::signal(pid, Signal::KILL);
                    } else {
                        ending = Some(Signal::TERM);
                        deadline = Some(tokio::time::Instant::now() + GRACE);
                        end(pid, Signal::TERM);
                    }
                }
                Some(()) = on.hang_up.recv() => {
                    ending = ending.or(Some(Signal::HUP));
                    deadline = deadline.or(Some(tokio::time::Instant::now() + GRACE));
                    end(pid, Signal::HUP);
                }
                Some(()) = on.proceed.recv() => platform::signal(pid, Signal::CONT),
                () = at(deadline), if deadline.is_some() => {
                    deadline = None;
                    platform::signal(pid, Signal::KILL);
                }
            }
        }
    }

    async fn at(deadline: Option<tokio::time::Instant>) {
        if let Some(deadline) = deadline {
            tokio::time::sleep_until(deadline).await;
        }
    }

    /// A stopped child cannot act on a signal before it is continued.
    fn end(pid: Pid, signal: Signal) {
        platform::signal(pid, signal);
        platform::signal(pid, Signal::CONT);
    }

    /// The terminal has given its signals to the child already when our group is in the foreground.
    fn relay_unless_foreground(pid: Pid, signal: Signal) {
        if !platform::is_foreground() {
            platform::signal(pid, signal);
        }
    }

    /// The child was stopped: so are we, by the same signal, unless that is over already.
    async fn stop_too(number: i32, events: &mut mpsc::UnboundedReceiver<Event>) -> Option<Ended> {
        match tokio::time::timeout(TOGETHER, events.recv()).await {
            Ok(Some(Event::Ended(ended))) => return Some(ended),
            Ok(Some(Event::Continued | Event::Stopped(_)) | None) => return None,
            Err(_) => {}
        }
        if let Some(signal) = Signal::from_named_raw(number) {
            platform::signal_self(signal);
        }
        None
    }
}

#[cfg(not(unix))]
pub(super) async fn run(plan: &LaunchPlan) -> Result<Ended, Problem> {
    let mut child = command(plan).spawn().map_err(|error| cannot(plan, &error))?;
    let (send, mut ended) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || send.blocking_send(child.wait()));
    loop {
        tokio::select! {
            status = ended.recv() => {
                let code = status.and_then(Result::ok).and_then(|status| status.code()).unwrap_or(1);
                return Ok(Ended::Code(code));
            }
            // The console has given it to the child already.
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}
