//! `why-selected`: the engine's answer for the next request, from a live proxy where one runs.

use crate::app::effect::{Effect, Effects, PeersEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::Moments;
use crate::app::msg::{Msg, PeersMsg};
use crate::app::outcome::{Body, Origin, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::problem::Exit;
use crate::domain::reference;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;

const COMMAND: &str = "why-selected";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    moments: Moments,
    asked: bool,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, moments: Moments) -> Self {
        Self { ticket, moments, asked: false }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        if let Msg::Peers(PeersMsg::Next(ticket, decision)) = message
            && *ticket == self.ticket
        {
            return match decision {
                Some(decision) => self.finish(Origin::Proxy, decision.clone(), world, at),
                None => self.finish(Origin::Files, world.foresee(at), world, at),
            };
        }
        if self.asked || !world.is_complete() {
            return Step::Wait(Effects::new());
        }
        self.asked = true;
        let problem = match &world.trouble {
            Some(problem) => Some(problem.clone()),
            None if world.roster.accounts.is_empty() => Some(reference::no_accounts()),
            None => None,
        };
        if let Some(problem) = problem {
            let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
            return Step::Done(Effects::new(), Box::new(outcome));
        }
        if world.peers.is_empty() {
            return self.finish(Origin::Files, world.foresee(at), world, at);
        }
        Step::Wait(vec![Effect::Peers(PeersEffect::Next(self.ticket, Ask::plain()))])
    }

    fn finish(&self, origin: Origin, next: Decision, world: &World, at: Moment) -> Step {
        let mut facts = world.facts(at);
        let exit = if next.chosen.is_some() { Exit::Ok } else { Exit::Attention };
        facts.next = Some(next);
        let body = Body::Why(self.moments, origin, Box::new(facts));
        Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
    }
}
