//! The dashboard's threshold: the acknowledgement before anything else, then what the command line asked for.

use crate::app::effect::{Effect, Effects, LoginEffect};
use crate::app::flows::login::LoginMsg;
use crate::app::intent::Intent;
use crate::app::model::Model;
use crate::app::msg::Msg;
use crate::app::overlays::terms::{Answer, Background};
use crate::app::threshold::{Pool, Stage};
use crate::app::toasts::{Level, Toast};
use crate::base::Moment;
use crate::domain::problem::Exit;
use crate::domain::settings::edit::Edit;
use crate::domain::settings::schema::row;
use crate::domain::terms::{By, Gate, LINES};

impl Model {
    /// Hears what the surroundings say, and steps over when nothing stands in the way any more.
    pub(super) fn step_over(&mut self, message: &Msg, at: Moment) -> Effects {
        let Stage::Looking(ticket) = self.threshold.stage else { return Effects::new() };
        if let Msg::Login(other, LoginMsg::Surveyed(survey)) = message
            && *other == ticket
        {
            self.threshold.survey = Some((**survey).clone());
            self.ui.surroundings((**survey).clone());
        }
        let pool = match &self.world {
            world if !world.loaded || !world.settled => Pool::Unknown,
            world if world.setting.demo.is_some() => Pool::Rehearsed,
            world if world.trouble.is_some() => Pool::Unreadable,
            world => Pool::Of(world.roster.accounts.len()),
        };
        match self.threshold.due(pool) {
            None => Effects::new(),
            Some(Gate::Ask) => {
                self.threshold.stage = Stage::Asking;
                self.ui.ask_terms();
                Effects::new()
            }
            Some(Gate::Open) => self.inside(at),
            Some(Gate::Record(by)) => {
                if by == By::Notice {
                    let lines = LINES.into_iter();
                    let mut toast =
                        Toast::new(Level::Info, "terms", "independent project, your own accounts");
                    for line in lines {
                        toast = toast.with(line);
                    }
                    self.ui.toast(toast, &self.world, at);
                }
                let mut effects = vec![Effect::Login(ticket, LoginEffect::Acknowledge(by))];
                effects.extend(self.inside(at));
                effects
            }
        }
    }

    /// The acknowledgement was answered.
    pub(super) fn answer_terms(&mut self, answer: Answer, at: Moment) -> Effects {
        let Answer::Agreed(background) = answer else {
            self.exit = Some(Exit::Cancelled);
            return Effects::new();
        };
        let ticket = self.flows.ticket();
        let mut effects = vec![Effect::Login(ticket, LoginEffect::Acknowledge(By::Dashboard))];
        let word = match background {
            Background::Off => "off",
            Background::On => "on",
        };
        let row = row("backgroundNetwork");
        let edits: Vec<Edit> =
            row.and_then(|row| Some(Edit::set(row, row.parse(word).ok()?))).into_iter().collect();
        effects.extend(self.obey(Intent::Configure(edits), at));
        effects.extend(self.inside(at));
        effects
    }

    fn inside(&mut self, at: Moment) -> Effects {
        self.threshold.stage = Stage::Open;
        let Some(request) = self.threshold.wanted.take() else { return Effects::new() };
        let intents = self.ui.open_sign_in(request, &self.world, at);
        intents.into_iter().flat_map(|intent| self.obey(intent, at)).collect()
    }
}
