//! Error bodies: those of the back end, read into an [`Answer`], and those the proxy writes itself.
//!
//! The back end has several shapes: `{"error":{…}}`, `{"detail":{"code":…}}`, `{"detail":"text"}`, `{"error":"code"}`,
//! flat members, HTML pages of the edge, and nothing at all. Reading never fails; it only says less.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::base::{Moment, Span};
use crate::domain::failure::{Answer, BodyKind};
use crate::formats::headers;

/// As much of an unreadable body as a message keeps.
const MESSAGE_CAP: usize = 2_000;

/// The body of a model probe: the shortest question there is, at the cheapest effort.
pub fn probe(model: &str, effort: &str) -> Vec<u8> {
    let text = |role: &str, text: &str| json!({ "type": "message", "role": role, "content": [{ "type": "input_text", "text": text }] });
    json!({
        "model": model,
        "stream": true,
        "store": false,
        "include": ["reasoning.encrypted_content"],
        "instructions": "You are a probe.",
        "input": [text("developer", "You are a probe."), text("user", "quota ping")],
        "reasoning": { "effort": effort, "summary": "auto" },
        "text": { "verbosity": "low" },
    })
    .to_string()
    .into_bytes()
}

/// The answer behind a failing HTTP status. `headers` are pairs with lower-case names.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8], model: Option<&str>, at: Moment) -> Answer {
    let mut answer = Answer { status, ..Answer::default() };
    take_headers(&mut answer, headers, model, at);
    let is_mitigated = answer.body == BodyKind::Edge;
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => {
            answer.body = BodyKind::Json;
            take_error(&mut answer, &value);
        }
        _ => {
            let text = String::from_utf8_lossy(body);
            answer.body = kind_of_text(&text);
            answer.message = text.chars().take(MESSAGE_CAP).collect();
        }
    }
    if is_mitigated {
        answer.body = BodyKind::Edge;
    }
    answer
}

fn kind_of_text(text: &str) -> BodyKind {
    let start = text.trim_start();
    if start.is_empty() {
        return BodyKind::Empty;
    }
    let head: String = start.chars().take(64).collect::<String>().to_ascii_lowercase();
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        BodyKind::Edge
    } else {
        BodyKind::Text
    }
}

fn take_headers(answer: &mut Answer, headers: &[(&str, &str)], model: Option<&str>, at: Moment) {
    let waits = headers::waits(headers.iter().copied(), at);
    answer.retry_header = waits.retry;
    answer.window_header = waits.window;
    answer.active_limit = waits.active_limit;
    answer.quota = headers::quota(headers.iter().copied(), answer.status, model, at);
    if waits.mitigated {
        answer.body = BodyKind::Edge;
    }
}

/// The answer inside a failing event or frame (`error`, `response.failed`), `status` and `headers` members included.
pub(super) fn failed_event(value: &Value, at: Moment) -> Answer {
    let mut answer = Answer { body: BodyKind::Json, ..Answer::default() };
    let status = value.get("status").or_else(|| value.get("status_code")).and_then(Value::as_u64);
    answer.status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
    if let Some(pairs) = value.get("headers").and_then(Value::as_object) {
        let pairs: Vec<(String, String)> = pairs
            .iter()
            .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), scalar(value)?)))
            .collect();
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        take_headers(&mut answer, &pairs, None, at);
    }
    let inner = value.get("response").filter(|response| response.get("error").is_some_and(Value::is_object));
    take_error(&mut answer, inner.unwrap_or(value));
    if answer.kind.as_deref() == Some("error") {
        answer.kind = None;
    }
    answer
}

fn take_error(answer: &mut Answer, value: &Value) {
    let error = value.get("error").unwrap_or(value);
    let detail = value.get("detail");
    let place = if error.is_object() { error } else { value };
    let code = |place: &Value| place.get("code").and_then(scalar);
    answer.kind = place.get("type").and_then(Value::as_str).map(str::to_owned);
    answer.code = code(place)
        .or_else(|| detail.and_then(code))
        .or_else(|| error.as_str().filter(|text| is_word(text)).map(str::to_owned));
    let message = [
        place.get("message"),
        value.get("error_description"),
        detail,
        detail.and_then(|detail| detail.get("message")),
        Some(error),
    ];
    message.into_iter().flatten().find_map(Value::as_str).unwrap_or_default().clone_into(&mut answer.message);
    answer.plan = place.get("plan_type").and_then(Value::as_str).map(str::to_owned);
    answer.resets_at = ["resets_at", "reset_at"].iter().find_map(|name| instant(place.get(*name)?));
    answer.resets_in =
        place.get("resets_in_seconds").and_then(Value::as_f64).map(|secs| Span::seconds(1).scaled(secs));
    answer.retry_body = place
        .get("retry_after_ms")
        .and_then(Value::as_f64)
        .map(|ms| Span::millis(1).scaled(ms))
        .or_else(|| {
            place.get("retry_after").and_then(Value::as_f64).map(|secs| Span::seconds(1).scaled(secs))
        })
        .filter(|wait| !wait.is_over());
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn scalar(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned()).filter(|text| !text.is_empty());
    }
    (value.is_number() || value.is_boolean()).then(|| value.to_string())
}

fn instant(value: &Value) -> Option<Moment> {
    match (value.as_i64(), value.as_f64(), value.as_str()) {
        (Some(number), _, _) => Some(headers::epoch(number)),
        (None, Some(number), _) => Some(Moment::EPOCH + Span::seconds(1).scaled(number)),
        (None, None, Some(text)) => headers::moment(text.trim()),
        (None, None, None) => None,
    }
}

