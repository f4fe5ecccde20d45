//! A question before an act that may be a mistake. The safe answer is the default.

use crate::app::goal::Tab;
use crate::app::intent::Intent;
use crate::base::Secret;

/// Which answer has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answer {
    /// Nothing happens.
    #[default]
    Safe,
    /// The act.
    Act,
    /// The other act, where there are two.
    Other,
}

/// What an answer brings about.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Asks the loop.
    Wish(Intent),
    /// Writes the changed settings.
    Save,
    /// Forgets the changed settings.
    Drop,
    /// Goes to a tab.
    Go(Tab),
}

impl From<Intent> for Deed {
    fn from(intent: Intent) -> Self {
        Self::Wish(intent)
    }
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
    /// Name of another act.
    pub other: Option<&'static str>,
    /// The focused answer.
    pub focus: Answer,
    /// What the act is.
    pub deeds: Vec<Deed>,
    /// What the other act is.
    pub other_deeds: Vec<Deed>,
    /// A secret that is shown with it.
    pub secret: Option<Secret>,
    /// What the safe answer brings about, where somebody waits for it.
    pub safe_deeds: Vec<Deed>,
}

impl Confirm {
    /// A question with the safe answer focused.
    pub fn new(
        title: String,
        safe: &'static str,
        act: &'static str,
        deeds: impl IntoIterator<Item = impl Into<Deed>>,
    ) -> Self {
        Self {
            title,
            paragraphs: Vec::new(),
            safe,
            act,
            other: None,
            focus: Answer::Safe,
            deeds: deeds.into_iter().map(Into::into).collect(),
            other_deeds: Vec::new(),
            secret: None,
            safe_deeds: Vec::new(),
        }
    }

    /// With another paragraph.
    #[must_use]
    pub fn saying(mut self, paragraph: impl Into<String>) -> Self {
        self.paragraphs.push(paragraph.into());
        self
    }

    /// With another act to choose from.
    #[must_use]
    pub fn or(mut self, name: &'static str, deeds: impl IntoIterator<Item = impl Into<Deed>>) -> Self {
        self.other = Some(name);
        self.other_deeds = deeds.into_iter().map(Into::into).collect();
        self
    }

    /// With something that the safe answer brings about, too.
    #[must_use]
    pub fn else_then(mut self, deed: impl Into<Deed>) -> Self {
        self.safe_deeds.push(deed.into());
        self
    }

    /// The answers in their order.
    pub fn answers(&self) -> Vec<(Answer, &'static str)> {
        let other = self.other.map(|name| (Answer::Other, name));
        [(Answer::Safe, self.safe), (Answer::Act, self.act)].into_iter().chain(other).collect()
    }

    /// The answer beside the focused one, around the ends.
    pub fn turn(&mut self, by: isize) {
        let answers = self.answers();
        let place = answers.iter().position(|(answer, _)| *answer == self.focus).unwrap_or(0);
        let next = isize::try_from(place).unwrap_or(0) + by;
        let next = next.rem_euclid(isize::try_from(answers.len()).unwrap_or(1));
        let answer = usize::try_from(next).ok().and_then(|next| answers.get(next));
        self.focus = answer.map_or(Answer::Safe, |(answer, _)| *answer);
    }
}
