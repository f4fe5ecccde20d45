//! Which account next, how good is it, and what happens to each of them in the coming hours.
//!
//! Who serves is the engine's answer (decisions.md D24): what a forecast recommends is what the proxy chooses.
//! Risk and wait rank the others and tell people why (commands.md §2.5, with CLI-13, CLI-14 and CLI-18); they
//! decide only where the engine finds nobody.

pub mod timeline;

use std::collections::BTreeMap;

use crate::base::calendar;
use crate::base::{Moment, Percent, Span};
use crate::domain::account::{Account, AccountKey};
use crate::domain::label;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::roster::Roster;
use crate::domain::selection::explain::{Decision, Rule, Skip};

/// An account nobody used for this long may have gone stale unnoticed.
const LONG_UNUSED: Span = Span::days(7);
/// Figures older than this are named with their age.
const STALE: Span = Span::minutes(5);

/// Whether an account can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Availability {
    /// Now.
    Ready,
    /// After a wait.
    Delayed,
    /// Not before somebody does something.
    Unavailable,
}

impl Availability {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Delayed => "delayed",
            Self::Unavailable => "unavailable",
        }
    }
}

/// How risky a choice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Below 40.
    Low,
    /// 40 to 74.
    Medium,
    /// 75 and more.
    High,
}

impl Level {
    /// The level of a score from 0 to 100.
    pub const fn of(risk: u8) -> Self {
        match risk {
            75.. => Self::High,
            40..=74 => Self::Medium,
            0..=39 => Self::Low,
        }
    }

    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One reason with the points it adds to the risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Points, negative ones lower the risk.
    pub points: i16,
    /// In words.
    pub text: String,
}

/// What a question to the back end during this very run showed about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Its refresh was refused for good: code or words.
    Dead(String),
    /// Its refresh did not work this time.
    Warned(String),
    /// It may not use Codex, or not this model.
    NotEntitled,
    /// The question itself failed: nothing is known (CLI-13).
    Unanswered(String),
}

/// Everything a forecast is made from.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The pool.
    pub roster: &'a Roster,
    /// Newest quota per account.
    pub quota: &'a BTreeMap<AccountKey, Snapshot>,
    /// The engine's answer.
    pub decision: &'a Decision,
    /// Who serves at present, or else is selected.
    pub current: Option<&'a AccountKey>,
    /// What this run learnt, by account.
    pub findings: &'a BTreeMap<AccountKey, Finding>,
    /// Now.
    pub at: Moment,
}

/// The outlook of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Prospect {
    /// Which account.
    pub key: AccountKey,
    /// 0-based stored position.
    pub index: usize,
    /// Whether it is the current one.
    pub is_current: bool,
    /// Whether it is the recommended one.
    pub is_selected: bool,
    /// Whether it can serve.
    pub availability: Availability,
    /// 0 … 100.
    pub risk: u8,
    /// Its level.
    pub level: Level,
    /// How long until it can serve by itself; zero when ready or when nobody knows.
    pub wait: Span,
    /// Switched off by the user.
    pub is_off: bool,
    /// A refusal that no waiting cures.
    pub is_dead: bool,
    /// A window is used up.
    pub is_exhausted: bool,
    /// In the order in which they were found.
    pub reasons: Vec<Reason>,
}

/// The whole outlook.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// All accounts in stored order.
    pub prospects: Vec<Prospect>,
    /// Whom to use.
    pub recommended: Option<AccountKey>,
    /// Why, in a sentence.
    pub reason: String,
}

/// How many accounts are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// All.
    pub total: usize,
    /// Ready now.
    pub ready: usize,
    /// Ready after a wait.
    pub delayed: usize,
    /// Out.
    pub unavailable: usize,
    /// Of all, those with a high risk.
    pub high_risk: usize,
}

