//! Switching an account on or off.

use crate::app::effect::{Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::{AccountKey, Switch};
use crate::domain::change::Change;
use crate::domain::problem::Exit;

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    /// Whose switch.
    pub key: AccountKey,
    /// Its new position.
    pub to: Switch,
}

impl Flow {
    /// Starts it.
    pub fn start(ticket: Ticket, key: AccountKey, to: Switch) -> (Self, Effects) {
        let change = Change::Switched { key: key.clone(), switch: to };
        (Self { ticket, key, to }, vec![Effect::Store(StoreEffect::Commit(ticket, vec![change]))])
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, _: Moment) -> Step {
        let Msg::Store(StoreMsg::Committed(ticket, answer)) = message else {
            return Step::Wait(Effects::new());
        };
        if *ticket != self.ticket {
            return Step::Wait(Effects::new());
        }
        let (effects, exit, body) = match answer {
            Ok(_) => {
                let body =
                    world.named(&self.key).map_or(Body::Silent, |of| Body::Toggled { of, now: self.to });
                (vec![Effect::Peers(PeersEffect::Reload)], Exit::Ok, body)
            }
            Err(problem) => (Effects::new(), problem.exit, Body::Problem(problem.clone())),
        };
        Step::Done(effects, Box::new(Outcome { command: "account", exit, body }))
    }
}
