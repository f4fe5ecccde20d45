//! `forecast`: which account next, and why. With `--live` the accounts are asked first.

use std::collections::BTreeMap;

use crate::app::effect::{Effect, Effects, PeersEffect, Query, StoreEffect};
use crate::app::flows::survey::{Survey, Tokens};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::{Forecasting, Overlay, Probe};
use crate::app::msg::{Msg, PeersMsg, Reply, StoreMsg};
use crate::app::outcome::{Body, Forecasted, Outcome};
use crate::app::world::World;
use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::forecast::{Evidence, Finding, Forecast};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::reference;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;
use crate::domain::survey::{Calls, Standing};

const COMMAND: &str = "forecast";

/// Tokens that end within this would have to be renewed first.
const USABLE: Span = Span::minutes(5);

/// Fresh figures, then the engine's answer: what `forecast`, `best` and `report` have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    ticket: Ticket,
    asked: Forecasting,
    stage: Stage,
    standings: BTreeMap<AccountKey, Standing>,
    passed_over: Vec<String>,
    considered: usize,
    calls: Calls,
    offline: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    World,
    Consent,
    Survey(Survey),
    Reload,
    Ask,
}

/// Where an outlook stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// More is to come.
    Wait(Effects),
    /// It cannot be made.
    Failed(Problem),
    /// The engine's answer.
    Known(Decision),
}

