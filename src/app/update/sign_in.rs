//! Sign-ins of the dashboard's wizard.

use crate::app::effect::{Effect, Effects, LoginEffect};
use crate::app::flows::login::{self, LoginMsg, Request};
use crate::app::flows::{Flow, Ticket};
use crate::app::goal::{Command, Entry, Goal};
use crate::app::intent::SignIn;
use crate::app::model::Model;
use crate::app::msg::Msg;
use crate::app::outcome::{Body, Outcome};
use crate::app::ui::Shown;
use crate::base::Moment;
use crate::domain::login::paste::Line;

impl Model {
    /// Does what is wished of a sign-in.
    pub(super) fn sign_in(&mut self, wish: SignIn, at: Moment) -> Effects {
        match wish {
            SignIn::Start(request) => self.start_sign_in(request, at),
            SignIn::Answer(ticket, line) => self.answer_sign_in(ticket, line, at),
            SignIn::OpenPage(ticket, url) => vec![Effect::Login(ticket, LoginEffect::Open(url))],
            SignIn::Stop(ticket) => {
                self.flows.cancel(ticket);
                vec![Effect::Cancel(ticket)]
            }
        }
    }

    /// Whether the wizard shows how its sign-in ended, so that no message has to.
    pub(super) fn wizard_shows(&mut self, ticket: Ticket, outcome: &Outcome) -> bool {
        let Body::Login(ending) = &outcome.body else { return false };
        match self.ui.sign_in_ended(ticket, ending, &self.world) {
            Shown::Here => true,
            Shown::Not => false,
            Shown::Leave => {
                self.exit = Some(self.exit.unwrap_or(outcome.exit));
                true
            }
        }
    }

    /// Starts one; an earlier one gives way.
    fn start_sign_in(&mut self, request: Request, at: Moment) -> Effects {
        let running: Vec<Ticket> = self
            .flows
            .running()
            .filter(|(_, flow)| matches!(flow, Flow::Login(_)))
            .map(|(ticket, _)| ticket)
            .collect();
        let mut effects = Effects::new();
        for ticket in running {
            self.flows.cancel(ticket);
            effects.push(Effect::Cancel(ticket));
        }
        let ticket = self.flows.ticket();
        self.ui.sign_in_began(ticket);
        if matches!(&self.goal, Goal::Dashboard(Entry { command: Some(Command::Login(_)), .. })) {
            self.entry = Some(ticket);
        }
        let mut flow = login::Flow::new(ticket, request);
        let step = flow.on(&Msg::Ticked, &self.world, at);
        effects.extend(self.keep(ticket, Flow::Login(Box::new(flow)), step, at));
        self.follow_sign_in();
        effects
    }

    /// Hands an answer on.
    fn answer_sign_in(&mut self, ticket: Ticket, line: Line, at: Moment) -> Effects {
        let message = Msg::Login(ticket, LoginMsg::Read(line));
        let (mut effects, finished) = self.flows.hear(&message, &self.world, at);
        for (ticket, outcome) in finished {
            effects.extend(self.finish(ticket, outcome, at));
        }
        self.follow_sign_in();
        effects
    }

    /// Shows where a running sign-in stands.
    pub(super) fn follow_sign_in(&mut self) {
        let standing = self.flows.running().find_map(|(ticket, flow)| {
            if let Flow::Login(flow) = flow { Some((ticket, flow.standing())) } else { None }
        });
        if let Some((ticket, standing)) = standing {
            self.ui.sign_in_stands(ticket, standing);
        }
    }
}
