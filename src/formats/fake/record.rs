//! One recorded request of the back end, and its line in a record file.

use serde::{Deserialize, Serialize};

/// What came in and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 1 in the order of arrival.
    pub number: u64,
    /// Arrival, epoch milliseconds.
    pub at: i64,
    /// `GET`, `POST`, or `FRAME` for a turn on a socket.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The word of the endpoint.
    pub endpoint: String,
    /// `http` or `socket`.
    pub transport: String,
    /// Which socket, counted from 1; 0 over HTTP.
    pub socket: u64,
    /// The account whose bearer or refresh token came.
    pub account: Option<String>,
    /// `chatgpt-account-id`.
    pub account_id: Option<String>,
    /// `session-id`, else `prompt_cache_key`.
    pub session: Option<String>,
    /// The model asked for.
    pub model: Option<String>,
    /// `previous_response_id`.
    pub previous: Option<String>,
    /// `content-encoding`.
    pub encoding: Option<String>,
    /// `originator`.
    pub originator: Option<String>,
    /// `x-codex-turn-state`.
    pub turn_state: Option<String>,
    /// `x-openai-account-routing-override`.
    pub routing: Option<String>,
    /// All header names, in order.
    pub header_names: Vec<String>,
    /// SHA-256 of the body as it came.
    pub body_sha256: String,
    /// Length of the body as it came.
    pub body_length: usize,
    /// Prompts and tool outputs of the whole context.
    pub context: Option<(u32, u32)>,
    /// Status; 101 for an upgrade, and what an error frame says.
    pub status: u16,
    /// The word of the scripted action that answered.
    pub action: Option<String>,
    /// The response id given out.
    pub response: Option<String>,
    /// Events sent.
    pub events: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// What must not happen.
    pub violations: Vec<Violation>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Still running.
    #[default]
    Open,
    /// Answered in full.
    Answered,
    /// Answered with an error.
    Refused,
    /// Broken off by the script.
    Broken,
    /// The peer went away first.
    Abandoned,
}

/// What a client or proxy must never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Violation {
    /// A refresh token came a second time.
    ReusedRefreshToken,
    /// The bearer of one account came with the id of another.
    AccountMismatch,
    /// `codex/*` or `wham/*` without credentials.
    NoCredentials,
    /// A bearer nobody was given.
    UnknownBearer,
    /// The turn state of another account.
    ForeignTurnState,
}

impl Entry {
    /// The entry as one line of a record file.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a line of a record file.
    pub fn from_line(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_its_line() {
        let entry = Entry {
            number: 3,
            context: Some((1, 2)),
            outcome: Outcome::Broken,
            violations: vec![Violation::AccountMismatch],
            ..Entry::default()
        };

        assert_eq!(Entry::from_line(&entry.line()), Some(entry));
    }
}
