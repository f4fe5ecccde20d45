//! Profiles and budgets composed into one ruling on a request, and on each account (runtime.md §16).

use std::collections::BTreeMap;

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey};
use crate::domain::policy::account::{self, Policies};
use crate::domain::policy::budget::{self, Limit, Reached, Used};
use crate::domain::policy::profile::Profile;
use crate::domain::roster::Roster;
use crate::domain::usage::entry::{Entry, Glance};
use crate::domain::usage::pricing::Prices;
use crate::domain::usage::window::{self, Which, Whose};

/// Points for a preferred tag, and against an avoided one.
const TAG: f64 = 8.0;
/// Points per weight that a profile gives an account.
const WEIGHT: f64 = 2.0;

/// What the user rules for projects and money.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// By project key.
    pub profiles: BTreeMap<String, Profile>,
    /// By budget key.
    pub budgets: BTreeMap<String, Limit>,
    /// What tokens cost.
    pub prices: Prices,
}

/// Why a whole request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// End of the budget window; `None` = the profile forbids the model.
    pub ends: Option<Moment>,
    /// For people, one each.
    pub reasons: Vec<String>,
}

/// A budget as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The budget.
    pub limit: Limit,
    /// What was used of it.
    pub used: Used,
    /// What of it is used up.
    pub reached: Vec<Reached>,
    /// When its window ends.
    pub ends: Moment,
}

/// A budget that counts.
#[derive(Debug, Clone)]
struct Meter {
    limit: Limit,
    /// Rows that one of these covers count.
    which: Vec<Which>,
    /// Accounts it binds; `None` = requests.
    accounts: Option<Vec<AccountKey>>,
    since: Moment,
    used: Used,
}

impl Meter {
    fn add(&mut self, row: &Glance<'_>, prices: &Prices, now: Moment) {
        let start = self.limit.window.start(now);
        if self.since < start {
            self.since = start;
            self.used = Used::default();
        }
        if row.at >= start && self.which.iter().any(|which| which.covers(row)) {
            window::add(&mut self.used, row, prices);
        }
    }

    fn evaluation(&self, now: Moment) -> Evaluation {
        let is_running = self.since == self.limit.window.start(now);
        let used = if is_running { self.used } else { Used::default() };
        Evaluation {
            limit: self.limit.clone(),
            used,
            reached: self.limit.reached(&used),
            ends: self.limit.window.end(now),
        }
    }

    fn binds(&self, project: Option<&str>, model: Option<&str>) -> bool {
        let is = |wanted: &str, text: Option<&str>| text.and_then(budget::key).as_deref() == Some(wanted);
        self.which.iter().any(|which| match which {
            Which::Everything => true,
            Which::Project(own) => is(own, project),
            Which::Model(own) => is(own, model),
            Which::Accounts(_) => false,
        })
    }
}

/// The rules with what was used, as one pool keeps them. Counted row by row, so that a request costs the same
/// whatever the ledger's length.
#[derive(Debug, Clone, Default)]
pub struct Meters {
    rules: Rules,
    all: Vec<Meter>,
    /// Rows of this process that a reading of the ledger may not have seen.
    own: BTreeMap<String, Entry>,
}

impl Meters {
    /// Obeys these rules from now on, for these accounts; what a budget that stays has counted stays.
    pub fn set(&mut self, rules: Rules, roster: &Roster, policies: &Policies) {
        let mut old = std::mem::take(&mut self.all);
        self.all = rules
            .budgets
            .values()
            .map(|limit| {
                let (which, accounts) = scope(limit, &rules, roster, policies);
                let known =
                    old.iter().position(|meter| meter.which == which && meter.limit.window == limit.window);
                let known = known.map(|place| old.swap_remove(place));
                let (since, used) =
                    known.map_or((Moment::EPOCH, Used::default()), |old| (old.since, old.used));
                Meter { limit: limit.clone(), which, accounts, since, used }
            })
            .collect();
        self.rules = rules;
    }

    /// The same rules for other accounts or other tags.
    pub fn follow(&mut self, roster: &Roster, policies: &Policies) {
        if !self.all.is_empty() {
            self.set(self.rules.clone(), roster, policies);
        }
    }

    /// The rules in force.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A request of this process ended.
    pub fn add(&mut self, row: &Entry, now: Moment) {
        if self.all.is_empty() {
            return;
        }
        for meter in &mut self.all {
            meter.add(&row.glance(), &self.rules.prices, now);
        }
        self.own.insert(row.id.clone(), row.clone());
    }

    /// The ledger was read; rows of ours that are not in it yet still count.
    pub fn read(&mut self, rows: &[Entry], now: Moment) {
        for row in rows {
            self.own.remove(&row.id);
        }
        for meter in &mut self.all {
            meter.since = meter.limit.window.start(now);
            meter.used = Used::default();
            for row in rows.iter().chain(self.own.values()) {
                meter.add(&row.glance(), &self.rules.prices, now);
            }
        }
    }

    /// All budgets as they stand.
    pub fn evaluations(&self, now: Moment) -> Vec<Evaluation> {
        self.all.iter().map(|meter| meter.evaluation(now)).collect()
    }

