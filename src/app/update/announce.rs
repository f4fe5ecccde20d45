//! What is told once on stderr when nobody looks at a screen, and what need not be told because one shows it.

use crate::app::effect::{Effect, Effects};
use crate::app::goal::{Command, Goal};
use crate::app::model::Model;
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::{Body, Done, Outcome};

impl Model {
    /// What is wrong with the settings; screens, `status` and `config` show it themselves.
    pub(super) fn announce_settings(&mut self, message: &Msg) -> Effects {
        let Msg::Store(StoreMsg::Settings(report)) = message else { return Effects::new() };
        if self.is_dashboard() || matches!(self.goal, Goal::Run(Command::Config(_) | Command::Status(_))) {
            return Effects::new();
        }
        let fresh: Vec<String> =
            report.notes().into_iter().filter(|note| !self.told.contains(note)).collect();
        self.told.extend(fresh.iter().cloned());
        fresh.into_iter().map(|note| Effect::Tell(format!("codex-multi-auth: {note}"))).collect()
    }

    /// A recovery: here on stderr, in the dashboard by the screens (storage.md §6.4).
    pub(super) fn announce_recovery(&self, message: &Msg) -> Effects {
        let Msg::Store(StoreMsg::Loaded(Ok(loaded))) = message else { return Effects::new() };
        let Some(recovery) = loaded.recovery.as_ref().filter(|_| !self.is_dashboard()) else {
            return Effects::new();
        };
        vec![Effect::Tell(format!(
            "codex-multi-auth: the account pool was damaged; {} accounts were recovered from the {} {}",
            recovery.accounts,
            if recovery.source == "wal" { "journal" } else { "backup" },
            recovery.path
        ))]
    }
}

/// Whether an outcome is what the screen shows anyway.
pub(super) fn is_view(outcome: &Outcome) -> bool {
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
