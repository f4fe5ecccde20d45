//! The events of an answer, in the order and with the members the official client was seen to read.

use serde_json::{Value, json};

use crate::base::Moment;
use crate::formats::fake::turn::Tool;
use crate::formats::fake::{hex_id, uuid};

/// One event: a block of a stream, or a frame of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type.
    pub name: &'static str,
    /// Its JSON, on one line.
    pub json: String,
}

/// Which way the answer goes; streams number their events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Server-sent events.
    Sse,
    /// Frames.
    Socket,
}

/// What is the same in every event of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The response id.
    pub id: String,
    /// When it began.
    pub created: Moment,
    /// The model.
    pub model: String,
    /// The effort asked for.
    pub effort: Option<String>,
    /// The response it continues.
    pub previous: Option<String>,
    /// `prompt_cache_key`.
    pub session: Option<String>,
    /// Which way.
    pub wire: Wire,
}

/// One output item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Reasoning with its sealed content.
    Reasoning(String),
    /// The final text.
    Message(String),
    /// A command to run.
    Call {
        /// Through which tool.
        tool: Tool,
        /// What to run.
        command: String,
    },
    /// A compacted history.
    Compaction(String),
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// All input.
    pub input: u64,
    /// Of it, cached.
    pub cached: u64,
    /// All output.
    pub output: u64,
    /// Of it, reasoning.
    pub reasoning: u64,
}

impl Tokens {
    /// Input and output.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// All events of a good answer.
pub fn answer(draft: &Draft, parts: &[Part], tokens: Tokens, serial: u64) -> Vec<Event> {
    let mut writer = Writer { wire: draft.wire, events: Vec::new() };
    writer.lifecycle(draft);
    let mut output = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        output.push(writer.part(index, part, serial.wrapping_mul(64).wrapping_add(index as u64)));
    }
    writer.push(
        "response.completed",
        json!({"response": response(draft, "completed", &output, Some(tokens), &Value::Null)}),
    );
    writer.events
}

/// `response.failed`.
pub fn failed(draft: &Draft, code: &str, message: &str) -> Event {
    let mut response = response(draft, "failed", &[], None, &Value::Null);
    if let Some(members) = response.as_object_mut() {
        members.insert("error".to_owned(), json!({"code": code, "message": message}));
    }
    single(draft.wire, "response.failed", json!({"response": response}))
}

/// `response.incomplete`.
pub fn incomplete(draft: &Draft, reason: &str, tokens: Tokens) -> Event {
    let details = json!({"reason": reason});
    let response = response(draft, "incomplete", &[], Some(tokens), &details);
    single(draft.wire, "response.incomplete", json!({"response": response}))
}

/// An `error` event of a stream, or the error frame of a socket.
pub fn error(wire: Wire, status: u16, code: &str, message: &str) -> Event {
    let kind = if status == 429 { code } else { "invalid_request_error" };
    let error = json!({"type": kind, "code": code, "message": message, "param": null});
    match wire {
        Wire::Socket => single(wire, "error", json!({"status": status, "error": error, "headers": {}})),
        Wire::Sse => {
            single(wire, "error", json!({"code": code, "message": message, "param": null, "error": error}))
        }
    }
}

/// A delta whose block in a stream is `bytes` long; shorter sizes than an empty delta's are not reached.
pub fn bench_delta(bytes: usize) -> Event {
    let of = |delta: &str| {
        let value = json!({"item_id": "msg_bench", "output_index": 0, "content_index": 0, "delta": delta});
        single(Wire::Socket, "response.output_text.delta", value)
    };
    let bare = of("");
    let framing = "event: \ndata: \n\n".len() + bare.name.len();
    of(&"x".repeat(bytes.saturating_sub(framing + bare.json.len())))
}

/// An event that fills `bytes` with nothing.
pub fn huge(bytes: usize) -> Event {
    single(Wire::Socket, "response.rehearsal.filler", json!({"filler": "x".repeat(bytes)}))
}

/// The terminal event of bench traffic.
pub fn completed(draft: &Draft, tokens: Tokens) -> Event {
    let response = response(draft, "completed", &[], Some(tokens), &Value::Null);
    single(draft.wire, "response.completed", json!({"response": response}))
}

fn single(wire: Wire, name: &'static str, value: Value) -> Event {
    let mut writer = Writer { wire, events: Vec::new() };
    writer.push(name, value);
    writer.events.pop().unwrap_or(Event { name, json: String::new() })
}

