//! Turns and sessions of every live proxy of this root, newest first.

use ratatui::layout::Rect;

use crate::app::geometry::{Kind, Layout};
use crate::app::world::World;
use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::facts::{SessionRow, TurnRow, TurnStatus, Via};
use crate::domain::label;

/// What the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rows {
    /// One row per turn.
    #[default]
    Turns,
    /// One row per conversation.
    Sessions,
}

/// Whether the cursor stays on the newest row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// It does.
    #[default]
    On,
    /// It stays on its row.
    Off,
}

/// A row's identity: which proxy, and which of its turns.
pub type TurnId = (u32, u64);

/// Sums over the turns of all live proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Turns.
    pub turns: u64,
    /// Ended well.
    pub ok: u64,
    /// Moved to another account.
    pub rotated: u64,
    /// Ended badly.
    pub failed: u64,
    /// Running.
    pub in_flight: u32,
    /// Open client sockets.
    pub sockets: u32,
    /// Sessions known.
    pub sessions: u32,
    /// Turns that began within the last minute.
    pub rate: u32,
    /// Half of the turns took no longer than this.
    pub half: Option<Span>,
    /// Nearly all of them took no longer than this.
    pub most: Option<Span>,
}

/// The tab's state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Monitor {
    /// Turns or sessions.
    pub rows: Rows,
    /// Whether the cursor follows the newest turn.
    pub follow: Follow,
    /// Cursor among the turns.
    pub place: usize,
    /// First turn shown.
    pub offset: usize,
    /// The turn under the cursor.
    pub cursor: Option<TurnId>,
    /// Cursor among the sessions.
    pub session_place: usize,
    /// First session shown.
    pub session_offset: usize,
    /// The session under the cursor.
    pub session: Option<String>,
    /// Shown are rows that hold this.
    pub filter: String,
    /// Turns in shown order: place of the proxy, place of the turn.
    pub order: Vec<(usize, usize)>,
    /// Sessions in shown order.
    pub session_order: Vec<(usize, usize)>,
    /// Sums.
    pub sums: Sums,
}

impl Monitor {
    /// Rebuilds both lists; the cursors stay on their rows.
    pub fn refresh(&mut self, world: &World, at: Moment) {
        let needle = self.filter.to_lowercase();
        self.order = turns(world, &needle);
        self.session_order = sessions(world, &needle);
        self.sums = sums(world, at);
        let kept =
            self.cursor.and_then(|id| self.order.iter().position(|row| turn_id(world, *row) == Some(id)));
        let place = match (self.follow, kept) {
            (Follow::On, _) => 0,
            (Follow::Off, Some(place)) => place,
            (Follow::Off, None) => self.place,
        };
        self.go(world, place);
        let kept = self.session.as_ref().and_then(|id| {
            self.session_order.iter().position(|row| session_at(world, *row).is_some_and(|row| row.id == *id))
        });
        self.go_session(world, kept.unwrap_or(self.session_place));
    }

    /// Puts the cursor on a turn.
    pub fn go(&mut self, world: &World, place: usize) {
        self.place = place.min(self.order.len().saturating_sub(1));
        self.cursor = self.order.get(self.place).and_then(|row| turn_id(world, *row));
    }

    /// Puts the cursor on a session.
    pub fn go_session(&mut self, world: &World, place: usize) {
        self.session_place = place.min(self.session_order.len().saturating_sub(1));
        self.session = self
            .session_order
            .get(self.session_place)
            .and_then(|row| session_at(world, *row))
            .map(|row| row.id.clone());
    }

    /// The turn under the cursor.
    pub fn focused<'a>(&self, world: &'a World) -> Option<&'a TurnRow> {
        turn_at(world, *self.order.get(self.place)?)
    }

    /// The session under the cursor with its proxy's place.
    pub fn focused_session<'a>(&self, world: &'a World) -> Option<(usize, &'a SessionRow)> {
        let row = *self.session_order.get(self.session_place)?;
        Some((row.0, session_at(world, row)?))
    }
}

