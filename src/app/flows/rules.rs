//! `budget …` and `profile …`: what the user rules for projects and money, shown and changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::effect::{Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;
use crate::domain::label;
use crate::domain::model::table;
use crate::domain::policy::account::{Changed, key_for, keys};
use crate::domain::policy::budget::{self, Limit, Window};
use crate::domain::policy::compose::{Evaluation, Governance};
use crate::domain::policy::edit::{ProfileEdit, Project, RuleEdit};
use crate::domain::policy::profile::Profile;
use crate::domain::problem::{Exit, Hint, Problem};

/// What is asked for, as typed.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// All budgets.
    Budgets,
    /// One budget with how it stands.
    Budget(String),
    /// Whether a budget lets a request through.
    Check(String),
    /// A budget in place of the old one of its key.
    Limit(Wanted),
    /// No such budget.
    Unlimit(String),
    /// All profiles.
    Profiles,
    /// The profile of a project; `None` = of the one around this folder.
    Profile(Option<String>),
    /// Other members of it.
    Profiled(Option<String>, Members),
    /// No profile for it.
    Unprofiled(Option<String>),
}

impl Eq for Order {}

/// A budget as it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its key as typed.
    pub key: String,
    /// How long it counts.
    pub window: Window,
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens.
    pub tokens: Option<u64>,
    /// USD.
    pub cost: Option<f64>,
}

/// Members of a profile as they are asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Members {
    /// All but the weights.
    pub edit: ProfileEdit,
    /// Weights by a word that names an account; `None` takes one away.
    pub weights: Vec<(String, Option<f64>)>,
}

impl Order {
    /// The words of the command.
    pub const fn command(&self) -> &'static str {
        match self {
            Self::Budgets => "budget list",
            Self::Budget(_) => "budget show",
            Self::Check(_) => "budget check",
            Self::Limit(_) => "budget limit",
            Self::Unlimit(_) => "budget remove",
            Self::Profiles => "profile list",
            Self::Profile(_) => "profile show",
            Self::Profiled(..) => "profile set",
            Self::Unprofiled(_) => "profile unset",
        }
    }

    /// Whether it changes something.
    pub const fn is_act(&self) -> bool {
        match self {
            Self::Limit(_) | Self::Unlimit(_) | Self::Profiled(..) | Self::Unprofiled(_) => true,
            Self::Budgets | Self::Budget(_) | Self::Check(_) | Self::Profiles | Self::Profile(_) => false,
        }
    }
}

/// What was found, or what became of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Budgets as they stand.
    Budgets(Vec<Evaluation>),
    /// One budget.
    Budget(Box<Evaluation>),
    /// A budget after a change; `None` = it is gone.
    Limited(Option<Box<Evaluation>>, Changed),
    /// Profiles.
    Profiles(Vec<Profile>),
    /// A profile after a change; `None` = there is none.
    Profiled(Option<Box<Profile>>, Changed),
}

