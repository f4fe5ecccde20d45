//! The acknowledgement and the first start in the interface.

use super::Ui;
use crate::app::action::Action;
use crate::app::flows::login::Survey;
use crate::app::geometry::Kind;
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::terms::{Terms, Then};
use crate::app::screens::welcome::{Backups, Choice, Welcome};
use crate::app::world::World;
use crate::base::Moment;

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
        Vec::new()
    }
}