/// Where the parts of the screen stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Sums and load in two lines; empty where the side pane has them.
    pub sums: Rect,
    /// Column titles.
    pub header: Rect,
    /// Rows.
    pub list: Rect,
    /// What runs and what it is set to, or the focused session.
    pub parts: Rect,
    /// Chart of the load.
    pub load: Rect,
}

/// Lines of the parts below the turns, and of the focused session, each with the blank below.
const PARTS: u16 = 5;
const SESSION: u16 = 7;
/// Lines of the chart with its title and a blank above.
const LOAD: u16 = 8;
/// The list keeps so many rows before the chart may move up.
const FEW: u16 = 9;

/// Divides the body among sums, list, parts and chart.
pub fn places(layout: &Layout, rows: Rows, count: usize) -> Places {
    let body = layout.body;
    let none = Rect::new(body.x, body.y, 0, 0);
    let lines =
        |from: u16, height: u16| Rect::new(body.x, body.y + from, body.width, height).intersection(body);
    let bare = Places { sums: none, header: none, list: none, parts: none, load: none };
    let block = if rows == Rows::Sessions { SESSION } else { PARTS };
    match layout.kind {
        Kind::Wide => {
            let most = body.height.saturating_sub(3 + LOAD);
            let wanted = u16::try_from(count).unwrap_or(u16::MAX).clamp(FEW, most.max(FEW));
            let list = lines(3, wanted.min(most));
            let load = if rows == Rows::Turns { lines(3 + list.height + 1, LOAD - 1) } else { none };
            let parts = if rows == Rows::Sessions { lines(3 + list.height + 1, SESSION) } else { none };
            Places { header: lines(1, 1), list, load, parts, ..bare }
        }
        Kind::Medium if layout.has_strip() => {
            let above = if rows == Rows::Turns { 5 } else { 2 };
            let sums = if rows == Rows::Turns { lines(1, 2) } else { none };
            let list = lines(above, body.height.saturating_sub(above + block + 1));
            let parts = lines(body.height.saturating_sub(block), block);
            Places { sums, header: lines(above - 1, 1), list, parts, ..bare }
        }
        Kind::Medium | Kind::Narrow | Kind::Pane | Kind::TooSmall => {
            let above = if rows == Rows::Turns { 3 } else { 1 };
            let sums = if rows == Rows::Turns { lines(0, 1) } else { none };
            let list = lines(above, body.height.saturating_sub(above));
            Places { sums, header: lines(above - 1, 1), list, ..bare }
        }
    }
}

/// The turn behind a row of the order.
pub fn turn_at(world: &World, (peer, row): (usize, usize)) -> Option<&TurnRow> {
    world.peers.get(peer)?.turns.get(row)
}

/// The session behind a row of the order.
pub fn session_at(world: &World, (peer, row): (usize, usize)) -> Option<&SessionRow> {
    world.peers.get(peer)?.sessions.get(row)
}

/// The identity of a row.
pub fn turn_id(world: &World, row: (usize, usize)) -> Option<TurnId> {
    Some((world.peers.get(row.0)?.peer.pid, turn_at(world, row)?.id))
}

/// How the decision behind a turn is asked for.
pub fn decision_name((pid, id): TurnId) -> String {
    format!("{pid}-{id}")
}

/// The turn with this identity, if a live proxy still lists it.
pub fn turn(world: &World, (pid, id): TurnId) -> Option<&TurnRow> {
    let peer = world.peers.iter().find(|peer| peer.peer.pid == pid)?;
    peer.turns.iter().find(|turn| turn.id == id)
}

