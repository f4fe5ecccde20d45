//! What a turn request says: enough to continue the tool loop it belongs to, to check that nothing is
//! replayed to an account that cannot read it, and to record it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::formats::scenario::{Script, parse_span};

/// One turn, from a body or a frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TurnRequest {
    /// `type` of a frame; bodies have none.
    pub kind: Option<String>,
    /// `model`.
    pub model: String,
    /// `reasoning.effort`.
    pub effort: Option<String>,
    /// `previous_response_id`.
    pub previous: Option<String>,
    /// `prompt_cache_key`, which is the thread id.
    pub session: Option<String>,
    /// `generate` is `false`.
    pub prewarm: bool,
    /// The tool through which a command can be run.
    pub tool: Tool,
    /// What stands in `input`.
    pub items: Vec<Item>,
    /// Bytes of the request.
    pub bytes: usize,
}

/// How the client offers to run a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tool {
    /// The function `exec_command` with `cmd`; also what a client without tools gets.
    #[default]
    ExecCommand,
    /// The function `shell` with an argument list.
    Shell,
    /// The custom tool `exec`, which takes a script.
    CodeMode,
}

/// One item of `input`, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// What the person typed.
    Prompt(String),
    /// The output of a tool.
    ToolOutput,
    /// Reasoning or a compacted history, with what is sealed in it.
    Sealed(Option<Sealed>),
    /// The wish to have the history compacted.
    CompactionTrigger,
    /// Anything else.
    Other,
}

/// The inside of an `encrypted_content`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The account that alone can read it.
    pub account: String,
    /// Tool steps done when it was written; a compacted history goes on from there.
    pub steps: u32,
    /// What it is.
    pub kind: SealKind,
}

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealKind {
    /// One reasoning item.
    Reasoning,
    /// A compacted history.
    Compaction,
}

/// Real ones start like this, too.
const SEAL: &str = "gAAAAA";

/// Seals a reasoning item or a compacted history for one account.
pub fn seal(sealed: &Sealed, serial: u64) -> String {
    let kind = match sealed.kind {
        SealKind::Reasoning => "reasoning",
        SealKind::Compaction => "compaction",
    };
    let inside = format!("rehearsal|{kind}|{}|{}|{serial}", sealed.account, sealed.steps);
    format!("{SEAL}{}", URL_SAFE_NO_PAD.encode(inside))
}

/// Opens what [`seal`] made; anything else is unreadable.
pub fn unseal(text: &str) -> Option<Sealed> {
    let inside = URL_SAFE_NO_PAD.decode(text.strip_prefix(SEAL)?).ok()?;
    let inside = String::from_utf8(inside).ok()?;
    let mut parts = inside.split('|');
    if parts.next() != Some("rehearsal") {
        return None;
    }
    let kind = match parts.next()? {
        "reasoning" => SealKind::Reasoning,
        "compaction" => SealKind::Compaction,
        _ => return None,
    };
    let account = parts.next()?.to_owned();
    let steps = parts.next()?.parse().ok()?;
    Some(Sealed { account, steps, kind })
}

/// Reads a turn; `None` when it is no JSON object.
pub fn parse(bytes: &[u8]) -> Option<TurnRequest> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let object = value.as_object()?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let input = object.get("input").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(TurnRequest {
        kind: text("type"),
        model: text("model").unwrap_or_default(),
        effort: value.pointer("/reasoning/effort").and_then(Value::as_str).map(str::to_owned),
        previous: text("previous_response_id"),
        session: text("prompt_cache_key"),
        prewarm: object.get("generate").and_then(Value::as_bool) == Some(false),
        tool: tool(object.get("tools"), input),
        items: input.iter().map(item).collect(),
        bytes: bytes.len(),
    })
}

fn tool(tools: Option<&Value>, input: &[Value]) -> Tool {
    let has = |tools: &Value, name: &str| {
        tools.as_array().is_some_and(|tools| tools.iter().any(|tool| named(tool, name)))
    };
    let additional = input.iter().filter(|item| kind(item) == "additional_tools");
    if additional.filter_map(|item| item.get("tools")).any(|tools| has(tools, "exec")) {
        return Tool::CodeMode;
    }
    let offered = |name: &str| tools.is_some_and(|tools| has(tools, name));
    if !offered("exec_command") && offered("shell") { Tool::Shell } else { Tool::ExecCommand }
}

/// A tool by its name, also inside a namespace.
fn named(tool: &Value, name: &str) -> bool {
    tool.get("name").and_then(Value::as_str) == Some(name)
        || tool
            .get("tools")
            .and_then(Value::as_array)
            .is_some_and(|inner| inner.iter().any(|tool| named(tool, name)))
}

