//! What was used, by the hour and by whom it was for: every window of the calendar is a run of hours, so one reading of
//! the ledger answers for every budget, whatever it is about and whenever it is set.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Moment, Span};
use crate::domain::facts::TurnTokens;
use crate::domain::policy::budget::Used;
use crate::domain::usage::entry::{Ending, Entry, Glance, Operation};
use crate::domain::usage::pricing::Prices;
use crate::domain::usage::window::{self, Which};

/// How far the ledger was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tail {
    /// The file, where files have numbers.
    pub file: Option<(u64, u64)>,
    /// The end of the last whole line that was read.
    pub at: u64,
}

/// What a ledger grew by since it was read to a tail.
#[derive(Debug, Clone, PartialEq)]
pub enum Growth {
    /// All of it, because the tail is not to be found.
    Anew {
        /// What it adds up to.
        tally: Arc<Tally>,
        /// Ids of the newest rows.
        recent: BTreeSet<String>,
    },
    /// These rows.
    Rows(Vec<Entry>),
}

impl Growth {
    /// What it adds up to by itself.
    pub fn into_tally(self, prices: &Prices) -> Arc<Tally> {
        match self {
            Self::Anew { tally, .. } => tally,
            Self::Rows(rows) => {
                let mut tally = Tally::default();
                for row in &rows {
                    tally.add(&row.glance(), prices);
                }
                Arc::new(tally)
            }
        }
    }
}

const HOUR: Span = Span::hours(1);

/// Rows that count, by hour; those of one hour in the order of what they have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally(BTreeMap<i64, Vec<(Facet, Used)>>);

/// What rows that are counted together have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facet {
    model: Option<String>,
    project: Option<String>,
    account: Option<String>,
    email: Option<String>,
    token: Option<String>,
}

impl Facet {
    fn of(row: &Glance<'_>) -> Self {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        Self {
            model: owned(&row.model),
            project: owned(&row.project),
            account: owned(&row.account_hash),
            email: owned(&row.email_hash),
            token: owned(&row.token),
        }
    }

    fn compare(&self, row: &Glance<'_>) -> Ordering {
        self.model
            .as_deref()
            .cmp(&row.model.as_deref())
            .then_with(|| self.account.as_deref().cmp(&row.account_hash.as_deref()))
            .then_with(|| self.project.as_deref().cmp(&row.project.as_deref()))
            .then_with(|| self.email.as_deref().cmp(&row.email_hash.as_deref()))
            .then_with(|| self.token.as_deref().cmp(&row.token.as_deref()))
    }

    /// A row that it stands for, as far as a budget's key looks at one.
    fn row(&self, at: Moment) -> Glance<'_> {
        fn lent(text: Option<&String>) -> Option<Cow<'_, str>> {
            text.map(|text| Cow::Borrowed(text.as_str()))
        }
        Glance {
            at,
            operation: Operation::Responses,
            ending: Ending::Success,
            model: lent(self.model.as_ref()),
            project: lent(self.project.as_ref()),
            account_hash: lent(self.account.as_ref()),
            email_hash: lent(self.email.as_ref()),
            token: lent(self.token.as_ref()),
            tokens: TurnTokens::default(),
        }
    }
}

impl Tally {
    /// Counts a row, if it counts.
    pub fn add(&mut self, row: &Glance<'_>, prices: &Prices) {
        if !window::counts(row.operation, row.ending) {
            return;
        }
        let hour = self.0.entry(hour(row.at)).or_default();
        let place = match hour.binary_search_by(|(facet, _)| facet.compare(row)) {
            Ok(place) => place,
            Err(place) => {
                hour.insert(place, (Facet::of(row), Used::default()));
                place
            }
        };
        if let Some((_, used)) = hour.get_mut(place) {
            window::add(used, row, prices);
        }
    }

