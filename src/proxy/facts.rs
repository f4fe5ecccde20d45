//! The desk: where turns and sockets leave what they learnt, without waiting for any of it.
//!
//! Changes wait here for the store, rows for the ledger, observations for the quota cache; the keepers in `keep`
//! carry them away in batches. Live rows stay for whoever asks over the control socket.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, broadcast, mpsc, watch};

use crate::base::shape::Ring;
use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::event::{Event, What};
use crate::domain::facts::{ProxyFact, SessionRow, TurnRow, TurnStatus};
use crate::domain::pool::Due;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::refresh::Outcome;
use crate::domain::selection::replay::Kept;
use crate::domain::usage::entry::Entry;
use crate::domain::usage::meter::Meter;
use crate::proxy::log;

/// Rows of the ledger that wait; beyond it the oldest are dropped and counted.
const LEDGER_CAP: usize = 4_096;
/// Decisions that wait, and the accounts in all of them.
const DECISIONS: usize = 1_000;
const DECISION_CAP: usize = 50_000;
const TURNS: usize = 256;
const SESSIONS: usize = 512;
/// How long a session without a socket stays listed.
const SESSION_STAYS: Span = Span::minutes(20);

/// See the module.
#[derive(Debug)]
pub(super) struct Desk {
    facts: mpsc::UnboundedSender<ProxyFact>,
    feed: broadcast::Sender<Event>,
    board: Mutex<Board>,
    pending: Mutex<Pending>,
    /// Changes that must not wait.
    pub(super) urgent: Notify,
    /// Changes that may be gathered.
    pub(super) gathering: Notify,
    stirred: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Board {
    turns: Ring<TurnRow, TURNS>,
    /// The ids of `turns`, in the same places: a row is looked for among numbers, not among rows.
    ids: Ring<u64, TURNS>,
    sessions: BTreeMap<String, Listed>,
    last_error: Option<String>,
    refresh_endpoint: u64,
    meter: Meter,
}

#[derive(Debug)]
struct Listed {
    /// As shown: everything since the session was first seen.
    row: SessionRow,
    /// What came before the socket that is open now; nothing for a session without one.
    earlier: Option<Earlier>,
    line: Line,
}

/// Whether a session has an open socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    Closed,
}

/// A session up to its newest socket.
#[derive(Debug, Clone)]
struct Earlier {
    socket: u64,
    turns: u32,
    tokens: u64,
    since: Moment,
    moved: Option<(AccountKey, Moment, String)>,
}

/// What waits for the keepers.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// For the pool file.
    pub(super) changes: Vec<Change>,
    /// For the ledger.
    pub(super) entries: VecDeque<Entry>,
    /// For the quota cache; the newest of each account and limit.
    pub(super) quota: BTreeMap<(AccountKey, Option<String>), Snapshot>,
    /// For the log of decisions.
    pub(super) decisions: VecDeque<Kept>,
    /// Rows the ledger lost.
    pub(super) dropped: u64,
}

impl Desk {
    pub(super) fn new(facts: mpsc::UnboundedSender<ProxyFact>) -> Self {
        let (feed, _) = broadcast::channel(1_000);
        Self {
            facts,
            feed,
            board: Mutex::default(),
            pending: Mutex::default(),
            urgent: Notify::new(),
            gathering: Notify::new(),
            stirred: watch::Sender::new(()),
        }
    }

    /// Takes durable changes of the pool.
    pub(super) fn take_due(&self, due: Due) {
        if due.now.is_empty() && due.soon.is_empty() {
            return;
        }
        let is_urgent = !due.now.is_empty();
        let mut pending = self.pending();
        pending.changes.extend(due.now);
        for change in due.soon {
            // Only the last use of an account is worth a write.
            if let Change::Used { key, .. } = &change {
                pending
                    .changes
                    .retain(|other| !matches!(other, Change::Used { key: same, .. } if same == key));
            }
            pending.changes.push(change);
        }
        drop(pending);
        let keeper = if is_urgent { &self.urgent } else { &self.gathering };
        keeper.notify_one();
        self.stirred.send_replace(());
    }