/// A member of an error body of ours besides `type`, `code` and `message`.
#[derive(Debug, Clone, PartialEq)]
pub enum Member {
    /// Text.
    Text(String),
    /// Whole number.
    Number(i64),
    /// `null`.
    Null,
    /// A map of texts.
    Map(Vec<(String, String)>),
}

/// An error body of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorBody {
    /// `error.type`.
    pub kind: &'static str,
    /// `error.code`.
    pub code: &'static str,
    /// `error.message`.
    pub message: Cow<'static, str>,
    /// Further members, in order.
    pub members: Vec<(&'static str, Member)>,
}

impl ErrorBody {
    fn value(&self) -> Value {
        let mut error = Map::new();
        error.insert("type".to_owned(), json!(self.kind));
        error.insert("code".to_owned(), json!(self.code));
        error.insert("message".to_owned(), json!(self.message));
        for (name, member) in &self.members {
            let value = match member {
                Member::Text(text) => json!(text),
                Member::Number(number) => json!(number),
                Member::Null => Value::Null,
                Member::Map(pairs) => pairs.iter().map(|(name, text)| (name.clone(), json!(text))).collect(),
            };
            error.insert((*name).to_owned(), value);
        }
        Value::Object(error)
    }

    /// One line of JSON with its newline.
    pub fn to_line(&self) -> String {
        let mut line = json!({ "error": self.value() }).to_string();
        line.push('\n');
        line
    }

    /// The same as an error frame of a socket, with `headers` when there are any.
    pub fn to_frame(&self, status: u16, headers: &[(String, String)]) -> String {
        let mut frame = json!({ "type": "error", "status": status, "error": self.value() });
        if !headers.is_empty()
            && let Some(members) = frame.as_object_mut()
        {
            let headers: Value = headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            members.insert("headers".to_owned(), headers);
        }
        frame.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_795_360_095);

    fn read(status: u16, body: &str) -> Answer {
        answer(status, &[], body.as_bytes(), None, NOW)
    }

    #[test]
    fn every_shape_of_an_error_body_is_understood() {
        for (body, code, kind, message) in [
            (r#"{"error":{"type":"t","code":"c","message":"m"}}"#, Some("c"), Some("t"), "m"),
            (r#"{"detail":{"code":"deactivated_workspace"}}"#, Some("deactivated_workspace"), None, ""),
            (r#"{"detail":"not supported"}"#, None, None, "not supported"),
            (r#"{"error":"invalid_grant","error_description":"gone"}"#, Some("invalid_grant"), None, "gone"),
            (r#"{"error":"Something went wrong"}"#, None, None, "Something went wrong"),
            (r#"{"code":"c","message":"m"}"#, Some("c"), None, "m"),
            (r#"{"error":{"code":429,"message":null}}"#, Some("429"), None, ""),
        ] {
            let answer = read(400, body);
            assert_eq!(
                (answer.code.as_deref(), answer.kind.as_deref(), answer.message.as_str(), answer.body),
                (code, kind, message, BodyKind::Json),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_not_json_is_told_apart() {
        assert_eq!(read(403, "<html><head>").body, BodyKind::Edge);
        assert_eq!(read(403, "  <!DOCTYPE html>").body, BodyKind::Edge);
        assert_eq!(read(403, "no").body, BodyKind::Text);
        assert_eq!(read(401, "").body, BodyKind::Empty);
        assert_eq!(read(400, "[1]").body, BodyKind::Text);
    }

    #[test]
    fn waits_of_a_body_are_read_in_every_encoding() {
        let answer =
            read(429, r#"{"error":{"resets_at":1795363695,"resets_in_seconds":3600,"retry_after":2.5}}"#);

        assert_eq!(answer.resets_at, Some(Moment::from_secs(1_795_363_695)));
        assert_eq!(answer.resets_in, Some(Span::hours(1)));
        assert_eq!(answer.retry_body, Some(Span::millis(2_500)));
        assert_eq!(
            read(429, r#"{"error":{"retry_after_ms":700,"retry_after":9}}"#).retry_body,
            Some(Span::millis(700))
        );
        let millis = read(429, r#"{"error":{"reset_at":1795363695000}}"#);
        assert_eq!(millis.resets_at, Some(Moment::from_secs(1_795_363_695)));
    }

    #[test]
    fn our_own_body_is_one_line_and_its_frame_carries_the_same_error() {
        let body = ErrorBody {
            kind: "usage_limit_reached",
            code: "codex_runtime_rotation_pool_exhausted",
            message: "all accounts are limited".into(),
            members: vec![("resets_at", Member::Number(7)), ("reset_at", Member::Null)],
        };

        assert_eq!(
            body.to_line(),
            concat!(
                r#"{"error":{"type":"usage_limit_reached","code":"codex_runtime_rotation_pool_exhausted","#,
                r#""message":"all accounts are limited","resets_at":7,"reset_at":null}}"#,
                "\n"
            )
        );
        let frame = body.to_frame(429, &[("x-codex-plan-type".to_owned(), "plus".to_owned())]);
        assert!(
            frame.starts_with(r#"{"type":"error","status":429,"error":{"type":"usage_limit_reached""#),
            "{frame}"
        );
        assert!(frame.ends_with(r#""headers":{"x-codex-plan-type":"plus"}}"#), "{frame}");
    }
}
