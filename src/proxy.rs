//! The loopback proxy that serves a running Codex session.
