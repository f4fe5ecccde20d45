//! Reading the ledger: rows go in one by one, totals and groups come out. Nothing here grows with the number of rows.
//!
//! The parts of a long ledger may be read at once and joined afterwards; the result does not depend on where it was cut.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::base::{Moment, Span, calendar};
use crate::domain::facts::TurnTokens;
use crate::domain::usage::entry::{Ending, Glance};
use crate::domain::usage::pricing::{Price, Prices};
use crate::domain::usage::window;

/// What rows are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum By {
    /// Model.
    #[default]
    Model,
    /// Account.
    Account,
    /// Project.
    Project,
    /// How it ended.
    Outcome,
    /// Day, UTC.
    Day,
    /// Hour, UTC.
    Hour,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Model, Self::Account, Self::Project, Self::Outcome, Self::Day, Self::Hour];

    /// The word in commands and files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Account => "account",
            Self::Project => "project",
            Self::Outcome => "outcome",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }

    /// The group a row belongs to.
    pub fn key<'a>(self, row: &'a Glance<'_>) -> Cow<'a, str> {
        let text = |text: &'a Option<Cow<'_, str>>| text.as_deref().map(Cow::Borrowed);
        match self {
            Self::Model => text(&row.model).unwrap_or(Cow::Borrowed("unknown")),
            Self::Account => {
                text(&row.account_hash).or_else(|| text(&row.email_hash)).unwrap_or(Cow::Borrowed("unknown"))
            }
            Self::Project => text(&row.project).unwrap_or(Cow::Borrowed("global")),
            Self::Outcome => Cow::Borrowed(row.ending.word()),
            Self::Day => Cow::Owned(calendar::day_of(row.at)),
            Self::Hour => Cow::Owned(calendar::hour_of(row.at)),
        }
    }

    /// The length of a group of time.
    const fn slot(self) -> Option<i64> {
        match self {
            Self::Day => Some(86_400_000),
            Self::Hour => Some(3_600_000),
            Self::Model | Self::Account | Self::Project | Self::Outcome => None,
        }
    }
}

/// What is asked of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Not before this moment; `None` = from the first row.
    pub since: Option<Moment>,
    /// Before this moment; `None` = to the last row.
    pub until: Option<Moment>,
    /// Groups to make, the main one first.
    pub by: Vec<By>,
    /// Only rows of this group.
    pub only: Option<(By, String)>,
    /// Parts of equal length, of the time from `since` to `until`, whose requests are counted for a chart.
    pub parts: usize,
    /// Newest rows that are handed on as they stand.
    pub rows: usize,
    /// Leaves the archives out.
    pub current_only: bool,
}

/// What a group of rows adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bucket {
    /// Requests that count: successes, failures and cancelled ones.
    pub requests: u64,
    /// Successes.
    pub successes: u64,
    /// Failures.
    pub failures: u64,
    /// Requests that were not sent on.
    pub blocked: u64,
    /// Requests whose client left.
    pub cancelled: u64,
    /// Tokens.
    pub tokens: TurnTokens,
    /// API-equivalent cost, USD.
    pub cost: f64,
    /// Requests with tokens of a model that has no price.
    pub unpriced: u64,
}

impl Bucket {
    fn add(&mut self, row: &Glance<'_>, price: Option<Price>) {
        match row.ending {
            Ending::Success => self.successes += 1,
            Ending::Failure => self.failures += 1,
            Ending::Cancelled => self.cancelled += 1,
            Ending::Blocked => {
                self.blocked += 1;
                return;
            }
        }
        self.requests += 1;
        self.tokens = joined(&self.tokens, &row.tokens);
        match price {
            Some(price) => self.cost += price.cost(&row.tokens),
            None => self.unpriced += u64::from(row.tokens.total > 0),
        }
    }

    fn join(&mut self, other: &Self) {
        self.requests += other.requests;
        self.successes += other.successes;
        self.failures += other.failures;
        self.blocked += other.blocked;
        self.cancelled += other.cancelled;
        self.tokens = joined(&self.tokens, &other.tokens);
        self.cost += other.cost;
        self.unpriced += other.unpriced;
    }
}

