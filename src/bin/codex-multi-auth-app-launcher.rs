//! The launcher of the desktop app.

fn main() -> std::process::ExitCode {
    codex_multi_auth::cli::run()
}
