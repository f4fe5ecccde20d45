//! `doctor`: look at everything, judge, and with `--fix` mend after showing what will be done.

use crate::app::checkup::{Act, Diagnosis, Doctoring, Heard, Mode, Question, Reply, Report};
use crate::app::effect::{Effect, Effects, PeersEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, PeersMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::checkup::facts::Facts;
use crate::domain::checkup::repair::{Carried, Repair};
use crate::domain::checkup::{self, Finding, Severity};
use crate::domain::problem::Exit;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;

const COMMAND: &str = "doctor";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    order: Doctoring,
    stage: Stage,
    next: Option<Decision>,
    carried: Vec<Carried>,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    World,
    Next,
    Look,
    Question(Box<Facts>, Vec<Repair>),
    Work,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, order: Doctoring) -> Self {
        Self { ticket, order, stage: Stage::World, next: None, carried: Vec::new() }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        match (&self.stage, message) {
            (Stage::World, _) if world.is_complete() => {
                if world.peers.is_empty() || world.trouble.is_some() {
                    self.next = world.trouble.is_none().then(|| world.foresee(at));
                    return self.ask(Stage::Look, Act::Examine);
                }
                self.stage = Stage::Next;
                Step::Wait(vec![Effect::Peers(PeersEffect::Next(self.ticket, Ask::plain()))])
            }
            (Stage::Next, Msg::Peers(PeersMsg::Next(ticket, decision))) if *ticket == self.ticket => {
                self.next = Some(decision.clone().unwrap_or_else(|| world.foresee(at)));
                self.ask(Stage::Look, Act::Examine)
            }
            (_, Msg::Checkup(ticket, heard)) if *ticket == self.ticket => self.hear(heard, world, at),
            _ => Step::Wait(Effects::new()),
        }
    }

    fn hear(&mut self, heard: &Heard, world: &World, at: Moment) -> Step {
        match (&self.stage, heard) {
            (Stage::Look, Heard::Examined(facts)) => {
                let facts = self.completed(facts, world, at);
                let plan = checkup::plan(&self.findings(&facts));
                if self.order.mode != Mode::Mend || plan.is_empty() || !self.carried.is_empty() {
                    return self.done(&facts, world, Reply::Yes);
                }
                let lines = std::iter::once("codex-multi-auth doctor would".to_owned())
                    .chain(plan.iter().map(|repair| format!("  {}", repair.preview())));
                let question = Question { lines: lines.collect(), yes: "do it", no: "leave everything" };
                self.ask(Stage::Question(facts, plan), Act::Ask(question))
            }
            (Stage::Question(facts, _), Heard::Answered(Reply::No)) => {
                let facts = facts.clone();
                self.done(&facts, world, Reply::No)
            }
            (Stage::Question(_, plan), Heard::Answered(Reply::Yes | Reply::Nobody)) => {
                let plan = plan.clone();
                self.ask(Stage::Work, Act::Carry(plan))
            }
            (Stage::Work, Heard::Carried(carried)) => {
                self.carried.clone_from(carried);
                self.ask(Stage::Look, Act::Examine)
            }
            _ => Step::Wait(Effects::new()),
        }
    }

    fn ask(&mut self, stage: Stage, act: Act) -> Step {
        self.stage = stage;
        Step::Wait(vec![Effect::Checkup(self.ticket, act)])
    }

    /// What only the engine and the proxies know is added to what the files say.
    fn completed(&self, facts: &Facts, world: &World, at: Moment) -> Box<Facts> {
        let mut facts = Box::new(facts.clone());
        let Some(next) = &self.next else { return facts };
        facts.pool.next.clone_from(&next.chosen);
        if !world.peers.is_empty() {
            let refused = |decision: &Decision, key: &AccountKey| {
                let one = decision.candidates.iter().find(|one| one.key == *key);
                one.and_then(|one| one.skip.as_ref()).map(|skip| skip.reason.clone())
            };
            let by_files = world.foresee(at);
            for account in facts.pool.roster.clone().accounts.iter().filter(|account| account.is_on()) {
                if let (None, Some(why)) = (refused(&by_files, &account.key), refused(next, &account.key)) {
                    facts.pool.out_of_step.insert(account.key.clone(), why);
                }
            }
        }
        facts
    }

    fn findings(&self, facts: &Facts) -> Vec<Finding> {
        let named = |list: &[String], key: &str| list.iter().any(|word| word == key);
        let mut all = checkup::findings(facts);
        all.retain(|finding| {
            (self.order.only.is_empty() || named(&self.order.only, finding.key))
                && !named(&self.order.skip, finding.key)
        });
        all
    }

    fn done(&self, facts: &Facts, world: &World, reply: Reply) -> Step {
        let findings = self.findings(facts);
        let failed = self.carried.iter().any(|one| one.result.is_err());
        let has_error = findings.iter().any(|finding| finding.severity == Severity::Error);
        let exit = match (reply, failed, has_error) {
            (Reply::No, _, _) => Exit::Cancelled,
            (_, true, _) => Exit::Failed,
            (_, _, true) => Exit::Attention,
            (Reply::Yes | Reply::Nobody, false, false) => Exit::Ok,
        };
        let diagnosis = Diagnosis {
            storage_path: world.setting.storage_path.clone(),
            mode: self.order.mode,
            open: checkup::plan(&findings),
            findings,
            carried: self.carried.clone(),
            declined: reply == Reply::No,
            overrides: world.setting.overrides.clone(),
        };
        let body = Body::Checkup(Box::new(Report::Doctor(diagnosis)));
        Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
    }
}

#[cfg(test)]
mod tests;
