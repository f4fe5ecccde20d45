//! The hot facts of one account, laid out for a scan over all of them.

use std::sync::LazyLock;

use crate::base::seldom::Nothing;
use crate::base::{Moment, Secret, Seldom};
use crate::domain::account::Account;
use crate::domain::health::bucket::Bucket;
use crate::domain::health::circuit::Circuit;
use crate::domain::health::score::Health;
use crate::domain::policy::account::Rein;
use crate::domain::quota::defer::{Strain, strain};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::selection::eligible::Bar;
use crate::domain::settings::Settings;

/// A lane: a family, or one model of it; the number stands in the pool's table.
pub(super) type Lane = u16;

/// Health and bucket of one account for one lane.
#[derive(Debug, Clone)]
pub(super) struct Tracker {
    pub(super) lane: Lane,
    pub(super) health: Health,
    pub(super) bucket: Bucket,
}

/// Whether something waits to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Clean,
    Dirty,
}

#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// What no amount of time changes.
    pub(super) lasting: Option<Bar>,
    /// The latest of all limits, to skip looking at them.
    pub(super) limited: Moment,
    /// End of the rest.
    pub(super) cooling: Moment,
    pub(super) last_used: Moment,
    pub(super) is_used: Mark,
    pub(super) in_flight: u32,
    /// When it was last given a session; at the start, when it was last used.
    pub(super) given: Moment,
    pub(super) spread: f64,
    /// What the user's policy holds back.
    pub(super) rein: Rein,
    /// Points of the user's weight.
    pub(super) boost: f64,
    pub(super) strain: Strain,
    pub(super) circuit: Circuit,
    pub(super) trackers: Vec<Tracker>,
    pub(super) quota: Option<Box<Snapshot>>,
    /// What few accounts of a large pool have.
    pub(super) seldom: Seldom<Uncommon>,
}

/// What few accounts of a large pool have; apart, so that a scan over all of them stays narrow.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Uncommon {
    /// Snapshots of limit ids that bind some models only.
    pub(super) others: Vec<Snapshot>,
    /// Models this account was refused for, and until when that is believed.
    pub(super) gaps: Vec<(Option<String>, Moment)>,
    pub(super) forbidden: Option<Moment>,
    /// Last 2xx.
    pub(super) answered: Option<Moment>,
    /// An access token upstream refused.
    pub(super) refused: Option<Secret>,
    /// An access token that came from a forced refresh.
    pub(super) forced: Option<(Secret, Moment)>,
    pub(super) routing_tried: Option<Moment>,
    /// Upstream answered an upgrade with "no such thing".
    pub(super) no_socket: Option<Moment>,
    /// The access token routing was last asked with.
    pub(super) routed_with: Option<Secret>,
}

impl Nothing for Uncommon {
    fn nothing() -> &'static Self {
        static NOTHING: LazyLock<Uncommon> = LazyLock::new(Uncommon::default);
        &NOTHING
    }
}

impl Slot {
    pub(super) fn of(account: &Account) -> Self {
        let mut slot = Self {
            lasting: None,
            limited: Moment::EPOCH,
            cooling: Moment::EPOCH,
            last_used: Moment::EPOCH,
            is_used: Mark::Clean,
            in_flight: 0,
            given: account.last_used,
            spread: 0.0,
            rein: Rein::Free,
            boost: 0.0,
            strain: Strain::default(),
            circuit: Circuit::default(),
            trackers: Vec::new(),
            quota: None,
            seldom: Seldom::default(),
        };
        slot.follow(account);
        slot
    }

    /// Copies what the account says into the hot facts.
    pub(super) fn follow(&mut self, account: &Account) {
        self.lasting = Bar::lasting(account);
        self.limited = account.limits.values().copied().max().unwrap_or(Moment::EPOCH);
        self.cooling = account.cooldown.map_or(Moment::EPOCH, |rest| rest.until);
        self.last_used = self.last_used.max(account.last_used);
    }

    pub(super) fn tracker(&self, lane: Option<Lane>) -> Option<&Tracker> {
        let lane = lane?;
        self.trackers.iter().find(|tracker| tracker.lane == lane)
    }

    pub(super) fn tracker_mut(&mut self, lane: Lane, now: Moment) -> Option<&mut Tracker> {
        if !self.trackers.iter().any(|tracker| tracker.lane == lane) {
            self.trackers.push(Tracker { lane, health: Health::new(now), bucket: Bucket::new(now) });
        }
        self.trackers.iter_mut().find(|tracker| tracker.lane == lane)
    }

    /// Takes a snapshot when it is newer than what is known of its limit id.
    pub(super) fn note(&mut self, snapshot: Snapshot, settings: &Settings) -> bool {
        if snapshot.is_own() {
            let Some(known) = Snapshot::learn(self.quota.as_deref(), &snapshot) else { return false };
            self.strain = strain(&known, settings);
            self.quota = Some(Box::new(known));
            return true;
        }
        let others = &mut self.seldom.others;
        match others.iter_mut().find(|known| known.limit_id == snapshot.limit_id) {
            Some(known) if known.at > snapshot.at => false,
            Some(known) => {
                *known = snapshot;
                true
            }
            None => {
                others.push(snapshot);
                true
            }
        }
    }

    /// A model is not asked of this account until then.
    pub(super) fn block(&mut self, model: Option<String>, until: Moment, now: Moment) {
        let gaps = &mut self.seldom.gaps;
        gaps.retain(|(other, until)| *until > now && *other != model);
        gaps.push((model, until));
    }

    /// What is only learnt here is forgotten.
    pub(super) fn forget(&mut self) {
        self.trackers.clear();
        self.circuit = Circuit::default();
        if !self.seldom.gaps.is_empty() || self.seldom.forbidden.is_some() {
            self.seldom.gaps.clear();
            self.seldom.forbidden = None;
        }
    }
}
