//! `account tag|untag|weight|note|pause|unpause|drain|undrain` and `account policy list`: what the user wants of
//! accounts.

use crate::app::effect::{Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::{Body, Outcome, Ruled};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::{AccountKey, Switch};
use crate::domain::policy::account::{Changed, PolicyEdit};
use crate::domain::problem::{Exit, Problem};
use crate::domain::reference;

/// What a pause of the pinned account comes to.
const HELD: &str = "it is pinned, so no request is served until `unpin` or `account unpause`";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Another policy for the account a word names.
    Edit(String, PolicyEdit),
    /// All of them.
    List,
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    order: Order,
    command: &'static str,
    edited: Option<AccountKey>,
}

impl Flow {
    /// A flow that waits for the pool; `command` is its word.
    pub fn new(ticket: Ticket, order: Order, command: &'static str) -> Self {
        Self { ticket, order, command, edited: None }
    }

    /// An edit that was decided on a screen.
    pub fn start(ticket: Ticket, key: AccountKey, edit: PolicyEdit) -> (Self, Effects) {
        let effects = vec![Effect::Store(StoreEffect::Policy(ticket, key.clone(), edit.clone()))];
        let order = Order::Edit(key.as_str().to_owned(), edit);
        (Self { ticket, order, command: "account", edited: Some(key) }, effects)
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        if let Some(key) = &self.edited {
            let Msg::Store(StoreMsg::PolicySet(ticket, answer)) = message else {
                return Step::Wait(Effects::new());
            };
            if *ticket != self.ticket {
                return Step::Wait(Effects::new());
            }
            return match answer {
                Ok((_, changed)) => self.ruled(&key.clone(), *changed, world),
                Err(problem) => self.end(problem.exit, Body::Problem(problem.clone())),
            };
        }
        if !world.is_complete() {
            return Step::Wait(Effects::new());
        }
        if let Some(problem) = &world.trouble {
            return self.end(problem.exit, Body::Problem(problem.clone()));
        }
        match &self.order {
            Order::List if world.roster.accounts.is_empty() => {
                let problem = reference::no_accounts();
                self.end(problem.exit, Body::Problem(problem))
            }
            Order::List => {
                let exit = if world.policy_trouble.is_some() { Exit::Attention } else { Exit::Ok };
                self.end(exit, Body::Policies(Box::new(world.facts(at))))
            }
            Order::Edit(word, edit) => match world.meant(word) {
                Err(problem) => self.end(problem.exit, Body::Problem(problem)),
                Ok(key) => {
                    let effect = StoreEffect::Policy(self.ticket, key.clone(), edit.clone());
                    self.edited = Some(key);
                    Step::Wait(vec![Effect::Store(effect)])
                }
            },
        }
    }

    fn ruled(&self, key: &AccountKey, changed: Changed, world: &World) -> Step {
        let (Some(account), Some(row)) = (world.named(key), world.roster.get(key)) else {
            let problem = Problem::new("unknown-account", Exit::Usage, "that account is gone");
            return self.end(problem.exit, Body::Problem(problem));
        };
        let policy = world.policies.of(row).cloned().unwrap_or_default();
        let mut said = match &self.order {
            Order::Edit(_, edit) => edit.words(&policy),
            Order::List => String::new(),
        };
        let is_pinned = world.roster.pin.as_ref() == Some(key);
        let is_pause = matches!(&self.order, Order::Edit(_, PolicyEdit::Pause(Switch::On)));
        let warning = (is_pinned && is_pause).then_some(HELD);
        if warning.is_some() {
            "paused, but pinned: nobody serves now".clone_into(&mut said);
        }
        let body = Body::Ruled(Box::new(Ruled { account, policy, changed, said, warning }));
        let effects =
            if changed == Changed::Yes { vec![Effect::Peers(PeersEffect::Reload)] } else { Effects::new() };
        Step::Done(effects, Box::new(Outcome { command: self.command, exit: Exit::Ok, body }))
    }

    fn end(&self, exit: Exit, body: Body) -> Step {
        Step::Done(Effects::new(), Box::new(Outcome { command: self.command, exit, body }))
    }
}
