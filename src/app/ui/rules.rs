//! What each action does in the budgets of the Usage tab and the profiles of the settings, and how the table is handed on.

use super::Ui;
use crate::app::action::Action;
use crate::app::flows::rules::Order;
use crate::app::flows::usage::{Asked, Shape, Told};
use crate::app::goal::Command;
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::ask::{Ask, Purpose};
use crate::app::overlays::confirm::Confirm;
use crate::app::rulewords::{BUDGET, PROFILE, budget_text, profile_text};
use crate::app::screens::settings::Line;
use crate::app::screens::usage::Pane;
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;
use crate::domain::policy::profile::Profile;

impl Ui {
    /// Does what an action means in the budgets; `None` when it means what it means everywhere.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the pane answers some actions; the rest are for everywhere"
    )]
    pub(super) fn act_on_budgets(&mut self, action: Action, world: &World) -> Option<Vec<Intent>> {
        if let Some(by) = action.steps(8) {
            self.usage.go_budget(self.usage.budget_place.saturating_add_signed(by));
            return Some(Vec::new());
        }
        match action {
            Action::Budgets => self.usage.pane = Pane::Chart,
            Action::Create => self.ask_budget(BUDGET),
            Action::Open | Action::Edit => {
                if let Some(one) = self.usage.budgets.get(self.usage.budget_place) {
                    let text = budget_text(&one.limit);
                    self.ask_budget(&text);
                }
            }
            Action::Delete => self.ask_no_budget(world),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Asks for a budget as one line.
    pub(super) fn ask_budget(&mut self, text: &str) {
        let ask = Ask::new("Set a budget", "budget", Purpose::Budget)
            .saying("What it is about: global, project:. , account:…, model:…, tag:…, token:… or a word that profiles name. Then hour, day, week or month, and its limits: requests=400 tokens=50M cost=12.50");
        self.overlays.push(Overlay::Ask(ask.holding(text)));
    }

    fn ask_no_budget(&mut self, world: &World) {
        let Some(one) = self.usage.budgets.get(self.usage.budget_place) else { return };
        let key = one.limit.key.clone();
        let named = world.governance.rules.profiles.values();
        let named = named.filter(|profile| profile.budget_key.as_deref() == Some(key.as_str())).count();
        let act = Intent::Run(Box::new(Command::Rules(Order::Unlimit(key.clone()))));
        let mut question = Confirm::new("Remove this budget?".to_owned(), "Keep", "Remove", [act])
            .saying(format!("{}: nothing is counted or stopped by it any more.", clean(&key)));
        if named > 0 {
            question = question.saying("A routing profile names it; the profile stays as it is.");
        }
        self.overlays.push(Overlay::Confirm(question));
    }

    /// The profile under the cursor of the settings.
    fn focused_profile<'a>(&self, world: &'a World) -> Option<&'a Profile> {
        let Some(Line::Profile(place)) = self.sheet.focused() else { return None };
        world.governance.rules.profiles.values().nth(place)
    }

    /// Does what an action means in the profiles of the settings.
    pub(super) fn act_on_profiles(&mut self, action: Action, world: &World) {
        if action == Action::Create {
            self.ask_profile(PROFILE);
        }
        let Some(profile) = self.focused_profile(world) else { return };
        if action == Action::Open {
            let text = profile_text(profile);
            self.ask_profile(&text);
        }
        if action == Action::Delete {
            let key = profile.project_key.clone();
            let order = Order::Unprofiled(Some(key));
            let act = Intent::Run(Box::new(Command::Rules(order)));
            let question =
                Confirm::new("Remove this profile?".to_owned(), "Keep", "Remove", [act]).saying(format!(
                    "{}: its sessions are served as those of any other project.",
                    clean(&profile.project_name)
                ));
            self.overlays.push(Overlay::Confirm(question));
        }
    }

    fn ask_profile(&mut self, text: &str) {
        let ask = Ask::new("Set a routing profile", "profile", Purpose::Profile)
            .saying("The project: its key, or . for this folder. Then what changes: prefer=TAGS avoid=TAGS allow=MODELS deny=MODELS budget=KEY, with commas between several; an empty one is cleared.");
        self.overlays.push(Overlay::Ask(ask.holding(text)));
    }

    /// Asks where the table goes.
    pub(super) fn ask_usage_file(&mut self, world: &World, at: Moment) {
        let Some(reading) = self.usage.reading.clone() else {
            let text = "the ledger is being read; try again in a moment";
            self.say(Toast::new(Level::Info, "key e", text), world, at);
            return;
        };
        let asked = Asked {
            since: None,
            until: None,
            by: self.usage.by,
            shape: Shape::Csv,
            rows: 0,
            current_only: false,
        };
        let names = self.usage.names.clone();
        let told = Told { asked, reading, names, trouble: None, demo: world.setting.demo.clone() };
        let home = world.setting.home.trim_end_matches('/');
        let ask = Ask::new("Export the table", "file", Purpose::Usage(Box::new(told)))
            .saying("Comma-separated values; a name that ends in .json gets one document, .txt the table as text. A file that is there already is never replaced.")
            .holding(&format!("{home}/codex-usage.csv"));
        self.overlays.push(Overlay::Ask(ask));
    }
}
