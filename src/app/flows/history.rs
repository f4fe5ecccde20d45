//! `history`: kept sessions listed, shown, and filed anew where the reference hid them.

use crate::app::effect::{Effect, Effects, Query};
use crate::app::flows::{Step, Ticket};
use crate::app::history::{Act, Heard, Order, Told};
use crate::app::msg::{Msg, Reply};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::history::{Filter, Migrated, Migration, find};
use crate::domain::problem::{Exit, Hint, Problem};

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    order: Order,
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
    pub fn new(ticket: Ticket, order: Order) -> Self {
        Self { ticket, order, stage: Stage::Start }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, _: &World, _: Moment) -> Step {
        if self.stage == Stage::Start {
            self.stage = Stage::Looking;
            return match &self.order {
                Order::List(filter) => self.act(Act::List(filter.clone())),
                Order::Show(_) => self.act(Act::List(Filter::default())),
                Order::Migrate(how) => self.act(Act::Migrate(Migration { dry_run: true, ..*how })),
                Order::Undo => self.ask(vec![
                    "The sessions that were filed under the official provider go back to where they were"
                        .to_owned(),
                ]),
            };
        }
        if let Msg::History(ticket, heard) = message
            && *ticket == self.ticket
        {
            return self.heard(heard);
        }
        if let Msg::Answered(ticket, reply) = message
            && *ticket == self.ticket
            && self.stage == Stage::Asking
        {
            return self.answered(*reply);
        }
        Step::Wait(Effects::new())
    }

    fn heard(&mut self, heard: &Heard) -> Step {
        match (heard, &self.order) {
            (Heard::Listed(Ok(sessions)), Order::Show(word)) => match find(sessions, word) {
                Ok(session) => self.done(Exit::Ok, Told::Shown(session.clone())),
                Err(problem) => self.failed(problem),
            },
            (Heard::Listed(Ok(sessions)), _) => self.done(Exit::Ok, Told::Listed(sessions.clone())),
            (Heard::Migrated(Ok(migrated)), Order::Migrate(how)) => {
                let how = *how;
                let nothing = migrated.found == 0 && migrated.index_files == 0 && migrated.rescued == 0;
                if self.stage == Stage::Looking && !how.dry_run && !nothing {
                    return self.ask(before(migrated, how));
                }
                let exit = if migrated.failed.is_empty() { Exit::Ok } else { Exit::Failed };
                self.done(exit, Told::Migrated(how, migrated.clone()))
            }
            (Heard::Restored(Ok(restored)), _) => {
                let exit = if restored.failed.is_empty() { Exit::Ok } else { Exit::Failed };
                self.done(exit, Told::Restored(restored.clone()))
            }
            (
                Heard::Listed(Err(problem)) | Heard::Migrated(Err(problem)) | Heard::Restored(Err(problem)),
                _,
            ) => self.failed(problem.clone()),
            (Heard::Migrated(Ok(_)), Order::List(_) | Order::Show(_) | Order::Undo) => {
                Step::Wait(Effects::new())
            }
        }
    }

    fn answered(&mut self, reply: Reply) -> Step {
        match reply {
            Reply::Yes => {
                self.stage = Stage::Acting;
                match &self.order {
                    Order::Migrate(how) => self.act(Act::Migrate(*how)),
                    Order::Undo => self.act(Act::Undo),
                    Order::List(_) | Order::Show(_) => Step::Wait(Effects::new()),
                }
            }
            Reply::No => self.failed(Problem::new("cancelled", Exit::Cancelled, "nothing was changed")),
            Reply::Nobody => self.failed(
                Problem::new(
                    "needs-answer",
                    Exit::Cancelled,
                    "this asks first, and nobody is there to answer",
                )
                .hint(Hint::Say("Add `--yes`, or look first with `--dry-run`".to_owned())),
            ),
        }
    }

    fn act(&self, act: Act) -> Step {
        Step::Wait(vec![Effect::History(self.ticket, act)])
    }

    fn ask(&mut self, lines: Vec<String>) -> Step {
        self.stage = Stage::Asking;
        Step::Wait(vec![Effect::Ask(self.ticket, Box::new(Query::YesNo { lines, act: "go on" }))])
    }

    fn failed(&self, problem: Problem) -> Step {
        let (exit, body) = (problem.exit, Body::Problem(problem));
        let outcome = Outcome { command: self.order.word(), exit, body };
        Step::Done(Effects::new(), Box::new(outcome))
    }

    fn done(&self, exit: Exit, told: Told) -> Step {
        let body = Body::History(Box::new(told));
        Step::Done(Effects::new(), Box::new(Outcome { command: self.order.word(), exit, body }))
    }
}

