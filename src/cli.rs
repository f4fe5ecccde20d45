//! Arguments, personalities and exit codes.
//!
//! Nothing here starts a runtime, reads a root or opens a socket before it is known that a command needs it:
//! `--version`, help, completions and refused arguments end in this floor.

pub mod args;
pub mod dispatch;
pub mod exit;
pub mod personality;
