//! Lines of `<root>/logs/codex-multi-auth.<day>.jsonl` as they are read back: one JSON object each, written by `tracing`.

use serde_json::{Map, Value};

use crate::base::calendar;
use crate::domain::log::{Level, Line};

/// Who speaks where nobody says so.
const NOBODY: &str = "app";

/// A line; `None` for a torn one, or one of another program.
pub fn parse(text: &str) -> Option<Line> {
    let mut object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut take = |name: &str| object.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let at = calendar::from_rfc3339(&take("timestamp")?)?;
    let level = Level::from_word(&take("level")?)?;
    let part = take("part").unwrap_or_else(|| NOBODY.to_owned());
    let message = take("message").unwrap_or_default();
    let fields = object.into_iter().map(|(name, value)| (name, plain(&value))).collect();
    Some(Line { at, level, part, message, fields })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;

    #[test]
    fn what_the_speaker_adds_keeps_its_order() {
        let text = r#"{"timestamp":"2026-11-22T14:35:02.951Z","level":"WARN","message":"limit","part":"proxy","request":7,"account":"1a2b3c4d","note":""}"#;

        let line = parse(text).expect("a line");

        assert_eq!(line.at, Moment::from_millis(1_795_358_102_951));
        assert_eq!((line.level, line.part.as_str(), line.message.as_str()), (Level::Warn, "proxy", "limit"));
        assert_eq!(line.field("request"), Some("7"));
        assert_eq!(line.field("note"), None);
        assert_eq!(line.fields[1], ("account".to_owned(), "1a2b3c4d".to_owned()));
    }

    #[test]
    fn a_torn_line_and_a_line_of_another_program_are_passed_over() {
        for text in [
            "",
            "{\"timestamp\":\"2026-11",
            "[]",
            r#"{"level":"INFO"}"#,
            r#"{"timestamp":"x","level":"INFO"}"#,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        let silent = parse(r#"{"timestamp":"2026-11-22T14:35:02Z","level":"INFO"}"#).expect("a line");
        assert_eq!((silent.part.as_str(), silent.message.as_str()), ("app", ""));
    }
}
