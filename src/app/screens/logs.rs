//! What went wrong, and is it healthy: lines of our log, the diagnosis, and kept sessions (dashboard.md §12.9).

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use crate::app::checkup::Diagnosis;
use crate::app::geometry::{Kind, Layout};
use crate::app::screens::monitor::{Follow, short_name};
use crate::app::world::World;
use crate::base::text::clean;
use crate::base::{Moment, Span, calendar};
use crate::domain::account::AccountKey;
use crate::domain::checkup::{Finding, Severity};
use crate::domain::history::Session;
use crate::domain::log::{Level, Line, Tail};

/// What the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// Lines of the log.
    #[default]
    Lines,
    /// Kept sessions of the official CLI.
    Sessions,
}

/// What is known of the machine's health.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Health {
    /// Nobody looked.
    #[default]
    Never,
    /// Somebody looks.
    Asked,
    /// What was found, and when.
    Seen(Box<Diagnosis>, Moment),
}

/// The kept sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Kept {
    /// Nobody looked.
    #[default]
    Never,
    /// Somebody looks.
    Asked,
    /// Newest first.
    Listed(Vec<Session>),
    /// Why they cannot be listed.
    Failed(String),
}

/// The tab's state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Logs {
    /// Lines or sessions.
    pub pane: Pane,
    /// Lines that matter less are not shown.
    pub level: Level,
    /// Lines of this part alone.
    pub part: Option<String>,
    /// Whether the cursor follows the newest line.
    pub follow: Follow,
    /// What is looked for.
    pub needle: String,
    /// The end of the log; `None` before it was read.
    pub tail: Option<Tail>,
    /// Lines in shown order.
    pub order: Vec<usize>,
    /// Cursor among the lines.
    pub place: usize,
    /// First line shown.
    pub offset: usize,
    /// The diagnosis.
    pub health: Health,
    /// The sessions.
    pub kept: Kept,
    /// Sessions are shown that hold this.
    pub session_needle: String,
    /// Sessions in shown order.
    pub session_order: Vec<usize>,
    /// Cursor among the sessions.
    pub session_place: usize,
    /// First session shown.
    pub session_offset: usize,
}

impl Logs {
    /// Takes the log's end in; the cursor stays on its line.
    pub fn take(&mut self, tail: Tail) {
        let kept = self.focused().cloned();
        self.tail = Some(tail);
        self.list(kept.as_ref());
    }

    /// The lines the level and the part let through.
    pub fn relist(&mut self) {
        let kept = self.focused().cloned();
        self.list(kept.as_ref());
    }

    fn list(&mut self, kept: Option<&Line>) {
        let lines = self.tail.as_ref().map_or(&[][..], |tail| tail.lines.as_slice());
        let shows = |line: &Line| {
            line.level >= self.level && self.part.as_ref().is_none_or(|part| *part == line.part)
        };
        self.order = (0..lines.len()).filter(|place| lines.get(*place).is_some_and(shows)).collect();
        let place = kept
            .filter(|_| self.follow == Follow::Off)
            .and_then(|kept| self.order.iter().position(|at| lines.get(*at) == Some(kept)));
        let place = if self.follow == Follow::On { 0 } else { place.unwrap_or(self.place) };
        self.go(place);
    }

    /// Puts the cursor on a line.
    pub fn go(&mut self, place: usize) {
        self.place = place.min(self.order.len().saturating_sub(1));
    }

    /// Puts the cursor on a session.
    pub fn go_session(&mut self, place: usize) {
        self.session_place = place.min(self.session_order.len().saturating_sub(1));
    }

    /// A line of the shown ones.
    pub fn line(&self, place: usize) -> Option<&Line> {
        self.tail.as_ref()?.lines.get(*self.order.get(place)?)
    }

    /// The line under the cursor.
    pub fn focused(&self) -> Option<&Line> {
        self.line(self.place)
    }

    /// A session of the shown ones.
    pub fn session(&self, place: usize) -> Option<&Session> {
        let Kept::Listed(all) = &self.kept else { return None };
        all.get(*self.session_order.get(place)?)
    }

    /// The session under the cursor.
    pub fn focused_session(&self) -> Option<&Session> {
        self.session(self.session_place)
    }

    /// Takes sessions in.
    pub fn keep(&mut self, kept: Kept) {
        self.kept = kept;
        self.list_sessions();
    }

    /// The sessions that hold what is looked for.
    pub fn list_sessions(&mut self) {
        let Kept::Listed(all) = &self.kept else { return };
        let needle = self.session_needle.to_lowercase();
        let holds = |session: &Session| {
            let more = [session.provider.as_deref(), session.cwd.as_deref(), Some(session.thread.as_str())];
            session.id.contains(&needle)
                || more.into_iter().flatten().any(|text| text.to_lowercase().contains(&needle))
        };
        self.session_order = (0..all.len()).filter(|place| all.get(*place).is_some_and(holds)).collect();
        self.go_session(self.session_place);
    }

    /// The next part after the shown one: every part that speaks, then all.
    pub fn next_part(&mut self) {
        let lines = self.tail.as_ref().map_or(&[][..], |tail| tail.lines.as_slice());
        let parts: BTreeSet<&str> = lines.iter().map(|line| line.part.as_str()).collect();
        self.part = match &self.part {
            None => parts.iter().next().map(|part| (*part).to_owned()),
            Some(part) => parts.iter().find(|other| **other > part.as_str()).map(|part| (*part).to_owned()),
        };
        self.relist();
    }

