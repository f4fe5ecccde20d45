//! What a command said.

use ratatui::buffer::Buffer;

use crate::app::overlays::told::{Told, WIDEST, room as rows_for};
use crate::base::text::{clean, truncate};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::CUT;

/// Draws it.
pub fn render(scene: &Scene, open: &Told, buffer: &mut Buffer) {
    let skin = scene.skin;
    let screen = scene.layout.screen;
    let rows = open.lines.len().clamp(1, rows_for(screen.height));
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX);
    let area = centred(room(&scene.layout), WIDEST.min(screen.width.saturating_sub(2)), height);
    let note = if open.lines.len() > rows {
        format!("{}-{} of {}", open.offset + 1, open.offset + rows, open.lines.len())
    } else {
        String::new()
    };
    let inner = Modal { title: open.outcome.command, note: &note }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    let width = usize::from(pen.width().saturating_sub(2));
    for (row, line) in (0..inner.height).zip(open.lines.iter().skip(open.offset)) {
        let text = scene.veiled(&clean(line));
        pen.put(1, row, &truncate(&text, width, CUT), skin.text());
    }
    if open.lines.is_empty() {
        pen.put(1, 0, "nothing to tell", skin.dim());
    }
}
