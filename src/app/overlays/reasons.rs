//! Why accounts stand where they stand: every point, the figures behind it and the engine's own score.

use crate::app::screens::forecast::Outlook;
use crate::app::world::World;
use crate::base::text::clean;
use crate::base::{Moment, calendar};
use crate::domain::account::AccountKey;
use crate::domain::forecast::{Availability, Level, Prospect, Reason};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::selection::explain::{Candidate, Decision};

/// Whose reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// One account's.
    One(AccountKey),
    /// Everybody's, best first.
    All,
}

/// The open list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reasons {
    /// Whose.
    pub about: About,
    /// First line shown.
    pub offset: usize,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// An account and how it stands.
    Account(AccountKey, Availability),
    /// Points and what they are for.
    Reason(Reason),
    /// The sum of the points.
    Risk(u8, Level),
    /// What the engine says of it.
    Engine(String),
    /// A window of its quota.
    Window(String),
    /// Nothing.
    Blank,
}

impl Reasons {
    /// The list about an account, or about all.
    pub fn of(about: About) -> Self {
        Self { about, offset: 0 }
    }

    /// Its lines.
    pub fn parts(&self, outlook: &Outlook, world: &World, at: Moment) -> Vec<Part> {
        let mut parts = Vec::new();
        for place in 0..outlook.order.len() {
            let Some(prospect) = outlook.at(place) else { continue };
            match &self.about {
                About::One(key) if *key != prospect.key => continue,
                About::One(_) | About::All => {}
            }
            if !parts.is_empty() {
                parts.push(Part::Blank);
            }
            one(prospect, outlook, world, at, &mut parts);
        }
        parts
    }

    /// The account whose lines are at the top.
    pub fn shown(&self, outlook: &Outlook, world: &World, at: Moment) -> Option<AccountKey> {
        let parts = self.parts(outlook, world, at);
        parts.iter().take(self.offset + 1).rev().chain(&parts).find_map(|part| match part {
            Part::Account(key, _) => Some(key.clone()),
            Part::Reason(_) | Part::Risk(..) | Part::Engine(_) | Part::Window(_) | Part::Blank => None,
        })
    }
}

fn one(prospect: &Prospect, outlook: &Outlook, world: &World, at: Moment, parts: &mut Vec<Part>) {
    parts.push(Part::Account(prospect.key.clone(), prospect.availability));
    parts.extend(prospect.reasons.iter().cloned().map(Part::Reason));
    parts.push(Part::Risk(prospect.risk, prospect.level));
    if let Some(decision) = &outlook.decision
        && let Some(candidate) = decision.candidates.iter().find(|one| one.key == prospect.key)
    {
        parts.extend(engine(candidate, decision, world, at).into_iter().map(Part::Engine));
    }
    if let Some(snapshot) = world.quota.get(&prospect.key) {
        parts.extend(windows(snapshot, world, at).into_iter().map(Part::Window));
    }
}

/// What the engine holds for or against an account, and the parts of its score.
fn engine(candidate: &Candidate, decision: &Decision, world: &World, at: Moment) -> Vec<String> {
    let standing = match &candidate.skip {
        Some(skip) => {
            let until = skip.until.filter(|until| *until > at);
            let until = until.map(|until| calendar::near(until, at, &world.setting.zone));
            let until = until.map_or_else(String::new, |until| format!(" until {until}"));
            format!("passed over: {}{until}", clean(&skip.reason))
        }
        None if decision.chosen.as_ref() == Some(&candidate.key) => {
            format!("chosen by the {} rule, strategy {}", decision.rule.word(), decision.strategy.word())
        }
        None => format!("eligible; the {} rule chose another", decision.rule.word()),
    };
    let parts = &candidate.parts;
    let named = [
        ("health", parts.health),
        ("local tokens", parts.tokens),
        ("rested", parts.fresh),
        ("policy", parts.boost),
        ("served last", parts.sticky),
        ("in flight", parts.in_flight),
        ("spread", parts.spread),
    ];
    let told: Vec<String> = named
        .iter()
        .filter(|(_, points)| points.abs() >= 0.05)
        .map(|(name, points)| format!("{name} {points:.1}"))
        .collect();
    vec![standing, format!("score {:.1} = {}", parts.total(), told.join(" + ").replace("+ -", "− "))]
}

fn windows(snapshot: &Snapshot, world: &World, at: Moment) -> Vec<String> {
    let age = format!("seen {} ago by {}", calendar::short(at.since(snapshot.at)), snapshot.source.word());
    snapshot
        .windows()
        .filter_map(|window| {
            let left = window.left(at)?;
            let name = window.name().unwrap_or_else(|| "window".to_owned());
            let reset = window.resets_at.filter(|reset| *reset > at);
            let reset = reset.map_or_else(
                || "reset unknown".to_owned(),
                |reset| format!("resets {}", calendar::near(reset, at, &world.setting.zone)),
            );
            Some(format!("{name} {}% left, {reset}, {age}", left.rounded()))
        })
        .collect()
}