const fn joined(one: &TurnTokens, other: &TurnTokens) -> TurnTokens {
    TurnTokens {
        input: one.input.saturating_add(other.input),
        output: one.output.saturating_add(other.output),
        cached: one.cached.saturating_add(other.cached),
        reasoning: one.reasoning.saturating_add(other.reasoning),
        total: one.total.saturating_add(other.total),
    }
}

/// What a ledger adds up to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// What was asked.
    pub query: Query,
    /// All rows that were asked for.
    pub totals: Bucket,
    /// The groups that were asked for, in that order, by key.
    pub groups: Vec<BTreeMap<String, Bucket>>,
    /// Requests per part of the time, oldest first.
    pub parts: Vec<u32>,
    /// Lines that are no rows.
    pub skipped: u64,
    /// The oldest row of the files that were read, asked for or not.
    pub first: Option<Moment>,
    /// The newest rows, as they stand in the file, oldest first.
    pub rows: Vec<String>,
    /// Rows that were asked for.
    pub matched: u64,
    /// Size of the current ledger in bytes.
    pub size: u64,
}

/// A reading that grows.
#[derive(Debug)]
pub struct Reader<'p> {
    query: Query,
    prices: &'p Prices,
    known: Vec<(String, Option<Price>)>,
    totals: Bucket,
    groups: Vec<Groups>,
    parts: Vec<u32>,
    span: Option<(Moment, Span)>,
    skipped: u64,
    first: Option<Moment>,
    matched: u64,
    newest: Newest,
}

impl<'p> Reader<'p> {
    /// A reader that has seen nothing.
    pub fn new(query: &Query, prices: &'p Prices) -> Self {
        let span = query.since.zip(query.until).map(|(since, until)| (since, since.until(until)));
        Self {
            prices,
            known: Vec::new(),
            totals: Bucket::default(),
            groups: query.by.iter().map(|by| Groups::new(*by)).collect(),
            parts: vec![0; if span.is_some() { query.parts } else { 0 }],
            span,
            skipped: 0,
            first: None,
            matched: 0,
            newest: Newest { most: query.rows, lines: Vec::new(), next: 0 },
            query: query.clone(),
        }
    }

    /// Takes a line that is no row.
    pub fn skip(&mut self) {
        self.skipped += 1;
    }

    /// Takes a row and the line it stands in.
    pub fn add(&mut self, row: &Glance<'_>, line: &[u8]) {
        self.first = Some(self.first.map_or(row.at, |first| first.min(row.at)));
        let after = self.query.since.is_none_or(|since| row.at >= since);
        if !after
            || self.query.until.is_some_and(|until| row.at >= until)
            || !window::asks_a_model(row.operation)
        {
            return;
        }
        if let Some((by, key)) = &self.query.only
            && by.key(row) != *key
        {
            return;
        }
        self.matched += 1;
        self.newest.push(line);
        let price = self.price(row.model.as_deref());
        self.totals.add(row, price);
        for groups in &mut self.groups {
            groups.of(row).add(row, price);
        }
        if let Some((since, span)) = self.span
            && window::counts(row.operation, row.ending)
            && let Some(part) = part(since.until(row.at), span, self.parts.len())
            && let Some(part) = self.parts.get_mut(part)
        {
            *part = part.saturating_add(1);
        }
    }

    /// Joins what another reader of the same query read of a later part of the ledger.
    pub fn join(&mut self, later: &Self) {
        self.totals.join(&later.totals);
        for (ours, theirs) in self.groups.iter_mut().zip(&later.groups) {
            ours.join(theirs);
        }
        for (ours, theirs) in self.parts.iter_mut().zip(&later.parts) {
            *ours = ours.saturating_add(*theirs);
        }
        self.skipped += later.skipped;
        self.matched += later.matched;
        self.first = [self.first, later.first].into_iter().flatten().min();
        for line in later.newest.in_order() {
            self.newest.push(line);
        }
    }

