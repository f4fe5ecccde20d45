//! Acts on accounts that a screen asks for: each promises how to take it back, then starts its flow.

use crate::app::effect::{Effect, Effects, PeersEffect};
use crate::app::flows::survey::Tokens;
use crate::app::flows::vault::{self, Errand};
use crate::app::flows::{Flow, check, policy, switch, toggle, unpin};
use crate::app::model::Model;
use crate::app::msg::Msg;
use crate::app::outcome::{Body, Outcome};
use crate::app::undo::Inverse;
use crate::base::Moment;
use crate::domain::account::{AccountKey, Switch};
use crate::domain::change::{Change, Pin};
use crate::domain::policy::account::PolicyEdit;
use crate::domain::selection::Ask;
use crate::domain::vault::Act;

impl Model {
    pub(super) fn use_account(&mut self, key: AccountKey, pin: Pin, at: Moment) -> Effects {
        let Some(account) = self.world.roster.get(&key) else { return Effects::new() };
        let mut inverse = vec![Change::SelectionRestored {
            active: self.world.roster.active.clone(),
            pin: self.world.roster.pin.clone(),
            pinned_at: self.world.roster.pinned_at,
        }];
        if !account.is_on() {
            inverse.push(Change::Switched { key: key.clone(), switch: Switch::Off });
        }
        let name = self.world.named(&key).map_or_else(String::new, |named| named.label);
        let ticket = self.flows.ticket();
        self.promise(ticket, format!("switched to {name}"), inverse, at);
        let mut flow = switch::Flow::new(ticket, switch::Whom::Key(key), pin);
        let step = flow.on(&Msg::Ticked, &self.world, at);
        self.keep(ticket, Flow::Switch(flow), step, at)
    }

    pub(super) fn unpin(&mut self, at: Moment) -> Effects {
        let inverse = vec![Change::SelectionRestored {
            active: self.world.roster.active.clone(),
            pin: self.world.roster.pin.clone(),
            pinned_at: self.world.roster.pinned_at,
        }];
        let ticket = self.flows.ticket();
        self.promise(ticket, "unpinned".to_owned(), inverse, at);
        let mut flow = unpin::Flow::new(ticket);
        let step = flow.on(&Msg::Ticked, &self.world, at);
        self.keep(ticket, Flow::Unpin(flow), step, at)
    }

    pub(super) fn turn(&mut self, key: AccountKey, switch: Switch, at: Moment) -> Effects {
        let Some(account) = self.world.roster.get(&key) else { return Effects::new() };
        let inverse = vec![Change::Switched { key: key.clone(), switch: account.switch }];
        let name = self.world.named(&key).map_or_else(String::new, |named| named.label);
        let word = match switch {
            Switch::On => "on",
            Switch::Off => "off",
        };
        let ticket = self.flows.ticket();
        self.promise(ticket, format!("switched {name} {word}"), inverse, at);
        let (flow, effects) = toggle::Flow::start(ticket, key, switch);
        self.guess(&effects);
        self.flows.keep(ticket, Flow::Toggle(flow));
        effects
    }

    pub(super) fn check(&mut self, keys: Vec<AccountKey>, tokens: Tokens, at: Moment) -> Effects {
        let keys: Vec<AccountKey> =
            keys.into_iter().filter(|key| !self.world.checking.contains(key)).collect();
        if keys.is_empty() {
            return Effects::new();
        }
        self.world.checking.extend(keys.iter().cloned());
        let ticket = self.flows.ticket();
        let (flow, effects) = check::Flow::start(ticket, keys, tokens, &self.world, at);
        self.flows.keep(ticket, Flow::Check(flow));
        effects
    }

    /// Shows whom a running check asks about, whoever started it.
    pub(super) fn follow_checks(&mut self) {
        let asked = self
            .flows
            .running()
            .filter_map(|(_, flow)| if let Flow::Check(flow) = flow { Some(flow.running()) } else { None });
        for key in asked.flatten() {
            if !self.world.checking.contains(key) {
                self.world.checking.push(key.clone());
            }
        }
    }

    /// Nobody is being asked about any more whose standing is known: some standings need no question.
    pub(super) fn asked(&mut self, outcome: &Outcome) {
        if let Body::Checked(checked) = &outcome.body {
            self.world.checking.retain(|key| !checked.standings.contains_key(key));
        }
    }

    /// Asks each account for a short answer of a model; the question was answered with yes.
    pub(super) fn probe(&mut self, keys: Vec<AccountKey>, model: Option<String>, at: Moment) -> Effects {
        let keys: Vec<AccountKey> =
            keys.into_iter().filter(|key| !self.world.checking.contains(key)).collect();
        if keys.is_empty() {
            return Effects::new();
        }
        self.world.checking.extend(keys.iter().cloned());
        let ticket = self.flows.ticket();
        let (flow, effects) = check::Flow::probing(ticket, keys, model, &self.world, at);
        self.flows.keep(ticket, Flow::Check(flow));
        effects
    }

    /// Asks a running proxy whom it would choose; what it answered to another question counts no longer.
    pub(super) fn foresee(&mut self, ask: Ask) -> Effects {
        self.world.answer = None;
        if self.world.peers.is_empty() {
            return Effects::new();
        }
        let ticket = self.flows.ticket();
        vec![Effect::Peers(PeersEffect::Next(ticket, ask))]
    }

    /// Has the keeper of backups do something.
    pub(super) fn vault(&mut self, act: Act) -> Effects {
        let ticket = self.flows.ticket();
        let (flow, effects) = vault::Flow::start(ticket, act);
        self.flows.keep(ticket, Flow::Vault(Box::new(flow)));
        effects
    }

    /// Wants something else of an account; the undo wants what was wanted before.
    pub(super) fn rule(&mut self, key: AccountKey, edit: PolicyEdit, at: Moment) -> Effects {
        let Some(account) = self.world.roster.get(&key) else { return Effects::new() };
        let before = self.world.policies.of(account).cloned().unwrap_or_default();
        let after = edit.apply(before.clone(), at);
        let name = self.world.named(&key).map_or_else(String::new, |named| named.label);
        let ticket = self.flows.ticket();
        let inverse = Inverse::Policy(key.clone(), edit.inverse(&before));
        self.promise_any(ticket, format!("{name}: {}", edit.words(&after)), inverse, at);
        let (flow, effects) = policy::Flow::start(ticket, key, edit);
        self.flows.keep(ticket, Flow::Policy(flow));
        effects
    }

    /// Names an account; the undo gives it its old name.
    pub(super) fn label(&mut self, key: &AccountKey, label: Option<String>, at: Moment) -> Effects {
        let Some(account) = self.world.roster.get(key) else { return Effects::new() };
        let inverse = vec![Change::Relabelled { key: key.clone(), label: account.label.clone() }];
        let name = self.world.named(key).map_or_else(String::new, |named| named.label);
        let ticket = self.flows.ticket();
        self.promise(ticket, format!("renamed {name}"), inverse, at);
        let mut flow = vault::Flow::new(ticket, Errand::Label(key.as_str().to_owned(), label));
        let step = flow.on(&Msg::Ticked, &self.world, at);
        self.keep(ticket, Flow::Vault(Box::new(flow)), step, at)
    }
}