impl Forecast {
    /// Judges every account and recommends one.
    pub fn of(evidence: &Evidence<'_>) -> Self {
        let skips: BTreeMap<&AccountKey, &Skip> = evidence
            .decision
            .candidates
            .iter()
            .filter_map(|one| Some((&one.key, one.skip.as_ref()?)))
            .collect();
        let mut prospects: Vec<Prospect> = evidence
            .roster
            .accounts
            .iter()
            .enumerate()
            .map(|(index, account)| judge(evidence, index, account, skips.get(&account.key).copied()))
            .collect();
        let (recommended, reason) = recommend(evidence, &prospects);
        for prospect in &mut prospects {
            prospect.is_selected = recommended.as_ref() == Some(&prospect.key);
        }
        Self { prospects, recommended, reason }
    }

    /// The accounts as a ranking: the recommended one first, then ready before delayed before unavailable,
    /// shorter waits, lower risks, the current one, stored order; what is switched off stands last.
    pub fn ranked(&self) -> Vec<&Prospect> {
        let mut ranked: Vec<&Prospect> = self.prospects.iter().collect();
        ranked.sort_by_key(|prospect| (!prospect.is_selected, prospect.is_off, order(prospect)));
        ranked
    }

    /// The best account besides the recommended one, if any can serve now.
    pub fn runner_up(&self) -> Option<&Prospect> {
        self.ranked()
            .into_iter()
            .find(|prospect| !prospect.is_selected && prospect.availability == Availability::Ready)
    }

    /// The prospect of the recommended account.
    pub fn selected(&self) -> Option<&Prospect> {
        self.prospects.iter().find(|prospect| prospect.is_selected)
    }

    /// Counts by state.
    pub fn summary(&self) -> Summary {
        let count = |wanted: Availability| {
            self.prospects.iter().filter(|prospect| prospect.availability == wanted).count()
        };
        Summary {
            total: self.prospects.len(),
            ready: count(Availability::Ready),
            delayed: count(Availability::Delayed),
            unavailable: count(Availability::Unavailable),
            high_risk: self.prospects.iter().filter(|prospect| prospect.level == Level::High).count(),
        }
    }
}

fn order(prospect: &Prospect) -> (Availability, Span, u8, bool, usize) {
    let wait = if prospect.availability == Availability::Delayed { prospect.wait } else { Span::ZERO };
    (prospect.availability, wait, prospect.risk, !prospect.is_current, prospect.index)
}

/// The engine's choice; where it has none, the account that comes back first.
fn recommend(evidence: &Evidence<'_>, prospects: &[Prospect]) -> (Option<AccountKey>, String) {
    if prospects.is_empty() {
        return (None, "No accounts configured.".to_owned());
    }
    let chosen = evidence.decision.chosen.as_ref();
    let chosen = chosen.and_then(|key| prospects.iter().find(|prospect| &prospect.key == key));
    let is_doubtful =
        |one: &Prospect| matches!(evidence.findings.get(&one.key), Some(Finding::Unanswered(_)));
    let has_verified =
        prospects.iter().any(|one| one.availability == Availability::Ready && !is_doubtful(one));
    let chosen =
        chosen.filter(|one| one.availability == Availability::Ready && !(is_doubtful(one) && has_verified));
    if let Some(chosen) = chosen {
        let (level, risk) = (chosen.level.word(), chosen.risk);
        let reason = match evidence.decision.rule {
            Rule::Forced | Rule::Pin => format!("Pinned by you ({level}, score {risk})."),
            Rule::Affinity | Rule::Policy | Rule::Strategy if is_lowest(chosen, prospects) => {
                format!("Lowest risk ready account ({level}, score {risk}).")
            }
            Rule::Affinity | Rule::Policy | Rule::Strategy => {
                let strategy = evidence.decision.strategy.word();
                format!("Chosen by the {strategy} strategy ({level}, score {risk}).")
            }
        };
        return (Some(chosen.key.clone()), reason);
    }
    let mut left: Vec<&Prospect> = prospects
        .iter()
        .filter(|prospect| !prospect.is_dead && prospect.availability != Availability::Unavailable)
        .collect();
    left.sort_by_key(|prospect| order(prospect));
    match left.first() {
        None => (None, nobody(prospects).to_owned()),
        // The pin holds every request back; others are only whom to turn to.
        Some(first) if first.availability == Availability::Ready && is_held_by_pin(evidence) => (
            Some(first.key.clone()),
            format!(
                "The pinned account cannot serve, so nobody does; without the pin this one would ({}, score {}).",
                first.level.word(),
                first.risk
            ),
        ),
        Some(first) if first.availability == Availability::Ready => (
            Some(first.key.clone()),
            format!("Lowest risk ready account ({}, score {}).", first.level.word(), first.risk),
        ),
        Some(first) => (
            Some(first.key.clone()),
            format!("No account is immediately ready; pick shortest wait ({}).", calendar::long(first.wait)),
        ),
    }
}

