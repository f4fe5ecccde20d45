//! Nobody can serve: how short the pool is, when that ends, and what to tell (runtime.md §13.1, §13.2).

use crate::base::{Moment, Span};
use crate::domain::account::CooldownReason;
use crate::domain::facts::Exhausted;
use crate::domain::policy::compose::{Cause, Ruling};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::selection::Ask;
use crate::domain::selection::eligible::Bar;
use crate::domain::selection::pin::PinSource;

use super::Pool;

/// A shortage that clears within this time is worth waiting for.
const SHORT: Span = Span::seconds(30);

/// Whether waiting helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// Somebody is back within half a minute.
    Transient,
    /// Nobody is.
    Final,
}

/// What the pool lacks.
#[derive(Debug, Clone, PartialEq)]
pub struct Exhaustion {
    /// Whether waiting helps.
    pub class: Shortage,
    /// Why, from the accounts' own state: `rate-limit`, `server-error`, `network-error`, `auth-failure`,
    /// `deactivated`, `policy` or `no-account`.
    pub reason: &'static str,
    /// When the first account is back; `None` when none comes back by itself.
    pub returns_at: Option<Moment>,
    /// 0-based position → skip reason.
    pub skips: Vec<(usize, &'static str)>,
    /// Plan of the account that is back first.
    pub plan: Option<String>,
    /// Its windows.
    pub quota: Option<Snapshot>,
    /// How many accounts there are.
    pub accounts: usize,
}

/// The pinned account cannot serve.
#[derive(Debug, Clone, PartialEq)]
pub struct PinTrouble {
    /// Whether waiting helps.
    pub class: Shortage,
    /// 0-based position, when the account still exists.
    pub index: Option<usize>,
    /// What stands against it; `None` when nothing does any more.
    pub bar: Option<Bar>,
    /// Who pinned it.
    pub source: PinSource,
    /// When it is back by itself.
    pub returns_at: Option<Moment>,
    /// 0-based position → skip reason.
    pub skips: Vec<(usize, &'static str)>,
    /// Its plan.
    pub plan: Option<String>,
    /// Its windows.
    pub quota: Option<Snapshot>,
}

impl Pool {
    /// Whether a pin decides this question.
    pub fn is_bound(&self, ask: &Ask) -> bool {
        self.bound(ask).is_some()
    }

    /// What the pool lacks for this question.
    pub fn exhaustion(&self, ask: &Ask, now: Moment) -> Exhaustion {
        let mut first: Option<(usize, Moment)> = None;
        let mut soonest: Option<Moment> = None;
        let mut skips = Vec::new();
        let mut reason = None;
        for position in 0..self.slots.len() {
            let bar = self.bar_at(position, ask, now);
            let is_tried = self.is_tried(position, ask);
            if let Some(bar) = bar.or_else(|| is_tried.then_some(Bar::Attempted)) {
                skips.push((position, bar.word()));
                reason = Some(reason_of(bar)).filter(|_| reason.is_none()).or(reason);
            }
            let Some(back) = self.back_at(position, ask, now) else { continue };
            if first.is_none_or(|(_, other)| back < other) {
                first = Some((position, back));
            }
            if self.is_brief(position, ask, back, now) {
                soonest = Some(soonest.map_or(back, |other| other.min(back)));
            }
        }
        let account = first.and_then(|(position, _)| self.account_at(position));
        let quota = first.and_then(|(position, _)| self.slots.get(position)?.quota.as_deref().cloned());
        Exhaustion {
            class: if soonest.is_some() { Shortage::Transient } else { Shortage::Final },
            reason: reason.unwrap_or("no-account"),
            returns_at: soonest.or(first.map(|(_, back)| back)),
            skips,
            plan: quota
                .as_ref()
                .and_then(|quota| quota.plan.clone())
                .or_else(|| account?.plan().map(str::to_owned)),
            quota,
            accounts: self.slots.len(),
        }
    }

