//! `backup …`, `export`, `import`, `account …` and `flagged …`: keep, bring back, move and delete accounts.
//!
//! Every act is one effect that has happened whole or not at all. What cannot be taken back asks first: with the
//! difference for a restore, with a word to be typed for everything at once. A key asks in its own dialog and
//! comes here with the act alone.

mod errand;
pub mod offer;

use std::path::PathBuf;

pub use self::errand::{CORRUPT, Errand, label, offer as sync_offer};

use crate::app::effect::{AuthEffect, CodexEffect, Effect, Effects, PeersEffect, Query, StoreEffect};
use crate::app::flows::login::{LoginEffect, LoginMsg};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{AuthMsg, CodexMsg, Msg, Reply, StoreMsg};
use crate::app::outcome::vault::{Changed, Following, Told};
use crate::app::outcome::{Body, Named, Outcome};
use crate::app::world::World;
use crate::base::{Moment, Span, calendar};
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::companion::Target;
use crate::domain::login::failure::{Failure, Question};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::reference;
use crate::domain::refresh::{Outcome as Refreshed, Reason};
use crate::domain::roster::Roster;
use crate::domain::terms::{self, Acknowledged, By, Gate};
use crate::domain::vault::{Act, Answer, Flagged, Restored};

/// Below this the official CLI refreshes by itself, so the pool does it first.
const USABLE: Span = Span::minutes(5);

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    errand: Errand,
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// Waits for what is known.
    World,
    /// Waits for what the question is about.
    Look,
    /// Waits for what was acknowledged.
    Survey(Box<Act>),
    /// Waits for the acknowledgement to be on record.
    Record(Box<Act>),
    /// Waits for a yes to the terms.
    Terms(Box<Act>),
    /// Waits for a yes to this act.
    Question(Box<Act>),
    /// Waits for the act.
    Act,
    /// Waits for a change of the pool; what it means.
    Commit(Box<Told>),
    /// Waits for the tokens of the account that a restore selected.
    Refresh(Box<Restored>, Following),
    /// Waits for the official CLI's files.
    Mirror(Box<Restored>, Following),
}

impl Flow {
    /// A flow that waits for what it needs to know.
    pub fn new(ticket: Ticket, errand: Errand) -> Self {
        Self { ticket, errand, stage: Stage::World }
    }

