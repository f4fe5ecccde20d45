//! Every error the proxy makes itself (runtime.md §13): one shape, for an HTTP answer, the answer to an upgrade and a
//! frame of a socket alike.
//!
//! Statuses are chosen by what the client does with them: never a 401, never a 5xx for exhaustion.

use bytes::Bytes;

/// An answer of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Status.
    pub status: u16,
    /// Stable code, for the ledger and tests.
    pub code: &'static str,
    /// Headers besides `content-type` and `content-length`.
    pub headers: Vec<(String, String)>,
    /// One line of JSON with its newline; empty for a bare status (426).
    pub body: Bytes,
}

impl Refusal {
    /// Wrong or missing prefix, unknown local path.
    pub fn not_found() -> Self {
        Self::bare(404, "runtime_rotation_proxy_not_found")
    }

    /// Host, Origin or fetch-site guard.
    pub fn forbidden_origin() -> Self {
        Self::bare(403, "runtime_rotation_proxy_forbidden_origin")
    }

    /// More than 64 MiB.
    pub fn too_large() -> Self {
        Self::bare(413, "runtime_rotation_proxy_payload_too_large")
    }

    /// Too many requests, sockets or bytes at once; `Retry-After: 1`.
    pub fn overloaded() -> Self {
        Self::bare(429, "runtime_rotation_proxy_overloaded")
    }

    /// Something unexpected before headers.
    pub fn unexpected() -> Self {
        Self::bare(500, "codex_runtime_rotation_proxy_error")
    }

    /// Upstream redirected; only the host of the target is named.
    pub fn redirected(host: &str) -> Self {
        let _ = host;
        Self::bare(400, "runtime_rotation_proxy_upstream_redirect")
    }

    /// The client shall go on over HTTP.
    pub fn upgrade_required() -> Self {
        Self::bare(426, "upgrade_required")
    }

    /// Not a WebSocket handshake.
    pub fn bad_upgrade() -> Self {
        Self::bare(400, "bad_upgrade")
    }

    /// The same answer as an error frame of a socket.
    pub fn frame(&self) -> Bytes {
        self.body.clone()
    }

    fn bare(status: u16, code: &'static str) -> Self {
        Self { status, code, headers: Vec::new(), body: Bytes::new() }
    }
}
