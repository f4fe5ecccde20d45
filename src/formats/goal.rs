//! The goal of a thread as the client sets and reads it (runtime.md §21).

use serde_json::{Value, json};

/// What a request body says of the goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A new goal.
    Goal(String),
    /// It is taken back.
    Nothing,
    /// The body names none.
    Unnamed,
}

/// Reads the `goal` of a request body.
pub fn parse(body: &[u8]) -> Named {
    let value = serde_json::from_slice::<Value>(body).unwrap_or_default();
    match value.get("goal") {
        Some(Value::String(text)) => Named::Goal(text.clone()),
        Some(goal) if goal.is_null() => Named::Nothing,
        Some(_) | None => Named::Unnamed,
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
        assert_eq!(parse(br#"{"goal":"ship it"}"#), Named::Goal("ship it".to_owned()));
        assert_eq!(parse(br#"{"goal":null}"#), Named::Nothing);
        assert_eq!(parse(br#"{"goal":5}"#), Named::Unnamed);
        assert_eq!(parse(b"{}"), Named::Unnamed);
        assert_eq!(print_set(Some("a")), "{\"ok\":true,\"goal\":\"a\"}\n");
    }
}
