//! Running flows and their tickets.
//!
//! A flow is one feature as a small state machine; a key and a subcommand are two ways to start it. An answer
//! carries the ticket of the flow that asked; an answer with an unknown ticket is dropped.

pub mod best;
pub mod bridge;
pub mod check;
pub mod chore;
pub mod config;
pub mod doctor;
pub mod fix;
pub mod flagged;
pub mod forecast;
pub mod forward;
pub mod history;
pub mod login;
pub mod models;
pub mod policy;
pub mod report;
pub mod rotation;
pub mod rules;
pub mod serve;
pub mod status;
pub mod survey;
pub mod switch;
pub mod toggle;
pub mod undo;
pub mod uninstall;
pub mod unpin;
pub mod usage;
pub mod vault;
pub mod verify;
pub mod why;
pub mod workspace;

use std::collections::BTreeMap;

use crate::app::effect::Effects;
use crate::app::msg::Msg;
use crate::app::outcome::Outcome;
use crate::app::world::World;
use crate::base::Moment;

/// Names a running flow; answers carry it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a flow wants after a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Go on waiting; perform these meanwhile.
    Wait(Effects),
    /// Finished; perform these and report.
    Done(Effects, Box<Outcome>),
}

/// A running flow.
#[derive(Debug, Clone, PartialEq)]
pub enum Flow {
    /// `status`, `list`, `monitor`.
    Status(status::Flow),
    /// `switch`, keys `s S 1-9`.
    Switch(switch::Flow),
    /// `unpin`, key `p`.
    Unpin(unpin::Flow),
    /// Key `e`.
    Toggle(toggle::Flow),
    /// Key `u`.
    Undo(undo::Flow),
    /// `check`, keys `c C`.
    Check(check::Flow),
    /// `forecast`.
    Forecast(Box<forecast::Flow>),
    /// `report`.
    Report(Box<report::Flow>),
    /// `verify-flagged`.
    Flagged(Box<flagged::Flow>),
    /// `workspace`.
    Workspace(Box<workspace::Flow>),
    /// `config …`, `init-config`.
    Config(config::Flow),
    /// `best`.
    Best(Box<best::Flow>),
    /// `account pause` and the like, `account policy list`.
    Policy(policy::Flow),
    /// `budget …`, `profile …`.
    Rules(Box<rules::Flow>),
    /// `backup …`, `export`, `import`, `account …`, `flagged …`.
    Vault(Box<vault::Flow>),
    /// `why-selected`.
    Why(why::Flow),
    /// `usage`.
    Usage(Box<usage::Flow>),
    /// `models`.
    Models(models::Flow),
    /// `doctor`.
    Doctor(Box<doctor::Flow>),
    /// `fix`.
    Fix(Box<fix::Flow>),
    /// `verify`, `usage rotate`.
    Verify(Box<verify::Flow>),
    /// `bridge …`, `integrations`.
    Bridge(bridge::Flow),
    /// `history …`.
    History(history::Flow),
    /// `rotation …`.
    Rotation(Box<rotation::Flow>),
    /// `uninstall`.
    Uninstall(uninstall::Flow),
    /// `setup`, `features`, the launcher.
    Chore(chore::Flow),
    /// `codex …`.
    Forward(forward::Flow),
    /// `serve`.
    Serve(serve::Flow),
    /// `login`.
    Login(Box<login::Flow>),
}

impl Flow {
    fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        match self {
            Self::Status(flow) => flow.on(message, world, at),
            Self::Switch(flow) => flow.on(message, world, at),
            Self::Unpin(flow) => flow.on(message, world, at),
            Self::Toggle(flow) => flow.on(message, world, at),
            Self::Undo(flow) => flow.on(message, world, at),
            Self::Check(flow) => flow.on(message, world, at),
            Self::Forecast(flow) => flow.on(message, world, at),
            Self::Report(flow) => flow.on(message, world, at),
            Self::Flagged(flow) => flow.on(message, world, at),
            Self::Workspace(flow) => flow.on(message, world, at),
            Self::Config(flow) => flow.on(message, world),
            Self::Best(flow) => flow.on(message, world, at),
            Self::Policy(flow) => flow.on(message, world, at),
            Self::Rules(flow) => flow.on(message, world, at),
            Self::Vault(flow) => flow.on(message, world, at),
            Self::Why(flow) => flow.on(message, world, at),
            Self::Usage(flow) => flow.on(message, world, at),
            Self::Models(flow) => flow.on(world, at),
            Self::Doctor(flow) => flow.on(message, world, at),
            Self::Fix(flow) => flow.on(message, world, at),
            Self::Verify(flow) => flow.on(message, world, at),
            Self::Bridge(flow) => flow.on(message),
            Self::History(flow) => flow.on(message, world, at),
            Self::Rotation(flow) => flow.on(message, world, at),
            Self::Uninstall(flow) => flow.on(message, world),
            Self::Chore(flow) => flow.on(message, world),
            Self::Forward(flow) => flow.on(message, world, at),
            Self::Serve(flow) => flow.on(message, world, at),
            Self::Login(flow) => flow.on(message, world, at),
        }
    }
}

/// All running flows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flows {
    next: u64,
    running: BTreeMap<Ticket, Flow>,
}

impl Flows {
    /// A fresh ticket.
    pub fn ticket(&mut self) -> Ticket {
        self.next += 1;
        Ticket(self.next)
    }

    /// Keeps a started flow under its ticket.
    pub fn keep(&mut self, ticket: Ticket, flow: Flow) {
        self.running.insert(ticket, flow);
    }

    /// Whether anything runs.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// The flows that run, oldest first.
    pub fn running(&self) -> impl Iterator<Item = (Ticket, &Flow)> {
        self.running.iter().map(|(ticket, flow)| (*ticket, flow))
    }

    /// Stops a flow; its late answers are dropped.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<Flow> {
        self.running.remove(&ticket)
    }

    /// Shows a message to every flow; returns the effects and the outcomes of those that finished.
    pub fn hear(&mut self, message: &Msg, world: &World, at: Moment) -> (Effects, Vec<(Ticket, Outcome)>) {
        let mut effects = Effects::new();
        let mut finished = Vec::new();
        self.running.retain(|ticket, flow| match flow.on(message, world, at) {
            Step::Wait(more) => {
                effects.extend(more);
                true
            }
            Step::Done(more, outcome) => {
                effects.extend(more);
                finished.push((*ticket, *outcome));
                false
            }
        });
        (effects, finished)
    }
}
