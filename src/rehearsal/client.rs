//! A simulated Codex client: conversations with tool loops, over WebSocket or HTTP with zstd bodies.
//!
//! It keeps to the retry and reconnect rules the official client was seen to follow, because they are what the
//! proxy is built on: a lost socket means the whole context on a new one, a refused upgrade means HTTP for the
//! rest of the session, a usage limit ends the turn at once. It knows nothing but a base URL.

mod http;
mod socket;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::base::{Secret, Span};
use crate::formats::fake::client::{self as wire, Heard};
use crate::formats::fake::uuid;
use crate::formats::scenario::Traffic;

/// Retries of a broken answer, per turn and way.
const STREAM_RETRIES: u32 = 5;

/// The wait before the first retry; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest silence within an answer.
const IDLE: Duration = Duration::from_mins(5);

/// Which way a session speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One WebSocket for many turns.
    Socket,
    /// A request per step, zstd bodies.
    Http,
}

/// Where a client sends to, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    /// `http://host:port/…/codex`, as the official client gets it.
    pub base_url: Secret,
    /// The bearer of `auth.json`.
    pub bearer: Secret,
    /// Its account id.
    pub account_id: String,
    /// The model.
    pub model: String,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TurnEnd {
    /// The final text.
    pub text: String,
    /// Commands that were run.
    pub commands: Vec<String>,
    /// Answers that had to be asked for again.
    pub retries: u32,
    /// Sockets opened.
    pub sockets: u32,
}

/// Why a turn came to no end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnError {
    /// The limit of every account is reached; the client stops at once.
    #[error("the usage limit is reached: {0}")]
    Limit(String),
    /// An error that is not retried.
    #[error("status {status}, {code}: {message}")]
    Refused {
        /// The status; 0 for an event.
        status: u16,
        /// The code.
        code: String,
        /// The message.
        message: String,
    },
    /// Every retry was used.
    #[error("no answer after {0} retries")]
    Exhausted(u32),
    /// The base URL is none.
    #[error("the base URL is no `http://host:port/path`")]
    BadUrl,
}

/// One conversation.
#[derive(Debug)]
pub struct Client {
    target: Target,
    place: Place,
    session: String,
    transport: Transport,
    history: Vec<String>,
    line: Option<socket::Line>,
    /// Only the first socket of a conversation is warmed up; later ones get everything at once.
    warmed: bool,
}

/// The parts of the base URL.
#[derive(Debug, Clone)]
struct Place {
    authority: String,
    path: Secret,
}

/// What one request came to.
#[derive(Debug)]
enum Step {
    /// The answer in full.
    Done(Answer),
    /// Ask again after a wait.
    Again(Duration),
    /// Use HTTP from now on.
    UseHttp,
    /// The turn is over.
    Over(TurnError),
}

/// The items of an answer.
#[derive(Debug, Default)]
struct Answer {
    items: Vec<String>,
    calls: Vec<(String, String)>,
    text: String,
}

impl Client {
    /// A new conversation.
    ///
    /// # Errors
    /// When the base URL is none.
    pub fn new(target: Target, session: &str, transport: Transport) -> Result<Self, TurnError> {
        let place = Place::of(&target.base_url).ok_or(TurnError::BadUrl)?;
        let history = vec![
            wire::developer("You are a rehearsed model."),
            wire::user("<environment_context>\n  <cwd>/home/user/project</cwd>\n</environment_context>"),
        ];
        Ok(Self { target, place, session: session.to_owned(), transport, history, line: None, warmed: false })
    }

    /// The way it speaks now; a refused upgrade changes it.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Asks, runs what the model wants run, and returns the final answer.
    ///
    /// # Errors
    /// When the turn cannot be brought to its end; the conversation can go on.
    pub async fn turn(&mut self, prompt: &str) -> Result<TurnEnd, TurnError> {
        self.history.push(wire::user(prompt));
        let mut end = TurnEnd::default();
        loop {
            let answer = self.answered(&mut end).await?;
            self.history.extend(answer.items);
            if answer.calls.is_empty() {
                end.text = answer.text;
                return Ok(end);
            }
            for (call_id, command) in answer.calls {
                let output = command.strip_prefix("echo ").unwrap_or("done");
                self.history.push(wire::tool_output(&call_id, output));
                end.commands.push(command);
            }
        }
    }

    /// One answer, with as many attempts as the official client makes.
    async fn answered(&mut self, end: &mut TurnEnd) -> Result<Answer, TurnError> {
        let mut retries = 0;
        loop {
            let step = match self.transport {
                Transport::Socket => self.ask_socket(end).await,
                Transport::Http => http::ask(self).await,
            };
            match step {
                Step::Done(answer) => return Ok(answer),
                Step::Over(error) => return Err(error),
                Step::UseHttp => {
                    self.line = None;
                    self.transport = Transport::Http;
                    retries = 0;
                }
                Step::Again(wait) => {
                    self.line = None;
                    end.retries += 1;
                    retries += 1;
                    if retries > STREAM_RETRIES {
                        if self.transport == Transport::Http {
                            return Err(TurnError::Exhausted(end.retries));
                        }
                        self.transport = Transport::Http;
                        retries = 0;
                    }
                    tokio::time::sleep(wait.max(FIRST_WAIT * 2_u32.pow(retries.saturating_sub(1)))).await;
                }
            }
        }
    }

