//! The list of accounts: order, filter, cursor, and the sums the screen shows above and below it.
//!
//! Order and sums are rebuilt when a fact changed or time passed, not per frame; a frame builds the rows it
//! shows and no others. The cursor follows an account, not a place.

use std::cmp::Reverse;

use ratatui::layout::Rect;

use crate::app::geometry::{Kind, Layout};
use crate::app::world::World;
use crate::base::{Moment, Percent};
use crate::domain::account::{Account, AccountKey};
use crate::domain::label::{Current, State, left_for_sorting};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::quota::window::Window;
use crate::domain::settings::display::{Display, Layout as Details};

/// In which order accounts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Usable first, most left first.
    #[default]
    ReadyFirst,
    /// As stored.
    Stored,
}

impl Sort {
    /// As the context line says it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ReadyFirst => "ready first",
            Self::Stored => "stored order",
        }
    }

    /// As the settings file says it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ReadyFirst => "ready-first",
            Self::Stored => "manual",
        }
    }

    /// What the settings ask for.
    pub const fn of(display: &Display) -> Self {
        if display.sorted && display.ready_first { Self::ReadyFirst } else { Self::Stored }
    }

    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::ReadyFirst => Self::Stored,
            Self::Stored => Self::ReadyFirst,
        }
    }
}

/// How many accounts are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Census {
    /// All.
    pub total: usize,
    /// Can serve.
    pub ready: usize,
    /// Come back by themselves.
    pub waiting: usize,
    /// Need a sign-in.
    pub sign_in: usize,
    /// Have a refresh of unknown outcome.
    pub uncertain: usize,
    /// Paused or drained.
    pub held: usize,
    /// Off.
    pub off: usize,
}

/// What the pool has left in windows of one length.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// Name of the window.
    pub window: String,
    /// Its length, for the order.
    pub minutes: u32,
    /// Mean of what is left.
    pub left: Percent,
    /// Over how many accounts.
    pub over: usize,
}

/// What heads the two window columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Titles {
    /// All accounts have these windows; the second name is empty when there is one window only.
    Same(String, String),
    /// Accounts differ: every cell names its own window.
    #[default]
    Mixed,
}

/// The list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Accounts {
    /// The account under the cursor.
    pub cursor: Option<AccountKey>,
    /// Its place in `order`.
    pub place: usize,
    /// First row shown.
    pub offset: usize,
    /// Order.
    pub sort: Sort,
    /// Whose details are shown.
    pub layout: Details,
    /// Shown are accounts that hold this, in any case.
    pub filter: String,
    /// Stored positions (0-based) in shown order.
    pub order: Vec<usize>,
    /// States counted over the whole pool.
    pub census: Census,
    /// What the pool has left, shortest window first.
    pub capacity: Vec<Capacity>,
    /// Column titles.
    pub titles: Titles,
    /// The oldest quota figure of an account that is on.
    pub oldest: Option<Moment>,
}

/// Where the parts of the screen stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Column titles.
    pub header: Rect,
    /// Rows.
    pub list: Rect,
    /// Strip of the focused account; empty when there is none.
    pub strip: Rect,
    /// Panel of the pool; empty when there is none.
    pub pool: Rect,
    /// Panel of requests; empty when there is none.
    pub requests: Rect,
}

/// Lines of the strip, and the blank below it.
const STRIP: u16 = 6;
/// Lines of the pool panel.
const POOL: u16 = 8;
/// Lines of the requests panel.
const REQUESTS: u16 = 8;
/// Lines between the list and the panels.
const GAP: u16 = 2;

