//! `usage`: what was used since when, by whom or by what.

use std::collections::BTreeMap;

use crate::app::effect::{Effect, Effects, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;
use crate::domain::label;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::usage::period;
use crate::domain::usage::reading::{By, Query, Reading};
use crate::domain::usage::window::Whose;

/// What is asked for, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// `--since`, `--last`.
    pub since: Option<String>,
    /// `--until`.
    pub until: Option<String>,
    /// `--by`.
    pub by: By,
    /// Shape of the rows.
    pub shape: Shape,
    /// Newest rows that are handed on as they stand.
    pub rows: usize,
    /// `--current-only`.
    pub current_only: bool,
}

/// Shape of the rows, where they are not part of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// For people.
    #[default]
    Text,
    /// `--csv`.
    Csv,
    /// `--format ndjson`.
    Ndjson,
}

impl Asked {
    /// The window that is asked for.
    ///
    /// # Errors
    /// A moment that cannot be read, or an end before the beginning.
    pub fn window(&self, now: Moment) -> Result<(Option<Moment>, Option<Moment>), Problem> {
        let read = |flag: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => match period::moment(text, now) {
                Some(at) => Ok(Some(at)),
                None => Err(unreadable(flag, text)),
            },
        };
        let (since, until) = (read("--since", &self.since)?, read("--until", &self.until)?);
        match (since, until) {
            (Some(since), Some(until)) if since >= until => {
                let what = "--until must be later than --since";
                Err(Problem::new("bad-argument", Exit::Usage, what))
            }
            window => Ok(window),
        }
    }
}

fn unreadable(flag: &str, text: &str) -> Problem {
    let what = format!("{flag} cannot be read: {}", clean(text));
    Problem::new("bad-argument", Exit::Usage, what)
        .hint(Hint::Say("Use 45m, 24h, 7d, 2w, a date such as 2026-11-03, or Unix milliseconds".to_owned()))
}

/// What `usage` found.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// How it was asked for.
    pub asked: Asked,
    /// What the ledger adds up to.
    pub reading: Reading,
    /// Names of the accounts behind their hashes.
    pub names: BTreeMap<String, String>,
    /// What is wrong with the user's prices.
    pub trouble: Option<String>,
    /// Name of the rehearsal.
    pub demo: Option<String>,
}

/// Names of the accounts by the hashes that group their rows; seats of one workspace share one.
pub fn names(world: &World) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (index, account) in world.roster.accounts.iter().enumerate() {
        let whose = Whose::of(account);
        let name = clean(&label::name(account, index + 1)).into_owned();
        for hash in [whose.account, whose.email].into_iter().flatten() {
            let known = names.entry(hash).or_default();
            if known.is_empty() {
                known.clone_from(&name);
            } else if !known.split(", ").any(|other| other == name) {
                *known = format!("{known}, {name}");
            }
        }
    }
    names
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    asked: Asked,
    sent: bool,
    summed: Option<(Reading, Option<String>)>,
}

impl Flow {
    /// A flow that has not begun.
    pub fn new(ticket: Ticket, asked: Asked) -> Self {
        Self { ticket, asked, sent: false, summed: None }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        if !self.sent {
            let (since, until) = match self.asked.window(at) {
                Ok(window) => window,
                Err(problem) => return end(Body::Problem(problem.clone()), problem.exit),
            };
            self.sent = true;
            let query = Query {
                since,
                until,
                by: vec![self.asked.by],
                rows: self.asked.rows,
                current_only: self.asked.current_only,
                ..Query::default()
            };
            return Step::Wait(vec![Effect::Store(StoreEffect::Sum(self.ticket, Box::new(query)))]);
        }
        if let Msg::Store(StoreMsg::Summed(ticket, summed)) = message
            && *ticket == self.ticket
        {
            match summed.as_ref() {
                Ok(summed) => self.summed = Some(summed.clone()),
                Err(problem) => return end(Body::Problem(problem.clone()), problem.exit),
            }
        }
        // Names come from the pool; a pool that cannot be read leaves the hashes.
        let Some((reading, trouble)) = self.summed.take_if(|_| world.loaded) else {
            return Step::Wait(Effects::new());
        };
        let told = Told {
            asked: self.asked.clone(),
            reading,
            names: names(world),
            trouble,
            demo: world.setting.demo.clone(),
        };
        end(Body::Usage(Box::new(told)), Exit::Ok)
    }
}

fn end(body: Body, exit: Exit) -> Step {
    Step::Done(Effects::new(), Box::new(Outcome { command: "usage", exit, body }))
}