fn response(
    draft: &Draft,
    status: &str,
    output: &[Value],
    tokens: Option<Tokens>,
    incomplete: &Value,
) -> Value {
    let usage = tokens.map_or(Value::Null, |tokens| {
        json!({
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
            "total_tokens": tokens.total(),
        })
    });
    json!({
        "id": draft.id,
        "object": "response",
        "created_at": draft.created.secs(),
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": incomplete,
        "instructions": null,
        "model": draft.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": draft.previous,
        "prompt_cache_key": draft.session,
        "reasoning": {"effort": draft.effort},
        "service_tier": "auto",
        "store": false,
        "usage": usage,
        "metadata": {},
    })
}

struct Writer {
    wire: Wire,
    events: Vec<Event>,
}

impl Writer {
    fn push(&mut self, name: &'static str, value: Value) {
        let mut object = serde_json::Map::new();
        object.insert("type".to_owned(), json!(name));
        if let Value::Object(members) = value {
            object.extend(members);
        }
        if self.wire == Wire::Sse {
            object.insert("sequence_number".to_owned(), json!(self.events.len()));
        }
        self.events.push(Event { name, json: Value::Object(object).to_string() });
    }

    fn lifecycle(&mut self, draft: &Draft) {
        for name in ["response.created", "response.in_progress"] {
            self.push(name, json!({"response": response(draft, "in_progress", &[], None, &Value::Null)}));
        }
    }

    fn part(&mut self, index: usize, part: &Part, serial: u64) -> Value {
        match part {
            Part::Reasoning(sealed) => self.reasoning(index, sealed, serial),
            Part::Message(text) => self.message(index, text, serial),
            Part::Call { tool: Tool::CodeMode, command } => self.custom_call(index, command, serial),
            Part::Call { tool: Tool::ExecCommand, command } => {
                let arguments = json!({"cmd": command}).to_string();
                self.call(index, "exec_command", &arguments, serial)
            }
            Part::Call { tool: Tool::Shell, command } => {
                let arguments = json!({"command": ["sh", "-c", command]}).to_string();
                self.call(index, "shell", &arguments, serial)
            }
            Part::Compaction(sealed) => self.compaction(index, sealed, serial),
        }
    }

    fn item(&mut self, name: &'static str, index: usize, item: &Value) {
        self.push(name, json!({"output_index": index, "item": item}));
    }

    fn reasoning(&mut self, index: usize, sealed: &str, serial: u64) -> Value {
        const SUMMARY: &str = "**Thinking** about the request.";
        let id = format!("rs_{}", hex_id(serial, 32));
        let part = |text: &str| {
            json!({"item_id": id, "output_index": index, "summary_index": 0,
                   "part": {"type": "summary_text", "text": text}})
        };
        let opened = json!({"id": id, "type": "reasoning", "summary": [], "encrypted_content": ""});
        self.item("response.output_item.added", index, &opened);
        self.push("response.reasoning_summary_part.added", part(""));
        for word in SUMMARY.split_inclusive(' ') {
            self.push(
                "response.reasoning_summary_text.delta",
                json!({"item_id": id, "output_index": index, "summary_index": 0, "delta": word}),
            );
        }
        self.push(
            "response.reasoning_summary_text.done",
            json!({"item_id": id, "output_index": index, "summary_index": 0, "text": SUMMARY}),
        );
        self.push("response.reasoning_summary_part.done", part(SUMMARY));
        let done = json!({"id": id, "type": "reasoning",
            "summary": [{"type": "summary_text", "text": SUMMARY}], "encrypted_content": sealed});
        self.item("response.output_item.done", index, &done);
        done
    }

    fn message(&mut self, index: usize, text: &str, serial: u64) -> Value {
        let id = format!("msg_{}", hex_id(serial, 32));
        let content =
            |text: &str| json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
        let opened =
            json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
        self.item("response.output_item.added", index, &opened);
        self.push(
            "response.content_part.added",
            json!({"item_id": id, "output_index": index, "content_index": 0, "part": content("")}),
        );
        for word in text.split_inclusive(' ') {
            self.push(
                "response.output_text.delta",
                json!({"item_id": id, "output_index": index, "content_index": 0, "delta": word, "logprobs": []}),
            );
        }
        self.push(
            "response.output_text.done",
            json!({"item_id": id, "output_index": index, "content_index": 0, "text": text, "logprobs": []}),
        );
        self.push(
            "response.content_part.done",
            json!({"item_id": id, "output_index": index, "content_index": 0, "part": content(text)}),
        );
        let done = json!({"id": id, "type": "message", "status": "completed", "role": "assistant",
            "content": [content(text)], "phase": "final_answer"});
        self.item("response.output_item.done", index, &done);
        done
    }

