//! Rollouts, the session files of the official CLI: one JSON object a line, the first of type `session_meta`.
//!
//! A summary needs the first lines up to the third message of the user, and the time of the last line; nothing
//! else is parsed. Lines that cannot be read are passed over, as the official CLI does.

use std::path::Path;

use crate::base::calendar::from_rfc3339;
use crate::base::{Moment, text};
use crate::domain::history::{KEPT_MESSAGES, Session, UNTITLED};
use crate::formats::lossless::{Object, quoted};

/// Characters of a title.
const TITLE: usize = 80;
/// Characters kept of a message.
const MESSAGE: usize = 400;

/// The id in a name `rollout-YYYY-MM-DDTHH-MM-SS-<uuid>.jsonl`.
pub fn id_of_name(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("rollout-")?.strip_suffix(".jsonl")?;
    let id = rest.get(20..)?;
    let has_shape = id.len() == 36
        && id
            .char_indices()
            .all(|(at, c)| if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() });
    has_shape.then_some(id)
}

/// A summary in the making.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    meta: Option<Meta>,
    title: Option<String>,
    messages: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Meta {
    id: Option<String>,
    provider: Option<String>,
    originator: Option<String>,
    cwd: Option<String>,
    cli_version: Option<String>,
}

impl Summary {
    /// Takes the next line.
    pub fn line(&mut self, line: &str) {
        let Ok(object) = Object::parse(line) else { return };
        match object.text("type").as_deref() {
            Some("session_meta") if self.meta.is_none() => {
                let payload = object.object("payload").unwrap_or_default();
                self.meta = Some(Meta {
                    id: payload.text("id"),
                    provider: payload.text("model_provider"),
                    originator: payload.text("originator"),
                    cwd: payload.text("cwd"),
                    cli_version: payload.text("cli_version"),
                });
            }
            Some("event_msg") => {
                let Some(payload) = object.object("payload") else { return };
                let Some(message) = payload.text("message").filter(|message| !message.trim().is_empty())
                else {
                    return;
                };
                if self.title.is_none() {
                    self.title = Some(shortened(&message, TITLE));
                }
                if payload.text("type").as_deref() == Some("user_message")
                    && self.messages.len() < KEPT_MESSAGES
                {
                    self.messages.push(shortened(&message, MESSAGE));
                }
            }
            _ => {}
        }
    }

    /// Whether more lines add nothing.
    pub fn is_complete(&self) -> bool {
        self.meta.is_some() && self.messages.len() >= KEPT_MESSAGES
    }

    /// The session; nothing without a `session_meta`.
    pub fn finish(self, path: &Path, named: &str, updated: Moment) -> Option<Session> {
        let meta = self.meta?;
        Some(Session {
            id: meta.id.unwrap_or_else(|| named.to_owned()),
            thread: self.title.unwrap_or_else(|| UNTITLED.to_owned()),
            updated,
            provider: meta.provider,
            originator: meta.originator,
            cwd: meta.cwd,
            cli_version: meta.cli_version,
            path: path.to_owned(),
            messages: self.messages,
        })
    }
}

fn shortened(message: &str, room: usize) -> String {
    let one_line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean = text::clean(&one_line);
    match clean.char_indices().nth(room) {
        None => clean.into_owned(),
        Some((end, _)) => clean.get(..end).unwrap_or_default().to_owned(),
    }
}

/// When a line was written.
pub fn written_at(line: &str) -> Option<Moment> {
    from_rfc3339(&Object::parse(line).ok()?.text("timestamp")?)
}

/// What somebody said in a line, the user or the model; `None` for lines of other kinds.
pub fn said(line: &str) -> Option<String> {
    let object = Object::parse(line).ok()?;
    if object.text("type").as_deref() != Some("event_msg") {
        return None;
    }
    let payload = object.object("payload")?;
    let kind = payload.text("type")?;
    matches!(kind.as_str(), "user_message" | "agent_message").then(|| payload.text("message"))?
}

