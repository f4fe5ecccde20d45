//! Profiles and budgets composed into one ruling on a request, and on each account (runtime.md §16).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Moment, Percent};
use crate::domain::account::{Account, AccountKey};
use crate::domain::policy::account::{self, Policies};
use crate::domain::policy::budget::{self, Limit, Reached, Used, Window};
use crate::domain::policy::profile::Profile;
use crate::domain::roster::Roster;
use crate::domain::usage::entry::Entry;
use crate::domain::usage::pricing::Prices;
use crate::domain::usage::tally::{Growth, Tally};
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

/// The user's rules, with what the ledger says was used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Governance {
    /// The rules.
    pub rules: Rules,
    /// What was used; empty while there are no budgets, because then nobody counts.
    pub tally: Arc<Tally>,
}

/// What stands against a whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The rules cannot be read: what they forbid is not known, so nothing is let through.
    Unreadable,
    /// The project's profile.
    Profile,
    /// A budget, until its window ends.
    Budget(Moment),
}

/// Why a whole request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// What stands against it.
    pub cause: Cause,
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
    /// Requests under way that will count.
    pub running: u64,
    /// What of it is used up, or will be when those under way have ended.
    pub reached: Vec<Reached>,
    /// When its window began.
    pub begins: Moment,
    /// When its window ends.
    pub ends: Moment,
}

impl Evaluation {
    /// How much of the tightest limit is used, in percent; `None` when nothing is limited.
    pub fn percent(&self) -> Option<f64> {
        self.shares().into_iter().flatten().reduce(f64::max)
    }

    /// When it is used up at the pace of this window, if that is before the window ends.
    pub fn runs_out(&self, now: Moment) -> Option<Moment> {
        let share = self.percent()? / 100.0;
        if !self.reached.is_empty() || share <= 0.0 {
            return None;
        }
        let at = self.begins + self.begins.until(now).scaled(1.0 / share);
        (at < self.ends).then_some(at)
    }

    fn shares(&self) -> [Option<f64>; 3] {
        let share = |used: u64, limit: Option<u64>| Some(Percent::of(used, limit?).value());
        [
            share(self.used.requests, self.limit.requests),
            share(self.used.tokens, self.limit.tokens),
            self.limit.cost.map(|limit| self.used.cost / limit * 100.0),
        ]
    }
}

/// A request as the rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked<'a> {
    /// Project of the client.
    pub project: Option<&'a str>,
    /// Model slug.
    pub model: Option<&'a str>,
    /// Id of the local client's key.
    pub token: Option<&'a str>,
}

/// A budget that counts.
#[derive(Debug, Clone)]
struct Meter {
    limit: Limit,
    /// Rows that one of these covers count.
    which: Vec<Which>,
    /// Accounts it binds; `None` = requests.
    accounts: Option<Vec<AccountKey>>,
    /// Start of the window that `used` is about.
    since: Moment,
    used: Used,
}

impl Meter {
    fn is_current(&self, now: Moment) -> bool {
        self.since == self.limit.window.start(now)
    }

    fn binds(&self, asked: Asked<'_>) -> bool {
        let is = |wanted: &str, text: Option<&str>| text.and_then(budget::key).as_deref() == Some(wanted);
        self.which.iter().any(|which| match which {
            Which::Everything => true,
            Which::Project(own) => is(own, asked.project),
            Which::Model(own) => is(own, asked.model),
            Which::Token(own) => is(own, asked.token),
            Which::Accounts(_) => false,
        })
    }
}

/// A request under way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Flight {
    project: Option<String>,
    model: Option<String>,
    token: Option<String>,
    account: AccountKey,
}

impl Flight {
    fn asked(&self) -> Asked<'_> {
        Asked { project: self.project.as_deref(), model: self.model.as_deref(), token: self.token.as_deref() }
    }
}