    /// An act that was decided on a screen.
    pub fn start(ticket: Ticket, act: Act) -> (Self, Effects) {
        let effect = vault(ticket, act.clone());
        (Self { ticket, errand: Errand::Decided(act), stage: Stage::Act }, vec![effect])
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        let stage = std::mem::replace(&mut self.stage, Stage::World);
        match (stage, message) {
            (Stage::World, _) => self.begin(world, at),
            (Stage::Look, Msg::Store(StoreMsg::Vault(ticket, answer))) if *ticket == self.ticket => {
                match answer.as_ref() {
                    Ok(answer @ Answer::Synced(synced)) if !synced.has_news() => {
                        self.answered(answer.clone(), world, at)
                    }
                    Ok(answer) => self.ask(answer, world),
                    Err(problem) => self.failed(problem.clone()),
                }
            }
            (Stage::Survey(act), Msg::Login(ticket, LoginMsg::Surveyed(survey)))
                if *ticket == self.ticket =>
            {
                self.gate(act, survey.acknowledged, world)
            }
            (Stage::Record(act), Msg::Login(ticket, LoginMsg::Acknowledged(answer)))
                if *ticket == self.ticket =>
            {
                match answer {
                    Ok(()) => self.act(*act),
                    Err(failure) => self.failed(failure.problem()),
                }
            }
            (Stage::Terms(act), Msg::Answered(ticket, reply)) if *ticket == self.ticket => match reply {
                Reply::Yes => self.record(act, By::Dashboard, Effects::new()),
                Reply::No => self.failed(Problem::new("cancelled", Exit::Cancelled, "nothing was changed")),
                Reply::Nobody => self.failed(Failure::NeedsAnswer(Question::Terms).problem()),
            },
            (Stage::Question(act), Msg::Answered(ticket, reply)) if *ticket == self.ticket => match reply {
                Reply::Yes => self.act(*act),
                Reply::No => self.failed(Problem::new("cancelled", Exit::Cancelled, "nothing was changed")),
                Reply::Nobody => self.failed(self.unanswered()),
            },
            (Stage::Act, Msg::Store(StoreMsg::Vault(ticket, answer))) if *ticket == self.ticket => {
                match answer.as_ref() {
                    Ok(answer) => self.answered(answer.clone(), world, at),
                    Err(problem) => self.failed(problem.clone()),
                }
            }
            (Stage::Commit(told), Msg::Store(StoreMsg::Committed(ticket, answer)))
                if *ticket == self.ticket =>
            {
                match answer {
                    Ok(_) => self.done(*told, Exit::Ok, vec![Effect::Peers(PeersEffect::Reload)]),
                    Err(problem) => self.failed(problem.clone()),
                }
            }
            (Stage::Refresh(restored, mut following), Msg::Auth(AuthMsg::Refreshed(ticket, _, answer)))
                if *ticket == self.ticket =>
            {
                following.refresh_warning = refusal(answer);
                self.mirror(restored, following, Effects::new())
            }
            (Stage::Mirror(restored, mut following), Msg::Codex(CodexMsg::Mirrored(ticket, mirrored)))
                if *ticket == self.ticket =>
            {
                following.mirrored = Some(mirrored.clone());
                self.done(Told::Restored(*restored, following), Exit::Ok, Effects::new())
            }
            (stage, _) => {
                self.stage = stage;
                Step::Wait(Effects::new())
            }
        }
    }

    fn begin(&mut self, world: &World, at: Moment) -> Step {
        if !world.is_complete() {
            return Step::Wait(Effects::new());
        }
        match self.errand.first(world, at) {
            Err(problem) => self.failed(problem),
            Ok(errand::First::Act(act)) => self.act(*act),
            Ok(errand::First::Ask(act, query)) => self.question(*act, query),
            Ok(errand::First::Look(act)) => {
                self.stage = Stage::Look;
                Step::Wait(vec![vault(self.ticket, *act)])
            }
            Ok(errand::First::Gated(act)) => {
                self.stage = Stage::Survey(act);
                Step::Wait(vec![Effect::Login(self.ticket, LoginEffect::Survey)])
            }
            Ok(errand::First::Commit(change, told)) => {
                self.stage = Stage::Commit(told);
                Step::Wait(vec![Effect::Store(StoreEffect::Commit(self.ticket, vec![*change]))])
            }
            Ok(errand::First::Done(told)) => self.done(*told, Exit::Ok, Effects::new()),
        }
    }

    /// Adding accounts asks for the acknowledgement first (commands.md §5.3). `--yes` does not give it.
    fn gate(&mut self, act: Box<Act>, known: Option<Acknowledged>, world: &World) -> Step {
        let (Errand::Import(_, _, consent) | Errand::Scan(_, _, consent)) = &self.errand else {
            return self.act(*act);
        };
        match terms::gate(known, world.roster.accounts.len(), *consent) {
            Gate::Open => self.act(*act),
            Gate::Record(by) => {
                let told = if by == By::Notice { terms::LINES.as_slice() } else { &[] };
                let effects = told.iter().map(|line| Effect::Tell((*line).to_owned())).collect();
                self.record(act, by, effects)
            }
            Gate::Ask => {
                self.stage = Stage::Terms(act);
                let lines = terms::LINES.iter().map(|line| (*line).to_owned()).collect();
                Step::Wait(vec![Effect::Ask(self.ticket, Box::new(Query::Agree { lines }))])
            }
        }
    }

    fn record(&mut self, act: Box<Act>, by: By, mut effects: Effects) -> Step {
        effects.push(Effect::Login(self.ticket, LoginEffect::Acknowledge(by)));
        self.stage = Stage::Record(act);
        Step::Wait(effects)
    }