    /// Lines that hold what is looked for, among the shown ones.
    pub fn hits(&self, world: &World) -> Vec<usize> {
        if self.needle.is_empty() {
            return Vec::new();
        }
        let needle = self.needle.to_lowercase();
        (0..self.order.len())
            .filter(|place| self.line(*place).is_some_and(|line| holds(world, line, &needle)))
            .collect()
    }

    /// Goes to the next line below that holds what is looked for, or above with `by` < 0; around the ends.
    pub fn seek(&mut self, world: &World, by: isize) {
        let hits = self.hits(world);
        let next = match by.signum() {
            -1 => hits.iter().rev().find(|hit| **hit < self.place).or(hits.last()),
            0 => hits.iter().find(|hit| **hit >= self.place).or(hits.first()),
            _ => hits.iter().find(|hit| **hit > self.place).or(hits.first()),
        };
        if let Some(next) = next.copied() {
            self.follow = Follow::Off;
            self.go(next);
        }
    }

    /// What was found, the worst first.
    pub fn findings(&self) -> Vec<&Finding> {
        let Health::Seen(diagnosis, _) = &self.health else { return Vec::new() };
        let mut findings: Vec<&Finding> = diagnosis.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    /// How many things a person should look at.
    pub fn worries(&self) -> usize {
        self.findings().iter().filter(|finding| finding.severity >= Severity::Warn).count()
    }
}

fn holds(world: &World, line: &Line, needle: &str) -> bool {
    line.part.contains(needle)
        || line.level.word().contains(needle)
        || words(world, line).to_lowercase().contains(needle)
}

/// A line as people read it: accounts by their names, spans in units.
pub fn words(world: &World, line: &Line) -> String {
    words_with(line, &|short| account_named(world, short))
}

/// The same with names as the caller gives them.
pub fn words_with(line: &Line, named: &dyn Fn(&str) -> String) -> String {
    if line.field("request").is_some() && line.field("via").is_some() {
        return turn_words(line, named);
    }
    let mut text = clean(&line.message).into_owned();
    for (name, value) in line.fields.iter().filter(|(_, value)| !value.is_empty()) {
        let value = clean(value);
        let piece = match name.as_str() {
            "account" | "from" => named(&value),
            "to" => format!("→ {}", named(&value)),
            "error" | "why" => format!("· {value}"),
            name => format!("{name} {value}"),
        };
        text = if text.is_empty() { piece } else { format!("{text} {piece}") };
    }
    text
}

/// The end of a turn: how, whose, and what went wrong before what it cost.
fn turn_words(line: &Line, named: &dyn Fn(&str) -> String) -> String {
    let given = |name: &str| line.field(name).map(|value| clean(value).into_owned());
    let number =
        |name: &str| given(name).and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
    let took = number("took_ms").and_then(|ms| i64::try_from(ms).ok());
    let pieces = [
        Some(clean(&line.message).into_owned()),
        given("account").map(|short| named(&short)),
        given("model"),
        took.map(|ms| calendar::took(Span::millis(ms))),
        given("note").map(|note| format!("· {note} ·")),
        number("tokens").map(|tokens| match tokens {
            0..1_000 => format!("{tokens} tokens"),
            _ => format!("{}.{}k tokens", tokens / 1_000, tokens % 1_000 / 100),
        }),
        given("session").map(|session| format!("session {session}")),
        given("request").map(|request| format!("request {request}")),
    ];
    pieces.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The account behind a short key; what is no key stays as it is.
fn account_named(world: &World, short: &str) -> String {
    let found = world.roster.accounts.iter().map(|account| &account.key).find(|key| key.short() == short);
    found.map_or_else(|| short.to_owned(), |key: &AccountKey| short_name(world, key))
}

/// Where the parts of the tab stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Column titles; empty above the lines of the log.
    pub header: Rect,
    /// Rows.
    pub list: Rect,
    /// The diagnosis, or the focused session, its rule first; empty where it does not fit.
    pub below: Rect,
}

/// Lines of the diagnosis with its rule, and of the focused session.
const DIAGNOSIS: u16 = 6;
const SESSION: u16 = 7;

/// Divides the body.
pub fn places(layout: &Layout, pane: Pane) -> Places {
    let body = layout.body;
    let none = Rect::new(body.x, body.y, 0, 0);
    let lines =
        |from: u16, height: u16| Rect::new(body.x, body.y + from, body.width, height).intersection(body);
    let below = match (pane, layout.kind) {
        (Pane::Lines, Kind::Medium) if layout.has_strip() => DIAGNOSIS,
        (Pane::Sessions, Kind::Wide) => SESSION,
        (Pane::Sessions, Kind::Medium) if layout.has_strip() => SESSION,
        (Pane::Lines | Pane::Sessions, _) => 0,
    };
    let above = u16::from(layout.kind != Kind::Narrow);
    let title = u16::from(pane == Pane::Sessions);
    let gap = u16::from(below > 0);
    let rest = body.height.saturating_sub(above + title + below + gap);
    Places {
        header: if title > 0 { lines(above, 1) } else { none },
        list: lines(above + title, rest),
        below: if below > 0 { lines(body.height.saturating_sub(below), below) } else { none },
    }
}