    /// The pool was found exhausted a moment ago, so nobody is looked for (runtime.md §20.2). A pin, a policy and a
    /// budget have answers of their own.
    pub fn fast_fail(&self, ask: &Ask, now: Moment) -> Option<Exhaustion> {
        let until = self.gates.exhausted_until(ask.family, now)?;
        if self.is_bound(ask) || self.ruled_out(ask, now).is_some() || self.is_held_back(ask, now) {
            return None;
        }
        let mut shortage = self.exhaustion(ask, now);
        shortage.class = Shortage::Final;
        shortage.returns_at = Some(shortage.returns_at.map_or(until, |back| back.max(until)));
        Some(shortage)
    }

    /// What the user or another process changed may have brought somebody back: then nothing is exhausted any more.
    pub fn reconsider(&mut self, now: Moment) {
        if self.gates.exhausted_last(now).is_none() {
            return;
        }
        let ask = Ask::plain();
        if (0..self.slots.len()).any(|position| self.bar_at(position, &ask, now).is_none()) {
            self.gates.reopen();
        }
    }

    /// Remembers the newest final word about the whole pool, for whoever looks at the snapshot.
    pub fn note_exhaustion(&mut self, shortage: &Exhaustion, reason: &str, now: Moment) {
        let name = |position: &usize| self.roster.accounts.get(*position).map(|account| account.key.clone());
        let skips = shortage.skips.iter();
        self.pulse.exhaustion = Some(Box::new(Exhausted {
            at: now,
            reason: reason.to_owned(),
            retry_after: shortage.returns_at.map(|back| now.until(back)).unwrap_or_default(),
            skips: skips.filter_map(|(position, word)| Some((name(position)?, (*word).to_owned()))).collect(),
        }));
    }

    /// Whether the user's policies alone keep this question from being served: every account that could is held.
    pub fn is_held_back(&self, ask: &Ask, now: Moment) -> bool {
        let mut held = false;
        for position in 0..self.slots.len() {
            match self.bar_at(position, ask, now) {
                Some(Bar::Held(_)) => held = true,
                Some(Bar::Missing | Bar::Disabled | Bar::WorkspaceDisabled | Bar::Invalidated) => {}
                None | Some(_) => return false,
            }
        }
        held
    }

    /// What stands against the pinned account of this question; `None` when nothing is pinned.
    pub fn pin_trouble(&self, ask: &Ask, now: Moment) -> Option<PinTrouble> {
        let (key, source) = self.bound(ask)?;
        let Some(position) = self.position(key) else {
            return Some(PinTrouble {
                class: Shortage::Final,
                index: None,
                bar: Some(Bar::Missing),
                source,
                returns_at: None,
                skips: Vec::new(),
                plan: None,
                quota: None,
            });
        };
        let bar = self
            .bar_at(position, ask, now)
            .or_else(|| self.is_tried(position, ask).then_some(Bar::Attempted));
        let back = self.back_at(position, ask, now).filter(|back| *back > now);
        let is_brief = back.is_some_and(|back| self.is_brief(position, ask, back, now));
        let quota = self.slots.get(position).and_then(|slot| slot.quota.as_deref().cloned());
        let account = self.account_at(position);
        Some(PinTrouble {
            class: if is_brief || bar == Some(Bar::Attempted) {
                Shortage::Transient
            } else {
                Shortage::Final
            },
            index: Some(position),
            bar,
            source,
            returns_at: back,
            skips: bar.map(|bar| (position, bar.word())).into_iter().collect(),
            plan: quota
                .as_ref()
                .and_then(|quota| quota.plan.clone())
                .or_else(|| account?.plan().map(str::to_owned)),
            quota,
        })
    }