/// The rules with what was used, as one pool keeps them. Counted row by row, so that a request costs the same
/// whatever the ledger's length.
#[derive(Debug, Clone, Default)]
pub struct Meters {
    rules: Rules,
    known: Reading,
    all: Vec<Meter>,
    tally: Arc<Tally>,
    /// Rows of this process, in the tally, that no reading of the ledger has seen.
    own: BTreeMap<String, Entry>,
    /// Requests under way, with how many there are of each.
    flights: Vec<(Flight, u64)>,
}

/// Whether the rules were ever read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Reading {
    /// Nobody has tried.
    #[default]
    Untried,
    /// They cannot be, and never could.
    Failed(String),
    /// They were; what cannot be read later lifts nothing.
    Done,
}

/// Whether the ledger has to be read from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// What is known holds.
    Holds,
    /// There were no budgets, or other prices.
    Anew,
}

impl Meters {
    /// Obeys these rules from now on, for these accounts; rules that cannot be read lift nothing.
    pub fn set(&mut self, read: Result<Rules, String>, roster: &Roster, policies: &Policies) -> Count {
        let rules = match read {
            Ok(rules) => rules,
            Err(why) => {
                if self.known != Reading::Done {
                    self.known = Reading::Failed(why);
                }
                return Count::Holds;
            }
        };
        self.known = Reading::Done;
        if rules == self.rules {
            return Count::Holds;
        }
        let is_anew =
            !rules.budgets.is_empty() && (self.rules.budgets.is_empty() || self.rules.prices != rules.prices);
        self.rules = rules;
        self.follow(roster, policies);
        if self.all.is_empty() {
            self.tally = Arc::default();
            self.own.clear();
            self.flights.clear();
        }
        if is_anew { Count::Anew } else { Count::Holds }
    }

    /// The same rules for other accounts or other tags.
    pub fn follow(&mut self, roster: &Roster, policies: &Policies) {
        let meter = |limit: &Limit| {
            let (which, accounts) = scope(limit, &self.rules, roster, policies);
            let used = Used::default();
            Meter { limit: limit.clone(), which, accounts, since: Moment::EPOCH, used }
        };
        self.all = self.rules.budgets.values().map(meter).collect();
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
        let glance = row.glance();
        Arc::make_mut(&mut self.tally).add(&glance, &self.rules.prices);
        self.own.insert(row.id.clone(), row.clone());
        for meter in &mut self.all {
            if !meter.is_current(now) {
                meter.since = meter.limit.window.start(now);
                meter.used = self.tally.used(&meter.which, meter.since);
            } else if row.at >= meter.since && meter.which.iter().any(|which| which.covers(&glance)) {
                window::add(&mut meter.used, &glance, &self.rules.prices);
            }
        }
    }

    /// The ledger was read; rows of ours that are not in it yet still count, and none counts twice.
    pub fn grow(&mut self, growth: Growth, now: Moment) {
        match growth {
            Growth::Anew { tally, recent } => {
                self.tally = tally;
                self.own.retain(|id, _| !recent.contains(id));
                for row in self.own.values() {
                    Arc::make_mut(&mut self.tally).add(&row.glance(), &self.rules.prices);
                }
            }
            Growth::Rows(rows) => {
                let mut is_new = false;
                for row in &rows {
                    if self.own.remove(&row.id).is_none() {
                        Arc::make_mut(&mut self.tally).add(&row.glance(), &self.rules.prices);
                        is_new = true;
                    }
                }
                if !is_new {
                    return;
                }
            }
        }
        let oldest = Window::earliest(now);
        if self.tally.reaches_before(oldest) {
            Arc::make_mut(&mut self.tally).forget(oldest);
        }
        self.own.retain(|_, row| row.at >= oldest);
        for meter in &mut self.all {
            meter.since = meter.limit.window.start(now);
            meter.used = self.tally.used(&meter.which, meter.since);
        }
    }

    /// A request goes to an account: until it has ended it counts as if it had.
    pub fn depart(&mut self, asked: Asked<'_>, account: &AccountKey) {
        if self.all.is_empty() {
            return;
        }
        let is_it = |flight: &Flight| flight.asked() == asked && flight.account == *account;
        if let Some((_, count)) = self.flights.iter_mut().find(|(flight, _)| is_it(flight)) {
            *count += 1;
            return;
        }
        let own = |text: Option<&str>| text.map(str::to_owned);
        let flight = Flight {
            project: own(asked.project),
            model: own(asked.model),
            token: own(asked.token),
            account: account.clone(),
        };
        self.flights.push((flight, 1));
    }