fn is_held_by_pin(evidence: &Evidence<'_>) -> bool {
    evidence.decision.chosen.is_none() && evidence.roster.pin.is_some()
}

fn is_lowest(chosen: &Prospect, prospects: &[Prospect]) -> bool {
    !prospects.iter().any(|other| other.availability == Availability::Ready && other.risk < chosen.risk)
}

fn nobody(prospects: &[Prospect]) -> &'static str {
    if prospects.iter().all(|prospect| prospect.is_dead) {
        "No healthy accounts are available; sign in again with one of them."
    } else {
        "All accounts are blocked or exhausted."
    }
}

/// A prospect under way.
struct Judgement {
    availability: Availability,
    points: i32,
    wait: Span,
    is_dead: bool,
    is_exhausted: bool,
    reasons: Vec<Reason>,
}

impl Judgement {
    fn add(&mut self, points: i16, text: impl Into<String>) {
        self.points += i32::from(points);
        self.reasons.push(Reason { points, text: text.into() });
    }

    fn block(&mut self, points: i16, text: impl Into<String>) {
        self.availability = Availability::Unavailable;
        self.add(points, text);
    }

    fn delay(&mut self, points: i16, wait: Span, text: impl Into<String>) {
        self.availability = self.availability.max(Availability::Delayed);
        self.wait = self.wait.max(wait);
        self.add(points, text);
    }
}

fn judge(evidence: &Evidence<'_>, index: usize, account: &Account, skip: Option<&Skip>) -> Prospect {
    let is_current = evidence.current == Some(&account.key);
    let mut state = Judgement {
        availability: Availability::Ready,
        points: 0,
        wait: Span::ZERO,
        is_dead: false,
        is_exhausted: false,
        reasons: Vec::new(),
    };
    if is_current {
        state.add(-5, "already in use, sessions stay where they are");
    }
    standing(account, &mut state);
    waiting(evidence, account, skip, &mut state);
    learnt(evidence.findings.get(&account.key), &mut state);
    used(evidence, account, &mut state);
    if state.reasons.iter().all(|reason| reason.points <= 0) {
        state.reasons.push(Reason { points: 0, text: "no rate limit, no cooldown, signed in".to_owned() });
    }
    let risk = u8::try_from(state.points.clamp(0, 100)).unwrap_or(100);
    Prospect {
        key: account.key.clone(),
        index,
        is_current,
        is_selected: false,
        availability: state.availability,
        risk,
        level: Level::of(risk),
        wait: if state.availability == Availability::Unavailable { Span::ZERO } else { state.wait },
        is_off: !account.is_on(),
        is_dead: state.is_dead,
        is_exhausted: state.is_exhausted,
        reasons: state.reasons,
    }
}

/// What no amount of time changes.
fn standing(account: &Account, state: &mut Judgement) {
    if !account.is_on() {
        state.block(95, "account is disabled");
    }
    if account.invalidation.is_some() || account.credentials.is_missing() {
        state.is_dead = true;
        state.block(95, "token-invalid — re-login needed");
    }
    if account.uncertain_since.is_some() {
        state.block(90, "a refresh was cut: nobody knows whether the sign-in still works");
    }
}

