//! Sessions the official CLI has kept: which there are, which are meant, and which belong to another provider.
//!
//! The official CLI lists only sessions of the provider it runs under; the reference filed its sessions under a
//! provider of its own, so they seem to be gone. Here every session is listed, whatever its provider.

use std::path::PathBuf;

use crate::base::Moment;
use crate::domain::launch::route::LEGACY_PROVIDER;
use crate::domain::problem::{Exit, Hint, Problem};

/// Provider of the official CLI without any setting; what a moved session is filed under.
pub const OFFICIAL_PROVIDER: &str = "openai";
/// How many messages of the user a summary keeps.
pub const KEPT_MESSAGES: usize = 3;
/// Title of a session in which nobody has said anything yet.
pub const UNTITLED: &str = "Codex session";

/// One kept session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, a UUID.
    pub id: String,
    /// The first thing said in it, at most 80 characters.
    pub thread: String,
    /// When something was last written.
    pub updated: Moment,
    /// Provider it is filed under.
    pub provider: Option<String>,
    /// Which front end made it.
    pub originator: Option<String>,
    /// Folder it worked in.
    pub cwd: Option<String>,
    /// Version of the official CLI that made it.
    pub cli_version: Option<String>,
    /// Its file.
    pub path: PathBuf,
    /// The first messages of the user.
    pub messages: Vec<String>,
}

impl Session {
    /// Whether the official `resume` passes it over because the reference filed it under its own provider.
    pub fn is_misfiled(&self) -> bool {
        self.provider.as_deref() == Some(LEGACY_PROVIDER)
    }
}

/// Which sessions are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Filed under this provider.
    pub provider: Option<String>,
    /// Worked in this folder or below it.
    pub cwd: Option<String>,
    /// Written to since then.
    pub since: Option<Since>,
    /// Holding all of these words, in any letter case.
    pub search: Vec<String>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

/// A moment as typed: long ago, or on the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long before now.
    Ago(crate::base::Span),
    /// Then.
    At(Moment),
}

impl Since {
    /// The moment.
    pub fn moment(self, now: Moment) -> Moment {
        match self {
            Self::Ago(span) => Moment::from_millis(now.millis().saturating_sub(span.as_millis())),
            Self::At(at) => at,
        }
    }
}

impl Filter {
    /// Whether a session is wanted by everything but its words.
    pub fn admits(&self, session: &Session, now: Moment) -> bool {
        let provider = self.provider.as_ref().is_none_or(|wanted| session.provider.as_ref() == Some(wanted));
        let folder = self.cwd.as_ref().is_none_or(|wanted| {
            let wanted = std::path::Path::new(wanted);
            session.cwd.as_ref().is_some_and(|cwd| std::path::Path::new(cwd).starts_with(wanted))
        });
        let recent = self.since.is_none_or(|since| session.updated >= since.moment(now));
        provider && folder && recent
    }

    /// Which of the words the summary of a session lacks, in lower case.
    pub fn missing(&self, session: &Session) -> Vec<String> {
        let mut text = format!("{} {}", session.id, session.thread);
        for more in session.messages.iter().chain(&session.cwd).chain(&session.provider) {
            text.push(' ');
            text.push_str(more);
        }
        let text = text.to_lowercase();
        self.search
            .iter()
            .map(|word| word.to_lowercase())
            .filter(|word| !word.is_empty() && !text.contains(word.as_str()))
            .collect()
    }
}

/// The session a word names: its whole id, or a beginning that no other shares.
///
/// # Errors
/// When none or several fit.
pub fn find<'a>(sessions: &'a [Session], word: &str) -> Result<&'a Session, Problem> {
    let wanted = word.trim().to_lowercase();
    if let Some(exact) = sessions.iter().find(|session| session.id.eq_ignore_ascii_case(&wanted)) {
        return Ok(exact);
    }
    let mut fitting = sessions
        .iter()
        .filter(|session| !wanted.is_empty() && session.id.to_lowercase().starts_with(&wanted));
    let Some(first) = fitting.next() else {
        return Err(Problem::new(
            "session-not-found",
            Exit::Failed,
            format!("no session begins with `{word}`"),
        )
        .hint(Hint::Run("history".to_owned())));
    };
    let others = fitting.filter(|session| session.id != first.id).count();
    if others > 0 {
        return Err(Problem::new(
            "session-ambiguous",
            Exit::Usage,
            format!("{} sessions begin with `{word}`", others.saturating_add(1)),
        )
        .hint(Hint::Say("Type more of the id".to_owned()))
        .hint(Hint::Run("history".to_owned())));
    }
    Ok(first)
}

