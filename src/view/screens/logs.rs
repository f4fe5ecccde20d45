//! What went wrong and whether all is healthy: lines of the log, the diagnosis, kept sessions (dashboard.md §12.9).

pub mod diagnosis;
pub mod sessions;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::logs::{Pane, places, words_with};
use crate::app::screens::monitor::Follow;
use crate::base::text::{clean, truncate};
use crate::base::{calendar, text};
use crate::domain::log::{Level, Line};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::scrollbar::Scrollbar;
use crate::view::words::{CUT, count};

/// Draws the tab.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let logs = &scene.ui.logs;
    let places = places(&scene.layout, logs.pane);
    context(scene, buffer);
    if logs.pane == Pane::Sessions {
        sessions::render(scene, &places, buffer);
        return;
    }
    lines(scene, places.list, buffer);
    let bar = Scrollbar { offset: logs.offset, count: logs.order.len(), style: scene.skin.border() };
    (&bar).render(places.list, buffer);
    diagnosis::below(scene, places.below, buffer);
    if scene.layout.kind == Kind::Wide {
        diagnosis::side(scene, scene.layout.side, buffer);
    }
}

/// What the message line says when nothing else does.
pub fn quiet(scene: &Scene) -> String {
    match scene.ui.logs.pane {
        Pane::Lines => "tokens are always masked; * shows or hides e-mail addresses".to_owned(),
        Pane::Sessions => "sessions stay where the official CLI keeps them; they are only read".to_owned(),
    }
}

fn context(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let logs = &scene.ui.logs;
    let mut pen = Pen::new(buffer, scene.layout.context);
    let end = pen.width().saturating_sub(1);
    if logs.pane == Pane::Sessions {
        sessions::context(scene, &mut pen, end);
        return;
    }
    let part =
        logs.part.as_deref().map_or_else(|| "all parts".to_owned(), |part| format!("part {}", clean(part)));
    let what = format!("   {part}   level ≥ {}", logs.level.word());
    let after = pen.run(1, 0, &[("Logs", skin.heading()), (&what, skin.text())]);
    let follow = if logs.follow == Follow::On { "follow on" } else { "follow off" };
    let lines = count(u64::try_from(logs.order.len()).unwrap_or(u64::MAX), "line");
    let mut right = format!("{follow}   {lines}");
    if !logs.needle.is_empty() {
        let hits = count(u64::try_from(logs.hits(scene.world).len()).unwrap_or(u64::MAX), "hit");
        right = format!("'{}' {hits}   {right}", clean(&logs.needle));
    }
    let room = usize::from(end.saturating_sub(after + 2));
    pen.put_right(end, 0, &truncate(&right, room, CUT), skin.dim());
}

/// Where the columns stand.
struct Columns {
    level: u16,
    part: u16,
    text: u16,
    millis: bool,
}

impl Columns {
    fn of(scene: &Scene) -> Self {
        match scene.layout.kind {
            Kind::Wide => Self { level: 14, part: 21, text: 29, millis: true },
            Kind::Medium | Kind::Narrow | Kind::Pane | Kind::TooSmall => {
                Self { level: 10, part: 16, text: 25, millis: false }
            }
        }
    }
}

fn lines(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let logs = &scene.ui.logs;
    let columns = Columns::of(scene);
    for row in 0..area.height {
        let place = logs.offset + usize::from(row);
        let Some(line) = logs.line(place) else { break };
        let mut pen = Pen::new(buffer, Rect::new(area.x, area.y + row, area.width, 1));
        one(scene, &mut pen, &columns, line);
        if place == logs.place {
            pen.put(0, 0, "▸", scene.skin.accent());
            let width = pen.width();
            pen.paint(0, 0, width, scene.skin.selection());
        }
    }
    if logs.order.is_empty() {
        nothing(scene, area, buffer);
    }
}

fn one(scene: &Scene, pen: &mut Pen, columns: &Columns, line: &Line) {
    let skin = scene.skin;
    let mut time = calendar::clock_seconds(line.at, &scene.world.setting.zone);
    if columns.millis {
        time = format!("{time}.{:03}", line.at.millis().rem_euclid(1_000));
    }
    pen.put(1, 0, &time, skin.dim());
    pen.put(columns.level, 0, line.level.word(), tone(scene, line.level));
    let room = usize::from(columns.text.saturating_sub(columns.part + 1));
    pen.put(columns.part, 0, &truncate(&clean(&line.part), room, CUT), skin.dim());
    let text = scene.veiled(&said(scene, line));
    let room = usize::from(pen.width().saturating_sub(columns.text + 1));
    let text = truncate(&text, room, CUT);
    let after = pen.put(columns.text, 0, &text, skin.text());
    let needle = &scene.ui.logs.needle;
    if let Some(from) = position(&text, needle) {
        let start = columns.text + u16::try_from(from).unwrap_or(0);
        let wide = u16::try_from(text::width(needle)).unwrap_or(0).min(after.saturating_sub(start));
        pen.paint(0, start, wide, skin.accent());
    }
}

/// The column of the first place that holds what is looked for.
fn position(text: &str, needle: &str) -> Option<usize> {
    if needle.is_empty() {
        return None;
    }
    let (text, needle) = (text.to_lowercase(), needle.to_lowercase());
    let at = text.find(&needle)?;
    Some(text::width(text.get(..at)?))
}

/// A line as people read it, accounts named as everywhere on the screen.
fn said(scene: &Scene, line: &Line) -> String {
    words_with(line, &|short| {
        let key =
            scene.world.roster.accounts.iter().map(|account| &account.key).find(|key| key.short() == short);
        key.map_or_else(|| short.to_owned(), |key| scene.short_name_of(Some(key)))
    })
}

fn tone(scene: &Scene, level: Level) -> Style {
    match level {
        Level::Trace | Level::Debug => scene.skin.dim(),
        Level::Info => scene.skin.text(),
        Level::Warn => scene.skin.warn(),
        Level::Error => scene.skin.bad(),
    }
}

fn nothing(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let logs = &scene.ui.logs;
    let (text, style) = match &logs.tail {
        None => ("the log is being read".to_owned(), scene.skin.dim()),
        Some(tail) => match &tail.trouble {
            Some(why) => (clean(why).into_owned(), scene.skin.bad()),
            None if tail.lines.is_empty() => (
                "nothing is logged yet: running sessions and proxies write here".to_owned(),
                scene.skin.dim(),
            ),
            None => ("no line of this part and level; l and p choose others".to_owned(), scene.skin.dim()),
        },
    };
    let mut pen = Pen::new(buffer, area);
    let room = usize::from(pen.width().saturating_sub(4));
    pen.put(3, 0, &truncate(&text, room, CUT), style);
}
