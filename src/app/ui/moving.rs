//! How often the clock matters to what is shown.

use super::Ui;
use crate::app::geometry::Kind;
use crate::app::goal::Tab;
use crate::app::overlays::wizard::Wizard;
use crate::app::world::World;
use crate::base::{Moment, Span};

impl Ui {
    /// How often time must be told while nothing else happens; `None` when nothing shown depends on it.
    pub fn moving(&self, world: &World, at: Moment) -> Option<Span> {
        let offered = self.undo_until.is_some_and(|until| until > at);
        let busy = !world.checking.is_empty();
        if busy {
            return Some(Span::millis(250));
        }
        if self.wizard().is_some_and(Wizard::is_waiting) {
            return Some(Span::seconds(1));
        }
        if offered || self.toasts.standing(at).is_some() {
            return Some(Span::seconds(1));
        }
        let fresh = self.accounts.oldest.is_some_and(|oldest| at.since(oldest) < Span::minutes(1));
        let ends_soon = world.roster.accounts.iter().any(|account| {
            account.cooling_until(at).is_some_and(|rest| at.until(rest.until) < Span::minutes(1))
        });
        let running = self.tab == Tab::Monitor && self.monitor.sums.in_flight > 0;
        if fresh || ends_soon || running {
            return Some(Span::seconds(1));
        }
        let dated = !Self::is_bare(world) || self.layout().kind == Kind::Wide;
        dated.then_some(Span::seconds(10))
    }
}
