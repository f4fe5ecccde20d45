//! The fake OpenAI: `auth.openai.com` and `chatgpt.com/backend-api` on one loopback port.
//!
//! It behaves like the real one as far as the official client and this product can tell: refresh tokens are
//! single use and their reuse ends the session, reasoning is readable by the account that produced it only,
//! a response id is valid on its socket only, and quota goes down by use. Rules make it fail on purpose, and
//! everything that comes in is recorded, together with what must never come in.

mod accounts;
mod director;
mod models;
mod oauth;
mod playback;
pub mod record;
mod responses;
pub(super) mod route;
mod routing;
pub(super) mod socket;
mod usage;

pub use accounts::Issued;
pub use record::{Entry, Outcome, Record, Violation};

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::base::{Moment, Span};
use crate::formats::fake::quota::Standing;
use crate::formats::scenario::{Player, Rule, Scenario, Script};
use crate::rehearsal::{Clock, listen, locked};
use accounts::Accounts;
use director::Director;

/// How to start a back end.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to play.
    pub scenario: Scenario,
    /// The loopback port; 0 lets the system choose.
    pub port: u16,
    /// A file that gets every recorded request as a line of JSON.
    pub dump: Option<PathBuf>,
    /// The time it is when the rehearsal begins.
    pub now: Moment,
}

impl Options {
    /// The scenario on a port of the system's choice, recorded in memory.
    pub fn new(scenario: Scenario, now: Moment) -> Self {
        Self { scenario, port: 0, dump: None, now }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Stage {
    clock: Clock,
    accounts: Mutex<Accounts>,
    director: Mutex<Director>,
    script: Mutex<Script>,
    models: Vec<String>,
    record: Record,
    logins: Mutex<oauth::Logins>,
    serial: AtomicU64,
    sockets: AtomicU64,
}

impl Stage {
    /// A number nobody had before.
    fn serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}

/// A running back end; it stops when dropped.
#[derive(Debug)]
pub struct Backend {
    stage: Arc<Stage>,
    address: SocketAddr,
    stop: CancellationToken,
    accepting: Option<JoinHandle<()>>,
}

impl Backend {
    /// Starts a back end on loopback.
    ///
    /// # Errors
    /// When the port or the record file cannot be opened.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let clock = Clock::starting(options.now);
        // Ids of one run never meet those of another, whose sessions a client may resume.
        let salt = u64::try_from(options.now.millis()).unwrap_or(0) << 20;
        let stage = Arc::new(Stage {
            clock,
            accounts: Mutex::new(Accounts::new(options.scenario.players(), options.now, salt)),
            director: Mutex::new(Director::new(options.scenario.rules)),
            script: Mutex::new(options.scenario.script),
            models: options.scenario.models,
            logins: Mutex::default(),
            record: Record::open(options.dump.as_deref())?,
            serial: AtomicU64::new(salt),
            sockets: AtomicU64::new(1),
        });
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(listen::accept(Arc::clone(&stage), listener, stop.clone()));
        Ok(Self { stage, address, stop, accepting: Some(accepting) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stands for `https://chatgpt.com/backend-api`.
    pub fn upstream_url(&self) -> String {
        format!("http://{}/backend-api", self.address)
    }

    /// Stands for `https://auth.openai.com`.
    pub fn auth_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves one more connection, which came some other way, to its end.
    pub async fn serve<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        listen::serve(Arc::clone(&self.stage), stream).await;
    }

    /// A handle that serves connections without borrowing the back end.
    pub fn door(&self) -> Door {
        Door(Arc::clone(&self.stage))
    }

    /// Adds a rule; the latest rule is asked first.
    pub fn script(&self, rule: Rule) {
        locked(&self.stage.director).add(rule, self.stage.clock.elapsed());
    }

    /// Removes all rules.
    pub fn forgive(&self) {
        locked(&self.stage.director).clear();
    }

    /// Changes what the model does from the next turn on.
    pub fn model(&self, change: impl FnOnce(&mut Script)) {
        change(&mut locked(&self.stage.script));
    }

    /// The names of the accounts, in pool order.
    pub fn names(&self) -> Vec<String> {
        locked(&self.stage.accounts).names()
    }

    /// The tokens an account holds now; signs it in when it has none. `None` for an unknown name.
    ///
    /// As long as nobody refreshes, the answer is the same.
    pub fn tokens(&self, name: &str) -> Option<Issued> {
        locked(&self.stage.accounts).tokens(name)
    }

    /// A new, separate session of an account, as another login would give.
    pub fn issue(&self, name: &str) -> Option<Issued> {
        let now = self.stage.now();
        let mut accounts = locked(&self.stage.accounts);
        let index = accounts.index_of(name)?;
        accounts.issue(index, now, None)
    }

    /// Lets what is left of an account's access tokens end `left` from now.
    pub fn expire(&self, name: &str, left: Span) {
        let until = self.stage.now() + left;
        locked(&self.stage.accounts).expire(name, until);
    }

    /// Ends every session of an account, as signing out everywhere does.
    pub fn sign_out(&self, name: &str) {
        locked(&self.stage.accounts).sign_out(name);
    }

    /// Names the account that signs in next, in the browser or by device code.
    pub fn next_login(&self, name: &str) {
        locked(&self.stage.logins).next = Some(name.to_owned());
    }

    /// Lets the next device codes be good for so long.
    pub fn device_life(&self, life: Span) {
        locked(&self.stage.logins).device_life = Some(life);
    }

    /// Answers the next device logins with "pending" so many times first.
    pub fn pending_polls(&self, polls: u32) {
        locked(&self.stage.logins).pending_polls = polls;
    }

    /// The accounts as the scenario describes them.
    pub fn players(&self) -> Vec<Player> {
        locked(&self.stage.accounts).players()
    }

    /// The model slugs, the default first.
    pub fn models(&self) -> &[String] {
        &self.stage.models
    }

    /// Where an account stands now.
    pub fn standing(&self, name: &str) -> Option<Standing> {
        self.standing_at(name, self.stage.now())
    }

    /// Where an account stands at a given moment.
    pub fn standing_at(&self, name: &str, now: Moment) -> Option<Standing> {
        let accounts = locked(&self.stage.accounts);
        let index = accounts.index_of(name)?;
        accounts.standing(index, now)
    }

    /// What came in so far.
    pub fn record(&self) -> &Record {
        &self.stage.record
    }

    /// The time of the rehearsal.
    pub fn clock(&self) -> Clock {
        self.stage.clock
    }

    /// Stops listening and ends every connection.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.await;
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// See [`Backend::door`].
#[derive(Debug, Clone)]
pub struct Door(Arc<Stage>);

impl Door {
    /// Serves one connection to its end.
    pub async fn serve<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        listen::serve(Arc::clone(&self.0), stream).await;
    }
}