    /// The question about what was looked up first.
    fn ask(&mut self, answer: &Answer, world: &World) -> Step {
        match self.errand.second(answer, world) {
            Ok((act, query)) => self.question(act, query),
            Err(problem) => self.failed(problem),
        }
    }

    fn question(&mut self, act: Act, query: Query) -> Step {
        self.stage = Stage::Question(Box::new(act));
        Step::Wait(vec![Effect::Ask(self.ticket, Box::new(query))])
    }

    fn act(&mut self, act: Act) -> Step {
        self.stage = Stage::Act;
        Step::Wait(vec![vault(self.ticket, act)])
    }

    fn answered(&mut self, answer: Answer, world: &World, at: Moment) -> Step {
        let changed = answer.pool().is_some();
        let effects = if changed { vec![Effect::Peers(PeersEffect::Reload)] } else { Effects::new() };
        let verifies = matches!(self.errand, Errand::Verify(_) | Errand::Decided(Act::Verify(_)));
        let told = match answer {
            Answer::Restored(restored) => return self.restored(restored, effects, world, at),
            Answer::Listed(all) if verifies => return self.verified(all, at),
            Answer::Listed(all) => Told::Listed(all, at),
            Answer::Compared(pair) => Told::Compared(pair.0, pair.1),
            Answer::Created(backup) => Told::Created(backup),
            Answer::Deleted(backup) => Told::Deleted(backup),
            Answer::Exported(path, accounts) => Told::Exported(path, accounts),
            Answer::Imported(imported) => Told::Imported(*imported),
            Answer::Found(found) => {
                let haul = found.0;
                // A pool without accounts that stays without any is what the caller has to know.
                let empty = haul.total == 0 && haul.chosen.is_empty() && !haul.finds.is_empty();
                let exit = if empty { Exit::NoAccounts } else { Exit::Ok };
                return self.done(Told::Found(haul), exit, effects);
            }
            Answer::Removed(removed) => {
                let number = removed.kept.place + 1;
                let key = removed.kept.key.clone();
                Told::Removed(Named { key, number, label: removed.label.clone() }, *removed)
            }
            Answer::Pool(_) => Told::Back,
            Answer::Cleared(cleared) => Told::Cleared(*cleared),
            Answer::Flagged(all) if matches!(self.errand, Errand::Flagged) => Told::Flagged(named(all), at),
            Answer::Flagged(all) => Told::Unflagged(named(all)),
            Answer::MovedToFlagged(moved) => Told::MovedToFlagged(named(moved.0)),
            Answer::Synced(synced) => {
                let exit = if matches!(synced.target, Target::Found(_)) { Exit::Ok } else { Exit::Failed };
                return self.done(Told::Synced(*synced), exit, effects);
            }
        };
        self.done(told, Exit::Ok, effects)
    }

    fn verified(&mut self, all: Vec<crate::domain::backup::Backup>, at: Moment) -> Step {
        let one = matches!(self.errand, Errand::Verify(Some(_)) | Errand::Decided(Act::Verify(Some(_))));
        let exit = match all.iter().find(|backup| backup.unread().is_some()) {
            Some(_) if one => Exit::Failed,
            Some(_) => Exit::Attention,
            None if one && all.iter().any(|backup| !backup.is_good()) => Exit::Failed,
            None => Exit::Ok,
        };
        self.done(Told::Verified(all, at), exit, Effects::new())
    }

