//! `rotation …`: the switch, the bind, the services, and the resets.

use crate::app::effect::{Effect, Effects, PeersEffect, Query, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, Reply, StoreMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::rotation::{Act, Heard, Lifted, LiftedRow, Order, Switch, Told};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::reference;
use crate::domain::rotation::{Acted, Binding, Daemon, Verb, View};
use crate::domain::settings::edit::Edit;
use crate::domain::settings::schema::{self, Value};

/// The setting behind the switch.
const SWITCH: &str = "codexRuntimeRotationProxy";
/// The setting about the background server.
const DAEMON: &str = "bindRestartDaemon";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    order: Order,
    stage: Stage,
    acted: Acted,
    bound: bool,
    lifting: Option<Lifted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    /// The setting is being written.
    Configuring,
    /// What is there decides what is done.
    Choosing,
    /// The act runs.
    Acting,
    /// Whether the user's own value may go.
    AskingReplace,
    /// Whether a service is wanted.
    AskingService,
    /// Whether the background server may be started anew.
    AskingDaemon,
    /// It is.
    Restarting,
    /// Limits are being lifted.
    Lifting,
    /// The last look, for the report.
    Looking,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, order: Order) -> Self {
        Self { ticket, order, stage: Stage::Start, acted: Acted::default(), bound: false, lifting: None }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        if let Msg::Rotation(ticket, heard) = message
            && *ticket == self.ticket
        {
            return self.heard(heard, world, at);
        }
        if let Msg::Answered(ticket, reply) = message
            && *ticket == self.ticket
        {
            return self.answered(*reply, world);
        }
        if let Msg::Store(StoreMsg::Configured(ticket, answer)) = message
            && *ticket == self.ticket
        {
            return match answer {
                Ok(_) => self.configured(),
                Err(problem) => self.failed(problem.clone()),
            };
        }
        if let Msg::Store(StoreMsg::Committed(ticket, answer)) = message
            && *ticket == self.ticket
        {
            return match answer {
                Ok(_) => self.lifted(),
                Err(problem) => self.failed(problem.clone()),
            };
        }
        if self.stage == Stage::Start && world.is_complete() {
            return self.begin(world, at);
        }
        Step::Wait(Effects::new())
    }

    fn begin(&mut self, world: &World, at: Moment) -> Step {
        match self.order.clone() {
            Order::Status | Order::Service(Verb::Status) => self.look(),
            Order::Enable { .. } => self.configure(true, world),
            Order::Disable(_) => self.configure(false, world),
            Order::Bind(binding) => self.bind(binding, world),
            Order::Unbind { dry_run, .. } => self.act(Stage::Acting, Act::Unbind { dry_run }),
            Order::ResetLimits { account, dry_run } => self.lift(account.as_deref(), dry_run, world, at),
            Order::ResetRuntime => self.act(Stage::Acting, Act::ResetRuntime),
            Order::Service(verb @ (Verb::Install | Verb::Remove)) => {
                let line = if verb == Verb::Install {
                    "`codex-multi-auth serve` will be started with every session of yours"
                } else {
                    "The start-up entry of `codex-multi-auth serve` goes"
                };
                self.ask(Stage::AskingService, vec![line.to_owned()], "go on")
            }
            Order::Service(verb @ (Verb::Start | Verb::Stop)) => self.act(Stage::Acting, Act::Service(verb)),
        }
    }

    fn heard(&mut self, heard: &Heard, world: &World, at: Moment) -> Step {
        match heard {
            Heard::Looked(view) if self.stage == Stage::Choosing => self.chosen(view, world),
            Heard::Looked(view) => {
                let told = Told::Standing {
                    view: view.clone(),
                    facts: Box::new(world.facts(at)),
                    switch: switch(world),
                    acted: self.order.is_act().then(|| self.acted.clone()),
                };
                let exit = if self.acted.failed.is_empty() { Exit::Ok } else { Exit::Failed };
                self.done(exit, told)
            }
            Heard::Theirs(value) => {
                let lines = vec![
                    format!("config.toml sends the official CLI to an address of your own: {value}"),
                    "It is kept and comes back with `codex-multi-auth rotation unbind-app`".to_owned(),
                ];
                self.ask(Stage::AskingReplace, lines, "replace it")
            }
            Heard::Acted(Ok(acted)) => self.took(acted.clone()),
            Heard::Acted(Err(problem)) => match (&self.order, self.stage) {
                // The switch itself has been turned; what hangs on it is reported.
                (Order::Enable { .. } | Order::Disable(_), Stage::Acting) | (_, Stage::Restarting) => {
                    self.acted.failed.push(sentence(problem));
                    self.look()
                }
                _ => self.failed(problem.clone()),
            },
        }
    }

    /// After an act: the background server, then the last look.
    fn took(&mut self, acted: Acted) -> Step {
        let was_restart = self.stage == Stage::Restarting;
        self.acted.changed |= acted.changed && !was_restart;
        self.acted.files.extend(acted.files);
        self.acted.notes.extend(acted.notes);
        self.acted.failed.extend(acted.failed);
        self.acted.acknowledged.extend(acted.acknowledged);
        if self.order == Order::ResetRuntime {
            let (exit, told) = (Exit::Ok, Told::Runtime(self.acted.clone()));
            return self.done(exit, told);
        }
        if was_restart || !acted.changed || self.daemon().is_none() {
            return self.look();
        }
        self.bound = true;
        self.act(Stage::Choosing, Act::Look)
    }

    /// What is there decides: whether `enable` binds, and what becomes of the background server.
    fn chosen(&mut self, view: &View, world: &World) -> Step {
        if let Order::Enable { bind, binding } = self.order
            && !self.bound
        {
            let wanted = bind || (view.desktop_app && view.may_bind);
            return if wanted { self.bind(binding, world) } else { self.look() };
        }
        if !view.daemon {
            return self.look();
        }
        let set = world.config.entry(DAEMON).map(|entry| entry.value.clone());
        let set = match set {
            Some(Value::Text(word)) if word == "always" => Daemon::Restart,
            Some(Value::Text(word)) if word == "never" => Daemon::Leave,
            Some(_) | None => Daemon::AsSet,
        };
        match (self.daemon(), set) {
            (Some(Daemon::Restart), _) | (Some(Daemon::AsSet), Daemon::Restart) => {
                self.act(Stage::Restarting, Act::RestartDaemon)
            }
            (Some(Daemon::AsSet), Daemon::AsSet) => {
                let lines = vec![
                    "A background server of the official CLI runs on this home and sees the change only after a restart"
                        .to_owned(),
                    "A restart ends turns that run in sessions attached to it".to_owned(),
                ];
                self.ask(Stage::AskingDaemon, lines, "restart it")
            }
            (Some(Daemon::AsSet | Daemon::Leave) | None, _) => self.by_hand(),
        }
    }

    fn by_hand(&mut self) -> Step {
        self.acted
            .notes
            .push("Restart the background server yourself: codex app-server daemon restart".to_owned());
        self.look()
    }

    fn answered(&mut self, reply: Reply, world: &World) -> Step {
        match (self.stage, reply) {
            (Stage::AskingReplace, Reply::Yes) => {
                let binding = match &self.order {
                    Order::Bind(binding) | Order::Enable { binding, .. } => Some(*binding),
                    Order::Status
                    | Order::Disable(_)
                    | Order::Unbind { .. }
                    | Order::ResetLimits { .. }
                    | Order::ResetRuntime
                    | Order::Service(_) => None,
                };
                match binding {
                    Some(binding) => self.bind(Binding { replace: true, ..binding }, world),
                    None => Step::Wait(Effects::new()),
                }
            }
            (Stage::AskingService, Reply::Yes) => match self.order {
                Order::Service(verb) => self.act(Stage::Acting, Act::Service(verb)),
                Order::Status
                | Order::Enable { .. }
                | Order::Disable(_)
                | Order::Bind(_)
                | Order::Unbind { .. }
                | Order::ResetLimits { .. }
                | Order::ResetRuntime => Step::Wait(Effects::new()),
            },
            (Stage::AskingDaemon, Reply::Yes) => self.act(Stage::Restarting, Act::RestartDaemon),
            (Stage::AskingDaemon, Reply::No | Reply::Nobody) => self.by_hand(),
            (_, Reply::No) => self.failed(Problem::new("cancelled", Exit::Cancelled, "nothing was changed")),
            (stage, Reply::Nobody) => {
                let flag = if stage == Stage::AskingReplace { "--replace" } else { "--yes" };
                let problem = Problem::new(
                    "needs-answer",
                    Exit::Cancelled,
                    "this asks first, and nobody is there to answer",
                )
                .hint(Hint::Say(format!("Add `{flag}`")));
                self.failed(problem)
            }
            (_, Reply::Yes) => Step::Wait(Effects::new()),
        }
    }

    /// What becomes of the background server after this order; `None` when the order is not about a bind.
    const fn daemon(&self) -> Option<Daemon> {
        match &self.order {
            Order::Enable { binding, .. } | Order::Bind(binding) => Some(binding.daemon),
            Order::Disable(daemon) | Order::Unbind { daemon, .. } => Some(*daemon),
            Order::Status | Order::ResetLimits { .. } | Order::ResetRuntime | Order::Service(_) => None,
        }
    }

    fn configure(&mut self, on: bool, world: &World) -> Step {
        self.acted.changed = switch(world).stored.unwrap_or(true) != on;
        self.stage = Stage::Configuring;
        let Some(row) = schema::row(SWITCH) else { return self.look() };
        let edits = vec![Edit::set(row, Value::Flag(on))];
        Step::Wait(vec![Effect::Store(StoreEffect::Configure(self.ticket, edits))])
    }

    fn configured(&mut self) -> Step {
        match self.order {
            Order::Disable(_) => self.act(Stage::Acting, Act::Unbind { dry_run: false }),
            Order::Status
            | Order::Enable { .. }
            | Order::Bind(_)
            | Order::Unbind { .. }
            | Order::ResetLimits { .. }
            | Order::ResetRuntime
            | Order::Service(_) => self.act(Stage::Choosing, Act::Look),
        }
    }

    fn bind(&mut self, binding: Binding, world: &World) -> Step {
        if world.roster.accounts.is_empty() && !binding.dry_run {
            let problem = reference::no_accounts();
            if let Order::Enable { .. } = self.order {
                self.acted.failed.push(sentence(&problem));
                return self.look();
            }
            return self.failed(problem);
        }
        self.act(Stage::Acting, Act::Bind(binding))
    }

    fn lift(&mut self, word: Option<&str>, dry_run: bool, world: &World, at: Moment) -> Step {
        if let Some(problem) = &world.trouble {
            return self.failed(problem.clone());
        }
        let count = world.roster.accounts.len();
        if count == 0 {
            return self.failed(reference::no_accounts());
        }
        let account = match word.map(|word| world.meant(word)).transpose() {
            Ok(key) => key.and_then(|key| {
                world.roster.accounts.iter().position(|account| account.key == key).map(|index| index + 1)
            }),
            Err(problem) => return self.failed(problem),
        };
        let rows = rows(world, account, at);
        let keys: Vec<AccountKey> = rows.iter().map(|row| row.account.key.clone()).collect();
        self.stage = Stage::Lifting;
        let lifted = Lifted {
            dry_run,
            one: account.is_some(),
            storage_path: world.setting.storage_path.clone(),
            scanned: if account.is_some() { 1 } else { count },
            rows,
            proxies: world.peers.len(),
        };
        if dry_run || keys.is_empty() {
            return self.done(Exit::Ok, Told::Limits(lifted));
        }
        let changes = keys.into_iter().map(|key| Change::Recovered { key }).collect();
        self.lifting = Some(lifted);
        Step::Wait(vec![Effect::Store(StoreEffect::Commit(self.ticket, changes))])
    }

    /// The limits are off the disk; live proxies drop theirs as soon as they have read it.
    fn lifted(&mut self) -> Step {
        match self.lifting.take() {
            Some(lifted) => {
                let mut step = self.done(Exit::Ok, Told::Limits(lifted));
                if let Step::Done(effects, _) = &mut step {
                    effects.push(Effect::Peers(PeersEffect::Reload));
                }
                step
            }
            None => Step::Wait(Effects::new()),
        }
    }

    fn look(&mut self) -> Step {
        self.act(Stage::Looking, Act::Look)
    }

    fn act(&mut self, stage: Stage, act: Act) -> Step {
        self.stage = stage;
        Step::Wait(vec![Effect::Rotation(self.ticket, act)])
    }

    fn ask(&mut self, stage: Stage, lines: Vec<String>, act: &'static str) -> Step {
        self.stage = stage;
        Step::Wait(vec![Effect::Ask(self.ticket, Box::new(Query::YesNo { lines, act }))])
    }

    fn failed(&self, problem: Problem) -> Step {
        let (exit, body) = (problem.exit, Body::Problem(problem));
        Step::Done(Effects::new(), Box::new(Outcome { command: self.order.word(), exit, body }))
    }

    fn done(&self, exit: Exit, told: Told) -> Step {
        let body = Body::Rotation(Box::new(told));
        Step::Done(Effects::new(), Box::new(Outcome { command: self.order.word(), exit, body }))
    }
}

