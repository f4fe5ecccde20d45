//! What is written down about a turn: its row for live lists and its entry for the ledger.

use http::HeaderMap;

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::chance::Rng;
use crate::domain::facts::{AttemptRow, ProxyFact, TurnRow, TurnStatus, TurnTokens, Via};
use crate::domain::failure::Class;
use crate::domain::label;
use crate::domain::pool::Pool;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::selection::{Ask, replay};
use crate::domain::usage::entry::{Ending, Entry, Operation};
use crate::domain::usage::pricing;
use crate::domain::usage::window::Whose;

/// How a turn ended, for the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    pub(super) ending: Ending,
    pub(super) status: u16,
    pub(super) error: Option<String>,
    pub(super) served: Served,
}

/// Whether an account had the request in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    Yes,
    No,
}

impl End {
    /// To the end; what upstream refuses is passed on and is a failure all the same (DB-20).
    pub(super) fn good(status: u16) -> Self {
        let ending = if status >= 400 { Ending::Failure } else { Ending::Success };
        Self { ending, status, error: None, served: Served::Yes }
    }

    pub(super) fn bad(status: u16, error: impl Into<String>) -> Self {
        Self { ending: Ending::Failure, status, error: Some(error.into()), served: Served::Yes }
    }

    /// Refused by us: nobody served it; what a policy or a budget forbids was blocked.
    pub(super) fn refused(status: u16, error: &str) -> Self {
        let ending = match error {
            "policy_blocked" | "budget_blocked" => Ending::Blocked,
            _ => Ending::Failure,
        };
        Self { ending, status, error: Some(error.to_owned()), served: Served::No }
    }

    /// The same under the codes of thread goals, where it is a failure they have a code for.
    pub(super) fn of_a_goal(&self) -> Self {
        let kept = self.ending != Ending::Failure
            || self.error.as_deref().is_some_and(|code| code.starts_with("thread_goal_") || code == PINNED);
        let code = match (self.served, self.status) {
            _ if kept => return self.clone(),
            (Served::No, _) => "thread_goal_pool_exhausted",
            (Served::Yes, 401 | 403) => "thread_goal_upstream_blocked",
            (Served::Yes, _) => "thread_goal_upstream_error",
        };
        Self { error: Some(code.to_owned()), ..self.clone() }
    }

    pub(super) fn gone() -> Self {
        let error = Some("client_disconnected".to_owned());
        Self { ending: Ending::Cancelled, status: 499, error, served: Served::Yes }
    }

    fn row_status(&self, last: Option<Class>) -> TurnStatus {
        match self.ending {
            Ending::Success => TurnStatus::Ok,
            Ending::Cancelled => TurnStatus::Gone,
            Ending::Failure | Ending::Blocked => match last {
                Some(Class::UsageLimit | Class::Throttle) => TurnStatus::Limit,
                Some(Class::Network | Class::Empty) if self.error.as_deref() == Some(CUT) => TurnStatus::Cut,
                Some(Class::Network | Class::Empty) => TurnStatus::Net,
                Some(_) | None => TurnStatus::Status(self.status),
            },
        }
    }
}

/// Ledger code of a pinned account that cannot serve.
const PINNED: &str = "codex_pinned_account_unavailable";

/// Ledger code of a stream that broke after it had begun.
pub(super) const CUT: &str = "stream_forward_failed";

/// What a record cannot know by itself when it is closed.
#[derive(Clone, Copy)]
pub(super) struct Closing<'a> {
    pub(super) operation: Operation,
    pub(super) ask: &'a Ask,
    pub(super) project: Option<&'a str>,
    pub(super) sends: u32,
    pub(super) end: &'a End,
}

