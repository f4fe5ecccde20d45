//! `backups-official/history-<UTC>.jsonl`: what the first lines of moved sessions were, one object a line, and where
//! index files went. With it an undo puts every file back byte for byte.

use std::path::{Path, PathBuf};

use crate::formats::lossless::Object;

/// One line of the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A session whose first line was rewritten.
    Session {
        /// Its file.
        path: PathBuf,
        /// The first line as it was, without its end.
        first_line: String,
        /// Length of the whole file then, in bytes.
        length: u64,
    },
    /// A session that lay in a temporary home of the reference only, or was longer there.
    Rescued {
        /// Where it is now.
        path: PathBuf,
        /// Where it lay.
        from: PathBuf,
        /// Where the shorter file that stood in its place is kept.
        replaced: Option<PathBuf>,
    },
    /// An index file of the official CLI that was laid into the backup.
    Index {
        /// Where it stood.
        path: PathBuf,
        /// Where it is kept.
        kept: PathBuf,
    },
}

/// Reads a backup; lines that are torn or unknown are left out.
pub fn read(text: &str) -> Vec<Entry> {
    text.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let object = Object::parse(line).ok()?;
    let path = PathBuf::from(object.text("path")?);
    if let Some(from) = object.text("from") {
        let replaced = object.text("replaced").map(PathBuf::from);
        return Some(Entry::Rescued { path, from: PathBuf::from(from), replaced });
    }
    match (object.text("firstLine"), object.count("length"), object.text("kept")) {
        (Some(first_line), Some(length), None) => Some(Entry::Session { path, first_line, length }),
        (None, None, Some(kept)) => Some(Entry::Index { path, kept: PathBuf::from(kept) }),
        _ => None,
    }
}

/// One line, its end included; `None` for a path that is no Unicode, which is then not moved.
pub fn line(entry: &Entry) -> Option<String> {
    let mut object = Object::default();
    let named = |path: &Path| path.to_str().map(str::to_owned);
    match entry {
        Entry::Session { path, first_line, length } => {
            object.set("path", named(path)?);
            object.set("firstLine", first_line);
            object.set("length", length);
        }
        Entry::Rescued { path, from, replaced } => {
            object.set("path", named(path)?);
            object.set("from", named(from)?);
            if let Some(replaced) = replaced {
                object.set("replaced", named(replaced)?);
            }
        }
        Entry::Index { path, kept } => {
            object.set("path", named(path)?);
            object.set("kept", named(kept)?);
        }
    }
    Some(object.to_text() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_reads_back_what_was_written_and_passes_over_a_torn_end() {
        let entries = [
            Entry::Session { path: "/a/b.jsonl".into(), first_line: r#"{"x":"\"y"}"#.into(), length: 12 },
            Entry::Rescued { path: "/a/c.jsonl".into(), from: "/t/c.jsonl".into(), replaced: None },
            Entry::Rescued {
                path: "/a/d.jsonl".into(),
                from: "/t/d.jsonl".into(),
                replaced: Some("/b/1".into()),
            },
            Entry::Index { path: "/a/state_5.sqlite".into(), kept: "/b/0".into() },
        ];
        let mut text: String = entries.iter().filter_map(line).collect();
        text.push_str("{\"path\":\"/a");

        assert_eq!(read(&text), entries);
    }
}
