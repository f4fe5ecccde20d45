//! What was used: requests over time, and who or what used them (dashboard.md §12.6).

mod budgets;
mod models;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::usage::{Pane, Usage, chart_rows, limit_lines, places};
use crate::base::calendar;
use crate::base::text::{clean, truncate};
use crate::domain::usage::reading::By;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::chart::{Base, Chart, SCALE};
use crate::view::widgets::scrollbar::Scrollbar;
use crate::view::words::{CUT, count, tokens};

/// Draws the tab.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let usage = &scene.ui.usage;
    context(scene, buffer);
    if usage.pane == Pane::Models {
        models::render(scene, buffer);
    } else if usage.pane == Pane::Budgets {
        budgets::render(scene, buffer);
    } else {
        let places = places(&scene.layout, usage.order.len(), limit_lines(&usage.budgets));
        budgets::strip(scene, places.budgets, buffer);
        chart(scene, places.title, places.chart, buffer);
        table::header(scene, places.header, buffer);
        table::rows(scene, places.list, buffer);
        let bar = Scrollbar { offset: usage.offset, count: usage.order.len(), style: scene.skin.border() };
        (&bar).render(places.list, buffer);
        table::total(scene, places.total, buffer);
        table::beside(scene, places.beside, buffer);
        let mut pen = Pen::new(buffer, places.ledger);
        let room = usize::from(pen.width().saturating_sub(2));
        pen.put(1, 0, &truncate(&ledger(scene), room, CUT), scene.skin.dim());
    }
    if scene.layout.kind == Kind::Wide {
        side(scene, scene.layout.side, buffer);
    }
}

fn context(scene: &Scene, buffer: &mut Buffer) {
    let usage = &scene.ui.usage;
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, scene.layout.context);
    let grouped = if scene.layout.kind == Kind::Wide { "grouped by" } else { "by" };
    let mut words = format!("   {}   {grouped} {}", window(scene), usage.by.word());
    if let Some((by, key)) = &usage.only {
        let name = if *by == By::Account { usage.names.get(key).unwrap_or(key) } else { key };
        words = format!("   {}   ‹ {}   by {}", window(scene), scene.masked(&clean(name)), usage.by.word());
    }
    if !usage.filter.is_empty() {
        words = format!("{words}   '{}'", clean(&usage.filter));
    }
    if usage.pane == Pane::Models {
        "   models by account".clone_into(&mut words);
    }
    if usage.pane == Pane::Budgets {
        words = format!("   {}", count(u64::try_from(usage.budgets.len()).unwrap_or(0), "budget"));
    }
    let after = pen.run(1, 0, &[("Usage", skin.heading()), (&words, skin.text())]);
    let Some(reading) = &usage.reading else { return };
    let end = pen.width().saturating_sub(1);
    let used = format!("{} tokens", tokens(reading.totals.tokens.total));
    let all = format!("{}  {used}", count(reading.totals.requests, "request"));
    let room = usize::from(end.saturating_sub(after + 2));
    let text = if all.len() <= room { all } else { used };
    if text.len() <= room {
        pen.put_right(end, 0, &text, skin.dim());
    }
}

fn window(scene: &Scene) -> String {
    let usage = &scene.ui.usage;
    match usage.range {
        None => usage.window.words().to_owned(),
        Some((since, until)) => {
            let since = since.map_or_else(|| "all".to_owned(), |at| format!("since {}", scene.near(at)));
            let until = until.map(|at| format!(" until {}", scene.near(at))).unwrap_or_default();
            format!("{since}{until}")
        }
    }
}

