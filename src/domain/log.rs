//! Lines of our own log as the screens read them: when, how bad, who speaks, and what is said.

use crate::base::Moment;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Messages and effects.
    Trace,
    /// Decisions with their reasons.
    Debug,
    /// What began and ended.
    #[default]
    Info,
    /// Handled, but not as it should be.
    Warn,
    /// A person must act.
    Error,
}

impl Level {
    /// All of them, least first.
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The word in the list.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level a word names, in any letter case.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word().eq_ignore_ascii_case(word))
    }

    /// The next stricter one, around the end.
    #[must_use]
    pub fn next(self) -> Self {
        let place = Self::ALL.iter().position(|level| *level == self).unwrap_or(0);
        Self::ALL.get(place + 1).copied().unwrap_or(Self::Trace)
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written.
    pub at: Moment,
    /// How much it matters.
    pub level: Level,
    /// Who speaks; `app` where nobody says so.
    pub part: String,
    /// What happened.
    pub message: String,
    /// What the speaker adds, in the order of the file; accounts stand by their short key.
    pub fields: Vec<(String, String)>,
}

impl Line {
    /// What the speaker adds under a name, if it says anything.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(other, _)| other == name)?;
        (!value.is_empty()).then_some(value.as_str())
    }
}

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tail {
    /// Lines, newest first.
    pub lines: Vec<Line>,
    /// Why the log cannot be read.
    pub trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_around_and_have_words() {
        assert_eq!(Level::Info.next(), Level::Warn);
        assert_eq!(Level::Error.next(), Level::Trace);
        assert_eq!(Level::from_word("WARN"), Some(Level::Warn));
        assert_eq!(Level::from_word("loud"), None);
    }
}
