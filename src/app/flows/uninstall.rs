//! `uninstall`: what we put on this machine goes, step by step.

use crate::app::effect::{Effect, Effects, Query};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, Reply};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::uninstall::Wish;

const COMMAND: &str = "uninstall";
/// What has to be typed before the root goes.
const WORD: &str = "PURGE";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    wish: Wish,
    asked: bool,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, wish: Wish) -> Self {
        Self { ticket, wish, asked: false }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World) -> Step {
        if let Msg::Uninstalled(ticket, told) = message
            && *ticket == self.ticket
        {
            let exit = if told.is_whole() { Exit::Ok } else { Exit::Failed };
            let body = Body::Uninstalled(self.wish, told.clone());
            return Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }));
        }
        if let Msg::Answered(ticket, reply) = message
            && *ticket == self.ticket
        {
            return match reply {
                Reply::Yes => self.act(),
                Reply::No => failed(Problem::new("cancelled", Exit::Cancelled, "nothing was changed")),
                Reply::Nobody => failed(
                    Problem::new(
                        "needs-answer",
                        Exit::Cancelled,
                        "this asks first, and nobody is there to answer",
                    )
                    .hint(Hint::Say("Add `--yes`, or look first with `--dry-run`".to_owned())),
                ),
            };
        }
        if self.asked || !world.is_complete() {
            return Step::Wait(Effects::new());
        }
        self.asked = true;
        if self.wish.dry_run {
            return self.act();
        }
        Step::Wait(vec![Effect::Ask(self.ticket, Box::new(question(self.wish, world)))])
    }

    fn act(&self) -> Step {
        Step::Wait(vec![Effect::Uninstall(self.ticket, self.wish)])
    }
}

fn question(wish: Wish, world: &World) -> Query {
    let mut lines = vec![
        "What codex-multi-auth put on this computer goes: the bind, start-up entries, launcher, plugin entries, caches"
            .to_owned(),
        "The official CLI's sign-in, sessions and history stay".to_owned(),
    ];
    let accounts = world.roster.accounts.len();
    if wish.revoke {
        lines.push(format!(
            "{accounts} stored sign-ins are ended at the sign-in service, that of the official CLI among them when it is one of them, and go with all their copies"
        ));
    } else if wish.clears() {
        lines.push(format!("{accounts} stored sign-ins go with all their copies; they are not revoked"));
    }
    let sessions = world.peers.iter().filter(|peer| peer.peer.kind != "router").count();
    if sessions > 0 {
        lines.push(format!("{sessions} proxies run; their sessions go on until they end"));
    }
    if wish.purge {
        lines.push("The whole folder of codex-multi-auth goes, settings and usage included".to_owned());
        return Query::Word { lines, word: WORD };
    }
    Query::YesNo { lines, act: "uninstall" }
}

fn failed(problem: Problem) -> Step {
    let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
    Step::Done(Effects::new(), Box::new(outcome))
}
