//! `verify-flagged`: whether accounts that were set aside work again.
//!
//! A flagged account is put back into the pool first and refreshed there, by the one owner of refresh tokens; one
//! that does not work moves out again with the newest reason. So a token is never in one file only while it is being
//! spent, and a cut in between leaves the account in the pool, marked for what is known of it.

use std::collections::VecDeque;

use crate::app::effect::{AuthEffect, Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::Trying;
use crate::app::msg::{AuthMsg, Msg, StoreMsg};
use crate::app::outcome::{Body, Named, Outcome, Trial, Tried, TriedRow};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::problem::{Exit, Problem};
use crate::domain::reference;
use crate::domain::refresh::{Outcome as Refreshed, Reason};
use crate::domain::roster::Roster;
use crate::domain::survey::Standing;
use crate::domain::token;
use crate::domain::vault::{Act, Answer, Flagged, Flagging, Reclaim};

const COMMAND: &str = "verify-flagged";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    trying: Trying,
    stage: Stage,
    waiting: VecDeque<(Named, Flagged)>,
    rows: Vec<TriedRow>,
    refreshes: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// Waits for what is known.
    World,
    /// Waits for the list.
    List,
    /// Waits for an account to be in the pool.
    Back(Box<(Named, Flagged)>),
    /// Waits for its tokens; under which key it stands in the pool.
    Refresh(Box<(Named, Flagged)>, AccountKey),
    /// Waits for it to be set aside again; how it came out.
    Aside(TriedRow),
}

impl Flow {
    /// A flow that waits for the pool.
    pub fn new(ticket: Ticket, trying: Trying) -> Self {
        Self { ticket, trying, stage: Stage::World, waiting: VecDeque::new(), rows: Vec::new(), refreshes: 0 }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, _: Moment) -> Step {
        let stage = std::mem::replace(&mut self.stage, Stage::World);
        match (stage, message) {
            (Stage::World, _) if !world.is_complete() => self.wait(Stage::World),
            (Stage::World, _) => match &world.trouble {
                Some(problem) => failed(problem.clone()),
                None => self.act(Act::Flagged, Stage::List),
            },
            (Stage::List, Msg::Store(StoreMsg::Vault(ticket, answer))) if *ticket == self.ticket => {
                match answer.as_ref() {
                    Ok(Answer::Flagged(all)) => self.listed(all),
                    Ok(_) => self.wait(Stage::List),
                    Err(problem) => failed(problem.clone()),
                }
            }
            (Stage::Back(one), Msg::Store(StoreMsg::Vault(ticket, answer))) if *ticket == self.ticket => {
                match answer.as_ref() {
                    Ok(_) => self.back(*one, world),
                    Err(problem) => {
                        self.row(one.0, Trial::Skipped, problem.what.clone());
                        self.next()
                    }
                }
            }
            (Stage::Refresh(one, key), Msg::Auth(AuthMsg::Refreshed(ticket, _, outcome)))
                if *ticket == self.ticket =>
            {
                self.refreshed(*one, key, outcome)
            }
            (Stage::Aside(row), Msg::Store(StoreMsg::Vault(ticket, answer))) if *ticket == self.ticket => {
                let mut row = row;
                if let Err(problem) = answer.as_ref() {
                    row.message = format!("{}; it stays in the pool: {}", row.message, problem.what);
                }
                self.rows.push(row);
                self.next()
            }
            (stage, _) => self.wait(stage),
        }
    }

    fn listed(&mut self, all: &[Flagged]) -> Step {
        let accounts = all.iter().map(|one| one.account.clone()).collect();
        let roster = Roster { accounts, ..Roster::default() };
        self.waiting = all
            .iter()
            .enumerate()
            .map(|(index, one)| {
                let number = index + 1;
                let label = reference::name(&one.account, number);
                debug_assert_eq!(roster.index_of(&one.account.key), Some(index));
                (Named { key: one.account.key.clone(), number, label }, one.clone())
            })
            .collect();
        self.next()
    }

    /// The next account, or the end.
    fn next(&mut self) -> Step {
        let Some((named, flagged)) = self.waiting.pop_front() else { return self.done() };
        if self.trying.dry_run {
            let why = flagged.error.as_deref().or(flagged.reason.as_deref()).unwrap_or("unknown");
            self.row(named, Trial::Skipped, format!("dry run: not tried; flagged because of {why}"));
            return self.next();
        }
        let spent = token::hash(&flagged.account.credentials.refresh);
        let reclaim = Reclaim { account: flagged.account.clone(), spent };
        self.act(Act::Reclaim(Box::new(reclaim)), Stage::Back(Box::new((named, flagged))))
    }

    /// It is in the pool; a newer sign-in that was there already is left alone.
    fn back(&mut self, one: (Named, Flagged), world: &World) -> Step {
        let refresh = &one.1.account.credentials.refresh;
        let held = world.roster.accounts.iter().find(|account| account.credentials.refresh == *refresh);
        let Some(key) = held.map(|account| account.key.clone()) else {
            self.row(one.0, Trial::Restored, "a newer sign-in of it is in the pool".to_owned());
            return self.next();
        };
        self.refreshes += 1;
        self.stage = Stage::Refresh(Box::new(one), key.clone());
        let effect = AuthEffect::Refresh(self.ticket, key, Reason::Forced);
        Step::Wait(vec![Effect::Auth(effect)])
    }

    fn refreshed(
        &mut self,
        (named, flagged): (Named, Flagged),
        key: AccountKey,
        outcome: &Refreshed,
    ) -> Step {
        let standing = Standing::after(outcome);
        let (trial, message, error) = match &standing {
            None if self.trying.no_restore => {
                (Trial::Healthy, "it works again and stays flagged".to_owned(), None)
            }
            None => {
                self.row(named, Trial::Restored, "it works again and is in the pool".to_owned());
                return self.next();
            }
            Some(standing) => {
                let words = standing.sentence();
                (Trial::Still, words.clone(), Some(words))
            }
        };
        let reason = flagged.reason.unwrap_or_else(|| "token-invalid".to_owned());
        let row = TriedRow { account: named, outcome: trial, message };
        self.act(Act::Flag(vec![Flagging { key, reason, error }]), Stage::Aside(row))
    }

    fn row(&mut self, account: Named, outcome: Trial, message: String) {
        self.rows.push(TriedRow { account, outcome, message });
    }

    fn done(&mut self) -> Step {
        let rows = std::mem::take(&mut self.rows);
        let back = rows.iter().filter(|row| row.outcome == Trial::Restored).count();
        let still = rows.iter().any(|row| row.outcome == Trial::Still);
        let remaining = rows.len() - back;
        let exit = if still { Exit::Attention } else { Exit::Ok };
        let effects = if self.trying.dry_run || rows.is_empty() {
            Effects::new()
        } else {
            vec![Effect::Peers(PeersEffect::Reload)]
        };
        let tried = Tried { trying: self.trying, rows, remaining, refreshes: self.refreshes };
        let body = Body::Tried(Box::new(tried));
        Step::Done(effects, Box::new(Outcome { command: COMMAND, exit, body }))
    }

    fn act(&mut self, act: Act, stage: Stage) -> Step {
        self.stage = stage;
        Step::Wait(vec![Effect::Store(StoreEffect::Vault(self.ticket, Box::new(act)))])
    }

    fn wait(&mut self, stage: Stage) -> Step {
        self.stage = stage;
        Step::Wait(Effects::new())
    }
}

fn failed(problem: Problem) -> Step {
    let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
    Step::Done(Effects::new(), Box::new(outcome))
}
