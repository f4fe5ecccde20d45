//! `verify` and `usage rotate`: short answers from the files.

use crate::app::checkup::{Act, Heard, Part, Paths, Report, Rotating, Verified, Verifying};
use crate::app::effect::{Effect, Effects};
use crate::app::flows::{Step, Ticket, flagged};
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
    stage: Stage,
    paths: Option<Paths>,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// Nothing was asked yet.
    Begin,
    /// Waits for paths, or for the ledger.
    Files,
    /// Flagged accounts are being tried.
    Flagged(Box<flagged::Flow>),
}

impl Flow {
    /// A flow that asks with the first message.
    pub fn new(ticket: Ticket, kind: Kind) -> Self {
        Self { ticket, kind, stage: Stage::Begin, paths: None }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        match &mut self.stage {
            Stage::Begin => self.begin(message, world, at),
            Stage::Files => self.files(message, world, at),
            Stage::Flagged(inner) => {
                let step = inner.on(message, world, at);
                self.tried(step)
            }
        }
    }

    fn begin(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        let act = match self.kind {
            Kind::Verify(order) if order.part == Part::Flagged => {
                return self.try_flagged(message, world, at);
            }
            Kind::Verify(_) => Act::Paths,
            Kind::Rotate(rotating) => Act::Rotate(rotating),
        };
        self.stage = Stage::Files;
        Step::Wait(vec![Effect::Checkup(self.ticket, act)])
    }

    fn files(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        let Msg::Checkup(ticket, heard) = message else { return Step::Wait(Effects::new()) };
        if *ticket != self.ticket {
            return Step::Wait(Effects::new());
        }
        match (&self.kind, heard) {
            (Kind::Verify(order), Heard::Paths(paths)) => {
                let is_all = order.part == Part::All;
                self.paths = Some(paths.clone());
                if is_all {
                    self.try_flagged(message, world, at)
                } else {
                    self.verified(Effects::new(), None)
                }
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

    fn try_flagged(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        let Kind::Verify(order) = self.kind else { return Step::Wait(Effects::new()) };
        let mut inner = flagged::Flow::new(self.ticket, order.trying);
        let step = inner.on(message, world, at);
        self.stage = Stage::Flagged(Box::new(inner));
        self.tried(step)
    }

    fn tried(&mut self, step: Step) -> Step {
        match step {
            Step::Wait(effects) => Step::Wait(effects),
            Step::Done(effects, outcome) => self.verified(effects, Some(outcome)),
        }
    }

    /// Both parts in one answer: what the flagged accounts came to weighs more than a path.
    fn verified(&mut self, effects: Effects, flagged: Option<Box<Outcome>>) -> Step {
        let part = if let Kind::Verify(order) = self.kind { order.part } else { Part::Paths };
        let paths = self.paths.take();
        let is_wrong = paths.as_ref().is_some_and(|paths| {
            paths.steps.iter().any(|step| step.error.is_some()) || paths.sandbox.iter().any(|test| !test.ok)
        });
        let own = if is_wrong { Exit::Attention } else { Exit::Ok };
        let exit =
            flagged.as_ref().map(|outcome| outcome.exit).filter(|exit| *exit != Exit::Ok).unwrap_or(own);
        let report = Report::Verify(Verified { part, paths, flagged });
        let body = Body::Checkup(Box::new(report));
        Step::Done(effects, Box::new(Outcome { command: "verify", exit, body }))
    }
}

fn done(command: &'static str, exit: Exit, body: Body) -> Step {
    Step::Done(Effects::new(), Box::new(Outcome { command, exit, body }))
}
