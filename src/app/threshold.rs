//! What stands before the dashboard's first frame: the one-time acknowledgement (decisions.md D6), and a look at the
//! surroundings that the first start's choices depend on.
//!
//! Not a flow: it has no outcome of its own, and nothing else of the dashboard waits for it. A pool that already has
//! accounts is never held up; it gets the notice once.

use crate::app::flows::Ticket;
use crate::app::flows::login::{Request, Survey};
use crate::domain::terms::{self, Acknowledged, Consent, Gate};

/// The threshold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Threshold {
    /// How far it is.
    pub stage: Stage,
    /// The surroundings, once looked at.
    pub survey: Option<Survey>,
    /// The sign-in that the command line asked for.
    pub wanted: Option<Request>,
    /// What was on record at the start.
    pub known: Option<Acknowledged>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing stands in the way.
    #[default]
    Open,
    /// The surroundings are being looked at.
    Looking(Ticket),
    /// The acknowledgement is asked for.
    Asking,
}

impl Threshold {
    /// No threshold, as for everything that has no screen.
    pub fn open(known: Option<Acknowledged>) -> Self {
        Self { known, ..Self::default() }
    }

    /// A threshold that waits for the surroundings.
    pub fn looking(ticket: Ticket, wanted: Option<Request>) -> Self {
        Self { stage: Stage::Looking(ticket), survey: None, wanted, known: None }
    }

    /// What has to happen now; `None` while it is not known yet, or when it happened already.
    pub fn due(&self, pool: Pool) -> Option<Gate> {
        let (Stage::Looking(_), Some(survey)) = (self.stage, &self.survey) else { return None };
        let consent = self.wanted.as_ref().map_or(Consent::Unsaid, |request| request.consent);
        match pool {
            Pool::Unknown => None,
            // Whoever has a pool that cannot be read is no newcomer.
            Pool::Rehearsed | Pool::Unreadable => Some(Gate::Open),
            Pool::Of(accounts) => Some(terms::gate(survey.acknowledged, accounts, consent)),
        }
    }
}

/// What is known of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// Nothing yet.
    Unknown,
    /// It belongs to a rehearsal.
    Rehearsed,
    /// It is there and cannot be read.
    Unreadable,
    /// So many accounts.
    Of(usize),
}