    async fn ask_socket(&mut self, end: &mut TurnEnd) -> Step {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => match socket::Line::open(self).await {
                Ok(line) => {
                    end.sockets += 1;
                    self.warmed = true;
                    line
                }
                Err(step) => return step,
            },
        };
        let step = line.ask(self).await;
        if let Step::Done(_) = &step {
            self.line = Some(line);
        }
        step
    }

    /// The headers every request of a session carries.
    fn headers(&self) -> [(&'static str, String); 10] {
        [
            ("authorization", format!("Bearer {}", self.target.bearer.expose())),
            ("chatgpt-account-id", self.target.account_id.clone()),
            ("originator", "codex_rehearsal".to_owned()),
            ("user-agent", "codex_rehearsal/0.169.0".to_owned()),
            ("version", "0.169.0".to_owned()),
            ("session-id", self.session.clone()),
            ("thread-id", self.session.clone()),
            ("x-client-request-id", self.session.clone()),
            ("x-codex-window-id", format!("{}:0", self.session)),
            ("x-codex-routing-hint", format!("model={}", self.target.model)),
        ]
    }
}

impl Place {
    fn of(base_url: &Secret) -> Option<Self> {
        let rest = base_url.expose().strip_prefix("http://")?;
        let (authority, path) = rest.split_once('/')?;
        Some(Self {
            authority: authority.to_owned(),
            path: format!("/{}", path.trim_end_matches('/')).into(),
        })
    }

    fn responses(&self) -> String {
        format!("{}/responses", self.path.expose())
    }
}

/// What a failed answer means on either way; `None` for what is no failure.
fn judged(heard: &Heard) -> Option<Step> {
    if heard == &Heard::Incomplete {
        let (code, message) = ("incomplete".to_owned(), "The answer was cut short.".to_owned());
        return Some(Step::Over(TurnError::Refused { status: 0, code, message }));
    }
    let Heard::Failed { status, code, message } = heard else { return None };
    let refused = || TurnError::Refused { status: *status, code: code.clone(), message: message.clone() };
    Some(match (code.as_str(), *status) {
        ("websocket_connection_limit_reached" | "previous_response_not_found", _) => {
            Step::Again(Duration::ZERO)
        }
        // An event of this kind is retried like any broken stream; only a status or frame ends the turn.
        ("usage_limit_reached", 1..) => Step::Over(TurnError::Limit(message.clone())),
        ("rate_limit_exceeded", 0) => Step::Again(Duration::from_secs(2)),
        ("insufficient_quota" | "usage_not_included", _)
        | ("server_is_overloaded" | "slow_down", 503)
        | (_, 400) => Step::Over(refused()),
        _ => Step::Again(Duration::ZERO),
    })
}

/// A demo's traffic: sessions side by side, calm, until told to stop.
#[derive(Debug, Clone)]
pub struct Play {
    /// Where to.
    pub target: Target,
    /// How much.
    pub traffic: Traffic,
    /// Makes the session ids differ from those of another run.
    pub seed: u64,
}

/// Plays until `stop`; errors are part of the play and answered with a longer pause.
pub async fn play(play: Play, stop: CancellationToken) {
    let mut sessions = JoinSet::new();
    for n in 0..play.traffic.sessions {
        let transport = if n < play.traffic.http { Transport::Http } else { Transport::Socket };
        sessions.spawn(stop.clone().run_until_cancelled_owned(session(play.clone(), n, transport)));
    }
    while sessions.join_next().await.is_some() {}
}

async fn session(play: Play, number: u32, transport: Transport) {
    let lane = u64::from(number) << 32;
    let mut prompts = play.traffic.prompts.iter().cycle().skip(usize::try_from(number).unwrap_or(0));
    // Side by side, but not in step.
    pause(play.traffic.pause.scaled(f64::from(number) / f64::from(play.traffic.sessions.max(1)))).await;
    for count in 0_u64.. {
        let id = uuid(play.seed ^ lane.wrapping_add(count));
        let Ok(mut client) = Client::new(play.target.clone(), &id, transport) else { return };
        for _ in 0..play.traffic.turns.max(1) {
            let Some(prompt) = prompts.next() else { return };
            let rest = if client.turn(prompt).await.is_ok() { 1.0 } else { 3.0 };
            pause(play.traffic.pause.scaled(rest)).await;
        }
    }
}

async fn pause(span: Span) {
    tokio::time::sleep(span.to_duration()).await;
}
