//! The mouse: what a cell belongs to is asked of the same geometry that drew it.

use super::{Ui, badge};
use crate::app::action::Action;
use crate::app::geometry::{Kind, hits, tabs};
use crate::app::goal::Tab;
use crate::app::input::{Click, Mouse};
use crate::app::intent::Intent;
use crate::app::keys::hints::hints_of;
use crate::app::overlays::Overlay;
use crate::app::screens::settings::{GroupLine, Page, Side};
use crate::app::screens::{accounts, experimental, forecast, logs, monitor, settings, usage};
use crate::app::world::World;
use crate::base::{Moment, Span};

/// Two presses on one cell within this time open.
const DOUBLE: Span = Span::millis(400);
/// Rows per notch of the wheel.
const NOTCH: isize = 3;

impl Ui {
    pub(super) fn point(&mut self, mouse: Mouse, world: &World, at: Moment) -> Vec<Intent> {
        match mouse.click {
            Click::WheelUp => self.wheel(Action::Up, world, at),
            Click::WheelDown => self.wheel(Action::Down, world, at),
            Click::Press => self.click(mouse, world, at),
        }
    }

    fn wheel(&mut self, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        match self.overlays.last() {
            Some(
                Overlay::Confirm(_)
                | Overlay::Turn(_)
                | Overlay::Ask(_)
                | Overlay::Found(_)
                | Overlay::Terms(_)
                | Overlay::Wizard(_),
            ) => Vec::new(),
            Some(
                Overlay::Help(_)
                | Overlay::Palette(_)
                | Overlay::Messages(_)
                | Overlay::Differences(_)
                | Overlay::Wants(_)
                | Overlay::Reasons(_)
                | Overlay::Told(_)
                | Overlay::ForModel(_)
                | Overlay::Seats(_),
            ) => self.act(action, world, at),
            None if self.is_typing_value() => Vec::new(),
            None if self.tab == Tab::Settings && self.layout().kind != Kind::Pane => {
                self.move_in_settings(if action == Action::Up { -NOTCH } else { NOTCH }, world);
                self.scroll();
                Vec::new()
            }
            None => {
                self.step(world, if action == Action::Up { -NOTCH } else { NOTCH });
                self.scroll();
                Vec::new()
            }
        }
    }

    fn click(&mut self, mouse: Mouse, world: &World, at: Moment) -> Vec<Intent> {
        let Mouse { column, row, .. } = mouse;
        let layout = self.layout();
        let here = (column, row);
        let double = self.clicked.is_some_and(|(before, x, y)| (x, y) == here && at.since(before) <= DOUBLE);
        self.clicked = if double { None } else { Some((at, column, row)) };
        if hits(layout.hints, column, row) {
            let scopes = self.scopes(world);
            let room = usize::from(layout.hints.width);
            let hint =
                hints_of(&self.keys, &scopes, self.signs, self.answers(), room).into_iter().find(|hint| {
                    let start = hint.column;
                    (start..start + hint.width()).contains(&usize::from(column))
                });
            return hint.map(|hint| self.act(hint.action, world, at)).unwrap_or_default();
        }
        if !self.overlays.is_empty() {
            return Vec::new();
        }
        if layout.kind != Kind::Pane
            && let Some((tab, _)) =
                tabs(&layout, badge(world)).into_iter().find(|(_, area)| hits(*area, column, row))
        {
            return self.go(tab, world, at);
        }
        if self.tab == Tab::Settings && layout.kind != Kind::Pane {
            return self.click_settings(mouse, if double { Clicks::Two } else { Clicks::One }, world, at);
        }
        self.click_row(mouse, world);
        if double && self.typing.is_none() && self.list_row(mouse).is_some() {
            return self.act(Action::Open, world, at);
        }
        Vec::new()
    }

