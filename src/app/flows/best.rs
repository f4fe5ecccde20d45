//! `best`: use the account that the forecast recommends.
//!
//! A pin that can serve decides, and stays; one that cannot is cleared by the choice.

use crate::app::effect::Effects;
use crate::app::flows::forecast::{Outlook, Progress};
use crate::app::flows::{Step, Ticket, switch};
use crate::app::goal::Choosing;
use crate::app::msg::Msg;
use crate::app::outcome::{Best, Body, Done, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::{AccountKey, SwitchReason};
use crate::domain::change::Pin;
use crate::domain::forecast::Forecast;
use crate::domain::problem::{Exit, Hint, Problem};

const COMMAND: &str = "best";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    choosing: Choosing,
    outlook: Outlook,
    act: Option<(switch::Flow, Best)>,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, choosing: Choosing) -> Self {
        let outlook = Outlook::new(ticket, choosing.forecasting.clone());
        Self { ticket, choosing, outlook, act: None }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        if self.act.is_some() {
            return self.act_on(message, world, at);
        }
        match self.outlook.on(message, world, at) {
            Progress::Wait(effects) => Step::Wait(effects),
            Progress::Failed(problem) => end(problem.exit, Body::Problem(problem)),
            Progress::Known(decision) => {
                let forecast = self.outlook.forecast(&decision, world, at);
                self.choose(&forecast, world, at)
            }
        }
    }

    fn choose(&mut self, forecast: &Forecast, world: &World, at: Moment) -> Step {
        let notes = self.outlook.notes(world);
        let Some((key, account)) =
            forecast.recommended.as_ref().and_then(|key| Some((key, world.named(key)?)))
        else {
            let offline = self.outlook.exit(forecast) == Exit::Network;
            let (code, exit) =
                if offline { ("network", Exit::Network) } else { ("nothing-selectable", Exit::Attention) };
            let problem = notes
                .into_iter()
                .fold(Problem::new(code, exit, forecast.reason.clone()), Problem::because)
                .hint(Hint::Run("forecast --explain".to_owned()));
            return end(exit, Body::Problem(problem));
        };
        let best = Best {
            account,
            reason: forecast.reason.clone(),
            notes,
            pinned: world.roster.pin.as_ref() == Some(key),
            pin_cleared: world.roster.pin.as_ref().is_some_and(|pin| pin != key),
            done: Done::Shown,
        };
        let exit = self.outlook.exit(forecast);
        if self.choosing.dry_run {
            return end(exit, Body::Best(Box::new(best)));
        }
        if is_current(key, world) {
            return end(exit, Body::Best(Box::new(Best { done: Done::AlreadyThere, ..best })));
        }
        let mut flow = switch::Flow::new(self.ticket, switch::Whom::Key(key.clone()), Pin::Clear)
            .because(SwitchReason::Best);
        let step = flow.on(&Msg::Ticked, world, at);
        self.act = Some((flow, best));
        self.wrap(step)
    }

    fn act_on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        let Some((flow, _)) = &mut self.act else { return Step::Wait(Effects::new()) };
        let step = flow.on(message, world, at);
        self.wrap(step)
    }

    /// The switch's own end becomes this flow's.
    fn wrap(&mut self, step: Step) -> Step {
        let (effects, outcome) = match step {
            Step::Wait(effects) => return Step::Wait(effects),
            Step::Done(effects, outcome) => (effects, outcome),
        };
        let exit = outcome.exit;
        let body = match (outcome.body, self.act.take()) {
            (Body::Switched(switched), Some((_, best))) => {
                Body::Best(Box::new(Best { done: Done::Switched(switched), ..best }))
            }
            (body, _) => body,
        };
        Step::Done(effects, Box::new(Outcome { command: COMMAND, exit, body }))
    }
}

/// Whether nothing would change: selected already, and no pin stands against it.
fn is_current(key: &AccountKey, world: &World) -> bool {
    world.roster.active.as_ref() == Some(key)
        && world.roster.get(key).is_some_and(crate::domain::account::Account::is_on)
        && world.roster.pin.as_ref().is_none_or(|pin| pin == key)
}

fn end(exit: Exit, body: Body) -> Step {
    Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
}