    /// What of the user's own rules keeps this question from being served: a budget or a profile against the whole
    /// request, or every usable account over a budget of its own.
    pub fn ruled_out(&self, ask: &Ask, now: Moment) -> Option<Ruling> {
        if let Some(ruling) = self.ruling(ask, now) {
            return Some(ruling);
        }
        let mut first: Option<Moment> = None;
        for position in 0..self.slots.len() {
            match self.bar_at(position, ask, now) {
                Some(Bar::Spent(until)) => first = Some(first.map_or(until, |other| other.min(until))),
                Some(
                    Bar::Missing | Bar::Disabled | Bar::WorkspaceDisabled | Bar::Invalidated | Bar::Held(_),
                ) => {}
                None | Some(_) => return None,
            }
        }
        first.map(|until| Ruling {
            cause: Cause::Budget(until),
            reasons: vec!["the budget of every usable account is used up".to_owned()],
        })
    }

    fn is_tried(&self, position: usize, ask: &Ask) -> bool {
        self.roster.accounts.get(position).is_some_and(|account| ask.tried.contains(&account.key))
    }

    /// When everything that stands against an account has lifted by itself; `None` when it never does.
    fn back_at(&self, position: usize, ask: &Ask, now: Moment) -> Option<Moment> {
        let slot = self.slots.get(position)?;
        if slot.lasting.is_some() || matches!(self.bar_at(position, ask, now), Some(Bar::Held(_))) {
            return None;
        }
        if matches!(self.ruled(ask, now), Some(Bar::Unreadable | Bar::Ruled)) {
            return None;
        }
        let account = self.account_at(position)?;
        let budget = match self.bar_at(position, ask, now) {
            Some(Bar::OverBudget(until) | Bar::Spent(until)) => Some(until),
            Some(_) | None => None,
        };
        let ends = [
            budget,
            account.limited_until(ask.family, ask.model.as_deref(), now),
            slot.strain.empty_until,
            Some(slot.cooling),
            slot.circuit.closed_until(now),
            slot.seldom.gaps.iter().find(|(model, _)| *model == ask.model).map(|(_, until)| *until),
            self.gates.guarded_until(slot.seldom.answered, now),
        ];
        Some(ends.into_iter().flatten().max().map_or(now, |end| end.max(now)))
    }

    /// Whether an account is held back only by trouble that passes within half a minute.
    fn is_brief(&self, position: usize, ask: &Ask, back: Moment, now: Moment) -> bool {
        if now.until(back) > SHORT {
            return false;
        }
        match self.bar_at(position, ask, now) {
            None
            | Some(
                Bar::Limited(_)
                | Bar::CircuitOpen(_)
                | Bar::Attempted
                | Bar::NearExhaustion(_)
                | Bar::Cooling(
                    None
                    | Some(
                        CooldownReason::NetworkError
                        | CooldownReason::ServerError
                        | CooldownReason::RateLimit,
                    ),
                    _,
                ),
            ) => true,
            Some(
                Bar::Cooling(Some(CooldownReason::AuthFailure), _)
                | Bar::Missing
                | Bar::Disabled
                | Bar::WorkspaceDisabled
                | Bar::Invalidated
                | Bar::Uncertain
                | Bar::Held(_)
                | Bar::Unreadable
                | Bar::OverBudget(_)
                | Bar::Ruled
                | Bar::Spent(_)
                | Bar::NotEntitled(_)
                | Bar::Guarded(_),
            ) => false,
        }
    }
}

fn reason_of(bar: Bar) -> &'static str {
    match bar {
        Bar::Limited(_)
        | Bar::NearExhaustion(_)
        | Bar::NotEntitled(_)
        | Bar::Cooling(Some(CooldownReason::RateLimit), _) => "rate-limit",
        Bar::Cooling(Some(CooldownReason::NetworkError), _) => "network-error",
        Bar::Cooling(Some(CooldownReason::ServerError) | None, _) | Bar::CircuitOpen(_) => "server-error",
        Bar::Cooling(Some(CooldownReason::AuthFailure), _)
        | Bar::Invalidated
        | Bar::Uncertain
        | Bar::Guarded(_) => "auth-failure",
        Bar::WorkspaceDisabled => "deactivated",
        Bar::Held(_) | Bar::Unreadable | Bar::OverBudget(_) | Bar::Ruled | Bar::Spent(_) => "policy",
        Bar::Missing | Bar::Disabled | Bar::Attempted => "no-account",
    }
}
