//! Commands found by typing.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::app::field::window;
use crate::app::geometry::Kind;
use crate::app::overlays::palette::{Palette, room as rows_for};
use crate::base::text::{truncate, truncate_middle};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::CUT;

/// Draws the palette; returns the caret.
pub fn render(scene: &Scene, palette: &Palette, buffer: &mut Buffer) -> Option<Position> {
    let skin = scene.skin;
    let screen = scene.layout.screen;
    let wide = scene.layout.kind == Kind::Wide;
    let rows = u16::try_from(rows_for(screen.height)).unwrap_or(3);
    let width = if wide { 80 } else { 56 }.min(screen.width.saturating_sub(2));
    let area = centred(room(&scene.layout), width, rows + 5);
    let shown = palette.rows.len();
    let note = format!("{shown} of {}", palette.total);
    let inner = Modal { title: "", note: &note }.frame(area, buffer, skin);
    let field = Rect::new(inner.x + 3, inner.y, inner.width.saturating_sub(4), 1).intersection(inner);
    let (text, caret) = window(&palette.field, field);
    let mut pen = Pen::new(buffer, area);
    pen.run(2, 1, &[(": ", skin.accent()), (&text, skin.text())]);
    let last = area.width.saturating_sub(1);
    pen.fill(1, 2, last.saturating_sub(1), "─", skin.border());
    pen.put(0, 2, "├", skin.border());
    pen.put(last, 2, "┤", skin.border());
    let mut pen = Pen::new(buffer, inner);
    let end = inner.width.saturating_sub(2);
    let command = if wide { 42 } else { end };
    for (line, (place, row)) in (2..2 + rows).zip(palette.rows.iter().enumerate().skip(palette.offset)) {
        let chosen = place == palette.place;
        if chosen {
            pen.put(1, line, "▸", skin.accent());
        }
        let key_room = if row.key.is_empty() { 0 } else { 10 };
        let title_end = if wide { command } else { end - key_room.min(end) };
        let title = truncate_middle(&scene.veiled(&row.title), usize::from(title_end.saturating_sub(4)), CUT);
        pen.put(3, line, &title, skin.text());
        if wide {
            let room = usize::from(end.saturating_sub(command + 8));
            pen.put(command, line, &truncate(&scene.veiled(&row.command), room, CUT), skin.dim());
        }
        pen.put_right(end, line, &row.key, skin.accent());
        if chosen {
            let width = pen.width();
            pen.paint(line, 0, width, skin.selection());
        }
    }
    let below = usize::from(rows) + palette.offset;
    if shown > below {
        pen.put(3, 2 + rows, &format!("{CUT} {} more", shown - below), skin.dim());
    }
    if shown == 0 {
        pen.put(3, 2, "nothing matches", skin.dim());
    }
    Some(Position::new(field.x + caret, field.y))
}
