//! One attempt to sign in: what was minted for it, and how long it is good.

use crate::base::{Moment, Secret, Span};

/// How long a browser is waited for, and a pasted line.
pub const PATIENCE: Span = Span::minutes(5);
/// How long an attempt that was printed for a script can be completed.
pub const KEPT_FOR: Span = Span::minutes(10);

/// What one sign-in was started with. The secrets live in memory, and in a private file only when a script is to
/// finish what another run began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Ties the answer to this attempt: 43 url-safe characters.
    pub state: Secret,
    /// The PKCE verifier: 86 url-safe characters.
    pub verifier: Secret,
    /// Where the browser is sent; the same text in the authorize URL and in the exchange.
    pub redirect_uri: String,
    /// The authorize URL. It holds the state, hence secret; empty for an attempt that was read back.
    pub url: Secret,
    /// The workspace that must come back.
    pub workspace: Option<String>,
    /// When it was minted.
    pub started_at: Moment,
}

impl Attempt {
    /// Whether a kept attempt may no longer be completed.
    pub fn is_stale(&self, at: Moment) -> bool {
        // A clock that was set back must not make an old attempt good again.
        at.since(self.started_at) >= KEPT_FOR || at < self.started_at
    }
}

/// Whether the provider is to ask who signs in even when a browser is signed in already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// The first account of a pool: whoever the browser knows.
    AsKnown,
    /// There are accounts already: let the person choose.
    Login,
}

/// What an attempt is to be minted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Whether to ask who signs in.
    pub prompt: Prompt,
    /// The workspace that is required.
    pub workspace: Option<String>,
}

/// The callback address of a port.
pub fn redirect_uri(port: u16) -> String {
    format!("http://127.0.0.1:{port}/auth/callback")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_attempt_goes_stale_after_ten_minutes() {
        let attempt = Attempt {
            state: Secret::new("s"),
            verifier: Secret::new("v"),
            redirect_uri: redirect_uri(1455),
            url: Secret::default(),
            workspace: None,
            started_at: Moment::from_secs(1_000),
        };

        assert!(!attempt.is_stale(Moment::from_secs(1_599)));
        assert!(attempt.is_stale(Moment::from_secs(1_600)));
        assert!(attempt.is_stale(Moment::from_secs(999)));
    }
}
