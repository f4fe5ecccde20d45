//! `config …` and `init-config`: what the settings are, where they come from, and changing them.
//!
//! Only the settings are waited for, not the pool: these commands work on a root whose pool cannot be read.

use std::sync::Arc;

use crate::app::effect::{Effect, Effects, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::domain::problem::{Exit, Problem};
use crate::domain::settings::act::{Act, Done, Over, Template};
use crate::domain::settings::edit::Edit;
use crate::domain::settings::report::{Entry, Report, Saved, refused, unknown};
use crate::domain::settings::schema::{Row, row};
use crate::domain::vault::Run;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// `config list`
    List,
    /// `config explain [key]`
    Explain(Option<String>),
    /// `config get <key>`
    Get(String),
    /// `config set <key> <value>`
    Set(String, String, Run),
    /// `config unset <key>`
    Unset(String, Run),
    /// `config validate`
    Validate,
    /// `config path`
    Path,
    /// `config edit`
    Edit,
    /// `config template`, `init-config`: to a path, or to stdout.
    Template(Template, Option<(String, Over)>),
}

impl Ask {
    /// The command's word, the JSON's `command`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::List => "config list",
            Self::Explain(_) => "config explain",
            Self::Get(_) => "config get",
            Self::Set(..) => "config set",
            Self::Unset(..) => "config unset",
            Self::Validate => "config validate",
            Self::Path => "config path",
            Self::Edit => "config edit",
            Self::Template(..) => "config template",
        }
    }

    /// Whether it changes something, so that what it prints is not what was asked for.
    pub const fn is_act(&self) -> bool {
        matches!(self, Self::Set(..) | Self::Unset(..) | Self::Edit | Self::Template(_, Some(_)))
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Every setting, shortly.
    List(Arc<Report>),
    /// One setting, or every one.
    Explained(Arc<Report>, Option<&'static str>),
    /// One value.
    Got(Entry),
    /// A change.
    Changed(Box<Changed>),
    /// What is wrong with the files.
    Validated(Arc<Report>),
    /// Where changes go.
    Path(Arc<Report>),
    /// An editor was closed; `None` = nothing was changed.
    Edited(Option<Saved>),
    /// A template, for stdout.
    Template(Template),
    /// A template stands at a path.
    Written {
        /// Where.
        path: String,
        /// Whether a file was replaced.
        replaced: bool,
    },
}

/// What a `set` or `unset` did, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The setting before.
    pub before: Entry,
    /// The setting now; in a dry run as it would be.
    pub after: Entry,
    /// Whether it was written.
    pub run: Run,
    /// What a person should know about the save.
    pub notes: Vec<String>,
}

impl Changed {
    /// Whether the file says something else than before.
    pub fn is_change(&self) -> bool {
        self.before.stored != self.after.stored || self.before.present != self.after.present
    }
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    ask: Ask,
    waits: Option<&'static Row>,
    begun: bool,
    before: Option<Entry>,
}

impl Flow {
    /// A flow that waits for the settings.
    pub const fn new(ticket: Ticket, ask: Ask) -> Self {
        Self { ticket, ask, waits: None, begun: false, before: None }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World) -> Step {
        if !self.begun {
            return if world.settled { self.begin(world) } else { Step::Wait(Effects::new()) };
        }
        let Msg::Store(message) = message else { return Step::Wait(Effects::new()) };
        if let StoreMsg::Configured(ticket, answer) = message
            && *ticket == self.ticket
        {
            return match answer {
                Ok(saved) => self.saved(saved),
                Err(problem) => self.failed(problem.clone()),
            };
        }
        if let StoreMsg::ConfigFile(ticket, answer) = message
            && *ticket == self.ticket
        {
            return match answer {
                Ok(Done::Edited(saved)) => self.told(Told::Edited(saved.clone())),
                Ok(Done::Written { path, replaced }) => {
                    self.told(Told::Written { path: path.clone(), replaced: *replaced })
                }
                Err(problem) => self.failed(problem.clone()),
            };
        }
        Step::Wait(Effects::new())
    }