    /// Groups and rows are focused; a second press on the same row does what enter does.
    fn click_settings(&mut self, mouse: Mouse, clicks: Clicks, world: &World, at: Moment) -> Vec<Intent> {
        if self.is_typing_value() || self.typing.is_some() {
            return Vec::new();
        }
        let places = settings::places::places(&self.layout(), self.sheet.page, self.sheet.lines.len());
        if hits(places.groups, mouse.column, mouse.row) {
            let line = self.sheet.group_offset + usize::from(mouse.row - places.groups.y);
            if let Some(GroupLine::Page(page)) = Page::list().get(line).copied() {
                self.sheet.side = Side::Groups;
                self.sheet.needle.clear();
                self.sheet.turn_to(page, world);
            }
        } else if hits(places.list, mouse.column, mouse.row) {
            let row = usize::from(mouse.row - places.list.y);
            self.sheet.side = Side::Rows;
            self.sheet.click(row, self.layout().kind);
            if clicks == Clicks::Two {
                return self.act(Action::Open, world, at);
            }
        }
        self.scroll();
        Vec::new()
    }

    /// The list row under the mouse, counted from the first one shown.
    fn list_row(&self, mouse: Mouse) -> Option<usize> {
        let layout = self.layout();
        if self.detail.is_some() && self.tab == Tab::Accounts || layout.kind == Kind::Pane {
            return None;
        }
        let list = match self.tab {
            Tab::Forecast => forecast::places(&layout, self.outlook.order.len()).list,
            Tab::Usage if self.usage.pane != usage::Pane::Chart => return None,
            Tab::Monitor if self.bridge.open => return None,
            Tab::Usage => {
                let limits = usage::limit_lines(&self.usage.budgets);
                usage::places(&layout, self.usage.order.len(), limits).list
            }
            Tab::Accounts => accounts::places(&layout, &self.accounts).list,
            Tab::Monitor => monitor::places(&layout, self.monitor.rows, self.monitor.order.len()).list,
            Tab::Experimental => experimental::places(&layout).list,
            Tab::Logs => logs::places(&layout, self.logs.pane).list,
            Tab::Settings => return None,
        };
        let height = if self.tab == Tab::Accounts { self.accounts.row_height() } else { 1 };
        hits(list, mouse.column, mouse.row).then(|| usize::from((mouse.row - list.y) / height))
    }

    fn click_row(&mut self, mouse: Mouse, world: &World) {
        let Some(row) = self.list_row(mouse) else { return };
        match (self.tab, self.monitor.rows) {
            (Tab::Settings, _) => {}
            (Tab::Logs, _) if self.logs.pane == logs::Pane::Sessions => {
                let place = self.logs.session_offset + row;
                if place < self.logs.session_order.len() {
                    self.logs.go_session(place);
                }
            }
            (Tab::Logs, _) => {
                let place = self.logs.offset + row;
                if place < self.logs.order.len() {
                    self.logs.follow = monitor::Follow::Off;
                    self.logs.go(place);
                }
            }
            (Tab::Experimental, _) => {
                self.experimental.go(row / usize::from(experimental::row_height(self.layout().kind)));
            }
            (Tab::Accounts, _) => {
                let place = self.accounts.offset + row;
                if place < self.accounts.order.len() {
                    self.accounts.go(world, place);
                }
            }
            (Tab::Forecast, _) => {
                let place = self.outlook.offset + row;
                if place < self.outlook.order.len() {
                    self.outlook.go(place);
                }
            }
            (Tab::Usage, _) => {
                let place = self.usage.offset + row;
                if place < self.usage.order.len() {
                    self.usage.go(place);
                }
            }
            (Tab::Monitor, monitor::Rows::Turns) => {
                let place = self.monitor.offset + row;
                if place < self.monitor.order.len() {
                    self.monitor.follow = monitor::Follow::Off;
                    self.monitor.go(world, place);
                }
            }
            (Tab::Monitor, monitor::Rows::Sessions) => {
                let place = self.monitor.session_offset + row;
                if place < self.monitor.session_order.len() {
                    self.monitor.go_session(world, place);
                }
            }
        }
    }
}

/// How often a cell was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clicks {
    One,
    Two,
}
