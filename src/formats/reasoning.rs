//! Items of a request's `input` that only the account that made them can read, and bodies without them.
//!
//! Bytes that stay are copied as they are: an edited body differs from the client's only by what was taken out.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What an `input` holds that is bound to an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bound {
    /// Whether there is a `compaction` item.
    pub compaction: bool,
    /// The mark of the newest `reasoning` item.
    pub newest: Option<String>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(borrow, default)]
    encrypted_content: Option<&'a RawValue>,
}

impl Item<'_> {
    fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }

    /// The item's id; without one, the beginning and length of its content, which tell two items apart well enough.
    fn mark(&self) -> Option<String> {
        self.id.clone().filter(|id| !id.is_empty()).or_else(|| {
            let content = self.encrypted_content?.get().trim_matches('"');
            let tail = content.len().saturating_sub(24);
            content.get(tail..).map(|end| format!("{}:{end}", content.len()))
        })
    }
}

/// Reads what a decoded body holds.
pub fn bound(body: &[u8]) -> Bound {
    let mut bound = Bound::default();
    for (item, _) in items(body).iter().flatten() {
        bound.compaction |= item.is("compaction");
        if item.is("reasoning") {
            bound.newest = item.mark().or(bound.newest);
        }
    }
    bound
}

/// The body without any `reasoning` item; `None` when there is none or it cannot be read.
pub fn without_reasoning(body: &[u8]) -> Option<Vec<u8>> {
    keep(body, |_, item| !item.is("reasoning"))
}

/// The body without `reasoning` items up to and including the one with this mark; `None` when it is not there.
pub fn without_reasoning_up_to(body: &[u8], mark: &str) -> Option<Vec<u8>> {
    let last = items(body)?
        .iter()
        .rposition(|(item, _)| item.is("reasoning") && item.mark().as_deref() == Some(mark))?;
    keep(body, |index, item| index > last || !item.is("reasoning"))
}

/// The body with the `id` members of messages and calls removed; `None` when there are none.
pub fn without_ids(body: &[u8]) -> Option<Vec<u8>> {
    let mut changed = false;
    let kept: Vec<String> = items(body)?
        .into_iter()
        .map(|(item, raw)| {
            if item.id.is_none() || item.is("reasoning") || item.is("compaction") {
                return raw.to_owned();
            }
            let Ok(mut members) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(raw)
            else {
                return raw.to_owned();
            };
            changed |= members.shift_remove("id").is_some();
            serde_json::Value::Object(members).to_string()
        })
        .collect();
    changed.then(|| splice(body, &kept)).flatten()
}

fn items(body: &[u8]) -> Option<Vec<(Item<'_>, &str)>> {
    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let raw: Vec<&RawValue> = serde_json::from_str(body.input.get()).ok()?;
    let nothing = || Item { kind: None, id: None, encrypted_content: None };
    Some(
        raw.into_iter()
            .map(|raw| (serde_json::from_str(raw.get()).unwrap_or_else(|_| nothing()), raw.get()))
            .collect(),
    )
}

fn keep(body: &[u8], wanted: impl Fn(usize, &Item<'_>) -> bool) -> Option<Vec<u8>> {
    let items = items(body)?;
    let kept: Vec<&str> = items
        .iter()
        .enumerate()
        .filter(|(index, (item, _))| wanted(*index, item))
        .map(|(_, (_, raw))| *raw)
        .collect();
    if kept.len() == items.len() { None } else { splice(body, &kept) }
}

/// Puts other items into the place of `input`, leaving every other byte alone.
fn splice(body: &[u8], items: &[impl AsRef<str>]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let parsed: Body<'_> = serde_json::from_str(text).ok()?;
    let old = parsed.input.get();
    let start = old.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let mut edited = Vec::with_capacity(body.len());
    edited.extend_from_slice(text.get(..start)?.as_bytes());
    edited.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            edited.push(b',');
        }
        edited.extend_from_slice(item.as_ref().as_bytes());
    }
    edited.push(b']');
    edited.extend_from_slice(text.get(start + old.len()..)?.as_bytes());
    Some(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = concat!(
        r#"{"model":"m" , "input":[{"type":"message","id":"msg_1","role":"user"},"#,
        r#" {"type":"reasoning","id":"rs_1","encrypted_content":"a"},{"type":"function_call","id":"fc_1","call_id":"c"},"#,
        r#"{"type":"reasoning","id":"rs_2","encrypted_content":"b"},{"type":"reasoning","encrypted_content":"cccc"}],"#,
        r#""big":12345678901234567890123}"#
    );

    fn text(bytes: Option<Vec<u8>>) -> String {
        String::from_utf8(bytes.expect("edited")).unwrap()
    }

    #[test]
    fn reasoning_goes_and_every_other_byte_stays() {
        assert_eq!(
            text(without_reasoning(BODY.as_bytes())),
            concat!(
                r#"{"model":"m" , "input":[{"type":"message","id":"msg_1","role":"user"},"#,
                r#"{"type":"function_call","id":"fc_1","call_id":"c"}],"big":12345678901234567890123}"#
            )
        );
        assert_eq!(without_reasoning(br#"{"input":[{"type":"message"}]}"#), None);
        assert_eq!(without_reasoning(br#"{"input":"text"}"#), None);
        assert_eq!(without_reasoning(b"nonsense"), None);
    }

    #[test]
    fn only_items_up_to_the_mark_go() {
        let edited = text(without_reasoning_up_to(BODY.as_bytes(), "rs_1"));

        assert!(!edited.contains("rs_1"));
        assert!(edited.contains("rs_2"));
        assert_eq!(without_reasoning_up_to(BODY.as_bytes(), "rs_9"), None);
    }

    #[test]
    fn the_newest_mark_and_a_compaction_are_found() {
        assert_eq!(bound(BODY.as_bytes()), Bound { compaction: false, newest: Some("4:cccc".to_owned()) });
        let compacted = br#"{"input":[{"type":"compaction","encrypted_content":"x"}]}"#;
        assert_eq!(bound(compacted), Bound { compaction: true, newest: None });
    }

    #[test]
    fn ids_of_messages_and_calls_can_be_taken_off() {
        let edited = text(without_ids(BODY.as_bytes()));

        assert!(!edited.contains("msg_1") && !edited.contains("fc_1"));
        assert!(edited.contains("rs_1") && edited.contains(r#""call_id":"c""#));
    }
}