    fn begin(&mut self, world: &World) -> Step {
        self.begun = true;
        let report = Arc::clone(&world.config);
        match self.ask.clone() {
            Ask::List => self.told(Told::List(report)),
            Ask::Validate => self.told(Told::Validated(report)),
            Ask::Path => self.told(Told::Path(report)),
            Ask::Explain(None) => self.told(Told::Explained(report, None)),
            Ask::Explain(Some(key)) => match row(&key) {
                Some(row) => self.told(Told::Explained(report, Some(row.key))),
                None => self.failed(unknown(&key)),
            },
            Ask::Get(key) => match report.entry(&key) {
                Some(entry) => self.told(Told::Got(entry.clone())),
                None => self.failed(unknown(&key)),
            },
            Ask::Set(key, value, run) => {
                let Some(row) = row(&key) else { return self.failed(unknown(&key)) };
                match row.parse(&value) {
                    Ok(value) => self.change(Edit::set(row, value), row, run, &report),
                    Err(why) => self.failed(refused(row, &value, &why)),
                }
            }
            Ask::Unset(key, run) => match row(&key) {
                Some(row) => self.change(Edit::unset(row), row, run, &report),
                None => self.failed(unknown(&key)),
            },
            Ask::Edit => Step::Wait(vec![self.file(Act::Edit)]),
            Ask::Template(template, None) => self.told(Told::Template(template)),
            Ask::Template(template, Some((path, over))) => {
                Step::Wait(vec![self.file(Act::Template { template, path, over })])
            }
        }
    }

    fn file(&self, act: Act) -> Effect {
        Effect::Store(StoreEffect::ConfigFile(self.ticket, act))
    }

    fn change(&mut self, edit: Edit, row: &'static Row, run: Run, report: &Report) -> Step {
        let Some(before) = report.entry(row.key).cloned() else { return self.failed(unknown(row.key)) };
        if run == Run::Dry {
            let after = report.with(&edit, &before);
            return self.told(Told::Changed(Box::new(Changed { before, after, run, notes: Vec::new() })));
        }
        self.before = Some(before);
        self.waits = Some(row);
        Step::Wait(vec![Effect::Store(StoreEffect::Configure(self.ticket, vec![edit]))])
    }

    fn saved(&mut self, saved: &Saved) -> Step {
        let after = self.waits.and_then(|row| saved.report.entry(row.key)).cloned();
        let (Some(before), Some(after)) = (self.before.take(), after) else {
            return self.failed(Problem::new("internal", Exit::Failed, "the change lost its setting"));
        };
        let mut notes = saved.notes.clone();
        let about = saved.report.problems.iter();
        notes.extend(
            about
                .filter(|trouble| trouble.key.as_deref() == Some(after.row.key))
                .map(|trouble| trouble.message.clone()),
        );
        notes.extend(follows(&after, &saved.report));
        self.told(Told::Changed(Box::new(Changed { before, after, run: Run::Real, notes })))
    }

    fn told(&self, told: Told) -> Step {
        let exit = match &told {
            Told::Validated(report) if !report.notes().is_empty() => Exit::Attention,
            Told::Validated(_)
            | Told::List(_)
            | Told::Explained(..)
            | Told::Got(_)
            | Told::Changed(_)
            | Told::Path(_)
            | Told::Edited(_)
            | Told::Template(_)
            | Told::Written { .. } => Exit::Ok,
        };
        let body = Body::Config(Box::new(told));
        Step::Done(Effects::new(), Box::new(Outcome { command: self.ask.word(), exit, body }))
    }

    fn failed(&self, problem: Problem) -> Step {
        let exit = problem.exit;
        let body = Body::Problem(problem);
        Step::Done(Effects::new(), Box::new(Outcome { command: self.ask.word(), exit, body }))
    }
}

/// What counts once the newer name of a setting says nothing.
fn follows(after: &Entry, report: &Report) -> Option<String> {
    if after.row.key != "selectionStrategy" || after.present {
        return None;
    }
    let older = report.entry("schedulingStrategy").filter(|entry| entry.is_set())?;
    Some(format!("schedulingStrategy {} counts now", older.value.shown()))
}
