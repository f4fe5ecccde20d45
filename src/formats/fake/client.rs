//! What the simulated client sends, and what it reads of the answers.

use serde_json::value::RawValue;
use serde_json::{Value, json};

/// How a request is carried, with what only that way knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage<'a> {
    /// A body.
    Body,
    /// A frame, continuing a response of the same socket.
    Frame {
        /// `previous_response_id`.
        previous: Option<&'a str>,
    },
    /// The frame that only warms the socket up.
    Prewarm,
}

/// One request: the same object over HTTP and on a socket.
pub fn request(model: &str, session: &str, items: &[String], carriage: Carriage<'_>) -> String {
    let raw: Vec<Box<RawValue>> =
        items.iter().filter_map(|item| RawValue::from_string(item.clone()).ok()).collect();
    let mut head = json!({
        "model": model,
        "stream": true,
        "tools": [{
            "type": "function",
            "name": "exec_command",
            "description": "Runs a command.",
            "strict": false,
            "parameters": {
                "type": "object",
                "properties": {"cmd": {"type": "string"}},
                "required": ["cmd"],
                "additionalProperties": false,
            },
        }],
        "tool_choice": "auto",
        "parallel_tool_calls": true,
        "reasoning": {"effort": "medium"},
        "store": false,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": session,
        "text": {"verbosity": "low"},
        "client_metadata": {"session_id": session, "thread_id": session},
    });
    if let Some(members) = head.as_object_mut() {
        if let Carriage::Frame { .. } | Carriage::Prewarm = carriage {
            members.insert("type".to_owned(), json!("response.create"));
        }
        if let Carriage::Frame { previous: Some(id) } = carriage {
            members.insert("previous_response_id".to_owned(), json!(id));
        }
        if carriage == Carriage::Prewarm {
            members.insert("generate".to_owned(), json!(false));
        }
    }
    let mut text = head.to_string();
    // The items go in as they came: re-reading them would change numbers and cost time.
    text.pop();
    text.push_str(",\"input\":");
    text.push_str(&serde_json::to_string(&raw).unwrap_or_else(|_| "[]".to_owned()));
    text.push('}');
    text
}

/// A message of the person.
pub fn user(text: &str) -> String {
    message("user", text)
}

/// A message of the client itself.
pub fn developer(text: &str) -> String {
    message("developer", text)
}

fn message(role: &str, text: &str) -> String {
    json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}).to_string()
}

/// The output of a command.
pub fn tool_output(call_id: &str, output: &str) -> String {
    json!({
        "type": "function_call_output",
        "call_id": call_id,
        "output": format!("Process exited with code 0\nOutput:\n{output}\n"),
    })
    .to_string()
}

/// What an event tells the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An item is complete.
    Item {
        /// As it came.
        raw: String,
        /// `call_id` and command, when it is a call.
        call: Option<(String, String)>,
        /// The text, when it is the final message.
        text: Option<String>,
    },
    /// The answer is complete.
    Completed {
        /// The response id.
        id: String,
    },
    /// The answer failed.
    Failed {
        /// Status of an error frame; 0 for an event.
        status: u16,
        /// `error.code`, else `error.type`.
        code: String,
        /// The message.
        message: String,
    },
    /// Cut short by the model.
    Incomplete,
    /// Anything else.
    Other,
}

/// Reads an event or frame; text that is none is ignored, as the official client does with broken lines.
pub fn hear(json: &str) -> Heard {
    let Ok(value) = serde_json::from_str::<Value>(json) else { return Heard::Other };
    match value.get("type").and_then(Value::as_str) {
        Some("response.output_item.done") => value.get("item").map_or(Heard::Other, item),
        Some("response.completed") => Heard::Completed { id: text(&value, "/response/id") },
        Some("response.failed") => failed(&value, "/response/error"),
        Some("response.incomplete") => Heard::Incomplete,
        Some("error") => failed(&value, "/error"),
        Some(_) | None => Heard::Other,
    }
}

/// Reads the error body of a status.
pub fn refusal(status: u16, body: &str) -> Heard {
    let value: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let Heard::Failed { code, message, .. } = failed(&value, "/error") else { return Heard::Other };
    Heard::Failed { status, code, message }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn failed(value: &Value, pointer: &str) -> Heard {
    let error = value.pointer(pointer).unwrap_or(value);
    let code = error.get("code").or_else(|| error.get("type")).and_then(Value::as_str);
    let kind = error.get("type").and_then(Value::as_str);
    // A usage limit is known by its type; some codes are missing there.
    let code = if kind == Some("usage_limit_reached") { kind } else { code.or(kind) };
    let status = value.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    Heard::Failed {
        status: status.unwrap_or(0),
        code: code.unwrap_or_default().to_owned(),
        message: text(error, "/message"),
    }
}

fn item(item: &Value) -> Heard {
    let member = |name: &str| item.get(name).and_then(Value::as_str);
    let call = match member("type") {
        Some("function_call") => {
            let arguments: Value =
                serde_json::from_str(member("arguments").unwrap_or_default()).unwrap_or(Value::Null);
            let command = arguments.get("cmd").and_then(Value::as_str).unwrap_or_default();
            member("call_id").map(|id| (id.to_owned(), command.to_owned()))
        }
        Some(_) | None => None,
    };
    let said = item.pointer("/content/0/text").and_then(Value::as_str).map(str::to_owned);
    Heard::Item { raw: item.to_string(), call, text: said }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::formats::fake::turn::{self, Item};

    #[test]
    fn a_request_of_the_client_is_understood_by_the_back_end() {
        let items = [user("hello"), tool_output("c", "x")];

        let read = turn::parse(request("m", "s", &items, Carriage::Frame { previous: Some("r") }).as_bytes())
            .unwrap();

        assert_eq!(read.items, [Item::Prompt("hello".to_owned()), Item::ToolOutput]);
        assert_eq!(
            (read.model.as_str(), read.session.as_deref(), read.previous.as_deref(), read.prewarm),
            ("m", Some("s"), Some("r"), false)
        );
    }

    #[test]
    fn a_usage_limit_is_known_by_its_type() {
        let frame = r#"{"type":"error","status":429,"error":{"type":"usage_limit_reached","message":"m"}}"#;

        assert_eq!(
            hear(frame),
            Heard::Failed { status: 429, code: "usage_limit_reached".to_owned(), message: "m".to_owned() }
        );
    }
}
