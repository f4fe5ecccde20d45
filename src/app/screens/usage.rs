//! What was used: requests over time, and who or what used them.
//!
//! The ledger is summed up beside the loop, for the window that is shown only; a key changes the question, and the rows
//! follow when the answer is there.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use crate::app::flows::usage::{Asked, names};
use crate::app::geometry::{Kind, Layout};
use crate::app::world::World;
use crate::base::text::clean;
use crate::base::{Moment, Span};
use crate::domain::policy::compose::Evaluation;
use crate::domain::usage::reading::{Bucket, By, Query, Reading};

/// How far back the screen looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Window {
    /// One hour.
    Hour,
    /// 24 hours.
    #[default]
    Day,
    /// Seven days.
    Week,
    /// Thirty days.
    Month,
}

impl Window {
    /// The next one, around the end.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Hour => Self::Day,
            Self::Day => Self::Week,
            Self::Week => Self::Month,
            Self::Month => Self::Hour,
        }
    }

    /// Its length.
    pub const fn span(self) -> Span {
        match self {
            Self::Hour => Span::hours(1),
            Self::Day => Span::hours(24),
            Self::Week => Span::days(7),
            Self::Month => Span::days(30),
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hour => "last hour",
            Self::Day => "last 24 h",
            Self::Week => "last 7 days",
            Self::Month => "last 30 days",
        }
    }

    /// Parts of the chart, and what one of them is.
    pub const fn parts(self) -> (usize, &'static str) {
        match self {
            Self::Hour => (30, "2 minutes"),
            Self::Day => (24, "hour"),
            Self::Week => (28, "6 hours"),
            Self::Month => (30, "day"),
        }
    }
}

/// What the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// Chart and table.
    #[default]
    Chart,
    /// Accounts by models.
    Models,
    /// Budgets.
    Budgets,
}

/// The groups that can be chosen with a key.
const GROUPS: [By; 5] = [By::Account, By::Model, By::Project, By::Outcome, By::Day];

/// The tab's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// What rows are grouped by.
    pub by: By,
    /// How far back.
    pub window: Window,
    /// Beginning and end that a command asked for, instead of the window.
    pub range: Option<(Option<Moment>, Option<Moment>)>,
    /// The group that was opened, and what it was grouped by.
    pub only: Option<(By, String)>,
    /// Chart or models.
    pub pane: Pane,
    /// Shown are rows that hold this.
    pub filter: String,
    /// The newest answer.
    pub reading: Option<Reading>,
    /// What is wrong with the user's prices, or with the ledger.
    pub trouble: Option<String>,
    /// Keys of the shown rows, most tokens first.
    pub order: Vec<String>,
    /// Names of the accounts behind their hashes.
    pub names: BTreeMap<String, String>,
    /// Budgets as they stand.
    pub budgets: Vec<Evaluation>,
    /// The budget under the cursor.
    pub budget_place: usize,
    /// First budget shown.
    pub budget_offset: usize,
    /// The row under the cursor.
    pub place: usize,
    /// First row shown.
    pub offset: usize,
    asked: Option<Query>,
    state: State,
    command: Option<Asked>,
}

/// Whether the answer fits the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Stale,
    Waiting,
    Fresh,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            by: By::Account,
            window: Window::default(),
            range: None,
            only: None,
            pane: Pane::default(),
            filter: String::new(),
            reading: None,
            trouble: None,
            order: Vec::new(),
            names: BTreeMap::new(),
            budgets: Vec::new(),
            budget_place: 0,
            budget_offset: 0,
            place: 0,
            offset: 0,
            asked: None,
            state: State::Stale,
            command: None,
        }
    }
}

impl Usage {
    /// The screen as a command asks for it.
    pub fn opened(asked: Option<&Asked>) -> Self {
        let Some(asked) = asked else { return Self::default() };
        Self { by: asked.by, command: Some(asked.clone()), ..Self::default() }
    }

    /// The question to ask now, once.
    pub fn wanted(&mut self, at: Moment) -> Option<Query> {
        if self.state != State::Stale {
            return None;
        }
        if let Some(asked) = self.command.take() {
            // What cannot be read is told by the command's own flow.
            self.range = asked.window(at).ok().filter(|window| *window != (None, None));
        }
        self.state = State::Waiting;
        let end = next_minute(at);
        let (since, until) =
            self.range.map_or((Some(end - self.window.span()), Some(end)), |(since, until)| {
                (since, until.or(Some(end)))
            });
        let mut by = vec![self.by];
        by.extend([By::Model, By::Account, By::Project].into_iter().filter(|by| *by != self.by));
        let query = Query {
            since,
            until,
            by,
            only: self.only.clone(),
            parts: self.window.parts().0,
            rows: 0,
            current_only: false,
        };
        self.asked = Some(query.clone());
        Some(query)
    }

    /// The ledger grew, or the question changed.
    pub fn ask_again(&mut self) {
        self.state = State::Stale;
    }