/// The provider in a first line; `None` when it is no `session_meta` or names none.
pub fn provider(line: &str) -> Option<String> {
    let object = Object::parse(line).ok()?;
    if object.text("type").as_deref() != Some("session_meta") {
        return None;
    }
    object.object("payload")?.text("model_provider")
}

/// A first line with another provider; every other byte stays. `None` when it names no provider.
pub fn with_provider(line: &str, provider: &str) -> Option<String> {
    let object = Object::parse(line).ok()?;
    let payload = object.borrowed("payload")?;
    let inner = Object::parse(payload).ok()?;
    let raw = inner.borrowed("model_provider")?;
    // Both slices borrow from `line`, so the distance of their addresses is the place of the value in it.
    let start = (raw.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
    let end = start.checked_add(raw.len())?;
    let (head, tail) = (line.get(..start)?, line.get(end..)?);
    (line.get(start..end) == Some(raw)).then(|| format!("{head}{}{tail}", quoted(provider)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &str = r#"{"timestamp":"2026-11-20T10:00:00.000Z","type":"session_meta","payload":{"id":"0199a213-81c0-7800-8aa1-bbab2a035a53","timestamp":"2026-11-20T10:00:00.000Z","cwd":"/home/me/p","originator":"codex_exec","cli_version":"0.169.0","model_provider" : "openai","x":{"model_provider":"other"}}}"#;

    #[test]
    fn a_name_holds_the_id_or_is_no_session() {
        let id = "0199a213-81c0-7800-8aa1-bbab2a035a53";

        assert_eq!(id_of_name(&format!("rollout-2026-11-20T10-00-00-{id}.jsonl")), Some(id));
        for other in [
            format!("rollout-2026-11-20T10-00-00-{id}.jsonl.zst"),
            "rollout-2026-11-20T10-00-00-.jsonl".into(),
            "history.jsonl".into(),
            format!("rollout-{id}.jsonl"),
        ] {
            assert_eq!(id_of_name(&other), None, "{other}");
        }
    }

    #[test]
    fn a_summary_takes_the_first_message_as_title_and_passes_over_bad_lines() {
        let mut summary = Summary::default();
        summary.line(META);
        summary.line("{torn");
        summary.line(r#"{"type":"event_msg","payload":{"type":"token_count"}}"#);
        summary.line(r#"{"type":"event_msg","payload":{"type":"user_message","message":"fix\n  the test"}}"#);
        for _ in 0..4 {
            summary.line(r#"{"type":"event_msg","payload":{"type":"user_message","message":"again"}}"#);
        }

        assert!(summary.is_complete());
        let session = summary.finish(Path::new("/x"), "named", Moment::from_secs(5)).unwrap();
        assert_eq!(session.id, "0199a213-81c0-7800-8aa1-bbab2a035a53");
        assert_eq!(session.thread, "fix the test");
        assert_eq!(session.messages, ["fix the test", "again", "again"]);
        assert_eq!(session.provider.as_deref(), Some("openai"));
        assert_eq!(session.cwd.as_deref(), Some("/home/me/p"));
    }

    #[test]
    fn a_file_without_a_meta_line_is_no_session() {
        let mut summary = Summary::default();
        summary.line(r#"{"type":"event_msg","payload":{"type":"user_message","message":"hello"}}"#);

        assert_eq!(summary.finish(Path::new("/x"), "named", Moment::EPOCH), None);
    }

    #[test]
    fn another_provider_changes_nothing_else() {
        let moved = with_provider(META, "codex-multi-auth-runtime-proxy").unwrap();

        assert_eq!(provider(&moved).as_deref(), Some("codex-multi-auth-runtime-proxy"));
        assert_eq!(with_provider(&moved, "openai").as_deref(), Some(META));
        assert_eq!(with_provider(r#"{"type":"session_meta","payload":{}}"#, "openai"), None);
        assert_eq!(with_provider("torn", "openai"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_line_stops_the_reader(line in ".{0,200}") {
            let mut summary = Summary::default();
            summary.line(&line);
            let _ = (written_at(&line), said(&line), provider(&line), with_provider(&line, "openai"));
        }
    }
}
