//! Lines of the audit log (storage.md §9.12), masked here so that nothing unmasked ever reaches the file.

use serde_json::{Map, Value, json};

use crate::base::{calendar, redact};
use crate::domain::audit::Record;

/// One line without its end.
pub fn print(record: &Record) -> String {
    let mut line = json!({
        "timestamp": calendar::rfc3339(record.at),
        "correlationId": null,
        "action": record.action.word(),
        "actor": record.actor.as_deref().map(redact::email),
        "resource": redact::text(&record.resource),
        "outcome": record.ending.word(),
    });
    if !record.more.is_empty() {
        let more: Map<String, Value> = record
            .more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), redact::text(value).into()))
            .collect();
        if let Some(line) = line.as_object_mut() {
            line.insert("metadata".to_owned(), more.into());
        }
    }
    line.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;
    use crate::domain::audit::{Action, Ending};

    #[test]
    fn a_line_tells_what_was_done_and_hides_who() {
        let record = Record {
            at: Moment::from_millis(1_790_000_000_000),
            action: Action::AccountSwitch,
            actor: Some("someone@example.com".to_owned()),
            resource: "account 1a2b3c4d".to_owned(),
            ending: Ending::Success,
            more: vec![
                ("reason", "manual".to_owned()),
                ("odd", "rt_person1_secret_secret_secret_1".to_owned()),
            ],
        };

        let line = print(&record);

        assert!(
            line.starts_with(r#"{"timestamp":"2026-09-21T14:13:20.000Z","correlationId":null,"#),
            "{line}"
        );
        assert!(line.contains(r#""action":"account.switch""#) && line.contains(r#""reason":"manual""#));
        assert!(!line.contains("someone@") && !line.contains("secret_secret"), "{line}");
    }
}
