//! The few top-level members of a request body that decide where it goes. Everything else is skipped without
//! being built, and a body that cannot be read simply states nothing: it is forwarded as it is.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a request body states about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stated {
    /// `model`, trimmed; never empty.
    pub model: Option<String>,
    /// `prompt_cache_key`
    pub prompt_cache_key: Option<String>,
    /// `previous_response_id`
    pub previous_response_id: Option<String>,
    /// First of `metadata.{session_id,conversation_id,thread_id}`.
    pub metadata_session: Option<String>,
    /// `thread_id` or `threadId` (thread goals).
    pub thread: Option<String>,
    /// `reasoning.effort`
    pub effort: Option<String>,
    /// `type` (`response.create` of a socket message).
    pub kind: Option<String>,
    /// `generate`, when it is a boolean.
    pub generate: Option<bool>,
    /// `background`, when it is a boolean.
    pub background: Option<bool>,
    /// `store`, when it is a boolean.
    pub store: Option<bool>,
}

#[derive(Deserialize, Default)]
struct Body<'a> {
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    prompt_cache_key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    previous_response_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    thread_id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "threadId")]
    thread_id_camel: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    generate: Option<&'a RawValue>,
    #[serde(borrow, default)]
    background: Option<&'a RawValue>,
    #[serde(borrow, default)]
    store: Option<&'a RawValue>,
}

impl Stated {
    /// Reads a decoded body.
    pub fn of(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else { return Self::default() };
        let metadata = members(body.metadata);
        Self {
            model: text(body.model),
            prompt_cache_key: text(body.prompt_cache_key),
            previous_response_id: text(body.previous_response_id),
            metadata_session: ["session_id", "conversation_id", "thread_id"]
                .into_iter()
                .find_map(|name| text(metadata.get(name).copied())),
            thread: text(body.thread_id).or_else(|| text(body.thread_id_camel)),
            effort: text(members(body.reasoning).get("effort").copied()),
            kind: text(body.kind),
            generate: truth(body.generate),
            background: truth(body.background),
            store: truth(body.store),
        }
    }
}

fn text(raw: Option<&RawValue>) -> Option<String> {
    let text: String = serde_json::from_str(raw?.get()).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn truth(raw: Option<&RawValue>) -> Option<bool> {
    serde_json::from_str(raw?.get()).ok()
}

fn members(raw: Option<&RawValue>) -> HashMap<String, &RawValue> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_are_read_whatever_surrounds_them() {
        let body = br#"{"input":[{"model":"inner"}],"model":" gpt-5.5 ","metadata":{"thread_id":"t"},
            "reasoning":{"effort":"high"},"prompt_cache_key":"k","generate":false,"stream":true}"#;

        let stated = Stated::of(body);

        assert_eq!(stated.model.as_deref(), Some("gpt-5.5"));
        assert_eq!(stated.metadata_session.as_deref(), Some("t"));
        assert_eq!(stated.effort.as_deref(), Some("high"));
        assert_eq!(stated.prompt_cache_key.as_deref(), Some("k"));
        assert_eq!(stated.generate, Some(false));
    }

    #[test]
    fn wrong_types_and_broken_bodies_state_nothing() {
        assert_eq!(Stated::of(br#"{"model":5,"metadata":"x","reasoning":null}"#), Stated::default());
        assert_eq!(Stated::of(b"not json"), Stated::default());
        assert_eq!(Stated::of(b"[1]"), Stated::default());
    }
}