/// How sessions of the reference's provider are filed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Migration {
    /// Nothing is written.
    pub dry_run: bool,
    /// The official CLI's index is laid into the backup, so that it reads all sessions anew.
    pub rebuild_index: bool,
}

/// What a migration found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migrated {
    /// Sessions under the reference's provider.
    pub found: usize,
    /// Of these, filed anew.
    pub rewritten: usize,
    /// Sessions that lie in temporary homes of the reference only, or are longer there; with no dry run they were
    /// moved to where they belong.
    pub rescued: usize,
    /// Compressed sessions, which were not looked into.
    pub skipped_compressed: usize,
    /// Index files that were laid into the backup.
    pub index_files: usize,
    /// Where the former state is kept.
    pub backup: Option<PathBuf>,
    /// What could not be done, a line each.
    pub failed: Vec<String>,
}

/// What an undo put back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// Sessions filed as before.
    pub sessions: usize,
    /// Sessions that lie in a temporary home again.
    pub rescued: usize,
    /// Index files put back.
    pub index_files: usize,
    /// The backup that was used.
    pub backup: PathBuf,
    /// What could not be done, a line each.
    pub failed: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    fn session(id: &str, cwd: &str, at: i64) -> Session {
        Session {
            id: id.to_owned(),
            thread: format!("thread {id}"),
            updated: Moment::from_secs(at),
            provider: Some(OFFICIAL_PROVIDER.to_owned()),
            originator: None,
            cwd: Some(cwd.to_owned()),
            cli_version: None,
            path: PathBuf::from(id),
            messages: vec!["Mend the Parser".to_owned()],
        }
    }

    #[test]
    fn a_beginning_names_a_session_only_when_no_other_shares_it() {
        let all = [session("0a1b", "/p", 1), session("0a2c", "/p", 2)];

        assert_eq!(find(&all, "0A1").unwrap().id, "0a1b");
        assert_eq!(find(&all, "0a").unwrap_err().code, "session-ambiguous");
        assert_eq!(find(&all, "ff").unwrap_err().code, "session-not-found");
        assert_eq!(find(&all, " ").unwrap_err().code, "session-not-found");
    }

    #[test]
    fn filters_hold_each_by_itself() {
        let one = session("0a1b", "/home/me/project/sub", 1_000);
        let now = Moment::from_secs(2_000);
        let admits = |filter: Filter| filter.admits(&one, now);

        assert!(admits(Filter::default()));
        assert!(admits(Filter { cwd: Some("/home/me/project".into()), ..Filter::default() }));
        assert!(!admits(Filter { cwd: Some("/home/me/pro".into()), ..Filter::default() }));
        assert!(!admits(Filter { provider: Some("other".into()), ..Filter::default() }));
        assert!(admits(Filter { since: Some(Since::Ago(Span::seconds(1_000))), ..Filter::default() }));
        assert!(!admits(Filter { since: Some(Since::Ago(Span::seconds(999))), ..Filter::default() }));
        assert!(!admits(Filter { since: Some(Since::At(Moment::from_secs(1_001))), ..Filter::default() }));
    }

    #[test]
    fn words_are_looked_for_in_any_letter_case() {
        let one = session("0a1b", "/p", 1);
        let missing = |words: &[&str]| {
            Filter { search: words.iter().map(ToString::to_string).collect(), ..Filter::default() }
                .missing(&one)
        };

        assert!(missing(&["PARSER", "thread"]).is_empty());
        assert_eq!(missing(&["parser", "Lexer"]), ["lexer"]);
    }
}
