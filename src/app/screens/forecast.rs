//! Which account next: the ranking with its reasons, and the coming hours.
//!
//! Everything shown is computed when facts change, not while drawing; a key only moves the cursor.

use ratatui::layout::Rect;

use crate::app::geometry::{Kind, Layout};
use crate::app::goal::{Forecasting, Overlay};
use crate::app::screens::accounts::{in_use, state};
use crate::app::world::World;
use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::facts::{TurnRow, TurnStatus};
use crate::domain::forecast::timeline::{self, Line, Runway};
use crate::domain::forecast::{Evidence, Forecast, Prospect};
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;

/// Cells of a future and their length on a screen without, and with a side pane.
const CELLS: (usize, Span) = (36, Span::minutes(10));
const WIDE_CELLS: (usize, Span) = (63, Span::minutes(6));
/// Futures that are computed; more never fit.
const FUTURES: usize = 40;
/// A pool larger than this is not followed through the week on every change.
const FOLLOWED: usize = 200;

/// The tab's state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outlook {
    /// The outlook, once something is known.
    pub forecast: Option<Forecast>,
    /// The engine's answer behind it.
    pub decision: Option<Decision>,
    /// Places in the forecast, best first.
    pub order: Vec<usize>,
    /// Futures of the first accounts of the order.
    pub futures: Vec<Line>,
    /// How long the pool lasts.
    pub runway: Option<Runway>,
    /// Since when the recommendation is the same.
    pub since: Option<Moment>,
    /// The row under the cursor.
    pub place: usize,
    /// First row shown.
    pub offset: usize,
    /// The account under the cursor; `None` = the recommended one.
    pub cursor: Option<AccountKey>,
    /// The model that is looked ahead for; `None` = any.
    pub model: Option<String>,
    /// Whether the answer of a running proxy counts.
    pub overlay: Overlay,
    /// Which decision is explained.
    pub which: Which,
    /// Whether the recommended account is offered.
    pub offer: Offer,
    /// Whether all reasons are to be shown once something is known.
    pub explain: Explain,
}

/// Which decision is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// The next one.
    #[default]
    Next,
    /// The last one a running proxy made.
    Last,
}

/// Whether the recommended account is offered: enter uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offer {
    /// It is not.
    #[default]
    No,
    /// It is, until the cursor leaves it.
    Best,
}

/// Whether all reasons were asked for at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Explain {
    /// They were not, or they were shown.
    #[default]
    No,
    /// They were, everybody's.
    Wanted,
    /// Those of the choice were.
    Next,
    /// The last decision was.
    Last,
}

impl Outlook {
    /// As a command asks for it.
    pub fn asked(asked: &Forecasting, offer: Offer) -> Self {
        Self {
            model: asked.model.as_ref().map(|model| model.name.clone()),
            overlay: asked.overlay,
            explain: if asked.explain { Explain::Wanted } else { Explain::No },
            offer,
            ..Self::default()
        }
    }

    /// The question the screen answers.
    pub fn question(&self) -> Ask {
        self.model.as_ref().map_or_else(Ask::plain, |model| Ask::of(None, Some(model.clone())))
    }

    /// Whether enter uses the recommended account: it is offered, there is one, and the cursor is on it.
    pub fn offers(&self) -> bool {
        self.offer == Offer::Best && self.focused().is_some_and(|prospect| prospect.is_selected)
    }

