//! Events of a response as facts: what a turn has to know of them, and nothing else.
//!
//! An event of a stream and a text frame of a socket carry the same JSON. Names decide first, because most events
//! are deltas whose content is nobody's business; JSON is parsed only where a fact is inside.

use serde::Deserialize;
use serde_json::Value;

use crate::base::{Moment, Percent, Span};
use crate::domain::facts::TurnTokens;
use crate::domain::failure::Answer;
use crate::domain::quota::snapshot::{Credits, Snapshot, Source};
use crate::domain::quota::window::Window;
use crate::formats::{headers, openai};

/// Larger events are relayed without a look.
const CAP: usize = 4 * 1024 * 1024;

/// What one event of a response says.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// `response.created`, `response.queued`, `response.in_progress`: does not commit.
    Lifecycle,
    /// `codex.rate_limits`: does not commit.
    Quota(Vec<Snapshot>),
    /// Output, or an event nobody knows: commits.
    Output,
    /// Above 4 MiB, or not to be parsed: relayed uninspected, commits.
    Opaque,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Lifecycle,
    RateLimits,
    ItemDone,
    Ended,
    Failed,
    Other,
}

fn name_of(name: &str) -> Name {
    match name {
        "response.created" | "response.queued" | "response.in_progress" => Name::Lifecycle,
        "codex.rate_limits" => Name::RateLimits,
        "response.output_item.done" => Name::ItemDone,
        "response.completed" | "response.done" | "response.incomplete" => Name::Ended,
        "response.failed" | "error" => Name::Failed,
        _ => Name::Other,
    }
}

/// Whether the data of an event with this `event:` name is needed; an empty name always needs it.
pub fn needs_data(name: &str) -> bool {
    name.is_empty() || !matches!(name_of(name), Name::Lifecycle | Name::Other)
}

/// The fact of an SSE event: `name` is its `event:` field (empty when absent), `data` its joined `data:` lines.
pub fn sse(name: &str, data: &[u8], at: Moment) -> Fact {
    if name.is_empty() { frame(data, at) } else { fact(name_of(name), data, at) }
}

/// The fact of a text frame from upstream.
pub fn frame(data: &[u8], at: Moment) -> Fact {
    if data.len() > CAP {
        return Fact::Opaque;
    }
    match quick_type(data) {
        Some(name) => fact(name_of(name), data, at),
        None => fact(slow_type(data), data, at),
    }
}

/// The type of a frame whose first member it is, as upstream writes them, without parsing the rest.
fn quick_type(data: &[u8]) -> Option<&str> {
    let rest = data.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"type\"")?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = rest.iter().take(64).position(|byte| matches!(byte, b'"' | b'\\'))?;
    if rest.get(end) != Some(&b'"') {
        return None;
    }
    std::str::from_utf8(rest.get(..end)?).ok()
}

fn slow_type(data: &[u8]) -> Name {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_slice::<Typed>(data).map_or(Name::Other, |typed| name_of(&typed.kind))
}

