//! Everything the person sees and moves in: screens, overlays, cursor, filter, messages. Keys and mouse come
//! in, intents go out; nothing here changes the pool.

mod account;
mod act;
mod best;
mod bridge;
mod experimental;
mod hear;
mod lines;
mod logs;
mod mouse;
mod moving;
mod outlook;
mod over;
mod questions;
mod rules;
mod sessions;
mod sheet;
mod vault;
mod ways;
mod welcome;
mod wizard;

pub use outlook::reasons_room;
pub use sheet::parts;
pub use wizard::Shown;

use crate::app::action::Action;
use crate::app::effect::Capture;
use crate::app::field::{Edited, Field};
use crate::app::flows::config;
use crate::app::geometry::{Kind, Layout, Mode};
use crate::app::goal::{Command, Entry, Tab};
use crate::app::input::{Input, Key};
use crate::app::intent::Intent;
use crate::app::keys::hints::Signs;
use crate::app::keys::{Found, Scope, Table};
use crate::app::lines::Lines;
use crate::app::overlays::Overlay;
use crate::app::screens::accounts::{self, Accounts};
use crate::app::screens::bridge::Bridge;
use crate::app::screens::detail::Detail;
use crate::app::screens::experimental::{Experimental, Item};
use crate::app::screens::forecast::{self, Outlook};
use crate::app::screens::logs::{self as log_screen, Logs};
use crate::app::screens::monitor::{self, Monitor, Rows};
use crate::app::screens::settings::{self, Sheet};
use crate::app::screens::usage::{self, Usage};
use crate::app::screens::welcome::Welcome;
use crate::app::toasts::Toasts;
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::usage::rollup::Figures;

/// How moments ahead are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// `1h19m`
    #[default]
    Countdown,
    /// `15:57`
    Time,
}

/// Whether e-mail addresses are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mask {
    /// As they are.
    #[default]
    Off,
    /// Two letters and the last part.
    On,
}

/// The state of the interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Ui {
    /// Columns and rows.
    pub size: (u16, u16),
    /// The open tab.
    pub tab: Tab,
    /// Whether the pane was asked for.
    pub mode: Mode,
    /// The list of accounts.
    pub accounts: Accounts,
    /// The opened account.
    pub detail: Option<Detail>,
    /// Which account next.
    pub outlook: Outlook,
    /// What was used.
    pub usage: Usage,
    /// Turns and sessions.
    pub monitor: Monitor,
    /// Settings.
    pub sheet: Sheet,
    /// Staged features.
    pub experimental: Experimental,
    /// Log, health and kept sessions.
    pub logs: Logs,
    /// The bridge.
    pub bridge: Bridge,
    /// The first start's choices.
    pub welcome: Welcome,
    /// What lies over the screen, the innermost last.
    pub overlays: Vec<Overlay>,
    /// The filter while it is typed.
    pub typing: Option<Field>,
    /// Messages.
    pub toasts: Toasts,
    /// Figures of the ledger.
    pub figures: Figures,
    /// How moments ahead are told.
    pub clock: Clock,
    /// Whether e-mail addresses are shown.
    pub mask: Mask,
    /// Whose the mouse is.
    pub mouse: Capture,
    /// How hints write keys; set once for the terminal.
    pub signs: Signs,
    /// The keys in force.
    pub keys: Table,
    /// Grows when a theme file changed.
    pub painted: u64,
    /// Set where lines take the place of the screen.
    pub lines: Option<Lines>,
    /// Whether a key was pressed yet; until then a rehearsal says that it is one.
    pub touched: Touched,
    /// Until when the last act may be taken back.
    pub undo_until: Option<Moment>,
    leader: Option<Key>,
    interrupted: Option<Moment>,
    clicked: Option<(Moment, u16, u16)>,
    heard: hear::Heard,
    /// The decision that is looked for while its turn is open.
    recalling: Option<String>,
}

/// Whether a key was pressed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Touched {
    /// Not yet.
    #[default]
    No,
    /// Yes.
    Yes,
}

