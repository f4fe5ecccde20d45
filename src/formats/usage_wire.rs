//! The answer of `wham/usage`, read leniently: a member that is missing or odd costs only itself.

use serde_json::Value;

use crate::base::{Moment, Percent, Span};
use crate::domain::quota::snapshot::{Credits, Snapshot, Source};
use crate::domain::quota::window::Window;

/// The answer is no JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the usage answer is no JSON object")]
pub struct NotAnObject;

/// What the answer says about the account's windows at `at`.
///
/// # Errors
/// When the body is no JSON object.
pub fn parse(body: &[u8], at: Moment) -> Result<Snapshot, NotAnObject> {
    let wire: Value = serde_json::from_slice(body).map_err(|_| NotAnObject)?;
    if !wire.is_object() {
        return Err(NotAnObject);
    }
    let limit = wire.get("rate_limit");
    let window = |name: &str| limit.and_then(|limit| limit.get(name)).and_then(|value| window(value, at));
    Ok(Snapshot {
        primary: window("primary_window"),
        secondary: window("secondary_window"),
        plan: text(&wire, "plan_type"),
        limit_id: None,
        credits: wire.get("credits").and_then(credits),
        status: if is_limited(&wire) { 429 } else { 200 },
        model: None,
        at,
        source: Source::Usage,
    })
}

/// Upstream may declare a limit that no window shows; an unknown kind means limited.
fn is_limited(wire: &Value) -> bool {
    let limit = wire.get("rate_limit");
    let flag = |name: &str| limit.and_then(|limit| limit.get(name)).and_then(Value::as_bool);
    let kind = wire.get("rate_limit_reached_type").is_some_and(|kind| !kind.is_null());
    flag("limit_reached") == Some(true) || flag("allowed") == Some(false) || kind
}

fn window(value: &Value, at: Moment) -> Option<Window> {
    let used = value.get("used_percent").and_then(Value::as_f64).map(Percent::new);
    let seconds = value.get("limit_window_seconds").and_then(Value::as_u64);
    let minutes =
        seconds.and_then(|seconds| u32::try_from(seconds.div_ceil(60)).ok()).filter(|minutes| *minutes > 0);
    // The absolute time is the steadier one: it does not move with the length of the call.
    let absolute =
        value.get("reset_at").and_then(Value::as_i64).filter(|secs| *secs > 0).map(Moment::from_secs);
    let relative = value.get("reset_after_seconds").and_then(Value::as_i64).filter(|secs| *secs > 0);
    let resets_at = absolute.or_else(|| relative.map(|secs| at + Span::seconds(secs)));
    (used.is_some() || resets_at.is_some()).then_some(Window { used, minutes, resets_at })
}

fn credits(value: &Value) -> Option<Credits> {
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    value.as_object()?;
    Some(Credits { has: flag("has_credits"), unlimited: flag("unlimited"), balance: text(value, "balance") })
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Moment = Moment::from_secs(1_795_360_000);

    #[test]
    fn the_recorded_answer_is_read_whole() {
        let recorded: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/codex-client/wham_usage.response.json"))
                .unwrap();
        let body = serde_json::to_vec(recorded.get("body").unwrap()).unwrap();

        let snapshot = parse(&body, AT).unwrap();

        let window = |used, minutes, reset| {
            Some(Window {
                used: Some(Percent::new(used)),
                minutes: Some(minutes),
                resets_at: Some(Moment::from_secs(reset)),
            })
        };
        assert_eq!(
            snapshot,
            Snapshot {
                primary: window(5.0, 300, 1_795_363_689),
                secondary: window(10.0, 10_080, 1_795_446_489),
                plan: Some("plus".to_owned()),
                limit_id: None,
                credits: Some(Credits { has: false, unlimited: false, balance: Some("0".to_owned()) }),
                status: 200,
                model: None,
                at: AT,
                source: Source::Usage,
            }
        );
    }

    #[test]
    fn odd_members_cost_only_themselves() {
        let body = r#"{"plan_type":7,"rate_limit":{"primary_window":null,
            "secondary_window":{"used_percent":"x","limit_window_seconds":61,"reset_after_seconds":30}},
            "credits":[],"new":{}}"#;

        let snapshot = parse(body.as_bytes(), AT).unwrap();

        assert_eq!(snapshot.primary, None);
        assert_eq!(
            snapshot.secondary,
            Some(Window { used: None, minutes: Some(2), resets_at: Some(AT + Span::seconds(30)) })
        );
        assert_eq!((snapshot.plan, snapshot.credits, snapshot.status), (None, None, 200));
    }

    #[test]
    fn a_declared_limit_shows_in_the_status_even_when_no_window_is_full() {
        for body in [
            r#"{"rate_limit":{"limit_reached":true}}"#,
            r#"{"rate_limit":{"allowed":false}}"#,
            r#"{"rate_limit_reached_type":{"kind":"something new"}}"#,
        ] {
            assert_eq!(parse(body.as_bytes(), AT).unwrap().status, 429, "{body}");
        }
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for body in ["", "[]", "null", "<html>"] {
            assert_eq!(parse(body.as_bytes(), AT), Err(NotAnObject), "{body}");
        }
    }
}
