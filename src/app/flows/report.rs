//! `report`: everything a person needs who wants to help, in one document.

use crate::app::effect::Effects;
use crate::app::flows::forecast::{Outlook, Progress};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::Reporting;
use crate::app::msg::Msg;
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::problem::Exit;
use crate::domain::selection::Ask;

const COMMAND: &str = "report";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    reporting: Reporting,
    outlook: Outlook,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, reporting: Reporting) -> Self {
        let outlook = Outlook::new(ticket, reporting.forecasting.clone());
        Self { reporting, outlook }
    }

    /// Hears a message. A pool that is empty or cannot be read is reported like any other.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        let (decision, trouble) = match self.outlook.on(message, world, at) {
            Progress::Wait(effects) => return Step::Wait(effects),
            Progress::Failed(problem) if problem.exit == Exit::Cancelled => {
                let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
                return Step::Done(Effects::new(), Box::new(outcome));
            }
            Progress::Failed(problem) => (world.foresee_for(&Ask::plain(), at), Some(problem.exit)),
            Progress::Known(decision) => (decision, None),
        };
        let (told, exit) = self.outlook.told(decision, world, at);
        // A report that was made is a success, whatever it tells; what cannot be read at all is not.
        let exit = trouble.unwrap_or(if exit == Exit::Network { exit } else { Exit::Ok });
        let body = Body::Report(Box::new(told), self.reporting.clone());
        Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
    }
}
