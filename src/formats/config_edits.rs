//! `ext/config-edits.json`: which keys of the official CLI's `config.toml` we set, and what stood there before,
//! so that they can be put back (storage.md §11.4).
//!
//! A record is written before the file it speaks of. So it only counts while the file still holds the value it
//! names: anything else is the user's own.

use crate::base::Moment;
use crate::formats::lossless::{self, Object, ParseJsonError};

/// One key we set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Absolute path of the file.
    pub path: String,
    /// The top-level key.
    pub key: String,
    /// Source text of what we put there.
    pub value: String,
    /// Source text of what stood there before; `None` when nothing did.
    pub previous: Option<String>,
    /// Whether the file existed before.
    pub existed: bool,
    /// What it was for: `doctor`, `bind`.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// The file.
#[derive(Debug, Clone, Default)]
pub struct ConfigEdits<'a> {
    top: Object<'a>,
}

impl<'a> ConfigEdits<'a> {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub fn parse(text: &'a str) -> Result<Self, ParseJsonError> {
        Ok(Self { top: Object::parse(text)? })
    }

    /// The record of a key, if we set it.
    pub fn find(&self, path: &str, key: &str) -> Option<Record> {
        self.all().into_iter().find(|record| record.path == path && record.key == key)
    }

    /// All records that can be read.
    pub fn all(&self) -> Vec<Record> {
        self.top.list("edits").unwrap_or_default().into_iter().filter_map(read).collect()
    }

    /// Adds a record in place of the one for the same key.
    pub fn put(&mut self, record: &Record) {
        let mut rows = self.others(&record.path, &record.key);
        let mut row = Object::default();
        row.set("path", &record.path);
        row.set("key", &record.key);
        row.set("value", &record.value);
        row.set("previous", &record.previous);
        row.set("existed", record.existed);
        row.set("by", &record.by);
        row.set("at", record.at.millis());
        rows.push(row.to_text());
        self.replace(&rows);
    }

    /// Drops the record of a key.
    pub fn forget(&mut self, path: &str, key: &str) {
        let rows = self.others(path, key);
        self.replace(&rows);
    }

    /// The text to be saved.
    pub fn to_text(&self) -> String {
        self.top.to_pretty() + "\n"
    }

    fn others(&self, path: &str, key: &str) -> Vec<String> {
        let is_other = |raw: &&str| read(raw).is_none_or(|record| record.path != path || record.key != key);
        self.top.list("edits").unwrap_or_default().into_iter().filter(is_other).map(str::to_owned).collect()
    }

    fn replace(&mut self, rows: &[String]) {
        if !self.top.has("version") {
            self.top.set("version", 1);
        }
        self.top.set_raw("edits", lossless::joined(rows.iter().map(String::as_str)));
    }
}

fn read(raw: &str) -> Option<Record> {
    let row = Object::parse(raw).ok()?;
    Some(Record {
        path: row.text("path")?,
        key: row.text("key")?,
        value: row.text("value")?,
        previous: row.text("previous"),
        existed: row.flag("existed").unwrap_or(true),
        by: row.text("by").unwrap_or_default(),
        at: Moment::from_millis(row.millis("at").unwrap_or(0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_replaces_the_one_of_its_key_and_strangers_stay() {
        let stored = r#"{"future":1,"edits":[{"odd":true},{"path":"/c","key":"k","value":"1","extra":0}]}"#;
        let mut edits = ConfigEdits::parse(stored).unwrap();
        let record = Record {
            path: "/c".into(),
            key: "k".into(),
            value: "\"file\"".into(),
            previous: Some("'keyring'".into()),
            existed: true,
            by: "doctor".into(),
            at: Moment::from_millis(5),
        };

        edits.put(&record);
        let text = edits.to_text();
        let mut again = ConfigEdits::parse(&text).unwrap();

        assert_eq!(again.all(), [record]);
        assert!(text.contains("\"odd\": true") && text.contains("\"future\": 1"), "{text}");
        again.forget("/c", "k");
        assert!(again.find("/c", "k").is_none());
        assert!(again.to_text().contains("odd"));
    }
}
