//! The wizard's place in the interface.

use super::Ui;
use super::hear::problem_told;
use crate::app::action::Action;
use crate::app::flows::Ticket;
use crate::app::flows::login::{Ending, Method, Request, Standing};
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::wizard::{Again, Leave, Stage, Then, Way, Wizard};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::login::browser::Outlook;
use crate::domain::problem::Exit;

/// Whether an ending was shown by the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It was.
    Here,
    /// Nobody showed it yet.
    Not,
    /// The program was started for it, and is to end.
    Leave,
}

impl Ui {
    /// The open wizard.
    pub fn wizard(&self) -> Option<&Wizard> {
        let is_one = |overlay: &&Overlay| matches!(overlay, Overlay::Wizard(_));
        let found = self.overlays.iter().rev().find(is_one);
        found.and_then(|overlay| if let Overlay::Wizard(wizard) = overlay { Some(&**wizard) } else { None })
    }

    fn wizard_mut(&mut self) -> Option<&mut Wizard> {
        self.overlays.iter_mut().rev().find_map(|overlay| {
            if let Overlay::Wizard(wizard) = overlay { Some(&mut **wizard) } else { None }
        })
    }

    pub(super) fn add_account(&mut self) {
        if self.wizard().is_none() {
            let wizard = self.fresh_wizard();
            self.overlays.push(Overlay::Wizard(Box::new(wizard)));
        }
    }

    /// A wizard whose cursor stands on what fits the surroundings.
    fn fresh_wizard(&self) -> Wizard {
        Wizard { place: self.fitting_place(), ..Wizard::default() }
    }

    /// The row of the menu that fits the surroundings.
    fn fitting_place(&self) -> usize {
        match self.welcome.survey.as_ref().map(|survey| survey.outlook) {
            None | Some(Outlook::Likely) => 0,
            Some(Outlook::Suppressed) => Way::Paste.place(),
            Some(Outlook::Unlikely(_)) => Way::Device.place(),
        }
    }

    /// Opens the wizard on a way at once.
    pub(super) fn sign_in_by(&mut self, way: Way, _world: &World) -> Vec<Intent> {
        self.begin(self.fresh_wizard(), way)
    }

    /// Opens the wizard for an account that is to sign in again.
    pub fn sign_in_again(&mut self, key: &AccountKey, world: &World) -> Vec<Intent> {
        let Some(named) = world.named(key) else { return Vec::new() };
        self.overlays.retain(|overlay| !matches!(overlay, Overlay::Wizard(_)));
        let again = Again { key: named.key, label: named.label };
        let wizard = Wizard { again: Some(again), ..self.fresh_wizard() };
        self.overlays.push(Overlay::Wizard(Box::new(wizard)));
        Vec::new()
    }

    /// Opens what a `login` on the command line asks for: a way, or the menu, or the first start.
    pub fn open_sign_in(&mut self, request: Request, world: &World, at: Moment) -> Vec<Intent> {
        let suppressed =
            self.welcome.survey.as_ref().is_some_and(|survey| survey.outlook == Outlook::Suppressed);
        let way = match Way::of(&request.method) {
            None if suppressed => Some(Way::Paste),
            way => way,
        };
        let again = match request.whom.as_deref().map(|word| world.meant(word)) {
            Some(Err(problem)) => {
                self.toasts.push(problem_told(&problem), world.settings.toast_duration, at);
                return Vec::new();
            }
            Some(Ok(key)) => world.named(&key).map(|named| Again { key: named.key, label: named.label }),
            None => None,
        };
        let leave = if request.method == Method::Fitting { Leave::Screen } else { Leave::Program };
        let wizard = Wizard {
            workspace: request.workspace,
            consent: request.consent,
            leave,
            again,
            ..self.fresh_wizard()
        };
        if let Some(way) = way {
            return self.begin(wizard, way);
        }
        // The first start is the menu of an empty pool.
        if !self.is_welcoming(world) || wizard.workspace.is_some() {
            self.overlays.push(Overlay::Wizard(Box::new(wizard)));
        }
        Vec::new()
    }

    fn begin(&mut self, wizard: Wizard, way: Way) -> Vec<Intent> {
        let (wizard, intents) = wizard.begin(way);
        self.overlays.push(Overlay::Wizard(wizard));
        intents
    }

    pub(super) fn act_on_wizard(
        &mut self,
        wizard: Wizard,
        action: Action,
        world: &World,
        at: Moment,
    ) -> Vec<Intent> {
        let was_stored = matches!(wizard.stage, Stage::Stored(_));
        match wizard.act(action) {
            Then::Close(intents) => intents,
            Then::Stay(mut wizard, intents) => {
                if was_stored && wizard.stage == Stage::Choose {
                    wizard.place = self.fitting_place();
                }
                self.overlays.push(Overlay::Wizard(wizard));
                intents
            }
            Then::Backups(mut intents) => {
                intents.extend(self.go_to_backups(world, at));
                intents
            }
            Then::Found(mut intents) => {
                intents.extend(self.look_for_sign_ins());
                intents
            }
        }
    }

    /// A sign-in of the wizard began under this ticket.
    pub fn sign_in_began(&mut self, ticket: Ticket) {
        if let Some(wizard) = self.wizard_mut() {
            wizard.ticket = Some(ticket);
        }
    }

    /// Where a sign-in stands now.
    pub fn sign_in_stands(&mut self, ticket: Ticket, standing: Standing) {
        if let Some(wizard) = self.wizard_mut().filter(|wizard| wizard.ticket == Some(ticket)) {
            wizard.stage = Stage::Running(standing);
            // What was said to be under way has its answer.
            wizard.note.clear();
        }
    }

    /// A sign-in ended: the wizard says how, and offers what can be done now.
    pub fn sign_in_ended(&mut self, ticket: Ticket, ending: &Ending, world: &World) -> Shown {
        let Some(wizard) = self.wizard_mut().filter(|wizard| wizard.ticket == Some(ticket)) else {
            return Shown::Not;
        };
        wizard.ticket = None;
        wizard.most = Some(world.settings.max_accounts).filter(|most| *most > 0);
        wizard.field = None;
        wizard.note.clear();
        let leave = wizard.leave;
        match ending {
            Ending::Done(_) if leave == Leave::Program => Shown::Leave,
            Ending::Done(done) => {
                wizard.stage = Stage::Stored(done.clone());
                Shown::Here
            }
            Ending::Failed(problem) if problem.exit != Exit::Cancelled => {
                wizard.stage = Stage::Failed(problem.clone());
                Shown::Here
            }
            Ending::Failed(_) if leave == Leave::Program => Shown::Leave,
            Ending::Failed(_) | Ending::Printed { .. } => {
                self.overlays.retain(|overlay| !matches!(overlay, Overlay::Wizard(_)));
                Shown::Not
            }
        }
    }
}
