//! Between the screens: tabs, filters, back and out.

use super::Ui;
use crate::app::geometry::Kind;
use crate::app::goal::Tab;
use crate::app::intent::Intent;
use crate::app::overlays::confirm::Deed;
use crate::app::screens::forecast::Offer;
use crate::app::screens::logs::Pane;
use crate::app::screens::monitor::Rows;
use crate::app::screens::settings::Side;
use crate::app::world::World;
use crate::base::Moment;

impl Ui {
    pub(super) fn other_tab(&mut self, by: isize, world: &World, at: Moment) -> Vec<Intent> {
        self.go(self.tab.beside(by), world, at)
    }

    /// Opens a tab; unsaved settings are asked about first.
    pub(super) fn go(&mut self, tab: Tab, world: &World, at: Moment) -> Vec<Intent> {
        // The two share what is unsaved.
        if self.has_draft() && !matches!(tab, Tab::Settings | Tab::Experimental) {
            self.ask_unsaved(Some(Deed::Go(tab)));
            return Vec::new();
        }
        self.open_tab(tab, world, at)
    }

    pub(super) fn open_tab(&mut self, tab: Tab, world: &World, at: Moment) -> Vec<Intent> {
        self.tab = tab;
        self.typing = None;
        // Lists that cost something are made when they are looked at.
        self.refresh(world, at);
        vec![self.remembered()]
    }

    pub(super) fn back(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        if self.step_back(world, at) == Went::Back {
            return Vec::new();
        }
        if world.checking.is_empty() { Vec::new() } else { vec![Intent::CancelTasks] }
    }

    /// Whether something is changed and not saved where it shows.
    pub(super) fn has_draft(&self) -> bool {
        matches!(self.tab, Tab::Settings | Tab::Experimental) && self.sheet.is_dirty()
    }

    pub(super) fn leave(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        if self.has_draft() {
            self.ask_unsaved(Some(Intent::Quit.into()));
            return Vec::new();
        }
        // The two halves of the settings are one screen: leaving them leaves the tab.
        let settings = self.tab == Tab::Settings && self.sheet.needle.is_empty();
        if !settings && self.layout().kind != Kind::Pane && self.step_back(world, at) == Went::Back {
            return Vec::new();
        }
        vec![Intent::Quit]
    }

    fn step_back(&mut self, world: &World, at: Moment) -> Went {
        if self.tab == Tab::Accounts && self.detail.take().is_some() {
            return Went::Back;
        }
        if self.tab == Tab::Forecast && self.outlook.offers() {
            self.outlook.offer = Offer::No;
            return Went::Back;
        }
        if !self.filter().is_empty() {
            self.set_filter(String::new(), world, at);
            return Went::Back;
        }
        if self.tab == Tab::Usage && self.usage.back() {
            return Went::Back;
        }
        if self.tab == Tab::Monitor && std::mem::take(&mut self.bridge.open) {
            return Went::Back;
        }
        if self.tab == Tab::Monitor && self.monitor.rows == Rows::Sessions {
            self.monitor.rows = Rows::Turns;
            return Went::Back;
        }
        if self.tab == Tab::Logs && self.logs.pane == Pane::Sessions {
            self.logs.pane = Pane::Lines;
            return Went::Back;
        }
        if self.tab == Tab::Experimental && self.experimental.open && !self.sheet.is_dirty() {
            self.experimental.open = false;
            return Went::Back;
        }
        if self.has_draft() {
            self.ask_unsaved(None);
            return Went::Back;
        }
        if self.tab == Tab::Settings && self.sheet.side == Side::Rows {
            self.sheet.side = Side::Groups;
            return Went::Back;
        }
        Went::Nowhere
    }

    pub(super) fn set_filter(&mut self, text: String, world: &World, at: Moment) {
        match self.tab {
            Tab::Accounts => {
                self.accounts.filter = text;
                self.accounts.refresh(world, at);
            }
            Tab::Forecast | Tab::Experimental => {}
            Tab::Logs if self.logs.pane == Pane::Sessions => {
                self.logs.session_needle = text;
                self.logs.list_sessions();
            }
            Tab::Logs => {
                self.logs.needle = text;
                self.logs.seek(world, 0);
            }
            Tab::Usage => {
                self.usage.filter = text;
                self.usage.list(world);
            }
            Tab::Monitor => {
                self.monitor.filter = text;
                self.monitor.refresh(world, at);
            }
            Tab::Settings if text.is_empty() => {
                self.sheet.search(text);
                self.sheet.list(world);
            }
            Tab::Settings => self.sheet.search(text),
        }
        self.scroll();
    }

    /// The filter of the open tab.
    pub fn filter(&self) -> &str {
        match self.tab {
            Tab::Accounts => &self.accounts.filter,
            Tab::Forecast | Tab::Experimental => "",
            Tab::Usage => &self.usage.filter,
            Tab::Monitor => &self.monitor.filter,
            Tab::Settings => &self.sheet.needle,
            Tab::Logs if self.logs.pane == Pane::Sessions => &self.logs.session_needle,
            Tab::Logs => &self.logs.needle,
        }
    }
}

/// Whether there was somewhere to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    Back,
    Nowhere,
}
