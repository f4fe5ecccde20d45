//! The rehearsal back end on a thread of its own, for tests that wait for processes instead of futures.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use codex_multi_auth::adapters::clock::SystemClock;
use codex_multi_auth::formats::scenario::Scenario;
use codex_multi_auth::ports::Clock as _;
use codex_multi_auth::rehearsal::backend::{Backend, Entry, Issued, Options};
use tokio_util::sync::CancellationToken;

use super::dirs::{Home, Login};

/// A running back end; it stops when dropped.
pub(crate) struct Play {
    backend: Backend,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Play {
    /// Starts `scenario` at the present time.
    pub(crate) fn start(scenario: Scenario) -> Self {
        let stop = CancellationToken::new();
        let (tell, started) = std::sync::mpsc::channel();
        let token = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let options = Options::new(scenario, SystemClock::new().now());
                tell.send(Backend::start(options).await.expect("a loopback port")).expect("somebody waits");
                token.cancelled().await;
            });
        });
        Self { backend: started.recv().expect("the back end starts"), stop, thread: Some(thread) }
    }

    /// The back end itself: its script, its tokens, its record.
    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.backend.address()
    }

    /// The tokens an account holds now.
    #[track_caller]
    pub(crate) fn login(&self, name: &str) -> Login {
        let Issued { access, refresh, id_token, expires_at, account_id, email } =
            self.backend.tokens(name).expect("an account of the scenario");
        Login {
            email,
            account_id,
            access: access.expose().to_owned(),
            id_token: id_token.expose().to_owned(),
            refresh: refresh.expose().to_owned(),
            expires_at_ms: expires_at.millis(),
        }
    }

    /// A home whose pool holds all accounts of the scenario, and which reaches this back end instead of the real one.
    pub(crate) fn home(&self) -> Home {
        let mut home = Home::new();
        home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", self.backend.upstream_url());
        home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", self.backend.auth_url());
        let logins: Vec<_> = self.backend.names().iter().map(|name| self.login(name)).collect();
        home.write_pool(&logins);
        home
    }

    /// Fails when anything came in that must never come.
    #[track_caller]
    pub(crate) fn assert_no_violation(&self) {
        let found = self.backend.record().violations();
        assert!(found.is_empty(), "{found:?}\n{}", self.story());
    }

    /// What came in, a line each.
    pub(crate) fn story(&self) -> String {
        let entries = self.backend.record().entries();
        let line = |entry: &Entry| {
            let Entry {
                number, method, path, account, status, action, outcome, turn_state, violations, ..
            } = entry;
            let account = account.as_deref().unwrap_or("nobody");
            let action = action.as_deref().unwrap_or("-");
            let state = turn_state.as_deref().unwrap_or("-");
            format!(
                "{number:>3} {method} {path} {account} {status} {action} {outcome:?} {state} {violations:?}\n"
            )
        };
        entries.iter().map(line).collect()
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