/// An answer with what it needs to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// What was found.
    pub found: Found,
    /// The key or the project it was about.
    pub about: String,
    /// Accounts by policy key: position and name.
    pub accounts: BTreeMap<String, (usize, String, String)>,
    /// What is odd: a budget that nobody obeys.
    pub notes: Vec<String>,
    /// The moment.
    pub at: Moment,
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    order: Order,
    about: Option<String>,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, order: Order) -> Self {
        Self { ticket, order, about: None }
    }

    /// A change that was decided on a screen.
    pub fn start(ticket: Ticket, edit: RuleEdit) -> (Self, Effects) {
        let (order, about) = match &edit {
            RuleEdit::Limit(limit) => (Order::Budget(limit.key.clone()), limit.key.clone()),
            RuleEdit::NoLimit(key) => (Order::Unlimit(key.clone()), key.clone()),
            RuleEdit::Profile(project, _) => (Order::Profile(Some(project.key.clone())), project.key.clone()),
            RuleEdit::NoProfile(key) => (Order::Unprofiled(Some(key.clone())), key.clone()),
        };
        let effects = vec![Effect::Store(StoreEffect::Rule(ticket, Box::new(edit)))];
        (Self { ticket, order, about: Some(about) }, effects)
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        if let Some(about) = &self.about {
            let Msg::Store(StoreMsg::RuleSet(ticket, answer)) = message else {
                return Step::Wait(Effects::new());
            };
            if *ticket != self.ticket {
                return Step::Wait(Effects::new());
            }
            return match answer {
                Ok((_, changed)) => self.changed(&about.clone(), *changed, world, at),
                Err(problem) => self.fail(problem.clone()),
            };
        }
        // Who knows quota knows the rules: they are read before.
        if !world.loaded || !world.settled || !world.measured {
            return Step::Wait(Effects::new());
        }
        if let Some(why) = &world.rule_trouble
            && !self.order.is_act()
        {
            let problem = Problem::new("storage-unreadable", Exit::Failed, why.clone());
            return self.fail(problem.hint(Hint::Run("doctor".to_owned())));
        }
        match self.begin(world, at) {
            Ok(step) => step,
            Err(problem) => self.fail(problem),
        }
    }

    fn begin(&mut self, world: &World, at: Moment) -> Result<Step, Problem> {
        let rules = &world.governance.rules;
        match self.order.clone() {
            Order::Budgets => {
                let all = world.pool(at).budgets(at);
                let exit =
                    if all.iter().all(|one| one.reached.is_empty()) { Exit::Ok } else { Exit::Attention };
                Ok(self.end(Found::Budgets(all), String::new(), exit, world, at))
            }
            Order::Budget(word) | Order::Check(word) => {
                let key = key_of(&word, world)?;
                let one = evaluation(&key, world, at).ok_or_else(|| unknown(&key, world))?;
                let exit = if one.reached.is_empty() { Exit::Ok } else { Exit::Attention };
                Ok(self.end(Found::Budget(Box::new(one)), key, exit, world, at))
            }
            Order::Limit(wanted) => {
                let key = key_of(&wanted.key, world)?;
                let limit = Limit {
                    key: key.clone(),
                    window: wanted.window,
                    requests: wanted.requests,
                    tokens: wanted.tokens,
                    cost: wanted.cost,
                    updated_at: at,
                };
                Ok(self.send(key, RuleEdit::Limit(limit)))
            }
            Order::Unlimit(word) => {
                let key = key_of(&word, world).or_else(|problem| {
                    budget::key(&word).filter(|key| rules.budgets.contains_key(key)).ok_or(problem)
                })?;
                if !rules.budgets.contains_key(&key) && world.rule_trouble.is_none() {
                    return Err(unknown(&key, world));
                }
                Ok(self.send(key.clone(), RuleEdit::NoLimit(key)))
            }
            Order::Profiles => {
                let all = rules.profiles.values().cloned().collect();
                Ok(self.end(Found::Profiles(all), String::new(), Exit::Ok, world, at))
            }
            Order::Profile(word) => {
                let project = project_of(word.as_deref(), world)?;
                let one = rules.profiles.get(&project.key).cloned();
                let one = one.ok_or_else(|| no_profile(&project.key))?;
                Ok(self.end(Found::Profiles(vec![one]), project.key, Exit::Ok, world, at))
            }
            Order::Profiled(word, members) => {
                let project = project_of(word.as_deref(), world)?;
                let mut edit = members.edit;
                for (word, weight) in members.weights {
                    let key = world.meant(&word)?;
                    let name = world.roster.get(&key).and_then(|account| key_for(account, &world.roster));
                    let name = name.ok_or_else(|| {
                        Problem::new(
                            "unknown-account",
                            Exit::Usage,
                            format!("{word} declares neither workspace nor e-mail"),
                        )
                    })?;
                    edit.weights.push((name, weight));
                }
                Ok(self.send(project.key.clone(), RuleEdit::Profile(project, edit)))
            }
            Order::Unprofiled(word) => {
                let project = project_of(word.as_deref(), world)?;
                if !rules.profiles.contains_key(&project.key) && world.rule_trouble.is_none() {
                    return Err(no_profile(&project.key));
                }
                Ok(self.send(project.key.clone(), RuleEdit::NoProfile(project.key)))
            }
        }
    }

    fn send(&mut self, about: String, edit: RuleEdit) -> Step {
        self.about = Some(about);
        Step::Wait(vec![Effect::Store(StoreEffect::Rule(self.ticket, Box::new(edit)))])
    }

    fn changed(&self, about: &str, changed: Changed, world: &World, at: Moment) -> Step {
        let found = match self.order {
            Order::Profiled(..) | Order::Unprofiled(_) | Order::Profiles | Order::Profile(_) => {
                let profile = world.governance.rules.profiles.get(about).cloned();
                Found::Profiled(profile.map(Box::new), changed)
            }
            Order::Budgets | Order::Budget(_) | Order::Check(_) | Order::Limit(_) | Order::Unlimit(_) => {
                Found::Limited(evaluation(about, world, at).map(Box::new), changed)
            }
        };
        let Step::Done(_, outcome) = self.end(found, about.to_owned(), Exit::Ok, world, at) else {
            return Step::Wait(Effects::new());
        };
        let effects =
            if changed == Changed::Yes { vec![Effect::Peers(PeersEffect::Reload)] } else { Effects::new() };
        Step::Done(effects, outcome)
    }

    fn end(&self, found: Found, about: String, exit: Exit, world: &World, at: Moment) -> Step {
        let notes = notes(&found, &world.governance);
        let told = Told { found, about, accounts: accounts(world), notes, at };
        let body = Body::Rules(Box::new(told));
        Step::Done(Effects::new(), Box::new(Outcome { command: self.order.command(), exit, body }))
    }

    fn fail(&self, problem: Problem) -> Step {
        let (exit, body) = (problem.exit, Body::Problem(problem));
        Step::Done(Effects::new(), Box::new(Outcome { command: self.order.command(), exit, body }))
    }
}

