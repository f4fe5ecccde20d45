//! `status`, `list`, `monitor`: wait until everything is known, ask who would serve next, report.

use crate::app::effect::{Effect, Effects, PeersEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::Listing;
use crate::app::msg::{Msg, PeersMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::problem::Exit;
use crate::domain::recovery::Health;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;

/// Which report it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `status`, `list`, `status --line`.
    Status(Listing),
    /// `monitor`.
    Monitor,
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    kind: Kind,
    asked: bool,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, kind: Kind) -> Self {
        Self { ticket, kind, asked: false }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        if let Msg::Peers(PeersMsg::Next(ticket, decision)) = message
            && *ticket == self.ticket
        {
            return self.finish(decision.clone(), world, at);
        }
        let is_counted = world.counted || self.kind != Kind::Monitor;
        if self.asked || !world.is_complete() || !is_counted {
            return Step::Wait(Effects::new());
        }
        self.asked = true;
        if world.peers.is_empty() || self.kind == Kind::Monitor || world.trouble.is_some() {
            return self.finish(None, world, at);
        }
        Step::Wait(vec![Effect::Peers(PeersEffect::Next(self.ticket, Ask::plain()))])
    }

    fn finish(&self, next: Option<Decision>, world: &World, at: Moment) -> Step {
        let mut facts = world.facts(at);
        if facts.health != Health::Corrupt && self.kind != Kind::Monitor {
            facts.next = Some(next.unwrap_or_else(|| world.foresee(at)));
        }
        if let (Some(problem), Kind::Status(listing)) = (&world.trouble, self.kind)
            && problem.code.starts_with("storage-")
        {
            // A pool that cannot be read is still shown: where it is and what is wrong with it.
            let body = Body::Status(listing, Box::new(facts));
            return Step::Done(
                Effects::new(),
                Box::new(Outcome { command: self.command(), exit: problem.exit, body }),
            );
        }
        if let Some(problem) = &world.trouble {
            let outcome =
                Outcome { command: self.command(), exit: problem.exit, body: Body::Problem(problem.clone()) };
            return Step::Done(Effects::new(), Box::new(outcome));
        }
        let exit = match self.kind {
            Kind::Status(_) if facts.roster.accounts.is_empty() => Exit::NoAccounts,
            Kind::Status(_) if needs_attention(world, facts.next.as_ref()) => Exit::Attention,
            Kind::Status(_) | Kind::Monitor => Exit::Ok,
        };
        let body = match self.kind {
            Kind::Status(listing) => Body::Status(listing, Box::new(facts)),
            Kind::Monitor => Body::Monitor(Box::new(facts)),
        };
        Step::Done(Effects::new(), Box::new(Outcome { command: self.command(), exit, body }))
    }

    fn command(&self) -> &'static str {
        match self.kind {
            Kind::Status(Listing::List) => "list",
            Kind::Status(Listing::Status | Listing::Line) => "status",
            Kind::Monitor => "monitor",
        }
    }
}

/// Whether an enabled account needs a sign-in or its refresh is uncertain, or nobody can serve.
fn needs_attention(world: &World, next: Option<&Decision>) -> bool {
    let enabled = || world.roster.accounts.iter().filter(|account| account.is_on());
    enabled().any(|account| account.invalidation.is_some() || account.uncertain_since.is_some())
        || next.is_some_and(|next| next.chosen.is_none())
}
