//! `models`: which account can serve which model now, and why not.

use crate::app::effect::Effects;
use crate::app::flows::Step;
use crate::app::outcome::{Body, Facts, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::account::{Account, AccountKey};
use crate::domain::capability::{Reason, Seen};
use crate::domain::model::table::{self, Profile};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::reference;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// `--model`, as typed.
    pub models: Vec<String>,
    /// `--account`, as typed.
    pub account: Option<String>,
    /// `--available`.
    pub available: bool,
}

/// One account and one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Which account.
    pub account: AccountKey,
    /// 0-based stored position.
    pub index: usize,
    /// The model as it was asked for.
    pub model: String,
    /// What it stands for.
    pub profile: &'static Profile,
    /// Why it cannot serve it now; nothing when it can.
    pub reasons: Vec<&'static str>,
    /// How the account has done with it.
    pub seen: Option<Seen>,
}

/// What `models` found.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// How it was asked for.
    pub asked: Asked,
    /// Models, in order.
    pub models: Vec<String>,
    /// Accounts by models.
    pub pairs: Vec<Pair>,
    /// The pool and its figures.
    pub facts: Facts,
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    asked: Asked,
}

impl Flow {
    /// A flow that waits for the pool.
    pub fn new(asked: Asked) -> Self {
        Self { asked }
    }

    /// Hears that something is known.
    pub fn on(&mut self, world: &World, at: Moment) -> Step {
        if !world.is_complete() {
            return Step::Wait(Effects::new());
        }
        if let Some(problem) = &world.trouble {
            return end(Body::Problem(problem.clone()), problem.exit);
        }
        match told(&self.asked, world, at) {
            Ok(told) => end(Body::Models(Box::new(told)), Exit::Ok),
            Err(problem) => end(Body::Problem(problem.clone()), problem.exit),
        }
    }
}

fn end(body: Body, exit: Exit) -> Step {
    Step::Done(Effects::new(), Box::new(Outcome { command: "models", exit, body }))
}

fn told(asked: &Asked, world: &World, at: Moment) -> Result<Told, Problem> {
    if world.roster.accounts.is_empty() {
        return Err(reference::no_accounts());
    }
    let only = match &asked.account {
        Some(word) => Some(world.meant(word)?),
        None => None,
    };
    let mut models = Vec::new();
    for name in &asked.models {
        let profile = table::known(name).ok_or_else(|| unknown(name))?;
        models.push((name.trim().to_owned(), profile));
    }
    if models.is_empty() {
        models = table::ALL.iter().map(|profile| (profile.name.to_owned(), profile)).collect();
    }
    let mut pairs = Vec::new();
    for (index, account) in world.roster.accounts.iter().enumerate() {
        if only.as_ref().is_some_and(|only| *only != account.key) {
            continue;
        }
        for (model, profile) in &models {
            let seen = world.capabilities.of(&account.key, model).copied();
            let reasons = reasons(account, world.quota.get(&account.key), seen.as_ref(), at);
            if asked.available && !reasons.is_empty() {
                continue;
            }
            pairs.push(Pair {
                account: account.key.clone(),
                index,
                model: model.clone(),
                profile,
                reasons,
                seen,
            });
        }
    }
    let models = models.into_iter().map(|(name, _)| name).collect();
    Ok(Told { asked: asked.clone(), models, pairs, facts: world.facts(at) })
}

/// Why an account does not serve a model now; a limit whose time has passed is none (CLI-29).
pub fn reasons(
    account: &Account,
    quota: Option<&Snapshot>,
    seen: Option<&Seen>,
    at: Moment,
) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    if !account.is_on() {
        reasons.push("account disabled");
    }
    if account.invalidation.is_some() {
        reasons.push("needs a new sign-in");
    }
    match seen.and_then(|seen| seen.blocked(at)).map(|block| block.reason) {
        Some(Reason::UnsupportedModel) => reasons.push("entitlement blocked: unsupported-model"),
        Some(Reason::PlanEntitlement) => reasons.push("entitlement blocked: plan-entitlement"),
        None => {}
    }
    if quota.is_some_and(|quota| quota.is_exhausted(at)) {
        reasons.push("quota cache is rate-limited");
    }
    reasons
}

fn unknown(name: &str) -> Problem {
    let known: Vec<&str> = table::ALL.iter().map(|profile| profile.name).collect();
    let name = crate::base::text::clean(name).into_owned();
    Problem::new("unknown-model", Exit::Usage, format!("Unknown model: {name}"))
        .because(format!("known models: {}", known.join(", ")))
        .hint(Hint::Run("models".to_owned()))
}
