//! `check` and the keys `c`, `C`: is each account signed in, may it use Codex, what is left. Spends nothing but
//! the refresh of tokens that are due.

use std::collections::BTreeMap;

use crate::app::effect::{Effect, Effects, StoreEffect};
use crate::app::flows::survey::{Survey, Tokens};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::Checking;
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::{Body, Checked, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::problem::{Exit, Problem};
use crate::domain::reference;
use crate::domain::survey::{Calls, Standing};

const COMMAND: &str = "check";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    World(Checking),
    Survey(Survey),
    Reload(BTreeMap<AccountKey, Standing>, Calls, Exit),
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, checking: Checking) -> Self {
        Self { ticket, stage: Stage::World(checking) }
    }

    /// A flow about these accounts; the world is known.
    pub fn start(
        ticket: Ticket,
        keys: Vec<AccountKey>,
        tokens: Tokens,
        world: &World,
        at: Moment,
    ) -> (Self, Effects) {
        let mut survey = Survey::new(ticket, keys, tokens);
        let effects = survey.go_on(world, at);
        (Self { ticket, stage: Stage::Survey(survey) }, effects)
    }

    /// A flow that also asks these accounts for an answer of a model, which spends quota; a person agreed to it.
    pub fn probing(
        ticket: Ticket,
        keys: Vec<AccountKey>,
        model: Option<String>,
        world: &World,
        at: Moment,
    ) -> (Self, Effects) {
        let mut survey = Survey::new(ticket, keys, Tokens::WhenDue).probing(model);
        let effects = survey.go_on(world, at);
        (Self { ticket, stage: Stage::Survey(survey) }, effects)
    }

    /// Accounts being asked now.
    pub fn running(&self) -> &[AccountKey] {
        if let Stage::Survey(survey) = &self.stage { survey.running() } else { &[] }
    }

    /// How many answered, and how many were asked for.
    pub fn progress(&self) -> (usize, usize) {
        if let Stage::Survey(survey) = &self.stage { survey.progress() } else { (0, 0) }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        match &mut self.stage {
            Stage::World(checking) => {
                if !world.is_complete() {
                    return Step::Wait(Effects::new());
                }
                match chosen(checking, world) {
                    Err(problem) => failed(problem),
                    Ok(keys) => {
                        let tokens = checking.tokens;
                        self.survey(Survey::new(self.ticket, keys, tokens), world, at)
                    }
                }
            }
            Stage::Survey(survey) => {
                let Some(effects) = survey.on(message, world, at) else {
                    return if survey.is_over() { self.reload() } else { Step::Wait(Effects::new()) };
                };
                if survey.is_over() { self.reload() } else { Step::Wait(effects) }
            }
            Stage::Reload(standings, calls, exit) => {
                if !matches!(message, Msg::Store(StoreMsg::Loaded(_))) {
                    return Step::Wait(Effects::new());
                }
                let checked =
                    Checked { standings: std::mem::take(standings), calls: *calls, facts: world.facts(at) };
                let body = Body::Checked(Box::new(checked));
                Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit: *exit, body }))
            }
        }
    }

    fn survey(&mut self, mut survey: Survey, world: &World, at: Moment) -> Step {
        let effects = survey.go_on(world, at);
        let is_over = survey.is_over();
        self.stage = Stage::Survey(survey);
        if is_over { self.reload() } else { Step::Wait(effects) }
    }

    /// What refreshes changed in the pool is read before the report.
    fn reload(&mut self) -> Step {
        let Stage::Survey(survey) = &self.stage else { return Step::Wait(Effects::new()) };
        let attention = survey.standings().values().any(|standing| *standing != Standing::Available);
        let exit = match (survey.is_offline(), attention) {
            (true, _) => Exit::Network,
            (false, true) => Exit::Attention,
            (false, false) => Exit::Ok,
        };
        self.stage = Stage::Reload(survey.standings().clone(), survey.calls(), exit);
        Step::Wait(vec![Effect::Store(StoreEffect::Load)])
    }
}

/// The accounts that are meant: those named, else all that take part.
fn chosen(checking: &Checking, world: &World) -> Result<Vec<AccountKey>, Problem> {
    if let Some(problem) = &world.trouble {
        return Err(problem.clone());
    }
    if world.roster.accounts.is_empty() {
        return Err(reference::no_accounts());
    }
    if checking.accounts.is_empty() {
        let meant = world.roster.accounts.iter().filter(|account| account.is_on() || checking.off_too);
        return Ok(meant.map(|account| account.key.clone()).collect());
    }
    let mut keys = Vec::new();
    for word in &checking.accounts {
        let key = world.meant(word)?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

fn failed(problem: Problem) -> Step {
    let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
    Step::Done(Effects::new(), Box::new(outcome))
}
