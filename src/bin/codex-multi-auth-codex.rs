//! The forwarder under its own name.

fn main() -> std::process::ExitCode {
    codex_multi_auth::cli::run()
}
