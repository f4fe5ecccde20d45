//! Signals to this process: how it ends by them.

use crate::app::effect::{DesktopEffect, Effect, Effects};
use crate::app::goal::{Goal, Serving};
use crate::app::model::Model;
use crate::app::msg::Signal;
use crate::domain::problem::Exit;

impl Model {
    pub(super) fn signal(&mut self, signal: Signal) -> Effects {
        if signal == Signal::Continued {
            return vec![Effect::Desktop(DesktopEffect::Redraw)];
        }
        let asked_to_end = matches!(signal, Signal::Terminate | Signal::HangUp);
        self.exit = Some(match &self.goal {
            // To be told to end is how a router ends; its manager must not take that for a failure.
            Goal::Serve(Serving { router: Some(_), .. }) if asked_to_end => Exit::Ok,
            Goal::Serve(_) | Goal::Run(_) | Goal::Dashboard(_) | Goal::Forward(_) => {
                Exit::Signal(signal.number())
            }
        });
        Effects::new()
    }
}