impl Outlook {
    /// An outlook that waits for the world.
    pub fn new(ticket: Ticket, asked: Forecasting) -> Self {
        Self {
            ticket,
            asked,
            stage: Stage::World,
            standings: BTreeMap::new(),
            passed_over: Vec::new(),
            considered: 0,
            calls: Calls::default(),
            offline: false,
        }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Progress {
        match &mut self.stage {
            Stage::World => self.begin(world, at),
            Stage::Consent => {
                if let Msg::Answered(ticket, reply) = message
                    && *ticket == self.ticket
                {
                    return self.answered(*reply, world, at);
                }
                Progress::Wait(Effects::new())
            }
            Stage::Survey(survey) => {
                let effects = survey.on(message, world, at);
                if survey.is_over() {
                    return self.surveyed();
                }
                Progress::Wait(effects.unwrap_or_default())
            }
            Stage::Reload if matches!(message, Msg::Store(StoreMsg::Loaded(_))) => self.ask(world, at),
            Stage::Ask => {
                if let Msg::Peers(PeersMsg::Next(ticket, decision)) = message
                    && *ticket == self.ticket
                {
                    let own = || world.foresee_for(&self.question(), at);
                    return Progress::Known(decision.clone().unwrap_or_else(own));
                }
                Progress::Wait(Effects::new())
            }
            Stage::Reload => Progress::Wait(Effects::new()),
        }
    }

    fn begin(&mut self, world: &World, at: Moment) -> Progress {
        if !world.is_complete() {
            return Progress::Wait(Effects::new());
        }
        if let Some(problem) = &world.trouble {
            return Progress::Failed(problem.clone());
        }
        if world.roster.accounts.is_empty() {
            return Progress::Failed(reference::no_accounts());
        }
        if !self.asked.live {
            return self.ask(world, at);
        }
        if self.asked.probe == Probe::Model {
            self.stage = Stage::Consent;
            let lines = vec![
                "The model probe sends a short request on every account: it spends quota.".to_owned(),
                "The usage endpoint tells the limits without it.".to_owned(),
            ];
            return Progress::Wait(vec![Effect::Ask(
                self.ticket,
                Box::new(Query::YesNo { lines, act: "probe" }),
            )]);
        }
        self.survey(world, at)
    }

    fn answered(&mut self, reply: Reply, world: &World, at: Moment) -> Progress {
        match reply {
            Reply::Yes => self.survey(world, at),
            Reply::No => Progress::Failed(Problem::new("cancelled", Exit::Cancelled, "nothing was asked")),
            Reply::Nobody => Progress::Failed(
                Problem::new("needs-yes", Exit::Cancelled, "the model probe spends quota and needs a yes")
                    .hint(Hint::Say("Give it with --yes".to_owned())),
            ),
        }
    }

    fn survey(&mut self, world: &World, at: Moment) -> Progress {
        let keys = self.chosen(world, at);
        self.considered = keys.len();
        let mut survey = Survey::new(self.ticket, keys, Tokens::WhenDue);
        if self.asked.probe != Probe::Off {
            let model = self.asked.model.as_ref().map(|model| model.name.clone());
            survey = survey.probing(model);
        }
        let effects = survey.go_on(world, at);
        let is_over = survey.is_over();
        self.stage = Stage::Survey(survey);
        if is_over { self.surveyed() } else { Progress::Wait(effects) }
    }

    /// The accounts that are asked about; those that are passed over leave a note.
    fn chosen(&mut self, world: &World, at: Moment) -> Vec<AccountKey> {
        let reach = self.asked.reach;
        let enabled: Vec<_> = world.roster.accounts.iter().filter(|account| account.is_on()).collect();
        let most = reach.accounts.unwrap_or(usize::MAX);
        if enabled.len() > most {
            let left = enabled.len() - most;
            self.passed_over
                .push(format!("{left} more accounts were not asked about (--max-accounts {most})"));
        }
        let mut keys = Vec::new();
        for account in enabled.into_iter().take(most) {
            if reach.cached_only && account.needs_refresh(at, USABLE) {
                let name = world.named(&account.key).map_or_else(String::new, |named| named.label);
                self.passed_over.push(format!("{name}: its tokens would have to be renewed (--cached-only)"));
                continue;
            }
            keys.push(account.key.clone());
        }
        if let Some(most) = reach.questions.filter(|most| keys.len() > *most) {
            let left = keys.len() - most;
            self.passed_over.push(format!("{left} more accounts were not asked about (--max-probes {most})"));
            keys.truncate(most);
        }
        keys
    }

    fn surveyed(&mut self) -> Progress {
        if let Stage::Survey(survey) = &self.stage {
            self.standings = survey.standings().clone();
            self.calls = survey.calls();
            self.offline = survey.is_offline();
        }
        self.stage = Stage::Reload;
        Progress::Wait(vec![Effect::Store(StoreEffect::Load)])
    }

    fn question(&self) -> Ask {
        self.asked.model.as_ref().map_or_else(Ask::plain, |model| Ask::of(None, Some(model.name.clone())))
    }

    fn ask(&mut self, world: &World, at: Moment) -> Progress {
        self.stage = Stage::Ask;
        if world.peers.is_empty() || self.asked.overlay == Overlay::Off {
            return Progress::Known(world.foresee_for(&self.question(), at));
        }
        Progress::Wait(vec![Effect::Peers(PeersEffect::Next(self.ticket, self.question()))])
    }

    /// The forecast on what is known now.
    pub fn forecast(&self, decision: &Decision, world: &World, at: Moment) -> Forecast {
        let findings: BTreeMap<AccountKey, Finding> = self
            .standings
            .iter()
            .filter_map(|(key, standing)| Some((key.clone(), standing.finding()?)))
            .collect();
        Forecast::of(&Evidence {
            roster: &world.roster,
            quota: &world.quota,
            decision,
            current: world.in_use(at).or(world.roster.active.as_ref()),
            findings: &findings,
            at,
        })
    }

    /// What the questions failed on and who was passed over, one line each.
    pub fn notes(&self, world: &World) -> Vec<String> {
        let failed = self.standings.iter().filter(|(_, standing)| **standing != Standing::Available);
        let failed = failed.map(|(key, standing)| {
            let name = world.named(key).map_or_else(|| key.short().to_owned(), |named| named.label);
            format!("{name}: {}", standing.sentence())
        });
        failed.chain(self.passed_over.iter().cloned()).collect()
    }

    /// How it ends when the forecast itself has nothing to say against it.
    pub fn exit(&self, forecast: &Forecast) -> Exit {
        if self.offline {
            return Exit::Network;
        }
        let dead = |standing: &Standing| matches!(standing, Standing::NeedsLogin(_) | Standing::Uncertain);
        let is_attention = forecast.recommended.is_none() || self.standings.values().any(dead);
        if is_attention { Exit::Attention } else { Exit::Ok }
    }

    /// Requests made.
    pub fn calls(&self) -> Calls {
        self.calls
    }

    /// Everything it found, for a report.
    pub fn told(&self, decision: Decision, world: &World, at: Moment) -> (Forecasted, Exit) {
        let forecast = self.forecast(&decision, world, at);
        let exit = self.exit(&forecast);
        let mut facts = world.facts(at);
        facts.next = Some(decision);
        let told = Forecasted {
            forecasting: self.asked.clone(),
            forecast,
            notes: self.notes(world),
            calls: self.calls,
            considered: self.considered,
            facts,
        };
        (told, exit)
    }
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    outlook: Outlook,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, forecasting: Forecasting) -> Self {
        Self { outlook: Outlook::new(ticket, forecasting) }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        let decision = match self.outlook.on(message, world, at) {
            Progress::Wait(effects) => return Step::Wait(effects),
            Progress::Failed(problem) => {
                let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
                return Step::Done(Effects::new(), Box::new(outcome));
            }
            Progress::Known(decision) => decision,
        };
        let (told, exit) = self.outlook.told(decision, world, at);
        let body = Body::Forecast(Box::new(told));
        Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
    }
}
