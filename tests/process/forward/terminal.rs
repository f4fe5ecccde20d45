//! The child owns the terminal: its signals reach it once, stops are shared, and the terminal comes back.

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::FORWARDER;
use crate::support::pty::Terminal;

use super::{home, play};

const SIZE: (u16, u16) = (80, 24);

/// Tells of every interrupt and ends with the first.
const INTERRUPTED: &str = "#!/bin/sh\n\
    trap 'echo interrupted; exit 41' INT\n\
    trap 'echo continued' CONT\n\
    echo ready\n\
    while :; do sleep 0.05; done\n";

fn forwarded(home: &Home) -> Terminal {
    Terminal::start(FORWARDER, &["exec", "hi"], &home.environment(), SIZE)
}

/// A shell with job control that has the forwarder as its job.
fn job(home: &Home) -> Terminal {
    let mut shell = Terminal::start("/bin/bash", &["--norc", "-i"], &home.environment(), SIZE);
    shell.send("PS1='shell> '\r");
    shell.wait_for("\nshell>");
    shell.send(&format!("{FORWARDER} exec hi; echo code $?\r"));
    shell
}

fn stage(script: &str) -> (Play, Home) {
    let play = play();
    let home = home(&play, script);
    (play, home)
}

#[test]
fn an_interrupt_typed_at_the_terminal_reaches_the_child_once() {
    let (_play, home) = stage(INTERRUPTED);
    let mut terminal = forwarded(&home);
    terminal.wait_for("ready");

    terminal.send("\u{3}");

    let status = terminal.finish();
    assert_eq!(status.exit_code(), 41, "{status}\n{}", terminal.text());
    assert_eq!(terminal.text().matches("interrupted").count(), 1, "{}", terminal.text());
}

#[test]
fn a_child_that_dies_badly_leaves_a_usable_terminal() {
    let script =
        "#!/bin/sh\nprintf '\\033[?1049h\\033[?25l\\033[?2004h\\033[?1003h'\nstty raw -echo\nkill -KILL $$\n";
    let (_play, home) = stage(script);
    let before = Terminal::start("/bin/true", &[""; 0], &home.environment(), SIZE).modes();

    let mut terminal = forwarded(&home);

    let status = terminal.finish();
    assert_eq!(status.exit_code(), 137, "{status}\n{}", terminal.text());
    assert_eq!(terminal.modes(), before);
}

#[test]
fn a_job_is_stopped_and_continued_with_its_child() {
    let (_play, home) = stage(INTERRUPTED);
    let mut shell = job(&home);
    shell.wait_for("ready");

    shell.send("\u{1a}");
    shell.wait_for("Stopped");
    shell.send("fg\r");
    shell.wait_for("continued");
    shell.send("\u{3}");

    shell.wait_for("interrupted");
    shell.wait_for("shell>");
    shell.send("exit 0\r");
    shell.finish();
}

#[test]
fn a_child_that_stops_itself_stops_the_job() {
    let (_play, home) = stage("#!/bin/sh\necho ready\nkill -TSTP $$\necho continued\nexit 6\n");
    let mut shell = job(&home);
    shell.wait_for("Stopped");

    shell.send("fg\r");

    shell.wait_for("continued");
    shell.send("echo after $?\r");
    shell.wait_for("after 6");
    shell.send("exit 0\r");
    shell.finish();
}