    /// A restore selects an account: its tokens are brought up to date when they are due, then the official CLI's
    /// files follow, as after a switch.
    fn restored(&mut self, restored: Box<Restored>, mut effects: Effects, world: &World, at: Moment) -> Step {
        let active = world.roster.active.as_ref().and_then(|key| world.roster.get(key));
        let Some(account) = active else {
            return self.done(Told::Restored(*restored, Following::default()), Exit::Ok, effects);
        };
        let following = Following { active: world.named(&account.key), ..Following::default() };
        let dead = account.invalidation.is_some() || account.uncertain_since.is_some();
        let due = account.needs_refresh(at, USABLE) || account.credentials.id_token.is_none();
        if due && !dead {
            let key = account.key.clone();
            effects.push(Effect::Auth(AuthEffect::Refresh(self.ticket, key, Reason::ProactiveExpiry)));
            self.stage = Stage::Refresh(restored, following);
            return Step::Wait(effects);
        }
        self.mirror(restored, following, effects)
    }

    fn mirror(&mut self, restored: Box<Restored>, following: Following, mut effects: Effects) -> Step {
        let Some(active) = &following.active else {
            return self.done(Told::Restored(*restored, following), Exit::Ok, effects);
        };
        effects.push(Effect::Codex(CodexEffect::Mirror(self.ticket, active.key.clone())));
        self.stage = Stage::Mirror(restored, following);
        Step::Wait(effects)
    }

    /// The problem of a question that nobody can answer.
    fn unanswered(&self) -> Problem {
        Problem::new("needs-yes", Exit::Cancelled, format!("`{}` asks before it acts", self.errand.command()))
            .hint(Hint::Say("Add --yes to answer it".to_owned()))
    }

    fn failed(&self, problem: Problem) -> Step {
        let outcome =
            Outcome { command: self.errand.command(), exit: problem.exit, body: Body::Problem(problem) };
        Step::Done(Effects::new(), Box::new(outcome))
    }

    fn done(&self, told: Told, exit: Exit, effects: Effects) -> Step {
        let body = Body::Vault(Box::new(told));
        Step::Done(effects, Box::new(Outcome { command: self.errand.command(), exit, body }))
    }
}

fn vault(ticket: Ticket, act: Act) -> Effect {
    Effect::Store(StoreEffect::Vault(ticket, Box::new(act)))
}

/// Flagged accounts by their own positions.
fn named(all: Vec<Flagged>) -> Vec<(Named, Flagged)> {
    let name = |(place, one): (usize, Flagged)| {
        let number = place + 1;
        let label = reference::name(&one.account, number);
        (Named { key: one.account.key.clone(), number, label }, one)
    };
    all.into_iter().enumerate().map(name).collect()
}

fn refusal(answer: &Refreshed) -> Option<String> {
    match answer {
        Refreshed::Renewed(_) | Refreshed::Adopted(_) => None,
        Refreshed::Dead { code } => Some(format!("the sign-in is no longer valid ({code})")),
        Refreshed::Transient { why, .. } | Refreshed::Refused { why } => Some(why.clone()),
        Refreshed::Uncertain { .. } => Some("the refresh was cut and its outcome is unknown".to_owned()),
        Refreshed::Missing => Some("there is no refresh token".to_owned()),
    }
}

/// The pool of the flagged accounts, so that words name them as they name accounts.
fn flagged_roster(all: &[Flagged]) -> Roster {
    Roster { accounts: all.iter().map(|one| one.account.clone()).collect(), ..Roster::default() }
}

/// Where an export goes when no path was given.
fn export_path(at: Moment) -> PathBuf {
    PathBuf::from(format!("codex-multi-auth-accounts-{}.json", calendar::label(at)))
}

/// A change of one account, and what it means.
fn change_of(
    key: AccountKey,
    world: &World,
    news: Changed,
    change: impl FnOnce(AccountKey) -> Change,
    told: impl FnOnce(Named, Changed) -> Told,
) -> Result<errand::First, Problem> {
    let Some(named) = world.named(&key) else {
        return Err(Problem::new("unknown-account", Exit::Usage, "that account is gone"));
    };
    let told = Box::new(told(named, news));
    Ok(match news {
        Changed::Yes => errand::First::Commit(Box::new(change(key)), told),
        Changed::No => errand::First::Done(told),
    })
}

#[cfg(test)]
mod tests;
