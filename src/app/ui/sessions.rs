//! The keys of the session board: pin a session, move it at its next turn, drain its account (dashboard.md §12.7).

use super::Ui;
use crate::app::action::Action;
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::confirm::Confirm;
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;
use crate::domain::account::{AccountKey, Switch};
use crate::domain::facts::Steer;
use crate::domain::policy::account::PolicyEdit;

impl Ui {
    /// What a key does to the session under the cursor.
    pub(super) fn steer(&mut self, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        let Some((peer, session)) = self.monitor.focused_session(world) else { return Vec::new() };
        let Some(pid) = world.peers.get(peer).map(|peer| peer.peer.pid) else { return Vec::new() };
        let id = session.id.clone();
        let steer = |steer| vec![Intent::Steer { pid, session: id.clone(), steer }];
        if action == Action::MoveSession {
            return steer(Steer::Move);
        }
        if action == Action::PinSession && session.is_pinned {
            return steer(Steer::Free);
        }
        let Some(account) = session.account.clone() else {
            let text = format!("session {id} has no account yet");
            self.say(Toast::new(Level::Info, "key", text), world, at);
            return Vec::new();
        };
        if action == Action::PinSession {
            return steer(Steer::Pin(account));
        }
        self.ask_drain(&account, world, at);
        Vec::new()
    }

    /// Asks before an account takes no new sessions.
    fn ask_drain(&mut self, account: &AccountKey, world: &World, at: Moment) {
        let name = world.named(account).map(|named| clean(&named.label).into_owned()).unwrap_or_default();
        let is_drained = world
            .roster
            .get(account)
            .and_then(|account| world.policies.of(account))
            .is_some_and(|one| one.drained);
        if is_drained {
            self.say(Toast::new(Level::Info, "key w", format!("{name} is draining already")), world, at);
            return;
        }
        let act = Intent::Rule(account.clone(), PolicyEdit::Drain(Switch::On));
        let question = Confirm::new(format!("Drain {name}?"), "Keep", "Drain", [act])
            .saying("It takes no new sessions. Those on it may finish; `m` moves one at its next turn.");
        self.overlays.push(Overlay::Confirm(question));
    }

    /// What a proxy said to a wish.
    pub(super) fn tell_of_steering(&mut self, told: &Result<String, String>, world: &World, at: Moment) {
        let toast = match told {
            Ok(text) => Toast::new(Level::Done, "key", text.clone()),
            Err(text) => Toast::new(Level::Warn, "key", text.clone()),
        };
        self.say(toast, world, at);
    }
}