/// The row of a request that ended before it could become a turn: too large, too many, or a refresh.
pub(super) fn aside(
    operation: Operation,
    end: &End,
    project: Option<&str>,
    (arrived, now): (Moment, Moment),
    rng: &mut Rng,
) -> Entry {
    Entry {
        id: uuid(rng),
        at: now,
        source: "runtime-proxy".to_owned(),
        operation,
        ending: end.ending,
        model: None,
        project: project.map(str::to_owned),
        account_hash: None,
        email_hash: None,
        index: None,
        request: None,
        status: Some(end.status),
        error: end.error.clone(),
        took: Some(now.since(arrived)),
        tokens: TurnTokens::default(),
        cost: None,
        attempts: Some(0),
        first_byte: None,
        bytes_out: None,
        session_hash: None,
        failover: None,
        rotated_from: Vec::new(),
        service_tier: None,
        token: None,
    }
}

/// The growing record of one turn.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) row: TurnRow,
    pub(super) last: Option<Class>,
    pub(super) facts: Vec<ProxyFact>,
    /// Choices that were not taken away yet.
    pub(super) decisions: Vec<replay::Kept>,
    sent_at: Option<Moment>,
    from: Option<(AccountKey, &'static str)>,
    entry: Option<Entry>,
    /// The tier that served it, as upstream names it.
    pub(super) tier: Option<String>,
}

impl Record {
    pub(super) fn new(id: u64, via: Via, ask: &Ask, at: Moment) -> Self {
        Self {
            row: TurnRow {
                id,
                at,
                account: None,
                model: ask.model.clone(),
                via,
                status: TurnStatus::Running,
                took: None,
                first_byte: None,
                tokens: None,
                session: ask.session.as_ref().map(|session| session.short().to_owned()),
                turn: 1,
                note: String::new(),
                attempts: Vec::new(),
                bytes_out: 0,
            },
            last: None,
            facts: Vec::new(),
            decisions: Vec::new(),
            sent_at: None,
            from: None,
            entry: None,
            tier: None,
        }
    }

    /// An attempt on `key` begins.
    pub(super) fn attempt(&mut self, key: &AccountKey, pool: &Pool, now: Moment) {
        if let Some((from, why)) = self.from.take().filter(|(from, _)| from != key) {
            self.row.note = format!("moved from {}", name_of(pool, &from));
            self.facts.push(ProxyFact::Rotated { from, to: Some(key.clone()), why: why.to_owned() });
        }
        self.row.account = Some(key.clone());
        self.sent_at = Some(now);
        self.row.attempts.push(AttemptRow {
            account: key.clone(),
            verdict: "…".to_owned(),
            first_byte: None,
        });
    }

    /// Upstream's headers are here.
    pub(super) fn answered(&mut self, now: Moment) {
        let took = self.sent_at.map(|at| now.since(at));
        if let Some(attempt) = self.row.attempts.last_mut() {
            attempt.first_byte = took;
        }
    }

    /// The attempt ended so.
    pub(super) fn judged(&mut self, verdict: impl Into<String>) {
        if let Some(attempt) = self.row.attempts.last_mut() {
            attempt.verdict = verdict.into();
        }
    }

    /// `key` failed with `class` and is left.
    pub(super) fn left(&mut self, key: &AccountKey, class: Class) {
        self.last = Some(class);
        self.judged(class.word());
        self.from.get_or_insert((key.clone(), class.word()));
    }

    /// The first business event goes to the client.
    pub(super) fn committed(&mut self, now: Moment) {
        self.row.first_byte.get_or_insert(now.since(self.row.at));
    }

