//! What each action does while something lies over the screen.

use super::Ui;
use crate::app::action::Action;
use crate::app::field::Field;
use crate::app::geometry::scrolled;
use crate::app::goal::Tab;
use crate::app::intent::Intent;
use crate::app::keys::hints::Answers;
use crate::app::outcome::Body;
use crate::app::overlays::Overlay;
use crate::app::overlays::confirm::{Answer, Confirm, Deed};
use crate::app::overlays::help::Help;
use crate::app::overlays::messages::{self, Messages};
use crate::app::overlays::palette::{self, Palette, Run};
use crate::app::overlays::told::{self, Told};
use crate::app::screens::detail::Detail;
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::Switch;
use crate::domain::change::Pin;
use crate::domain::settings::schema::row;

/// Lines of the help that a page key moves.
const HELP_PAGE: usize = 10;

impl Ui {
    pub(super) fn act_on_overlay(
        &mut self,
        overlay: Overlay,
        action: Action,
        world: &World,
        at: Moment,
    ) -> Vec<Intent> {
        if let Overlay::Wizard(wizard) = overlay {
            return self.act_on_wizard(*wizard, action, world, at);
        }
        if let Overlay::Found(open) = overlay {
            return self.act_on_found(open, action);
        }
        if let Overlay::Terms(open) = overlay {
            return self.act_on_terms(open, action);
        }
        if action == Action::Interrupt {
            return self.broken_off(overlay, world, at);
        }
        match overlay {
            Overlay::Wizard(_) | Overlay::Terms(_) | Overlay::Found(_) => Vec::new(),
            Overlay::Help(help) => {
                self.overlays.extend(read(help, action).map(Overlay::Help));
                Vec::new()
            }
            Overlay::Palette(palette) => self.search(palette, action, world, at),
            Overlay::Confirm(question) => self.answer(question, action, world, at),
            Overlay::Ask(ask) => self.take_answer(ask, action, world),
            Overlay::Wants(open) => self.want(open, action, world, at),
            Overlay::Seats(open) => self.sit(open, action, world, at),
            Overlay::Reasons(open) => self.read_reasons(open, action, world, at),
            Overlay::Told(open) => self.read_told(open, action, world, at),
            Overlay::ForModel(open) => self.choose_model(open, action, world, at),
            Overlay::Differences(open) => self.compare(open, action, world, at),
            Overlay::Messages(messages) => self.recall(messages, action, world, at),
            Overlay::Turn(id) => {
                if action != Action::Copy {
                    return Vec::new();
                }
                self.overlays.push(Overlay::Turn(id));
                let turn = crate::app::screens::monitor::turn(world, id);
                let text = turn.map(|turn| super::hear::turn_line(world, turn));
                text.map(Intent::Copy).into_iter().collect()
            }
        }
    }

    /// What a command said takes its keys.
    fn read_told(&mut self, mut open: Told, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        if open.scroll(action, told::room(self.size.1)) {
            self.overlays.push(Overlay::Told(open));
            return Vec::new();
        }
        if action == Action::Export {
            let asked =
                if let Body::Report(_, asked) = &open.outcome.body { Some(asked.clone()) } else { None };
            self.overlays.push(Overlay::Told(open));
            match asked {
                Some(asked) => self.ask_report_file(&asked),
                None => self.say(
                    Toast::new(Level::Info, "key e", "only a report is written; y copies this"),
                    world,
                    at,
                ),
            }
            return Vec::new();
        }
        if action != Action::Copy {
            return Vec::new();
        }
        let copied = Intent::CopyReport(open.outcome.clone());
        self.overlays.push(Overlay::Told(open));
        self.say(Toast::new(Level::Done, "key y", "copied as JSON"), world, at);
        vec![copied]
    }

    /// What yes and no do, while a question is open.
    pub fn answers(&self) -> Answers {
        match self.overlays.last() {
            Some(Overlay::Confirm(question)) => Some((question.act, question.safe)),
            Some(_) | None => None,
        }
    }

    fn answer(&mut self, mut question: Confirm, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        if matches!(action, Action::Previous | Action::Next) {
            question.turn(if action == Action::Next { 1 } else { -1 });
            self.overlays.push(Overlay::Confirm(question));
            return Vec::new();
        }
        let deeds = match question.focus {
            _ if action == Action::Yes => question.deeds,
            Answer::Act if action == Action::Open => question.deeds,
            Answer::Other if action == Action::Open => question.other_deeds,
            Answer::Safe | Answer::Act | Answer::Other => question.safe_deeds,
        };
        self.do_all(deeds, world, at)
    }