    /// It is back, or leaves the account.
    pub fn arrive(&mut self, asked: Asked<'_>, account: &AccountKey) {
        let is_it = |flight: &Flight| flight.asked() == asked && flight.account == *account;
        let Some(place) = self.flights.iter().position(|(flight, _)| is_it(flight)) else { return };
        if let Some((_, count)) = self.flights.get_mut(place) {
            *count -= 1;
            if *count == 0 {
                self.flights.swap_remove(place);
            }
        }
    }

    fn evaluation(&self, meter: &Meter, now: Moment) -> Evaluation {
        let begins = meter.limit.window.start(now);
        let used =
            if meter.is_current(now) { meter.used.rounded() } else { self.tally.used(&meter.which, begins) };
        let is_covered = |flight: &Flight| match &meter.accounts {
            Some(keys) => keys.contains(&flight.account),
            None => meter.binds(flight.asked()),
        };
        let running =
            self.flights.iter().filter(|(flight, _)| is_covered(flight)).map(|(_, count)| count).sum();
        let reserved = Used { requests: used.requests + running, ..used };
        Evaluation {
            limit: meter.limit.clone(),
            used,
            running,
            reached: meter.limit.reached(&reserved),
            begins,
            ends: meter.limit.window.end(now),
        }
    }

    /// All budgets as they stand.
    pub fn evaluations(&self, now: Moment) -> Vec<Evaluation> {
        self.all.iter().map(|meter| self.evaluation(meter, now)).collect()
    }

    /// What stands against a request, whoever would serve it.
    pub fn ruling(&self, asked: Asked<'_>, now: Moment) -> Option<Ruling> {
        if let Reading::Failed(why) = &self.known {
            return Some(Ruling { cause: Cause::Unreadable, reasons: vec![why.clone()] });
        }
        let profile = asked.project.and_then(|project| self.rules.profiles.get(project));
        if let Some(reason) = profile.and_then(|profile| forbids(profile, asked.model)) {
            return Some(Ruling { cause: Cause::Profile, reasons: vec![reason] });
        }
        let named = profile.and_then(|profile| budget::key(profile.budget_key.as_deref()?));
        let binding = self.all.iter().filter(|meter| {
            let is_named = named.as_deref() == Some(meter.limit.key.as_str());
            meter.accounts.is_none() && (is_named || meter.binds(asked))
        });
        let spent: Vec<Evaluation> = binding
            .map(|meter| self.evaluation(meter, now))
            .filter(|evaluation| !evaluation.reached.is_empty())
            .collect();
        let ends = spent.iter().map(|evaluation| evaluation.ends).max()?;
        Some(Ruling { cause: Cause::Budget(ends), reasons: spent.iter().map(reason).collect() })
    }

    /// Accounts whose own budget, or whose tag's, is used up, and until when.
    pub fn spent(&self, now: Moment) -> Vec<(AccountKey, Moment)> {
        let mut all = Vec::new();
        for meter in &self.all {
            let Some(keys) = &meter.accounts else { continue };
            let evaluation = self.evaluation(meter, now);
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
        Some(("token", token)) => (vec![Which::Token(token.to_owned())], None),
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
    let limit = &evaluation.limit;
    let parts: Vec<String> = evaluation
        .reached
        .iter()
        .map(|reached| match (reached, evaluation.running) {
            (Reached::Requests, 0) => format!("{} requests", evaluation.used.requests),
            (Reached::Requests, running) => {
                format!("{} requests and {running} under way", evaluation.used.requests)
            }
            (Reached::Tokens, _) => format!("{} tokens", evaluation.used.tokens),
            (Reached::Cost, _) => format!("{:.2} USD", evaluation.used.cost),
        })
        .collect();
    format!("budget {} is used up for this {}: {}", limit.key, limit.window.word(), parts.join(", "))
}