    /// The last request that a running proxy decided.
    pub fn last<'a>(&self, world: &'a World) -> Option<&'a TurnRow> {
        let ended = |turn: &&TurnRow| !matches!(turn.status, TurnStatus::Running | TurnStatus::Warm);
        world.peers.iter().flat_map(|peer| &peer.turns).filter(ended).max_by_key(|turn| turn.at)
    }

    /// Computes everything anew; the cursor stays on its account.
    pub fn refresh(&mut self, world: &World, kind: Kind, at: Moment) {
        let decision = match (&world.answer, world.peers.is_empty()) {
            (Some(answer), false) if self.overlay == Overlay::On => answer.clone(),
            (_, _) => world.foresee_for(&self.question(), at),
        };
        let current = in_use(world, at).or(world.roster.active.as_ref());
        let forecast = Forecast::of(&Evidence {
            roster: &world.roster,
            quota: &world.quota,
            decision: &decision,
            current,
            findings: &world.findings,
            at,
        });
        let before = self.forecast.as_ref().and_then(|forecast| forecast.recommended.clone());
        if self.since.is_none() || before != forecast.recommended {
            self.since = Some(at);
        }
        self.order = forecast.ranked().iter().map(|prospect| prospect.index).collect();
        let (cells, each) = if kind == Kind::Wide { WIDE_CELLS } else { CELLS };
        let now_in_use = in_use(world, at);
        self.futures = self
            .order
            .iter()
            .filter_map(|index| world.roster.accounts.get(*index))
            .filter(|account| account.is_on())
            .take(FUTURES)
            .map(|account| {
                let state = state(world, account, now_in_use, at);
                timeline::line(account, world.quota.get(&account.key), state, at, each, cells)
            })
            .collect();
        let accounts = &world.roster.accounts;
        self.runway = (accounts.len() <= FOLLOWED).then(|| {
            let taking_part = accounts.iter().filter(|account| account.is_on());
            let facts = taking_part
                .map(|account| (state(world, account, now_in_use, at), world.quota.get(&account.key)));
            timeline::runway(facts, at)
        });
        self.forecast = Some(forecast);
        self.decision = Some(decision);
        let kept = self.cursor.as_ref().and_then(|key| {
            self.order.iter().position(|index| accounts.get(*index).is_some_and(|one| one.key == *key))
        });
        self.place = kept.unwrap_or(0);
    }

    /// Puts the cursor on a row.
    pub fn go(&mut self, place: usize) {
        self.place = place.min(self.order.len().saturating_sub(1));
        self.cursor = self.focused().map(|prospect| prospect.key.clone());
    }

    /// The prospect at a row.
    pub fn at(&self, place: usize) -> Option<&Prospect> {
        let index = *self.order.get(place)?;
        self.forecast.as_ref()?.prospects.get(index)
    }

    /// The prospect under the cursor.
    pub fn focused(&self) -> Option<&Prospect> {
        self.at(self.place)
    }
}

/// Where the parts of the screen stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Column titles of a wide screen.
    pub header: Rect,
    /// Rows.
    pub list: Rect,
    /// Reasons of the focused account with their rule; empty where the side pane has them.
    pub why: Rect,
    /// The coming hours with their rule and titles.
    pub hours: Rect,
}

/// Lines of the reasons with their rule, and of the hours without their accounts.
const WHY: u16 = 5;
const HOURS: u16 = 2;

/// Divides the body among list, reasons and hours.
pub fn places(layout: &Layout, count: usize) -> Places {
    let body = layout.body;
    let none = Rect::new(body.x, body.y, 0, 0);
    let lines =
        |from: u16, height: u16| Rect::new(body.x, body.y + from, body.width, height).intersection(body);
    let count = u16::try_from(count).unwrap_or(u16::MAX).max(1);
    match layout.kind {
        Kind::Wide => {
            let rest = body.height.saturating_sub(3);
            let list = count.min(rest.saturating_sub(HOURS + 8).max(3));
            let hours = rest.saturating_sub(list + 1);
            Places { header: lines(1, 1), list: lines(3, list), why: none, hours: lines(3 + list + 1, hours) }
        }
        Kind::Medium if layout.has_strip() => {
            let rest = body.height.saturating_sub(1);
            let list = count.min(rest.saturating_sub(WHY + HOURS + 4).max(3));
            let hours = rest.saturating_sub(list + 1 + WHY);
            Places {
                header: none,
                list: lines(1, list),
                why: lines(1 + list + 1, WHY - 1),
                hours: lines(1 + list + 1 + WHY, hours),
            }
        }
        Kind::Medium | Kind::Narrow | Kind::Pane | Kind::TooSmall => {
            let list = count.min(body.height.saturating_sub(WHY).max(3));
            Places {
                header: none,
                list: lines(0, list),
                why: lines(list + 1, body.height.saturating_sub(list + 1)),
                hours: none,
            }
        }
    }
}
