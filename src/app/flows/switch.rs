//! `switch` and the keys `s`, `S`, `1`-`9`: use an account from the next request on.
//!
//! Persist first: the choice is committed, live proxies are told, then the tokens are brought up to date when
//! they are due and the official CLI's files follow. What goes wrong after the commit is a warning, because
//! routing follows the pool.

use crate::app::effect::{AuthEffect, CodexEffect, Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{AuthMsg, CodexMsg, Mirrored, Msg, StoreMsg};
use crate::app::outcome::{Body, Outcome, Switched};
use crate::app::world::World;
use crate::base::{Moment, Span};
use crate::domain::account::{Account, AccountKey, SwitchReason};
use crate::domain::change::{Change, Pin};
use crate::domain::problem::{Exit, Problem};
use crate::domain::refresh::{Outcome as Refreshed, Reason};

const COMMAND: &str = "switch";
/// Below this the official CLI refreshes by itself (commands.md §2.1), so the pool does it first.
const USABLE: Span = Span::minutes(5);

/// Whom the person means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// A word typed on the command line.
    Word(String),
    /// A row of the screen.
    Key(AccountKey),
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    whom: Whom,
    pin: Pin,
    reason: SwitchReason,
    stage: Stage,
    report: Option<Switched>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    World,
    Commit,
    Refresh,
    Mirror,
}

impl Flow {
    /// A flow that waits for the pool.
    pub fn new(ticket: Ticket, whom: Whom, pin: Pin) -> Self {
        Self { ticket, whom, pin, reason: SwitchReason::Manual, stage: Stage::World, report: None }
    }

    /// The same for another reason than the person's own choice.
    #[must_use]
    pub fn because(mut self, reason: SwitchReason) -> Self {
        self.reason = reason;
        self
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        match (self.stage, message) {
            (Stage::World, _) => self.begin(world, at),
            (Stage::Commit, Msg::Store(StoreMsg::Committed(ticket, answer))) if *ticket == self.ticket => {
                match answer {
                    Ok(_) => self.after_commit(world, at),
                    Err(problem) => failed(problem.clone()),
                }
            }
            (Stage::Refresh, Msg::Auth(AuthMsg::Refreshed(ticket, _, answer))) if *ticket == self.ticket => {
                if let Some(report) = &mut self.report {
                    report.refresh_warning = refusal(answer);
                }
                self.mirror(Effects::new())
            }
            (Stage::Mirror, Msg::Codex(CodexMsg::Mirrored(ticket, mirrored))) if *ticket == self.ticket => {
                self.finish(mirrored.clone())
            }
            (Stage::Commit | Stage::Refresh | Stage::Mirror, _) => Step::Wait(Effects::new()),
        }
    }

    fn begin(&mut self, world: &World, at: Moment) -> Step {
        if !world.is_complete() {
            return Step::Wait(Effects::new());
        }
        if let Some(problem) = &world.trouble {
            return failed(problem.clone());
        }
        let key = match &self.whom {
            Whom::Key(key) => key.clone(),
            Whom::Word(name) => match world.meant(name) {
                Ok(key) => key,
                Err(problem) => return failed(problem),
            },
        };
        let (Some(to), Some(account)) = (world.named(&key), world.roster.get(&key)) else {
            return failed(Problem::new("unknown-account", Exit::Usage, "that account is gone"));
        };
        self.report = Some(Switched {
            to,
            from: world.roster.active.as_ref().and_then(|active| world.named(active)),
            re_enabled: !account.is_on(),
            mirrored: Mirrored::Unchanged,
            refresh_warning: None,
            unusable: unusable(account, world, at),
            sessions: world.peers.iter().map(|peer| peer.sessions.len()).sum(),
            at,
        });
        self.stage = Stage::Commit;
        let change = Change::Selected { key, reason: self.reason, pin: self.pin, at };
        Step::Wait(vec![Effect::Store(StoreEffect::Commit(self.ticket, vec![change]))])
    }

    fn after_commit(&mut self, world: &World, at: Moment) -> Step {
        let mut effects = vec![Effect::Peers(PeersEffect::Reload)];
        let Some(account) = self.report.as_ref().and_then(|report| world.roster.get(&report.to.key)) else {
            return self.finish(Mirrored::Skipped("the account is gone".to_owned()));
        };
        let dead = account.invalidation.is_some() || account.uncertain_since.is_some();
        let due = account.needs_refresh(at, USABLE) || account.credentials.id_token.is_none();
        if due && !dead {
            self.stage = Stage::Refresh;
            effects.push(Effect::Auth(AuthEffect::Refresh(
                self.ticket,
                account.key.clone(),
                Reason::ProactiveExpiry,
            )));
            return Step::Wait(effects);
        }
        self.mirror(effects)
    }

    fn mirror(&mut self, mut effects: Effects) -> Step {
        self.stage = Stage::Mirror;
        if let Some(report) = &self.report {
            effects.push(Effect::Codex(CodexEffect::Mirror(self.ticket, report.to.key.clone())));
        }
        Step::Wait(effects)
    }

    fn finish(&mut self, mirrored: Mirrored) -> Step {
        let Some(mut report) = self.report.take() else {
            return failed(Problem::new("internal", Exit::Failed, "the switch lost its account"));
        };
        report.mirrored = mirrored;
        let exit = if report.unusable.is_some() { Exit::Attention } else { Exit::Ok };
        let body = Body::Switched(Box::new(report));
        Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
    }
}

/// Why an account that was switched to cannot serve now, in words.
fn unusable(account: &Account, world: &World, at: Moment) -> Option<String> {
    if account.invalidation.is_some() {
        return Some("it needs a new sign-in".to_owned());
    }
    if account.uncertain_since.is_some() {
        return Some("its last refresh was cut and its outcome is unknown".to_owned());
    }
    if world.policies.of(account).is_some_and(|policy| policy.paused) {
        return Some("it is paused and serves nothing until `account unpause`".to_owned());
    }
    let limit = account.limits.values().filter(|until| **until > at).max().copied();
    let window = world.quota.get(&account.key).and_then(|quota| quota.exhausted_until(at));
    limit.into_iter().chain(window).max().map(|until| {
        format!("its limit is reached until {}", crate::base::calendar::near(until, at, &world.setting.zone))
    })
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

fn failed(problem: Problem) -> Step {
    let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
    Step::Done(Effects::new(), Box::new(outcome))
}
