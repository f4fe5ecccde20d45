//! The manager, the dashboard and, as `codex-multi-auth codex …`, the forwarder.

fn main() -> std::process::ExitCode {
    codex_multi_auth::cli::run()
}
