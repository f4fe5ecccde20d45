//! A proxy on a stand: the real service and the real back-end client between a test and a rehearsal, over a pool that
//! lives in memory.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use codex_multi_auth::adapters::callers::SocketOwners;
use codex_multi_auth::adapters::clock::SystemClock;
use codex_multi_auth::adapters::entropy::SystemEntropy;
use codex_multi_auth::adapters::upstream::BackEnd;
use codex_multi_auth::adapters::upstream::client::{Clients, Egress};
use codex_multi_auth::adapters::upstream::roots::RootSources;
use codex_multi_auth::base::{Moment, Secret, Span};
use codex_multi_auth::domain::account::{Account, AccountKey, Credentials, Tokens};
use codex_multi_auth::domain::briefing::Briefing;
use codex_multi_auth::domain::change::Change;
use codex_multi_auth::domain::facts::ProxyFact;
use codex_multi_auth::domain::policy::account::{Changed, Policies, PolicyEdit};
use codex_multi_auth::domain::quota::snapshot::Snapshot;
use codex_multi_auth::domain::refresh::{Held, Outcome, Reason};
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::domain::shelf::Found;
use codex_multi_auth::domain::token;
use codex_multi_auth::domain::usage::entry::Entry;
use codex_multi_auth::domain::usage::reading::{Query, Reading};
use codex_multi_auth::formats::jwt;
use codex_multi_auth::formats::scenario::Scenario;
use codex_multi_auth::ports::callers::{Caller, Callers};
use codex_multi_auth::ports::store::{Loaded, StoreError};
use codex_multi_auth::ports::{Auth, Clock as _, Ports, Store};
use codex_multi_auth::proxy::{self, Places, Plan};
use codex_multi_auth::rehearsal::backend::{Backend, Issued};

use crate::support::backend;

pub(crate) const PREFIX: &str = "stand-stand-stand-stand-stand-stand-stand-1";

/// What the pool in memory has seen.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) roster: Roster,
    pub(crate) changes: Vec<Change>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) quota: Vec<(AccountKey, Snapshot)>,
    pub(crate) refreshed: Vec<AccountKey>,
    pub(crate) forwarded: Vec<Bytes>,
    earlier: BTreeMap<String, AccountKey>,
    settings: Settings,
}

impl Kept {
    fn loaded(&self) -> Loaded {
        Loaded {
            roster: Arc::new(self.roster.clone()),
            health: codex_multi_auth::domain::recovery::Health::Healthy,
            beside: codex_multi_auth::domain::recovery::Beside::default(),
            recovery: None,
            revision: 1,
        }
    }
}

/// Ports of the stand.
#[derive(Clone)]
pub(crate) struct StandPorts {
    kept: Arc<Mutex<Kept>>,
    backend: Arc<Backend>,
    upstream: BackEnd<SystemClock>,
    clock: SystemClock,
    entropy: SystemEntropy,
}

impl StandPorts {
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

impl Store for StandPorts {
    async fn load(&self) -> Result<Loaded, StoreError> {
        Ok(self.kept().loaded())
    }

    async fn policies(&self) -> Result<Found<Policies>, StoreError> {
        Ok(Found::Absent)
    }

