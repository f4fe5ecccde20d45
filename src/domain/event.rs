//! What happens in a live proxy, as it happens: the feed behind `monitor --watch --json` (runtime.md DB-54).

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::facts::{TurnRow, TurnStatus, TurnTokens, Via};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::selection::SessionKey;
use crate::domain::selection::replay::Kept;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// Request or turn, unique in the process; a choice for a socket carries the socket's number.
    pub request: Option<u64>,
    /// First characters of the session's hash.
    pub session: Option<String>,
    /// Whom it concerns.
    pub account: Option<AccountKey>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A request or socket turn began.
    RequestStarted {
        /// Model slug.
        model: Option<String>,
        /// Transport.
        via: Via,
    },
    /// Somebody was chosen, or nobody.
    AccountSelected {
        /// Rule that decided.
        rule: &'static str,
        /// Strategy in force.
        strategy: &'static str,
        /// Every account with its score, and why it was passed over.
        scores: Vec<(AccountKey, f64, Option<String>)>,
    },
    /// The turn goes on elsewhere, or its client was told to reconnect.
    Rotated {
        /// Why.
        class: String,
        /// Whom it leaves.
        from: AccountKey,
    },
    /// The first business event went to the client.
    FirstByte {
        /// Since the beginning.
        after: Span,
    },
    /// The turn is over.
    Completed {
        /// How.
        status: TurnStatus,
        /// How long it took.
        took: Span,
        /// Tokens, if upstream told them.
        tokens: Option<TurnTokens>,
        /// Bytes relayed.
        bytes_out: u64,
        /// Attempts it needed.
        attempts: usize,
    },
    /// An account's limits were observed.
    LimitUpdated(Box<Snapshot>),
}

impl What {
    /// The contract word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::RequestStarted { .. } => "request_started",
            Self::AccountSelected { .. } => "account_selected",
            Self::Rotated { .. } => "rotated",
            Self::FirstByte { .. } => "first_byte",
            Self::Completed { .. } => "completed",
            Self::LimitUpdated(_) => "limit_updated",
        }
    }
}

impl Event {
    /// A choice.
    pub fn selected(kept: &Kept) -> Self {
        let decision = &kept.decision;
        let score = |one: &crate::domain::selection::explain::Candidate| {
            (one.key.clone(), one.parts.total(), one.skip.as_ref().map(|skip| skip.reason.clone()))
        };
        Self {
            at: decision.at,
            request: Some(kept.request),
            session: kept.session.as_ref().map(SessionKey::short).map(str::to_owned),
            account: decision.chosen.clone(),
            what: What::AccountSelected {
                rule: decision.rule.word(),
                strategy: decision.strategy.word(),
                scores: decision.candidates.iter().map(score).collect(),
            },
        }
    }

    /// Limits of an account.
    pub fn limits(key: &AccountKey, snapshot: &Snapshot) -> Self {
        Self {
            at: snapshot.at,
            request: None,
            session: None,
            account: Some(key.clone()),
            what: What::LimitUpdated(Box::new(snapshot.clone())),
        }
    }

    /// What happened to a turn between two looks at it.
    pub fn between(before: Option<&TurnRow>, row: &TurnRow) -> Vec<Self> {
        let event = |at, account: Option<&AccountKey>, what| Self {
            at,
            request: Some(row.id),
            session: row.session.clone(),
            account: account.cloned(),
            what,
        };
        let mut events = Vec::new();
        if before.is_none() {
            let what = What::RequestStarted { model: row.model.clone(), via: row.via };
            events.push(event(row.at, None, what));
        }
        let known = before.map_or(0, |before| before.attempts.len());
        let end = row.took.map(|took| row.at + took);
        for pair in row.attempts.windows(2).skip(known.saturating_sub(1)) {
            let [left, taken] = pair else { continue };
            if left.account != taken.account {
                let what = What::Rotated { class: left.verdict.clone(), from: left.account.clone() };
                events.push(event(end.unwrap_or(row.at), Some(&taken.account), what));
            }
        }
        if let Some(after) = row.first_byte
            && before.is_none_or(|before| before.first_byte.is_none())
        {
            events.push(event(row.at + after, row.account.as_ref(), What::FirstByte { after }));
        }
        if let Some(took) = row.took
            && before.is_none_or(|before| before.took.is_none())
        {
            let what = What::Completed {
                status: row.status.clone(),
                took,
                tokens: row.tokens,
                bytes_out: row.bytes_out,
                attempts: row.attempts.len(),
            };
            events.push(event(row.at + took, row.account.as_ref(), what));
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::AttemptRow;

    fn row(attempts: &[(&str, &str)]) -> TurnRow {
        let attempt = |(name, verdict): &(&str, &str)| AttemptRow {
            account: AccountKey::new(*name),
            verdict: (*verdict).to_owned(),
            first_byte: None,
        };
        TurnRow {
            id: 7,
            at: Moment::from_secs(10),
            account: attempts.last().map(|(name, _)| AccountKey::new(*name)),
            model: None,
            via: Via::Http,
            status: TurnStatus::Running,
            took: None,
            first_byte: None,
            tokens: None,
            session: Some("ab12".to_owned()),
            turn: 1,
            note: String::new(),
            attempts: attempts.iter().map(attempt).collect(),
            bytes_out: 0,
        }
    }

    #[test]
    fn each_thing_that_happens_to_a_turn_is_told_once() {
        let words = |before: Option<&TurnRow>, row: &TurnRow| -> Vec<&'static str> {
            Event::between(before, row).iter().map(|event| event.what.word()).collect()
        };
        let sent = row(&[("a", "…")]);
        let moved = row(&[("a", "usage-limit"), ("b", "…")]);
        let again = row(&[("a", "usage-limit"), ("b", "throttle"), ("b", "…")]);
        let begun = TurnRow { first_byte: Some(Span::seconds(1)), ..again.clone() };
        let over = TurnRow { took: Some(Span::seconds(2)), status: TurnStatus::Ok, ..begun.clone() };

        assert_eq!(words(None, &sent), ["request_started"]);
        assert_eq!(words(Some(&sent), &sent), Vec::<&str>::new());
        assert_eq!(words(Some(&sent), &moved), ["rotated"]);
        assert_eq!(words(Some(&moved), &again), Vec::<&str>::new());
        assert_eq!(words(Some(&again), &begun), ["first_byte"]);
        assert_eq!(words(Some(&begun), &over), ["completed"]);
        assert_eq!(words(None, &over), ["request_started", "rotated", "first_byte", "completed"]);
    }
}
