//! `why-selected`: the engine's answer for the next request, from a live proxy where one runs.

use crate::app::effect::{Effect, Effects, PeersEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::{Moments, Replaying};
use crate::app::msg::{Msg, PeersMsg};
use crate::app::outcome::{Body, Origin, Outcome, Replay};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::reference;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;
use crate::domain::selection::replay::{Kept, WhatIf};

const COMMAND: &str = "why-selected";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    moments: Moments,
    asked: bool,
    replaying: Option<Replaying>,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, moments: Moments) -> Self {
        Self { ticket, moments, asked: false, replaying: None }
    }

    /// A flow about a kept decision.
    pub fn again(ticket: Ticket, replaying: Replaying) -> Self {
        Self { ticket, moments: Moments::Last, asked: false, replaying: Some(replaying) }
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
        if let (Msg::Peers(PeersMsg::Recalled(ticket, _, found)), Some(replaying)) =
            (message, &self.replaying)
            && *ticket == self.ticket
        {
            return recalled(replaying, found.as_deref(), world, at);
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
        if let Some(replaying) = &self.replaying {
            return Step::Wait(vec![Effect::Peers(PeersEffect::Recall(
                self.ticket,
                replaying.request.clone(),
            ))]);
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

/// The answer about a kept decision, or that there is none.
fn recalled(replaying: &Replaying, found: Option<&Kept>, world: &World, at: Moment) -> Step {
    let without = replaying.without.as_deref().map(|word| world.meant(word)).transpose();
    let answer = match (found, without) {
        (_, Err(problem)) => Err(problem),
        (None, Ok(_)) => Err(unknown(&replaying.request)),
        (Some(kept), Ok(without)) => Ok((kept, without)),
    };
    let outcome = match answer {
        Ok((kept, without)) => {
            let what_if = WhatIf { strategy: replaying.strategy, without };
            let what_if = (what_if != WhatIf::default()).then_some(what_if);
            let is_same = kept.again(&WhatIf::default()) == kept.decision.chosen.as_ref();
            let mut facts = world.facts(at);
            facts.next = Some(kept.decision.clone());
            facts.replay = Some(Box::new(Replay { kept: kept.clone(), what_if }));
            let exit = if is_same { Exit::Ok } else { Exit::Attention };
            let body = Body::Why(Moments::Last, Origin::Proxy, Box::new(facts));
            Outcome { command: COMMAND, exit, body }
        }
        Err(problem) => Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) },
    };
    Step::Done(Effects::new(), Box::new(outcome))
}

fn unknown(request: &str) -> Problem {
    Problem::new("unknown-request", Exit::Failed, format!("no decision of request {request} is kept"))
        .because("the log keeps the newest ones; it is written while a proxy runs and `decisionLog` is on")
        .hint(Hint::Run("monitor".to_owned()))
}
