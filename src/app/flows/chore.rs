//! `setup`, `features` and the launcher: look, ask where the user's system is changed, do it, tell every step.

use crate::app::effect::{Effect, Effects, Query};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, Reply};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::domain::chore::{Chore, Done};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::uninstall::State;

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    chore: Chore,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    Looking,
    Asking,
    Acting,
}

impl Flow {
    /// A flow that begins with the first message.
    pub const fn new(ticket: Ticket, chore: Chore) -> Self {
        Self { ticket, chore, stage: Stage::Start }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, _: &World) -> Step {
        if self.stage == Stage::Start {
            return match self.chore {
                Chore::Features => self.done(Done::default()),
                Chore::SetUp { .. } => self.act(Stage::Looking, self.chore.looked_at()),
                Chore::Launcher { .. } => self.act(Stage::Acting, self.chore),
            };
        }
        if let Msg::Chored(ticket, done) = message
            && *ticket == self.ticket
        {
            let is_due = self.stage == Stage::Looking && !self.chore.is_dry() && has_work(done);
            return if is_due { self.ask(done) } else { self.done((**done).clone()) };
        }
        if let Msg::Answered(ticket, reply) = message
            && *ticket == self.ticket
            && self.stage == Stage::Asking
        {
            return match reply {
                Reply::Yes => self.act(Stage::Acting, self.chore),
                Reply::No => self.failed(Problem::new("cancelled", Exit::Cancelled, "nothing was changed")),
                Reply::Nobody => self.failed(
                    Problem::new(
                        "needs-answer",
                        Exit::Cancelled,
                        "this asks first, and nobody is there to answer",
                    )
                    .hint(Hint::Say("Add `--yes`, or look first with `--dry-run`".to_owned())),
                ),
            };
        }
        Step::Wait(Effects::new())
    }

    fn act(&mut self, stage: Stage, chore: Chore) -> Step {
        self.stage = stage;
        Step::Wait(vec![Effect::Chore(self.ticket, chore)])
    }

    fn ask(&mut self, done: &Done) -> Step {
        self.stage = Stage::Asking;
        let due = done.steps.iter().filter(|step| step.state.is_change());
        let lines = due.map(|step| {
            let undo = step.undo.map(|undo| format!(" (undo: {undo})")).unwrap_or_default();
            format!("{}: {}{undo}", step.step, step.target)
        });
        let lines = std::iter::once("This would be changed:".to_owned()).chain(lines).collect();
        Step::Wait(vec![Effect::Ask(self.ticket, Box::new(Query::YesNo { lines, act: "go on" }))])
    }

    fn failed(&self, problem: Problem) -> Step {
        let (exit, body) = (problem.exit, Body::Problem(problem));
        Step::Done(Effects::new(), Box::new(Outcome { command: self.chore.word(), exit, body }))
    }

    fn done(&self, done: Done) -> Step {
        let is_whole = done.steps.iter().all(|step| step.state != State::Failed);
        let exit = if is_whole { Exit::Ok } else { Exit::Failed };
        let body = Body::Chored(self.chore, Box::new(done));
        Step::Done(Effects::new(), Box::new(Outcome { command: self.chore.word(), exit, body }))
    }
}

fn has_work(done: &Done) -> bool {
    done.steps.iter().any(|step| step.state.is_change())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::world::Setting;
    use crate::base::Moment;
    use crate::base::calendar::Zone;
    use crate::domain::uninstall::Step as Row;

    fn world() -> World {
        let setting = Setting {
            storage_path: String::new(),
            project: None,
            here: None,
            here_root: None,
            codex_home: String::new(),
            backups: String::new(),
            home: String::new(),
            overrides: (None, None),
            demo: None,
            zone: Zone::utc(),
        };
        World::new(setting, Moment::EPOCH)
    }

    fn told(state: State) -> Msg {
        Msg::Chored(Ticket(1), Box::new(Done { steps: vec![Row::new("app-bind", "config.toml", state)] }))
    }

    #[test]
    fn a_set_up_looks_asks_and_acts_only_on_a_yes() {
        let chore = Chore::SetUp { undo: false, dry_run: false };
        for (reply, expected) in
            [(Reply::No, Exit::Cancelled), (Reply::Nobody, Exit::Cancelled), (Reply::Yes, Exit::Ok)]
        {
            let mut flow = Flow::new(Ticket(1), chore);
            let look = flow.on(&Msg::Ticked, &world());
            let asked = flow.on(&told(State::Done), &world());
            let mut step = flow.on(&Msg::Answered(Ticket(1), reply), &world());
            if reply == Reply::Yes {
                assert_eq!(step, Step::Wait(vec![Effect::Chore(Ticket(1), chore)]));
                step = flow.on(&told(State::Done), &world());
            }

            assert_eq!(look, Step::Wait(vec![Effect::Chore(Ticket(1), chore.looked_at())]));
            assert!(matches!(&asked, Step::Wait(effects) if matches!(effects.as_slice(), [Effect::Ask(..)])));
            assert!(matches!(step, Step::Done(_, outcome) if outcome.exit == expected), "{reply:?}");
        }
    }

    #[test]
    fn nothing_to_do_asks_nothing_and_a_failed_step_is_a_failure() {
        let mut flow = Flow::new(Ticket(1), Chore::SetUp { undo: false, dry_run: false });
        flow.on(&Msg::Ticked, &world());
        let nothing = flow.on(&told(State::Skipped), &world());
        let mut launcher = Flow::new(Ticket(1), Chore::Launcher { remove: false, dry_run: false });
        launcher.on(&Msg::Ticked, &world());
        let failed = launcher.on(&told(State::Failed), &world());

        assert!(matches!(nothing, Step::Done(_, outcome) if outcome.exit == Exit::Ok));
        assert!(matches!(failed, Step::Done(_, outcome) if outcome.exit == Exit::Failed));
    }
}
