//! How a sign-in ended, for the report.

use crate::app::msg::Mirrored;
use crate::app::outcome::Named;
use crate::base::{Moment, Secret};
use crate::domain::login::admission::Admitted;
use crate::domain::problem::{Exit, Problem};

/// The end.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// An account came in.
    Done(Box<SignedIn>),
    /// The link was printed; a later run completes it.
    Printed {
        /// The authorize link.
        url: Secret,
        /// Until when it can be completed.
        until: Moment,
    },
    /// No account came in.
    Failed(Problem),
}

/// What a sign-in did.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedIn {
    /// New, updated or rebound.
    pub how: Admitted,
    /// The account.
    pub account: Named,
    /// Its workspace.
    pub workspace: Option<String>,
    /// Accounts in the pool now.
    pub total: usize,
    /// Whether it is the selected one now.
    pub place: crate::domain::login::admission::Place,
    /// What became of the official CLI's files, when they were to follow.
    pub mirrored: Option<Mirrored>,
    /// What did not work on the way.
    pub warnings: Vec<String>,
}

impl Ending {
    /// The word in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done(done) => done.how.word(),
            Self::Printed { .. } => "printed",
            Self::Failed(problem) => match problem.exit {
                Exit::Cancelled | Exit::Signal(_) => "cancelled",
                Exit::Ok
                | Exit::Failed
                | Exit::Usage
                | Exit::Attention
                | Exit::NoAccounts
                | Exit::Network
                | Exit::Child(_) => "failed",
            },
        }
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Done(_) | Self::Printed { .. } => Exit::Ok,
            Self::Failed(problem) => problem.exit,
        }
    }
}
