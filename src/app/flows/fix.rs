//! `fix`: does every account still work? Tokens that are due are renewed, dead accounts are switched off after a
//! yes; nothing is ever deleted, and never the last account switched off. A dry run asks no token endpoint.

use std::collections::{BTreeMap, VecDeque};

use crate::app::checkup::{Act, Ending, Fixed, FixedRow, Fixing, Heard, Question, Reply, Report};
use crate::app::effect::{AuthEffect, Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::survey::{Survey, Tokens};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{AuthMsg, Msg, PeersMsg, StoreMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::{Moment, Span};
use crate::domain::account::{Account, AccountKey, Switch};
use crate::domain::change::Change;
use crate::domain::forecast::{Evidence, Forecast};
use crate::domain::problem::{Exit, Problem};
use crate::domain::refresh::Reason;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;
use crate::domain::survey::Standing;
use crate::domain::{label, reference};

const COMMAND: &str = "fix";
/// An access token this close to its end is renewed (commands.md §2.1).
const USABLE: Span = Span::minutes(5);

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    fixing: Fixing,
    stage: Stage,
    standings: BTreeMap<AccountKey, Standing>,
    /// In words, where a standing alone does not say it.
    notes: BTreeMap<AccountKey, &'static str>,
    /// Accounts whose tokens a dry run left due.
    due: Vec<AccountKey>,
    off: Vec<AccountKey>,
    kept: Option<AccountKey>,
    renewed: bool,
    offline: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    World,
    Survey(Survey),
    Refresh(VecDeque<AccountKey>),
    Question(Vec<AccountKey>),
    Commit(Vec<AccountKey>),
    Reload,
    Next,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, fixing: Fixing) -> Self {
        Self {
            ticket,
            fixing,
            stage: Stage::World,
            standings: BTreeMap::new(),
            notes: BTreeMap::new(),
            due: Vec::new(),
            off: Vec::new(),
            kept: None,
            renewed: false,
            offline: false,
        }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        let wait = Step::Wait(Effects::new());
        match &mut self.stage {
            Stage::World if world.is_complete() => self.begin(world, at),
            Stage::Survey(survey) => {
                if let Msg::Auth(AuthMsg::Refreshed(ticket, _, outcome)) = message
                    && *ticket == self.ticket
                {
                    self.renewed |= Standing::after(outcome).is_none();
                }
                let effects = survey.on(message, world, at);
                if survey.is_over() {
                    self.standings.extend(survey.standings().clone());
                    self.offline = survey.is_offline();
                    return self.judge(world, at);
                }
                Step::Wait(effects.unwrap_or_default())
            }
            Stage::Refresh(waiting) => {
                let Msg::Auth(AuthMsg::Refreshed(ticket, key, outcome)) = message else { return wait };
                if *ticket != self.ticket {
                    return wait;
                }
                waiting.retain(|other| other != key);
                let standing = Standing::after(outcome);
                self.renewed |= standing.is_none();
                if standing.is_none() {
                    self.notes.insert(key.clone(), "its tokens were renewed");
                }
                self.standings.insert(key.clone(), standing.unwrap_or(Standing::Available));
                self.refresh(world, at)
            }
            Stage::Question(dead) => {
                if let Msg::Checkup(ticket, Heard::Answered(reply)) = message
                    && *ticket == self.ticket
                {
                    let dead = std::mem::take(dead);
                    return self.answered(*reply, dead);
                }
                wait
            }
            Stage::Commit(dead) => {
                let Msg::Store(StoreMsg::Committed(ticket, result)) = message else { return wait };
                match result {
                    _ if *ticket != self.ticket => wait,
                    Ok(_) => {
                        self.off = std::mem::take(dead);
                        self.reload()
                    }
                    Err(problem) => failed(problem.clone()),
                }
            }
            Stage::Reload if matches!(message, Msg::Store(StoreMsg::Loaded(_))) => {
                if world.peers.is_empty() {
                    return self.done(&world.foresee(at), world, at);
                }
                self.stage = Stage::Next;
                Step::Wait(vec![Effect::Peers(PeersEffect::Next(self.ticket, Ask::plain()))])
            }
            Stage::Next => {
                if let Msg::Peers(PeersMsg::Next(ticket, decision)) = message
                    && *ticket == self.ticket
                {
                    let decision = decision.clone().unwrap_or_else(|| world.foresee(at));
                    return self.done(&decision, world, at);
                }
                wait
            }
            Stage::World | Stage::Reload => wait,
        }
    }

    fn begin(&mut self, world: &World, at: Moment) -> Step {
        if let Some(problem) = &world.trouble {
            return failed(problem.clone());
        }
        if world.roster.accounts.is_empty() {
            return failed(reference::no_accounts());
        }
        let mut ask = Vec::new();
        for account in world.roster.accounts.iter().filter(|account| account.is_on()) {
            match self.known(account, at) {
                Some(standing) => {
                    self.standings.insert(account.key.clone(), standing);
                }
                None => ask.push(account.key.clone()),
            }
        }
        if self.fixing.live {
            let mut survey = Survey::new(self.ticket, ask, Tokens::WhenDue);
            let effects = survey.go_on(world, at);
            let is_over = survey.is_over();
            self.stage = Stage::Survey(survey);
            return if is_over { self.judge(world, at) } else { Step::Wait(effects) };
        }
        self.stage = Stage::Refresh(ask.into());
        self.refresh(world, at)
    }

    /// What is known of an account without asking anybody; `None` = it has to be asked about.
    fn known(&mut self, account: &Account, at: Moment) -> Option<Standing> {
        if let Some(mark) = &account.invalidation {
            return Some(Standing::NeedsLogin(mark.code.clone().unwrap_or_else(|| "signed out".to_owned())));
        }
        if account.uncertain_since.is_some() {
            return Some(Standing::Uncertain);
        }
        let is_due = account.needs_refresh(at, USABLE);
        if is_due && self.fixing.dry_run {
            let note = "its tokens are due; a dry run never asks the token endpoint";
            self.notes.insert(account.key.clone(), note);
            self.due.push(account.key.clone());
            return Some(Standing::Available);
        }
        (!is_due && !self.fixing.live).then(|| {
            self.notes.insert(account.key.clone(), "its access token is still valid");
            Standing::Available
        })
    }

    /// One refresh after the other: the token endpoint is asked by one at a time anyway.
    fn refresh(&mut self, world: &World, at: Moment) -> Step {
        let next = if let Stage::Refresh(waiting) = &self.stage { waiting.front().cloned() } else { None };
        match next {
            Some(key) => {
                let refresh = AuthEffect::Refresh(self.ticket, key, Reason::ProactiveExpiry);
                Step::Wait(vec![Effect::Auth(refresh)])
            }
            None => self.judge(world, at),
        }
    }

    /// Everything is known: which accounts are to be switched off, and may they be?
    fn judge(&mut self, world: &World, at: Moment) -> Step {
        let is_dead = |key: &AccountKey| matches!(self.standings.get(key), Some(Standing::NeedsLogin(_)));
        let on = || world.roster.accounts.iter().filter(|account| account.is_on());
        let mut dead: Vec<AccountKey> =
            on().map(|account| &account.key).filter(|key| is_dead(key)).cloned().collect();
        if !dead.is_empty() && dead.len() == on().count() {
            let active = world.roster.active.clone().filter(|active| dead.contains(active));
            self.kept = active.or_else(|| dead.first().cloned());
            dead.retain(|key| Some(key) != self.kept.as_ref());
        }
        if self.fixing.dry_run {
            self.off = dead;
            return self.done(&world.foresee(at), world, at);
        }
        if dead.is_empty() {
            return self.reload();
        }
        let name = |key: &AccountKey| world.named(key).map_or_else(String::new, |named| named.label);
        let lines = std::iter::once(
            "These accounts must sign in again; until then they would be switched off:".to_owned(),
        )
        .chain(dead.iter().map(|key| format!("  {}", name(key))));
        let question = Question { lines: lines.collect(), yes: "switch them off", no: "leave them on" };
        self.stage = Stage::Question(dead);
        Step::Wait(vec![Effect::Checkup(self.ticket, Act::Ask(question))])
    }

    fn answered(&mut self, reply: Reply, dead: Vec<AccountKey>) -> Step {
        if reply != Reply::Yes {
            return self.reload();
        }
        let off = |key: &AccountKey| Change::Switched { key: key.clone(), switch: Switch::Off };
        let changes = dead.iter().map(off).collect();
        self.stage = Stage::Commit(dead);
        Step::Wait(vec![Effect::Store(StoreEffect::Commit(self.ticket, changes))])
    }

    /// What refreshes changed in the pool is read before the report.
    fn reload(&mut self) -> Step {
        self.stage = Stage::Reload;
        Step::Wait(vec![Effect::Store(StoreEffect::Load)])
    }

    fn done(&self, decision: &Decision, world: &World, at: Moment) -> Step {
        let findings =
            self.standings.iter().filter_map(|(key, standing)| Some((key.clone(), standing.finding()?)));
        let current = world.in_use(at).or(world.roster.active.as_ref());
        let forecast = Forecast::of(&Evidence {
            roster: &world.roster,
            quota: &world.quota,
            decision,
            current,
            findings: &findings.collect(),
            at,
        });
        let place = |key: &AccountKey| Some((key.clone(), world.roster.index_of(key)?));
        let rows: Vec<FixedRow> = world
            .roster
            .accounts
            .iter()
            .enumerate()
            .map(|(index, account)| self.row(index, account))
            .collect();
        let is_fine = |row: &FixedRow| matches!(row.ending, Ending::Healthy | Ending::AlreadyDisabled);
        let exit = match (self.offline, rows.iter().all(is_fine)) {
            (true, _) => Exit::Network,
            (false, false) => Exit::Attention,
            (false, true) => Exit::Ok,
        };
        let fixed = Fixed {
            fixing: self.fixing,
            rows,
            changed: !self.fixing.dry_run && (self.renewed || !self.off.is_empty()),
            measured: self.fixing.live
                && self.standings.values().any(|standing| *standing == Standing::Available),
            recommended: (forecast.recommended.as_ref().and_then(place), forecast.reason),
            kept: self.kept.as_ref().and_then(|key| world.named(key)).map(|named| named.label),
            at,
        };
        let body = Body::Checkup(Box::new(Report::Fix(fixed)));
        Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
    }

    fn row(&self, index: usize, account: &Account) -> FixedRow {
        let key = account.key.clone();
        let label = label::name(account, index + 1).into_owned();
        let code = self.standings.get(&key).and_then(Standing::code).map(str::to_owned);
        let row =
            |ending, message: String| FixedRow { key: key.clone(), index, label, ending, code, message };
        let Some(standing) = self.standings.get(&key) else {
            return row(Ending::AlreadyDisabled, "switched off already".to_owned());
        };
        let words = self.notes.get(&key).map_or_else(|| standing.sentence(), |note| (*note).to_owned());
        if self.off.contains(&key) {
            let done = if self.fixing.dry_run { "would be switched off" } else { "switched off" };
            return row(Ending::Disabled, format!("{words}; {done}"));
        }
        match standing {
            Standing::Available if self.due.contains(&key) => row(Ending::Warning, words),
            Standing::Available => row(Ending::Healthy, words),
            Standing::NeedsLogin(_) if self.kept.as_ref() == Some(&key) => {
                row(Ending::Warning, format!("{words}; left on, because no other account is"))
            }
            Standing::NeedsLogin(_) => {
                row(Ending::Warning, format!("{words}; left on, add `--yes` to switch it off"))
            }
            Standing::SignedInOnly(_) | Standing::Uncertain | Standing::Unknown(_) => {
                row(Ending::Warning, words)
            }
        }
    }
}

fn failed(problem: Problem) -> Step {
    let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
    Step::Done(Effects::new(), Box::new(outcome))
}

#[cfg(test)]
mod tests;
