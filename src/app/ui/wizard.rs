//! The wizard's place in the interface.

use super::Ui;
use crate::app::action::Action;
use crate::app::flows::Ticket;
use crate::app::flows::login::{Ending, Standing};
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::wizard::{Stage, Then, Wizard};
use crate::domain::problem::Exit;

/// Whether an ending was shown by the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It was.
    Here,
    /// Nobody showed it yet.
    Not,
}

impl Ui {
    /// The open wizard.
    pub fn wizard(&self) -> Option<&Wizard> {
        self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Wizard(wizard) => Some(&**wizard),
            Overlay::Help(_)
            | Overlay::Palette(_)
            | Overlay::Confirm(_)
            | Overlay::Ask(_)
            | Overlay::Differences(_)
            | Overlay::Messages(_)
            | Overlay::Turn(_) => None,
        })
    }

    fn wizard_mut(&mut self) -> Option<&mut Wizard> {
        self.overlays.iter_mut().rev().find_map(|overlay| match overlay {
            Overlay::Wizard(wizard) => Some(&mut **wizard),
            Overlay::Help(_)
            | Overlay::Palette(_)
            | Overlay::Confirm(_)
            | Overlay::Ask(_)
            | Overlay::Differences(_)
            | Overlay::Messages(_)
            | Overlay::Turn(_) => None,
        })
    }

    pub(super) fn add_account(&mut self) {
        if self.wizard().is_none() {
            self.overlays.push(Overlay::Wizard(Box::default()));
        }
    }

    pub(super) fn act_on_wizard(&mut self, wizard: Wizard, action: Action) -> Vec<Intent> {
        match wizard.act(action) {
            Then::Close(intents) => intents,
            Then::Stay(wizard, intents) => {
                self.overlays.push(Overlay::Wizard(wizard));
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
        }
    }

    /// A sign-in ended: the wizard closes, or says why and offers the ways again.
    pub fn sign_in_ended(&mut self, ticket: Ticket, ending: &Ending) -> Shown {
        let Some(wizard) = self.wizard_mut().filter(|wizard| wizard.ticket == Some(ticket)) else {
            return Shown::Not;
        };
        wizard.ticket = None;
        wizard.field = None;
        wizard.note = "";
        if let Ending::Failed(problem) = ending
            && problem.exit != Exit::Cancelled
        {
            wizard.stage = Stage::Failed(problem.clone());
            return Shown::Here;
        }
        self.overlays.retain(|overlay| !matches!(overlay, Overlay::Wizard(_)));
        Shown::Not
    }
}
