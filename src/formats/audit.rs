//! Lines of the audit log (storage.md §9.12), masked here so that nothing unmasked ever reaches the file.

use serde_json::{Map, Value, json};

use crate::base::{calendar, redact};
use crate::domain::audit::{Action, Ending, Record};
use crate::domain::chronicle::Act;

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

/// What was done to accounts, as lines of the log tell it; lines about other things and torn ones are passed over.
pub fn acts(text: &str) -> Vec<Act> {
    text.lines().filter_map(act).collect()
}

fn act(line: &str) -> Option<Act> {
    let line: Value = serde_json::from_str(line).ok()?;
    let word = |name: &str| line.get(name).and_then(Value::as_str);
    let more = line.get("metadata").and_then(Value::as_object).into_iter().flatten();
    Some(Act {
        at: calendar::from_rfc3339(word("timestamp")?)?,
        whose: word("resource")?.strip_prefix("account ")?.to_owned(),
        action: Action::from_word(word("action")?)?,
        ending: if word("outcome")? == Ending::Success.word() { Ending::Success } else { Ending::Failure },
        more: more.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;

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
        let [act] = &acts(&format!("{{\"torn\n{line}\nnonsense\n"))[..] else { panic!("one line is whole") };
        assert_eq!((act.at, act.whose.as_str(), act.action), (record.at, "1a2b3c4d", Action::AccountSwitch));
        assert_eq!((act.ending, act.more["reason"].as_str()), (Ending::Success, "manual"));
    }
}