    /// Takes an answer; one to another question is not ours.
    pub fn take(&mut self, reading: &Reading, trouble: Option<&String>, world: &World) {
        if self.asked.as_ref() != Some(&reading.query) {
            return;
        }
        if self.state == State::Waiting {
            self.state = State::Fresh;
        }
        self.reading = Some(reading.clone());
        self.trouble = trouble.cloned();
        self.list(world);
    }

    /// The ledger could not be read.
    pub fn fail(&mut self, what: &str) {
        if self.state == State::Waiting {
            self.state = State::Fresh;
            self.trouble = Some(what.to_owned());
        }
    }

    /// Rebuilds the rows; the cursor stays on its row.
    pub fn list(&mut self, world: &World) {
        self.names = names(world);
        let before = self.order.get(self.place).cloned();
        let needle = self.filter.to_lowercase();
        let mut rows: Vec<(&String, &Bucket)> =
            self.reading.iter().filter_map(|reading| reading.groups.first()).flatten().collect();
        rows.retain(|(key, _)| needle.is_empty() || self.name(key).to_lowercase().contains(&needle));
        if self.by != By::Day {
            rows.sort_by(|(a, one), (b, other)| {
                let size = |bucket: &Bucket| (bucket.tokens.total, bucket.requests);
                size(other).cmp(&size(one)).then_with(|| a.cmp(b))
            });
        }
        self.order = rows.into_iter().map(|(key, _)| key.clone()).collect();
        let kept = before.and_then(|before| self.order.iter().position(|key| *key == before));
        self.place = kept.unwrap_or(self.place).min(self.order.len().saturating_sub(1));
    }

    /// Counts what was used of each budget.
    pub fn count(&mut self, world: &World, at: Moment) {
        let none = world.governance.rules.budgets.is_empty();
        self.budgets = if none { Vec::new() } else { world.pool(at).budgets(at) };
        self.go_budget(self.budget_place);
    }

    /// Puts the cursor on a budget.
    pub fn go_budget(&mut self, place: usize) {
        self.budget_place = place.min(self.budgets.len().saturating_sub(1));
    }

    /// A group as people call it.
    pub fn name<'a>(&'a self, key: &'a str) -> &'a str {
        if self.by == By::Account { self.names.get(key).map_or(key, String::as_str) } else { key }
    }

    /// The sums of a group of the main table.
    pub fn bucket(&self, key: &str) -> Option<&Bucket> {
        self.reading.as_ref()?.groups.first()?.get(key)
    }

    /// The groups of another kind, most tokens first.
    pub fn beside(&self, by: By) -> Vec<(&String, &Bucket)> {
        let Some(reading) = &self.reading else { return Vec::new() };
        let place = reading.query.by.iter().position(|other| *other == by);
        let mut rows: Vec<_> =
            place.and_then(|place| reading.groups.get(place)).into_iter().flatten().collect();
        rows.sort_by_key(|(_, bucket)| std::cmp::Reverse((bucket.tokens.total, bucket.requests)));
        rows
    }