/// Divides the body among list, strip and panels. Panels are shown while the list is whole without them; where
/// every row has its details there is no strip.
pub fn places(layout: &Layout, list: &Accounts) -> Places {
    let count = list.order.len() * usize::from(list.row_height());
    let body = layout.body;
    let none = Rect::new(body.x, body.y, 0, 0);
    let rows =
        |from: u16, height: u16| Rect::new(body.x, body.y + from, body.width, height).intersection(body);
    let bare = Places { header: rows(0, 1), list: none, strip: none, pool: none, requests: none };
    if layout.kind != Kind::Wide {
        let below = if layout.has_strip() && list.layout == Details::Compact { STRIP } else { 0 };
        let list = rows(1, body.height.saturating_sub(1 + below));
        let strip = if below == 0 { none } else { rows(body.height - STRIP, STRIP - 1) };
        return Places { list, strip, ..bare };
    }
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    let used = count.max(1).saturating_add(2 + GAP);
    if used.saturating_add(POOL + REQUESTS) <= body.height {
        return Places {
            list: rows(2, count.max(1)),
            pool: rows(used, POOL),
            requests: rows(used + POOL, REQUESTS),
            ..bare
        };
    }
    if used.saturating_add(POOL) <= body.height {
        return Places { list: rows(2, count.max(1)), pool: rows(used, POOL), ..bare };
    }
    Places { list: rows(2, body.height.saturating_sub(2)), ..bare }
}

/// The state of an account in this world.
pub fn state(world: &World, account: &Account, in_use: Option<&AccountKey>, at: Moment) -> State {
    let current = if in_use == Some(&account.key) { Current::Yes } else { Current::No };
    State::of(account, world.quota.get(&account.key), world.policies.rein(account), current, at)
}

/// The account in use: of a live proxy, else the selected one.
pub fn in_use(world: &World, at: Moment) -> Option<&AccountKey> {
    world.in_use(at).filter(|key| world.roster.get(key).is_some()).or(world.roster.active.as_ref())
}

impl Accounts {
    /// Lines of a row.
    pub const fn row_height(&self) -> u16 {
        match self.layout {
            Details::Compact => 1,
            Details::Expanded => 2,
        }
    }

    /// Rebuilds order and sums from what is known; the cursor stays on its account, or on its place when the
    /// account is gone.
    pub fn refresh(&mut self, world: &World, at: Moment) {
        let display = &world.settings.display;
        self.sort = Sort::of(display);
        self.layout = display.layout;
        let in_use = in_use(world, at);
        let mut census = Census { total: world.roster.accounts.len(), ..Census::default() };
        let mut ranked = Vec::with_capacity(census.total);
        let needle = self.filter.to_lowercase();
        for (index, account) in world.roster.accounts.iter().enumerate() {
            let state = state(world, account, in_use, at);
            census.count(state);
            if matches(account, index, &needle) {
                let leads = |key: Option<&AccountKey>| key == Some(&account.key);
                let chosen = leads(world.roster.pin.as_ref())
                    || (display.current_first && leads(world.roster.active.as_ref()));
                let lead = if chosen { Lead::Chosen } else { Lead::Other };
                ranked.push((rank(account, state, lead, world.quota.get(&account.key), at), index));
            }
        }
        if self.sort == Sort::ReadyFirst {
            ranked.sort();
        }
        self.order = ranked.into_iter().map(|(_, index)| index).collect();
        self.census = census;
        self.measure(world, at);
        self.follow(world);
    }

    fn measure(&mut self, world: &World, at: Moment) {
        self.capacity.clear();
        self.oldest = None;
        let mut pairs: Option<(String, String)> = None;
        let mut mixed = false;
        for account in world.roster.accounts.iter().filter(|account| account.is_on()) {
            let Some(quota) = world.quota.get(&account.key) else { continue };
            self.oldest = Some(self.oldest.map_or(quota.at, |oldest| oldest.min(quota.at)));
            let name = |window: Option<&Window>| window.and_then(Window::name).unwrap_or_default();
            let [short, long] = quota.places();
            let pair = (name(short), name(long));
            mixed |= pairs.as_ref().is_some_and(|seen| *seen != pair);
            pairs = Some(pair);
            if account.invalidation.is_none() {
                self.sum(quota, at);
            }
        }
        self.capacity.sort_by_key(|capacity| capacity.minutes);
        for capacity in &mut self.capacity {
            capacity.left = Percent::new(capacity.left.value() / Percent::count(capacity.over));
        }
        self.titles = match pairs {
            Some((first, second)) if !mixed && !first.is_empty() => Titles::Same(first, second),
            _ => Titles::Mixed,
        };
    }

