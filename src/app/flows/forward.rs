//! `codex …`: plan, proxy and preflight, then the child; its exit code is ours.
//!
//! The proxy starts while the preflight runs; the child starts when both are done. Nothing is launched when
//! rotation is wanted and impossible (FW-7).

use std::ffi::OsString;

use crate::app::effect::{CodexEffect, Effect, Effects, Through};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::Forwarding;
use crate::app::history;
use crate::app::msg::{CodexMsg, Msg, Planned, ServiceMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::sub::{ProxyKind, ProxySpec};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::history::{Filter, find};
use crate::domain::problem::{Exit, Hint, Problem};

const COMMAND: &str = "codex";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    args: Vec<OsString>,
    /// The session to go on with, until its whole id is known.
    resume: Option<String>,
    stage: Stage,
    forced: Option<AccountKey>,
    through: Option<Through>,
    checked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    World,
    Session,
    Plan,
    Ready,
    Child,
}

impl Flow {
    /// A flow that waits for pool and settings.
    pub fn new(ticket: Ticket, forwarding: Forwarding) -> Self {
        let Forwarding { args, resume } = forwarding;
        Self { ticket, args, resume, stage: Stage::World, forced: None, through: None, checked: false }
    }

    /// The proxy this run needs, from the plan on.
    pub fn proxy(&self) -> Option<ProxySpec> {
        match self.stage {
            Stage::World | Stage::Session | Stage::Plan => None,
            Stage::Ready => Some(self.spec()),
            Stage::Child => self.through.is_some().then(|| self.spec()),
        }
    }

    /// Whether the child owns the terminal: from here on signals are its matter.
    pub fn child_runs(&self) -> bool {
        self.stage == Stage::Child
    }

    fn spec(&self) -> ProxySpec {
        ProxySpec { port: 0, kind: ProxyKind::Inline, forced: self.forced.clone() }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, _: Moment) -> Step {
        if self.stage == Stage::World {
            return self.begin(world);
        }
        match message {
            Msg::Codex(message) => self.codex(message),
            Msg::History(ticket, heard) if *ticket == self.ticket => self.named(heard),
            Msg::Service(message) => self.service(message),
            Msg::Input(_)
            | Msg::Ticked
            | Msg::Elapsed
            | Msg::Store(_)
            | Msg::Upstream(_)
            | Msg::Auth(_)
            | Msg::Login(..)
            | Msg::Answered(..)
            | Msg::NotCopied(_)
            | Msg::Worded(..)
            | Msg::Log(_)
            | Msg::Filed(..)
            | Msg::Peers(_)
            | Msg::Checkup(..)
            | Msg::Bridge(..)
            | Msg::History(..)
            | Msg::Rotation(..)
            | Msg::Chored(..)
            | Msg::Uninstalled(..)
            | Msg::Signal(_) => Step::Wait(Effects::new()),
        }
    }

    fn begin(&mut self, world: &World) -> Step {
        if !(world.loaded && world.settled) {
            return Step::Wait(Effects::new());
        }
        if self.resume.is_some() {
            self.stage = Stage::Session;
            return Step::Wait(vec![Effect::History(self.ticket, history::Act::List(Filter::default()))]);
        }
        self.plan()
    }

    fn plan(&mut self) -> Step {
        self.stage = Stage::Plan;
        Step::Wait(vec![Effect::Codex(CodexEffect::Plan(self.ticket, self.args.clone()))])
    }

    /// The whole id goes to the official CLI: it reads a beginning as the name of a thread.
    fn named(&mut self, heard: &history::Heard) -> Step {
        let (Some(word), history::Heard::Listed(listed)) = (&self.resume, heard) else {
            return Step::Wait(Effects::new());
        };
        let found = listed.as_ref().map_err(Clone::clone).and_then(|sessions| find(sessions, word));
        match found {
            Ok(session) => {
                self.args = vec!["resume".into(), session.id.clone().into()];
                self.plan()
            }
            Err(problem) => failed(problem),
        }
    }

    fn codex(&mut self, message: &CodexMsg) -> Step {
        match message {
            CodexMsg::Planned(ticket, answer) if *ticket == self.ticket => match answer {
                Ok(planned) => self.planned(planned),
                Err(problem) => failed(problem.clone()),
            },
            CodexMsg::Preflighted(ticket, answer) if *ticket == self.ticket => match answer {
                Ok(notes) => {
                    self.checked = true;
                    let effects = notes.iter().cloned().map(Effect::Tell).collect();
                    self.launch_when_ready(effects)
                }
                Err(problem) => failed(problem.clone()),
            },
            CodexMsg::Ended(ticket, answer) if *ticket == self.ticket => match answer {
                Ok(code) => done(Exit::Child(*code), Body::Silent),
                Err(problem) => failed(problem.clone()),
            },
            CodexMsg::Planned(..)
            | CodexMsg::Preflighted(..)
            | CodexMsg::Ended(..)
            | CodexMsg::Mirrored(..) => Step::Wait(Effects::new()),
        }
    }

    fn planned(&mut self, planned: &Planned) -> Step {
        match planned {
            Planned::Plain(notes) => {
                self.stage = Stage::Child;
                let mut effects: Effects = notes.iter().cloned().map(Effect::Tell).collect();
                effects.push(Effect::Codex(CodexEffect::Launch(self.ticket, self.args.clone(), None)));
                Step::Wait(effects)
            }
            Planned::Rotated { forced, notes } => {
                self.stage = Stage::Ready;
                self.forced.clone_from(forced);
                let mut effects: Effects = notes.iter().cloned().map(Effect::Tell).collect();
                effects.push(Effect::Codex(CodexEffect::Preflight(self.ticket)));
                Step::Wait(effects)
            }
            Planned::Printed(text, exit) => {
                let effects = vec![Effect::Announce(crate::base::Secret::new(text.clone()))];
                Step::Done(effects, Box::new(Outcome { command: COMMAND, exit: *exit, body: Body::Silent }))
            }
        }
    }

    fn service(&mut self, message: &ServiceMsg) -> Step {
        match message {
            ServiceMsg::Listening { port, base_url, refresh_url } => {
                self.through = Some(Through {
                    port: *port,
                    base_url: base_url.clone(),
                    refresh_url: refresh_url.clone(),
                });
                self.launch_when_ready(Effects::new())
            }
            ServiceMsg::Exited(Err(why)) if self.stage == Stage::Ready => failed(
                Problem::new("proxy-failed", Exit::Failed, "the proxy for this run could not start")
                    .because(why.clone())
                    .hint(Hint::Say(
                        "To run without rotation once, set `CODEX_MULTI_AUTH_RUNTIME_ROTATION_PROXY=0`"
                            .to_owned(),
                    )),
            ),
            ServiceMsg::Exited(Err(why)) => Step::Wait(vec![Effect::Tell(format!(
                "codex-multi-auth: the proxy of this run stopped: {why}"
            ))]),
            ServiceMsg::Exited(Ok(())) | ServiceMsg::Fact(_) => Step::Wait(Effects::new()),
        }
    }

    fn launch_when_ready(&mut self, mut effects: Effects) -> Step {
        if self.stage == Stage::Ready
            && self.checked
            && let Some(through) = &self.through
        {
            self.stage = Stage::Child;
            let launch = CodexEffect::Launch(self.ticket, self.args.clone(), Some(through.clone()));
            effects.push(Effect::Codex(launch));
        }
        Step::Wait(effects)
    }
}

fn failed(problem: Problem) -> Step {
    done(problem.exit, Body::Problem(problem))
}

fn done(exit: Exit, body: Body) -> Step {
    Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
}
