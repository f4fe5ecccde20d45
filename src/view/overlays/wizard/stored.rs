//! The last step: who came in, what was written, and what can be done now.

use super::{Page, TEXT};
use crate::app::flows::login::SignedIn;
use crate::app::overlays::wizard::Wizard;
use crate::base::text::clean;
use crate::domain::login::admission::{Admitted, Place};
use crate::view::screens::accounts::side::tail;
use crate::view::words::{CUT, plan};

impl Page<'_, '_> {
    /// Who came in, what was written, and what can be done now.
    pub(super) fn stored(&mut self, wizard: &Wizard, done: &SignedIn) {
        let skin = self.scene.skin;
        let name = self.scene.veiled(&clean(&done.account.label));
        let what = match done.how {
            Admitted::Inserted => format!("New account {}: {name}", done.account.number),
            Admitted::Updated => format!("{name} has a new session (account {})", done.account.number),
            Admitted::Rebound => {
                format!("{name} has a new session in another workspace (account {})", done.account.number)
            }
        };
        self.pen.run(TEXT, self.row, &[("✓ ", skin.good()), (&what, skin.heading())]);
        self.row += 2;
        let account = self.scene.world.roster.get(&done.account.key);
        let seats = account.map(|account| account.workspaces.as_slice()).unwrap_or_default();
        let seat = seats.iter().find(|seat| Some(&seat.id) == done.workspace.as_ref());
        let tail = account.and_then(tail).map(|tail| format!("{CUT}{tail}"));
        let name = seat.and_then(|seat| seat.given_name()).map(str::to_owned);
        let workspace: Vec<String> = name.into_iter().chain(tail).collect();
        let workspace = if workspace.is_empty() { "none".to_owned() } else { workspace.join(" ") };
        self.pair("workspace", &clean(&workspace));
        self.pair("plan", &plan(account.and_then(|account| account.plan()), 20));
        let active = match done.place {
            Place::Active => "this one".to_owned(),
            Place::Behind => self.kept(),
        };
        self.pair("account in use", &active);
        self.gap();
        for line in &done.warnings {
            self.say(&clean(line), skin.warn());
        }
        let path = self.scene.at_home(&self.scene.world.setting.storage_path);
        self.say(&format!("Written to {path} (0600)."), skin.dim());
        if done.place == Place::Active {
            let home = self.scene.at_home(&self.scene.world.setting.codex_home);
            self.say(&format!("The official CLI uses it, too: {home}/auth.json; a login that was there and is not in the pool is kept in backups-official/ beside the pool."), skin.dim());
        }
        let undo = match done.how {
            Admitted::Inserted => "Undo: d on the account deletes it; a backup is made first.",
            Admitted::Updated | Admitted::Rebound => {
                "The session from before is replaced; it was not signed out."
            }
        };
        self.say(undo, skin.dim());
        self.gap();
        if self.is_narrow() {
            return;
        }
        let another = if wizard.is_full() { "" } else { " · a another account" };
        let mut words = format!("⏎ to the dashboard{another} · n a name for it");
        if let (true, Some(most)) = (wizard.is_full(), wizard.most) {
            self.say(&format!("The pool holds {most} accounts, as many as maxAccounts allows."), skin.dim());
        }
        if done.place == Place::Behind {
            words.push_str(" · s make it the account in use");
        }
        self.say(&words, skin.text());
    }

    /// The account that stays in use, in words.
    fn kept(&self) -> String {
        let active = self.scene.world.roster.active.as_ref().and_then(|key| self.scene.world.named(key));
        match active {
            Some(named) => format!("stays {}", self.scene.veiled(&clean(&named.label))),
            None => "stays the same".to_owned(),
        }
    }
}