fn chart(scene: &Scene, title: Rect, area: Rect, buffer: &mut Buffer) {
    let Usage { reading: Some(reading), .. } = &scene.ui.usage else { return };
    let (Some(since), Some(until)) = (reading.query.since, reading.query.until) else { return };
    if area.height == 0 || reading.parts.is_empty() {
        return;
    }
    let (count, unit) = scene.ui.usage.window.parts();
    let mut pen = Pen::new(buffer, title);
    let words = match scene.ui.usage.range {
        None => format!("requests per {unit}"),
        Some(_) => "requests".to_owned(),
    };
    pen.put(1, 0, &words, scene.skin.dim());
    let room = usize::from(area.width.saturating_sub(SCALE + 2));
    let each = (room / count.max(1)).clamp(1, 3);
    let shown = reading.parts.len().min(room / each);
    let skipped = reading.parts.len() - shown;
    let columns: Vec<u32> =
        reading.parts.iter().skip(skipped).flat_map(|part| std::iter::repeat_n(*part, each)).collect();
    let length = since.until(until);
    let moment = |part: usize| {
        let share = i64::try_from(part).unwrap_or(0) * length.as_millis();
        since + crate::base::Span::millis(share / i64::try_from(count.max(1)).unwrap_or(1))
    };
    let day = length > crate::base::Span::days(2);
    let mut times: Vec<(u16, String)> = (0..4)
        .map(|quarter| {
            let part = skipped + shown * quarter / 4;
            let column = u16::try_from((part - skipped) * each).unwrap_or(0);
            let at = moment(part);
            let zone = &scene.world.setting.zone;
            (column, if day { calendar::day(at, zone) } else { calendar::clock(at, zone) })
        })
        .collect();
    let end = u16::try_from(columns.len()).unwrap_or(0).saturating_sub(3);
    if scene.ui.usage.range.is_none() {
        times.push((end, "now".to_owned()));
    }
    let rows = chart_rows(scene.layout.kind);
    let base = if scene.layout.kind == Kind::Wide { Base::Line } else { Base::Bare };
    let chart = Chart {
        buckets: &columns,
        rows,
        times: &times,
        base,
        columns: scene.skin.accent(),
        scale: scene.skin.dim(),
    };
    (&chart).render(area, buffer);
}

/// Size and age of the ledger, or what is wrong with it.
fn ledger(scene: &Scene) -> String {
    let usage = &scene.ui.usage;
    if let Some(trouble) = &usage.trouble {
        return clean(trouble).into_owned();
    }
    let Some(reading) = &usage.reading else { return "the ledger is being read".to_owned() };
    let most = mebibytes(scene.world.settings.ledger_max_bytes);
    let mut text = format!("ledger {}, rotates at {most}", mebibytes(reading.size));
    if reading.skipped > 0 {
        text = format!("{text}; {} passed over", count(reading.skipped, "line"));
    }
    text
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    match tenths {
        0 => format!("{} KiB", bytes.div_ceil(1 << 10)),
        tenths if tenths % 10 == 0 => format!("{} MiB", tenths / 10),
        tenths => format!("{}.{} MiB", tenths / 10, tenths % 10),
    }
}

/// Projects and the ledger itself.
fn side(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let skin = scene.skin;
    let usage = &scene.ui.usage;
    let mut pen = Pen::new(buffer, area);
    for row in 0..area.height {
        pen.put(0, row, "│", skin.border());
    }
    let mut row = budgets::side(scene, &mut pen, 1);
    pen.put(2, row, "Projects", skin.heading());
    row += 2;
    let projects = usage.beside(By::Project);
    let most = projects.iter().map(|(_, bucket)| bucket.requests).max().unwrap_or(0).max(1);
    if projects.is_empty() {
        pen.put(2, row, "none yet", skin.dim());
        row += 1;
    }
    for (key, bucket) in projects.into_iter().take(8) {
        let name = if key == "global" { "(none)".into() } else { clean(key) };
        pen.put(2, row, &truncate(&name, 15, CUT), skin.text());
        let cells = u16::try_from(bucket.requests * 16 / most).unwrap_or(16).clamp(1, 16);
        pen.fill(18, row, cells, "█", skin.accent());
        let end = pen.width().saturating_sub(2);
        pen.put_right(end, row, &bucket.requests.to_string(), skin.text());
        row += 1;
    }
    row += 1;
    pen.put(2, row, "Cost", skin.heading());
    row += 1;
    if let Some(reading) = &usage.reading {
        pen.put(2, row, &format!("${:.2} at API prices", reading.totals.cost), skin.text());
        row += 1;
        if reading.totals.unpriced > 0 {
            let text = format!("{} without a price", count(reading.totals.unpriced, "request"));
            pen.put(2, row, &text, skin.dim());
            row += 1;
        }
    }
    row += 1;
    pen.put(2, row, "Ledger", skin.heading());
    let room = usize::from(pen.width().saturating_sub(4));
    let text = ledger(scene);
    let text = text.strip_prefix("ledger ").unwrap_or(&text);
    for line in crate::base::text::wrap(text, room).into_iter().take(3) {
        row += 1;
        pen.put(2, row, &line, skin.text());
    }
    if let Some(first) = usage.reading.as_ref().and_then(|reading| reading.first) {
        row += 1;
        let day = calendar::day(first, &scene.world.setting.zone);
        pen.put(2, row, &format!("first entry {day}, local only"), skin.dim());
    }
}
