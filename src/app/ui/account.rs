//! What can be wanted of one account on its own keys: tags, note, weight, pause, drain, name, workspaces.

use super::Ui;
use crate::app::action::Action;
use crate::app::intent::Intent;
use crate::app::overlays::Overlay;
use crate::app::overlays::ask::{Ask, Purpose};
use crate::app::overlays::confirm::Confirm;
use crate::app::overlays::palette::Run;
use crate::app::overlays::seats::Seats;
use crate::app::overlays::wants::{Line, Wants};
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::text::clean;
use crate::base::{Moment, Percent};
use crate::domain::account::{Account, AccountKey, Switch};
use crate::domain::change::Pin;
use crate::domain::policy::account::{AccountPolicy, HEAVIEST, PolicyEdit};
use crate::domain::workspace::{Seat, choose_seat, own_seat};

/// One step of a weight.
const STEP: f64 = 0.5;

impl Ui {
    /// Asks before every account spends a refresh.
    pub(super) fn ask_refresh_all(&mut self, world: &World, at: Moment) {
        let keys: Vec<AccountKey> = world
            .roster
            .accounts
            .iter()
            .filter(|account| account.is_on() && !account.credentials.refresh.is_blank())
            .map(|account| account.key.clone())
            .collect();
        if keys.is_empty() {
            self.say(Toast::new(Level::Info, "key R", "no account can be refreshed: all are off"), world, at);
            return;
        }
        let count = keys.len();
        let accounts = if count == 1 { "1 account".to_owned() } else { format!("{count} accounts") };
        let question = Confirm::new(format!("Refresh {accounts}?"), "Keep", "Refresh", [Intent::Renew(keys)])
            .saying("Each one spends its refresh token for new ones, then its limits are read.")
            .saying("Tokens that are not due need none of this; it shows at once who must sign in again.");
        self.overlays.push(Overlay::Confirm(question));
    }

    /// Asks for the tags of an account.
    pub(super) fn ask_tags(&mut self, account: &Account, world: &World) -> Vec<Intent> {
        let tags = policy(account, world).tags.join(", ");
        let ask = Ask::new("Tags", "tags", Purpose::Tags(account.key.clone()))
            .saying(format!(
                "Of {}. Several are separated by commas; none takes all away.",
                name(account, world)
            ))
            .holding(&tags);
        self.overlays.push(Overlay::Ask(ask));
        Vec::new()
    }

    /// Asks for the note on an account.
    pub(super) fn ask_note(&mut self, account: &Account, world: &World) -> Vec<Intent> {
        let note = policy(account, world).note.unwrap_or_default();
        let ask = Ask::new("Note", "note", Purpose::Note(account.key.clone()))
            .saying(format!(
                "On {}. It stays on this computer; an empty one removes it.",
                name(account, world)
            ))
            .holding(&note);
        self.overlays.push(Overlay::Ask(ask));
        Vec::new()
    }

    /// The panel of an account takes its keys; it stays open until it is closed.
    pub(super) fn want(&mut self, mut open: Wants, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        let Some(account) = world.roster.get(&open.key) else { return Vec::new() };
        if let Some(by) = action.steps(1) {
            open.place = open.place.saturating_add_signed(by).min(Line::ALL.len() - 1);
            self.overlays.push(Overlay::Wants(open));
            return Vec::new();
        }
        let line = open.line();
        if action == Action::Open && !matches!(line, Line::Pause | Line::Drain) {
            self.overlays.push(Overlay::Wants(open));
            return self.ask_line(line, account, world);
        }
        let stays =
            matches!(action, Action::Open | Action::Toggle | Action::Less | Action::More | Action::Undo);
        if !stays {
            return Vec::new();
        }
        self.overlays.push(Overlay::Wants(open));
        if action == Action::Undo {
            return vec![Intent::Undo];
        }
        let Some(edit) = turned(line, action, &policy(account, world)) else {
            let text = format!("the {} is typed: press enter", line.name());
            self.say(Toast::new(Level::Info, "key", text), world, at);
            return Vec::new();
        };
        vec![Intent::Rule(account.key.clone(), edit)]
    }