fn kind(item: &Value) -> &str {
    item.get("type").and_then(Value::as_str).unwrap_or("message")
}

fn item(item: &Value) -> Item {
    match kind(item) {
        "function_call_output" | "custom_tool_call_output" => Item::ToolOutput,
        "reasoning" | "compaction" => {
            Item::Sealed(item.get("encrypted_content").and_then(Value::as_str).and_then(unseal))
        }
        "compaction_trigger" => Item::CompactionTrigger,
        "message" if item.get("role").and_then(Value::as_str) == Some("user") => prompt(item),
        _ => Item::Other,
    }
}

fn prompt(item: &Value) -> Item {
    let content = item.get("content");
    let whole = content.and_then(Value::as_str).map(str::to_owned);
    let parts = || {
        let parts = content.and_then(Value::as_array)?;
        let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
        Some(texts.collect::<Vec<_>>().join("\n"))
    };
    // The client wraps what it adds itself in tags, for example `<environment_context>`.
    match whole.or_else(parts) {
        Some(text) if !text.trim_start().starts_with('<') => Item::Prompt(text),
        Some(_) | None => Item::Other,
    }
}

/// What the back end knows of a conversation after a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// Prompts so far.
    pub prompts: u32,
    /// Tool outputs so far.
    pub outputs: u32,
    /// Tool outputs since the last prompt.
    pub steps: u32,
    /// The last prompt.
    pub prompt: String,
    /// Bytes of all requests that made it.
    pub bytes: usize,
}

impl Context {
    /// The conversation after one more request.
    #[must_use]
    pub fn extended(&self, request: &TurnRequest) -> Self {
        let mut next = self.clone();
        next.bytes = next.bytes.saturating_add(request.bytes);
        for item in &request.items {
            match item {
                Item::Prompt(text) => {
                    next.prompts += 1;
                    next.steps = 0;
                    next.prompt.clone_from(text);
                }
                Item::ToolOutput => {
                    next.outputs += 1;
                    next.steps += 1;
                }
                Item::Sealed(Some(sealed)) if sealed.kind == SealKind::Compaction => {
                    next.steps = next.steps.max(sealed.steps);
                }
                Item::Sealed(_) | Item::CompactionTrigger | Item::Other => {}
            }
        }
        next
    }
}

/// The script with what the prompt itself says: `REHEARSE{steps=3 words=40 gap=10ms think=1s}`.
pub fn directed(script: &Script, prompt: &str) -> Script {
    let mut directed = script.clone();
    let orders = prompt
        .rsplit_once("REHEARSE{")
        .and_then(|(_, rest)| rest.split_once('}'))
        .map_or("", |(orders, _)| orders);
    for (name, value) in orders.split([' ', ',']).filter_map(|order| order.split_once('=')) {
        match name {
            "steps" => directed.steps = value.parse().unwrap_or(directed.steps),
            "words" => directed.words = value.parse().ok().or(directed.words),
            "gap" => directed.gap = parse_span(value).unwrap_or(directed.gap),
            "think" => directed.think = parse_span(value).unwrap_or(directed.think),
            _ => {}
        }
    }
    directed
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::base::Span;

    #[test]
    fn a_seal_opens_to_what_was_sealed() {
        let sealed = Sealed { account: "one".to_owned(), steps: 2, kind: SealKind::Compaction };

        assert_eq!(unseal(&seal(&sealed, 7)), Some(sealed));
        assert_eq!(unseal("gAAAAA<encrypted>"), None);
    }

    #[test]
    fn steps_count_from_the_last_prompt_and_ignore_what_the_client_wraps_in_tags() {
        let body = br#"{"model":"m","input":[
            {"type":"message","role":"user","content":[{"type":"input_text","text":"<environment_context>"}]},
            {"type":"message","role":"user","content":[{"type":"input_text","text":"first"}]},
            {"type":"function_call_output","call_id":"c","output":"x"},
            {"type":"message","role":"user","content":"second"},
            {"type":"custom_tool_call_output","call_id":"d","output":[]}]}"#;

        let context = Context::default().extended(&parse(body).unwrap());

        assert_eq!(
            (context.prompts, context.outputs, context.steps, context.prompt.as_str()),
            (2, 2, 1, "second")
        );
    }

    #[test]
    fn a_prompt_can_direct_the_model() {
        let script = directed(&Script::default(), "go REHEARSE{steps=3 gap=10ms}");

        assert_eq!((script.steps, script.gap, script.words), (3, Span::millis(10), None));
    }
}