fn turns(world: &World, needle: &str) -> Vec<(usize, usize)> {
    let mut order: Vec<(Moment, u64, (usize, usize))> = Vec::new();
    for (place, peer) in world.peers.iter().enumerate() {
        for (row, turn) in peer.turns.iter().enumerate().filter(|(_, turn)| turn_holds(world, turn, needle)) {
            order.push((turn.at, turn.id, (place, row)));
        }
    }
    order.sort_unstable_by(|one, other| other.cmp(one));
    order.into_iter().map(|(_, _, row)| row).collect()
}

fn sessions(world: &World, needle: &str) -> Vec<(usize, usize)> {
    let mut order: Vec<(Moment, (usize, usize))> = Vec::new();
    for (place, peer) in world.peers.iter().enumerate() {
        for (row, session) in peer.sessions.iter().enumerate() {
            let holds = needle.is_empty()
                || session.id.contains(needle)
                || session.kind.to_lowercase().contains(needle)
                || account_holds(world, session.account.as_ref(), needle);
            if holds {
                order.push((session.last, (place, row)));
            }
        }
    }
    order.sort_unstable_by(|one, other| other.cmp(one));
    order.into_iter().map(|(_, row)| row).collect()
}

fn turn_holds(world: &World, turn: &TurnRow, needle: &str) -> bool {
    needle.is_empty()
        || turn.model.as_deref().is_some_and(|model| model.to_lowercase().contains(needle))
        || turn.session.as_deref().is_some_and(|session| session.contains(needle))
        || turn.note.to_lowercase().contains(needle)
        || account_holds(world, turn.account.as_ref(), needle)
}

fn account_holds(world: &World, key: Option<&AccountKey>, needle: &str) -> bool {
    key.is_some_and(|key| short_name(world, key).to_lowercase().contains(needle))
}

/// How narrow columns name an account.
pub fn short_name(world: &World, key: &AccountKey) -> String {
    let number = world.roster.index_of(key).map_or(0, |index| index + 1);
    world.roster.get(key).map_or_else(
        || "gone".to_owned(),
        |account| crate::base::text::clean(&label::short_name(account, number)).into_owned(),
    )
}

fn sums(world: &World, at: Moment) -> Sums {
    let mut sums = Sums::default();
    let mut took: Vec<Span> = Vec::new();
    for peer in &world.peers {
        let pulse = &peer.pulse;
        sums.turns += pulse.total;
        sums.ok += pulse.ok;
        sums.rotated += pulse.rotated;
        sums.failed += pulse.failed;
        // The pulse counts requests; a turn on a socket runs, too.
        let running = peer.turns.iter().filter(|turn| turn.status == TurnStatus::Running).count();
        sums.in_flight += pulse.in_flight.max(u32::try_from(running).unwrap_or(u32::MAX));
        sums.sockets += pulse.sockets;
        sums.sessions += pulse.sessions;
        let recent = peer
            .turns
            .iter()
            .filter(|turn| turn.status != TurnStatus::Warm && at.since(turn.at) < Span::minutes(1));
        sums.rate += u32::try_from(recent.count()).unwrap_or(u32::MAX);
        took.extend(peer.turns.iter().filter_map(|turn| turn.took));
    }
    took.sort_unstable();
    let share = |part: usize| took.get((took.len() * part / 100).min(took.len().saturating_sub(1))).copied();
    (sums.half, sums.most) = (share(50), share(95));
    sums
}

/// The transport in a word.
pub const fn via(via: Via) -> &'static str {
    match via {
        Via::Ws => "ws",
        Via::Http => "http",
        Via::Bridge => "brdg",
    }
}

/// How a turn ended, in a word.
pub fn status(status: &TurnStatus) -> String {
    match status {
        TurnStatus::Running => "…".to_owned(),
        TurnStatus::Ok => "ok".to_owned(),
        TurnStatus::Status(code) => code.to_string(),
        TurnStatus::Limit => "limit".to_owned(),
        TurnStatus::Warm => "warm".to_owned(),
        TurnStatus::Cut => "cut".to_owned(),
        TurnStatus::Net => "net".to_owned(),
        TurnStatus::Gone => "gone".to_owned(),
    }
}
