//! Newline-JSON of the control socket (forwarder.md §9.2): one request per line, one answer per line; `events`
//! answers with a line per event until the reader leaves.
//!
//! The shapes mirror the domain types of `domain::facts` and `domain::selection::explain`; both ends are ours, so
//! unknown members are ignored and missing ones take their defaults.

mod decision;
mod pulse;
mod rows;

use serde::{Deserialize, Serialize};

use crate::base::Secret;
use crate::domain::account::AccountKey;
use crate::domain::facts::{ProxyPulse, SessionRow, TurnRow, TurnStatus};
use crate::domain::model::Family;
use crate::domain::selection::explain::Decision;
use crate::domain::selection::{Ask, SessionKey};

/// Longest line either side reads.
pub const LINE_CAP: usize = 4 * 1024 * 1024;

/// What a reader asks of a live proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Pulse, newest turns, live sessions.
    Status,
    /// The engine's answer for an ask.
    Next(Ask),
    /// The base URL with its prefix; with an account, a prefix of its own for one attached launch.
    BaseUrl {
        /// `--account` of the launch.
        forced: Option<AccountKey>,
    },
    /// Forget health, breakers and gates.
    ResetRuntime,
    /// Re-read the pool now.
    Reload,
    /// End.
    Shutdown,
    /// Live sessions with their owners.
    Sessions,
    /// Bind a session to an account, or free it.
    SessionPin(SessionKey, Option<AccountKey>),
    /// Move a session at its next turn.
    SessionMove(SessionKey, Option<AccountKey>),
    /// The event feed.
    Events,
    /// Who it is: the token of a bind's router.
    Identify,
}

/// What the proxy answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To `status`.
    Status {
        /// Counters.
        pulse: Box<ProxyPulse>,
        /// Newest turns, oldest first.
        turns: Vec<TurnRow>,
        /// Live sessions.
        sessions: Vec<SessionRow>,
    },
    /// To `next`.
    Decision(Box<Decision>),
    /// To `base-url`.
    BaseUrl {
        /// Model base, prefix included.
        base: Secret,
        /// Refresh endpoint, prefix included.
        refresh: Secret,
        /// Version of the program that answers.
        version: String,
    },
    /// To `sessions`: live sessions, and the accounts that own any.
    Sessions {
        /// Live sessions.
        sessions: Vec<SessionRow>,
        /// Owners of known sessions.
        owners: Vec<AccountKey>,
    },
    /// To `identify`; `None` for a proxy that serves no bind.
    Identity(Option<String>),
    /// Done.
    Done,
    /// Not understood or not possible.
    Refused(String),
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct WireRequest {
    #[serde(rename = "do")]
    act: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tried: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
}