    fn sum(&mut self, quota: &Snapshot, at: Moment) {
        for window in quota.windows() {
            let (Some(minutes), Some(name), Some(left)) = (window.minutes, window.name(), window.left(at))
            else {
                continue;
            };
            match self.capacity.iter_mut().find(|capacity| capacity.minutes == minutes) {
                Some(capacity) => {
                    capacity.left = Percent::new(capacity.left.value() + left.value());
                    capacity.over += 1;
                }
                None => self.capacity.push(Capacity { window: name, minutes, left, over: 1 }),
            }
        }
    }

    fn follow(&mut self, world: &World) {
        let place = self.cursor.as_ref().and_then(|key| {
            let index = world.roster.index_of(key)?;
            self.order.iter().position(|other| *other == index)
        });
        self.go(world, place.unwrap_or(self.place));
    }

    /// Puts the cursor on the `place`-th row, or the last one.
    pub fn go(&mut self, world: &World, place: usize) {
        self.place = place.min(self.order.len().saturating_sub(1));
        self.cursor = self.at(world, self.place).map(|account| account.key.clone());
    }

    /// Puts the cursor on an account, if it is shown.
    pub fn go_to(&mut self, world: &World, key: &AccountKey) {
        self.cursor = Some(key.clone());
        self.follow(world);
    }

    /// The account in the `place`-th row.
    pub fn at<'a>(&self, world: &'a World, place: usize) -> Option<&'a Account> {
        self.order.get(place).and_then(|index| world.roster.accounts.get(*index))
    }

    /// The account under the cursor with its stored position.
    pub fn focused<'a>(&self, world: &'a World) -> Option<(usize, &'a Account)> {
        let index = *self.order.get(self.place)?;
        Some((index, world.roster.accounts.get(index)?))
    }

    /// The key number of the row at `place` whose stored position is `index`.
    pub fn number(world: &World, place: usize, index: usize) -> usize {
        if world.settings.quick_switch_visible_row { place + 1 } else { index + 1 }
    }

    /// The account that a typed number names.
    pub fn numbered<'a>(&self, world: &'a World, number: u8) -> Option<&'a Account> {
        let place = usize::from(number).checked_sub(1)?;
        if world.settings.quick_switch_visible_row {
            self.at(world, place)
        } else {
            world.roster.accounts.get(place)
        }
    }
}

impl Census {
    fn count(&mut self, state: State) {
        match state {
            State::InUse | State::Low | State::Ready => self.ready += 1,
            State::Cooling(_) | State::Empty(_) => self.waiting += 1,
            State::SignIn => self.sign_in += 1,
            State::Uncertain => self.uncertain += 1,
            State::Paused | State::Draining => self.held += 1,
            State::Off => self.off += 1,
        }
    }
}

type Rank = (u8, Lead, Reverse<i16>, Reverse<[i16; 2]>, Reverse<Moment>);

/// The pinned account, or the selected one where that is wanted, leads those in the same state of readiness. Not
/// the one that served last: with two sessions that changes every second, and rows must not dance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lead {
    Chosen,
    Other,
}

/// The ready-first order: what is usable by what is left, then what waits, then what is out
/// (dashboard.md §3.5). The moment of last use breaks no tie here: it changes with every request.
fn rank(account: &Account, state: State, lead: Lead, quota: Option<&Snapshot>, at: Moment) -> Rank {
    let left = |window: Option<&Window>| {
        window.and_then(|window| window.left(at)).map_or(-1, |left| i16::from(left.rounded()))
    };
    let both = quota.map_or([None, None], Snapshot::places).map(left);
    let tighter = left_for_sorting(quota, at);
    (state.rank(), lead, Reverse(tighter), Reverse(both), Reverse(account.added_at))
}

fn matches(account: &Account, index: usize, needle: &str) -> bool {
    if needle.is_empty() {
        return true;
    }
    let holds = |text: Option<&str>| text.is_some_and(|text| text.to_lowercase().contains(needle));
    holds(account.email.as_deref())
        || holds(account.label.as_deref())
        || holds(account.account_id.as_deref())
        || (index + 1).to_string() == needle
}