/// What would be lifted of whom.
fn rows(world: &World, account: Option<usize>, at: Moment) -> Vec<LiftedRow> {
    let accounts = world.roster.accounts.iter().enumerate();
    let meant = accounts.filter(|(index, _)| account.is_none_or(|number| number == index + 1));
    meant
        .filter_map(|(_, account)| {
            let limits =
                account.limits.iter().filter(|(_, until)| **until > at).map(|(name, _)| name.clone());
            let limits: Vec<String> = limits.collect();
            let rest = account.cooling_until(at).is_some();
            let tail = account.workspace_id().map(|id| {
                let start = id.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
                id.get(start..).unwrap_or(id).to_owned()
            });
            let named = world.named(&account.key)?;
            (rest || !limits.is_empty()).then_some(LiftedRow { account: named, tail, limits, rest })
        })
        .collect()
}

/// Where the switch comes from.
fn switch(world: &World) -> Switch {
    let entry = world.config.entry(SWITCH);
    let stored = entry.and_then(|entry| entry.stored.as_ref()).map(|value| *value == Value::Flag(true));
    let is_odd = entry.is_some_and(|entry| entry.faults.iter().any(|fault| fault.variable.is_some()));
    let variable = match entry.and_then(|entry| entry.locked) {
        Some(_) if world.settings.rotation => "enabled",
        Some(_) => "disabled",
        None if is_odd => "invalid",
        None => "none",
    };
    Switch { stored, variable }
}

fn sentence(problem: &Problem) -> String {
    let mut text = problem.what.clone();
    for cause in &problem.because {
        text.push_str(": ");
        text.push_str(cause);
    }
    text
}