    /// The table as lines of text, for the clipboard.
    pub fn text(&self) -> String {
        let lines = self.order.iter().filter_map(|key| {
            let bucket = self.bucket(key)?;
            Some(format!(
                "{}: {} requests, {} tokens, {} failed, ${:.4}",
                clean(self.name(key)),
                bucket.requests,
                bucket.tokens.total,
                bucket.failures,
                bucket.cost
            ))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Puts the cursor on a row.
    pub fn go(&mut self, place: usize) {
        self.place = place.min(self.order.len().saturating_sub(1));
    }

    /// Groups by the next thing.
    pub fn regroup(&mut self) {
        let place = GROUPS.iter().position(|by| *by == self.by).map_or(0, |place| (place + 1) % GROUPS.len());
        self.by = GROUPS.get(place).copied().unwrap_or_default();
        self.restart();
    }

    /// Looks over the next window.
    pub fn widen(&mut self) {
        self.window = if self.range.take().is_some() { self.window } else { self.window.next() };
        self.restart();
    }

    /// Opens the focused group: what it consists of.
    pub fn drill(&mut self) {
        let Some(key) = self.order.get(self.place).cloned() else { return };
        if self.only.is_some() || self.pane != Pane::Chart {
            return;
        }
        self.only = Some((self.by, key));
        self.by = if self.by == By::Model { By::Account } else { By::Model };
        self.restart();
    }

    /// Leaves what was opened last; whether there was something to leave.
    pub fn back(&mut self) -> bool {
        if self.pane != Pane::Chart {
            self.pane = Pane::Chart;
            return true;
        }
        if let Some((by, _)) = self.only.take() {
            self.by = by;
            self.restart();
            return true;
        }
        if self.range.take().is_some() {
            self.restart();
            return true;
        }
        false
    }

    fn restart(&mut self) {
        self.place = 0;
        self.offset = 0;
        self.order.clear();
        self.reading = None;
        self.ask_again();
    }
}

/// The end of the minute: a question that moved with every second would never be the same twice.
fn next_minute(at: Moment) -> Moment {
    Moment::from_secs((at.secs().div_euclid(60) + 1) * 60)
}

/// Where the parts of the screen stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// What the chart shows.
    pub title: Rect,
    /// Chart with its times.
    pub chart: Rect,
    /// Column titles.
    pub header: Rect,
    /// Rows.
    pub list: Rect,
    /// Sum of all rows.
    pub total: Rect,
    /// Another grouping, with its rule.
    pub beside: Rect,
    /// Size of the ledger.
    pub ledger: Rect,
    /// The first budgets, with their rule; empty where the side pane has them.
    pub budgets: Rect,
}

/// Lines of columns in the chart.
pub const fn chart_rows(kind: Kind) -> u16 {
    match kind {
        Kind::Wide => 5,
        Kind::Medium | Kind::Narrow | Kind::Pane | Kind::TooSmall => 3,
    }
}

/// Lines that the budgets take below the table.
pub fn limit_lines(budgets: &[Evaluation]) -> usize {
    let each = |one: &Evaluation| {
        let limit = &one.limit;
        [limit.requests.is_some(), limit.tokens.is_some(), limit.cost.is_some()]
            .iter()
            .filter(|is| **is)
            .count()
    };
    budgets.iter().map(each).sum()
}

/// Divides the body among chart, table and what stands below.
pub fn places(layout: &Layout, count: usize, limits: usize) -> Places {
    let body = layout.body;
    let lines =
        |from: u16, height: u16| Rect::new(body.x, body.y + from, body.width, height).intersection(body);
    let none = Rect::new(body.x, body.y, 0, 0);
    let count = u16::try_from(count).unwrap_or(u16::MAX).max(1);
    let wide = layout.kind == Kind::Wide;
    let columns = chart_rows(layout.kind);
    // A low screen keeps the table.
    let has_chart = body.height >= 13;
    let top = u16::from(has_chart);
    let chart = if !has_chart {
        0
    } else if wide {
        columns + 2
    } else {
        columns + 1
    };
    let header = if has_chart { top + 1 + u16::from(wide) + chart + 1 } else { 0 };
    let first = header + 1 + u16::from(wide);
    // Budgets stand below the table where the side pane does not have them.
    let strip = match (layout.kind, limits) {
        (Kind::Medium, 1..) if layout.has_strip() => 1 + u16::try_from(limits.min(2)).unwrap_or(2) + 1,
        (Kind::Wide | Kind::Medium | Kind::Narrow | Kind::Pane | Kind::TooSmall, _) => 0,
    };
    let foot = if wide { 2 + 6 } else { 2 + strip };
    let rest = body.height.saturating_sub(first);
    let list = count.min(rest.saturating_sub(foot).max(1)).min(rest);
    let after = first + list;
    Places {
        title: if has_chart { lines(top, 1) } else { none },
        chart: if has_chart { lines(top + 1 + u16::from(wide), chart) } else { none },
        header: lines(header, 1),
        list: lines(first, list),
        total: if wide { lines(after + 1, 1) } else { none },
        beside: if wide { lines(after + 3, body.height.saturating_sub(after + 3)) } else { none },
        ledger: if wide { none } else { lines(body.height.saturating_sub(1), 1) },
        budgets: if strip > 0 { lines(body.height.saturating_sub(strip + 1), strip - 1) } else { none },
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::app::geometry::Mode;

    #[test]
    fn a_question_is_asked_once_and_only_its_own_answer_is_taken() {
        let mut usage = Usage::default();
        let at = Moment::from_secs(1_000_010);

        let query = usage.wanted(at).unwrap();

        assert_eq!(query.until, Some(Moment::from_secs(1_000_020)));
        assert_eq!(query.since.zip(query.until).map(|(from, to)| from.until(to)), Some(Span::hours(24)));
        assert_eq!(usage.wanted(at), None);
        usage.widen();
        assert_ne!(usage.wanted(at), Some(query));
    }

    #[test]
    fn the_way_back_is_the_way_in() {
        let mut usage = Usage { order: vec!["sha256:a".to_owned()], ..Usage::default() };

        usage.drill();
        assert_eq!((usage.by, usage.only.clone()), (By::Model, Some((By::Account, "sha256:a".to_owned()))));
        assert!(usage.back());
        assert_eq!((usage.by, usage.only.clone()), (By::Account, None));
        assert!(!usage.back());
    }

    #[test]
    fn the_parts_stay_within_the_body_and_the_table_has_a_row() {
        for (width, height) in [(60, 10), (60, 20), (80, 24), (100, 14), (140, 40), (200, 50)] {
            let layout = Layout::new(width, height, Mode::Full);
            let layout = layout.with_side(layout.side_width());
            for count in [0, 4, 400] {
                let places = places(&layout, count, 0);
                for part in [places.chart, places.header, places.list, places.total, places.ledger] {
                    assert_eq!(
                        part.intersection(layout.body).height,
                        part.height,
                        "{width}x{height} {count}"
                    );
                }
                assert!(places.list.height > 0, "{width}x{height} {count}");
                assert!(places.list.y > places.header.y, "{width}x{height} {count}");
            }
        }
    }
}
