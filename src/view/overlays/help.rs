//! The keys of the screen below, in as many columns as fit.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::app::field::window;
use crate::app::keys::{Entry, Group};
use crate::app::overlays::help::Help;
use crate::base::text::truncate;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::CUT;

/// A line of the help before it is placed.
enum Line {
    Title(Group),
    Key(Entry),
    Blank,
}

/// Cells of one column.
const COLUMN: u16 = 38;

/// Draws the help; returns the caret while the filter is typed.
pub fn render(scene: &Scene, help: &Help, buffer: &mut Buffer) -> Option<Position> {
    let skin = scene.skin;
    let screen = scene.layout.screen;
    let count = match screen.width {
        ..76 => 1,
        76..120 => 2,
        _ => 3,
    };
    let entries = help.entries();
    let columns = columns(entries, count);
    let tallest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let height = u16::try_from(tallest + 2).unwrap_or(u16::MAX);
    let width_wanted = (COLUMN * u16::try_from(count).unwrap_or(1) + 4).min(screen.width.saturating_sub(2));
    let area = centred(room(&scene.layout), width_wanted, height);
    let title = format!("Help · {}", help.title);
    let modal = Modal { title: &title, note: "↑↓ scroll · / filter · esc close" };
    let inner = modal.frame(area, buffer, skin);
    let offset = help.offset.min(tallest.saturating_sub(usize::from(inner.height)));
    let share = inner.width / u16::try_from(count).unwrap_or(1);
    for (place, lines) in (0u16..).zip(columns) {
        let part = Rect::new(inner.x + 1 + place * share, inner.y, share.saturating_sub(1), inner.height);
        let mut pen = Pen::new(buffer, part.intersection(inner));
        for (row, line) in (0..inner.height).zip(lines.iter().skip(offset)) {
            draw(scene, &mut pen, row, line);
        }
    }
    let field = help.filter.as_ref()?;
    let bottom =
        Rect::new(area.x + 2, area.bottom().saturating_sub(1), area.width.saturating_sub(4).min(24), 1);
    let (text, caret) = window(field, Rect { width: bottom.width.saturating_sub(3), ..bottom });
    let mut pen = Pen::new(buffer, bottom);
    pen.run(0, 0, &[(" / ", skin.accent()), (&text, skin.text()), (" ", skin.text())]);
    Some(Position::new(bottom.x + 3 + caret, bottom.y))
}

fn draw(scene: &Scene, pen: &mut Pen, row: u16, line: &Line) {
    let skin = scene.skin;
    match line {
        Line::Blank => {}
        Line::Title(group) => {
            pen.put(0, row, group.title(), skin.heading());
        }
        Line::Key(entry) => {
            let after = pen.put(1, row, &truncate(&entry.keys, 18, CUT), skin.accent());
            let column = 15.max(after + 1);
            let room = usize::from(pen.width().saturating_sub(column));
            pen.put(column, row, &truncate(entry.label, room, CUT), skin.text());
        }
    }
}

/// Whole groups, dealt to columns so that they end about equally low.
fn columns(entries: Vec<Entry>, count: usize) -> Vec<Vec<Line>> {
    let total = entries.len() + 2 * 5;
    let target = total.div_ceil(count.max(1));
    let mut columns: Vec<Vec<Line>> = vec![Vec::new()];
    let mut group = None;
    let sizes = |group: Group, entries: &[Entry]| entries.iter().filter(|entry| entry.group == group).count();
    let all = entries.clone();
    for entry in entries {
        if group != Some(entry.group) {
            group = Some(entry.group);
            let size = sizes(entry.group, &all) + 1;
            let full = columns.last().is_some_and(|lines| !lines.is_empty() && lines.len() + size > target);
            if full && columns.len() < count {
                columns.push(Vec::new());
            }
            if let Some(lines) = columns.last_mut() {
                if !lines.is_empty() {
                    lines.push(Line::Blank);
                }
                lines.push(Line::Title(entry.group));
            }
        }
        if let Some(lines) = columns.last_mut() {
            lines.push(Line::Key(entry));
        }
    }
    columns
}