fn fact(name: Name, data: &[u8], at: Moment) -> Fact {
    match name {
        Name::Lifecycle => Fact::Lifecycle,
        Name::Other => Fact::Output,
        Name::ItemDone => {
            #[derive(Deserialize)]
            struct Done {
                item: Typed,
            }
            let item = serde_json::from_slice::<Done>(data).ok().and_then(|done| done.item.kind);
            if item.as_deref() == Some("compaction") { Fact::Compaction } else { Fact::Output }
        }
        Name::Ended => ended(data).map_or(Fact::Opaque, |ended| Fact::Ended(Box::new(ended))),
        Name::RateLimits => serde_json::from_slice::<Value>(data)
            .map_or(Fact::Output, |value| Fact::Quota(rate_limits(&value, at))),
        Name::Failed => serde_json::from_slice::<Value>(data)
            .map_or(Fact::Opaque, |value| Fact::Failed(Box::new(openai::failed_event(&value, at)))),
    }
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Terminal {
    #[serde(rename = "type")]
    kind: Option<String>,
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    id: Option<String>,
    model: Option<String>,
    service_tier: Option<String>,
    status: Option<String>,
    #[serde(default)]
    output: Vec<Typed>,
    usage: Option<Usage>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Usage {
    input_tokens: u64,
    input_tokens_details: Option<InputDetails>,
    output_tokens: u64,
    output_tokens_details: Option<OutputDetails>,
    total_tokens: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InputDetails {
    cached_tokens: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: u64,
}

fn ended(data: &[u8]) -> Option<Ended> {
    let terminal: Terminal = serde_json::from_slice(data).ok()?;
    let is_incomplete = terminal.kind.as_deref() == Some("response.incomplete");
    let Some(response) = terminal.response else {
        return Some(Ended { incomplete: is_incomplete, ..Ended::default() });
    };
    Some(Ended {
        id: response.id,
        model: response.model,
        tier: response.service_tier,
        tokens: response.usage.map(|usage| TurnTokens {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cached: usage.input_tokens_details.unwrap_or_default().cached_tokens,
            reasoning: usage.output_tokens_details.unwrap_or_default().reasoning_tokens,
            // Output already includes reasoning (DB-51).
            total: usage.total_tokens.unwrap_or(usage.input_tokens.saturating_add(usage.output_tokens)),
        }),
        compaction: response.output.iter().any(|item| item.kind.as_deref() == Some("compaction")),
        incomplete: is_incomplete || response.status.as_deref() == Some("incomplete"),
    })
}

/// Snapshots of a `codex.rate_limits` event, the account's own first.
fn rate_limits(value: &Value, at: Moment) -> Vec<Snapshot> {
    let plan = value.get("plan_type").and_then(Value::as_str).map(str::to_owned);
    let own_id = value.get("limit_id").or_else(|| value.get("metered_limit_name")).and_then(Value::as_str);
    let mut all = Vec::new();
    let own = value.get("rate_limits").filter(|limits| limits.is_object());
    if let Some(mut snapshot) = own.and_then(|limits| snapshot(limits, own_id.unwrap_or("codex"), at)) {
        snapshot.credits =
            value.get("credits").filter(|credits| credits.is_object()).map(|credits| Credits {
                has: credits.get("has_credits").and_then(Value::as_bool).unwrap_or(false),
                unlimited: credits.get("unlimited").and_then(Value::as_bool).unwrap_or(false),
                balance: credits.get("balance").and_then(Value::as_str).map(str::to_owned),
            });
        all.push(snapshot);
    }
    for extra in value.get("additional_rate_limits").and_then(Value::as_array).into_iter().flatten() {
        let name =
            ["limit_id", "metered_feature", "limit_name"].iter().find_map(|name| extra.get(*name)?.as_str());
        let limits = extra.get("rate_limit").or_else(|| extra.get("rate_limits")).unwrap_or(extra);
        all.extend(name.and_then(|name| snapshot(limits, name, at)));
    }
    for snapshot in &mut all {
        snapshot.plan.clone_from(&plan);
    }
    all
}

fn snapshot(limits: &Value, id: &str, at: Moment) -> Option<Snapshot> {
    let primary = window(limits.get("primary").or_else(|| limits.get("primary_window")), at);
    let secondary = window(limits.get("secondary").or_else(|| limits.get("secondary_window")), at);
    if primary.is_none() && secondary.is_none() {
        return None;
    }
    Some(Snapshot {
        primary,
        secondary,
        plan: None,
        limit_id: Some(id.replace('_', "-")),
        credits: None,
        status: 200,
        model: None,
        at,
        source: Source::Frame,
        ..Snapshot::default()
    })
}

fn window(value: Option<&Value>, at: Moment) -> Option<Window> {
    let value = value.filter(|value| value.is_object())?;
    let used = value.get("used_percent").and_then(Value::as_f64).map(Percent::new);
    let minutes = value
        .get("window_minutes")
        .and_then(Value::as_u64)
        .or_else(|| {
            value.get("limit_window_seconds").and_then(Value::as_u64).map(|seconds| seconds.div_ceil(60))
        })
        .and_then(|minutes| u32::try_from(minutes).ok())
        .filter(|minutes| *minutes > 0);
    let after = value.get("reset_after_seconds").and_then(Value::as_f64).filter(|seconds| *seconds > 0.0);
    let resets_at = after.map(|seconds| at + Span::seconds(1).scaled(seconds)).or_else(|| {
        value.get("reset_at").and_then(Value::as_i64).filter(|number| *number > 0).map(headers::epoch)
    });
    (used.is_some() || resets_at.is_some()).then_some(Window {
        used,
        minutes,
        resets_at,
        ..Window::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_795_360_090);
    const SSE: &str = include_str!("../../tests/fixtures/codex-client/http_responses.1.response.sse");
    const FRAMES: &str = include_str!("../../tests/fixtures/codex-client/ws_frame.first_turn.response.jsonl");
    const COMPACTION: &str =
        include_str!("../../tests/fixtures/codex-client/ws_frame.compaction.response.jsonl");

    fn kinds(facts: impl Iterator<Item = Fact>) -> String {
        facts
            .map(|fact| match fact {
                Fact::Lifecycle => 'l',
                Fact::Quota(_) => 'q',
                Fact::Output | Fact::Opaque => 'o',
                Fact::Compaction => 'c',
                Fact::Ended(_) => 'e',
                Fact::Failed(_) => 'f',
            })
            .collect()
    }

    #[test]
    fn a_recorded_stream_commits_at_its_first_item_and_ends_once() {
        let events = SSE.split("\n\n").filter_map(|block| {
            let name = block.lines().find_map(|line| line.strip_prefix("event: "))?;
            let data = block.lines().find_map(|line| line.strip_prefix("data: "))?;
            Some(sse(name, data.as_bytes(), NOW))
        });

        let kinds = kinds(events);

        assert!(kinds.starts_with("llo"), "{kinds}");
        assert!(kinds.ends_with('e'), "{kinds}");
        assert_eq!(kinds.matches('e').count(), 1);
    }

    #[test]
    fn a_recorded_socket_turn_tells_quota_usage_and_id() {
        let facts: Vec<Fact> = FRAMES.lines().map(|line| frame(line.as_bytes(), NOW)).collect();

        let Fact::Quota(quota) = &facts[0] else { panic!("{:?}", facts[0]) };
        assert_eq!(quota[0].primary.unwrap().used, Some(Percent::new(5.0)));
        assert_eq!(quota[0].primary.unwrap().resets_at, Some(NOW + Span::seconds(3_599)));
        assert_eq!(quota[0].limit_id.as_deref(), Some("codex"));
        let Some(Fact::Ended(ended)) = facts.last() else { panic!("no end") };
        assert!(ended.id.as_deref().is_some_and(|id| id.starts_with("resp_")));
        assert!(ended.tokens.is_some_and(|tokens| tokens.input > 0 && tokens.total >= tokens.input));
        assert!(!ended.compaction);
    }

    #[test]
    fn a_compaction_is_seen_in_its_item_and_in_the_end() {
        let facts: Vec<Fact> = COMPACTION.lines().map(|line| frame(line.as_bytes(), NOW)).collect();

        assert!(facts.contains(&Fact::Compaction));
        assert!(facts.iter().any(|fact| matches!(fact, Fact::Ended(ended) if ended.compaction)));
    }

    #[test]
    fn failures_are_read_from_both_shapes() {
        let failed = br#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"try again in 1.5s"}}}"#;
        let error = br#"{"type":"error","status":429,"error":{"type":"usage_limit_reached","resets_in_seconds":60},"headers":{"X-Codex-Primary-Used-Percent":"100"}}"#;

        let Fact::Failed(failed) = frame(failed, NOW) else { panic!("not failed") };
        let Fact::Failed(error) = frame(error, NOW) else { panic!("not failed") };

        assert_eq!((failed.status, failed.code.as_deref()), (0, Some("rate_limit_exceeded")));
        assert_eq!((error.status, error.kind.as_deref()), (429, Some("usage_limit_reached")));
        assert_eq!(error.quota.len(), 1);
    }

    #[test]
    fn anything_else_is_output_and_never_a_panic() {
        for data in [
            "",
            "null",
            "[]",
            "{",
            "{\"type\":5}",
            "{\"type\":\"response.completed\"",
            "\u{0}",
            "{\"type\":\"error",
        ] {
            let fact = frame(data.as_bytes(), NOW);
            assert!(matches!(fact, Fact::Output | Fact::Opaque), "{data}: {fact:?}");
        }
        assert_eq!(frame(b"{\"response\":{},\"type\":\"response.created\"}", NOW), Fact::Lifecycle);
        assert_eq!(frame(b" { \"type\" : \"codex.rate_limits\" }", NOW), Fact::Quota(Vec::new()));
    }
}
