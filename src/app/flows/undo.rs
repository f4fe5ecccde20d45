//! Taking the last act back.

use crate::app::effect::{CodexEffect, Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{CodexMsg, Msg, StoreMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::undo::Undo;
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::problem::Exit;

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    what: String,
    mirror: Option<AccountKey>,
}

impl Flow {
    /// Starts it.
    pub fn start(ticket: Ticket, undo: Undo) -> (Self, Effects) {
        let mirror = undo.inverse.iter().find_map(|change| {
            if let Change::SelectionRestored { active, .. } = change { active.clone() } else { None }
        });
        let flow = Self { ticket, what: undo.what, mirror };
        (flow, vec![Effect::Store(StoreEffect::Commit(ticket, undo.inverse))])
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, _: &World, _: Moment) -> Step {
        if let Msg::Codex(CodexMsg::Mirrored(ticket, _)) = message
            && *ticket == self.ticket
        {
            return self.done(Effects::new());
        }
        let Msg::Store(StoreMsg::Committed(ticket, answer)) = message else {
            return Step::Wait(Effects::new());
        };
        if *ticket != self.ticket {
            return Step::Wait(Effects::new());
        }
        if let Err(problem) = answer {
            let outcome =
                Outcome { command: "undo", exit: problem.exit, body: Body::Problem(problem.clone()) };
            return Step::Done(Effects::new(), Box::new(outcome));
        }
        let mut effects = vec![Effect::Peers(PeersEffect::Reload)];
        match self.mirror.take() {
            Some(key) => {
                effects.push(Effect::Codex(CodexEffect::Mirror(self.ticket, key)));
                Step::Wait(effects)
            }
            None => self.done(effects),
        }
    }

    fn done(&mut self, effects: Effects) -> Step {
        let body = Body::Undone(std::mem::take(&mut self.what));
        Step::Done(effects, Box::new(Outcome { command: "undo", exit: Exit::Ok, body }))
    }
}
