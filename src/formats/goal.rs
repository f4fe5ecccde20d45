//! The goal of a thread as the client sets and reads it (runtime.md §21).

use serde_json::{Value, json};

/// The `goal` of a request body: a text, or `None` for null; the outer `None` when the body names no goal.
#[expect(clippy::option_option, reason = "a goal that is taken back is not the same as none being named")]
pub fn parse(body: &[u8]) -> Option<Option<String>> {
    match serde_json::from_slice::<Value>(body).ok()?.get("goal")? {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The answer to a read.
pub fn print_read(goal: Option<&str>) -> String {
    json!({ "goal": goal }).to_string() + "\n"
}

/// The answer to a change.
pub fn print_set(goal: Option<&str>) -> String {
    json!({ "ok": true, "goal": goal }).to_string() + "\n"
}

/// The answer to a change for a thread nobody named.
pub fn print_keyless() -> String {
    let message = "The thread of this goal is not known. Start a turn in it first.";
    let error = json!({
        "type": "invalid_request_error", "code": "thread_goal_session_key_required", "message": message,
    });
    json!({ "error": error }).to_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_a_text_or_taken_back() {
        assert_eq!(parse(br#"{"goal":"ship it"}"#), Some(Some("ship it".to_owned())));
        assert_eq!(parse(br#"{"goal":null}"#), Some(None));
        assert_eq!(parse(br#"{"goal":5}"#), None);
        assert_eq!(parse(b"{}"), None);
        assert_eq!(print_set(Some("a")), "{\"ok\":true,\"goal\":\"a\"}\n");
    }
}