impl Request {
    /// The line without its end.
    pub fn print(&self) -> String {
        let mut wire = WireRequest { act: self.word().to_owned(), ..WireRequest::default() };
        match self {
            Self::Next(ask) => {
                wire.session = ask.session.as_ref().map(|key| key.as_str().to_owned());
                wire.model.clone_from(&ask.model);
                wire.family = Some(ask.family.word().to_owned());
                wire.account = ask.forced.as_ref().map(|key| key.as_str().to_owned());
                wire.project.clone_from(&ask.project);
                wire.tried = ask.tried.iter().map(|key| key.as_str().to_owned()).collect();
            }
            Self::BaseUrl { forced } => wire.account = forced.as_ref().map(|key| key.as_str().to_owned()),
            Self::SessionPin(session, account) | Self::SessionMove(session, account) => {
                wire.session = Some(session.as_str().to_owned());
                wire.account = account.as_ref().map(|key| key.as_str().to_owned());
            }
            Self::Status
            | Self::ResetRuntime
            | Self::Reload
            | Self::Shutdown
            | Self::Sessions
            | Self::Events
            | Self::Identify => {}
        }
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Reads a line.
    ///
    /// # Errors
    /// A phrase for the answer when the line is no request.
    pub fn parse(line: &str) -> Result<Self, String> {
        let wire: WireRequest = serde_json::from_str(line).map_err(|_| "not a request".to_owned())?;
        let account = wire.account.map(AccountKey::new);
        let session = wire.session.map(SessionKey::from_hash);
        let needed = |session: Option<SessionKey>| session.ok_or_else(|| "`session` is missing".to_owned());
        Ok(match wire.act.as_str() {
            "status" => Self::Status,
            "next" => {
                let mut ask = Ask::of(session, wire.model);
                if let Some(family) = wire.family.as_deref().and_then(Family::from_word) {
                    ask.family = family;
                }
                ask.forced = account;
                ask.project = wire.project;
                ask.tried = wire.tried.into_iter().map(AccountKey::new).collect();
                Self::Next(ask)
            }
            "base-url" => Self::BaseUrl { forced: account },
            "reset-runtime" => Self::ResetRuntime,
            "reload" => Self::Reload,
            "shutdown" => Self::Shutdown,
            "sessions" => Self::Sessions,
            "session-pin" => Self::SessionPin(needed(session)?, account),
            "session-move" => Self::SessionMove(needed(session)?, account),
            "events" => Self::Events,
            "identify" => Self::Identify,
            other => return Err(format!("unknown request `{other}`")),
        })
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Next(_) => "next",
            Self::BaseUrl { .. } => "base-url",
            Self::ResetRuntime => "reset-runtime",
            Self::Reload => "reload",
            Self::Shutdown => "shutdown",
            Self::Sessions => "sessions",
            Self::SessionPin(..) => "session-pin",
            Self::SessionMove(..) => "session-move",
            Self::Events => "events",
            Self::Identify => "identify",
        }
    }
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct WireAnswer {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pulse: Option<pulse::Pulse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    turns: Option<Vec<rows::Turn>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<Vec<rows::Session>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owners: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<decision::Wire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
}

impl Answer {
    /// The line without its end.
    pub fn print(&self) -> String {
        let mut wire = WireAnswer { ok: true, ..WireAnswer::default() };
        match self {
            Self::Status { pulse, turns, sessions } => {
                wire.pulse = Some((&**pulse).into());
                wire.turns = Some(turns.iter().map(Into::into).collect());
                wire.sessions = Some(sessions.iter().map(Into::into).collect());
            }
            Self::Decision(decision) => wire.decision = Some((&**decision).into()),
            Self::BaseUrl { base, refresh, version } => {
                wire.version = Some(version.clone());
                wire.base_url = Some(base.expose().to_owned());
                wire.refresh_url = Some(refresh.expose().to_owned());
            }
            Self::Sessions { sessions, owners } => {
                wire.sessions = Some(sessions.iter().map(Into::into).collect());
                wire.owners = Some(owners.iter().map(|key| key.as_str().to_owned()).collect());
            }
            Self::Identity(identity) => wire.identity = Some(identity.clone().unwrap_or_default()),
            Self::Done => {}
            Self::Refused(why) => {
                wire.ok = false;
                wire.error = Some(why.clone());
            }
        }
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Reads a line; `None` for anything that is no answer.
    pub fn parse(line: &str) -> Option<Self> {
        let wire: WireAnswer = serde_json::from_str(line).ok()?;
        if !wire.ok {
            return Some(Self::Refused(wire.error.unwrap_or_default()));
        }
        let sessions = wire
            .sessions
            .map(|rows| rows.into_iter().filter_map(rows::Session::into_row).collect::<Vec<_>>());
        if let Some(pulse) = wire.pulse {
            let turns = wire.turns.unwrap_or_default().into_iter().filter_map(rows::Turn::into_row).collect();
            let sessions = sessions.unwrap_or_default();
            return Some(Self::Status { pulse: Box::new(pulse.into_pulse()), turns, sessions });
        }
        if let Some(identity) = wire.identity {
            return Some(Self::Identity(Some(identity).filter(|identity| !identity.is_empty())));
        }
        if let Some(decision) = wire.decision {
            return Some(Self::Decision(Box::new(decision.into_decision()?)));
        }
        if let (Some(base), Some(refresh)) = (wire.base_url, wire.refresh_url) {
            let version = wire.version.unwrap_or_default();
            return Some(Self::BaseUrl { base: base.into(), refresh: refresh.into(), version });
        }
        if let Some(sessions) = sessions {
            let owners = wire.owners.unwrap_or_default().into_iter().map(AccountKey::new).collect();
            return Some(Self::Sessions { sessions, owners });
        }
        Some(Self::Done)
    }
}

/// How a turn ended, in a contract word.
pub fn status_word(status: &TurnStatus) -> String {
    rows::status_word(status)
}

/// The body of `GET status` under the prefix: counters only, nothing that names an account.
pub fn print_pulse(pulse: &ProxyPulse) -> String {
    let mut wire = pulse::Pulse::from(pulse);
    wire.mask();
    let mut text = serde_json::to_string(&wire).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
