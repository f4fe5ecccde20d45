//! Taking the last act back.

use crate::app::effect::{CodexEffect, Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{CodexMsg, Msg, StoreMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::undo::{Inverse, Undo};
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
        let (mirror, effect) = match undo.inverse {
            Inverse::Changes(changes) => {
                let mirror = changes.iter().find_map(|change| {
                    if let Change::SelectionRestored { active, .. } = change { active.clone() } else { None }
                });
                (mirror, StoreEffect::Commit(ticket, changes))
            }
            Inverse::Act(act) => (None, StoreEffect::Vault(ticket, act)),
            Inverse::Policy(key, edit) => (None, StoreEffect::Policy(ticket, key, edit)),
        };
        (Self { ticket, what: undo.what, mirror }, vec![Effect::Store(effect)])
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, _: &World, _: Moment) -> Step {
        if let Msg::Codex(CodexMsg::Mirrored(ticket, _)) = message
            && *ticket == self.ticket
        {
            return self.done(Effects::new());
        }
        let problem = if let Msg::Store(StoreMsg::Committed(ticket, answer)) = message
            && *ticket == self.ticket
        {
            answer.as_ref().err()
        } else if let Msg::Store(StoreMsg::Vault(ticket, answer)) = message
            && *ticket == self.ticket
        {
            answer.as_ref().as_ref().err()
        } else if let Msg::Store(StoreMsg::PolicySet(ticket, answer)) = message
            && *ticket == self.ticket
        {
            answer.as_ref().err()
        } else {
            return Step::Wait(Effects::new());
        };
        if let Some(problem) = problem {
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
