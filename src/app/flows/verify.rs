//! `verify` and `usage rotate`: short answers from the files.

use crate::app::checkup::{Act, Heard, Part, Report, Rotating, Verified, Verifying};
use crate::app::effect::{Effect, Effects};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::Msg;
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::problem::{Exit, Hint, Problem};

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `verify`.
    Verify(Verifying),
    /// `usage rotate`.
    Rotate(Rotating),
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    kind: Kind,
    asked: bool,
}

impl Flow {
    /// A flow that asks with the first message.
    pub fn new(ticket: Ticket, kind: Kind) -> Self {
        Self { ticket, kind, asked: false }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, _: &World, _: Moment) -> Step {
        if !self.asked {
            self.asked = true;
            let act = match self.kind {
                Kind::Verify(_) => Act::Paths,
                Kind::Rotate(rotating) => Act::Rotate(rotating),
            };
            return Step::Wait(vec![Effect::Checkup(self.ticket, act)]);
        }
        let Msg::Checkup(ticket, heard) = message else { return Step::Wait(Effects::new()) };
        if *ticket != self.ticket {
            return Step::Wait(Effects::new());
        }
        match (&self.kind, heard) {
            (Kind::Verify(order), Heard::Paths(paths)) => {
                let failed = paths.steps.iter().any(|step| step.error.is_some())
                    || paths.sandbox.iter().any(|test| !test.ok);
                let exit = if failed { Exit::Attention } else { Exit::Ok };
                let paths = (order.part != Part::Flagged).then(|| paths.clone());
                let verified = Verified { part: order.part, paths, flagged: None };
                done("verify", exit, Body::Checkup(Box::new(Report::Verify(verified))))
            }
            (Kind::Rotate(_), Heard::Rotated(result)) => match result {
                Ok(path) => {
                    done("usage rotate", Exit::Ok, Body::Checkup(Box::new(Report::Rotate(path.clone()))))
                }
                Err(why) => {
                    let problem = Problem::new("storage-locked", Exit::Failed, why.clone())
                        .hint(Hint::Say("Try again in a moment; no row was lost".to_owned()));
                    done("usage rotate", Exit::Failed, Body::Problem(problem))
                }
            },
            _ => Step::Wait(Effects::new()),
        }
    }
}

fn done(command: &'static str, exit: Exit, body: Body) -> Step {
    Step::Done(Effects::new(), Box::new(Outcome { command, exit, body }))
}
