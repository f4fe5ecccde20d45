//! The forwarder under a short name, with a live pane and tmux.

fn main() -> std::process::ExitCode {
    codex_multi_auth::cli::run()
}
