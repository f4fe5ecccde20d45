//! What each action does in the bridge pane, and the switches of the Monitor: rotation, bind, cooldowns.

use super::Ui;
use crate::app::action::Action;
use crate::app::bridge::{Kind, Order, Wanted};
use crate::app::goal::Command;
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::ask::{Ask, Purpose};
use crate::app::overlays::confirm::Confirm;
use crate::app::rotation;
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::text::clean;
use crate::base::{Moment, Secret};
use crate::domain::bind::Mode;
use crate::domain::bridge::Access;
use crate::domain::client_token::ClientToken;
use crate::domain::rotation::{Binding, Daemon};

/// The model that snippets name.
const MODEL: &str = "gpt-5-codex";

/// A bind that stands until it is taken back and replaces nothing of the user's own.
const BINDING: Binding =
    Binding { mode: Mode::Persistent, replace: false, daemon: Daemon::AsSet, dry_run: false };

impl Ui {
    /// Does what an action means in the pane; `None` when it means what it means everywhere.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the pane answers some actions; the rest are for everywhere"
    )]
    pub(super) fn act_on_bridge(&mut self, action: Action, world: &World, at: Moment) -> Option<Vec<Intent>> {
        if let Some(by) = action.steps(10) {
            self.bridge.go(self.bridge.place.saturating_add_signed(by));
            return Some(Vec::new());
        }
        Some(match action {
            Action::Bridge => {
                self.bridge.open = false;
                Vec::new()
            }
            Action::Toggle => self.toggle_bridge(world, at),
            Action::Create => {
                let ask = Ask::new("New key for a client", "name", Purpose::BridgeKey)
                    .saying("The key itself is shown once, when it is made. It opens every path and model.");
                self.overlays.push(Overlay::Ask(ask));
                Vec::new()
            }
            Action::Rotate => {
                self.ask_of_key(
                    "Rotate this key?",
                    "Rotate",
                    "A new key takes its place; the old one stops working.",
                    Order::Rotate,
                );
                Vec::new()
            }
            Action::Delete => {
                self.ask_of_key(
                    "Revoke this key?",
                    "Revoke",
                    "Whoever uses it is refused from now on. This cannot be undone.",
                    Order::Revoke,
                );
                Vec::new()
            }
            Action::Snippets => {
                let wanted = Wanted { kinds: Kind::ALL.to_vec(), base: None, model: MODEL.to_owned() };
                vec![bridge(Order::Integrations(wanted))]
            }
            Action::Copy => {
                let Some(standing) = &self.bridge.standing else { return Some(Vec::new()) };
                let port = standing.living.map_or(standing.port, |living| living.port);
                let text = crate::domain::bridge::base_url(port);
                self.say(Toast::new(Level::Done, "key y", "copied the address"), world, at);
                vec![Intent::Copy(text)]
            }
            _ => return None,
        })
    }

    /// Opens the pane; what it shows is looked at anew.
    pub(super) fn open_bridge(&mut self) {
        self.bridge.open = true;
        self.bridge.stale = true;
    }

    /// What must be looked at before the pane can be drawn.
    pub(super) fn wanted_by_bridge(&mut self) -> Vec<Intent> {
        if std::mem::take(&mut self.bridge.stale) {
            return vec![bridge(Order::Status), bridge(Order::List)];
        }
        Vec::new()
    }

    /// A new key is shown once.
    pub fn show_key(&mut self, token: &ClientToken, plain: &Secret) {
        let question = Confirm::new(
            "New key, shown once".to_owned(),
            "Close",
            "Copy",
            [Intent::CopySecret(plain.clone())],
        )
        .saying(format!("{}: give it to the client now; nobody can read it later.", clean(&token.label)));
        self.overlays.push(Overlay::Confirm(Confirm { secret: Some(plain.clone()), ..question }));
    }

    fn toggle_bridge(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        if self.is_rehearsal(world, at) {
            return Vec::new();
        }
        let runs = self.bridge.standing.as_ref().is_some_and(|standing| standing.living.is_some());
        if runs {
            vec![bridge(Order::Stop)]
        } else {
            vec![bridge(Order::Start { port: None, access: Access::Keyed })]
        }
    }

    fn ask_of_key(
        &mut self,
        title: &str,
        act: &'static str,
        meaning: &str,
        order: impl FnOnce(String) -> Order,
    ) {
        let Some(token) = self.bridge.focused() else { return };
        let name = clean(&token.label).into_owned();
        let intent = bridge(order(token.id.clone()));
        let question =
            Confirm::new(title.to_owned(), "Keep", act, [intent]).saying(format!("{name}: {meaning}"));
        self.overlays.push(Overlay::Confirm(question));
    }

    /// What would reach beyond the rehearsal is not done in one; says so.
    fn is_rehearsal(&mut self, world: &World, at: Moment) -> bool {
        if world.setting.demo.is_none() {
            return false;
        }
        let text = "not in a rehearsal: this would reach beyond it";
        self.say(Toast::new(Level::Info, "rehearsal", text), world, at);
        true
    }

    /// The switches of the Monitor, each after a question.
    pub(super) fn ask_switch(&mut self, action: Action, world: &World, at: Moment) {
        let on = world.settings.rotation;
        let (title, act, meaning, order) = match () {
            () if action == Action::Unrest => (
                "Clear all cooldowns?",
                "Clear",
                "Accounts that wait may be chosen at once; an upstream limit that still holds brings them back.",
                rotation::Order::ResetLimits { account: None, dry_run: false },
            ),
            () if on => (
                "Switch rotation off?",
                "Switch off",
                "New sessions of the official CLI go to its own account. Running ones are not cut.",
                rotation::Order::Disable(Daemon::default()),
            ),
            () => (
                "Switch rotation on?",
                "Switch on",
                "New sessions of the official CLI are served by the pool.",
                rotation::Order::Enable { bind: false, binding: BINDING },
            ),
        };
        if action != Action::Unrest && self.is_rehearsal(world, at) {
            return;
        }
        let intent = Intent::Run(Box::new(Command::Rotation(order)));
        let question = Confirm::new(title.to_owned(), "Keep", act, [intent]).saying(meaning);
        self.overlays.push(Overlay::Confirm(question));
    }

    /// Binds the desktop app, or takes the bind back, after a question.
    pub(super) fn ask_bind(&mut self, world: &World, at: Moment) {
        if self.is_rehearsal(world, at) {
            return;
        }
        let run = |order| Intent::Run(Box::new(Command::Rotation(order)));
        let bind = run(rotation::Order::Bind(BINDING));
        let unbind = run(rotation::Order::Unbind { daemon: Daemon::default(), dry_run: false });
        let question = Confirm::new("Bind the desktop app?".to_owned(), "Leave it", "Bind", [bind])
            .or("Unbind", [unbind])
            .saying("One key in the official CLI's config.toml sends desktop app and IDE through a router of yours.")
            .saying("Unbind takes it out again, with every byte of yours in place.");
        self.overlays.push(Overlay::Confirm(question));
    }
}

fn bridge(order: Order) -> Intent {
    Intent::Run(Box::new(Command::Bridge(order)))
}
