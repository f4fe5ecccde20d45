//! `workspace <account> [n]`: the workspaces of an account, and the way to another one.
//!
//! A sign-in belongs to one workspace (decisions.md D17, D21), so another one is used through the account that is
//! signed in to it: that account is switched to, the official CLI follows, and its limits are read.

use crate::app::effect::{Effect, Effects, UpstreamEffect};
use crate::app::flows::{Step, Ticket, switch};
use crate::app::goal::Seating;
use crate::app::msg::{Msg, UpstreamMsg};
use crate::app::outcome::{Body, Outcome, Seats, Switched};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::change::Pin;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::workspace::{Seat, choose_seat, own_seat};

const COMMAND: &str = "workspace";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    seating: Seating,
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    World,
    Switch(Box<switch::Flow>, AccountKey),
    Limits(Box<Switched>, Exit, AccountKey),
}

impl Flow {
    /// A flow that waits for the pool.
    pub fn new(ticket: Ticket, seating: Seating) -> Self {
        Self { ticket, seating, stage: Stage::World }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        match &mut self.stage {
            Stage::World if !world.is_complete() => Step::Wait(Effects::new()),
            Stage::World => match self.begin(world, at) {
                Ok(step) => step,
                Err(problem) => end(problem.exit, Body::Problem(problem)),
            },
            Stage::Switch(flow, key) => {
                let (step, key) = (flow.on(message, world, at), key.clone());
                self.switched(step, key)
            }
            Stage::Limits(switched, exit, key) => {
                let heard = matches!(message, Msg::Upstream(UpstreamMsg::Usage(ticket, ..)) if *ticket == self.ticket);
                if !heard {
                    return Step::Wait(Effects::new());
                }
                match seats(key, Some(switched.clone()), world, at) {
                    Ok(seats) => end(*exit, Body::Seats(Box::new(seats))),
                    Err(problem) => end(problem.exit, Body::Problem(problem)),
                }
            }
        }
    }

    fn begin(&mut self, world: &World, at: Moment) -> Result<Step, Problem> {
        if let Some(problem) = &world.trouble {
            return Err(problem.clone());
        }
        let key = world.meant(&self.seating.account)?;
        let shown = seats(&key, None, world, at)?;
        let Some(number) = self.seating.workspace else {
            return Ok(end(Exit::Ok, Body::Seats(Box::new(shown))));
        };
        let Some(account) = world.roster.get(&key) else { return Err(gone()) };
        match choose_seat(account, number.saturating_sub(1), &world.roster) {
            Seat::Own => Ok(end(Exit::Ok, Body::Seats(Box::new(shown)))),
            Seat::Held(other) => {
                let whom = switch::Whom::Key(other.clone());
                let mut flow = switch::Flow::new(self.ticket, whom, Pin::Set);
                let step = flow.on(&Msg::Ticked, world, at);
                self.stage = Stage::Switch(Box::new(flow), other.clone());
                Ok(self.switched(step, other))
            }
            Seat::Foreign(id) => Err(Problem::new(
                "needs-login",
                Exit::Attention,
                format!("workspace {number} needs a sign-in of its own"),
            )
            .because("one sign-in belongs to one workspace; no account of the pool is signed in to that one")
            .hint(Hint::Run(format!("login --org {id}")))),
            Seat::Disabled => Err(Problem::new(
                "wrong-workspace",
                Exit::Failed,
                format!("workspace {number} is switched off or gone"),
            )),
            Seat::Informational => Err(Problem::new(
                "bad-argument",
                Exit::Usage,
                format!("workspace {number} is a platform organisation"),
            )
            .because("it is listed for information; the back end refuses requests with its id")),
            Seat::Unknown => {
                let count = account.workspaces.len();
                let range = if count == 0 { "none is listed".to_owned() } else { format!("1-{count}") };
                Err(Problem::new(
                    "out-of-range",
                    Exit::Usage,
                    format!("there is no workspace {number}: {range}"),
                )
                .hint(Hint::Run(format!("workspace {}", self.seating.account))))
            }
        }
    }

    fn switched(&mut self, step: Step, key: AccountKey) -> Step {
        let (mut effects, outcome) = match step {
            Step::Wait(effects) => return Step::Wait(effects),
            Step::Done(effects, outcome) => (effects, outcome),
        };
        let exit = outcome.exit;
        let Body::Switched(switched) = outcome.body else {
            return Step::Done(effects, Box::new(Outcome { command: COMMAND, ..*outcome }));
        };
        effects.push(Effect::Upstream(UpstreamEffect::Usage(self.ticket, key.clone())));
        self.stage = Stage::Limits(switched, exit, key);
        Step::Wait(effects)
    }
}

fn seats(
    key: &AccountKey,
    switched: Option<Box<Switched>>,
    world: &World,
    at: Moment,
) -> Result<Seats, Problem> {
    let account = world.roster.get(key).ok_or_else(gone)?;
    Ok(Seats {
        account: world.named(key).ok_or_else(gone)?,
        workspaces: account.workspaces.clone(),
        own: own_seat(account),
        quota: world.quota.get(key).filter(|_| switched.is_some()).cloned(),
        switched,
        at,
    })
}

fn gone() -> Problem {
    Problem::new("unknown-account", Exit::Usage, "that account is gone")
}

fn end(exit: Exit, body: Body) -> Step {
    Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
}
