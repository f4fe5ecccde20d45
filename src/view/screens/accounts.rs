//! The list of accounts, with the focused one below or beside it.

pub mod panels;
pub mod row;
pub mod side;
pub mod strip;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::accounts::{Sort, places};
use crate::base::text::{truncate, width};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::scrollbar::Scrollbar;
use crate::view::words::CUT;

/// Draws the tab.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let list = &scene.ui.accounts;
    let places = places(&scene.layout, list);
    context(scene, buffer, usize::from(places.list.height / list.row_height()));
    row::header(scene, places.header, buffer);
    row::rows(scene, places.list, buffer);
    let bar = Scrollbar { offset: list.offset, count: list.order.len(), style: scene.skin.border() };
    (&bar).render(places.list, buffer);
    if list.order.is_empty() {
        let text = format!("no account holds '{}'; esc clears the filter", list.filter);
        let mut pen = Pen::new(buffer, places.list);
        let text =
            truncate(&crate::base::text::clean(&text), usize::from(pen.width().saturating_sub(4)), CUT);
        pen.put(3, 0, &text, scene.skin.dim());
    }
    strip::render(scene, places.strip, buffer);
    panels::pool(scene, places.pool, buffer);
    panels::requests(scene, places.requests, buffer);
    if scene.layout.kind == Kind::Wide {
        side::render(scene, scene.layout.side, buffer);
    }
}

/// Where am I: how many accounts in which state at the left; order, filter and age of the figures at the right.
fn context(scene: &Scene, buffer: &mut Buffer, room: usize) {
    let skin = scene.skin;
    let list = &scene.ui.accounts;
    let census = list.census;
    let wide = scene.layout.kind == Kind::Wide;
    let gap = if wide { "   " } else { "  " };
    let total = crate::view::words::count(u64::try_from(census.total).unwrap_or(u64::MAX), "account");
    let mut pieces: Vec<(String, Style)> = vec![(format!(" {total}"), skin.text())];
    for (count, word, style) in [
        (census.ready, "ready", skin.good()),
        (census.waiting, "waiting", skin.warn()),
        (census.sign_in, "sign-in", skin.bad()),
        (census.uncertain, "uncertain", skin.bad()),
        (census.held, "held", skin.dim()),
        (census.off, "off", skin.dim()),
    ] {
        if count > 0 {
            pieces.push((format!("{gap}{count} {word}"), style));
        }
    }
    let mut pen = Pen::new(buffer, scene.layout.context);
    let pieces: Vec<(&str, Style)> = pieces.iter().map(|(text, style)| (text.as_str(), *style)).collect();
    let after = pen.run(0, 0, &pieces);
    let end = pen.width().saturating_sub(1);
    let free = usize::from(end.saturating_sub(after + 2));
    for text in tellings(scene, room) {
        if width(&text) <= free {
            pen.put_right(end, 0, &text, skin.dim());
            return;
        }
    }
}

/// What the right side says, the fullest version first.
fn tellings(scene: &Scene, room: usize) -> Vec<String> {
    let list = &scene.ui.accounts;
    let mut parts = Vec::new();
    let shown = list.order.len();
    if !list.filter.is_empty() {
        parts.push(format!("'{}' {shown} of {}", crate::base::text::clean(&list.filter), list.census.total));
    }
    if shown > room {
        parts.push(format!("{}-{} of {shown}", list.offset + 1, (list.offset + room).min(shown)));
    }
    let sort = match (scene.layout.kind, list.sort) {
        (Kind::Wide, sort) => format!("sort: {}", sort.words()),
        (_, Sort::ReadyFirst | Sort::Stored) => list.sort.words().to_owned(),
    };
    let keep = parts.len();
    parts.push(sort);
    if let Some(oldest) = list.oldest {
        parts.push(format!("limits {}", scene.ago(oldest)));
    }
    (keep.max(1)..=parts.len())
        .rev()
        .filter_map(|count| parts.get(..count))
        .map(|parts| parts.join(" · "))
        .collect()
}
