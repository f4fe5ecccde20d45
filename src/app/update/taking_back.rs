//! What can be taken back, and taking it back.

use crate::app::effect::Effects;
use crate::app::flows::{Flow, Ticket, undo};
use crate::app::model::Model;
use crate::app::outcome::{Body, Outcome};
use crate::app::undo::{Inverse, Undo};
use crate::base::{Moment, Span};
use crate::domain::change::Change;
use crate::domain::problem::{Exit, Hint, Problem};

/// How long an act can be taken back (dashboard.md §11.8).
pub(super) const UNDO: Span = Span::seconds(8);

impl Model {
    pub(super) fn take_back(&mut self, at: Moment) -> Effects {
        let Some(offer) = self.undo.take() else { return Effects::new() };
        if let Some(why) = offer.refused(self.world.roster.generation, at) {
            let problem = Problem::new("pool-changed", Exit::Failed, why)
                .hint(Hint::Say("Choose the account again".to_owned()));
            let outcome = Outcome { command: "undo", exit: Exit::Failed, body: Body::Problem(problem) };
            self.ui.finished(&outcome, &self.world, None, at);
            return Effects::new();
        }
        let ticket = self.flows.ticket();
        let (flow, effects) = undo::Flow::start(ticket, offer);
        self.guess(&effects);
        self.flows.keep(ticket, Flow::Undo(flow));
        effects
    }

    pub(super) fn promise(&mut self, ticket: Ticket, what: String, inverse: Vec<Change>, at: Moment) {
        self.promise_any(ticket, what, Inverse::Changes(inverse), at);
    }

    pub(super) fn promise_any(&mut self, ticket: Ticket, what: String, inverse: Inverse, at: Moment) {
        let generation = self.world.roster.generation;
        self.pending.insert(ticket, Undo { what, inverse, generation, until: at + UNDO });
    }
}
