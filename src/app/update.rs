//! `init`, `update`, `subscriptions` and `briefing`: the loop's four pure functions.

use std::collections::BTreeSet;

use crate::app::background::{Background, Trouble};
use crate::app::effect::{DesktopEffect, Effect, Effects, LoginEffect, PeersEffect, StoreEffect};
use crate::app::flows::survey::Tokens;
use crate::app::flows::{
    Flow, Ticket, best, bridge, check, chore, config, flagged, forecast, forward, history, login, models,
    policy, report, rotation, rules, serve, status, switch, uninstall, unpin, usage, vault, why, workspace,
};
use crate::app::goal::{Command, Entry, Goal, Tab};
use crate::app::input::Focus;
use crate::app::intent::Intent;
use crate::app::model::{Boot, Model};
use crate::app::msg::{Msg, PeersMsg, ServiceMsg, Signal, StoreMsg, UpstreamMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::sub::{ProxyKind, ProxySpec, Sub};
use crate::app::threshold::Threshold;
use crate::app::toasts::{Level, Toast};
use crate::app::ui::Ui;
use crate::app::undo::{Inverse, Undo};
use crate::app::update::announce::is_view;
use crate::app::update::taking_back::UNDO;
use crate::app::world::World;
use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::change::{Change, Pin};
use crate::domain::problem::Exit;
use crate::domain::quota::relief::is_lifted;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::settings::BackgroundNetwork;

/// How much of the ledger the screens show.
const LEDGER: Span = Span::hours(24);

/// The model of a start and what it does first.
pub fn init(goal: Goal, boot: Boot) -> (Model, Effects) {
    let entry = match &goal {
        Goal::Dashboard(entry) => entry.clone(),
        Goal::Run(_) | Goal::Forward(_) | Goal::Serve(_) => Entry::default(),
    };
    let mut model = Model {
        world: World::new(boot.setting, boot.at),
        ui: Ui::new(&entry, boot.size, &boot.remembered),
        threshold: Threshold::open(boot.acknowledged),
        flows: crate::app::flows::Flows::default(),
        background: Background::default(),
        undo: None,
        outcome: None,
        exit: None,
        now: boot.at,
        focus: Focus::Here,
        revision: 0,
        seed: boot.seed,
        limit: None,
        entry: None,
        pending: std::collections::BTreeMap::new(),
        told: BTreeSet::new(),
        shows: BTreeSet::new(),
        resume: None,
        goal,
    };
    let mut effects = vec![
        Effect::Store(StoreEffect::Settings),
        Effect::Store(StoreEffect::Policies),
        // Before the pool: who knows the pool knows what is ruled, because the store answers in order.
        Effect::Store(StoreEffect::Rules),
        Effect::Store(StoreEffect::Load),
    ];
    let ticket = model.flows.ticket();
    match model.goal.clone() {
        Goal::Dashboard(entry) => {
            effects.push(Effect::Store(StoreEffect::Capabilities));
            effects.push(Effect::Store(StoreEffect::Quota));
            effects.push(Effect::Store(StoreEffect::Usage(boot.at - LEDGER)));
            effects.push(Effect::Peers(PeersEffect::Look));
            let wanted = match entry.command {
                // The wizard starts it, once nothing stands before it.
                Some(Command::Login(request)) => Some(request),
                Some(command) => {
                    model.begin(ticket, &command);
                    None
                }
                None => None,
            };
            let looking = model.flows.ticket();
            model.threshold = Threshold::looking(looking, wanted);
            effects.push(Effect::Login(looking, LoginEffect::Survey));
        }
        Goal::Run(command) => {
            if matches!(command, Command::Models(_) | Command::Monitor) {
                effects.push(Effect::Store(StoreEffect::Capabilities));
            }
            effects.push(Effect::Store(StoreEffect::Quota));
            effects.push(Effect::Peers(PeersEffect::Look));
            if command == Command::Monitor {
                effects.push(Effect::Store(StoreEffect::Usage(boot.at - LEDGER)));
            }
            model.begin(ticket, &command);
        }
        Goal::Forward(forwarding) => {
            // Looking sweeps what a killed process left in the registry.
            effects.push(Effect::Peers(PeersEffect::Look));
            model.flows.keep(ticket, Flow::Forward(forward::Flow::new(ticket, forwarding)));
            model.entry = Some(ticket);
        }
        Goal::Serve(_) => {
            effects.push(Effect::Peers(PeersEffect::Look));
            model.flows.keep(ticket, Flow::Serve(serve::Flow::new(boot.announce, boot.pid)));
            model.entry = Some(ticket);
        }
    }
    (model, effects)
}

/// Takes one message in; returns what to do.
pub fn update(model: &mut Model, at: Moment, message: Msg) -> Effects {
    let leaving = model.exit;
    model.now = at;
    model.world.fold(&message);
    // Nobody sees the lists of a command that prints.
    if model.is_dashboard() {
        model.ui.hear(&message, &model.world, at);
    }
    let (mut effects, finished) = model.flows.hear(&message, &model.world, at);
    effects.extend(model.announce(&message));
    for (ticket, outcome) in finished {
        effects.extend(model.finish(ticket, outcome, at));
    }
    model.follow_sign_in();
    model.follow_checks();
    effects.extend(model.step_over(&message, at));
    match message {
        Msg::Input(input) => effects.extend(model.input(&input, at)),
        Msg::Signal(signal) => effects.extend(model.signal(signal)),
        Msg::Store(
            StoreMsg::Loaded(_)
            | StoreMsg::Settings(_)
            | StoreMsg::Committed(..)
            | StoreMsg::Configured(..)
            | StoreMsg::Vault(..)
            | StoreMsg::Policies(_)
            | StoreMsg::PolicySet(..)
            | StoreMsg::ConfigFile(..),
        ) => {
            model.revision += 1;
        }
        Msg::Service(ServiceMsg::Exited(Err(_))) if model.is_dashboard() => {
            effects.push(Effect::Peers(PeersEffect::Look));
        }
        Msg::Peers(PeersMsg::Seen(peers)) if !peers.is_empty() && model.ui.tab() == Tab::Forecast => {
            let ticket = model.flows.ticket();
            effects.push(Effect::Peers(PeersEffect::Next(ticket, model.ui.outlook.question())));
        }
        Msg::Upstream(UpstreamMsg::Usage(_, key, answer)) => {
            effects.extend(model.measured(&key, (*answer).as_ref().ok(), at));
            effects.extend(model.look_around(at));
        }
        Msg::NotCopied(text) => effects.push(Effect::Desktop(DesktopEffect::CopyByTerminal(text))),
        Msg::Ticked | Msg::Store(StoreMsg::Quota(_)) => effects.extend(model.look_around(at)),
        Msg::Upstream(UpstreamMsg::Probed(..))
        | Msg::Store(_)
        | Msg::Auth(_)
        | Msg::Elapsed
        | Msg::Codex(_)
        | Msg::Login(..)
        | Msg::Checkup(..)
        | Msg::Bridge(..)
        | Msg::History(..)
        | Msg::Rotation(..)
        | Msg::Chored(..)
        | Msg::Uninstalled(..)
        | Msg::Answered(..)
        | Msg::Worded(..)
        | Msg::Log(_)
        | Msg::Filed(..)
        | Msg::Peers(_)
        | Msg::Service(_) => {}
    }
    if model.is_dashboard() {
        for intent in model.ui.wanted(&model.world, at) {
            effects.extend(model.obey(intent, at));
        }
        effects = model.ask_on_screen(effects, at);
    }
    if model.undo.as_ref().is_some_and(|undo| at > undo.until) {
        model.undo = None;
    }
    if let (None, Some(exit)) = (leaving, model.exit) {
        effects.push(Effect::Exit(exit));
    }
    effects
}

/// What to listen to.
pub fn subscriptions(model: &Model) -> BTreeSet<Sub> {
    let mut subs = BTreeSet::new();
    let live = model.world.settings.live_sync;
    match &model.goal {
        Goal::Dashboard(_) => {
            subs.insert(if model.ui.lines.is_some() { Sub::Lines } else { Sub::Input });
            subs.insert(Sub::Looks);
            subs.insert(Sub::Signals);
            subs.insert(Sub::Settings);
            subs.extend(live.then_some(Sub::Store));
            subs.insert(Sub::Policies);
            subs.insert(Sub::Official);
            if model.world.settings.background_network == BackgroundNetwork::On {
                subs.insert(Sub::Guardian);
            }
            let busy = model.ui.tab() == Tab::Monitor || model.ui.is_pane();
            subs.insert(Sub::Peers(Span::seconds(if busy { 1 } else { 5 })));
            subs.insert(Sub::Figures(Span::seconds(if busy { 5 } else { 15 })));
            if model.ui.tab() == Tab::Logs {
                subs.insert(Sub::Logs(Span::seconds(1)));
            }
            if let Some(every) = model.ui.moving(&model.world, model.now) {
                subs.insert(Sub::Tick(every));
            }
            if model.world.setting.demo.is_some() && model.world.settled {
                subs.insert(Sub::Proxy(ProxySpec { port: 0, kind: ProxyKind::Serve, forced: None }));
            }
        }
        Goal::Run(_) => {
            subs.insert(Sub::Signals);
            subs.extend(model.limit.map(Sub::Limit));
        }
        Goal::Forward(_) => {
            let flow = model
                .flows
                .running()
                .find_map(|(_, flow)| if let Flow::Forward(flow) = flow { Some(flow) } else { None });
            if !flow.is_some_and(forward::Flow::child_runs) {
                subs.insert(Sub::Signals);
            }
            if let Some(spec) = flow.and_then(forward::Flow::proxy) {
                subs.insert(Sub::Settings);
                subs.extend(live.then_some(Sub::Store));
                subs.insert(Sub::Policies);
                subs.insert(Sub::Official);
                subs.insert(Sub::Proxy(spec));
            }
        }
        Goal::Serve(serving) => {
            subs.insert(Sub::Signals);
            subs.insert(Sub::Settings);
            subs.extend(live.then_some(Sub::Store));
            subs.insert(Sub::Policies);
            subs.insert(Sub::Official);
            if model.world.loaded && model.world.settled && model.exit.is_none() {
                let port = serving.port.unwrap_or(0);
                let kind = match (&serving.router, serving.bridge) {
                    (Some(_), _) => ProxyKind::Router,
                    (None, Some(access)) => ProxyKind::Bridge(access),
                    (None, None) => ProxyKind::Serve,
                };
                subs.insert(Sub::Proxy(ProxySpec { port, kind, forced: None }));
            }
        }
    }
    subs
}

impl Model {
    /// Fresh figures: they may end a limit before its time, and failures that persist are told once.
    fn measured(&mut self, key: &AccountKey, fresh: Option<&Snapshot>, at: Moment) -> Effects {
        if self.background.heard(key, fresh.map(|_| ()).ok_or(())) == Trouble::Persists {
            let text = "limits could not be read three times in a row; the figures shown grow old";
            self.ui.toast(Toast::new(Level::Warn, "limits", text), &self.world, at);
        }
        let lifted = fresh.zip(self.world.roster.get(key)).is_some_and(|(fresh, one)| is_lifted(one, fresh));
        if !lifted {
            return Effects::new();
        }
        let changes = vec![Change::Recovered { key: key.clone() }];
        self.world.guess(&changes);
        let ticket = self.flows.ticket();
        vec![Effect::Store(StoreEffect::Commit(ticket, changes)), Effect::Peers(PeersEffect::Reload)]
    }

    /// Background calls: only while somebody looks.
    fn look_around(&mut self, at: Moment) -> Effects {
        if !self.is_dashboard() || self.focus != Focus::Here || !self.world.is_complete() {
            return Effects::new();
        }
        let ticket = self.flows.ticket();
        self.background.look(&mut self.world, ticket, at)
    }

    fn is_dashboard(&self) -> bool {
        matches!(self.goal, Goal::Dashboard(_))
    }

    fn begin(&mut self, ticket: Ticket, command: &Command) {
        self.flows.keep(ticket, flow_of(ticket, command));
        self.entry = Some(ticket);
    }

    fn finish(&mut self, ticket: Ticket, outcome: Outcome, at: Moment) -> Effects {
        let mut effects = Effects::new();
        if let Some(mut undo) = self.pending.remove(&ticket)
            && !matches!(outcome.body, Body::Problem(_))
        {
            undo.until = at + UNDO;
            undo.generation = self.world.roster.generation;
            self.undo = Some(undo);
        }
        if let Some((what, act, span)) = vault::offer::of(&outcome.body) {
            let inverse = Inverse::Act(Box::new(act));
            let generation = self.world.roster.generation;
            self.undo = Some(Undo { what, inverse, generation, until: at + span });
        }
        if matches!(outcome.body, Body::Problem(_)) && self.is_dashboard() {
            // A refused commit: what was shown already is replaced by what is on disk.
            effects.push(Effect::Store(StoreEffect::Load));
        }
        self.asked(&outcome);
        let is_entry = self.entry == Some(ticket);
        let is_asked = self.shows.remove(&ticket) || is_entry;
        let shown = is_asked.then(|| self.shown(&outcome, at)).flatten();
        let told = shown.is_some() || (is_entry && is_view(&outcome));
        effects.extend(shown.into_iter().flatten());
        if self.is_dashboard() && !self.wizard_shows(ticket, &outcome) && !told {
            let until = self.undo.as_ref().map(|undo| undo.until);
            self.ui.finished(&outcome, &self.world, until, at);
        }
        if is_entry {
            if !self.is_dashboard() {
                self.exit = Some(self.exit.unwrap_or(outcome.exit));
            }
            self.outcome = Some(outcome);
        }
        effects
    }

    fn obey(&mut self, intent: Intent, at: Moment) -> Effects {
        match intent {
            Intent::Use(key, pin) => self.use_account(key, pin, at),
            Intent::SignIn(wish) => self.sign_in(wish, at),
            Intent::Terms(answer) => self.answer_terms(answer, at),
            Intent::Unpin => self.unpin(at),
            Intent::Turn(key, switch) => self.turn(key, switch, at),
            Intent::Check(keys) => self.check(keys, Tokens::WhenDue, at),
            Intent::Renew(keys) => self.check(keys, Tokens::Always, at),
            Intent::Probe(keys, model) => self.probe(keys, model, at),
            Intent::Foresee(ask) => self.foresee(*ask),
            Intent::Rule(key, edit) => self.rule(key, edit, at),
            Intent::Steer { pid, session, steer } => {
                vec![Effect::Peers(PeersEffect::Steer { pid, session, steer })]
            }
            Intent::Label(key, label) => self.label(&key, label, at),
            Intent::Vault(act) => self.vault(*act),
            Intent::Sum(query) => {
                let ticket = self.flows.ticket();
                vec![Effect::Store(StoreEffect::Sum(ticket, query))]
            }
            Intent::Recall(name) => {
                let ticket = self.flows.ticket();
                vec![Effect::Peers(PeersEffect::Recall(ticket, name))]
            }
            Intent::Undo => self.take_back(at),
            Intent::Run(command) => self.run(&command, at),
            Intent::Reply(message) => self.reply(&message, at),
            Intent::Resume(session) => {
                self.resume = Some(session);
                self.exit = Some(Exit::Ok);
                Effects::new()
            }
            Intent::CancelTasks => {
                let running: Vec<Ticket> = self
                    .flows
                    .running()
                    .filter(|(_, flow)| matches!(flow, Flow::Check(_)))
                    .map(|(ticket, _)| ticket)
                    .collect();
                for ticket in &running {
                    self.flows.cancel(*ticket);
                }
                self.world.checking.clear();
                running.into_iter().map(Effect::Cancel).collect()
            }
            Intent::Quit => {
                self.exit = Some(match (&self.goal, &self.outcome) {
                    (Goal::Dashboard(Entry { command: Some(_), .. }), Some(outcome)) => outcome.exit,
                    (Goal::Dashboard(Entry { command: Some(_), .. }), None) => Exit::Cancelled,
                    _ => Exit::Ok,
                });
                Effects::new()
            }
            Intent::Interrupt => {
                self.exit = Some(Exit::Signal(Signal::Interrupt.number()));
                Effects::new()
            }
            Intent::Suspend => vec![Effect::Desktop(DesktopEffect::Suspend)],
            Intent::Redraw => vec![Effect::Desktop(DesktopEffect::Redraw)],
            Intent::CopyReport(outcome) => vec![Effect::Desktop(DesktopEffect::CopyReport(outcome))],
            Intent::CopySecret(text) => vec![Effect::Desktop(DesktopEffect::Copy(text))],
            Intent::Save(outcome, path, form) => {
                vec![Effect::Desktop(DesktopEffect::Save(outcome, path, form))]
            }
            Intent::Copy(text) => vec![Effect::Desktop(DesktopEffect::Copy(text.into()))],
            Intent::Mouse(capture) => vec![Effect::Desktop(DesktopEffect::Mouse(capture))],
            Intent::Configure(edits) => {
                let ticket = self.flows.ticket();
                self.world.expect(&edits);
                self.ui.refresh(&self.world, at);
                vec![Effect::Store(StoreEffect::Configure(ticket, edits))]
            }
            Intent::Inspect(act) => {
                let ticket = self.flows.ticket();
                vec![Effect::Store(StoreEffect::Vault(ticket, act))]
            }
            Intent::TakeStock => vec![Effect::Store(StoreEffect::Stock)],
            Intent::Recount => vec![Effect::Store(StoreEffect::Chronicle)],
            Intent::Remember(text) => vec![Effect::Store(StoreEffect::Remember(text))],
        }
    }

    /// Keeps a flow that has made its first step; what it commits is shown at once.
    fn keep(&mut self, ticket: Ticket, flow: Flow, step: crate::app::flows::Step, at: Moment) -> Effects {
        match step {
            crate::app::flows::Step::Wait(effects) => {
                self.guess(&effects);
                self.flows.keep(ticket, flow);
                effects
            }
            crate::app::flows::Step::Done(mut effects, outcome) => {
                effects.extend(self.finish(ticket, *outcome, at));
                effects
            }
        }
    }

    fn guess(&mut self, effects: &Effects) {
        for effect in effects {
            if let Effect::Store(StoreEffect::Commit(_, changes)) = effect {
                self.world.guess(changes);
            }
        }
    }
}

/// The flow that does what a command does.
pub(super) fn flow_of(ticket: Ticket, command: &Command) -> Flow {
    match command {
        Command::Status(listing) => Flow::Status(status::Flow::new(ticket, status::Kind::Status(*listing))),
        Command::Monitor => Flow::Status(status::Flow::new(ticket, status::Kind::Monitor)),
        Command::Switch(word) => {
            Flow::Switch(switch::Flow::new(ticket, switch::Whom::Word(word.clone()), Pin::Set))
        }
        Command::Unpin => Flow::Unpin(unpin::Flow::new(ticket)),
        Command::Vault(errand) => Flow::Vault(Box::new(vault::Flow::new(ticket, errand.clone()))),
        Command::Usage(asked) => Flow::Usage(Box::new(usage::Flow::new(ticket, asked.clone()))),
        Command::Models(asked) => Flow::Models(models::Flow::new(asked.clone())),
        Command::Why(moments) => Flow::Why(why::Flow::new(ticket, *moments)),
        Command::Replay(replaying) => Flow::Why(why::Flow::again(ticket, replaying.clone())),
        Command::Check(checking) => Flow::Check(check::Flow::new(ticket, checking.clone())),
        Command::Forecast(forecasting) => {
            Flow::Forecast(Box::new(forecast::Flow::new(ticket, forecasting.clone())))
        }
        Command::Report(reporting) => Flow::Report(Box::new(report::Flow::new(ticket, reporting.clone()))),
        Command::Flagged(trying) => Flow::Flagged(Box::new(flagged::Flow::new(ticket, *trying))),
        Command::Workspace(seating) => {
            Flow::Workspace(Box::new(workspace::Flow::new(ticket, seating.clone())))
        }
        Command::Config(ask) => Flow::Config(config::Flow::new(ticket, ask.clone())),
        Command::Login(request) => Flow::Login(Box::new(login::Flow::new(ticket, request.clone()))),
        Command::Checkup(order) => order.flow(ticket),
        Command::Bridge(order) => Flow::Bridge(bridge::Flow::new(ticket, order.clone())),
        Command::History(order) => Flow::History(history::Flow::new(ticket, order.clone())),
        Command::Rotation(order) => Flow::Rotation(Box::new(rotation::Flow::new(ticket, order.clone()))),
        Command::Chore(chore) => Flow::Chore(chore::Flow::new(ticket, *chore)),
        Command::Uninstall(wish) => Flow::Uninstall(uninstall::Flow::new(ticket, *wish)),
        Command::Rules(order) => Flow::Rules(Box::new(rules::Flow::new(ticket, order.clone()))),
        Command::Policy(order, word) => Flow::Policy(policy::Flow::new(ticket, order.clone(), word)),
        Command::Best(choosing) => Flow::Best(Box::new(best::Flow::new(ticket, choosing.clone()))),
    }
}

mod accounts;
mod announce;
mod asking;
mod lines;
mod sign_in;
mod signal;
mod taking_back;
mod threshold;

#[cfg(test)]
mod tests;
