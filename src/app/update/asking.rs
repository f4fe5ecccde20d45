//! Commands that a screen starts, and questions of flows: in the dashboard they lie over the screen.

use crate::app::checkup::{self, Act, Heard};
use crate::app::effect::{Effect, Effects, Query};
use crate::app::flows::Ticket;
use crate::app::goal::Command;
use crate::app::intent::Intent;
use crate::app::model::Model;
use crate::app::msg::{Msg, Reply};
use crate::app::overlays::Overlay;
use crate::app::overlays::ask::{Ask, Purpose};
use crate::app::overlays::confirm::Confirm;
use crate::base::Moment;
use crate::base::text::clean;

impl Model {
    /// Does what a command does; its outcome is shown as if the program had been started for it.
    pub(super) fn run(&mut self, command: &Command, at: Moment) -> Effects {
        let ticket = self.flows.ticket();
        self.shows.insert(ticket);
        self.flows.keep(ticket, super::flow_of(ticket, command));
        self.reply(&Msg::Ticked, at)
    }

    /// Lets the flows hear a message that came from no port.
    pub(super) fn reply(&mut self, message: &Msg, at: Moment) -> Effects {
        let (mut effects, finished) = self.flows.hear(message, &self.world, at);
        self.guess(&effects);
        for (ticket, outcome) in finished {
            effects.extend(self.finish(ticket, outcome, at));
        }
        effects
    }

    /// Puts the questions among the effects over the screen; the rest goes on.
    pub(super) fn ask_on_screen(&mut self, effects: Effects, at: Moment) -> Effects {
        let mut rest = Effects::new();
        for effect in effects {
            if let Effect::Ask(ticket, query) = &effect {
                self.ui.overlays.push(asked(*ticket, query));
            } else if let Effect::Checkup(ticket, Act::Ask(question)) = &effect {
                self.ui.overlays.push(checked(*ticket, question));
            } else {
                rest.push(effect);
            }
        }
        self.now = at;
        rest
    }
}

fn asked(ticket: Ticket, query: &Query) -> Overlay {
    let reply = |reply| Intent::Reply(Box::new(Msg::Answered(ticket, reply)));
    let confirm = |title: &str, act: &'static str, lines: &[String]| {
        let question = Confirm::new(title.to_owned(), "Leave it", act, [reply(Reply::Yes)]);
        Overlay::Confirm(said(question, lines).else_then(reply(Reply::No)))
    };
    match query {
        Query::YesNo { lines, act } => confirm("Go on?", named(act), lines),
        Query::Agree { lines } => confirm("Do you agree?", "I agree", lines),
        Query::Word { lines, word } => {
            let ask = Ask::new("Are you sure?", "type the word", Purpose::Word(ticket, word));
            Overlay::Ask(lines.iter().fold(ask, |ask, line| ask.saying(clean(line.trim()).into_owned())))
        }
    }
}

/// Short acts are named as they are; others would not fit a button.
fn named(act: &'static str) -> &'static str {
    if act.len() <= 16 { act } else { "Go on" }
}

fn checked(ticket: Ticket, question: &checkup::Question) -> Overlay {
    let reply = |reply| Intent::Reply(Box::new(Msg::Checkup(ticket, Heard::Answered(reply))));
    let confirm =
        Confirm::new("Safe repairs".to_owned(), "Leave everything", "Do it", [reply(checkup::Reply::Yes)]);
    Overlay::Confirm(said(confirm, &question.lines).else_then(reply(checkup::Reply::No)))
}

fn said(question: Confirm, lines: &[String]) -> Confirm {
    let lines: Vec<String> = lines.iter().map(|line| clean(line.trim()).into_owned()).collect();
    question.saying(lines.join("\n"))
}