    /// What it all adds up to.
    pub fn finish(self, size: u64) -> Reading {
        Reading {
            totals: rounded(self.totals),
            groups: self.groups.iter().map(Groups::named).collect(),
            parts: self.parts,
            skipped: self.skipped,
            first: self.first,
            rows: self
                .newest
                .in_order()
                .map(|line| String::from_utf8_lossy(line).trim_end().to_owned())
                .collect(),
            matched: self.matched,
            size,
            query: self.query,
        }
    }

    fn price(&mut self, model: Option<&str>) -> Option<Price> {
        let model = model?;
        if let Some((_, price)) = self.known.iter().find(|(known, _)| known == model) {
            return *price;
        }
        let price = self.prices.of(model);
        // A ledger of a thousand made-up models must not cost a thousand comparisons per row.
        if self.known.len() < 64 {
            self.known.push((model.to_owned(), price));
        }
        price
    }
}

/// The part of `span` that `offset` falls into.
fn part(offset: Span, span: Span, parts: usize) -> Option<usize> {
    let (offset, span) = (i128::from(offset.as_millis()), i128::from(span.as_millis()));
    let parts = i128::try_from(parts).ok()?;
    (offset >= 0 && offset < span).then(|| usize::try_from(offset * parts / span).ok()).flatten()
}

/// Sums of prices with eight decimals; their noise in the sixteenth is no news.
fn rounded(bucket: Bucket) -> Bucket {
    Bucket { cost: (bucket.cost * 1e8).round() / 1e8, ..bucket }
}

/// Groups of one kind.
#[derive(Debug)]
struct Groups {
    by: By,
    texts: HashMap<String, usize>,
    slots: HashMap<i64, usize>,
    buckets: Vec<Bucket>,
    last: Option<(i64, usize)>,
}

impl Groups {
    fn new(by: By) -> Self {
        Self { by, texts: HashMap::new(), slots: HashMap::new(), buckets: Vec::new(), last: None }
    }

    fn of(&mut self, row: &Glance<'_>) -> &mut Bucket {
        let place = match self.by.slot() {
            Some(length) => self.at_slot(row.at.millis().div_euclid(length)),
            None => self.at_text(&self.by.key(row)),
        };
        self.at(place)
    }

    fn at(&mut self, place: usize) -> &mut Bucket {
        if self.buckets.len() <= place {
            self.buckets.resize(place + 1, Bucket::default());
        }
        #[expect(clippy::indexing_slicing, reason = "the line above makes the place")]
        &mut self.buckets[place]
    }

    /// Rows are written in the order of time: the slot is nearly always the last one.
    fn at_slot(&mut self, slot: i64) -> usize {
        if let Some((_, place)) = self.last.filter(|(last, _)| *last == slot) {
            return place;
        }
        let next = self.buckets.len();
        let place = *self.slots.entry(slot).or_insert(next);
        self.last = Some((slot, place));
        place
    }

    fn at_text(&mut self, key: &str) -> usize {
        if let Some(place) = self.texts.get(key) {
            return *place;
        }
        let next = self.buckets.len();
        self.texts.insert(key.to_owned(), next);
        next
    }

    fn join(&mut self, later: &Self) {
        for (key, place) in &later.texts {
            let ours = self.at_text(key);
            self.at(ours).join(&later.buckets.get(*place).copied().unwrap_or_default());
        }
        for (slot, place) in &later.slots {
            let ours = self.at_slot(*slot);
            self.at(ours).join(&later.buckets.get(*place).copied().unwrap_or_default());
        }
    }

    fn named(&self) -> BTreeMap<String, Bucket> {
        let bucket = |place: &usize| rounded(self.buckets.get(*place).copied().unwrap_or_default());
        let texts = self.texts.iter().map(|(key, place)| (key.clone(), bucket(place)));
        let length = self.by.slot().unwrap_or(1);
        let slots = self.slots.iter().map(|(slot, place)| {
            let at = Moment::from_millis(slot.saturating_mul(length));
            let key = if self.by == By::Day { calendar::day_of(at) } else { calendar::hour_of(at) };
            (key, bucket(place))
        });
        texts.chain(slots).collect()
    }
}

