//! Using the account that the forecast recommends.

use super::Ui;
use super::act::named;
use crate::app::goal::Tab;
use crate::app::intent::Intent;
use crate::app::screens::forecast::Offer;
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;
use crate::domain::change::Pin;

impl Ui {
    /// Uses the recommended account, unless it is in use already; from elsewhere shows it first.
    pub(super) fn use_best(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        if !self.is_looking_ahead() {
            return self.offer_best(world, at);
        }
        self.outlook.offer = Offer::No;
        let best = self.outlook.forecast.as_ref().and_then(|forecast| forecast.selected()).cloned();
        let Some(best) = best else {
            let why = self.outlook.forecast.as_ref().map_or_else(String::new, |one| one.reason.clone());
            self.say(Toast::new(Level::Warn, "key b", clean(&why).into_owned()), world, at);
            return Vec::new();
        };
        let is_free = world.roster.pin.as_ref().is_none_or(|pin| *pin == best.key);
        let is_active = world.roster.active.as_ref() == Some(&best.key);
        let Some(account) = world.roster.get(&best.key) else { return Vec::new() };
        if is_active && is_free && account.is_on() {
            let text = format!("{} is selected already", named(world, account));
            self.say(Toast::new(Level::Info, "key b", text), world, at);
            return Vec::new();
        }
        self.choose(account, Pin::Clear, world, at)
    }

    /// Opens the ranking on the recommended account; enter, or the same key again, uses it.
    fn offer_best(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        self.outlook.offer = Offer::Best;
        self.outlook.cursor = None;
        let intents = self.go(Tab::Forecast, world, at);
        if let Some(forecast) = self.outlook.forecast.as_ref().filter(|_| self.tab == Tab::Forecast) {
            let text = match forecast.selected().and_then(|best| world.roster.get(&best.key)) {
                Some(account) => format!("{}: {}", named(world, account), clean(&forecast.reason)),
                None => clean(&forecast.reason).into_owned(),
            };
            self.say(Toast::new(Level::Info, "key b", text), world, at);
        }
        intents
    }
}
