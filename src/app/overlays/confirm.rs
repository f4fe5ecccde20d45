//! A question before an act that may be a mistake. The safe answer is the default.

use crate::app::intent::Intent;

/// Which answer has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answer {
    /// Nothing happens.
    #[default]
    Safe,
    /// The act.
    Act,
}

/// The question.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    /// What is asked.
    pub title: String,
    /// What it means, one paragraph each.
    pub paragraphs: Vec<String>,
    /// Name of the safe answer.
    pub safe: &'static str,
    /// Name of the act.
    pub act: &'static str,
    /// The focused answer.
    pub focus: Answer,
    /// What the act is.
    pub intents: Vec<Intent>,
}

impl Confirm {
    /// A question with the safe answer focused.
    pub fn new(title: String, safe: &'static str, act: &'static str, intents: Vec<Intent>) -> Self {
        Self { title, paragraphs: Vec::new(), safe, act, focus: Answer::Safe, intents }
    }

    /// With another paragraph.
    #[must_use]
    pub fn saying(mut self, paragraph: impl Into<String>) -> Self {
        self.paragraphs.push(paragraph.into());
        self
    }

    /// The other answer.
    pub fn turn(&mut self) {
        self.focus = match self.focus {
            Answer::Safe => Answer::Act,
            Answer::Act => Answer::Safe,
        };
    }
}