/// The newest lines, in buffers that are used again and again.
#[derive(Debug)]
struct Newest {
    most: usize,
    lines: Vec<Vec<u8>>,
    next: usize,
}

impl Newest {
    fn push(&mut self, line: &[u8]) {
        if self.lines.len() < self.most {
            self.lines.push(line.to_vec());
        } else if let Some(oldest) = self.lines.get_mut(self.next) {
            oldest.clear();
            oldest.extend_from_slice(line);
            self.next = (self.next + 1) % self.most;
        }
    }

    fn in_order(&self) -> impl Iterator<Item = &[u8]> {
        let (new, old) = self.lines.split_at(self.next.min(self.lines.len()));
        old.iter().chain(new).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::usage::entry::Operation;

    fn row(at: i64, model: &'static str, ending: Ending) -> Glance<'static> {
        Glance {
            at: Moment::from_secs(at),
            operation: Operation::Responses,
            ending,
            model: Some(Cow::Borrowed(model)),
            project: None,
            account_hash: None,
            email_hash: Some(Cow::Borrowed("sha256:e")),
            token: None,
            tokens: TurnTokens { input: 1_000, output: 100, cached: 0, reasoning: 50, total: 1_100 },
        }
    }

    fn rows() -> Vec<Glance<'static>> {
        vec![
            row(10, "gpt-5.5", Ending::Success),
            row(3_700, "o3", Ending::Failure),
            row(3_800, "gpt-5.5", Ending::Blocked),
            row(7_300, "gpt-5.5", Ending::Cancelled),
            row(90_000, "gpt-5.5", Ending::Success),
        ]
    }

    fn read(query: &Query, cut: usize) -> Reading {
        let prices = Prices::default();
        let (mut first, mut second) = (Reader::new(query, &prices), Reader::new(query, &prices));
        for (place, row) in rows().iter().enumerate() {
            let reader = if place < cut { &mut first } else { &mut second };
            reader.add(row, format!("{place}\n").as_bytes());
        }
        first.join(&second);
        first.finish(7)
    }

    #[test]
    fn rows_fall_into_their_groups_and_blocked_ones_cost_nothing() {
        let query = Query { by: vec![By::Model, By::Hour, By::Outcome], ..Query::default() };

        let reading = read(&query, 9);

        assert_eq!(
            (reading.totals.requests, reading.totals.blocked, reading.totals.tokens.total),
            (4, 1, 4_400)
        );
        assert_eq!((reading.totals.unpriced, reading.totals.cost), (1, 0.0096));
        let keys = |at: usize| reading.groups[at].keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(keys(0), ["gpt-5.5", "o3"]);
        assert_eq!(
            keys(1),
            ["1970-01-01T00:00Z", "1970-01-01T01:00Z", "1970-01-01T02:00Z", "1970-01-02T01:00Z"]
        );
        assert_eq!(keys(2), ["blocked", "cancelled", "failure", "success"]);
        assert_eq!(reading.groups[2]["success"].requests, 2);
    }

    #[test]
    fn the_window_its_parts_and_one_group_are_cut_out() {
        let query = Query {
            since: Some(Moment::from_secs(0)),
            until: Some(Moment::from_secs(7_200)),
            by: vec![By::Account],
            only: Some((By::Model, "gpt-5.5".to_owned())),
            parts: 2,
            rows: 1,
            current_only: false,
        };

        let reading = read(&query, 9);

        assert_eq!((reading.matched, reading.parts.as_slice()), (2, [1, 0].as_slice()));
        assert_eq!(reading.rows, ["2"]);
        assert_eq!(reading.groups[0]["sha256:e"].requests, 1);
    }

    #[test]
    fn where_a_ledger_is_cut_does_not_matter() {
        let query = Query {
            since: Some(Moment::EPOCH),
            until: Some(Moment::from_secs(100_000)),
            by: By::ALL.to_vec(),
            parts: 10,
            rows: 2,
            ..Query::default()
        };

        let whole = read(&query, 9);

        assert_eq!(whole.rows, ["3", "4"]);
        for cut in 0..6 {
            assert_eq!(read(&query, cut), whole, "{cut}");
        }
    }
}