    /// What stands against a request of this project for this model, whoever would serve it.
    pub fn ruling(&self, project: Option<&str>, model: Option<&str>, now: Moment) -> Option<Ruling> {
        let profile = project.and_then(|project| self.rules.profiles.get(project));
        if let Some(reason) = profile.and_then(|profile| forbids(profile, model)) {
            return Some(Ruling { ends: None, reasons: vec![reason] });
        }
        let named = profile.and_then(|profile| budget::key(profile.budget_key.as_deref()?));
        let binding = self.all.iter().filter(|meter| {
            let is_named = named.as_deref() == Some(meter.limit.key.as_str());
            meter.accounts.is_none() && (is_named || meter.binds(project, model))
        });
        let spent: Vec<Evaluation> = binding
            .map(|meter| meter.evaluation(now))
            .filter(|evaluation| !evaluation.reached.is_empty())
            .collect();
        let ends = spent.iter().map(|evaluation| evaluation.ends).max()?;
        Some(Ruling { ends: Some(ends), reasons: spent.iter().map(reason).collect() })
    }

    /// Accounts whose own budget, or whose tag's, is used up, and until when.
    pub fn spent(&self, now: Moment) -> Vec<(AccountKey, Moment)> {
        let mut all = Vec::new();
        for meter in &self.all {
            let Some(keys) = &meter.accounts else { continue };
            let evaluation = meter.evaluation(now);
            if !evaluation.reached.is_empty() {
                all.extend(keys.iter().map(|key| (key.clone(), evaluation.ends)));
            }
        }
        all
    }

    /// Points that the project's profile gives each account, by position.
    pub fn boosts(profile: &Profile, roster: &Roster, policies: &Policies) -> Vec<f64> {
        let boost = |account: &Account| {
            let tags = policies.of(account).map(|policy| policy.tags.as_slice()).unwrap_or_default();
            let any = |wanted: &[String]| wanted.iter().any(|tag| tags.contains(tag));
            let weight = account::keys(account).iter().find_map(|key| profile.weights.get(key)).copied();
            f64::from(u8::from(any(&profile.preferred_tags))) * TAG
                - f64::from(u8::from(any(&profile.avoid_tags))) * TAG
                + weight.unwrap_or(0.0) * WEIGHT
        };
        roster.accounts.iter().map(boost).collect()
    }
}

/// Which rows a budget counts, and which accounts it binds.
fn scope(
    limit: &Limit,
    rules: &Rules,
    roster: &Roster,
    policies: &Policies,
) -> (Vec<Which>, Option<Vec<AccountKey>>) {
    let seats = |fits: &dyn Fn(&Account) -> bool| {
        let all: Vec<&Account> = roster.accounts.iter().filter(|account| fits(account)).collect();
        let whose = all.iter().map(|account| Whose::of(account)).collect();
        (vec![Which::Accounts(whose)], Some(all.iter().map(|account| account.key.clone()).collect()))
    };
    match limit.key.split_once(':') {
        None if limit.key == "global" => (vec![Which::Everything], None),
        Some(("project", project)) => (vec![Which::Project(project.to_owned())], None),
        Some(("model", model)) => (vec![Which::Model(model.to_owned())], None),
        Some(("account", key)) => seats(&|account| budget::key(account.key.as_str()).as_deref() == Some(key)),
        Some(("tag", tag)) => seats(&|account| {
            policies.of(account).is_some_and(|policy| policy.tags.iter().any(|own| own == tag))
        }),
        // A word of the user's own counts for the projects whose profiles name it.
        None | Some(_) => {
            let names = |profile: &&Profile| {
                profile.budget_key.as_deref().and_then(budget::key).as_deref() == Some(limit.key.as_str())
            };
            let projects = rules.profiles.values().filter(names);
            let keys = projects.filter_map(|profile| budget::key(&profile.project_key));
            (keys.map(Which::Project).collect(), None)
        }
    }
}

/// Why a profile does not allow a model; a name matches that equals the pattern or contains it.
fn forbids(profile: &Profile, model: Option<&str>) -> Option<String> {
    let model = model.map(str::to_lowercase);
    let matches = |pattern: &String| model.as_ref().is_some_and(|model| model.contains(pattern.as_str()));
    let name = model.as_deref().unwrap_or("unknown");
    if profile.models_denied.iter().any(matches) {
        return Some(format!("model {name} is denied for this project"));
    }
    let is_listed = profile.models_allowed.is_empty() || profile.models_allowed.iter().any(matches);
    (!is_listed).then(|| format!("model {name} is not among those allowed for this project"))
}

fn reason(evaluation: &Evaluation) -> String {
    let parts: Vec<String> = evaluation
        .reached
        .iter()
        .map(|reached| match reached {
            Reached::Requests => format!("{} requests", evaluation.used.requests),
            Reached::Tokens => format!("{} tokens", evaluation.used.tokens),
            Reached::Cost => format!("{:.2} USD", evaluation.used.cost),
        })
        .collect();
    let limit = &evaluation.limit;
    format!("budget {} is used up for this {}: {}", limit.key, limit.window.word(), parts.join(", "))
}