    /// The turn is over.
    pub(super) fn close(&mut self, closing: &Closing<'_>, pool: &Pool, now: Moment, rng: &mut Rng) {
        let Closing { operation, ask, project, sends, end } = *closing;
        self.row.took = Some(now.since(self.row.at));
        self.row.status = end.row_status(self.last);
        if end.ending == Ending::Success {
            self.judged("ok");
        }
        // What nobody served is nobody's row, whoever was tried.
        let key = self.row.account.as_ref().filter(|_| end.served == Served::Yes);
        let account = key.and_then(|key| pool.account(key));
        let whose = account.map(Whose::of).unwrap_or_default();
        let rotated_from = self.rotated_from(key, pool);
        let tokens = self.row.tokens.unwrap_or_default();
        self.entry = Some(Entry {
            id: uuid(rng),
            at: now,
            source: if self.row.via == Via::Bridge { "local-bridge" } else { "runtime-proxy" }.to_owned(),
            operation,
            ending: end.ending,
            model: self.row.model.clone(),
            project: project.map(str::to_owned),
            account_hash: whose.account,
            email_hash: whose.email,
            index: key.and_then(|key| pool.position(key)),
            request: Some(self.row.id.to_string()),
            status: Some(end.status),
            error: end.error.clone(),
            took: self.row.took,
            tokens,
            cost: cost(self.row.model.as_deref(), &tokens),
            attempts: Some(sends),
            first_byte: self.row.first_byte,
            bytes_out: Some(self.row.bytes_out),
            session_hash: ask.session.as_ref().map(|session| format!("sha256:{}", session.as_str())),
            failover: self
                .row
                .attempts
                .len()
                .checked_sub(2)
                .and(self.last)
                .map(|class| class.word().to_owned()),
            rotated_from,
            service_tier: self.tier.clone(),
            token: ask.token.clone(),
        });
    }

    /// Hashes of the accounts that were tried and left, in order.
    fn rotated_from(&self, key: Option<&AccountKey>, pool: &Pool) -> Vec<String> {
        let mut from: Vec<String> = Vec::new();
        for attempt in self.row.attempts.iter().filter(|attempt| Some(&attempt.account) != key) {
            let whose = pool.account(&attempt.account).map(Whose::of).unwrap_or_default();
            if let Some(hash) = whose.account.or(whose.email)
                && !from.contains(&hash)
            {
                from.push(hash);
            }
        }
        from
    }

    /// The row as it stands.
    pub(super) fn row(&self, now: Moment) -> TurnRow {
        let mut row = self.row.clone();
        if row.status != TurnStatus::Running && row.took.is_none() {
            row.took = Some(now.since(row.at));
        }
        row
    }

    /// The ledger entry of a closed record.
    pub(super) fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }

    /// The ledger entry, once.
    pub(super) fn take_entry(&mut self) -> Option<Entry> {
        self.entry.take()
    }
}

fn cost(model: Option<&str>, tokens: &TurnTokens) -> Option<f64> {
    (*tokens != TurnTokens::default()).then(|| pricing::cost(model, tokens)).flatten()
}

/// The account's short name for people.
pub(super) fn name_of(pool: &Pool, key: &AccountKey) -> String {
    match (pool.account(key), pool.position(key)) {
        (Some(account), Some(index)) => label::short_name(account, index + 1).into_owned(),
        _ => key.short().to_owned(),
    }
}

/// A version 4 UUID; it names a row and guards nothing.
fn uuid(rng: &mut Rng) -> String {
    let high = rng.u64(..) & 0xffff_ffff_ffff_0fff | 0x4000;
    let low = rng.u64(..) & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// Headers as pairs of text; what is not text says nothing.
pub(super) fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
}

/// Takes quota observations of an account, and announces what is news.
pub(super) fn note_quota(pool: &mut Pool, key: &AccountKey, all: &[Snapshot], facts: &mut Vec<ProxyFact>) {
    for snapshot in all {
        if pool.note_quota(key, snapshot.clone()) {
            facts.push(ProxyFact::Quota(key.clone(), Box::new(snapshot.clone())));
        }
    }
}

/// How long upstream may take to its headers (DB-30): long bodies and long thoughts need time, but the client waits no
/// longer than 300 s.
pub(super) fn headers_within(
    usual: Span,
    body_len: u64,
    effort: Option<&str>,
    arrived: Moment,
    now: Moment,
) -> Span {
    const LONG: Span = Span::seconds(300);
    const LONG_BODY: u64 = 1024 * 1024;
    const CLIENT_PATIENCE: Span = Span::seconds(290);
    let is_long = body_len > LONG_BODY || matches!(effort, Some("high" | "xhigh" | "max" | "ultra"));
    let wanted = if is_long { LONG.max(usual) } else { usual };
    let left = now.until(arrived + CLIENT_PATIENCE);
    wanted.min(left).max(Span::seconds(1))
}