    /// Whoever waits for an answer hears that there is none.
    fn broken_off(&mut self, overlay: Overlay, world: &World, at: Moment) -> Vec<Intent> {
        match overlay {
            Overlay::Confirm(question) => self.do_all(question.safe_deeds, world, at),
            Overlay::Ask(ask) => ask.refused().into_iter().collect(),
            Overlay::Help(_)
            | Overlay::Palette(_)
            | Overlay::Differences(_)
            | Overlay::Wants(_)
            | Overlay::Seats(_)
            | Overlay::Reasons(_)
            | Overlay::ForModel(_)
            | Overlay::Messages(_)
            | Overlay::Turn(_)
            | Overlay::Found(_)
            | Overlay::Terms(_)
            | Overlay::Told(_)
            | Overlay::Wizard(_) => Vec::new(),
        }
    }

    fn do_all(&mut self, deeds: Vec<Deed>, world: &World, at: Moment) -> Vec<Intent> {
        deeds
            .into_iter()
            .flat_map(|deed| match deed {
                Deed::Wish(intent) => vec![intent],
                Deed::Save => self.save(world, at),
                Deed::Drop => {
                    self.sheet.discard();
                    Vec::new()
                }
                Deed::Go(tab) => self.open_tab(tab, world, at),
            })
            .collect()
    }

    fn search(&mut self, mut open: Palette, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        if action == Action::Open {
            let run = open.chosen().map(|row| row.run.clone());
            return run.map(|run| self.run(run, world, at)).unwrap_or_default();
        }
        let room = palette::room(self.size.1);
        if let Some(by) = action.steps(room) {
            let last = open.rows.len().saturating_sub(1);
            open.place = open.place.saturating_add_signed(by).min(last);
            open.offset = scrolled(open.offset, open.place, room, open.rows.len());
            self.overlays.push(Overlay::Palette(open));
        }
        Vec::new()
    }

    pub(super) fn run(&mut self, run: Run, world: &World, at: Moment) -> Vec<Intent> {
        match run {
            Run::Act(action) => self.act_on_screen(action, world, at),
            Run::Check(key) => vec![Intent::Check(vec![key])],
            Run::Use(key) => world
                .roster
                .get(&key)
                .map(|account| self.choose(account, Pin::Set, world, at))
                .unwrap_or_default(),
            Run::Turn(key, Switch::On) => vec![Intent::Turn(key, Switch::On)],
            Run::Turn(key, Switch::Off) => {
                world.roster.get(&key).map(|account| self.power(account, world, at)).unwrap_or_default()
            }
            Run::Delete(key) => {
                world.roster.get(&key).map(|account| self.ask_delete(account, world, at)).unwrap_or_default()
            }
            Run::Setting(key) => {
                if let Some(row) = row(key) {
                    self.sheet.find(row);
                }
                self.go(Tab::Settings, world, at)
            }
            Run::Open(key) => {
                self.tab = Tab::Accounts;
                self.accounts.go_to(world, &key);
                self.detail = Some(Detail::of(key, world));
                Vec::new()
            }
        }
    }

    fn recall(&mut self, mut open: Messages, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        let shown = self.toasts.history().nth(open.place);
        if action == Action::Open {
            let subject = shown.and_then(|shown| shown.toast.subject.clone());
            return subject.map(|key| self.run(Run::Open(key), world, at)).unwrap_or_default();
        }
        let room = messages::room(self.size.1);
        let steps = action.steps(room);
        if steps.is_none() && action != Action::Copy {
            return Vec::new();
        }
        let copied = shown.filter(|_| action == Action::Copy).map(|shown| Intent::Copy(shown.text()));
        let count = self.toasts.history().len();
        open.place = open.place.saturating_add_signed(steps.unwrap_or(0)).min(count.saturating_sub(1));
        open.offset = scrolled(open.offset, open.place, room, count);
        self.overlays.push(Overlay::Messages(open));
        copied.into_iter().collect()
    }
}

/// Help takes its keys; `None` closes it.
fn read(mut help: Help, action: Action) -> Option<Help> {
    if help.filter.is_some() {
        if action != Action::Open {
            help.needle.clear();
        }
        help.filter = None;
        return Some(help);
    }
    if action == Action::Filter {
        help.filter = Some(Field::holding(&help.needle));
        return Some(help);
    }
    help.offset = help.offset.saturating_add_signed(action.steps(HELP_PAGE)?);
    help.offset = help.offset.min(help.entries().len());
    Some(help)
}
