//! The answer of `wham/usage`, read leniently: a member that is missing or odd costs only itself.

use serde_json::Value;

use crate::base::{Moment, Percent, Span, calendar};
use crate::domain::quota::snapshot::{Banked, Credits, Extra, Snapshot, Source};
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
    let extra = extras(&wire, at);
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
        extra,
        banked: banked_in(&wire, at),
    })
}

/// Limits beside the account's own: those of single models and features, and that of code reviews.
fn extras(wire: &Value, at: Moment) -> Vec<Extra> {
    let reviews = wire.get("code_review_rate_limit").map(|limit| ("code-review".to_owned(), None, limit));
    let others = wire.get("additional_rate_limits").and_then(Value::as_array).into_iter().flatten();
    let named = others.filter_map(|other| {
        let id = ["limit_id", "metered_feature", "limit_name"].iter().find_map(|name| text(other, name))?;
        Some((id.replace('_', "-"), text(other, "limit_name"), other.get("rate_limit").unwrap_or(other)))
    });
    reviews
        .into_iter()
        .chain(named)
        .map(|(id, name, limit)| Extra {
            id,
            name,
            primary: limit.get("primary_window").and_then(|value| window(value, at)),
            secondary: limit.get("secondary_window").and_then(|value| window(value, at)),
            at,
        })
        .filter(|extra| extra.primary.is_some() || extra.secondary.is_some())
        .collect()
}

/// Some answers carry the number of granted resets.
fn banked_in(wire: &Value, at: Moment) -> Option<Banked> {
    let count = wire.get("rate_limit_reset_credits")?.get("available_count")?.as_u64()?;
    Some(Banked { available: u32::try_from(count).ok()?, expires_at: None, at })
}

/// The answer of `wham/rate-limit-reset-credits`: how many resets may be used, and when the first of them is lost.
///
/// # Errors
/// When the body is no JSON object.
pub fn parse_banked(body: &[u8], at: Moment) -> Result<Banked, NotAnObject> {
    let wire: Value = serde_json::from_slice(body).map_err(|_| NotAnObject)?;
    if !wire.is_object() {
        return Err(NotAnObject);
    }
    let listed = wire.get("credits").and_then(Value::as_array).into_iter().flatten();
    let ends: Vec<Option<Moment>> = listed
        .filter(|one| text(one, "status").is_none_or(|status| status == "available"))
        .map(|one| expiry(one.get("expires_at")?))
        .filter(|end| end.is_none_or(|end| end > at))
        .collect();
    let counted = wire.get("available_count").and_then(Value::as_u64);
    let available = counted
        .and_then(|count| u32::try_from(count).ok())
        .unwrap_or_else(|| u32::try_from(ends.len()).unwrap_or(u32::MAX));
    let expires_at = ends.into_iter().flatten().min().filter(|_| available > 0);
    Ok(Banked { available, expires_at, at })
}

fn expiry(value: &Value) -> Option<Moment> {
    match (value.as_i64(), value.as_str()) {
        (Some(secs), _) => Some(Moment::from_secs(secs)),
        (None, Some(text)) => calendar::from_rfc3339(text),
        (None, None) => None,
    }
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
    (used.is_some() || resets_at.is_some()).then_some(Window { used, minutes, resets_at, seen: None })
}

fn credits(value: &Value) -> Option<Credits> {
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    value.as_object()?;
    Some(Credits { has: flag("has_credits"), unlimited: flag("unlimited"), balance: balance(value) })
}

/// Text as upstream writes it; older answers had a number.
fn balance(value: &Value) -> Option<String> {
    let number = value.get("balance").and_then(Value::as_number);
    text(value, "balance").or_else(|| number.map(ToString::to_string))
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
                ..Window::default()
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
                ..Snapshot::default()
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
            Some(Window {
                used: None,
                minutes: Some(2),
                resets_at: Some(AT + Span::seconds(30)),
                ..Window::default()
            })
        );
        assert_eq!((snapshot.plan, snapshot.credits, snapshot.status), (None, None, 200));
    }

    #[test]
    fn every_kind_of_pool_is_read_as_it_is_declared() {
        let used = |window: Option<&Window>| {
            window.map(|window| (window.name().unwrap(), window.used.unwrap().value()))
        };
        let week = r#"{"used_percent":91,"limit_window_seconds":604800,"reset_at":1795700000}"#;
        let hours = r#"{"used_percent":100,"limit_window_seconds":18000,"reset_at":1795361800}"#;
        let month = r#"{"used_percent":7.5,"limit_window_seconds":2592000}"#;
        for (name, primary, secondary, expected) in [
            ("primary only", hours, "null", [Some(("5h".to_owned(), 100.0)), None]),
            ("weekly only", week, "null", [None, Some(("7d".to_owned(), 91.0))]),
            ("monthly only, no reset", month, "null", [None, Some(("30d".to_owned(), 7.5))]),
            ("swapped", week, hours, [Some(("5h".to_owned(), 100.0)), Some(("7d".to_owned(), 91.0))]),
        ] {
            let body =
                format!(r#"{{"rate_limit":{{"primary_window":{primary},"secondary_window":{secondary}}}}}"#);
            let snapshot = parse(body.as_bytes(), AT).unwrap();
            assert_eq!(snapshot.places().map(used), expected, "{name}");
        }
    }

    #[test]
    fn extra_limits_and_code_reviews_stand_beside_the_account() {
        let body = r#"{"code_review_rate_limit":{"primary_window":{"used_percent":3,"limit_window_seconds":604800}},
            "additional_rate_limits":[
                {"limit_name":"Spark","metered_feature":"codex_bengalfox","rate_limit":{
                    "primary_window":{"used_percent":100,"limit_window_seconds":18000},"secondary_window":null}},
                {"limit_name":"bare","rate_limit":null}, 7],
            "credits":{"has_credits":true,"unlimited":false,"balance":5.39},
            "rate_limit_reset_credits":{"available_count":2}}"#;

        let snapshot = parse(body.as_bytes(), AT).unwrap();

        let extras: Vec<_> =
            snapshot.extra.iter().map(|extra| (extra.id.as_str(), extra.name.as_deref())).collect();
        assert_eq!(extras, [("code-review", None), ("codex-bengalfox", Some("Spark"))]);
        assert_eq!(snapshot.credits.unwrap().balance.as_deref(), Some("5.39"));
        assert_eq!(snapshot.banked.unwrap().available, 2);
    }

    #[test]
    fn banked_resets_are_counted_and_the_first_to_go_is_named() {
        let of = |body: &str| parse_banked(body.as_bytes(), AT).unwrap();
        let listed = of(r#"{"credits":[
            {"status":"available","expires_at":"2026-12-24T00:00:00Z"},
            {"status":"available","expires_at":"2026-12-01T00:00:00Z"},
            {"status":"redeemed","expires_at":"2026-11-25T00:00:00Z"},
            {"status":"available","expires_at":"2026-11-01T00:00:00Z"}]}"#);

        assert_eq!(listed.available, 2);
        assert_eq!(listed.expires_at, calendar::from_rfc3339("2026-12-01T00:00:00Z"));
        assert_eq!(of(r#"{"credits":[],"available_count":0}"#), Banked { at: AT, ..Banked::default() });
        assert_eq!(of(r#"{"available_count":3}"#).available, 3);
        assert!(parse_banked(b"[]", AT).is_err());
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