    async fn change_policy(
        &self,
        _key: &AccountKey,
        _edit: PolicyEdit,
    ) -> Result<(Policies, Changed), StoreError> {
        Ok((Policies::default(), Changed::No))
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Loaded, StoreError> {
        let mut kept = self.kept();
        for change in &changes {
            kept.roster.apply(change);
        }
        kept.changes.extend(changes);
        Ok(kept.loaded())
    }

    async fn changed(&self, _: u64) -> Result<Loaded, StoreError> {
        std::future::pending().await
    }

    async fn settings(&self) -> Result<Settings, StoreError> {
        Ok(self.kept().settings.clone())
    }

    async fn quota(&self, _: &Roster) -> Result<BTreeMap<AccountKey, Snapshot>, StoreError> {
        Ok(BTreeMap::new())
    }

    async fn keep_quota(&self, _: &Roster, rows: Vec<(AccountKey, Snapshot)>) -> Result<(), StoreError> {
        self.kept().quota.extend(rows);
        Ok(())
    }

    async fn append(&self, rows: Vec<Entry>) -> Result<(), StoreError> {
        self.kept().entries.extend(rows);
        Ok(())
    }

    async fn owner_of_refresh(&self, hash: &str) -> Option<(AccountKey, Held)> {
        let kept = self.kept();
        let current = kept.roster.accounts.iter().find(|one| token::hash(&one.credentials.refresh) == hash);
        current
            .map(|account| (account.key.clone(), Held::Current))
            .or_else(|| kept.earlier.get(hash).map(|key| (key.clone(), Held::Earlier)))
    }

    async fn sum(&self, _: Query) -> Result<(Reading, Option<String>), StoreError> {
        Ok((Reading::default(), None))
    }
    async fn usage(&self, _: Moment) -> Result<Vec<Entry>, StoreError> {
        Ok(self.kept().entries.clone())
    }
}

impl Auth for StandPorts {
    async fn refresh(&self, key: &AccountKey, _: Reason, _: Option<Secret>) -> Outcome {
        let name = key.as_str().trim_start_matches("record:").to_owned();
        let Some(issued) = self.backend.issue(&name) else { return Outcome::Missing };
        let credentials = credentials(&issued);
        let mut kept = self.kept();
        kept.refreshed.push(key.clone());
        if let Some(account) = kept.roster.get_mut(key) {
            let old = std::mem::replace(&mut account.credentials, credentials.clone());
            kept.earlier.insert(token::hash(&old.refresh), key.clone());
        }
        Outcome::Renewed(Box::new(credentials))
    }

    async fn adopt(&self) -> bool {
        false
    }

    async fn forward(
        &self,
        body: Bytes,
        _: Option<String>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        self.kept().forwarded.push(body);
        Ok((StatusCode::IM_A_TEAPOT, HeaderMap::new(), Bytes::from_static(b"forwarded")))
    }
}

impl Ports for StandPorts {
    type Store = Self;
    type Auth = Self;
    type Upstream = BackEnd<SystemClock>;
    type Clock = SystemClock;
    type Entropy = SystemEntropy;

    fn store(&self) -> &Self {
        self
    }
    fn auth(&self) -> &Self {
        self
    }
    fn upstream(&self) -> &BackEnd<SystemClock> {
        &self.upstream
    }
    fn clock(&self) -> &SystemClock {
        &self.clock
    }
    fn entropy(&self) -> &SystemEntropy {
        &self.entropy
    }
}

fn credentials(issued: &Issued) -> Credentials {
    let claims = jwt::claims(Some(issued.access.expose()), Some(issued.id_token.expose()));
    Credentials {
        refresh: issued.refresh.clone(),
        access: Some(issued.access.clone()),
        id_token: Some(issued.id_token.clone()),
        expires_at: Some(issued.expires_at),
        claims: claims.into(),
        tokens: Tokens::Here,
    }
}

fn account(name: &str, issued: &Issued) -> Account {
    Account {
        account_id: Some(issued.account_id.clone()),
        email: Some(issued.email.clone()),
        credentials: credentials(issued),
        ..Account::sample(name)
    }
}

/// Says the same of every caller.
#[derive(Debug)]
struct Always(Caller);

impl Callers for Always {
    fn whose(&self, _: SocketAddr, _: SocketAddr) -> Caller {
        self.0
    }
}

/// See the module.
pub(crate) struct Stand {
    pub(crate) backend: Arc<Backend>,
    pub(crate) ports: StandPorts,
    pub(crate) port: u16,
    /// Nobody listens; closed, it would be another proxy than the one under test.
    _facts: mpsc::UnboundedReceiver<ProxyFact>,
    briefing: watch::Sender<Arc<Briefing>>,
    stop: CancellationToken,
    running: JoinHandle<()>,
    pub(crate) dir: TempDir,
}

impl Stand {
    /// A proxy over all accounts of a scenario.
    pub(crate) async fn start(scenario: Scenario) -> Self {
        Self::with(scenario, |_| {}).await
    }

    /// A proxy to which all callers are the same.
    pub(crate) async fn called_by(caller: Caller) -> Self {
        Self::of(Scenario::pool(["alpha"]), |_| {}, Arc::new(Always(caller))).await
    }

    /// The same with other settings.
    pub(crate) async fn with(scenario: Scenario, change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(scenario, change, Arc::new(SocketOwners::new())).await
    }

