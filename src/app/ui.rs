//! Everything between the person and the world: tabs, screens, overlays, toasts.

use crate::app::goal::{Entry, Tab};
use crate::app::input::Input;
use crate::app::intent::Intent;
use crate::app::msg::Msg;
use crate::app::outcome::Outcome;
use crate::app::world::World;
use crate::base::{Moment, Span};

/// The state of the screens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ui {
    tab: Tab,
}

impl Ui {
    /// The screens as `entry` opens them.
    pub fn new(entry: &Entry, _: (u16, u16), _: &str) -> Self {
        Self { tab: entry.tab.unwrap_or_default() }
    }

    /// The open tab.
    pub fn tab(&self) -> Tab {
        self.tab
    }

    /// Whether the narrow pane is shown.
    pub fn is_pane(&self) -> bool {
        false
    }

    /// Takes what the person did.
    pub fn on_input(&mut self, _: &Input, _: &World, _: Moment) -> Vec<Intent> {
        Vec::new()
    }

    /// Hears a message after the world has taken it in.
    pub fn hear(&mut self, _: &Msg, _: &World, _: Moment) {}

    /// Hears how a flow ended.
    pub fn finished(&mut self, _: &Outcome, _: &World, _: Option<Moment>, _: Moment) {}

    /// How often a tick is wanted, if anything moves.
    pub fn moving(&self, _: &World, _: Moment) -> Option<Span> {
        None
    }
}
