//! A rehearsal: the fake back end and its client on a thread of their own, and a throw-away home.
//!
//! What is set up here ends with the process: the thread stops and the folder goes when the [`Demo`] is
//! dropped. The real home is never looked at.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::adapters::env::Env;
use crate::base::{Moment, Secret};
use crate::domain::endpoints::Endpoints;
use crate::domain::places::Places;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::rehearsal::backend::{Backend, Options};
use crate::rehearsal::browser::visit;
use crate::rehearsal::client::{Play, Target, play};
use crate::rehearsal::home::Home;
use crate::rehearsal::scenario::{self, BUILT_IN, FindError, Scenario, Traffic};
use crate::runtime::host::Surroundings;

/// A running rehearsal.
#[derive(Debug)]
pub struct Demo {
    name: String,
    places: Places,
    upstream: String,
    auth: String,
    cues: mpsc::UnboundedSender<Cue>,
    stop: CancellationToken,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the rehearsal is told to do.
enum Cue {
    /// The simulated client sends turns there.
    Play(Secret, CancellationToken),
    /// Somebody agrees on this sign-in page.
    Visit(Secret),
}

struct Opened {
    places: Places,
    upstream: String,
    auth: String,
}

impl Demo {
    /// Starts the rehearsal `name`: a built-in one, or a scenario file.
    ///
    /// # Errors
    /// `unknown-scenario`, `bad-argument`, or `internal` when the back end or the home cannot be set up.
    pub fn open(name: &str, now: Moment) -> Result<Self, Problem> {
        let scenario = scenario::find(name).map_err(|error| refusal(&error))?;
        let (cues, waiting) = mpsc::unbounded_channel();
        let (tell, opened) = std::sync::mpsc::channel();
        let stop = CancellationToken::new();
        let ended = stop.clone();
        let thread = std::thread::Builder::new()
            .name("rehearsal".to_owned())
            .spawn(move || rehearse(scenario, now, &tell, waiting, &ended))
            .map_err(|error| failed(&error.to_string()))?;
        let opened: Opened =
            opened.recv().map_err(|_| failed("it ended at once"))?.map_err(|error| failed(&error))?;
        Ok(Self {
            name: name.to_owned(),
            places: opened.places,
            upstream: opened.upstream,
            auth: opened.auth,
            cues,
            stop,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The scenario's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What surrounds a process in this rehearsal.
    ///
    /// # Errors
    /// When the back end's own address is not usable.
    pub fn surroundings(self: Arc<Self>, env: Env) -> Result<Surroundings, Problem> {
        let endpoints = Endpoints::resolve(Some(&self.upstream), None, Some(&self.auth))?;
        let env = Env { config_path: None, force_account: None, ..env };
        Ok(Surroundings { places: self.places.clone(), env, endpoints, demo: Some(self) })
    }

    /// Lets the simulated client send turns to `base_url` until `stop`.
    pub fn play(&self, base_url: Secret, stop: CancellationToken) {
        let _ = self.cues.send(Cue::Play(base_url, stop));
    }

    /// Opens a sign-in page of the fake back end in nobody's browser, and agrees.
    pub fn visit(&self, page: Secret) {
        let _ = self.cues.send(Cue::Visit(page));
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Ok(mut thread) = self.thread.lock()
            && let Some(thread) = thread.take()
        {
            let _ = thread.join();
        }
    }
}

fn rehearse(
    scenario: Scenario,
    now: Moment,
    tell: &std::sync::mpsc::Sender<Result<Opened, String>>,
    waiting: mpsc::UnboundedReceiver<Cue>,
    stop: &CancellationToken,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = tell.send(Err(error.to_string()));
            return;
        }
    };
    let work = runtime.block_on(stage(scenario, now, tell, waiting, stop));
    if let Err(error) = work {
        let _ = tell.send(Err(error.to_string()));
    }
}

async fn stage(
    scenario: Scenario,
    now: Moment,
    tell: &std::sync::mpsc::Sender<Result<Opened, String>>,
    mut waiting: mpsc::UnboundedReceiver<Cue>,
    stop: &CancellationToken,
) -> std::io::Result<()> {
    let traffic = scenario.traffic.clone();
    let backend = Backend::start(Options::new(scenario, now)).await?;
    let home = Home::throw_away(&backend)?;
    let opened = Opened {
        places: Places::under(home.root(), home.codex()),
        upstream: backend.upstream_url(),
        auth: backend.auth_url(),
    };
    let _ = tell.send(Ok(opened));
    loop {
        let (base_url, until) = tokio::select! {
            () = stop.cancelled() => break,
            next = waiting.recv() => match next {
                Some(Cue::Play(base_url, until)) => (base_url, until),
                Some(Cue::Visit(page)) => {
                    tokio::spawn(visit(page));
                    continue;
                }
                None => break,
            },
        };
        if let Some(play_of) = cue(&backend, base_url, traffic.clone(), now) {
            tokio::spawn(play(play_of, until));
        }
    }
    backend.stop().await;
    drop(home);
    Ok(())
}

/// The client acts as the account that `auth.json` holds; the proxy replaces its credentials anyway.
fn cue(backend: &Backend, base_url: Secret, traffic: Traffic, now: Moment) -> Option<Play> {
    let name = backend.names().first()?.clone();
    let tokens = backend.tokens(&name)?;
    let model = backend.models().first()?.clone();
    let target = Target { base_url, bearer: tokens.access, account_id: tokens.account_id, model };
    Some(Play { target, traffic, seed: u64::try_from(now.millis()).unwrap_or(0) })
}

fn refusal(error: &FindError) -> Problem {
    let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    let code = match error {
        FindError::Unknown(_) => "unknown-scenario",
        FindError::Unreadable { .. } | FindError::Invalid { .. } => "bad-argument",
    };
    let mut problem = Problem::new(code, Exit::Usage, error.to_string());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        problem = problem.because(cause.to_string());
        source = cause.source();
    }
    problem.hint(Hint::Say(format!("Built-in rehearsals: {}", names.join(", "))))
}

fn failed(why: &str) -> Problem {
    Problem::new("internal", Exit::Failed, "the rehearsal could not start").because(why.to_owned())
}
