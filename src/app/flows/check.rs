//! Asking the usage endpoint what is left: spends nothing, two accounts at a time.

use std::collections::VecDeque;

use crate::app::effect::{Effect, Effects, UpstreamEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, UpstreamMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::problem::Exit;

/// Accounts asked at the same time (dashboard.md §11.7).
const AT_ONCE: usize = 2;

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    waiting: VecDeque<AccountKey>,
    running: Vec<AccountKey>,
    /// How many answered.
    pub answered: usize,
    /// How many were asked for.
    pub total: usize,
    failures: Vec<String>,
}

impl Flow {
    /// Starts it.
    pub fn start(ticket: Ticket, keys: Vec<AccountKey>) -> (Self, Effects) {
        let mut flow = Self {
            ticket,
            total: keys.len(),
            waiting: keys.into(),
            running: Vec::new(),
            answered: 0,
            failures: Vec::new(),
        };
        let effects = flow.ask_more();
        (flow, effects)
    }

    /// Accounts being asked now.
    pub fn running(&self) -> &[AccountKey] {
        &self.running
    }

    fn ask_more(&mut self) -> Effects {
        let mut effects = Effects::new();
        while self.running.len() < AT_ONCE {
            let Some(key) = self.waiting.pop_front() else { break };
            effects.push(Effect::Upstream(UpstreamEffect::Usage(self.ticket, key.clone())));
            self.running.push(key);
        }
        effects
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, _: Moment) -> Step {
        let Msg::Upstream(UpstreamMsg::Usage(ticket, key, answer)) = message else {
            return Step::Wait(Effects::new());
        };
        if *ticket != self.ticket {
            return Step::Wait(Effects::new());
        }
        self.running.retain(|other| other != key);
        match answer {
            Ok(_) => self.answered += 1,
            Err(why) => {
                let name = world.named(key).map_or_else(|| key.short().to_owned(), |named| named.label);
                self.failures.push(format!("{name}: {why}"));
            }
        }
        let effects = self.ask_more();
        if !self.running.is_empty() {
            return Step::Wait(effects);
        }
        let exit = if self.failures.is_empty() { Exit::Ok } else { Exit::Attention };
        let body = Body::Checked {
            answered: self.answered,
            asked: self.total,
            failures: std::mem::take(&mut self.failures),
        };
        Step::Done(effects, Box::new(Outcome { command: "check", exit, body }))
    }
}