/// What lifts by itself: rests, limits, windows and what the proxy holds against it.
fn waiting(evidence: &Evidence<'_>, account: &Account, skip: Option<&Skip>, state: &mut Judgement) {
    let at = evidence.at;
    if let Some(rest) = account.cooling_until(at) {
        let wait = at.until(rest.until);
        state.delay(45, wait, format!("cooldown remaining {}", calendar::long(wait)));
    }
    if let Some(until) = label::limited_until(account, at) {
        let wait = at.until(until);
        state.delay(35, wait, format!("rate limit resets in {}", calendar::long(wait)));
    }
    let snapshot = evidence.quota.get(&account.key);
    if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.is_exhausted(at)) {
        state.is_exhausted = true;
        match snapshot.exhausted_until(at).filter(|until| *until > at) {
            Some(until) => {
                let wait = at.until(until);
                state.delay(60, wait, format!("quota exhausted, resets in {}", calendar::long(wait)));
            }
            None => state.delay(60, Span::ZERO, "quota exhausted, no reset is known"),
        }
    } else if let Some(until) = snapshot.and_then(|snapshot| label::refused_until(snapshot, at)) {
        let wait = at.until(until);
        state.delay(35, wait, format!("upstream answered 429, back in {}", calendar::long(wait)));
    }
    if let Some(skip) = skip {
        held(skip, at, state);
    }
}

/// What the engine holds against the account beyond what the account itself says.
fn held(skip: &Skip, at: Moment, state: &mut Judgement) {
    let reason = skip.reason.as_str();
    let is_told = matches!(
        reason,
        "disabled" | "auth-invalidated" | "uncertain" | "already-attempted" | "quota-near-exhaustion"
    ) || ((reason == "rate-limited" || reason.starts_with("cooling-down"))
        && state.availability == Availability::Delayed);
    if is_told {
        return;
    }
    let points = match reason {
        "circuit-open" => 90,
        _ if reason.starts_with("policy") => 95,
        "workspace-disabled" | "not-entitled" => 90,
        _ => 50,
    };
    let text = format!("held back: {reason}");
    match skip.until.filter(|until| *until > at) {
        Some(until) => state.delay(points, at.until(until), text),
        None => state.block(points, text),
    }
}

fn learnt(finding: Option<&Finding>, state: &mut Judgement) {
    match finding {
        None => {}
        Some(Finding::Dead(_)) if state.is_dead => {}
        Some(Finding::Dead(why)) => {
            state.is_dead = true;
            state.block(90, format!("hard auth failure: {why}"));
        }
        Some(Finding::Warned(why)) => state.add(25, format!("refresh warning: {why}")),
        Some(Finding::NotEntitled) => state.block(90, "may not use Codex with this plan"),
        Some(Finding::Unanswered(why)) => state.add(40, format!("not verified: {why}")),
    }
}

/// How much of its windows is used, and how long ago it served.
fn used(evidence: &Evidence<'_>, account: &Account, state: &mut Judgement) {
    let at = evidence.at;
    if let Some(snapshot) = evidence.quota.get(&account.key).filter(|_| !state.is_exhausted) {
        let mut worst = 0;
        let mut texts = Vec::new();
        for (window, fallback) in snapshot.places().into_iter().zip(["primary", "secondary"]) {
            let Some(window) = window else { continue };
            let Some(left) = window.left(at) else { continue };
            let used = left.left();
            worst = worst.max(load(used));
            let name = window.name().unwrap_or_else(|| fallback.to_owned());
            texts.push(format!("{name} {}% used", used.rounded()));
        }
        if !texts.is_empty() {
            let age = at.since(snapshot.at);
            let old =
                if age > STALE { format!(", seen {} ago", calendar::short(age)) } else { String::new() };
            state.add(worst, format!("{}{old}", texts.join(", ")));
        }
    }
    if account.last_used > at {
        state.add(5, "last use lies in the future: check the clock");
    } else if account.last_used > Moment::EPOCH && at.since(account.last_used) > LONG_UNUSED {
        state.add(10, format!("not used for {}", calendar::long(at.since(account.last_used))));
    }
}

/// Points for the used share of a window.
fn load(used: Percent) -> i16 {
    let used = used.value();
    if used >= 98.0 {
        55
    } else if used >= 90.0 {
        35
    } else if used >= 80.0 {
        20
    } else if used >= 70.0 {
        10
    } else {
        0
    }
}

#[cfg(test)]
mod tests;
