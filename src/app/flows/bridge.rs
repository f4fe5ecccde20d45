//! `bridge …` and `integrations`: one question to the runtime, one answer.

use crate::app::bridge::{Heard, Order, Told};
use crate::app::effect::{Effect, Effects};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::Msg;
use crate::app::outcome::{Body, Outcome};
use crate::domain::bridge::{Living, base_url};
use crate::domain::problem::Exit;

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    order: Order,
    asked: bool,
}

impl Flow {
    /// A flow that begins with the first message.
    pub fn new(ticket: Ticket, order: Order) -> Self {
        Self { ticket, order, asked: false }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg) -> Step {
        if !self.asked {
            self.asked = true;
            return Step::Wait(vec![Effect::Bridge(self.ticket, self.order.clone())]);
        }
        if let Msg::Bridge(ticket, heard) = message
            && *ticket == self.ticket
        {
            return self.heard(heard);
        }
        Step::Wait(Effects::new())
    }

    fn heard(&self, heard: &Heard) -> Step {
        let (exit, body) = match (heard, &self.order) {
            (Heard::Failed(problem), _) => (problem.exit, Body::Problem(problem.clone())),
            (Heard::Standing(standing), Order::Integrations(wanted)) => {
                let live = standing.living.as_ref().map_or_else(|| base_url(standing.port), Living::base_url);
                let base = wanted.base.clone().unwrap_or(live);
                let told = Told::Snippets(wanted.kinds.clone(), base, wanted.model.clone());
                (Exit::Ok, Body::Bridge(Box::new(told)))
            }
            _ => (Exit::Ok, Body::Bridge(Box::new(Told::Heard(heard.clone())))),
        };
        Step::Done(Effects::new(), Box::new(Outcome { command: self.order.word(), exit, body }))
    }
}