/// What a yes means.
fn before(migrated: &Migrated, how: Migration) -> Vec<String> {
    let sessions =
        if migrated.found == 1 { "1 session".to_owned() } else { format!("{} sessions", migrated.found) };
    let mut lines = Vec::new();
    if migrated.rescued > 0 {
        let one = migrated.rescued == 1;
        lines.push(format!(
            "{} in a temporary home of the original package only and will be moved into yours",
            if one { "1 session lies".to_owned() } else { format!("{} sessions lie", migrated.rescued) }
        ));
    }
    if migrated.found > 0 {
        lines.push(format!("{sessions} of the original package will be filed under the official provider"));
        lines.push(
            "Only the provider in the first line of each file changes; the old lines are kept".to_owned(),
        );
    }
    lines.push("`codex-multi-auth history migrate --undo` puts everything back".to_owned());
    if how.rebuild_index {
        lines.push(format!(
            "{} index files of the official CLI go into the backup; it reads all sessions anew at its next start,\nwhich can take long with many of them",
            migrated.index_files
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::world::Setting;
    use crate::base::calendar::Zone;

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

    fn start(order: Order) -> (Flow, Step) {
        let mut flow = Flow::new(Ticket(1), order);
        let step = flow.on(&Msg::Ticked, &world(), Moment::EPOCH);
        (flow, step)
    }

    fn hear(flow: &mut Flow, message: &Msg) -> Step {
        flow.on(message, &world(), Moment::EPOCH)
    }

    fn migrated(found: usize) -> Msg {
        let told = Migrated { found, ..Migrated::default() };
        Msg::History(Ticket(1), Heard::Migrated(Ok(told)))
    }

    fn code(step: &Step) -> Option<&'static str> {
        let Step::Done(_, outcome) = step else { return None };
        let Body::Problem(problem) = &outcome.body else { return None };
        Some(problem.code)
    }

    #[test]
    fn a_migration_looks_first_asks_and_acts_only_on_a_yes() {
        let how = Migration { dry_run: false, rebuild_index: false };
        let (mut flow, step) = start(Order::Migrate(how));
        let dry = Act::Migrate(Migration { dry_run: true, rebuild_index: false });
        assert_eq!(step, Step::Wait(vec![Effect::History(Ticket(1), dry)]));

        let step = hear(&mut flow, &migrated(2));
        assert!(matches!(&step, Step::Wait(effects) if matches!(effects.as_slice(), [Effect::Ask(..)])));
        let step = hear(&mut flow, &Msg::Answered(Ticket(1), Reply::Yes));
        assert_eq!(step, Step::Wait(vec![Effect::History(Ticket(1), Act::Migrate(how))]));
        let step = hear(&mut flow, &migrated(2));
        assert!(matches!(step, Step::Done(_, outcome) if outcome.exit == Exit::Ok));
    }

    #[test]
    fn a_migration_without_anybody_to_answer_changes_nothing() {
        for (reply, expected) in [(Reply::Nobody, "needs-answer"), (Reply::No, "cancelled")] {
            let (mut flow, _) = start(Order::Migrate(Migration::default()));
            hear(&mut flow, &migrated(1));
            assert_eq!(code(&hear(&mut flow, &Msg::Answered(Ticket(1), reply))), Some(expected));
        }
    }

    #[test]
    fn nothing_to_move_asks_nothing() {
        let (mut flow, _) = start(Order::Migrate(Migration::default()));

        assert!(matches!(hear(&mut flow, &migrated(0)), Step::Done(_, outcome) if outcome.exit == Exit::Ok));
    }

    #[test]
    fn a_session_that_is_not_there_is_named() {
        let (mut flow, _) = start(Order::Show("ff".to_owned()));

        let step = hear(&mut flow, &Msg::History(Ticket(1), Heard::Listed(Ok(Vec::new()))));

        assert_eq!(code(&step), Some("session-not-found"));
    }
}
