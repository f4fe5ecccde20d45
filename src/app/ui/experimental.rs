//! What each action does in the experimental tab.

use super::Ui;
use crate::app::action::Action;
use crate::app::flows::vault::sync_offer;
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::confirm::Confirm;
use crate::app::screens::experimental::{Item, Look};
use crate::app::screens::settings::{draft, moved};
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::companion::{Synced, Target};
use crate::domain::settings::schema::{Row, Value};
use crate::domain::vault::{Act, Run};

impl Ui {
    /// Does what an action means in the tab; `None` when it means what it means everywhere.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the tab answers some actions; the rest are for everywhere"
    )]
    pub(super) fn act_on_experiments(
        &mut self,
        action: Action,
        world: &World,
        at: Moment,
    ) -> Option<Vec<Intent>> {
        if let Some(by) = action.steps(1) {
            self.experimental.step(by);
            return Some(Vec::new());
        }
        Some(match action {
            Action::UseRow(number) => {
                self.experimental.go(usize::from(number).saturating_sub(1));
                Vec::new()
            }
            Action::Open => self.open_experiment(world, at),
            Action::Apply => self.ask_sync(world, at),
            Action::Toggle => {
                self.switch_experiment(world, at);
                Vec::new()
            }
            Action::Less | Action::More => {
                self.dial_experiment(if action == Action::Less { -1 } else { 1 }, world, at);
                Vec::new()
            }
            Action::Save => self.save(world, at),
            Action::Copy => self.copy_preview(world, at),
            _ => return None,
        })
    }

    /// What must be read before the tab can be drawn.
    pub(super) fn wanted_by_experiments(&mut self) -> Vec<Intent> {
        let unread = self.sheet.backups.list.is_none();
        let mut acts: Vec<Act> = unread.then(|| self.sheet.backups.wanted()).flatten().into_iter().collect();
        if self.experimental.look == Look::Never {
            self.experimental.look = Look::Asked;
            acts.push(Act::Sync(Run::Dry));
        }
        acts.into_iter().map(|act| Intent::Inspect(Box::new(act))).collect()
    }

    fn open_experiment(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        match self.experimental.item {
            Item::Sync => {
                self.experimental.open = true;
                self.experimental.look = Look::Asked;
                vec![Intent::Inspect(Box::new(Act::Sync(Run::Dry)))]
            }
            Item::Save => {
                self.ask_name();
                Vec::new()
            }
            Item::Restore => self.go_to_backups(world, at),
            Item::Guard | Item::Intercept => {
                self.switch_experiment(world, at);
                Vec::new()
            }
        }
    }

    /// Asks before anything is written to the companion's pool; only what was previewed can be asked about.
    fn ask_sync(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        self.experimental.item = Item::Sync;
        let told = match self.experimental.seen() {
            Some(synced) if self.experimental.open && synced.has_news() && !synced.changed => {
                self.overlays.push(Overlay::Confirm(question(synced)));
                return Vec::new();
            }
            Some(synced) if !matches!(synced.target, Target::Found(_)) => "there is no pool to write to",
            Some(_) if self.experimental.open => "nothing is newer here: there is nothing to write",
            Some(_) | None => return self.open_experiment(world, at),
        };
        self.say(Toast::new(Level::Info, "key A", told), world, at);
        Vec::new()
    }

    fn switch_experiment(&mut self, world: &World, at: Moment) {
        let Some(row) = self.experimental.item.switch() else {
            let text = "this one has nothing to switch; enter opens it";
            self.say(Toast::new(Level::Info, "key space", text), world, at);
            return;
        };
        if self.is_held(row, world, at) {
            return;
        }
        if let Value::Flag(flag) = self.sheet.draft.value(row, &world.config) {
            self.sheet.change(row, Value::Flag(!flag), world);
        }
    }

    fn dial_experiment(&mut self, by: i32, world: &World, at: Moment) {
        let Some(row) = self.experimental.item.dial() else {
            let text = "only the refresh guard has an interval";
            self.say(Toast::new(Level::Info, "key - +", text), world, at);
            return;
        };
        if self.is_held(row, world, at) {
            return;
        }
        let value = self.sheet.draft.value(row, &world.config);
        if let Some(next) = moved(row, &value, by) {
            self.sheet.change(row, next, world);
        }
    }

    /// Whether a variable holds a setting fast; says so.
    fn is_held(&mut self, row: &'static Row, world: &World, at: Moment) -> bool {
        let Some(name) = draft::locked(row, &world.config) else { return false };
        let text = format!("{} is set by {name}: unset the variable to change it here", row.title);
        self.say(Toast::new(Level::Info, "settings", text).with(format!("key {}", row.key)), world, at);
        true
    }

    fn copy_preview(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        let Some(synced) = self.experimental.seen().filter(|_| self.experimental.open) else {
            let text = "there is no preview to copy yet; enter on the first row makes one";
            self.say(Toast::new(Level::Info, "key y", text), world, at);
            return Vec::new();
        };
        let lines = synced.rows.iter().map(|line| {
            let reason =
                line.action.reason().map(|reason| format!("  {}", reason.word())).unwrap_or_default();
            format!("{:<6}  {}{reason}\n", line.action.word(), line.label)
        });
        let text = lines.collect();
        self.say(Toast::new(Level::Done, "key y", "copied the preview"), world, at);
        vec![Intent::Copy(text)]
    }
}

fn question(synced: &Synced) -> Confirm {
    let act = Intent::Vault(Box::new(Act::Sync(Run::Real)));
    let question = Confirm::new("Sync to the companion tool?".to_owned(), "Keep", "Write", [act]);
    sync_offer(synced).iter().fold(question, |question, line| question.saying(line.trim().to_owned()))
}
