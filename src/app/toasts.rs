//! The message line and its history. A message that repeats within its debounce is counted, not repeated.

use crate::base::shape::Ring;
use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;

/// Errors stay longer: somebody has to act.
const ERROR_STAYS: Span = Span::seconds(15);
/// Equal messages within this time become one with a count, unless the settings say otherwise.
const DEBOUNCE: Span = Span::minutes(1);

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to do.
    Info,
    /// Done as asked.
    Done,
    /// Degraded, handled.
    Warn,
    /// Somebody has to act.
    Error,
}

impl Level {
    /// Its sign.
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Info => "·",
            Self::Done => "✓",
            Self::Warn => "!",
            Self::Error => "×",
        }
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Done => "done",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// How much it matters.
    pub level: Level,
    /// What happened, one sentence.
    pub text: String,
    /// Who says so: a key, `proxy`, `watch`.
    pub from: &'static str,
    /// The account it is about.
    pub subject: Option<AccountKey>,
    /// The command that does the same, without the program's name.
    pub command: Option<String>,
    /// More lines for the history.
    pub more: Vec<String>,
}

impl Toast {
    /// A message of `level` from `from`.
    pub fn new(level: Level, from: &'static str, text: impl Into<String>) -> Self {
        Self { level, text: text.into(), from, subject: None, command: None, more: Vec::new() }
    }

    /// The message about an account.
    #[must_use]
    pub fn about(mut self, subject: &AccountKey) -> Self {
        self.subject = Some(subject.clone());
        self
    }

    /// The message with the command that does the same.
    #[must_use]
    pub fn like(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// The message with another line for the history.
    #[must_use]
    pub fn with(mut self, line: impl Into<String>) -> Self {
        self.more.push(line.into());
        self
    }
}

/// A message that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What.
    pub toast: Toast,
    /// When, the newest time.
    pub at: Moment,
    /// Until when it stands in the message line.
    pub until: Moment,
    /// How often.
    pub count: u32,
}

impl Shown {
    /// The text with its count.
    pub fn text(&self) -> String {
        if self.count > 1 {
            format!("{} ({}×)", self.toast.text, self.count)
        } else {
            self.toast.text.clone()
        }
    }
}

/// The messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toasts {
    history: Ring<Shown, 100>,
    /// Equal messages within this time become one with a count.
    pub apart: Span,
}

impl Default for Toasts {
    fn default() -> Self {
        Self { history: Ring::default(), apart: DEBOUNCE }
    }
}

impl Toasts {
    /// Shows a message for `stays`, errors longer.
    pub fn push(&mut self, toast: Toast, stays: Span, at: Moment) {
        let until = at + if toast.level == Level::Error { ERROR_STAYS.max(stays) } else { stays };
        if let Some(same) = self.history.iter_mut().rev().find(|shown| shown.toast == toast)
            && at.since(same.at) <= self.apart
            && toast.level != Level::Done
        {
            (same.at, same.until) = (at, until);
            same.count += 1;
            return;
        }
        self.history.push(Shown { toast, at, until, count: 1 });
    }

    /// The message for the line: the newest that still stands. What was done or merely said does not come back when
    /// a later message has gone: it may be undone by then. A warning does.
    pub fn standing(&self, at: Moment) -> Option<&Shown> {
        let latest = self.history.iter().map(|shown| shown.at).max()?;
        let stands =
            |shown: &&Shown| shown.until > at && (shown.toast.level >= Level::Warn || shown.at == latest);
        self.history.iter().filter(stands).max_by_key(|shown| shown.at)
    }

    /// Errors leave the line at the next key.
    pub fn read(&mut self, at: Moment) {
        for shown in self.history.iter_mut().filter(|shown| shown.toast.level == Level::Error) {
            shown.until = shown.until.min(at);
        }
    }

    /// Newest first.
    pub fn history(&self) -> impl ExactSizeIterator<Item = &Shown> {
        self.history.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_warning_is_counted() {
        let mut toasts = Toasts::default();
        let at = Moment::from_secs(100);

        toasts.push(Toast::new(Level::Warn, "proxy", "delta: network error"), Span::seconds(5), at);
        toasts.push(
            Toast::new(Level::Warn, "proxy", "delta: network error"),
            Span::seconds(5),
            at + Span::seconds(9),
        );

        assert_eq!(toasts.history().count(), 1);
        assert_eq!(
            toasts.standing(at + Span::seconds(10)).map(Shown::text).as_deref(),
            Some("delta: network error (2×)")
        );
        assert_eq!(toasts.standing(at + Span::seconds(15)), None);
    }

    #[test]
    fn what_was_done_does_not_come_back_behind_a_later_message_and_a_warning_does() {
        let at = Moment::from_secs(100);
        for (level, back) in [(Level::Info, None), (Level::Done, None), (Level::Warn, Some("first"))] {
            let mut toasts = Toasts::default();
            toasts.push(Toast::new(level, "e", "first"), Span::seconds(9), at);
            toasts.push(Toast::new(Level::Done, "u", "undone"), Span::seconds(2), at + Span::seconds(1));

            let then = |seconds| toasts.standing(at + Span::seconds(seconds)).map(Shown::text);
            assert_eq!(then(2).as_deref(), Some("undone"));
            assert_eq!(then(4).as_deref(), back, "{level:?}");
        }
    }

    #[test]
    fn an_error_stands_until_a_key_is_pressed() {
        let mut toasts = Toasts::default();
        let at = Moment::from_secs(100);

        toasts.push(Toast::new(Level::Error, "store", "disk full"), Span::seconds(5), at);

        assert!(toasts.standing(at + Span::seconds(14)).is_some());
        toasts.read(at + Span::seconds(6));
        assert_eq!(toasts.standing(at + Span::seconds(7)), None);
        assert_eq!(toasts.history().count(), 1);
    }
}
