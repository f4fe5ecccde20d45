//! Kept sessions of a Codex home: the rollouts below `sessions` and `archived_sessions`, with an index so that a
//! second look reads only what changed. Reading changes nothing in the home.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::adapters::disk::atomic;
use crate::base::Moment;
use crate::domain::history::{Filter, Session};
use crate::domain::places::Places;
use crate::formats::rollout::{self, Summary};
use crate::formats::session_index::{self, Index, Mark};

/// Folders of a home that hold rollouts.
const FOLDERS: [&str; 2] = ["sessions", "archived_sessions"];
/// Levels below them: year, month, day, and one to spare.
const DEPTH: usize = 5;
/// How much of a file's end is read for its last line; a longer last line counts by the file's time.
const TAIL: u64 = 256 * 1024;
/// A longer line says nothing that a summary needs.
const LINE: u64 = 8 * 1024 * 1024;
/// How far a summary looks for the messages of the user.
const HEAD_LINES: usize = 4_000;

/// A file that may be a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) mark: Mark,
}

/// All rollouts, and how many compressed ones there are, which are not looked into.
pub(super) fn rollouts(codex_home: &Path) -> (Vec<Found>, usize) {
    let (mut found, mut compressed) = (Vec::new(), 0);
    for folder in FOLDERS {
        walk(&codex_home.join(folder), DEPTH, &mut found, &mut compressed);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    (found, compressed)
}

/// Links are not followed: what they lead to is not the home's.
fn walk(folder: &Path, depth: usize, found: &mut Vec<Found>, compressed: &mut usize) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_dir() {
            if depth > 0 {
                walk(&entry.path(), depth.saturating_sub(1), found, compressed);
            }
        } else if kind.is_file() && name.starts_with("rollout-") {
            if name.ends_with(".jsonl.zst") {
                *compressed = compressed.saturating_add(1);
            } else if rollout::id_of_name(&name).is_some()
                && let Some(mark) = mark(&entry.path())
            {
                found.push(Found { path: entry.path(), mark });
            }
        }
    }
}

/// What a file looks like now.
pub(super) fn mark(path: &Path) -> Option<Mark> {
    let meta = fs::metadata(path).ok()?;
    let since = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Mark { modified: i64::try_from(since.as_millis()).ok()?, size: meta.len() })
}

/// The sessions a filter wants, newest first.
///
/// # Errors
/// When the home itself cannot be read. A file that cannot be read is passed over.
pub fn list(places: &Places, filter: &Filter, now: Moment) -> io::Result<Vec<Session>> {
    let (found, _) = match fs::metadata(places.codex_home()) {
        Ok(_) => rollouts(places.codex_home()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), 0),
        Err(error) => return Err(error),
    };
    let index_path = places.cache().join("sessions.json");
    let old = atomic::read_text(&index_path).ok().flatten().unwrap_or_default();
    let known = session_index::read(&old);
    let mut index = Index::new();
    for file in found {
        let kept = known.get(&file.path).filter(|(mark, _)| *mark == file.mark);
        let session = match kept {
            Some((_, session)) => session.clone(),
            None => summarise(&file).ok().flatten(),
        };
        index.insert(file.path, (file.mark, session));
    }
    let text = session_index::print(&index);
    // The cache is a matter of speed; a root that cannot be written to still lists.
    if text != old && places.root().is_dir() {
        let _ = atomic::write(&index_path, text.as_bytes());
    }
    let mut sessions: Vec<Session> = index.into_values().filter_map(|(_, session)| session).collect();
    sessions.sort_by(|a, b| b.updated.cmp(&a.updated).then_with(|| a.id.cmp(&b.id)));
    let mut wanted = Vec::new();
    for session in sessions {
        if filter.limit.is_some_and(|limit| wanted.len() >= limit) {
            break;
        }
        if filter.admits(&session, now) {
            let missing = filter.missing(&session);
            if missing.is_empty() || says(&session.path, missing).unwrap_or(false) {
                wanted.push(session);
            }
        }
    }
    Ok(wanted)
}

