//! Arguments, personalities and exit codes.

use std::process::ExitCode;

/// Runs the program named by the first argument and returns its exit code.
pub fn run() -> ExitCode {
    ExitCode::SUCCESS
}