    /// Counts what another tally counted, too.
    pub fn join(&mut self, other: &Self) {
        for (slot, cells) in &other.0 {
            let at = start(*slot);
            for (facet, more) in cells {
                let hour = self.0.entry(*slot).or_default();
                match hour.binary_search_by(|(known, _)| known.compare(&facet.row(at))) {
                    Ok(place) => {
                        if let Some((_, used)) = hour.get_mut(place) {
                            used.join(more);
                        }
                    }
                    Err(place) => hour.insert(place, (facet.clone(), *more)),
                }
            }
        }
    }

    /// What was used of any of `which` from the hour of `from` on.
    pub fn used(&self, which: &[Which], from: Moment) -> Used {
        let mut sum = Used::default();
        for (slot, cells) in self.0.range(hour(from)..) {
            let at = start(*slot);
            for (facet, used) in cells {
                if which.iter().any(|which| which.covers(&facet.row(at))) {
                    sum.join(used);
                }
            }
        }
        sum.rounded()
    }

    /// Forgets what was used before the hour of `from`: no window reaches back there.
    pub fn forget(&mut self, from: Moment) {
        self.0 = self.0.split_off(&hour(from));
    }

    /// Whether it reaches back before the hour of `from`.
    pub fn reaches_before(&self, from: Moment) -> bool {
        self.0.first_key_value().is_some_and(|(first, _)| *first < hour(from))
    }
}

const fn hour(at: Moment) -> i64 {
    at.millis().div_euclid(HOUR.as_millis())
}

fn start(slot: i64) -> Moment {
    Moment::from_millis(slot.saturating_mul(HOUR.as_millis()))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::policy::budget::Window;

    /// Ten past noon on a Sunday, UTC.
    const NOW: Moment = Moment::from_secs(1_795_954_200);

    fn rows() -> Vec<Glance<'static>> {
        (0..400_u32)
            .map(|number| Glance {
                at: NOW - Span::minutes(i64::from(number) * 97),
                operation: if number % 11 == 0 { Operation::Models } else { Operation::Responses },
                ending: if number % 7 == 0 { Ending::Blocked } else { Ending::Failure },
                model: (number % 3 > 0).then_some(Cow::Borrowed(if number % 2 == 0 {
                    "gpt-5.5"
                } else {
                    "o3"
                })),
                project: (number % 5 > 1).then_some(Cow::Borrowed("Web Shop-1f")),
                account_hash: Some(Cow::Borrowed(if number % 2 == 0 { "sha256:a" } else { "sha256:b" })),
                email_hash: None,
                token: (number % 4 == 0).then_some(Cow::Borrowed("key-1")),
                tokens: TurnTokens {
                    input: 1_000 + u64::from(number),
                    total: 1_100,
                    ..TurnTokens::default()
                },
            })
            .collect()
    }

    #[test]
    fn a_tally_adds_up_to_what_its_rows_add_up_to_in_every_window() {
        let prices = Prices::default();
        let (mut first, mut second) = (Tally::default(), Tally::default());
        for (place, row) in rows().iter().enumerate() {
            if place % 2 == 0 { first.add(row, &prices) } else { second.add(row, &prices) }
        }
        first.join(&second);

        for window in Window::ALL {
            let from = window.start(NOW);
            for which in [
                Which::Everything,
                Which::Project("web-shop-1f".to_owned()),
                Which::Model("gpt-5.5".to_owned()),
                Which::Token("key-1".to_owned()),
            ] {
                let whole = window::sum(rows(), &which, from, NOW + Span::millis(1), &prices);
                assert_eq!(first.used(std::slice::from_ref(&which), from), whole.rounded(), "{which:?}");
            }
        }
    }

    #[test]
    fn what_no_window_reaches_is_forgotten() {
        let mut tally = Tally::default();
        for row in rows() {
            tally.add(&row, &Prices::default());
        }
        let month = tally.used(&[Which::Everything], Window::Month.start(NOW));

        tally.forget(Window::Month.start(NOW));

        assert_eq!(tally.used(&[Which::Everything], Moment::EPOCH), month);
    }
}
