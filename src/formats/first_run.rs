//! `first-run-setup.json` (storage.md §9.9): which steps of the first run were done. Tabs, as the reference writes it.

use crate::base::Moment;
use crate::formats::lossless::{Object, ParseJsonError};

/// The version whose steps are all there are.
const VERSION: u64 = 2;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Done.
    Completed,
    /// Not wanted.
    Skipped,
    /// Went wrong; tried again next time.
    Failed,
}

impl Step {
    const ALL: [Self; 3] = [Self::Completed, Self::Skipped, Self::Failed];

    const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirstRun {
    /// Version of the steps; below 2, the step of the credential store is still to be done.
    pub version: u64,
    /// When it began.
    pub started_at: Option<Moment>,
    /// When it was done.
    pub completed_at: Option<Moment>,
    /// The bind of the desktop app.
    pub app_bind: Option<Step>,
    /// The launcher.
    pub launcher: Option<Step>,
    /// The credential store.
    pub auth_store: Option<Step>,
}

impl FirstRun {
    /// Whether nothing is left to do.
    pub fn is_current(&self) -> bool {
        self.version >= VERSION
    }
}

/// Reads the record.
///
/// # Errors
/// When it is no JSON object.
pub fn read(text: &str) -> Result<FirstRun, ParseJsonError> {
    let object = Object::parse(text)?;
    let moment = |name: &str| object.millis(name).map(Moment::from_millis);
    let step = |name: &str| {
        let word = object.text(name)?;
        Step::ALL.into_iter().find(|step| step.word() == word)
    };
    Ok(FirstRun {
        version: object.count("version").unwrap_or(0),
        started_at: moment("startedAt"),
        completed_at: moment("completedAt"),
        app_bind: step("appBind"),
        launcher: step("launcher"),
        auth_store: step("authStore"),
    })
}

/// The record's text; members of `old` that we do not know stay.
pub fn print(old: Option<&str>, record: &FirstRun) -> String {
    let mut object = old.and_then(|old| Object::parse(old).ok()).unwrap_or_default();
    object.set("version", record.version);
    for (name, at) in [("startedAt", record.started_at), ("completedAt", record.completed_at)] {
        if let Some(at) = at {
            object.set(name, at.millis());
        }
    }
    for (name, step) in
        [("appBind", record.app_bind), ("launcher", record.launcher), ("authStore", record.auth_store)]
    {
        if let Some(step) = step {
            object.set(name, step.word());
        }
    }
    tabbed(&object.to_pretty()) + "\n"
}

fn tabbed(text: &str) -> String {
    let line = |line: &str| {
        let content = line.trim_start_matches(' ');
        "\t".repeat((line.len() - content.len()) / 2) + content
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = include_str!(
        "../../tests/fixtures/storage/cases/x01-auxiliary-files/home/.codex/multi-auth/first-run-setup.json"
    );

    #[test]
    fn the_record_of_the_reference_is_written_as_it_was_read() {
        let record = read(WRITTEN).unwrap();

        assert!(record.is_current());
        assert_eq!((record.app_bind, record.auth_store), (Some(Step::Skipped), Some(Step::Completed)));
        assert_eq!(print(None, &record), WRITTEN);
    }

    #[test]
    fn an_older_record_is_not_current_and_keeps_what_we_do_not_know() {
        let old = "{\"version\":1,\"startedAt\":5,\"mine\":{\"a\":\"  b\"}}";
        let record = read(old).unwrap();

        let text = print(Some(old), &FirstRun { auth_store: Some(Step::Failed), ..record.clone() });

        assert!(!record.is_current());
        assert!(text.contains("\t\"mine\": {\n\t\t\"a\": \"  b\"\n\t}"), "{text}");
        assert!(read("[]").is_err());
    }
}