    fn ask_line(&mut self, line: Line, account: &Account, world: &World) -> Vec<Intent> {
        let key = account.key.clone();
        let policy = policy(account, world);
        let of = name(account, world);
        let ask = match line {
            Line::Tags => return self.ask_tags(account, world),
            Line::Note => return self.ask_note(account, world),
            Line::Weight => Ask::new("Weight", "weight", Purpose::Weight(key))
                .saying(format!("Of {of}. 0 to 10: 1 is neutral, more is preferred, 0 is the last resort."))
                .holding(&policy.weight.to_string()),
            Line::Label | Line::Pause | Line::Drain => Ask::new("Label", "label", Purpose::Label(key))
                .saying(format!("Your own name for {of}; an empty one takes it away."))
                .holding(account.label.as_deref().unwrap_or_default()),
        };
        self.overlays.push(Overlay::Ask(ask));
        Vec::new()
    }

    /// Opens the list of workspaces.
    pub(super) fn list_seats(&mut self, account: &Account, world: &World, at: Moment) -> Vec<Intent> {
        if account.workspaces.is_empty() {
            let text =
                format!("{}: no workspace is listed; the next sign-in lists them", name(account, world));
            self.say(Toast::new(Level::Info, "key w", text).like("workspace"), world, at);
            return Vec::new();
        }
        let place = own_seat(account).unwrap_or(0);
        self.overlays.push(Overlay::Seats(Seats { key: account.key.clone(), place }));
        Vec::new()
    }

    /// Opens an account with its workspaces listed.
    pub fn open_seats(&mut self, key: &AccountKey, world: &World, at: Moment) {
        self.run(Run::Open(key.clone()), world, at);
        if let Some(account) = world.roster.get(key) {
            self.list_seats(account, world, at);
        }
    }

    /// The list of workspaces takes its keys.
    pub(super) fn sit(&mut self, mut open: Seats, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        let Some(account) = world.roster.get(&open.key) else { return Vec::new() };
        if let Some(by) = action.steps(1) {
            let last = account.workspaces.len().saturating_sub(1);
            open.place = open.place.saturating_add_signed(by).min(last);
            self.overlays.push(Overlay::Seats(open));
            return Vec::new();
        }
        if action != Action::Open {
            return Vec::new();
        }
        let (level, text) = match choose_seat(account, open.place, &world.roster) {
            Seat::Own => (Level::Info, "that workspace is in use by this account already".to_owned()),
            Seat::Held(key) => {
                return world
                    .roster
                    .get(&key)
                    .map(|other| self.choose(other, Pin::Set, world, at))
                    .unwrap_or_default();
            }
            Seat::Informational => (
                Level::Info,
                "a platform organisation is listed for information; Codex never uses it".to_owned(),
            ),
            Seat::Disabled => (Level::Warn, "that workspace is switched off or gone".to_owned()),
            Seat::Foreign(id) => {
                let text = format!("that workspace needs a sign-in of its own: run login --org {id}");
                (Level::Warn, text)
            }
            Seat::Unknown => return Vec::new(),
        };
        self.say(Toast::new(level, "key w", text).about(&account.key), world, at);
        Vec::new()
    }
}

/// What a key makes of a row that needs no typing.
fn turned(line: Line, action: Action, policy: &AccountPolicy) -> Option<PolicyEdit> {
    let other = |on: bool| if on { Switch::Off } else { Switch::On };
    match line {
        Line::Pause => Some(PolicyEdit::Pause(other(policy.paused))),
        Line::Drain => Some(PolicyEdit::Drain(other(policy.drained))),
        Line::Weight => {
            let by = [(Action::More, STEP), (Action::Less, -STEP)];
            let (_, by) = by.into_iter().find(|(key, _)| *key == action)?;
            let weight = (policy.weight + by).clamp(0.0, HEAVIEST);
            Some(PolicyEdit::Weight(Percent::new(weight * 100.0).whole()))
        }
        Line::Label | Line::Tags | Line::Note => None,
    }
}

fn policy(account: &Account, world: &World) -> AccountPolicy {
    world.policies.of(account).cloned().unwrap_or_default()
}

fn name(account: &Account, world: &World) -> String {
    let named = world.named(&account.key).map(|named| clean(&named.label).into_owned());
    named.unwrap_or_default()
}
