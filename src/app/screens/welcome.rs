//! The first start: ways to the first account (dashboard.md §12.2). Every way keeps its number, whether the others
//! are there or not.

use crate::app::flows::login::Survey;
use crate::app::overlays::wizard::Way;
use crate::domain::login::browser::Outlook;

/// The state of the first start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Welcome {
    /// Cursor; `None` until somebody moved it, so that what fits the surroundings is preselected.
    pub place: Option<usize>,
    /// The surroundings, once looked at.
    pub survey: Option<Survey>,
}

/// One way to the first account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// A sign-in.
    SignIn(Way),
    /// A backup.
    Restore,
    /// Sign-ins found on this computer.
    TakeOver,
}

impl Choice {
    /// The digit it is on.
    pub fn number(self) -> u8 {
        match self {
            Self::SignIn(Way::Browser) => 1,
            Self::SignIn(Way::Paste) => 2,
            Self::SignIn(Way::Device) => 3,
            Self::Restore => 4,
            Self::TakeOver => 5,
        }
    }
}

/// Whether a backup can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backups {
    /// One can.
    Some,
    /// There is none.
    None,
}

impl Welcome {
    /// The ways there are, in order.
    pub fn choices(backups: Backups) -> Vec<Choice> {
        let ways = Way::ALL.into_iter().map(|(way, ..)| Choice::SignIn(way));
        let restore = (backups == Backups::Some).then_some(Choice::Restore);
        ways.chain(restore).chain([Choice::TakeOver]).collect()
    }

    /// The way under the cursor.
    pub fn chosen(&self, choices: &[Choice]) -> Option<Choice> {
        choices
            .get(self.place.unwrap_or_else(|| self.fitting()).min(choices.len().saturating_sub(1)))
            .copied()
    }

    /// Moves the cursor.
    pub fn step(&mut self, by: isize, choices: &[Choice]) {
        let place = self.place.unwrap_or_else(|| self.fitting());
        self.place = Some(place.saturating_add_signed(by).min(choices.len().saturating_sub(1)));
    }

    /// What fits the surroundings.
    fn fitting(&self) -> usize {
        match self.survey.as_ref().map(|survey| survey.outlook) {
            None | Some(Outlook::Likely) => 0,
            Some(Outlook::Suppressed) => 1,
            Some(Outlook::Unlikely(_)) => 2,
        }
    }

    /// Why something else than the browser is preselected.
    pub fn reason(&self) -> Option<String> {
        match self.survey.as_ref()?.outlook {
            Outlook::Likely => None,
            Outlook::Suppressed => {
                Some("A callback is preselected: the environment asks for no browser.".to_owned())
            }
            Outlook::Unlikely(why) => Some(format!("A device code is preselected because {why}.")),
        }
    }
}