/// How a budget stands.
fn evaluation(key: &str, world: &World, at: Moment) -> Option<Evaluation> {
    world.pool(at).budgets(at).into_iter().find(|one| one.limit.key == key)
}

/// Words of the user's own that no profile names: such a budget counts nothing and stops nobody.
fn notes(found: &Found, governance: &Arc<Governance>) -> Vec<String> {
    let all: Vec<&Evaluation> = match found {
        Found::Budgets(all) => all.iter().collect(),
        Found::Budget(one) => vec![one],
        Found::Limited(one, _) => one.iter().map(|one| &**one).collect(),
        Found::Profiles(_) | Found::Profiled(..) => Vec::new(),
    };
    let named = |key: &str| {
        let mut profiles = governance.rules.profiles.values();
        profiles.any(|profile| profile.budget_key.as_deref().and_then(budget::key).as_deref() == Some(key))
    };
    let idle = all.into_iter().filter(|one| !budget::is_of_itself(&one.limit.key) && !named(&one.limit.key));
    idle.map(|one| format!("no profile names the budget {}: it stops nobody", one.limit.key)).collect()
}

fn accounts(world: &World) -> BTreeMap<String, (usize, String, String)> {
    let mut all = BTreeMap::new();
    for (index, account) in world.roster.accounts.iter().enumerate() {
        let name = clean(&label::name(account, index + 1)).into_owned();
        for key in keys(account) {
            all.entry(key).or_insert((index + 1, account.key.as_str().to_owned(), name.clone()));
        }
    }
    all
}

/// The key of a budget as it is kept, out of what was typed.
fn key_of(word: &str, world: &World) -> Result<String, Problem> {
    let word = word.trim();
    let whole = |text: String| {
        budget::key(&text)
            .ok_or_else(|| Problem::new("bad-argument", Exit::Usage, "the key of the budget is missing"))
    };
    match word.split_once(':') {
        Some(("project", name)) => whole(format!("project:{}", project_of(Some(name), world)?.key)),
        Some(("account", name)) if !name.trim().is_empty() => {
            // A record id as it is kept is taken as it is, also of an account that is gone.
            let known = world
                .roster
                .accounts
                .iter()
                .find(|account| budget::key(account.key.as_str()) == budget::key(name));
            let key = match known {
                Some(account) => account.key.clone(),
                None => world.meant(name)?,
            };
            whole(format!("account:{}", key.as_str()))
        }
        Some(("model", name)) if !name.trim().is_empty() => {
            let name = table::known(name).map_or(name, |model| model.name);
            whole(format!("model:{name}"))
        }
        Some(("tag" | "token", name)) if !name.trim().is_empty() => whole(word.to_owned()),
        None if budget::key(word).as_deref() == Some("global") => whole(word.to_owned()),
        None | Some(_) => {
            let key = whole(word.to_owned())?;
            let rules = &world.governance.rules;
            let mut named =
                rules.profiles.values().filter_map(|profile| budget::key(profile.budget_key.as_deref()?));
            if named.any(|named| named == key) || rules.budgets.contains_key(&key) {
                return Ok(key);
            }
            Err(Problem::new("bad-argument", Exit::Usage, format!("no budget can be called {}", clean(word)))
                .because("a key is global, project:KEY, account:ACCOUNT, model:MODEL, tag:TAG, token:ID, or a word that a routing profile names")
                .hint(Hint::Run("profile set --budget KEY".to_owned())))
        }
    }
}

/// The project that a word names: `.` and nothing at all are the one around this folder.
fn project_of(word: Option<&str>, world: &World) -> Result<Project, Problem> {
    let word = word.map(str::trim).filter(|word| !word.is_empty() && *word != ".");
    let here = world.setting.here.clone();
    let Some(key) = word.map(str::to_owned).or_else(|| here.clone()) else {
        return Err(Problem::new("bad-argument", Exit::Usage, "this folder belongs to no project")
            .hint(Hint::Say("Name the project by its key, or run it inside a project".to_owned())));
    };
    let root = world.setting.here_root.clone().filter(|_| here.as_deref() == Some(key.as_str()));
    let name = root.as_deref().and_then(|root| root.rsplit(['/', '\\']).next()).unwrap_or(&key).to_owned();
    Ok(Project { key, name, root })
}

fn unknown(key: &str, world: &World) -> Problem {
    let mut problem = Problem::new("unknown-budget", Exit::Failed, format!("there is no budget {key}"));
    let known: Vec<&str> = world.governance.rules.budgets.keys().map(String::as_str).collect();
    if !known.is_empty() {
        problem = problem.because(format!("there are: {}", known.join(", ")));
    }
    problem.hint(Hint::Run("budget list".to_owned()))
}

fn no_profile(key: &str) -> Problem {
    Problem::new("unknown-profile", Exit::Failed, format!("the project {key} has no routing profile"))
        .hint(Hint::Run("profile set".to_owned()))
}
