//! Live rows: turns and sessions.

use serde::{Deserialize, Serialize};

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::facts::{AttemptRow, SessionRow, TurnRow, TurnStatus, TurnTokens, Via};

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Turn {
    id: u64,
    at: i64,
    account: Option<String>,
    model: Option<String>,
    via: String,
    status: String,
    took_ms: Option<i64>,
    first_byte_ms: Option<i64>,
    tokens: Option<Tokens>,
    session: Option<String>,
    #[serde(rename = "turn")]
    number: u32,
    note: String,
    attempts: Vec<Attempt>,
    bytes_out: u64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Tokens {
    input: u64,
    output: u64,
    cached: u64,
    reasoning: u64,
    total: u64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Attempt {
    account: String,
    verdict: String,
    first_byte_ms: Option<i64>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Session {
    id: String,
    kind: String,
    via: String,
    account: Option<String>,
    turns: u32,
    tokens: u64,
    since: i64,
    last: i64,
    in_turn: bool,
    moved: Option<(String, i64, String)>,
    rate: u64,
    pinned: bool,
}

fn via_word(via: Via) -> String {
    match via {
        Via::Ws => "ws",
        Via::Http => "http",
        Via::Bridge => "bridge",
    }
    .to_owned()
}

fn via_of(word: &str) -> Option<Via> {
    [Via::Ws, Via::Http, Via::Bridge].into_iter().find(|via| via_word(*via) == word)
}

const STATES: [(TurnStatus, &str); 7] = [
    (TurnStatus::Running, "running"),
    (TurnStatus::Ok, "ok"),
    (TurnStatus::Limit, "limit"),
    (TurnStatus::Warm, "warm"),
    (TurnStatus::Cut, "cut"),
    (TurnStatus::Net, "net"),
    (TurnStatus::Gone, "gone"),
];

pub(super) fn status_word(status: &TurnStatus) -> String {
    if let TurnStatus::Status(code) = status {
        return code.to_string();
    }
    STATES.iter().find(|(other, _)| other == status).map_or_else(String::new, |(_, word)| (*word).to_owned())
}

fn status_of(word: &str) -> Option<TurnStatus> {
    if let Ok(code) = word.parse() {
        return Some(TurnStatus::Status(code));
    }
    STATES.iter().find(|(_, other)| *other == word).map(|(status, _)| status.clone())
}

fn text(key: Option<&AccountKey>) -> Option<String> {
    key.map(|key| key.as_str().to_owned())
}

impl From<&TurnRow> for Turn {
    fn from(row: &TurnRow) -> Self {
        Self {
            id: row.id,
            at: row.at.millis(),
            account: text(row.account.as_ref()),
            model: row.model.clone(),
            via: via_word(row.via),
            status: status_word(&row.status),
            took_ms: row.took.map(Span::as_millis),
            first_byte_ms: row.first_byte.map(Span::as_millis),
            tokens: row.tokens.map(|tokens| Tokens {
                input: tokens.input,
                output: tokens.output,
                cached: tokens.cached,
                reasoning: tokens.reasoning,
                total: tokens.total,
            }),
            session: row.session.clone(),
            number: row.turn,
            note: row.note.clone(),
            attempts: row
                .attempts
                .iter()
                .map(|attempt| Attempt {
                    account: attempt.account.as_str().to_owned(),
                    verdict: attempt.verdict.clone(),
                    first_byte_ms: attempt.first_byte.map(Span::as_millis),
                })
                .collect(),
            bytes_out: row.bytes_out,
        }
    }
}

impl Turn {
    pub(super) fn into_row(self) -> Option<TurnRow> {
        Some(TurnRow {
            id: self.id,
            at: Moment::from_millis(self.at),
            account: self.account.map(AccountKey::new),
            model: self.model,
            via: via_of(&self.via)?,
            status: status_of(&self.status)?,
            took: self.took_ms.map(Span::millis),
            first_byte: self.first_byte_ms.map(Span::millis),
            tokens: self.tokens.map(|tokens| TurnTokens {
                input: tokens.input,
                output: tokens.output,
                cached: tokens.cached,
                reasoning: tokens.reasoning,
                total: tokens.total,
            }),
            session: self.session,
            turn: self.number,
            note: self.note,
            attempts: self
                .attempts
                .into_iter()
                .map(|attempt| AttemptRow {
                    account: AccountKey::new(attempt.account),
                    verdict: attempt.verdict,
                    first_byte: attempt.first_byte_ms.map(Span::millis),
                })
                .collect(),
            bytes_out: self.bytes_out,
        })
    }
}

impl From<&SessionRow> for Session {
    fn from(row: &SessionRow) -> Self {
        Self {
            id: row.id.clone(),
            kind: row.kind.clone(),
            via: via_word(row.via),
            account: text(row.account.as_ref()),
            turns: row.turns,
            tokens: row.tokens,
            since: row.since.millis(),
            last: row.last.millis(),
            in_turn: row.in_turn,
            moved: row
                .moved
                .as_ref()
                .map(|(from, at, why)| (from.as_str().to_owned(), at.millis(), why.clone())),
            rate: row.rate,
            pinned: row.is_pinned,
        }
    }
}

impl Session {
    pub(super) fn into_row(self) -> Option<SessionRow> {
        Some(SessionRow {
            id: self.id,
            kind: self.kind,
            via: via_of(&self.via)?,
            account: self.account.map(AccountKey::new),
            turns: self.turns,
            tokens: self.tokens,
            since: Moment::from_millis(self.since),
            last: Moment::from_millis(self.last),
            in_turn: self.in_turn,
            moved: self.moved.map(|(from, at, why)| (AccountKey::new(from), Moment::from_millis(at), why)),
            rate: self.rate,
            is_pinned: self.pinned,
            // What was said stays in the rollouts; whoever shows rows looks it up there.
            title: None,
        })
    }
}