    fn call(&mut self, index: usize, name: &str, arguments: &str, serial: u64) -> Value {
        let id = format!("fc_{}", hex_id(serial, 32));
        let call_id = format!("call_{}", hex_id(serial ^ 1, 24));
        let item = |arguments: &str, status: &str| {
            json!({"type": "function_call", "id": id, "call_id": call_id, "name": name,
                   "arguments": arguments, "status": status})
        };
        self.item("response.output_item.added", index, &item("", "in_progress"));
        self.push(
            "response.function_call_arguments.delta",
            json!({"item_id": id, "output_index": index, "delta": arguments}),
        );
        self.push(
            "response.function_call_arguments.done",
            json!({"item_id": id, "output_index": index, "arguments": arguments}),
        );
        let done = item(arguments, "completed");
        self.item("response.output_item.done", index, &done);
        done
    }

    fn custom_call(&mut self, index: usize, command: &str, serial: u64) -> Value {
        let id = format!("ctc_{}", hex_id(serial, 32));
        let call_id = format!("call_{}", hex_id(serial ^ 1, 24));
        let source = format!(
            "const r = await tools.exec_command({});\ntext(JSON.stringify(r));",
            json!({"cmd": command})
        );
        let item = |input: &str, status: &str| {
            json!({"type": "custom_tool_call", "id": id, "call_id": call_id, "name": "exec",
                   "input": input, "status": status})
        };
        self.item("response.output_item.added", index, &item("", "in_progress"));
        self.push(
            "response.custom_tool_call_input.delta",
            json!({"item_id": id, "output_index": index, "delta": source}),
        );
        self.push(
            "response.custom_tool_call_input.done",
            json!({"item_id": id, "output_index": index, "input": source}),
        );
        let done = item(&source, "completed");
        self.item("response.output_item.done", index, &done);
        done
    }

    fn compaction(&mut self, index: usize, sealed: &str, serial: u64) -> Value {
        let item = json!({"id": format!("cmp_{}", hex_id(serial, 32)), "type": "compaction",
            "encrypted_content": sealed});
        self.item("response.output_item.added", index, &item);
        self.item("response.output_item.done", index, &item);
        item
    }
}

/// The value of `x-codex-turn-state` that an account gives out.
pub fn turn_state(account: &str, serial: u64) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{account}:{}", hex_id(serial, 12)))
}

/// The account that gave a turn state out.
pub fn turn_state_owner(value: &str) -> Option<String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(value).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(account, _)| account.to_owned())
}

/// A request id as the back end stamps its answers.
pub fn request_id(serial: u64) -> String {
    uuid(serial)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn draft(wire: Wire) -> Draft {
        Draft {
            id: "resp_1".to_owned(),
            created: Moment::from_secs(1_795_360_093),
            model: "gpt-5.5".to_owned(),
            effort: Some("medium".to_owned()),
            previous: None,
            session: Some("thread".to_owned()),
            wire,
        }
    }

    /// The captured stream of the same kind of answer, event by event.
    #[test]
    fn an_answer_has_the_events_and_members_of_a_captured_one() {
        let captured = include_str!("../../../tests/fixtures/codex-client/http_responses.2.response.sse");
        let wanted: Vec<Value> = captured
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|json| serde_json::from_str(json).unwrap())
            .collect();
        let text = "Fake answer to: go FAKE{\"steps\":1} [users=1 tools=1 acct=acct1]";
        let parts = [Part::Reasoning("gAAAAA<encrypted>".to_owned()), Part::Message(text.to_owned())];

        let ours: Vec<Value> = answer(&draft(Wire::Sse), &parts, Tokens::default(), 1)
            .iter()
            .map(|event| serde_json::from_str(&event.json).unwrap())
            .collect();

        let shape = |values: &[Value]| values.iter().map(members).collect::<Vec<_>>();
        let skip_deltas = |names: Vec<String>| {
            let mut names = names;
            names.dedup();
            names
        };
        assert_eq!(skip_deltas(shape(&ours)), skip_deltas(shape(&wanted)));
    }

    fn members(value: &Value) -> String {
        let names = |value: &Value| {
            value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let inner = value.get("item").or_else(|| value.get("response")).or_else(|| value.get("part"));
        format!("{}: {} / {}", value["type"], names(value), inner.map(names).unwrap_or_default())
    }

    #[test]
    fn a_bench_delta_has_the_size_asked_for() {
        let event = bench_delta(4_096);

        assert_eq!(format!("event: {}\ndata: {}\n\n", event.name, event.json).len(), 4_096);
    }

    #[test]
    fn frames_carry_no_sequence_number() {
        let events = answer(&draft(Wire::Socket), &[], Tokens::default(), 1);

        assert!(events.iter().all(|event| !event.json.contains("sequence_number")));
    }
}
