//! `unpin`: the next request goes to whoever the engine chooses.

use crate::app::effect::{Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::{Body, Named, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::change::Change;
use crate::domain::problem::{Exit, Problem};
use crate::domain::reference;

const COMMAND: &str = "unpin";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    former: Option<Named>,
    sent: bool,
}

impl Flow {
    /// A flow that waits for the pool.
    pub fn new(ticket: Ticket) -> Self {
        Self { ticket, former: None, sent: false }
    }

    /// Who was pinned before; known once the commit is under way.
    pub fn former(&self) -> Option<&Named> {
        self.former.as_ref()
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        if let Msg::Store(StoreMsg::Committed(ticket, answer)) = message
            && *ticket == self.ticket
        {
            return match answer {
                Ok(_) => {
                    let body = Body::Unpinned(self.former.clone(), Box::new(world.facts(at)));
                    let outcome = Outcome { command: COMMAND, exit: Exit::Ok, body };
                    Step::Done(vec![Effect::Peers(PeersEffect::Reload)], Box::new(outcome))
                }
                Err(problem) => failed(problem.clone()),
            };
        }
        if self.sent || !world.loaded {
            return Step::Wait(Effects::new());
        }
        self.sent = true;
        if let Some(problem) = &world.trouble {
            return failed(problem.clone());
        }
        if world.roster.accounts.is_empty() {
            return failed(reference::no_accounts());
        }
        let Some(pin) = &world.roster.pin else {
            let body = Body::Unpinned(None, Box::new(world.facts(at)));
            return Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit: Exit::Ok, body }));
        };
        self.former = world.named(pin);
        Step::Wait(vec![Effect::Store(StoreEffect::Commit(self.ticket, vec![Change::Unpinned]))])
    }
}

fn failed(problem: Problem) -> Step {
    let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
    Step::Done(Effects::new(), Box::new(outcome))
}
