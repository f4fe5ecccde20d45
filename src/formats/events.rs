//! Events of a response as facts: what a turn has to know of them, and nothing else.
//!
//! An event of a stream and a text frame of a socket carry the same JSON. Names decide first, because most events
//! are deltas whose content is nobody's business; JSON is parsed only where a fact is inside.

use crate::base::Moment;
use crate::domain::facts::TurnTokens;
use crate::domain::failure::Answer;
use crate::domain::quota::snapshot::Snapshot;

/// What one event of a response says.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// `response.created`, `response.queued`, `response.in_progress`: does not commit.
    Lifecycle,
    /// `codex.rate_limits`: does not commit.
    Quota(Vec<Snapshot>),
    /// Output, or anything unknown, unparsable or above 4 MiB: commits.
    Output,
    /// An output item that is a `compaction`: commits.
    Compaction,
    /// `response.completed`, `response.done`, `response.incomplete`: commits and ends the turn.
    Ended(Box<Ended>),
    /// `response.failed` or `error`.
    Failed(Box<Answer>),
}

/// The terminal event of a response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ended {
    /// `response.id`.
    pub id: Option<String>,
    /// `response.model`.
    pub model: Option<String>,
    /// `response.service_tier`.
    pub tier: Option<String>,
    /// `response.usage`.
    pub tokens: Option<TurnTokens>,
    /// Whether the output holds a `compaction` item.
    pub compaction: bool,
    /// `response.incomplete`.
    pub incomplete: bool,
}

/// The fact of an SSE event: `name` is its `event:` field (empty when absent), `data` its joined `data:` lines.
pub fn sse(name: &str, data: &[u8], at: Moment) -> Fact {
    let _ = (name, data, at);
    Fact::Output
}

/// The fact of a text frame from upstream.
pub fn frame(data: &[u8], at: Moment) -> Fact {
    let _ = (data, at);
    Fact::Output
}
