//! `ext/refresh-tokens.json`: what became of refresh tokens, by the SHA-256 of each; no token is in it.
//!
//! Losing the file loses the memory, not an account; so a damaged one counts as empty, after a copy.

use std::collections::BTreeMap;

use crate::base::Moment;
use crate::domain::refresh::past::{Fate, Past, Trace};
use crate::formats::lossless::Object;

/// Reads the file; entries nobody understands are passed over.
///
/// # Errors
/// When the text is no such file at all.
pub fn parse(text: &str) -> Result<Past, String> {
    let file = Object::parse(text).map_err(|error| error.to_string())?;
    let mut traces = BTreeMap::new();
    for (hash, raw) in file.object("tokens").unwrap_or_default().iter() {
        if let Some(trace) = Object::parse(raw).ok().as_ref().and_then(trace) {
            traces.insert(hash.to_owned(), trace);
        }
    }
    Ok(Past::new(traces))
}

fn trace(entry: &Object<'_>) -> Option<Trace> {
    let fate = match entry.text("fate")?.as_str() {
        "spent" => Fate::Spent,
        "dead" => Fate::Dead(entry.text("code")?),
        "lost" => Fate::Lost { sent: number(entry, "sent").max(1), unreadable: number(entry, "unreadable") },
        _ => return None,
    };
    Some(Trace { fate, at: Moment::from_millis(entry.millis("at")?) })
}

fn number(entry: &Object<'_>, name: &str) -> u32 {
    entry.count(name).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// The text to be saved.
pub fn print(past: &Past) -> String {
    let mut tokens = Object::default();
    for (hash, trace) in past.traces() {
        let mut entry = Object::default();
        match &trace.fate {
            Fate::Spent => entry.set("fate", "spent"),
            Fate::Dead(code) => {
                entry.set("fate", "dead");
                entry.set("code", code.as_str());
            }
            Fate::Lost { sent, unreadable } => {
                entry.set("fate", "lost");
                entry.set("sent", *sent);
                entry.set("unreadable", *unreadable);
            }
        }
        entry.set("at", trace.at.millis());
        tokens.set_object(hash, &entry);
    }
    let mut file = Object::default();
    file.set("version", 1);
    file.set_object("tokens", &tokens);
    file.to_pretty() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_survives_a_round_trip() {
        let mut past = Past::default();
        let at = Moment::from_millis(1_790_000_000_000);
        past.spend("aa", at);
        past.bury("bb", "refresh_token_reused", at);
        past.lose("cc", at);
        past.garble("cc", at);

        assert_eq!(parse(&print(&past)), Ok(past));
        assert_eq!(parse(&print(&Past::default())), Ok(Past::default()));
    }

    #[test]
    fn what_is_not_understood_is_passed_over_and_what_is_no_file_is_said() {
        let odd = r#"{"tokens":{"aa":{"fate":"eaten","at":1},"bb":5,"cc":{"fate":"spent"},"dd":{"fate":"spent","at":1}}}"#;

        assert!(parse(odd).unwrap().is_spent("dd"));
        assert_eq!(parse(odd).unwrap().traces().len(), 1);
        assert_eq!(parse("{}"), Ok(Past::default()));
        assert!(parse("{\"tokens\":").is_err());
    }
}
