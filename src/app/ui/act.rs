//! What each action does where.

use super::{Clock, Mask, Ui};
use crate::app::action::Action;
use crate::app::effect::Capture;
use crate::app::field::Field;
use crate::app::geometry::{Kind, Mode};
use crate::app::goal::{Command, Tab, Trying};
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::confirm::Confirm;
use crate::app::overlays::help::Help;
use crate::app::overlays::messages::Messages;
use crate::app::overlays::palette::Palette;
use crate::app::overlays::wants::Wants;
use crate::app::screens::accounts::{in_use, state};
use crate::app::screens::detail::Detail;
use crate::app::screens::monitor::{Follow, Rows};
use crate::app::screens::usage::Pane;
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::text::clean;
use crate::base::{Moment, Span};
use crate::domain::account::{Account, AccountKey, Switch};
use crate::domain::change::Pin;
use crate::domain::label::{self, State};
use crate::domain::settings::display::Layout as Details;

/// Two interrupts within this time quit.
const TWICE: Span = Span::seconds(1);

impl Ui {
    #[expect(clippy::too_many_lines, reason = "one arm per action, and no action without one")]
    pub(super) fn act_on_screen(&mut self, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        if self.tab == Tab::Settings
            && self.layout().kind != Kind::Pane
            && let Some(intents) = self.act_on_settings(action, world, at)
        {
            return intents;
        }
        if self.tab == Tab::Experimental
            && self.layout().kind != Kind::Pane
            && let Some(intents) = self.act_on_experiments(action, world, at)
        {
            return intents;
        }
        if self.tab == Tab::Usage
            && self.usage.pane == Pane::Budgets
            && self.layout().kind != Kind::Pane
            && let Some(intents) = self.act_on_budgets(action, world)
        {
            return intents;
        }
        if self.tab == Tab::Monitor
            && self.bridge.open
            && self.layout().kind != Kind::Pane
            && let Some(intents) = self.act_on_bridge(action, world, at)
        {
            return intents;
        }
        if self.tab == Tab::Logs
            && self.layout().kind != Kind::Pane
            && let Some(intents) = self.act_on_logs(action, world, at)
        {
            return intents;
        }
        if self.tab == Tab::Accounts
            && self.is_welcoming(world)
            && let Some(intents) = self.act_on_welcome(action, world, at)
        {
            return intents;
        }
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::First | Action::Last => {
                let page = self.room().saturating_sub(1);
                self.step(world, action.steps(page).unwrap_or(0));
            }
            Action::Previous => return self.turn_page(world, -1),
            Action::Next => return self.turn_page(world, 1),
            Action::NextTab => return self.other_tab(1, world, at),
            Action::PreviousTab => return self.other_tab(-1, world, at),
            Action::Go(tab) => return self.go(tab, world, at),
            Action::Open => self.open(world, at),
            Action::Back => return self.back(world, at),
            Action::Leave => return self.leave(world, at),
            Action::Interrupt => return self.interrupt(world, at),
            Action::Undo => return vec![Intent::Undo],
            Action::Copy => return self.copy(world, at),
            Action::Filter => self.typing = Some(Field::holding(self.filter())),
            Action::Help => self.help(world),
            Action::Palette => {
                let palette = Palette::over(self.screen_scopes(world), self.keys.clone(), world);
                self.overlays.push(Overlay::Palette(palette));
            }
            Action::Messages => self.overlays.push(Overlay::Messages(Messages::default())),
            Action::Clock => {
                self.clock = if self.clock == Clock::Time { Clock::Countdown } else { Clock::Time };
                return vec![self.remembered()];
            }
            Action::Mask => {
                self.mask = if self.mask == Mask::On { Mask::Off } else { Mask::On };
                return vec![self.remembered()];
            }
            Action::Narrow => self.mode = if self.mode == Mode::Pane { Mode::Full } else { Mode::Pane },
            Action::Redraw => return vec![Intent::Redraw],
            Action::Suspend => return vec![Intent::Suspend],
            Action::Mouse => return self.capture(at),
            Action::Use => {
                return self.with_focused(world, |ui, account| ui.choose(account, Pin::Set, world, at));
            }
            Action::UsePlain => {
                return self.with_focused(world, |ui, account| ui.choose(account, Pin::Clear, world, at));
            }
            Action::UseRow(number) => return self.choose_numbered(number, world, at),
            Action::Pin => return self.with_focused(world, |ui, account| ui.pin(account, world, at)),
            Action::Power => return self.with_focused(world, |ui, account| ui.power(account, world, at)),
            Action::Check => {
                return self.with_focused(world, |_, account| vec![Intent::Check(vec![account.key.clone()])]);
            }
            Action::SignInAgain => {
                return self.with_focused(world, |ui, account| ui.sign_in_again(&account.key, world));
            }
            Action::RefreshAll => self.ask_refresh_all(world, at),
            Action::Tags => return self.with_focused(world, |ui, account| ui.ask_tags(account, world)),
            Action::Note => return self.with_focused(world, |ui, account| ui.ask_note(account, world)),
            Action::Wants => {
                return self.with_focused(world, |ui, account| {
                    ui.overlays.push(Overlay::Wants(Wants::of(account.key.clone())));
                    Vec::new()
                });
            }
            Action::Workspaces => {
                return self.with_focused(world, |ui, account| ui.list_seats(account, world, at));
            }
            Action::AddAccount => self.add_account(),
            Action::Best => {
                self.mode = Mode::Full;
                return self.use_best(world, at);
            }
            Action::CheckAll => return self.check_all(world, at),
            Action::Why
            | Action::WhyAll
            | Action::ProbeAll
            | Action::ForModel
            | Action::WhichDecision
            | Action::RuntimeOverlay => return self.look_ahead(action, world, at),
            Action::Sort => {
                let word = self.accounts.sort.next().word();
                return self.set(&[("menuSortEnabled", "on"), ("menuSortMode", word)], world, at);
            }
            Action::Layout => {
                let word = match world.settings.display.layout {
                    Details::Compact => "expanded-rows",
                    Details::Expanded => "compact-details",
                };
                return self.set(&[("menuLayoutMode", word)], world, at);
            }
            Action::Delete => {
                return self.with_focused(world, |ui, account| ui.ask_delete(account, world, at));
            }
            Action::Mend => return self.mend(world, at),
            Action::TryAgain => {
                let trying = Trying { dry_run: false, no_restore: false };
                return vec![Intent::Run(Box::new(Command::Flagged(trying)))];
            }
            Action::Budgets => {
                self.usage.pane = Pane::Budgets;
                self.usage.count(world, at);
            }
            Action::Export if self.tab == Tab::Usage => self.ask_usage_file(world, at),
            Action::Bridge => self.open_bridge(),
            Action::Unrest | Action::Rotation => self.ask_switch(action, world, at),
            Action::Bind => self.ask_bind(world, at),
            Action::DeleteAll => self.ask_delete_all(world, at),
            Action::Restore => return self.go_to_backups(world, at),
            Action::Follow => {
                let follow = if self.monitor.follow == Follow::On { Follow::Off } else { Follow::On };
                self.monitor.follow = follow;
                self.monitor.refresh(world, at);
            }
            Action::Sessions => {
                let rows = if self.monitor.rows == Rows::Turns { Rows::Sessions } else { Rows::Turns };
                self.monitor.rows = rows;
            }
            Action::PinSession | Action::MoveSession | Action::DrainSession => {
                return self.steer(action, world, at);
            }
            Action::Regroup => self.usage.regroup(),
            Action::Widen => self.usage.widen(),
            Action::Models => {
                let pane = if self.usage.pane == Pane::Models { Pane::Chart } else { Pane::Models };
                self.usage.pane = pane;
            }
            Action::OpenPage
            | Action::PasteCallback
            | Action::ByDevice
            | Action::ByBrowser
            | Action::CopyLink
            | Action::Workspace
            | Action::Rename
            | Action::Toggle
            | Action::Less
            | Action::More
            | Action::Save
            | Action::Reset
            | Action::ResetPanel
            | Action::Differences
            | Action::Create
            | Action::Verify
            | Action::Apply
            | Action::Import
            | Action::Export
            | Action::Level
            | Action::Part
            | Action::NextHit
            | Action::PreviousHit
            | Action::Diagnose
            | Action::Resume
            | Action::Edit
            | Action::Rotate
            | Action::Snippets
            | Action::Yes
            | Action::No => {}
        }
        Vec::new()
    }

    pub(super) fn step(&mut self, world: &World, by: isize) {
        if self.detail.is_some() && self.tab == Tab::Accounts && self.layout().kind != Kind::Pane {
            if let Some(detail) = &mut self.detail {
                detail.offset = detail.offset.saturating_add_signed(by).min(40);
            }
            return;
        }
        if self.tab == Tab::Accounts || self.layout().kind == Kind::Pane {
            let place = self.accounts.place.saturating_add_signed(by);
            self.accounts.go(world, place);
            return;
        }
        if self.tab == Tab::Logs {
            self.move_in_logs(by);
            return;
        }
        if self.tab == Tab::Usage {
            self.usage.go(self.usage.place.saturating_add_signed(by));
            return;
        }
        if self.tab == Tab::Forecast {
            self.outlook.go(self.outlook.place.saturating_add_signed(by));
            return;
        }
        if self.monitor.rows == Rows::Sessions {
            let place = self.monitor.session_place.saturating_add_signed(by);
            self.monitor.go_session(world, place);
            return;
        }
        let place = self.monitor.place.saturating_add_signed(by);
        self.monitor.go(world, place);
        // Whoever moves wants to read: the cursor follows the newest row only from the top.
        self.monitor.follow = if self.monitor.place == 0 { Follow::On } else { Follow::Off };
    }

    /// The account before or after the opened one.
    fn turn_page(&mut self, world: &World, by: isize) -> Vec<Intent> {
        let place = self.accounts.place.saturating_add_signed(by);
        self.accounts.go(world, place);
        if let (Some(key), Some(detail)) = (&self.accounts.cursor, &mut self.detail) {
            *detail = Detail::of(key.clone(), world);
        }
        Vec::new()
    }

    pub(super) fn open(&mut self, world: &World, at: Moment) {
        if self.layout().kind == Kind::Pane {
            self.mode = Mode::Full;
            return;
        }
        match (self.tab, self.monitor.rows) {
            (Tab::Accounts, _) => {
                self.detail = self.accounts.cursor.clone().map(|key| Detail::of(key, world));
            }
            (Tab::Forecast, _) => self.explain_focused(),
            (Tab::Settings | Tab::Experimental | Tab::Logs, _) => {}
            (Tab::Usage, _) => self.usage.drill(),
            (Tab::Monitor, Rows::Turns) => {
                self.overlays.extend(self.monitor.cursor.map(Overlay::Turn));
            }
            (Tab::Monitor, Rows::Sessions) => {
                if let Some(session) = self.monitor.session.clone() {
                    self.monitor.rows = Rows::Turns;
                    self.set_filter(session, world, at);
                }
            }
        }
    }

    pub(super) fn interrupt(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        if self.interrupted.is_some_and(|before| at.since(before) <= TWICE) {
            return vec![Intent::Interrupt];
        }
        self.interrupted = Some(at);
        self.say(Toast::new(Level::Info, "ctrl-c", "ctrl-c again quits"), world, at);
        if world.checking.is_empty() { Vec::new() } else { vec![Intent::CancelTasks] }
    }

    fn capture(&mut self, at: Moment) -> Vec<Intent> {
        let (mouse, words) = match self.mouse {
            Capture::On => (Capture::Off, "mouse released: the terminal selects text"),
            Capture::Off => (Capture::On, "mouse captured: rows and tabs can be clicked"),
        };
        self.mouse = mouse;
        self.toasts.push(Toast::new(Level::Info, "key ctrl-o", words), Span::seconds(5), at);
        vec![Intent::Mouse(mouse)]
    }

    fn help(&mut self, world: &World) {
        let title = match (self.layout().kind, self.tab) {
            (Kind::Pane, _) => "Pane",
            (_, Tab::Accounts) if self.detail.is_some() => "Account",
            (_, Tab::Accounts) => "Accounts",
            (_, Tab::Forecast) => "Forecast",
            (_, Tab::Usage) => "Usage",
            (_, Tab::Monitor) => "Monitor",
            (_, Tab::Settings) => "Settings",
            (_, Tab::Experimental) => "Experimental",
            (_, Tab::Logs) => "Logs",
        };
        self.overlays.push(Overlay::Help(Help::of(title, self.screen_scopes(world), self.keys.clone())));
    }

    /// The account the keys act on.
    pub fn focused<'a>(&self, world: &'a World) -> Option<&'a Account> {
        if let (Some(detail), Tab::Accounts) = (&self.detail, self.tab) {
            return world.roster.get(&detail.key);
        }
        if self.tab == Tab::Forecast {
            return world.roster.get(&self.outlook.focused()?.key);
        }
        self.accounts.focused(world).map(|(_, account)| account)
    }

    fn with_focused(
        &mut self,
        world: &World,
        act: impl FnOnce(&mut Self, &Account) -> Vec<Intent>,
    ) -> Vec<Intent> {
        let Some(account) = self.focused(world) else { return Vec::new() };
        act(self, account)
    }

    fn choose_numbered(&mut self, number: u8, world: &World, at: Moment) -> Vec<Intent> {
        if let Some(account) = self.accounts.numbered(world, number) {
            return self.choose(account, Pin::Set, world, at);
        }
        self.say(Toast::new(Level::Info, "key", format!("there is no account {number} here")), world, at);
        Vec::new()
    }

    /// Uses an account at once when it can serve or comes back by itself; asks when it cannot.
    pub(super) fn choose(&mut self, account: &Account, pin: Pin, world: &World, at: Moment) -> Vec<Intent> {
        let name = named(world, account);
        let intents = vec![Intent::Use(account.key.clone(), pin)];
        let state = state(world, account, in_use(world, at), at);
        let why = match state {
            State::Off => "It is switched off; using it switches it on.",
            State::Paused => "It is paused: it serves nothing until you let it.",
            State::Draining => "It is draining: it takes no new sessions.",
            State::SignIn => "It needs a new sign-in: requests on it fail until then.",
            State::Uncertain => "Its last refresh was cut: nobody knows whether its sign-in still holds.",
            State::Cooling(_) | State::Empty(_) | State::InUse | State::Low | State::Ready => return intents,
        };
        let mut question = Confirm::new(format!("Use {name}?"), "Keep", "Use", intents).saying(why);
        let serving = world.roster.pin.as_ref().or_else(|| in_use(world, at));
        if let Some(current) = serving.filter(|key| **key != account.key) {
            let current = world.named(current).map(|named| clean(&named.label).into_owned());
            question = question.saying(format!("{} stays in use otherwise.", current.unwrap_or_default()));
        }
        self.overlays.push(Overlay::Confirm(question.saying("Undo works for 8 s.")));
        Vec::new()
    }

    fn pin(&mut self, account: &Account, world: &World, at: Moment) -> Vec<Intent> {
        if world.roster.pin.as_ref() == Some(&account.key) {
            return vec![Intent::Unpin];
        }
        self.choose(account, Pin::Set, world, at)
    }

    /// Switches on, or off; asks before it switches off the account in use.
    pub(super) fn power(&mut self, account: &Account, world: &World, at: Moment) -> Vec<Intent> {
        if !account.is_on() {
            return vec![Intent::Turn(account.key.clone(), Switch::On)];
        }
        let intents = vec![Intent::Turn(account.key.clone(), Switch::Off)];
        let is_pinned = world.roster.pin.as_ref() == Some(&account.key);
        if !is_pinned && in_use(world, at) != Some(&account.key) {
            return intents;
        }
        let successor = successor(world, account, at).map_or_else(
            || "No other account can serve now: requests fail until one can.".to_owned(),
            |name| format!("It is in use; the next request goes to {name}."),
        );
        // Nobody takes the place of a pinned account.
        let successor = if is_pinned {
            "It is pinned: no request is served until it is unpinned (p) or on again.".to_owned()
        } else {
            successor
        };
        let question =
            Confirm::new(format!("Switch off {}?", named(world, account)), "Keep", "Switch off", intents)
                .saying(successor)
                .saying("A running turn is not cut. Undo works for 8 s.");
        self.overlays.push(Overlay::Confirm(question));
        Vec::new()
    }

    fn check_all(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        let keys: Vec<AccountKey> = world
            .roster
            .accounts
            .iter()
            .filter(|account| account.is_on() && account.invalidation.is_none())
            .map(|account| account.key.clone())
            .collect();
        if keys.is_empty() {
            self.say(
                Toast::new(Level::Info, "key C", "no account can be asked: all are off or need a sign-in"),
                world,
                at,
            );
            return Vec::new();
        }
        vec![Intent::Check(keys)]
    }

    fn copy(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        let (text, words) = match (self.tab, self.monitor.rows) {
            (Tab::Accounts, _) => {
                let Some(account) = self.focused(world) else { return Vec::new() };
                let id = account.workspace_id().or(account.account_id.as_deref());
                (id.unwrap_or_else(|| account.key.as_str()).to_owned(), "copied account id")
            }
            (Tab::Forecast, _) => return self.copy_ranking(world, at),
            (Tab::Usage, _) => (self.usage.text(), "copied the table"),
            (Tab::Monitor, Rows::Turns) => {
                let Some(turn) = self.monitor.focused(world) else { return Vec::new() };
                (super::hear::turn_line(world, turn), "copied the turn")
            }
            (Tab::Monitor, Rows::Sessions) => {
                let Some(id) = self.monitor.session.clone() else { return Vec::new() };
                (id, "copied the session's id")
            }
            (Tab::Settings | Tab::Experimental | Tab::Logs, _) => {
                (world.config.target.clone(), "copied the path of the settings")
            }
        };
        self.say(Toast::new(Level::Done, "key y", words), world, at);
        vec![Intent::Copy(text)]
    }

    pub(super) fn say(&mut self, toast: Toast, world: &World, at: Moment) {
        self.toasts.push(toast, world.settings.toast_duration, at);
    }

    pub(super) fn act_on_field(&mut self, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        self.typing = None;
        if action != Action::Open {
            self.set_filter(String::new(), world, at);
        }
        Vec::new()
    }
}

/// Who would serve without this account: the engine's second choice is not known here, so the first
/// usable one in ready-first order is named.
fn successor(world: &World, account: &Account, at: Moment) -> Option<String> {
    let mut list = crate::app::screens::accounts::Accounts::default();
    list.refresh(world, at);
    list.order
        .iter()
        .filter_map(|index| world.roster.accounts.get(*index))
        .find(|other| other.key != account.key && state(world, other, None, at).is_usable())
        .map(|other| named(world, other))
}

/// An account as a question names it.
pub(super) fn named(world: &World, account: &Account) -> String {
    let number = world.roster.index_of(&account.key).map_or(0, |index| index + 1);
    clean(&label::name(account, number)).into_owned()
}
