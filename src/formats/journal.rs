//! The journal of a save, `….wal`: the whole new text with its checksum, as the reference writes it; and the
//! marker of a reset.

use crate::base::Moment;
use crate::domain::identity::sha256_hex;
use crate::formats::lossless::Object;

/// A valid entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the save began; not written by every program.
    pub created_at: Option<Moment>,
    /// The text of the pool.
    pub content: String,
}

/// Reads a journal; `None` when it is torn, of another version, or its checksum is wrong.
pub fn parse(text: &str) -> Option<Entry> {
    let object = Object::parse(text).ok()?;
    if object.count("version") != Some(1) {
        return None;
    }
    let content = object.text("content")?;
    (object.text("checksum")? == sha256_hex(&content))
        .then(|| Entry { created_at: object.millis("createdAt").map(Moment::from_millis), content })
}

/// Writes a journal.
pub fn print(path: &str, content: &str, at: Moment) -> String {
    let mut object = Object::default();
    object.set("version", 1);
    object.set("createdAt", at.millis());
    object.set("path", path);
    object.set("checksum", sha256_hex(content));
    object.set("content", content);
    object.to_text()
}

/// The marker of a reset, `….reset-intent`.
pub fn mark(at: Moment) -> String {
    let mut object = Object::default();
    object.set("version", 1);
    object.set("createdAt", at.millis());
    object.to_text()
}

/// When a reset was marked; unknown in markers of other programs.
pub fn marked_at(text: &str) -> Option<Moment> {
    Object::parse(text).ok()?.millis("createdAt").map(Moment::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_back_and_a_changed_one_is_not() {
        let text = print("/p", "{\"version\":3}", Moment::from_millis(7));

        let entry = parse(&text).unwrap();

        assert_eq!(entry.content, "{\"version\":3}");
        assert_eq!(entry.created_at, Some(Moment::from_millis(7)));
        assert_eq!(parse(&text.replace("version\\\":3", "version\\\":4")), None);
        assert_eq!(parse(text.get(..text.len() - 2).unwrap()), None);
    }
}
