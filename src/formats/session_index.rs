//! `cache/sessions.json`: summaries of rollouts by path, modification time and size, so that a list reads only what
//! is new. It may be deleted at any time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::Moment;
use crate::domain::history::Session;
use crate::formats::lossless::{Object, joined, list, quoted, text};

const VERSION: u64 = 1;

/// What a file looked like when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Modification time in ms since the epoch.
    pub modified: i64,
    /// Size in bytes.
    pub size: u64,
}

/// The index: per file its mark, and its session unless it is none.
pub type Index = BTreeMap<PathBuf, (Mark, Option<Session>)>;

/// Reads the index; anything unreadable is left out, since it is only a cache.
pub fn read(index: &str) -> Index {
    let Ok(object) = Object::parse(index) else { return Index::new() };
    if object.count("version") != Some(VERSION) {
        return Index::new();
    }
    object.list("files").unwrap_or_default().into_iter().filter_map(row).collect()
}

fn row(raw: &str) -> Option<(PathBuf, (Mark, Option<Session>))> {
    let object = Object::parse(raw).ok()?;
    let path = PathBuf::from(object.text("path")?);
    let mark = Mark { modified: object.millis("mtimeMs")?, size: object.count("size")? };
    let session = object.object("session").and_then(|session| one(&session, &path));
    Some((path, (mark, session)))
}

fn one(object: &Object<'_>, path: &Path) -> Option<Session> {
    let messages = object.raw("messages").and_then(list).unwrap_or_default();
    Some(Session {
        id: object.text("id")?,
        thread: object.text("threadName")?,
        updated: Moment::from_millis(object.millis("updatedAt")?),
        provider: object.text("provider"),
        originator: object.text("originator"),
        cwd: object.text("cwd"),
        cli_version: object.text("cliVersion"),
        path: path.to_owned(),
        messages: messages.into_iter().filter_map(text).collect(),
    })
}

/// The index as text. A path that is no Unicode is left out: its file is read again each time.
pub fn print(index: &Index) -> String {
    let rows: Vec<String> = index
        .iter()
        .filter_map(|(path, (mark, session))| {
            let mut object = Object::default();
            object.set("path", path.to_str()?);
            object.set("mtimeMs", mark.modified);
            object.set("size", mark.size);
            if let Some(session) = session {
                object.set_object("session", &session_object(session));
            }
            Some(object.to_text())
        })
        .collect();
    let mut object = Object::default();
    object.set("version", VERSION);
    object.set_raw("files", joined(rows.iter().map(String::as_str)));
    object.to_text()
}

fn session_object(session: &Session) -> Object<'static> {
    let mut object = Object::default();
    object.set("id", &session.id);
    object.set("threadName", &session.thread);
    object.set("updatedAt", session.updated.millis());
    object.set("provider", &session.provider);
    object.set("originator", &session.originator);
    object.set("cwd", &session.cwd);
    object.set("cliVersion", &session.cli_version);
    let messages: Vec<String> = session.messages.iter().map(|message| quoted(message)).collect();
    object.set_raw("messages", joined(messages.iter().map(String::as_str)));
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_reads_back_what_it_holds() {
        let path = PathBuf::from("/h/sessions/rollout-a.jsonl");
        let session = Session {
            id: "a".into(),
            thread: "fix \"it\"".into(),
            updated: Moment::from_millis(1_234),
            provider: Some("openai".into()),
            originator: None,
            cwd: Some("/p".into()),
            cli_version: Some("0.169.0".into()),
            path: path.clone(),
            messages: vec!["one\ntwo".into()],
        };
        let mark = Mark { modified: 99, size: 7 };
        let index: Index =
            [(path, (mark, Some(session))), (PathBuf::from("/h/x"), (mark, None))].into_iter().collect();

        assert_eq!(read(&print(&index)), index);
    }

    #[test]
    fn an_index_of_another_version_counts_as_none() {
        assert!(read(r#"{"version":2,"files":[]}"#).is_empty());
        assert!(read("torn").is_empty());
    }
}