impl Ui {
    /// The interface at its start: where `entry` says, else where it was left.
    pub fn new(entry: &Entry, size: (u16, u16), remembered: &str) -> Self {
        let word = |name: &str| {
            remembered.split_whitespace().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let last = Tab::ALL.into_iter().find(|tab| word("tab") == Some(tab.title()));
        Self {
            size,
            tab: entry.tab.or(last).unwrap_or_default(),
            mode: if entry.pane { Mode::Pane } else { Mode::Full },
            accounts: Accounts::default(),
            detail: None,
            outlook: outlook::opened(entry),
            usage: opened(entry),
            monitor: Monitor::default(),
            sheet: Sheet::opened_on(asked(entry)),
            experimental: Experimental::default(),
            logs: logs::opened(entry),
            bridge: Bridge::default(),
            welcome: Welcome::default(),
            overlays: Vec::new(),
            typing: None,
            toasts: Toasts::default(),
            figures: Figures::default(),
            clock: if word("clock") == Some("time") { Clock::Time } else { Clock::Countdown },
            mask: if word("emails") == Some("masked") { Mask::On } else { Mask::Off },
            mouse: Capture::On,
            signs: Signs::default(),
            keys: Table::default(),
            painted: 0,
            lines: None,
            touched: Touched::No,
            undo_until: None,
            leader: None,
            interrupted: None,
            clicked: None,
            heard: hear::Heard::default(),
            recalling: None,
        }
    }

    /// The open tab.
    pub fn tab(&self) -> Tab {
        self.tab
    }

    /// Whether the pane is shown.
    pub fn is_pane(&self) -> bool {
        self.layout().kind == Kind::Pane
    }

    /// What is kept for the next start.
    fn remembered(&self) -> Intent {
        let clock = if self.clock == Clock::Time { "time" } else { "countdown" };
        let emails = if self.mask == Mask::On { "masked" } else { "shown" };
        Intent::Remember(format!("tab={} clock={clock} emails={emails}", self.tab.title()))
    }

    /// The frame's parts.
    pub fn layout(&self) -> Layout {
        let layout = Layout::new(self.size.0, self.size.1, self.mode);
        if self.tab == Tab::Accounts && self.detail.is_some() {
            let left = (self.size.0 / 2).saturating_sub(2);
            let wide = self.size.0 - left;
            return layout.with_side(wide);
        }
        layout.with_side(layout.side_width())
    }

    /// Whether there is nothing to list.
    pub fn is_bare(world: &World) -> bool {
        world.roster.accounts.is_empty()
    }

    /// Where keys are looked up on the screen below the overlays, innermost first.
    pub fn screen_scopes(&self, world: &World) -> Vec<Scope> {
        if self.layout().kind == Kind::Pane {
            return vec![Scope::Pane, Scope::Moving, Scope::Everywhere];
        }
        let inner: &[Scope] = match (self.tab, self.monitor.rows) {
            (Tab::Accounts, _) if self.is_welcoming(world) => &[Scope::Welcome],
            (Tab::Accounts | Tab::Forecast, _) if Self::is_bare(world) => &[Scope::Bare],
            (Tab::Accounts, _) if self.detail.is_some() => &[Scope::Detail, Scope::Moving],
            (Tab::Accounts, _) if self.accounts.order.is_empty() => &[Scope::NothingFound],
            (Tab::Accounts, _) => &[Scope::Accounts, Scope::Moving],
            (Tab::Forecast, _) if self.outlook.offers() => &[Scope::Offer, Scope::Forecast, Scope::Moving],
            (Tab::Forecast, _) => &[Scope::Forecast, Scope::Moving],
            (Tab::Usage, _) if self.usage.pane == usage::Pane::Budgets => &[Scope::Budgets, Scope::Moving],
            (Tab::Usage, _) => &[Scope::Usage, Scope::Moving],
            (Tab::Monitor, _) if self.bridge.open => &[Scope::Bridge, Scope::Moving],
            (Tab::Monitor, Rows::Turns) if self.monitor.order.is_empty() => &[Scope::NoRows],
            (Tab::Monitor, Rows::Sessions) if self.monitor.session_order.is_empty() => &[Scope::NoRows],
            (Tab::Monitor, Rows::Turns) => &[Scope::Turns, Scope::Moving],
            (Tab::Monitor, Rows::Sessions) => &[Scope::Sessions, Scope::Moving],
            (Tab::Settings, _) => &[],
            (Tab::Experimental, _) => &[Scope::Experimental, Scope::Moving],
            (Tab::Logs, _) if self.logs.pane == log_screen::Pane::Sessions => {
                &[Scope::LogSessions, Scope::Moving]
            }
            (Tab::Logs, _) => &[Scope::LogLines, Scope::Moving],
        };
        let settings = if self.tab == Tab::Settings { self.settings_scopes() } else { Vec::new() };
        let inner = settings.iter().chain(inner);
        inner.copied().chain([Scope::Tabs, Scope::Everywhere]).collect()
    }

    /// Where keys are looked up now, innermost first.
    pub fn scopes(&self, world: &World) -> Vec<Scope> {
        if let Some(overlay) = self.overlays.last() {
            return overlay.scopes().to_vec();
        }
        if self.typing.is_some() {
            return vec![Scope::Field];
        }
        if self.is_typing_value() {
            return vec![Scope::Value];
        }
        self.screen_scopes(world)
    }

    /// Takes what the terminal sent.
    pub fn on_input(&mut self, input: &Input, world: &World, at: Moment) -> Vec<Intent> {
        match input {
            Input::Key(key) => {
                self.touched = Touched::Yes;
                self.toasts.read(at);
                self.press(*key, world, at)
            }
            Input::Mouse(mouse) => self.point(*mouse, world, at),
            Input::Pasted(text) => {
                self.paste(text, world, at);
                Vec::new()
            }
            Input::Resized { width, height } => {
                self.size = (*width, *height);
                self.scroll();
                Vec::new()
            }
            Input::Focus(_) | Input::Line(_) | Input::Ended | Input::Lost => Vec::new(),
        }
    }

    fn press(&mut self, key: Key, world: &World, at: Moment) -> Vec<Intent> {
        let scopes = self.scopes(world);
        let leader = self.leader.take();
        match self.keys.find(&scopes, leader, key) {
            Found::Act(action) => self.act(action, world, at),
            Found::Leader => {
                self.leader = Some(key);
                Vec::new()
            }
            // A leader that led nowhere is forgotten; the key then means what it means alone.
            Found::Nothing if leader.is_some() => self.press(key, world, at),
            Found::Nothing => {
                self.write(key, world, at);
                Vec::new()
            }
        }
    }

    /// Whether a setting's value is being typed.
    fn is_typing_value(&self) -> bool {
        self.tab == Tab::Settings && self.sheet.typing.is_some() && self.layout().kind != Kind::Pane
    }

    /// The text field that has the focus.
    fn field(&mut self) -> Option<&mut Field> {
        let value = self.is_typing_value();
        match self.overlays.last_mut() {
            Some(Overlay::Palette(palette)) => Some(&mut palette.field),
            Some(Overlay::Help(help)) => help.filter.as_mut(),
            Some(Overlay::Wizard(wizard)) => wizard.field.as_mut(),
            Some(Overlay::Ask(ask)) => Some(&mut ask.field),
            Some(
                Overlay::Confirm(_)
                | Overlay::Messages(_)
                | Overlay::Turn(_)
                | Overlay::Differences(_)
                | Overlay::Wants(_)
                | Overlay::Seats(_)
                | Overlay::Reasons(_)
                | Overlay::Told(_)
                | Overlay::ForModel(_)
                | Overlay::Found(_)
                | Overlay::Terms(_),
            ) => None,
            None if self.typing.is_none() && value => {
                self.sheet.typing.as_mut().map(|typing| &mut typing.field)
            }
            None => self.typing.as_mut(),
        }
    }

    fn write(&mut self, key: Key, world: &World, at: Moment) {
        let edited = self.field().map(|field| field.press(key));
        if edited == Some(Edited::Yes) {
            self.edited(world, at);
        }
    }

    fn paste(&mut self, text: &str, world: &World, at: Moment) {
        if let Some(field) = self.field() {
            field.paste(text);
            self.edited(world, at);
        }
    }

    fn edited(&mut self, world: &World, at: Moment) {
        match self.overlays.last_mut() {
            Some(Overlay::Palette(palette)) => palette.search(world),
            Some(Overlay::Help(help)) => {
                help.needle = help.filter.as_ref().map_or("", Field::text).to_owned();
                help.offset = 0;
            }
            Some(Overlay::Ask(ask)) => ask.wrong = None,
            Some(
                Overlay::Confirm(_)
                | Overlay::Messages(_)
                | Overlay::Turn(_)
                | Overlay::Differences(_)
                | Overlay::Found(_)
                | Overlay::Terms(_)
                | Overlay::Wants(_)
                | Overlay::Seats(_)
                | Overlay::Reasons(_)
                | Overlay::Told(_)
                | Overlay::ForModel(_)
                | Overlay::Wizard(_),
            ) => {}
            None if self.typing.is_none() => {
                if let Some(typing) = &mut self.sheet.typing {
                    typing.wrong = None;
                }
            }
            None => {
                let text = self.typing.as_ref().map_or("", Field::text).to_owned();
                self.set_filter(text, world, at);
            }
        }
    }

    /// The key `action` is on, as if it were pressed; what hints and palette do.
    fn act(&mut self, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        let intents = match self.overlays.pop() {
            Some(overlay) => self.act_on_overlay(overlay, action, world, at),
            None if self.typing.is_some() => self.act_on_field(action, world, at),
            None if self.is_typing_value() => {
                self.take_typed(action, world);
                Vec::new()
            }
            None => self.act_on_screen(action, world, at),
        };
        self.scroll();
        intents
    }

    /// Rows of the list that has the cursor.
    fn room(&self) -> usize {
        let layout = self.layout();
        let rows = match (layout.kind, self.tab) {
            (Kind::Pane | Kind::TooSmall, _) => layout.body.height,
            (Kind::Narrow | Kind::Medium | Kind::Wide, Tab::Accounts) => {
                accounts::places(&layout, &self.accounts).list.height / self.accounts.row_height()
            }
            (Kind::Narrow | Kind::Medium | Kind::Wide, Tab::Forecast) => {
                forecast::places(&layout, self.outlook.order.len()).list.height
            }
            (Kind::Narrow | Kind::Medium | Kind::Wide, Tab::Usage) => {
                let limits = usage::limit_lines(&self.usage.budgets);
                usage::places(&layout, self.usage.order.len(), limits).list.height
            }
            (Kind::Narrow | Kind::Medium | Kind::Wide, Tab::Monitor) => {
                monitor::places(&layout, self.monitor.rows, self.monitor.order.len()).list.height
            }
            (Kind::Narrow | Kind::Medium | Kind::Wide, Tab::Logs) => {
                log_screen::places(&layout, self.logs.pane).list.height
            }
            (Kind::Narrow | Kind::Medium | Kind::Wide, Tab::Experimental) => {
                u16::try_from(Item::ALL.len()).unwrap_or(u16::MAX)
            }
            (Kind::Narrow | Kind::Medium | Kind::Wide, Tab::Settings) => {
                settings::places::places(&layout, self.sheet.page, self.sheet.lines.len()).list.height
            }
        };
        usize::from(rows)
    }

    /// Keeps every cursor in sight.
    fn scroll(&mut self) {
        use crate::app::geometry::scrolled;
        let room = self.room();
        let list = &mut self.accounts;
        list.offset = scrolled(list.offset, list.place, room, list.order.len());
        let list = &mut self.outlook;
        list.offset = scrolled(list.offset, list.place, room, list.order.len());
        let list = &mut self.usage;
        list.offset = scrolled(list.offset, list.place, room, list.order.len());
        let list = &mut self.monitor;
        list.offset = scrolled(list.offset, list.place, room, list.order.len());
        list.session_offset =
            scrolled(list.session_offset, list.session_place, room, list.session_order.len());
        let list = &mut self.usage;
        let budgets = (usize::from(self.size.1) / 4).max(1);
        list.budget_offset = scrolled(list.budget_offset, list.budget_place, budgets, list.budgets.len());
        let list = &mut self.logs;
        list.offset = scrolled(list.offset, list.place, room, list.order.len());
        list.session_offset =
            scrolled(list.session_offset, list.session_place, room, list.session_order.len());
        if self.tab == Tab::Settings {
            let groups = settings::places::places(&self.layout(), self.sheet.page, 0).groups.height;
            self.sheet.scroll(room, usize::from(groups), self.layout().kind);
        }
    }
}

/// Cells that the badge of a rehearsal takes after the product's name.
pub fn badge(world: &World) -> u16 {
    if world.setting.demo.is_some() { 5 } else { 0 }
}

/// The Usage tab as a view command asks for it.
fn opened(entry: &Entry) -> Usage {
    let mut usage = match &entry.command {
        Some(Command::Usage(asked)) => Usage::opened(Some(asked)),
        Some(_) | None => Usage::default(),
    };
    if let Some(Command::Models(_)) = &entry.command {
        usage.pane = usage::Pane::Models;
    }
    usage
}

/// The setting a view command asks about.
fn asked(entry: &Entry) -> Option<&str> {
    let Some(Command::Config(config::Ask::Explain(key))) = &entry.command else { return None };
    key.as_deref()
}