fn summarise(file: &Found) -> io::Result<Option<Session>> {
    let mut reader = BufReader::new(File::open(&file.path)?);
    let mut summary = Summary::default();
    let mut line = Vec::new();
    for _ in 0..HEAD_LINES {
        line.clear();
        let read = reader.by_ref().take(LINE).read_until(b'\n', &mut line)?;
        if read == 0 || summary.is_complete() {
            break;
        }
        if let Ok(line) = std::str::from_utf8(&line) {
            summary.line(line.trim_end());
        }
    }
    let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let id = rollout::id_of_name(&name).unwrap_or_default();
    let written = last_line(&file.path)?.as_deref().and_then(rollout::written_at);
    Ok(summary.finish(&file.path, id, written.unwrap_or(Moment::from_millis(file.mark.modified))))
}

/// The last line with something on it.
fn last_line(path: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let start = size.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let tail = String::from_utf8_lossy(&tail);
    let mut lines = tail.lines();
    if start > 0 {
        // The first line of the tail is a part of one.
        lines.next();
    }
    Ok(lines.rfind(|line| !line.trim().is_empty()).map(str::to_owned))
}

/// Whether everything said in a session holds all the words, which are in lower case.
fn says(path: &Path, mut words: Vec<String>) -> io::Result<bool> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(false);
        }
        let Ok(line) = std::str::from_utf8(&line) else { continue };
        if !line.contains("_message") {
            continue;
        }
        if let Some(said) = rollout::said(line.trim_end()) {
            let said = said.to_lowercase();
            words.retain(|word| !said.contains(word.as_str()));
            if words.is_empty() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn home() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path().join("root"), dir.path().join("codex"));
        fs::create_dir_all(places.root()).unwrap();
        (dir, places)
    }

    fn keep(places: &Places, number: u8, provider: &str, said: &[&str]) -> PathBuf {
        let id = format!("0199a213-81c0-7800-8aa1-bbab2a035a{number:02}");
        let folder = places.codex_home().join("sessions/2026/11/20");
        fs::create_dir_all(&folder).unwrap();
        let mut text = format!(
            "{{\"timestamp\":\"2026-11-20T10:{number:02}:00Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\",\"model_provider\":\"{provider}\"}}}}\n"
        );
        for message in said {
            let _ = writeln!(
                text,
                "{{\"timestamp\":\"2026-11-20T10:{number:02}:30Z\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"user_message\",\"message\":\"{message}\"}}}}"
            );
        }
        let path = folder.join(format!("rollout-2026-11-20T10-00-00-{id}.jsonl"));
        fs::write(&path, text).unwrap();
        path
    }

    fn titles(places: &Places, filter: &Filter) -> Vec<String> {
        list(places, filter, Moment::from_secs(0)).unwrap().into_iter().map(|one| one.thread).collect()
    }

    #[test]
    fn the_newest_session_stands_first_whatever_its_provider() {
        let (_dir, places) = home();
        keep(&places, 1, "openai", &["first"]);
        keep(&places, 2, "codex-multi-auth-runtime-proxy", &["second"]);

        assert_eq!(titles(&places, &Filter::default()), ["second", "first"]);
        assert_eq!(titles(&places, &Filter { limit: Some(1), ..Filter::default() }), ["second"]);
    }

    #[test]
    fn a_word_that_was_said_late_is_found() {
        let (_dir, places) = home();
        keep(&places, 1, "openai", &["one", "two", "three", "four", "the Needle"]);
        keep(&places, 2, "openai", &["hay"]);

        let filter = |word: &str| Filter { search: vec![word.to_owned()], ..Filter::default() };
        assert_eq!(titles(&places, &filter("needle")), ["one"]);
        assert_eq!(titles(&places, &filter("user_message")), Vec::<String>::new());
    }

    #[test]
    fn a_changed_file_is_read_again_and_an_unchanged_one_is_not() {
        let (_dir, places) = home();
        let path = keep(&places, 1, "openai", &["first"]);
        titles(&places, &Filter::default());
        let index = places.cache().join("sessions.json");
        let cached = fs::read_to_string(&index).unwrap().replace("\"first\"", "\"cached\"");
        fs::write(&index, cached).unwrap();

        assert_eq!(titles(&places, &Filter::default()), ["cached"]);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{}\n");
        fs::write(&path, text).unwrap();
        assert_eq!(titles(&places, &Filter::default()), ["first"]);
    }

    #[test]
    fn a_home_that_does_not_exist_holds_no_sessions() {
        let (_dir, places) = home();

        assert!(titles(&places, &Filter::default()).is_empty());
    }
}
