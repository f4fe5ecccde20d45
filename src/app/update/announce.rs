//! What is told once on stderr when nobody looks at a screen, and what need not be told because one shows it.

use crate::app::bridge;
use crate::app::checkup::Report;
use crate::app::effect::{DesktopEffect, Effect, Effects, LoginEffect};
use crate::app::flows::config::Ask;
use crate::app::flows::login;
use crate::app::goal::{Command, Entry, Goal};
use crate::app::history;
use crate::app::model::Model;
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::{Body, Done, Found, Outcome};
use crate::app::screens::logs::{Health, Kept};
use crate::base::Moment;
use crate::domain::terms::{self, By, Consent, Gate};

impl Model {
    /// Everything that is told on stderr.
    pub(super) fn announce(&mut self, message: &Msg) -> Effects {
        let mut effects = self.announce_recovery();
        effects.extend(self.announce_settings(message));
        effects.extend(self.announce_terms(message));
        effects
    }

    /// The notice, once: a pool that has accounts is never locked out, and whoever uses it was never asked
    /// (commands.md §5.3). What adds accounts sees to it itself; a rehearsal neither asks nor records.
    fn announce_terms(&mut self, message: &Msg) -> Effects {
        let Msg::Store(StoreMsg::Loaded(Ok(loaded))) = message else { return Effects::new() };
        let asks = matches!(self.goal, Goal::Dashboard(_) | Goal::Run(Command::Login(_) | Command::Vault(_)));
        let accounts = loaded.roster.accounts.len();
        let due = terms::gate(self.threshold.known, accounts, Consent::Unsaid) == Gate::Record(By::Notice);
        if asks || !due || self.world.setting.demo.is_some() || !self.told.insert("terms".to_owned()) {
            return Effects::new();
        }
        let ticket = self.flows.ticket();
        let mut effects = login::notice();
        effects.push(Effect::Login(ticket, LoginEffect::Acknowledge(By::Notice)));
        effects
    }

    /// What is wrong with the settings; screens, `status` and `config` show it themselves.
    fn announce_settings(&mut self, message: &Msg) -> Effects {
        let Msg::Store(StoreMsg::Settings(report)) = message else { return Effects::new() };
        let notes = match &self.goal {
            // A single value does not show that it comes from nowhere.
            Goal::Run(Command::Config(Ask::Get(_) | Ask::List | Ask::Path | Ask::Explain(Some(_)))) => {
                let files = report.problems.iter().filter(|trouble| trouble.file.is_some());
                files.map(|trouble| trouble.message.clone()).collect()
            }
            Goal::Dashboard(_) | Goal::Run(Command::Status(_) | Command::Config(_)) => return Effects::new(),
            Goal::Run(_) | Goal::Forward(_) | Goal::Serve(_) => report.notes(),
        };
        let fresh: Vec<String> = notes.into_iter().filter(|note| !self.told.contains(note)).collect();
        self.told.extend(fresh.iter().cloned());
        fresh.into_iter().map(|note| Effect::Tell(format!("codex-multi-auth: {note}"))).collect()
    }

    /// A recovery, once: here on stderr, in the dashboard by the screens (storage.md §6.4).
    fn announce_recovery(&mut self) -> Effects {
        let Some(recovery) = self.world.recovery.as_ref().filter(|_| !self.is_dashboard()) else {
            return Effects::new();
        };
        let text = format!("codex-multi-auth: {} ({})", recovery.told(), recovery.path);
        if self.told.insert(text.clone()) { vec![Effect::Tell(text)] } else { Effects::new() }
    }
}

impl Model {
    /// Shows on its screen how the command ended that opened the dashboard; `None` where a message has to tell it.
    pub(super) fn shown(&mut self, outcome: &Outcome, at: Moment) -> Option<Effects> {
        let Goal::Dashboard(Entry { command, .. }) = &self.goal else { return None };
        let is_replay = matches!(command, Some(Command::Replay(_)));
        let in_words = Some(vec![Effect::Desktop(DesktopEffect::Tell(Box::new(outcome.clone())))]);
        match &outcome.body {
            Body::Checked(checked) => {
                let mut keys = checked.standings.keys();
                if let (Some(only), None) = (keys.next(), keys.next()) {
                    self.ui.accounts.go_to(&self.world, only);
                }
                in_words
            }
            Body::Report(_, asked) if asked.out.is_some() => {
                Some(vec![Effect::Desktop(DesktopEffect::File(Box::new(outcome.clone())))])
            }
            Body::Tried(_) | Body::Report(..) | Body::Rotation(_) => in_words,
            Body::Checkup(report) => {
                let Report::Doctor(diagnosis) = report.as_ref() else { return in_words };
                self.ui.logs.health = Health::Seen(Box::new(diagnosis.clone()), at);
                // What was looked at is on the screen; what was done is told in full.
                if diagnosis.carried.is_empty() { Some(Effects::new()) } else { in_words }
            }
            Body::Bridge(told) => {
                let bridge::Told::Heard(heard) = told.as_ref() else { return in_words };
                self.ui.bridge.hear(heard);
                if let bridge::Heard::Minted(token, plain) = heard {
                    self.ui.show_key(token, plain);
                }
                Some(Effects::new())
            }
            Body::History(told) => {
                let history::Told::Listed(sessions) = told.as_ref() else { return in_words };
                self.ui.logs.keep(Kept::Listed(sessions.clone()));
                Some(Effects::new())
            }
            Body::Problem(problem) if outcome.command == "history" => {
                self.ui.logs.keep(Kept::Failed(problem.what.clone()));
                None
            }
            Body::Why(..) if is_replay => in_words,
            Body::Seats(seats) => {
                self.ui.open_seats(&seats.account.key, &self.world, at);
                Some(Effects::new())
            }
            Body::Why(..)
            | Body::Status(..)
            | Body::Switched(_)
            | Body::Unpinned(..)
            | Body::Monitor(_)
            | Body::Usage(_)
            | Body::Models(_)
            | Body::Toggled { .. }
            | Body::Forecast(_)
            | Body::Best(_)
            | Body::Login(_)
            | Body::Chored(..)
            | Body::Uninstalled(..)
            | Body::Ruled(_)
            | Body::Policies(_)
            | Body::Rules(_)
            | Body::Vault(_)
            | Body::Undone(_)
            | Body::Config(_)
            | Body::Problem(_)
            | Body::Silent => None,
        }
    }
}

/// Whether an outcome is what the screen shows anyway.
pub(super) fn is_view(outcome: &Outcome) -> bool {
    if let Body::Rules(told) = &outcome.body {
        return matches!(told.found, Found::Budgets(_) | Found::Budget(_) | Found::Profiles(_));
    }
    if let Body::Best(best) = &outcome.body {
        return best.done == Done::Shown;
    }
    matches!(
        outcome.body,
        Body::Status(..)
            | Body::Monitor(_)
            | Body::Usage(_)
            | Body::Models(_)
            | Body::Why(..)
            | Body::Forecast(_)
            | Body::Config(_)
    )
}
