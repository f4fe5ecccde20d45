//! `ext/acknowledged.json` (commands.md §5.3): `{version:1, at, productVersion, revision, by}`.

use crate::base::Moment;
use crate::domain::terms::{Acknowledged, By};
use crate::formats::lossless::Object;

/// Reads the record; anything that is none counts as "not asked yet".
pub fn parse(text: &str) -> Option<Acknowledged> {
    let object = Object::parse(text).ok()?;
    Some(Acknowledged {
        at: Moment::from_millis(object.millis("at")?),
        revision: object.count("revision")?,
        by: By::from_word(&object.text("by")?)?,
    })
}

/// The file's text, members of later versions kept.
pub fn print(old: &str, record: Acknowledged, product_version: &str) -> String {
    let mut object = Object::parse(old).unwrap_or_default();
    object.set("version", 1);
    object.set("at", record.at.millis());
    object.set("productVersion", product_version);
    object.set("revision", record.revision);
    object.set("by", record.by.word());
    let mut text = object.to_pretty();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_a_round_trip_and_keeps_what_it_does_not_know() {
        let record = Acknowledged { at: Moment::from_secs(5), revision: 1, by: By::Flag };

        let text = print(r#"{"later":true}"#, record, "0.1.0");

        assert_eq!(parse(&text), Some(record));
        assert!(text.contains("\"later\": true") && text.ends_with("}\n"), "{text}");
        for none in ["", "[]", "{}", r#"{"at":1,"revision":1,"by":"dice"}"#] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