    async fn of(scenario: Scenario, change: impl FnOnce(&mut Settings), callers: Arc<dyn Callers>) -> Self {
        let clock = SystemClock::new();
        let backend = Arc::new(backend::start_at(scenario, clock.now()).await);
        let accounts =
            backend.names().iter().map(|name| account(name, &backend.tokens(name).unwrap())).collect();
        let mut settings = Settings::default();
        change(&mut settings);
        let roster = Roster { accounts, ..Roster::default() };
        let clients = Clients::new(Egress::default(), RootSources::default(), Span::seconds(5));
        let kept = Kept { roster: roster.clone(), settings: settings.clone(), ..Kept::default() };
        let ports = StandPorts {
            kept: Arc::new(Mutex::new(kept)),
            upstream: BackEnd::new(clients, backend.upstream_url().parse().unwrap(), clock.clone()),
            backend: Arc::clone(&backend),
            clock,
            entropy: SystemEntropy,
        };
        let dir = tempfile::tempdir().unwrap();
        let run_dir = dir.path().join("run");
        let plan = Plan {
            host: "127.0.0.1".to_owned(),
            port: 0,
            prefix: Secret::new(PREFIX),
            identity: None,
            client_key: Some(Secret::new("client-key")),
            bridge: None,
            kind: "serve".to_owned(),
            codex_home: "/nowhere".to_owned(),
            project: None,
            process_start: None,
            callers,
            descriptors: None,
            places: Places {
                socket: run_dir.join(format!("{}.sock", std::process::id())),
                run_dir,
                affinity: dir.path().join("runtime-affinity.json"),
                capabilities: dir.path().join("ext/capabilities.json"),
                observability: dir.path().join("runtime-observability.json"),
                shards: dir.path().join("ext/observability"),
            },
        };
        let first = Briefing {
            revision: 1,
            roster: Arc::new(roster),
            settings: Arc::new(settings),
            ..Briefing::default()
        };
        let (briefing, obeyed) = watch::channel(Arc::new(first));
        let (announce, facts) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let running = proxy::start(ports.clone(), plan, obeyed, announce, stop.clone()).await.unwrap();
        let port = running.port;
        let running = tokio::spawn(running.run());
        Self { backend, ports, port, _facts: facts, briefing, stop, running, dir }
    }

    /// Briefs the proxy anew.
    pub(crate) fn brief(&self, change: impl FnOnce(&mut Briefing)) {
        self.briefing.send_modify(|briefing| change(Arc::make_mut(briefing)));
    }

    /// Ends the proxy and waits until everything is flushed.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        (&mut self.running).await.unwrap();
    }

    /// The path of the model base with `rest` behind it.
    pub(crate) fn path(rest: &str) -> String {
        format!("/{PREFIX}/backend-api/codex/{rest}")
    }

    /// A connection to the proxy.
    pub(crate) async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    /// Sends one request over a connection of its own.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        self.connect().await.send_request(request).await
    }

    /// Posts a turn of a session and reads the whole answer.
    pub(crate) async fn turn(&self, session: &str, text: &str) -> (StatusCode, HeaderMap, String) {
        whole(self.send(turn(session, text)).await.unwrap()).await.unwrap()
    }

    /// Waits until `look` sees what it wants of the pool.
    pub(crate) async fn until<T>(&self, look: impl Fn(&Kept) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let seen = look(&self.ports.kept());
                if let Some(seen) = seen {
                    return seen;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), waiting)
            .await
            .expect("nothing of the kind came")
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.stop.cancel();
        self.running.abort();
    }
}

/// A turn as the client posts it.
pub(crate) fn turn(session: &str, text: &str) -> Request<Full<Bytes>> {
    let body = serde_json::json!({
        "model": "gpt-5.5", "stream": true, "store": false, "prompt_cache_key": session,
        "include": ["reasoning.encrypted_content"],
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}],
    });
    post(&Stand::path("responses"))
        .header("session-id", session)
        .header("x-codex-routing-hint", "model=gpt-5.5")
        .header("accept", "text/event-stream")
        .header("authorization", "Bearer client-token")
        .header("chatgpt-account-id", "client-account")
        .header("originator", "codex_exec")
        .body(Full::new(body.to_string().into()))
        .unwrap()
}

/// A post to the proxy without its body.
pub(crate) fn post(path: &str) -> http::request::Builder {
    Request::post(path).header("host", "127.0.0.1").header("content-type", "application/json")
}

/// Reads an answer whole; an error when it was cut.
pub(crate) async fn whole(
    response: Response<Incoming>,
) -> Result<(StatusCode, HeaderMap, String), hyper::Error> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await?.to_bytes();
    Ok((parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned()))
}
