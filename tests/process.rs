//! The real binaries: headless commands, terminal sessions, signals, two processes at once.

mod harness;
mod real;
