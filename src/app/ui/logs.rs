//! What each action does in the tab of logs.

use super::Ui;
use crate::app::action::Action;
use crate::app::checkup::{Doctoring, Mode, Order};
use crate::app::goal::{Command, Entry, Reporting, Tab};
use crate::app::history;
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::ask::{Ask, Purpose};
use crate::app::overlays::confirm::Confirm;
use crate::app::screens::logs::{Health, Kept, Logs, Pane, words};
use crate::app::screens::monitor::Follow;
use crate::app::toasts::{Level as Tone, Toast};
use crate::app::world::World;
use crate::base::{Moment, calendar};
use crate::domain::history::Filter;

impl Ui {
    /// Does what an action means in the tab; `None` when it means what it means everywhere.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the tab answers some actions; the rest are for everywhere"
    )]
    pub(super) fn act_on_logs(&mut self, action: Action, world: &World, at: Moment) -> Option<Vec<Intent>> {
        let page = self.room().saturating_sub(1);
        if let Some(by) = action.steps(page) {
            self.move_in_logs(by);
            return Some(Vec::new());
        }
        Some(match action {
            Action::Follow => {
                let on = self.logs.follow == Follow::On;
                self.logs.follow = if on { Follow::Off } else { Follow::On };
                self.logs.relist();
                Vec::new()
            }
            Action::Level => {
                self.logs.level = self.logs.level.next();
                self.logs.relist();
                Vec::new()
            }
            Action::Part => {
                self.logs.next_part();
                Vec::new()
            }
            Action::NextHit | Action::PreviousHit => {
                if self.logs.needle.is_empty() {
                    let text = "nothing is looked for yet; / finds";
                    self.say(Toast::new(Tone::Info, "key n", text), world, at);
                }
                self.logs.seek(world, if action == Action::NextHit { 1 } else { -1 });
                Vec::new()
            }
            Action::Diagnose => self.diagnose(),
            Action::Sessions => {
                let lines = self.logs.pane == Pane::Lines;
                self.logs.pane = if lines { Pane::Sessions } else { Pane::Lines };
                Vec::new()
            }
            Action::Export => vec![Intent::Run(Box::new(Command::Report(Reporting::default())))],
            Action::Open => self.open_session(),
            Action::Resume => self.ask_resume(world, at),
            Action::Copy => self.copy_line(world, at),
            _ => return None,
        })
    }

    pub(super) fn move_in_logs(&mut self, by: isize) {
        if self.logs.pane == Pane::Sessions {
            self.logs.go_session(self.logs.session_place.saturating_add_signed(by));
            return;
        }
        self.logs.go(self.logs.place.saturating_add_signed(by));
        // Whoever moves wants to read.
        self.logs.follow = if self.logs.place == 0 { Follow::On } else { Follow::Off };
    }

    /// Looks at everything.
    pub(super) fn diagnose(&mut self) -> Vec<Intent> {
        self.logs.health = Health::Asked;
        vec![Intent::Run(Box::new(Command::Checkup(Order::Doctor(Doctoring::default()))))]
    }

    /// Goes to the diagnosis and shows what would be mended before it is: the flow asks.
    pub(super) fn mend(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        let mut intents = if self.tab == Tab::Logs { Vec::new() } else { self.go(Tab::Logs, world, at) };
        if self.tab == Tab::Logs {
            self.logs.pane = Pane::Lines;
            self.logs.health = Health::Asked;
            let order = Order::Doctor(Doctoring { mode: Mode::Mend, ..Doctoring::default() });
            intents.push(Intent::Run(Box::new(Command::Checkup(order))));
        }
        intents
    }

    /// What must be read before the tab can be drawn.
    pub(super) fn wanted_by_logs(&mut self) -> Vec<Intent> {
        let mut wanted = Vec::new();
        if self.logs.health == Health::Never && self.logs.pane == Pane::Lines {
            wanted.extend(self.diagnose());
        }
        if self.logs.kept == Kept::Never && self.logs.pane == Pane::Sessions {
            self.logs.kept = Kept::Asked;
            let order = history::Order::List(Filter::default());
            wanted.push(Intent::Run(Box::new(Command::History(order))));
        }
        wanted
    }

    fn open_session(&mut self) -> Vec<Intent> {
        if self.logs.pane != Pane::Sessions {
            return Vec::new();
        }
        let Some(session) = self.logs.focused_session() else { return Vec::new() };
        vec![Intent::Run(Box::new(Command::History(history::Order::Show(session.id.clone()))))]
    }

    /// Asks before the terminal goes to the official CLI.
    fn ask_resume(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        let Some(session) = self.logs.focused_session().filter(|_| self.logs.pane == Pane::Sessions) else {
            return Vec::new();
        };
        if world.setting.demo.is_some() {
            let text = "the official CLI is never launched in a rehearsal";
            self.say(Toast::new(Tone::Info, "key o", text), world, at);
            return Vec::new();
        }
        let act = Intent::Resume(session.id.clone());
        let question = Confirm::new("Resume this session?".to_owned(), "Stay", "Resume", [act])
            .saying(crate::base::text::clean(&session.thread).into_owned())
            .saying("The dashboard closes, and the official CLI goes on with the session through the proxy.");
        self.overlays.push(Overlay::Confirm(question));
        Vec::new()
    }

    fn copy_line(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        let (text, told) = match self.logs.pane {
            Pane::Lines => {
                let Some(line) = self.logs.focused() else { return Vec::new() };
                let time = calendar::rfc3339(line.at);
                let text = format!("{time} {} {} {}", line.level.word(), line.part, words(world, line));
                (text, "copied the line")
            }
            Pane::Sessions => {
                let Some(session) = self.logs.focused_session() else { return Vec::new() };
                (session.id.clone(), "copied the session's id")
            }
        };
        self.say(Toast::new(Tone::Done, "key y", told), world, at);
        vec![Intent::Copy(text)]
    }

    /// Asks where the previewed report goes.
    pub(super) fn ask_report_file(&mut self, asked: &Reporting) {
        let ask = Ask::new("Write this report", "file", Purpose::Report(Box::new(asked.clone())))
            .saying("A private file (0600) for a bug report. What is masked here is masked there.");
        self.overlays.push(Overlay::Ask(ask.holding("~/codex-multi-auth-report.json")));
    }
}

/// The Logs tab as a view command asks for it: what the command looks at is not looked at twice.
pub(super) fn opened(entry: &Entry) -> Logs {
    let mut logs = Logs::default();
    match &entry.command {
        Some(Command::Checkup(Order::Doctor(_))) => logs.health = Health::Asked,
        Some(Command::History(history::Order::Show(_))) => logs.pane = Pane::Sessions,
        Some(Command::History(_)) => {
            logs.pane = Pane::Sessions;
            logs.kept = Kept::Asked;
        }
        Some(_) | None => {}
    }
    logs
}
