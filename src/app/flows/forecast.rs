//! `forecast`: which account next, and why. With `--live` the accounts are asked first.

use std::collections::BTreeMap;

use crate::app::effect::{Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::survey::{Survey, Tokens};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::Forecasting;
use crate::app::msg::{Msg, PeersMsg, StoreMsg};
use crate::app::outcome::{Body, Forecasted, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::forecast::{Evidence, Finding, Forecast};
use crate::domain::problem::{Exit, Problem};
use crate::domain::reference;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;
use crate::domain::survey::{Calls, Standing};

const COMMAND: &str = "forecast";

/// Fresh figures, then the engine's answer: what `forecast` and `best` have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    ticket: Ticket,
    live: bool,
    stage: Stage,
    standings: BTreeMap<AccountKey, Standing>,
    calls: Calls,
    offline: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    World,
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
    pub fn new(ticket: Ticket, forecasting: Forecasting) -> Self {
        Self {
            ticket,
            live: forecasting.live,
            stage: Stage::World,
            standings: BTreeMap::new(),
            calls: Calls::default(),
            offline: false,
        }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Progress {
        match &mut self.stage {
            Stage::World => self.begin(world, at),
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
                    return Progress::Known(decision.clone().unwrap_or_else(|| world.foresee(at)));
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
        if !self.live {
            return self.ask(world, at);
        }
        let enabled = world.roster.accounts.iter().filter(|account| account.is_on());
        let keys = enabled.map(|account| account.key.clone()).collect();
        let mut survey = Survey::new(self.ticket, keys, Tokens::WhenDue);
        let effects = survey.go_on(world, at);
        let is_over = survey.is_over();
        self.stage = Stage::Survey(survey);
        if is_over { self.surveyed() } else { Progress::Wait(effects) }
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

    fn ask(&mut self, world: &World, at: Moment) -> Progress {
        self.stage = Stage::Ask;
        if world.peers.is_empty() {
            return Progress::Known(world.foresee(at));
        }
        Progress::Wait(vec![Effect::Peers(PeersEffect::Next(self.ticket, Ask::plain()))])
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

    /// What the questions failed on, one line per account.
    pub fn notes(&self, world: &World) -> Vec<String> {
        let failed = self.standings.iter().filter(|(_, standing)| **standing != Standing::Available);
        failed
            .map(|(key, standing)| {
                let name = world.named(key).map_or_else(|| key.short().to_owned(), |named| named.label);
                format!("{name}: {}", standing.sentence())
            })
            .collect()
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
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    forecasting: Forecasting,
    outlook: Outlook,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, forecasting: Forecasting) -> Self {
        Self { forecasting, outlook: Outlook::new(ticket, forecasting) }
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
        let forecast = self.outlook.forecast(&decision, world, at);
        let exit = self.outlook.exit(&forecast);
        let mut facts = world.facts(at);
        facts.next = Some(decision);
        let forecasted = Forecasted {
            forecasting: self.forecasting,
            forecast,
            notes: self.outlook.notes(world),
            calls: self.outlook.calls(),
            facts,
        };
        let body = Body::Forecast(Box::new(forecasted));
        Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
    }
}
