//! The acknowledgement and the first start in the interface.

use super::Ui;
use crate::app::action::Action;
use crate::app::flows::login::Survey;
use crate::app::geometry::Kind;
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::found::Found;
use crate::app::overlays::terms::{Terms, Then};
use crate::app::screens::welcome::{Backups, Choice, Welcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::problem::Problem;
use crate::domain::vault::{Act, Answer, Choice as Which, Run};

impl Ui {
    /// Whether the first start is on the screen.
    pub fn is_welcoming(&self, world: &World) -> bool {
        world.loaded
            && world.trouble.is_none()
            && Self::is_bare(world)
            && !matches!(self.layout().kind, Kind::Pane | Kind::TooSmall)
    }

    /// The ways to a first account.
    pub fn choices(&self) -> Vec<Choice> {
        let backups = if self.sheet.backups.best().is_some() { Backups::Some } else { Backups::None };
        Welcome::choices(backups)
    }

    /// The surroundings were looked at.
    pub fn surroundings(&mut self, survey: Survey) {
        self.welcome.survey = Some(survey);
    }

    /// Opens the acknowledgement over everything.
    pub fn ask_terms(&mut self) {
        self.overlays.push(Overlay::Terms(Terms::default()));
    }

    pub(super) fn act_on_terms(&mut self, open: Terms, action: Action) -> Vec<Intent> {
        match open.act(action) {
            Then::Stay(open) => {
                self.overlays.push(Overlay::Terms(open));
                Vec::new()
            }
            Then::Answer(answer) => vec![Intent::Terms(answer)],
        }
    }

    /// What a key does on the first start; `None` when it is none of its own.
    pub(super) fn act_on_welcome(
        &mut self,
        action: Action,
        world: &World,
        at: Moment,
    ) -> Option<Vec<Intent>> {
        let choices = self.choices();
        if let Some(by) = action.steps(choices.len()) {
            self.welcome.step(by, &choices);
            return Some(Vec::new());
        }
        let choice = if action == Action::Open {
            self.welcome.chosen(&choices)
        } else if let Action::UseRow(number) = action {
            choices.into_iter().find(|choice| choice.number() == number)
        } else {
            return None;
        };
        Some(match choice {
            None => Vec::new(),
            Some(Choice::SignIn(way)) => self.sign_in_by(way, world),
            Some(Choice::Restore) => self.go_to_backups(world, at),
            Some(Choice::TakeOver) => self.look_for_sign_ins(),
        })
    }

    /// Opens the list of sign-ins found on this computer.
    pub(super) fn look_for_sign_ins(&mut self) -> Vec<Intent> {
        self.overlays.push(Overlay::Found(Found::default()));
        vec![Intent::Inspect(Box::new(Act::Scan(Vec::new(), Which::All, Run::Dry)))]
    }

    /// What a look for sign-ins found.
    pub(super) fn hear_of_finds(&mut self, answer: &Result<Answer, Problem>) {
        let open = self
            .overlays
            .iter_mut()
            .find_map(|overlay| if let Overlay::Found(open) = overlay { Some(open) } else { None });
        let Some(open) = open else { return };
        match answer {
            Ok(Answer::Found(found)) if found.0.run == Run::Dry => open.fill(found.0.clone()),
            Ok(_) => {}
            Err(problem) => open.trouble = Some(problem.what.clone()),
        }
    }

    pub(super) fn act_on_found(&mut self, mut open: Found, action: Action) -> Vec<Intent> {
        if let Some(by) = action.steps(open.rows().len()) {
            open.step(by);
        } else if action == Action::Toggle {
            open.toggle();
        } else if action == Action::Open {
            let chosen = open.chosen();
            if !chosen.is_empty() {
                return vec![Intent::Vault(Box::new(Act::Scan(Vec::new(), Which::These(chosen), Run::Real)))];
            }
        } else if action == Action::AddAccount {
            self.add_account();
            return Vec::new();
        } else {
            return Vec::new();
        }
        self.overlays.push(Overlay::Found(open));
        Vec::new()
    }
}