    /// Whether anybody reads the feed.
    fn is_followed(&self) -> bool {
        self.feed.receiver_count() > 0
    }

    fn tell(&self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            // The last reader may just have left.
            let _ = self.feed.send(event);
        }
    }

    /// What no row tells: limits, and clients that were told to reconnect.
    fn tell_of(&self, fact: &ProxyFact, request: Option<u64>, at: Moment) {
        match fact {
            ProxyFact::Quota(key, snapshot) => self.tell([Event::limits(key, snapshot)]),
            ProxyFact::Rotated { from, to: None, why } => {
                let what = What::Rotated { class: why.clone(), from: from.clone() };
                self.tell([Event { at, request, session: None, account: None, what }]);
            }
            ProxyFact::Rotated { to: Some(_), .. }
            | ProxyFact::Listening { .. }
            | ProxyFact::Changed(_)
            | ProxyFact::Failed(_) => {}
        }
    }

    /// Announces what a turn learnt; `request` is its number.
    pub(super) fn announce(&self, facts: Vec<ProxyFact>, request: Option<u64>, at: Moment) {
        for fact in facts {
            if let ProxyFact::Quota(key, snapshot) = &fact {
                let slot = (key.clone(), snapshot.limit_id.clone());
                self.pending().quota.insert(slot, (**snapshot).clone());
                self.stirred.send_replace(());
            }
            if let ProxyFact::Rotated { why, to, .. } = &fact {
                let mut board = self.board();
                board.meter.rotated(why);
                board.meter.reconnects += u64::from(to.is_none());
            }
            log::fact(&fact);
            if self.is_followed() {
                self.tell_of(&fact, request, at);
            }
            // Nobody listening means that the process is on its way out.
            let _ = self.facts.send(fact);
        }
    }

    /// Takes choices as they were made; beyond the cap the oldest are dropped.
    pub(super) fn decided(&self, decisions: Vec<Kept>) {
        if decisions.is_empty() {
            return;
        }
        if self.is_followed() {
            self.tell(decisions.iter().map(Event::selected));
        }
        let mut pending = self.pending();
        for mut kept in decisions {
            kept.pid = std::process::id();
            // A decision is as large as its pool, so the cap is on accounts.
            let most = (DECISION_CAP / kept.decision.candidates.len().max(1)).min(DECISIONS);
            while pending.decisions.len() >= most.max(1) {
                pending.decisions.pop_front();
            }
            pending.decisions.push_back(kept);
        }
        drop(pending);
        self.stirred.send_replace(());
    }

    /// Takes a ledger row.
    pub(super) fn enter(&self, entry: Entry) {
        self.board().meter.ended(&entry);
        let mut pending = self.pending();
        if pending.entries.len() >= LEDGER_CAP {
            pending.entries.pop_front();
            pending.dropped += 1;
        }
        pending.entries.push_back(entry);
        drop(pending);
        self.stirred.send_replace(());
    }

    /// Shows a turn as it stands; `client` lists its session when it has no socket of its own.
    pub(super) fn show_turn(&self, row: TurnRow, client: Option<&str>) {
        if self.is_followed() {
            let events = Event::between(self.board().turn(row.id), &row);
            self.tell(events);
        }
        let mut board = self.board();
        if row.took.is_some() && board.turn(row.id).is_none_or(|known| known.took.is_none()) {
            log::turn(&row);
        }
        board.note_turn(row, client);
    }

    /// Shows the session of an open socket, as the socket knows it.
    pub(super) fn show_session(&self, socket: u64, row: SessionRow) {
        self.board().note_socket(socket, row, Line::Open);
    }

    /// A session's socket is closed; it stays listed for a while.
    pub(super) fn close_session(&self, socket: u64, mut row: SessionRow) {
        row.in_turn = false;
        self.board().note_socket(socket, row, Line::Closed);
    }

    /// Something went wrong that a person should see; masked text only.
    pub(super) fn failed(&self, what: String) {
        self.board().last_error = Some(what.clone());
        let fact = ProxyFact::Failed(what);
        log::fact(&fact);
        let _ = self.facts.send(fact);
    }

    /// A refresh ended.
    pub(super) fn refreshed(&self, outcome: &Outcome) {
        self.board().meter.refreshed(outcome);
    }

    /// Looks at the counters.
    pub(super) fn with_meter<R>(&self, look: impl FnOnce(&Meter) -> R) -> R {
        look(&self.board().meter)
    }

    /// The refresh endpoint was used.
    pub(super) fn count_refresh_endpoint(&self) {
        self.board().refresh_endpoint += 1;
    }

    /// How often the refresh endpoint was used.
    pub(super) fn refresh_endpoint(&self) -> u64 {
        self.board().refresh_endpoint
    }

    /// The newest request that runs.
    pub(super) fn running(&self) -> Option<u64> {
        let board = self.board();
        board.turns.iter().rev().find(|row| row.status == TurnStatus::Running).map(|row| row.id)
    }

    /// The last error, masked.
    pub(super) fn last_error(&self) -> Option<String> {
        self.board().last_error.clone()
    }

    /// Newest turns, oldest first.
    pub(super) fn turns(&self) -> Vec<TurnRow> {
        self.board().turns.iter().cloned().collect()
    }

    /// Live sessions.
    pub(super) fn sessions(&self, now: Moment) -> Vec<SessionRow> {
        let mut board = self.board();
        board
            .sessions
            .retain(|_, listed| listed.line == Line::Open || now.since(listed.row.last) < SESSION_STAYS);
        let rates = board.rates(now);
        let row = |listed: &Listed| {
            let rate = rates.get(listed.row.id.as_str()).copied().unwrap_or_default();
            SessionRow { rate, ..listed.row.clone() }
        };
        board.sessions.values().map(row).collect()
    }

    /// Tells when something was left for a keeper.
    pub(super) fn stirred(&self) -> watch::Receiver<()> {
        self.stirred.subscribe()
    }

    /// Follows what happens.
    pub(super) fn follow(&self) -> broadcast::Receiver<Event> {
        self.feed.subscribe()
    }

    /// What waits for the keepers.
    pub(super) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    /// The newest row of a turn.
    fn turn(&self, id: u64) -> Option<&TurnRow> {
        let place = self.ids.iter().rposition(|known| *known == id)?;
        self.turns.iter().nth(place)
    }

    /// Takes a turn as it stands.
    fn note_turn(&mut self, row: TurnRow, client: Option<&str>) {
        let place = self.ids.iter().rposition(|id| *id == row.id);
        let is_over = place
            .and_then(|place| self.turns.get_mut(place))
            .is_some_and(|known| known.status != TurnStatus::Running);
        if !is_over {
            self.meter.tried(&row);
        }
        if let Some(client) = client {
            self.note_session(&row, client, place);
        }
        if let Some(known) = place.and_then(|place| self.turns.get_mut(place)) {
            *known = row;
        } else {
            self.ids.push(row.id);
            self.turns.push(row);
        }
    }

    /// Lists a session from its socket's row; a session that came back on another socket goes on counting.
    fn note_socket(&mut self, socket: u64, mut row: SessionRow, line: Line) {
        let before = self.sessions.remove(&row.id);
        let earlier = match before {
            Some(Listed { earlier: Some(earlier), .. }) if earlier.socket == socket => earlier,
            Some(Listed { row: before, .. }) => {
                let left =
                    before.account.filter(|account| row.account.as_ref().is_some_and(|now| now != account));
                let moved = left.map(|from| (from, row.since, self.reason_to_leave(&row.id)));
                let moved = moved.or(before.moved);
                Earlier { socket, turns: before.turns, tokens: before.tokens, since: before.since, moved }
            }
            None => Earlier { socket, turns: 0, tokens: 0, since: row.since, moved: None },
        };
        row.turns += earlier.turns;
        row.tokens += earlier.tokens;
        row.since = earlier.since.min(row.since);
        row.moved = row.moved.or_else(|| earlier.moved.clone());
        self.list(row.id.clone(), Listed { row, earlier: Some(earlier), line });
    }

    /// Tokens of the last minute by session.
    fn rates(&self, now: Moment) -> BTreeMap<&str, u64> {
        let mut rates = BTreeMap::new();
        for turn in self.turns.iter() {
            let Some((id, tokens)) = turn.session.as_deref().zip(turn.tokens) else { continue };
            if now.since(turn.took.map_or(turn.at, |took| turn.at + took)) <= Span::minutes(1) {
                *rates.entry(id).or_default() += tokens.total;
            }
        }
        rates
    }

    /// Why the newest turn of a session had to go elsewhere, in the words of its row.
    fn reason_to_leave(&self, session: &str) -> String {
        let newest = self.turns.iter().rev().find(|turn| {
            turn.session.as_deref() == Some(session)
                && turn.status != TurnStatus::Ok
                && turn.status != TurnStatus::Running
        });
        newest.map(|turn| turn.note.clone()).unwrap_or_default()
    }

    /// Lists a session of the HTTP path from its turn.
    fn note_session(&mut self, turn: &TurnRow, client: &str, place: Option<usize>) {
        let Some(id) = turn.session.clone() else { return };
        let runs = turn.status == TurnStatus::Running;
        let last = turn.took.map_or(turn.at, |took| turn.at + took);
        let listed = match self.sessions.remove(&id) {
            Some(mut listed) => {
                let row = &mut listed.row;
                row.turns += u32::from(place.is_none());
                row.in_turn = runs;
                row.last = last.max(row.last);
                row.via = turn.via;
                if !runs {
                    row.tokens += turn.tokens.map_or(0, |tokens| tokens.total);
                }
                if let (Some(from), Some(to)) = (&row.account, &turn.account)
                    && from != to
                {
                    row.moved = Some((from.clone(), last, turn.note.clone()));
                }
                row.account = turn.account.clone().or(row.account.take());
                listed
            }
            None => Listed {
                row: SessionRow {
                    id: id.clone(),
                    kind: client.to_owned(),
                    via: turn.via,
                    account: turn.account.clone(),
                    turns: 1,
                    tokens: turn.tokens.map_or(0, |tokens| tokens.total),
                    since: turn.at,
                    last,
                    in_turn: runs,
                    moved: None,
                    rate: 0,
                    is_pinned: false,
                    title: None,
                },
                earlier: None,
                line: Line::Closed,
            },
        };
        self.list(id, listed);
    }

    fn list(&mut self, id: String, listed: Listed) {
        self.sessions.insert(id, listed);
        if self.sessions.len() > SESSIONS {
            let oldest = self
                .sessions
                .iter()
                .filter(|(_, one)| one.line == Line::Closed)
                .min_by_key(|(_, one)| one.row.last);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                self.sessions.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::Via;

    fn row(account: &str, turns: u32, since: i64) -> SessionRow {
        SessionRow {
            id: "ab12".to_owned(),
            kind: "exec".to_owned(),
            via: Via::Ws,
            account: Some(AccountKey::new(account)),
            turns,
            tokens: u64::from(turns) * 10,
            since: Moment::from_secs(since),
            last: Moment::from_secs(since),
            in_turn: true,
            moved: None,
            rate: 0,
            is_pinned: false,
            title: None,
        }
    }

    #[test]
    fn a_session_that_comes_back_on_another_socket_goes_on_counting() {
        let (facts, _heard) = mpsc::unbounded_channel();
        let desk = Desk::new(facts);

        desk.show_session(1, row("alpha", 1, 10));
        desk.show_session(1, row("alpha", 2, 10));
        desk.close_session(1, row("alpha", 3, 10));
        desk.show_session(2, row("bravo", 1, 20));
        desk.show_session(2, row("bravo", 2, 20));

        let sessions = desk.sessions(Moment::from_secs(21));
        assert_eq!(sessions.len(), 1);
        let shown = &sessions[0];
        assert_eq!((shown.turns, shown.tokens, shown.since), (5, 50, Moment::from_secs(10)));
        let (from, at, _) = shown.moved.as_ref().unwrap();
        assert_eq!((from.as_str(), *at), ("alpha", Moment::from_secs(20)));
    }
}
